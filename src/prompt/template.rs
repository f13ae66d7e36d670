//! Prompts that ask for one probe at a time.
//!
//! A template is text with placeholders in double braces. It is rendered once, with a mark in place of each value, and
//! cut at the marks; the values are put between the cuts afterwards. So nothing in a statement is ever taken for
//! template syntax, and the pieces are the text.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Environment, UndefinedBehavior, Value};
use sha2::{Digest, Sha256};

use super::error::PromptError;
use super::pieces::{Body, Frame, Pieces, known, question, sentence};
use crate::probe::{Case, Probe};
use crate::survey::{Catalogue, Question};

/// Labels of options, in order.
const LETTERS: &[u8; 26] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Instructions a template may take to render; the built-in ones take about twenty.
const FUEL: u64 = 10_000;

/// What a prompt for one probe wants from the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PromptKind {
    /// Each candidate follows as the next statement.
    Candidate,
    /// The candidates are listed, and each option's letter follows.
    Letter,
    /// The candidates are listed, and the model writes which it chooses.
    Written,
}

impl PromptKind {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Candidate, Self::Letter, Self::Written];

    /// The placeholders a template must have, each once.
    fn placeholders(self) -> &'static [Placeholder] {
        match self {
            Self::Candidate => &[Placeholder::Statements, Placeholder::Candidate],
            Self::Letter | Self::Written => &[Placeholder::Statements, Placeholder::Options, Placeholder::Answer],
        }
    }

    /// The placeholder that the answer takes the place of.
    fn answer(self) -> Placeholder {
        match self {
            Self::Candidate => Placeholder::Candidate,
            Self::Letter | Self::Written => Placeholder::Answer,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    Statements,
    Candidate,
    Options,
    Answer,
}

impl Placeholder {
    fn name(self) -> &'static str {
        match self {
            Self::Statements => "statements",
            Self::Candidate => "candidate",
            Self::Options => "options",
            Self::Answer => "answer",
        }
    }

    /// What stands for the value while the template is cut: private-use characters, which no template contains, around
    /// letters, which a filter would change.
    fn mark(self) -> String {
        format!("\u{e000}{}\u{e001}", self.name())
    }

    fn braced(self) -> String {
        format!("{{{{ {} }}}}", self.name())
    }
}

/// A template for one probe at a time, cut into its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbePrompt {
    kind: PromptKind,
    hash: String,
    /// Everything above the line of statements.
    head: String,
    /// What each statement's line begins and ends with.
    line: [String; 2],
    /// The rest of the message, around the options where they are listed.
    message: Message,
    /// What the answer's line begins with, without white space at its end.
    lead_in: String,
    /// What is between the lead-in and the answer, and behind the answer.
    around_answer: [String; 2],
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Message {
    Plain(String),
    AroundOptions(String, String),
}

impl ProbePrompt {
    /// Cuts a template; `name` is for messages.
    pub fn parse(kind: PromptKind, name: &str, source: &str) -> Result<Self, PromptError> {
        let text = render_marks(kind, name, source)?;
        let misplaced = |problem| PromptError::Misplaced {
            name: name.to_owned(),
            problem,
        };
        // Each mark is there once, so every split below finds its own.
        let split = |text: &str, mark: Placeholder| {
            text.split_once(&mark.mark())
                .map(|(before, after)| (before.to_owned(), after.to_owned()))
        };
        let (above, below) =
            split(&text, Placeholder::Statements).ok_or_else(|| misplaced("the statements are missing"))?;
        let (head, begins) = above
            .rsplit_once('\n')
            .ok_or_else(|| misplaced("the statements stand in the first line; there must be a line above them"))?;
        let (ends, rest) = below
            .split_once('\n')
            .ok_or_else(|| misplaced("the statements stand in the last line; the answer must come in a line below"))?;
        let (before_answer, after_answer) = split(&format!("\n{rest}"), kind.answer())
            .ok_or_else(|| misplaced("the answer stands above the statements or in their line"))?;
        if kind != PromptKind::Candidate && !after_answer.is_empty() {
            return Err(misplaced("something follows on the answer"));
        }
        let (message, lead_in) = before_answer
            .rsplit_once('\n')
            .ok_or_else(|| misplaced("the answer stands in the line of the statements"))?;
        let message = match kind {
            PromptKind::Candidate => Message::Plain(message.to_owned()),
            PromptKind::Letter | PromptKind::Written => {
                let (before, after) = split(message, Placeholder::Options)
                    .ok_or_else(|| misplaced("the options do not stand between the statements and the answer"))?;
                Message::AroundOptions(before, after)
            }
        };
        let (lead_in, gap) = lead_in.split_at(lead_in.trim_end().len());
        Ok(Self {
            kind,
            hash: sha256(source),
            head: head.to_owned(),
            line: [begins.to_owned(), ends.to_owned()],
            message,
            lead_in: lead_in.to_owned(),
            around_answer: [gap.to_owned(), after_answer],
        })
    }

