//! A panel: what one system said of every probe, as plain numbers.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::constancy::{Constancy, constancy};
use super::input::RunTable;
use super::roster::{MetricsError, Roster};
pub use super::row::Row;
use super::shortest::shortest;
use super::table::TabledOutcome;
use crate::scoring::{Condition, Norm};

/// Number of splits.
pub const SPLITS: usize = 3;

/// One way of answering probes whose accuracy is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum System {
    /// A condition of the run's grid; the norm matters to likelihoods only.
    Model {
        /// The condition.
        condition: Condition,
        /// How candidates are compared.
        norm: Norm,
    },
    /// The exact chance level: 1 / number of candidates of each probe.
    Chance,
    /// Always the first candidate of the catalogue.
    First,
    /// The most common answer of the others.
    Majority,
    /// The answer most common among the k most similar others.
    Resemblance {
        /// How many others.
        k: usize,
    },
}

/// What counts for a probe whose choice could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Unread {
    /// It is wrong: the lower bound, and what tables show.
    #[default]
    Wrong,
    /// It is worth 1 / number of candidates, what a guess would be worth on average.
    Chance,
    /// It does not count.
    Dropped,
}

/// How a row becomes a numerator and a denominator of a mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credit {
    /// 1 for a correct choice.
    Choice(Unread),
    /// 1 / number of candidates, whatever was chosen.
    Chance,
}

impl Credit {
    /// (numerator, denominator) of one row.
    pub fn of(self, row: &Row) -> (f64, f64) {
        let chance = 1.0 / row.candidates.max(1) as f64;
        match self {
            Self::Chance => (chance, 1.0),
            Self::Choice(unread) => match (row.choice, unread) {
                (Some(choice), _) => (f64::from(u8::from(choice == row.label)), 1.0),
                (None, Unread::Wrong) => (0.0, 1.0),
                (None, Unread::Chance) => (chance, 1.0),
                (None, Unread::Dropped) => (0.0, 0.0),
            },
        }
    }
}

/// What one system said of every probe.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Rows ordered by person, split and question, each probe once.
    pub rows: Vec<Row>,
    /// Who chose.
    pub asked: Chooser,
    /// That a model nearly always chooses the shortest candidate, which rows do not say.
    pub by_length: Option<Constancy>,
}

/// Who or what a panel's choices come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chooser {
    /// A model.
    Model,
    /// A rule that asks no model; that it answers alike for everybody may be its very point.
    Baseline,
    /// Chance: rows are worth 1 / number of candidates, whatever their choice.
    Chance,
}

impl Panel {
    /// What was chosen by whom, of candidates whose lengths are not known.
    pub fn of(rows: Vec<Row>, asked: Chooser) -> Self {
        let by_length = None;
        Self { rows, asked, by_length }
    }

    /// In what its choices are alike whoever is asked, if they are. A model that always chooses the shortest candidate also
    /// answers a question alike; that it is the shortest says more.
    pub fn constancy(&self) -> Option<Constancy> {
        match constancy(&self.rows) {
            position @ Some(Constancy::Position { .. }) => position,
            found => self.by_length.or(found),
        }
    }

    /// Whether rows stand for chance.
    pub fn is_chance(&self) -> bool {
        self.asked == Chooser::Chance
    }

    /// How rows count in this panel under a rule for unread choices.
    pub fn credit(&self, unread: Unread) -> Credit {
        if self.is_chance() {
            Credit::Chance
        } else {
            Credit::Choice(unread)
        }
    }

    /// What `system` said in `run`, numbered by `roster`.
    ///
    /// # Errors
    /// Where an outcome names a person, question, split or candidate that does not exist, or a probe stands twice.
    pub fn new(run: &RunTable, roster: &Roster, system: &System) -> Result<Self, MetricsError> {
        let rows = match system {
            System::Model { condition, norm } => {
                let numbers = RowNumbers::new(run, roster);
                let of_condition = run.outcomes.of_condition(condition);
                let informed = of_condition.filter(|outcome| outcome.is_informed(*norm));
                informed
                    .map(|outcome| numbers.row(&outcome, outcome.predicted(*norm)))
                    .collect::<Result<Vec<_>, _>>()?
            }
            System::Chance => every_probe(run, roster)?,
            System::First => {
                let mut rows = every_probe(run, roster)?;
                rows.iter_mut().for_each(|row| row.choice = Some(0));
                rows
            }
            System::Majority => with_baseline(run, roster, |b| b.majority)?,
            System::Resemblance { k } => with_baseline(run, roster, |b| b.resemblance.get(k).copied())?,
        };
        let mut panel = Self {
            rows,
            asked: match system {
                System::Model { .. } => Chooser::Model,
                System::Chance => Chooser::Chance,
                System::First | System::Majority | System::Resemblance { .. } => Chooser::Baseline,
            },
            by_length: match system {
                System::Model { condition, norm } => {
                    shortest(run, condition, *norm).and_then(|shortest| shortest.constancy())
                }
                _ => None,
            },
        };
        panel.rows.sort_unstable();
        if let Some(twice) = panel.rows.windows(2).find(|w| w[0].key() == w[1].key()) {
            return Err(MetricsError::Twice {
                run: run.name.clone(),
                person: roster.people[twice[0].person].id.clone(),
                split: twice[0].split as u8 + 1,
                question: roster.questions[twice[0].question].0,
            });
        }
        Ok(panel)
    }

