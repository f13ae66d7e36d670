//! Cases become requests that fit the model's context.

use super::ask::Ask;
use super::walk::Scorer;
use crate::probe::Case;
use crate::scoring::prefixes::Prefixes;
use crate::scoring::request::Request;
use crate::scoring::{Fit, ScoringError};

/// The requests of an ask, with the demonstrations that fit.
pub(super) struct Prepared {
    /// What is asked.
    pub requests: Vec<Request>,
    /// Number of demonstrations shown.
    pub shown: usize,
}

impl Scorer<'_> {
    /// The requests of an ask, with as many demonstrations as fit.
    pub(super) fn prepare(
        &self,
        ask: &Ask<'_>,
        condition: &str,
        texts: &mut Prefixes<'_>,
    ) -> Result<Prepared, ScoringError> {
        let requests = self.requests(ask, ask.case, condition, texts)?;
        let (tokens, probe) = self.longest(&requests);
        let limit = self.model.limits().context;
        if tokens <= limit {
            return Ok(Prepared {
                requests,
                shown: ask.case.demonstrations.len(),
            });
        }
        let too_long = || ScoringError::ContextTooLong {
            who: self.who(ask, probe),
            tokens,
            limit,
        };
        match self.spec.fit {
            Fit::Refuse => Err(too_long()),
            Fit::DropDemonstrations => self.fitting(ask, condition, texts)?.ok_or_else(too_long),
        }
    }

    /// The most demonstrations that fit, found by halving; `None` where not even none of them do.
    fn fitting(
        &self,
        ask: &Ask<'_>,
        condition: &str,
        texts: &mut Prefixes<'_>,
    ) -> Result<Option<Prepared>, ScoringError> {
        let mut best = None;
        let (mut least, mut most) = (0, ask.case.demonstrations.len());
        while least < most {
            let shown = least + (most - least) / 2;
            let mut case = ask.case.clone();
            case.demonstrations.truncate(shown);
            let requests = self.requests(ask, &case, condition, texts)?;
            if self.longest(&requests).0 <= self.model.limits().context {
                best = Some(Prepared { requests, shown });
                least = shown + 1;
            } else {
                most = shown;
            }
        }
        Ok(best)
    }

    fn requests(
        &self,
        ask: &Ask<'_>,
        case: &Case,
        condition: &str,
        texts: &mut Prefixes<'_>,
    ) -> Result<Vec<Request>, ScoringError> {
        let definition = ask.condition.method.definition();
        definition.requests(&self.asked(ask, case, condition), texts)
    }

    /// Tokens of the longest path, BOS included, and the probe it belongs to.
    fn longest(&self, requests: &[Request]) -> (usize, usize) {
        let lengths = requests.iter().map(|request| (request.longest(), request.probe));
        lengths.max_by_key(|&(tokens, _)| tokens).unwrap_or((0, 0))
    }

    /// Whose prompt it is, for messages.
    fn who(&self, ask: &Ask<'_>, probe: usize) -> String {
        let all = ask.condition.method.definition().asks_all_at_once();
        let question = self.asked(ask, ask.case, "").question(probe).filter(|_| !all);
        let what = question.map(|question| format!("{question}, ")).unwrap_or_default();
        format!(
            "respondent {}, split {}, {what}{} demonstrations",
            ask.case.respondent,
            ask.case.split,
            ask.case.demonstrations.len()
        )
    }
}
