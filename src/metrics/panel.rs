//! A panel: what one system said of every probe, as plain numbers.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::baseline_table::TabledBaseline;
use super::constancy::{Constancy, constancy};
use super::input::RunTable;
use super::roster::{MetricsError, Roster};
pub use super::row::Row;
use super::shortest::shortest;
use super::table::TabledOutcome;
use crate::scoring::{Condition, Norm};
use crate::survey::QuestionId;

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
    /// The most probable answer given the person's others, as naive Bayes learns it from everyone else.
    NaiveBayes,
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
        let chance = 1.0 / f64::from(row.candidates.max(1));
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
            System::Resemblance { k } => with_baseline(run, roster, |b| b.resemblance(*k))?,
            System::NaiveBayes => with_baseline(run, roster, |b| b.naive_bayes)?,
        };
        let mut panel = Self {
            rows,
            asked: match system {
                System::Model { .. } => Chooser::Model,
                System::Chance => Chooser::Chance,
                System::First | System::Majority | System::Resemblance { .. } | System::NaiveBayes => Chooser::Baseline,
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
                person: roster.people[twice[0].person as usize].id.clone(),
                split: twice[0].split + 1,
                question: roster.questions[twice[0].question as usize].0,
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
    let neighbours = run.baselines.neighbours().into_iter();
    systems.extend(neighbours.map(|k| System::Resemblance { k }));
    if run.baselines.iter().any(|b| b.naive_bayes.is_some()) {
        systems.push(System::NaiveBayes);
    }
    systems
}

/// The numbers that people and questions of a run have in a roster, looked up once.
struct RowNumbers<'a> {
    run: &'a RunTable,
    people: Vec<Option<u32>>,
    /// Number and category of each question that is known.
    questions: HashMap<QuestionId, (u32, u16)>,
}

impl<'a> RowNumbers<'a> {
    fn new(run: &'a RunTable, roster: &'a Roster) -> Self {
        let people = run.outcomes.respondents().iter();
        let person = |id: &String| roster.person(run, id).and_then(|number| u32::try_from(number).ok());
        let questions = roster.questions.iter().zip(0..);
        Self {
            run,
            people: people.map(person).collect(),
            questions: questions
                .filter_map(|(&(id, category), number)| Some((id, (number, u16::try_from(category).ok()?))))
                .collect(),
        }
    }

    fn row(&self, outcome: &TabledOutcome<'_>, choice: Option<usize>) -> Result<Row, MetricsError> {
        let run = || self.run.name.clone();
        let respondent = || self.run.outcomes.respondents()[outcome.person].clone();
        let person = self.people[outcome.person].ok_or_else(|| MetricsError::UnknownPerson {
            run: run(),
            person: respondent(),
        })?;
        let question = self.questions.get(&outcome.question);
        let &(question, category) = question.ok_or_else(|| MetricsError::UnknownQuestion {
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
        let (Ok(candidates), Ok(label)) = (u8::try_from(outcome.candidates), u8::try_from(outcome.label)) else {
            return Err(MetricsError::TooManyCandidates {
                run: run(),
                question: outcome.question,
                candidates: outcome.candidates,
            });
        };
        Ok(Row {
            person,
            split: outcome.split - 1,
            question,
            category,
            candidates,
            label,
            choice: choice.and_then(|choice| u8::try_from(choice).ok()),
        })
    }
}

/// Every probe that any condition of the run has, once, without a choice.
fn every_probe(run: &RunTable, roster: &Roster) -> Result<Vec<Row>, MetricsError> {
    let numbers = RowNumbers::new(run, roster);
    let rows = run.outcomes.iter().map(|outcome| numbers.row(&outcome, None));
    let mut rows = rows.collect::<Result<Vec<Row>, _>>()?;
    // Where conditions disagree on a probe, the first one counts.
    rows.sort_by_key(Row::key);
    rows.dedup_by_key(|row| row.key());
    rows.shrink_to_fit();
    Ok(rows)
}

/// Every probe that a baseline was told of.
fn with_baseline(
    run: &RunTable,
    roster: &Roster,
    choice: impl Fn(&TabledBaseline<'_>) -> Option<usize>,
) -> Result<Vec<Row>, MetricsError> {
    let people = run.baselines.respondents().iter();
    let people: Vec<Option<usize>> = people.map(|id| roster.person(run, id)).collect();
    let said = run.baselines.iter().filter_map(|line| {
        let person = u32::try_from(people[line.person]?).ok()?;
        let question = u32::try_from(roster.question(line.question)?).ok()?;
        let split = line.split.wrapping_sub(1);
        let choice = choice(&line).and_then(|choice| u8::try_from(choice).ok());
        Some(((person, split, question), choice))
    });
    let mut said: Vec<_> = said.collect();
    said.sort_by_key(|(probe, _)| *probe);
    let mut rows = every_probe(run, roster)?;
    let mut said = said.as_slice();
    rows.retain_mut(|row| {
        said = &said[said.partition_point(|(probe, _)| *probe < row.key())..];
        let own = said.iter().take_while(|(probe, _)| *probe == row.key());
        // Of several the last one counts.
        let Some((_, choice)) = own.last() else { return false };
        row.choice = choice.filter(|choice| *choice < row.candidates);
        true
    });
    Ok(rows)
}
