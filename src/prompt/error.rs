//! What can be wrong with a prompt template or a chat template.

use std::path::PathBuf;

use crate::survey::QuestionId;

/// A prompt template that cannot be used, or a case that does not belong to the catalogue.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The file cannot be read.
    #[error("the prompt template {} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The template is not valid.
    #[error("the prompt template {name} is not valid in line {line}: {detail}")]
    Syntax {
        /// The template.
        name: String,
        /// Line, from 1.
        line: usize,
        /// What the template engine says.
        detail: String,
    },
    /// Placeholders that this kind of prompt does not have.
    #[error("the prompt template {name} has unknown placeholders: {}", unknown.join(", "))]
    UnknownPlaceholders {
        /// The template.
        name: String,
        /// The strangers.
        unknown: Vec<String>,
        /// All that there are.
        known: Vec<String>,
    },
    /// Placeholders that must be used and are not.
    #[error("the prompt template {name} does not use: {}", unused.join(", "))]
    UnusedPlaceholders {
        /// The template.
        name: String,
        /// Those that are missing.
        unused: Vec<String>,
    },
    /// A placeholder that stands there more than once, or whose value would be changed.
    #[error("the prompt template {name} uses {placeholder} {times} times as it is, and it has to be once")]
    NotOnce {
        /// The template.
        name: String,
        /// The placeholder.
        placeholder: String,
        /// How often its value came out as it was put in.
        times: usize,
    },
    /// A placeholder in the wrong place.
    #[error("in the prompt template {name}, {problem}")]
    Misplaced {
        /// The template.
        name: String,
        /// What stands where.
        problem: &'static str,
    },
    /// A statement that the catalogue does not have.
    #[error("{question} has no statement number {statement} in this catalogue")]
    NoStatement {
        /// The question.
        question: QuestionId,
        /// Position of the statement, from 0.
        statement: usize,
    },
    /// A question that the catalogue does not have.
    #[error("question number {index} is asked for, the catalogue has {questions}")]
    NoQuestion {
        /// Position asked for, from 0.
        index: usize,
        /// Questions there are.
        questions: usize,
    },
    /// A probe that the case does not have.
    #[error("probe number {probe} is asked for, the case has {probes}")]
    NoProbe {
        /// Position asked for, from 0.
        probe: usize,
        /// Probes there are.
        probes: usize,
    },
    /// More options than letters.
    #[error("{question} has {options} candidates, more than there are letters to label them")]
    TooManyOptions {
        /// The question.
        question: QuestionId,
        /// Its candidates.
        options: usize,
    },
    /// An order of options that is none.
    #[error("{order:?} is not an order of the {options} candidates of {question}")]
    NotAnOrder {
        /// The question.
        question: QuestionId,
        /// Its candidates.
        options: usize,
        /// What was given.
        order: Vec<usize>,
    },
}

impl PromptError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => Some("give --prompt the path of a UTF-8 text file".into()),
            Self::Syntax { .. } => {
                Some("placeholders look like {{ statements }}; a literal double brace is written {{ '{{' }}".into())
            }
            Self::UnknownPlaceholders { known, .. } => Some(format!("this kind of prompt has {}", known.join(", "))),
            Self::UnusedPlaceholders { .. } => {
                Some("without it the model would not see what it is asked; prompts/README.md explains each".into())
            }
            Self::NotOnce { .. } => Some(
                "use each placeholder once, without filters or loops around it; a part for nothing known \
                     ({% if statements %} ... {% else %} ... {% endif %}) has all but {{ statements }} as well"
                    .into(),
            ),
            Self::Misplaced { .. } => Some("prompts/README.md shows where each placeholder may stand".into()),
            Self::NoStatement { .. } | Self::NoQuestion { .. } | Self::NoProbe { .. } => {
                Some("respondents and prompts must be made with the same catalogue".into())
            }
            Self::TooManyOptions { .. } => Some("use the likelihood method for this question".into()),
            Self::NotAnOrder { .. } => Some("an order names each candidate once, counted from 0".into()),
        }
    }
}

/// A chat template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The template fails to parse or to run.
    #[error("the model's chat template fails in line {line}: {detail}")]
    Fails {
        /// Line, from 1; 0 where the engine names none.
        line: usize,
        /// What the template engine says.
        detail: String,
    },
    /// The template has something that could keep the program busy without end.
    #[error("the model's chat template has something that is not run, in line {line}: {what}")]
    Refused {
        /// Line, from 1.
        line: usize,
        /// What it has.
        what: String,
    },
    /// There is no thread to run it in.
    #[error("the model's chat template cannot be run: no thread for it: {0}")]
    Thread(std::io::Error),
    /// The template is larger than any sensible one.
    #[error("the model's chat template has {bytes} bytes, more than {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The template's output is larger than any sensible one.
    #[error("the model's chat template writes more than {limit} bytes around a short message")]
    WritesTooMuch {
        /// The limit.
        limit: usize,
    },
    /// The message does not come out as it was put in.
    #[error("the model's chat template changes the user's message: {how}")]
    Alters {
        /// In which way.
        how: &'static str,
    },
    /// The system message does not come out.
    #[error("the model's chat template leaves out the system message")]
    NoSystem,
    /// It fails with something that it is told, and does not without.
    #[error("the model's chat template fails with {told} of [chat], in line {line}: {detail}")]
    FailsWith {
        /// What it is told.
        told: &'static str,
        /// Line, from 1; 0 where the engine names none.
        line: usize,
        /// What the template engine says.
        detail: String,
    },
    /// What the assistant has said so far does not come out.
    #[error(
        "the model's chat template does not write what the assistant has said so far, and it cannot be gone on with"
    )]
    NotContinued,
    /// Thoughts are asked for, and the template has no place for them.
    #[error("the model's chat template knows no thoughts: it neither begins any nor has a switch that leaves them out")]
    NoThoughts,
}

impl ChatError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let todo = match self {
            Self::FailsWith { told, .. } => {
                return Some(format!(
                    "leave out {told} of [chat] in the spec, or say there what the template takes"
                ));
            }
            Self::NotContinued => {
                "leave out the last message of the assistant's, or say in the user's how the answer is to begin"
            }
            Self::NoSystem => "leave out `system` of [chat] in the spec; the prompts themselves may say the same",
            Self::NoThoughts => {
                "leave out `thinking_tokens` of [scoring] (`--thinking-tokens`), or set the switch that the template has in \
                 `kwargs` of [chat]"
            }
            _ => {
                "ask in plain text (`run --chat none`, `show --style plain`), or use a checkpoint whose chat template \
                 carries a user's message unchanged"
            }
        };
        Some(todo.to_owned())
    }
}