    /// Number of people with a row.
    pub fn people(&self) -> usize {
        self.rows.iter().map(|row| row.person).collect::<BTreeSet<_>>().len()
    }

    /// Number of rows without a readable choice.
    pub fn unread(&self) -> usize {
        if self.is_chance() {
            0
        } else {
            self.rows.iter().filter(|row| row.choice.is_none()).count()
        }
    }
}

/// The conditions of a run's grid that have an outcome, in order.
pub fn conditions(run: &RunTable) -> Vec<Condition> {
    let mut conditions = run.outcomes.conditions().to_vec();
    conditions.sort_unstable();
    conditions
}

/// The baselines that can be told for a run: chance and the first candidate always, the others where the run stored them.
pub fn baselines(run: &RunTable) -> Vec<System> {
    let mut systems = vec![System::Chance, System::First];
    if run.baselines.iter().any(|b| b.majority.is_some()) {
        systems.push(System::Majority);
    }
    let neighbours: BTreeSet<usize> = run
        .baselines
        .iter()
        .flat_map(|b| b.resemblance.keys().copied())
        .collect();
    systems.extend(neighbours.into_iter().map(|k| System::Resemblance { k }));
    systems
}

/// The numbers that people of a run have in a roster, looked up once.
struct RowNumbers<'a> {
    run: &'a RunTable,
    roster: &'a Roster,
    people: Vec<Option<usize>>,
}

impl<'a> RowNumbers<'a> {
    fn new(run: &'a RunTable, roster: &'a Roster) -> Self {
        let people = run.outcomes.respondents().iter();
        Self {
            run,
            roster,
            people: people.map(|id| roster.person(run, id)).collect(),
        }
    }

    fn row(&self, outcome: &TabledOutcome<'_>, choice: Option<usize>) -> Result<Row, MetricsError> {
        let run = || self.run.name.clone();
        let respondent = || self.run.outcomes.respondents()[outcome.person].clone();
        let person = self.people[outcome.person].ok_or_else(|| MetricsError::UnknownPerson {
            run: run(),
            person: respondent(),
        })?;
        let question = self.roster.question(outcome.question);
        let question = question.ok_or_else(|| MetricsError::UnknownQuestion {
            run: run(),
            question: outcome.question,
        })?;
        if !(1..=SPLITS).contains(&usize::from(outcome.split)) {
            return Err(MetricsError::Split {
                run: run(),
                person: respondent(),
                split: outcome.split,
            });
        }
        let mut named = [Some(outcome.label), choice].into_iter().flatten();
        if let Some(position) = named.find(|position| *position >= outcome.candidates) {
            return Err(MetricsError::Candidate {
                run: run(),
                person: respondent(),
                split: outcome.split,
                question: outcome.question,
                position,
                candidates: outcome.candidates,
            });
        }
        Ok(Row {
            person,
            split: usize::from(outcome.split) - 1,
            question,
            category: self.roster.questions[question].1,
            candidates: outcome.candidates,
            label: outcome.label,
            choice,
        })
    }
}

/// Every probe that any condition of the run has, once, without a choice.
fn every_probe(run: &RunTable, roster: &Roster) -> Result<Vec<Row>, MetricsError> {
    let numbers = RowNumbers::new(run, roster);
    let mut known = HashSet::new();
    let mut rows = Vec::new();
    for outcome in run.outcomes.iter() {
        let row = numbers.row(&outcome, None)?;
        if known.insert(row.key()) {
            rows.push(row);
        }
    }
    Ok(rows)
}

fn with_baseline(
    run: &RunTable,
    roster: &Roster,
    choice: impl Fn(&super::input::BaselineRow) -> Option<usize>,
) -> Result<Vec<Row>, MetricsError> {
    let mut said: HashMap<(usize, usize, usize), Option<usize>> = HashMap::with_capacity(run.baselines.len());
    for line in &run.baselines {
        let (Some(person), Some(question)) = (roster.person(run, &line.respondent), roster.question(line.question))
        else {
            continue;
        };
        said.insert(
            (person, usize::from(line.split).wrapping_sub(1), question),
            choice(line),
        );
    }
    let mut rows = every_probe(run, roster)?;
    rows.retain_mut(|row| match said.get(&row.key()) {
        Some(&choice) => {
            row.choice = choice.filter(|c| *c < row.candidates);
            true
        }
        None => false,
    });
    Ok(rows)
}