    /// What it wants from the model.
    pub fn kind(&self) -> PromptKind {
        self.kind
    }

    /// SHA-256 (hex) of the template's text.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The prompt for one probe of a case.
    ///
    /// `order[i]` is the candidate shown as option i, and scored by continuation i; absent, it is the catalogue's order.
    /// Continuations are candidates, letters or none, as the kind says.
    pub fn pieces(
        &self,
        catalogue: &Catalogue,
        case: &Case,
        probe: &Probe,
        order: Option<&[usize]>,
        frame: &Frame,
    ) -> Result<Pieces, PromptError> {
        let question = question(catalogue, probe.question)?;
        let candidates = candidates(question, order)?;
        let [begins, ends] = &self.line;
        let person = known(catalogue, case)?
            .into_iter()
            .map(|text| format!("\n{begins}{text}{ends}"))
            .collect();
        let message = match &self.message {
            Message::Plain(text) => text.clone(),
            Message::AroundOptions(before, after) => format!("{before}{}{after}", options(question, &candidates)?),
        };
        let [gap, tail] = &self.around_answer;
        let continuations = match self.kind {
            PromptKind::Candidate => candidates.iter().map(|text| format!("{gap}{text}{tail}")).collect(),
            PromptKind::Letter => letters(&candidates).map(|letter| format!("{gap}{letter}")).collect(),
            PromptKind::Written => Vec::new(),
        };
        let body = Body {
            head: &self.head,
            person,
            message,
            join: "\n",
            lead_in: &self.lead_in,
            continuations,
        };
        Ok(body.framed(frame))
    }
}

/// Renders the template with a mark for each value, and sees to it that every mark is there once.
fn render_marks(kind: PromptKind, name: &str, source: &str) -> Result<String, PromptError> {
    let syntax = |error: minijinja::Error| PromptError::Syntax {
        name: name.to_owned(),
        line: error.line().unwrap_or(1),
        detail: error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    let template = environment.template_from_named_str(name, source).map_err(syntax)?;

    let placeholders = kind.placeholders();
    let used: BTreeSet<String> = template.undeclared_variables(false).into_iter().collect();
    let known = || placeholders.iter().map(|p| p.braced()).collect();
    let unknown: Vec<String> = used
        .iter()
        .filter(|used| placeholders.iter().all(|p| p.name() != *used))
        .map(|name| format!("{{{{ {name} }}}}"))
        .collect();
    if !unknown.is_empty() {
        return Err(PromptError::UnknownPlaceholders {
            name: name.to_owned(),
            unknown,
            known: known(),
        });
    }
    let unused: Vec<String> = placeholders
        .iter()
        .filter(|p| !used.contains(p.name()))
        .map(|p| p.braced())
        .collect();
    if !unused.is_empty() {
        return Err(PromptError::UnusedPlaceholders {
            name: name.to_owned(),
            unused,
        });
    }
    let marks: BTreeMap<&str, String> = placeholders.iter().map(|p| (p.name(), p.mark())).collect();
    let text = template.render(Value::from(marks)).map_err(syntax)?;
    for placeholder in placeholders {
        let times = text.matches(&placeholder.mark()).count();
        if times != 1 {
            return Err(PromptError::NotOnce {
                name: name.to_owned(),
                placeholder: placeholder.braced(),
                times,
            });
        }
    }
    Ok(text)
}

/// The candidates as sentences, in the order asked for.
fn candidates(question: &Question, order: Option<&[usize]>) -> Result<Vec<String>, PromptError> {
    let polar = &question.polar;
    match order {
        None => Ok(polar.iter().map(|statement| sentence(&statement.text)).collect()),
        Some(order) => {
            let named: BTreeSet<usize> = order.iter().copied().filter(|&i| i < polar.len()).collect();
            if named.len() != polar.len() || order.len() != polar.len() {
                return Err(PromptError::NotAnOrder {
                    question: question.id,
                    options: polar.len(),
                    order: order.to_owned(),
                });
            }
            Ok(order.iter().map(|&i| sentence(&polar[i].text)).collect())
        }
    }
}

/// One line an option: its letter, a full stop, the candidate.
fn options(question: &Question, candidates: &[String]) -> Result<String, PromptError> {
    if candidates.len() > LETTERS.len() {
        return Err(PromptError::TooManyOptions {
            question: question.id,
            options: candidates.len(),
        });
    }
    let lines: Vec<String> = letters(candidates)
        .zip(candidates)
        .map(|(letter, candidate)| format!("{letter}. {candidate}"))
        .collect();
    Ok(lines.join("\n"))
}

/// The labels of as many options.
fn letters(candidates: &[String]) -> impl Iterator<Item = char> {
    LETTERS.iter().take(candidates.len()).map(|&letter| char::from(letter))
}

/// SHA-256 in hex.
pub(super) fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
