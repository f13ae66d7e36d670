//! Prompts that ask for one probe at a time.
//!
//! A template is text with placeholders in double braces. It is rendered once, with a mark in place of each value, and
//! cut at the marks; the values are put between the cuts afterwards. So nothing in a statement is ever taken for
//! template syntax, and the pieces are the text.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Environment, UndefinedBehavior, Value};

use super::error::PromptError;
use super::pieces::{Body, Frame, Pieces, known, question, sentence};
use crate::base::hex::sha256_hex;
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
    /// The prompt where something is known of the person.
    known: Parts,
    /// What each statement's line begins and ends with.
    line: [String; 2],
    /// The prompt where nothing is known, in a template that has a part for that.
    nothing: Option<Box<Parts>>,
}

/// A template's text around what is put into it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    /// Everything above the line of statements; where none are known, above the line that differs between probes.
    head: String,
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

/// What a template is rendered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knowing {
    Something,
    Nothing,
}

impl ProbePrompt {
    /// Cuts a template; `name` is for messages.
    ///
    /// # Errors
    /// A template that does not parse, or whose placeholders are not those of its kind, once each where they may stand.
    pub fn parse(kind: PromptKind, name: &str, source: &str) -> Result<Self, PromptError> {
        let template = TemplateText { kind, name, source };
        let text = template.render(Knowing::Something)?;
        let (above, below) =
            cut(&text, Placeholder::Statements).ok_or_else(|| template.misplaced("the statements are missing"))?;
        let (head, begins) = above.rsplit_once('\n').ok_or_else(|| {
            template.misplaced("the statements stand in the first line; there must be a line above them")
        })?;
        let (ends, rest) = below.split_once('\n').ok_or_else(|| {
            template.misplaced("the statements stand in the last line; the answer must come in a line below")
        })?;
        let bare = text.replace(&Placeholder::Statements.mark(), "");
        let nothing = template.render_nothing(&bare)?;
        Ok(Self {
            kind,
            hash: sha256_hex(source.as_bytes()),
            known: template.parts(head, &format!("\n{rest}"))?,
            line: [begins.to_owned(), ends.to_owned()],
            nothing: nothing
                .map(|text| template.parts_of_nothing(&text).map(Box::new))
                .transpose()?,
        })
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
        let person: Vec<String> = known(catalogue, case)?
            .into_iter()
            .map(|text| format!("\n{begins}{text}{ends}"))
            .collect();
        let parts = match &self.nothing {
            Some(nothing) if person.is_empty() => nothing,
            _ => &self.known,
        };
        let message = match &parts.message {
            Message::Plain(text) => text.clone(),
            Message::AroundOptions(before, after) => format!("{before}{}{after}", options(question, &candidates)?),
        };
        let [gap, tail] = &parts.around_answer;
        let continuations = match self.kind {
            PromptKind::Candidate => candidates.iter().map(|text| format!("{gap}{text}{tail}")).collect(),
            PromptKind::Letter => letters(&candidates).map(|letter| format!("{gap}{letter}")).collect(),
            PromptKind::Written => Vec::new(),
        };
        let body = Body {
            head: &parts.head,
            person,
            message,
            join: "\n",
            lead_in: &parts.lead_in,
            continuations,
        };
        Ok(body.framed(frame))
    }
}

/// The two sides of a placeholder. Each stands there once, so every cut finds its own.
fn cut(text: &str, placeholder: Placeholder) -> Option<(String, String)> {
    text.split_once(&placeholder.mark())
        .map(|(before, after)| (before.to_owned(), after.to_owned()))
}

/// A template's text, with what messages about it need.
#[derive(Clone, Copy)]
struct TemplateText<'a> {
    kind: PromptKind,
    name: &'a str,
    source: &'a str,
}

