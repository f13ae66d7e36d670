//! A method for tests: the labels of the options, listed in the reverse order only. It is what a new method's file looks
//! like, and `src/report/method_checks.rs` follows it through everything that must find it.

use super::label::{LabelMethod, judged};
use super::likelihood::scored;
use super::{
    Answered, Asked, Claims, Concluded, Definition, Evidence, EvidenceKind, Judged, Prefixes, Request, ScoringError,
};
use crate::prompt::{Prompt, PromptError};

/// See the module.
pub struct ToyMethod;

impl Definition for ToyMethod {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn title(&self) -> &'static str {
        "toy, backwards"
    }

    fn about(&self) -> &'static str {
        "The label of each option is scored, options listed in the reverse order"
    }

    fn evidence(&self) -> EvidenceKind {
        EvidenceKind::Label
    }

    fn template(&self) -> (&'static str, &'static str) {
        (
            "prompts/toy.txt",
            "Somebody said:\n- {{ statements }}\nAnd one of these:\n{{ options }}\nWhich?\n{{ answer }}\n",
        )
    }

    fn parse(&self, name: &str, text: &str) -> Result<Prompt, PromptError> {
        LabelMethod.parse(name, text)
    }

    fn requests(&self, asked: &Asked<'_>, texts: &mut Prefixes<'_>) -> Result<Vec<Request>, ScoringError> {
        let request = |probe| scored(asked, texts, probe, (0..asked.size(probe)).rev().collect());
        (0..asked.case.probes.len()).map(request).collect()
    }

    fn judge(&self, asked: &Asked<'_>, answered: Vec<Answered>, _: &[(usize, Answered)]) -> Vec<Judged> {
        judged(asked, &answered)
    }

    fn claims(&self, asked: &Asked<'_>, probe: usize, evidence: &Evidence) -> Result<Claims, ScoringError> {
        LabelMethod.claims(asked, probe, evidence)
    }

    fn concluded(&self, evidence: &Evidence) -> Concluded {
        LabelMethod.concluded(evidence)
    }
}
