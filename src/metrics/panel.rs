//! A panel: what one system said of every probe, as plain numbers.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::constancy::{Constancy, constancy};
use super::input::RunTable;
use super::probes::{Probes, RowNumbers};
use super::roster::{MetricsError, Roster};
pub use super::row::{Row, SPLITS};
use super::shortest::shortest;
use crate::scoring::{Condition, Norm};

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
    by_length: Option<Constancy>,
    /// What [`constancy`](Self::constancy) found: it looks at all rows, and is asked for with every pair of panels.
    habit: OnceLock<Option<Constancy>>,
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
        Self {
            rows,
            asked,
            by_length: None,
            habit: OnceLock::new(),
        }
    }

    /// The same, of which it is known whether the shortest candidate is nearly always chosen.
    pub fn with_length(self, by_length: Option<Constancy>) -> Self {
        Self { by_length, ..self }
    }

    /// That a model nearly always chooses the shortest candidate.
    pub fn by_length(&self) -> Option<Constancy> {
        self.by_length
    }

    /// In what its choices are alike whoever is asked, if they are. A model that always chooses the shortest candidate also
    /// answers a question alike; that it is the shortest says more.
    pub fn constancy(&self) -> Option<Constancy> {
        *self.habit.get_or_init(|| match constancy(&self.rows) {
            position @ Some(Constancy::Position { .. }) => position,
            found => self.by_length.or(found),
        })
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

    /// What a condition of `run` said under a norm, numbered by `roster`.
    ///
    /// # Errors
    /// Where an outcome names a person, question, split or candidate that does not exist, or a probe stands twice.
    pub fn of_condition(
        run: &RunTable,
        roster: &Roster,
        condition: &Condition,
        norm: Norm,
    ) -> Result<Self, MetricsError> {
        let numbers = RowNumbers::new(run, roster);
        let informed = run
            .outcomes
            .of_condition(condition)
            .filter(|outcome| outcome.is_informed(norm));
        let rows = informed.map(|outcome| numbers.row(&outcome, outcome.predicted(norm)));
        let mut rows: Vec<Row> = rows.collect::<Result<_, _>>()?;
        rows.sort_unstable();
        if let Some(twice) = rows.windows(2).find(|w| w[0].key() == w[1].key()) {
            return Err(MetricsError::Twice {
                run: run.name.clone(),
                person: roster.people[twice[0].person as usize].id.clone(),
                split: twice[0].split + 1,
                question: roster.questions[twice[0].question as usize].0,
            });
        }
        let by_length = shortest(run, condition, norm).and_then(|shortest| shortest.constancy());
        Ok(Self::of(rows, Chooser::Model).with_length(by_length))
    }

    /// What a baseline says of a run's probes; absent for a condition of a model, which is none.
    pub fn of_baseline(probes: &Probes<'_>, system: &System) -> Option<Self> {
        let asked = match system {
            System::Chance => Chooser::Chance,
            _ => Chooser::Baseline,
        };
        let rows = match system {
            System::Model { .. } => return None,
            System::Chance => probes.rows().to_vec(),
            System::First => probes
                .rows()
                .iter()
                .map(|row| Row {
                    choice: Some(0),
                    ..*row
                })
                .collect(),
            System::Majority => probes.chosen(|baseline| baseline.majority),
            System::Resemblance { k } => probes.chosen(|baseline| baseline.resemblance(*k)),
            System::NaiveBayes => probes.chosen(|baseline| baseline.naive_bayes),
        };
        Some(Self::of(rows, asked))
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
