//! A unit computed by a model: all of its conditions in one walk over one token tree.

use super::{Compute, FitSpec, People, Plan, Prompts, RunError, Spec, Unit, case};
use crate::probe::Case;
use crate::scoring::shared::Tokens;
use crate::scoring::{Ask, Fit, Outcome, Scorer, ScoringError, Settings};

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

/// Scoring settings of a spec.
pub fn settings(spec: &Spec) -> Settings {
    let scoring = &spec.scoring;
    Settings {
        unconditional: scoring.unconditional,
        orders: scoring.orders,
        constrained: scoring.constrained,
        temperature: scoring.temperature,
        top_p: scoring.top_p,
        retries: scoring.retries,
        retry_temperature: scoring.retry_temperature,
        seed: scoring.seed,
        paper_tokens: scoring.paper_tokens,
        fit: match scoring.fit {
            FitSpec::Refuse => Fit::Refuse,
            FitSpec::DropDemonstrations => Fit::DropDemonstrations,
        },
        ..Settings::default()
    }
}

/// The cases of a unit, one a condition, in the order of its conditions.
pub fn cases(people: &People, spec: &Spec, plan: &Plan, unit: &Unit) -> Vec<Case> {
    unit.conditions
        .iter()
        .map(|&(condition, donor)| case(people, spec, plan, unit, condition, donor))
        .collect()
}

/// What is asked in a unit, one ask a condition, in the order of its conditions.
pub fn asks<'a>(plan: &'a Plan, prompts: &'a Prompts, unit: &Unit, cases: &'a [Case]) -> Vec<Ask<'a>> {
    unit.conditions
        .iter()
        .zip(cases)
        .map(|(&(condition, _), case)| {
            let condition = &plan.conditions[condition];
            Ask {
                condition,
                case,
                prompt: prompts.of(condition.method),
                frame: prompts.frame(condition.method),
            }
        })
        .collect()
}

/// Computes units with a model.
pub struct ModelCompute<'a> {
    people: &'a People,
    spec: &'a Spec,
    prompts: &'a Prompts,
    scorer: Scorer<'a>,
}

impl<'a> ModelCompute<'a> {
    /// Computes units of this spec over these people.
    pub fn new(people: &'a People, spec: &'a Spec, prompts: &'a Prompts, scorer: Scorer<'a>) -> Self {
        Self {
            people,
            spec,
            prompts,
            scorer,
        }
    }
}

impl Compute for ModelCompute<'_> {
    type Error = ExecuteError;

    fn unit(
        &mut self,
        plan: &Plan,
        unit: &Unit,
        emit: &mut dyn FnMut(Outcome) -> Result<(), RunError>,
    ) -> Result<(), ExecuteError> {
        let cases = cases(self.people, self.spec, plan, unit);
        let asks = asks(plan, self.prompts, unit, &cases);
        let outcomes = self.scorer.ask(&asks).map_err(|source| ExecuteError::Scoring {
            respondent: self.people.everyone.id(unit.person).to_owned(),
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
