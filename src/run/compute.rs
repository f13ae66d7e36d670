//! A unit computed by a model: all of its conditions in one walk over one token tree.

use super::{Compute, Experiment, RunError, Unit};
use crate::model::OpenModel;
use crate::scoring::shared::Tokens;
use crate::scoring::{Outcome, Scorer, ScoringError};

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
}

impl<'a> ModelCompute<'a> {
    /// Computes units of this experiment with this model.
    pub fn new(experiment: &'a Experiment, opened: &'a mut OpenModel) -> Self {
        Self {
            experiment,
            scorer: experiment.scorer(opened),
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

impl Compute for ModelCompute<'_> {
    type Error = ExecuteError;

    fn unit(&mut self, unit: &Unit, emit: &mut dyn FnMut(Outcome) -> Result<(), RunError>) -> Result<(), ExecuteError> {
        let cases = self.experiment.cases(unit);
        let asks = self.experiment.asks(unit, &cases);
        let outcomes = self.scorer.ask(&asks).map_err(|source| ExecuteError::Scoring {
            respondent: self.experiment.people.everyone.id(unit.person).to_owned(),
            split: unit.split.number(),
            source,
        })?;
        for outcome in outcomes.into_iter().flatten() {
            emit(outcome)?;
        }
        Ok(())
    }

    fn tokens(&self) -> Tokens {
        self.scorer.tokens()
    }
}
