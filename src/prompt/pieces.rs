//! A prompt in the pieces that prompts share.

use serde::Serialize;

use super::chat_frame::{ChatFrame, Edge, ThoughtBlock};
use super::error::PromptError;
use crate::probe::Case;
use crate::survey::Catalogue;

crate::choices! {
    /// Whether the text stands on its own or is a user's message to a chat model.
    pub enum PromptStyle {
        /// Text that the model goes on with.
        Plain = "plain",
        /// A message inside the model's chat template.
        Chat = "chat",
    }
}

/// What stands around the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Nothing.
    Plain,
    /// The model's chat template.
    Chat(ChatFrame),
}

impl Frame {
    /// The style of this frame.
    pub fn style(&self) -> PromptStyle {
        match self {
            Self::Plain => PromptStyle::Plain,
            Self::Chat(_) => PromptStyle::Chat,
        }
    }
}

/// One prompt. `shared`, all of `person` and `probe`, put together, are the context; each continuation follows on it
/// without anything between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pieces {
    /// The same for all respondents and probes.
    pub shared: String,
    /// The same for all probes of a case: demographic statements, then one piece a demonstration. Fewer demonstrations
    /// of a nested draw give the front of these.
    pub person: Vec<String>,
    /// Everything from the last demonstration to where the answer begins.
    pub probe: String,
    /// What may follow: candidates, or labels of options, in the order asked for; empty where the answer is generated.
    pub continuations: Vec<String>,
    /// How thoughts end that come before a generated answer, and how the answer begins behind them; absent where there are to
    /// be none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thoughts: Option<ThoughtBlock>,
}

impl Pieces {
    /// Everything that precedes what the model writes: the answer, or thoughts before it.
    pub fn context(&self) -> String {
        let mut text = self.shared.clone();
        text.extend(self.person.iter().map(String::as_str));
        text.push_str(&self.probe);
        text
    }
}

/// What surrounds the statements in one rendered prompt, before its frame is put on.
pub(super) struct Body<'a> {
    /// Instructions.
    pub head: &'a str,
    /// One piece a statement.
    pub person: Vec<String>,
    /// The rest of the message.
    pub message: String,
    /// Joins message and lead-in where both are one text.
    pub join: &'a str,
    /// Where the answer begins.
    pub lead_in: &'a str,
    /// What may follow.
    pub continuations: Vec<String>,
}

impl Body<'_> {
    /// Puts a frame around the message. The lead-in is the beginning of the answer: below the message in plain text, at
    /// the start of the model's own turn in a chat.
    pub(crate) fn framed(self, frame: &Frame) -> Pieces {
        let (shared, probe, thoughts) = match frame {
            Frame::Plain => (
                self.head.to_owned(),
                format!("{}{}{}", self.message, self.join, self.lead_in),
                None,
            ),
            Frame::Chat(chat) => {
                let head = match chat.start {
                    Edge::Kept => self.head,
                    Edge::Trimmed => self.head.trim_start(),
                };
                let message = match chat.end {
                    Edge::Kept => self.message.as_str(),
                    Edge::Trimmed => self.message.trim_end(),
                };
                let thoughts = chat.thoughts.clone().map(|block| ThoughtBlock {
                    behind: format!("{}{}", block.behind, self.lead_in),
                    ..block
                });
                let lead_in = if thoughts.is_some() { "" } else { self.lead_in };
                (
                    format!("{}{head}", chat.before),
                    format!("{message}{}{lead_in}", chat.after),
                    thoughts,
                )
            }
        };
        Pieces {
            shared,
            person: self.person,
            probe,
            continuations: self.continuations,
            thoughts,
        }
    }
}

/// What is known of the person, in the order of showing: demographic sentences, then demonstrations; each as a sentence
/// that stands alone.
pub(super) fn known(catalogue: &Catalogue, case: &Case) -> Result<Vec<String>, PromptError> {
    let demographics = case.demographics.iter().map(|text| Ok(sentence(text)));
    let demonstrations = case.demonstrations.iter().map(|shown| {
        let question = question(catalogue, shown.question)?;
        let text = shown.text(catalogue).ok_or(PromptError::NoStatement {
            question: question.id,
            statement: shown.statement,
        })?;
        Ok(sentence(text))
    });
    demographics.chain(demonstrations).collect()
}

/// A question of the catalogue.
pub(super) fn question(catalogue: &Catalogue, index: usize) -> Result<&crate::survey::Question, PromptError> {
    catalogue.questions.get(index).ok_or(PromptError::NoQuestion {
        index,
        questions: catalogue.questions.len(),
    })
}

/// A statement as a sentence of its own: the first letter in upper case, no white space around it.
pub(super) fn sentence(statement: &str) -> String {
    let mut chars = statement.trim().chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_begins_with_a_capital() {
        assert_eq!(sentence("family is important"), "Family is important");
        assert_eq!(sentence(" I'm fine "), "I'm fine");
        assert_eq!(sentence("école"), "École");
        assert_eq!(sentence(""), "");
    }
}
