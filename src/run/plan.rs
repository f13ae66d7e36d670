//! What a run asks, in the order in which it is asked and recorded. Made from the spec and the people alone, before any
//! model is opened.

use std::collections::{BTreeSet, HashSet};

use super::{People, RunError, Shard, ShardEntry, Spec};
use crate::probe::{DonorPool, Donors, Split, Splitting};
use crate::scoring::{Condition, Control, Outcome};
use crate::survey::{Form, QuestionIndex};

/// Conditions of one person and one split that share a token tree: those that show the same kind of thing (demographics or
/// none, one form, one category), for whatever methods, numbers of demonstrations and controls. Its outcomes are
/// recorded when the tree has been walked, and a kill costs at most one tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Position of the person among everyone in the survey file.
    pub person: usize,
    /// Which questions are probes.
    pub split: Split,
    /// The probes that the person answered, with the position of their own answer.
    pub probes: Vec<(QuestionIndex, usize)>,
    /// The conditions that are asked, as positions in [`Plan::conditions`], each with whose demonstrations are shown (a position
    /// among everyone).
    pub conditions: Vec<(usize, usize)>,
    /// Number of the unit's first outcome.
    pub first: usize,
}

impl Unit {
    /// Number of outcomes.
    pub fn outcomes(&self) -> usize {
        self.conditions.len() * self.probes.len()
    }
}

/// All of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The conditions of the grid.
    pub conditions: Vec<Condition>,
    /// The splits.
    pub splits: Vec<Split>,
    /// Positions of its people among everyone in the survey file, in order.
    pub people: Vec<usize>,
    /// Units in order.
    pub units: Vec<Unit>,
    /// Number of all outcomes.
    pub outcomes: usize,
    /// People for whom a condition of the grid cannot be asked, by reason; they are left out of that condition.
    pub left_out: Vec<String>,
    /// Which part of a run it is; absent where it is all of it.
    pub shard: Option<ShardEntry>,
    /// Outcomes up to the end of each person; of the plan of a whole run only.
    ends: Vec<usize>,
}

impl Plan {
    /// Plans the run of a spec over these people.
    pub fn new(spec: &Spec, people: &People) -> Result<Self, RunError> {
        Self::of_those(spec, people, |_| true)
    }

    /// The same where nothing but one shard is to be computed: what all others are asked is counted, and their units are left
    /// out. [`of_shard`](Self::of_shard) makes the shard's own plan of it.
    pub(crate) fn around(shard: Shard, spec: &Spec, people: &People) -> Result<Self, RunError> {
        Self::of_those(spec, people, |position| shard.has(position))
    }

    /// The plan with the units of those people whose position is wanted.
    fn of_those(spec: &Spec, people: &People, wanted: impl Fn(usize) -> bool) -> Result<Self, RunError> {
        let conditions = spec.conditions(&people.catalogue)?;
        if people.demographics.country.is_none() && spec.grid.controls.contains(&Control::SameCountry) {
            return Err(RunError::NoCountries);
        }
        let splits: BTreeSet<Split> = spec.grid.splits.iter().copied().collect();
        let splits: Vec<Split> = splits.into_iter().collect();
        let mut owners = Owners::new(spec, people, &conditions);
        let splitting = Splitting::new(&people.catalogue);
        let (mut units, mut ends) = (Vec::new(), Vec::with_capacity(people.chosen.len()));
        let mut outcomes = 0;
        for (position, &person) in people.chosen.iter().enumerate() {
            for &split in &splits {
                let probes = people.probes(&splitting, person, split);
                let asked = owners.of(person, split);
                if !wanted(position) {
                    outcomes += probes.len() * asked.len();
                    continue;
                }
                for tree in asked.chunk_by(|(a, _), (b, _)| conditions[*a].shares_tree(&conditions[*b])) {
                    let unit = Unit {
                        person,
                        split,
                        probes: probes.clone(),
                        conditions: tree.to_vec(),
                        first: outcomes,
                    };
                    outcomes += unit.outcomes();
                    units.push(unit);
                }
            }
            ends.push(outcomes);
        }
        let ids = owners.alone.into_iter();
        let alone = match people.catalogue.is_of_builtin_survey() {
            true => "no compatriot",
            false => "nobody else of the same group",
        };
        let left_out = ids
            .map(|id| format!("respondent {id}: {alone} in the survey file"))
            .collect();
        Ok(Self {
            conditions,
            splits,
            people: people.chosen.clone(),
            units,
            outcomes,
            left_out,
            shard: None,
            ends,
        })
    }

