//! What `indieval show` can be asked for in vain.

use crate::probe::Split;
use crate::survey::{QuestionId, Respondents, UnknownCategory};

/// Ids that a hint names.
const NAMED: usize = 5;

/// Something that is not there to be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// Nobody of that id.
    #[error("nobody in the file has the id `{asked}`")]
    UnknownRespondent {
        /// The id asked for.
        asked: String,
        /// Some ids that there are.
        some: Vec<String>,
        /// How many there are in all.
        all: usize,
    },
    /// No category, or several, of that name.
    #[error(transparent)]
    UnknownCategory(#[from] UnknownCategory),
    /// The question is no probe of the split, or the person left it out.
    #[error("{} of respondent {respondent} in split {split}", match asked {
        Some(question) => format!("{question} is not a probe"),
        None => "there is no probe".to_owned(),
    })]
    NoProbe {
        /// The question asked for.
        asked: Option<QuestionId>,
        /// Whose case.
        respondent: String,
        /// The split.
        split: Split,
        /// The probes there are.
        probes: Vec<QuestionId>,
    },
    /// A chat was asked for and there is no chat template.
    #[error("{}", match model {
        Some(model) => format!("{model} has no chat template"),
        None => "a chat template comes with a model, and no model is given".to_owned(),
    })]
    NoChatTemplate {
        /// The checkpoint.
        model: Option<String>,
    },
}

impl ShowError {
    /// Names some of those that there are.
    pub(super) fn unknown_respondent(asked: &str, respondents: &Respondents) -> Self {
        Self::UnknownRespondent {
            asked: asked.to_owned(),
            some: (0..respondents.len().min(NAMED))
                .map(|i| respondents.id(i).to_owned())
                .collect(),
            all: respondents.len(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownRespondent { some, all, .. } => Some(format!(
                "the file has {all} respondents, the first being {}",
                some.join(", ")
            )),
            Self::UnknownCategory(error) => Some(error.hint()),
            Self::NoProbe { probes, .. } if probes.is_empty() => {
                Some("this person answered none of the split's questions; choose another split".into())
            }
            Self::NoProbe { probes, .. } => {
                let probes: Vec<String> = probes.iter().map(QuestionId::to_string).collect();
                Some(format!(
                    "the probes that this person answered are {}",
                    probes.join(", ")
                ))
            }
            Self::NoChatTemplate { .. } => {
                Some("give --model a checkpoint with a chat template, or use --style plain".into())
            }
        }
    }
}