impl TemplateText<'_> {
    fn misplaced(&self, problem: &'static str) -> PromptError {
        PromptError::Misplaced {
            name: self.name.to_owned(),
            problem,
        }
    }

    /// The parts of a text from the end of its head on.
    fn parts(&self, head: &str, rest: &str) -> Result<Parts, PromptError> {
        let (before, after) = cut(rest, self.kind.answer())
            .ok_or_else(|| self.misplaced("the answer stands above the statements or in their line"))?;
        if self.kind != PromptKind::Candidate && !after.is_empty() {
            return Err(self.misplaced("something follows on the answer"));
        }
        let (message, lead_in) = before
            .rsplit_once('\n')
            .ok_or_else(|| self.misplaced("the answer stands in the line of the statements"))?;
        let message = match self.kind {
            PromptKind::Candidate => Message::Plain(message.to_owned()),
            PromptKind::Letter | PromptKind::Written => {
                let (before, after) = cut(message, Placeholder::Options)
                    .ok_or_else(|| self.misplaced("the options do not stand between the statements and the answer"))?;
                Message::AroundOptions(before, after)
            }
        };
        let (lead_in, gap) = lead_in.split_at(lead_in.trim_end().len());
        Ok(Parts {
            head: head.to_owned(),
            message,
            lead_in: lead_in.to_owned(),
            around_answer: [gap.to_owned(), after],
        })
    }

    /// The parts of a text without statements: its head is what stands above the line of the options or the candidate.
    fn parts_of_nothing(&self, text: &str) -> Result<Parts, PromptError> {
        let first = match self.kind {
            PromptKind::Candidate => Placeholder::Candidate,
            PromptKind::Letter | PromptKind::Written => Placeholder::Options,
        };
        let (above, _) = cut(text, first).unwrap_or_default();
        if first != self.kind.answer() && cut(&above, self.kind.answer()).is_some() {
            return Err(self.misplaced("the part for nothing known has its answer above its options"));
        }
        let (head, _) = above.rsplit_once('\n').ok_or_else(|| {
            self.misplaced(
                "the part for nothing known begins with its options or its candidate; there must be a line above",
            )
        })?;
        let head = head.trim_end();
        self.parts(head, &text[head.len()..])
    }

    /// What the template says where nothing is known; absent where it has no part of its own for that and only leaves a
    /// gap where the statements would stand, as in `bare`.
    fn render_nothing(&self, bare: &str) -> Result<Option<String>, PromptError> {
        let text = self.text(Knowing::Nothing)?;
        if text == bare {
            return Ok(None);
        }
        self.check_marks(&text, Knowing::Nothing)?;
        Ok(Some(text))
    }

    /// The template with a mark for each value; sees to it that every mark is there once.
    fn render(&self, knowing: Knowing) -> Result<String, PromptError> {
        let text = self.text(knowing)?;
        self.check_marks(&text, knowing)?;
        Ok(text)
    }

    fn check_marks(&self, text: &str, knowing: Knowing) -> Result<(), PromptError> {
        let put_in =
            |placeholder: &&Placeholder| knowing == Knowing::Something || **placeholder != Placeholder::Statements;
        for placeholder in self.kind.placeholders().iter().filter(put_in) {
            let times = text.matches(&placeholder.mark()).count();
            if times != 1 {
                return Err(PromptError::NotOnce {
                    name: self.name.to_owned(),
                    placeholder: placeholder.braced(),
                    times,
                });
            }
        }
        Ok(())
    }

    /// Renders the template. Without anything known the statements are an empty text, which counts as false.
    fn text(&self, knowing: Knowing) -> Result<String, PromptError> {
        let syntax = |error: minijinja::Error| PromptError::Syntax {
            name: self.name.to_owned(),
            line: error.line().unwrap_or(1),
            detail: error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
        };
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        let template = environment
            .template_from_named_str(self.name, self.source)
            .map_err(syntax)?;
        self.check_names(&template.undeclared_variables(false).into_iter().collect())?;
        let value = |placeholder: Placeholder| match (placeholder, knowing) {
            (Placeholder::Statements, Knowing::Nothing) => String::new(),
            _ => placeholder.mark(),
        };
        let placeholders = self.kind.placeholders().iter();
        let marks: BTreeMap<&str, String> = placeholders.map(|&p| (p.name(), value(p))).collect();
        template.render(Value::from(marks)).map_err(syntax)
    }

    /// Sees to it that a template uses the placeholders of its kind and no others.
    fn check_names(&self, used: &BTreeSet<String>) -> Result<(), PromptError> {
        let placeholders = self.kind.placeholders();
        let unknown = used
            .iter()
            .filter(|used| placeholders.iter().all(|p| p.name() != *used));
        let unknown: Vec<String> = unknown.map(|name| format!("{{{{ {name} }}}}")).collect();
        if !unknown.is_empty() {
            return Err(PromptError::UnknownPlaceholders {
                name: self.name.to_owned(),
                unknown,
                known: placeholders.iter().map(|p| p.braced()).collect(),
            });
        }
        let unused = placeholders.iter().filter(|p| !used.contains(p.name()));
        let unused: Vec<String> = unused.map(|p| p.braced()).collect();
        if !unused.is_empty() {
            return Err(PromptError::UnusedPlaceholders {
                name: self.name.to_owned(),
                unused,
            });
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests;