    /// The part of a whole plan that a shard computes. `skipped` people at its front are nobody's: the run has them in one
    /// piece.
    #[must_use]
    pub fn of_shard(self, shard: Shard, skipped: usize) -> Self {
        let entry = ShardEntry {
            number: shard.number(),
            of: shard.of(),
            skipped,
            respondents: self.people.len(),
            outcomes: self.outcomes,
        };
        let placed = self.people.iter().copied().enumerate().skip(skipped);
        let people: Vec<usize> = placed
            .filter(|&(at, _)| shard.has(at))
            .map(|(_, person)| person)
            .collect();
        let own: HashSet<usize> = people.iter().copied().collect();
        let mut outcomes = 0;
        let mut units = self.units;
        units.retain_mut(|unit| {
            let kept = own.contains(&unit.person);
            if kept {
                unit.first = outcomes;
                outcomes += unit.outcomes();
            }
            kept
        });
        Self {
            people,
            units,
            outcomes,
            shard: Some(entry),
            ends: Vec::new(),
            ..self
        }
    }

    /// The part of a whole plan that a folder with this entry holds: all of it where there is none.
    #[must_use]
    pub(crate) fn of_entry(self, entry: Option<&ShardEntry>) -> Self {
        match entry.and_then(|entry| Some((entry.shard()?, entry.skipped))) {
            Some((shard, skipped)) => self.of_shard(shard, skipped),
            None => self,
        }
    }

    /// How many people at the front of a whole run have all of their records among the first `recorded`.
    pub(crate) fn whole_people(&self, recorded: usize) -> usize {
        self.ends.partition_point(|&end| end <= recorded)
    }

    /// The units of each person and split.
    pub(crate) fn person_splits(&self) -> impl Iterator<Item = &[Unit]> {
        self.units.chunk_by(|a, b| (a.person, a.split) == (b.person, b.split))
    }

    /// Where outcome number `index` belongs: unit, condition and probe, as positions in units, the unit's conditions and probes.
    pub fn locate(&self, index: usize) -> Option<(usize, usize, usize)> {
        let unit = self.units.partition_point(|unit| unit.first <= index).checked_sub(1)?;
        // Units without outcomes share their first number with the next one; the last of those has them.
        let within = index - self.units[unit].first;
        let probes = self.units[unit].probes.len();
        (within < self.units[unit].outcomes()).then(|| (unit, within / probes, within % probes))
    }

    /// Whether a recorded outcome is number `index` of this plan.
    ///
    /// # Errors
    /// What stands there in place of what belongs there.
    pub(crate) fn check(&self, people: &People, index: usize, outcome: &Outcome) -> Result<(), String> {
        let Some((unit, condition, probe)) = self.locate(index) else {
            return Err(format!("the plan has {} outcomes only", self.outcomes));
        };
        let unit = &self.units[unit];
        let (question, label) = unit.probes[probe];
        let expected = (
            people.everyone.id(unit.person),
            unit.split.number(),
            people.catalogue.questions[question].id,
            &self.conditions[unit.conditions[condition].0],
            label,
        );
        let found = (
            outcome.respondent.as_str(),
            outcome.split,
            outcome.question,
            &outcome.condition,
            outcome.label,
        );
        if found == expected {
            return Ok(());
        }
        let (asked, wanted) = ((found.0, found.1, found.2), (expected.0, expected.1, expected.2));
        Err(if asked != wanted {
            format!(
                "respondent {}, split {}, {} stands where respondent {}, split {}, {} belongs",
                found.0, found.1, found.2, expected.0, expected.1, expected.2
            )
        } else if found.3 != expected.3 {
            format!(
                "another condition belongs here, with another {}",
                apart(found.3, expected.3).join(", ")
            )
        } else {
            format!(
                "`label` is {} where the survey has {} as the respondent's own answer",
                found.4, expected.4
            )
        })
    }
}

