//! Units computed by a model: all of their conditions, of one person or several, in one batch.

use super::execute::Emit;
use super::{Compute, Experiment, RunError, Unit};
use crate::model::{OpenModel, Tokens};
use crate::scoring::{Ask, Outcome, Scorer, ScoringError};

/// Why a unit could not be computed or recorded.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The journal or its files.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Prompts, tokens or the model.
    #[error("{}", named(respondent, *split, source))]
    Scoring {
        /// Who was being asked about.
        respondent: String,
        /// In which split.
        split: u8,
        /// What went wrong.
        source: ScoringError,
    },
}

/// A prompt that is too long says itself whose it is.
fn named(respondent: &str, split: u8, source: &ScoringError) -> String {
    match source {
        ScoringError::ContextTooLong { .. } => source.to_string(),
        _ => format!("respondent {respondent}, split {split}: {source}"),
    }
}

impl ExecuteError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Run(error) => error.hint(),
            Self::Scoring { source, .. } => source.hint(),
        }
    }
}

/// Computes units with a model.
pub struct ModelCompute<'a> {
    experiment: &'a Experiment,
    scorer: Scorer<'a>,
    /// Units that were computed.
    computed: usize,
}

impl<'a> ModelCompute<'a> {
    /// Computes units of this experiment with this model.
    pub fn new(experiment: &'a Experiment, opened: &'a mut OpenModel) -> Self {
        Self {
            experiment,
            scorer: experiment.scorer(opened),
            computed: 0,
        }
    }
}

impl Experiment {
    /// Asks this model as the experiment says.
    pub(crate) fn scorer<'a>(&'a self, opened: &'a mut OpenModel) -> Scorer<'a> {
        Scorer::new(
            opened.model.as_mut(),
            &opened.tokenizer,
            &self.people.catalogue,
            self.spec.scoring.clone(),
        )
    }
}

impl ModelCompute<'_> {
    /// The outcomes of each unit, all of them computed in one batch.
    fn batch(&mut self, units: &[Unit]) -> Result<Vec<Vec<Outcome>>, ScoringError> {
        let cases: Vec<_> = units.iter().map(|unit| self.experiment.cases(unit)).collect();
        let asks = units
            .iter()
            .zip(&cases)
            .map(|(unit, cases)| self.experiment.asks(unit, cases));
        let asks: Vec<Vec<Ask<'_>>> = asks.collect();
        let mut outcomes = self.scorer.ask(&asks.concat())?.into_iter();
        let of_unit = |asks: &Vec<Ask<'_>>| outcomes.by_ref().take(asks.len()).flatten().collect();
        Ok(asks.iter().map(of_unit).collect())
    }
}

impl Compute for ModelCompute<'_> {
    type Error = ExecuteError;

    fn together(&self, left: usize) -> usize {
        let tokens = self.scorer.tokens().shared / (self.computed as u64).max(1);
        match self.computed {
            0 => 1,
            _ => (self.scorer.batch_tokens() as u64 / tokens.max(1)).clamp(1, left.max(1) as u64) as usize,
        }
    }

    fn units(&mut self, units: &[Unit], emit: &mut Emit<'_>) -> Result<(), ExecuteError> {
        match self.batch(units) {
            Ok(outcomes) => {
                self.computed += units.len();
                for (unit, outcomes) in units.iter().zip(outcomes) {
                    emit(unit, outcomes)?;
                }
                Ok(())
            }
            Err(source) => match units {
                [unit] => Err(ExecuteError::Scoring {
                    respondent: self.experiment.people.everyone.id(unit.person).to_owned(),
                    split: unit.split.number(),
                    source,
                }),
                // One of them is to blame: those before it are not lost, and it is named.
                _ => units.chunks(1).try_for_each(|unit| self.units(unit, emit)),
            },
        }
    }

    fn tokens(&self) -> Tokens {
        self.scorer.tokens()
    }
}