/// What two conditions do not have in common, by the names that records have for it.
fn apart(a: &Condition, b: &Condition) -> Vec<&'static str> {
    let parts = [
        ("`method`", a.method == b.method),
        ("`demonstrations`", a.demonstrations == b.demonstrations),
        ("`form`", a.form == b.form),
        ("`demographics`", a.demographics == b.demographics),
        ("`restricted_to`", a.category == b.category),
        ("`control`", a.control == b.control),
    ];
    let apart = parts.into_iter().filter(|(_, same)| !same);
    apart.map(|(name, _)| name).collect()
}

/// Whose demonstrations each condition shows of a person.
struct Owners<'a> {
    people: &'a People,
    conditions: &'a [Condition],
    seed: u64,
    /// Absent where no condition shows a stranger's.
    donors: Option<Donors<'a>>,
    /// People without a compatriot, by id.
    alone: BTreeSet<&'a str>,
}

impl<'a> Owners<'a> {
    fn new(spec: &Spec, people: &'a People, conditions: &'a [Condition]) -> Self {
        let everyone = &people.everyone;
        let strangers = conditions.iter().any(|condition| pool(condition.control).is_some());
        Self {
            people,
            conditions,
            seed: spec.demonstrations.seed,
            donors: strangers.then(|| Donors::new((0..everyone.len()).map(|at| (everyone.id(at), people.country(at))))),
            alone: BTreeSet::new(),
        }
    }

    /// The conditions that can be asked of a person in a split, as positions, each with whose demonstrations it shows.
    fn of(&mut self, person: usize, split: Split) -> Vec<(usize, usize)> {
        let mut asked = Vec::new();
        for (index, condition) in self.conditions.iter().enumerate() {
            let owner = match (pool(condition.control), &self.donors) {
                (Some(pool), Some(donors)) => donors.donor(person, split, pool, self.seed),
                _ => Some(person),
            };
            match owner {
                Some(owner) => asked.push((index, owner)),
                None => {
                    self.alone.insert(self.people.everyone.id(person));
                }
            }
        }
        asked
    }
}

/// Among whom a stranger is drawn; absent where no stranger's demonstrations are shown.
fn pool(control: Control) -> Option<DonorPool> {
    match control {
        Control::Own | Control::None => None,
        Control::Random => Some(DonorPool::Everyone),
        Control::SameCountry => Some(DonorPool::Country),
    }
}

impl People {
    /// The questions of a split that a person answered, with the position of their own answer.
    fn probes(&self, splitting: &Splitting, person: usize, split: Split) -> Vec<(QuestionIndex, usize)> {
        let own = |question| self.everyone.answer(person, question).group(Form::Polar);
        let answered = |question| own(question).is_some();
        let questions = splitting.questions(split, answered).into_iter();
        questions
            .filter_map(|question| Some((question, own(question)?)))
            .collect()
    }
}

impl Condition {
    /// Whether another condition of the same person and split begins with the same statements as far as both go. Without
    /// demonstrations, form and category mean nothing.
    fn shares_tree(&self, other: &Self) -> bool {
        let bare = self.demonstrations == 0 || other.demonstrations == 0;
        self.demographics == other.demographics
            && (bare || (self.form == other.form && self.category == other.category))
    }
}
