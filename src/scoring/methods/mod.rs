//! How predictions are made: one file a method, behind one trait, and here the list of all.
//!
//! A new method is a file in this folder, its template in `prompts/`, and four lines below: `mod`, a variant, an entry of
//! [`Method::ALL`] and one of [`Method::definition`]. Specs, the command line, runs, verification and reports find it
//! through the list.

mod generation;
mod label;
mod likelihood;
mod paper;
#[cfg(test)]
mod toy;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ScoringError;
use super::evidence::{Evidence, EvidenceKind};
use super::parser::Read;
use super::prefixes::Prefixes;
use super::request::{Answered, Asked, Claims, Judged, Request};
use crate::base::{Choice, UnknownChoice};
use crate::prompt::{Prompt, PromptError};

/// How a prediction is made by a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Method {
    /// log P(candidate | context). Taken where no method is named.
    #[default]
    Likelihood,
    /// log P(option label | context with the options listed).
    Label,
    /// One generated choice a probe.
    Generation,
    /// The paper's prompt: all probes of a split in one generated JSON answer.
    GenerationPaper,
    /// For tests: labels of options in the reverse order.
    #[cfg(test)]
    Toy,
}

impl Method {
    /// All methods, in the order of lists on the command line; reports have them in the order of the variants.
    pub const ALL: &'static [Self] = &[
        Self::Likelihood,
        Self::Label,
        Self::Generation,
        Self::GenerationPaper,
        #[cfg(test)]
        Self::Toy,
    ];

    /// What it is made of.
    pub fn definition(self) -> &'static dyn Definition {
        match self {
            Self::Likelihood => &likelihood::LikelihoodMethod,
            Self::Label => &label::LabelMethod,
            Self::Generation => &generation::GenerationMethod,
            Self::GenerationPaper => &paper::PaperMethod,
            #[cfg(test)]
            Self::Toy => &toy::ToyMethod,
        }
    }

    /// How it is spelled in specs, records and on the command line.
    pub fn name(self) -> &'static str {
        self.definition().name()
    }

    /// Its template: the built-in one, or one's own from a file.
    ///
    /// # Errors
    /// A file that cannot be read, or is no template of the method's kind.
    pub fn prompt(self, own: Option<&Path>, survey: Option<&str>) -> Result<Prompt, PromptError> {
        let definition = self.definition();
        match own {
            None => {
                let (name, text) = definition.template();
                match survey {
                    None => definition.parse(name, text),
                    Some(survey) => definition.parse(name, &text.replace(SURVEY_WORDS, survey)),
                }
            }
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| PromptError::Read {
                    path: path.to_owned(),
                    source,
                })?;
                definition.parse(&path.display().to_string(), &text)
            }
        }
    }
}

/// What the built-in templates call the survey that a person took part in.
const SURVEY_WORDS: &str = "a long survey about values, beliefs and daily life";

/// What a method is made of.
pub trait Definition: Sync {
    /// How it is spelled in specs, records and on the command line: small letters and hyphens.
    fn name(&self) -> &'static str;

    /// What it is called in reports.
    fn title(&self) -> &'static str {
        self.name()
    }

    /// What it does, in a line.
    fn about(&self) -> &'static str;

    /// What kind of thing its predictions rest on, by which records keep it.
    fn evidence(&self) -> EvidenceKind;

    /// The built-in template: its file and its text.
    fn template(&self) -> (&'static str, &'static str);

    /// Reads a template of its kind; `name` is for messages.
    fn parse(&self, name: &str, text: &str) -> Result<Prompt, PromptError>;

    /// Whether the model is asked for an answer, and not how probable a text is that goes on: only such a prompt is put
    /// into the chat template by `--chat answers`.
    fn asks_for_answer(&self) -> bool {
        true
    }

    /// Whether candidates of different length are compared, so that the norm matters.
    fn is_normed(&self) -> bool {
        false
    }

    /// Whether all probes of a case are asked in one prompt, so that no record of it stands on its own.
    fn asks_all_at_once(&self) -> bool {
        false
    }

    /// Whether the same is to be asked with nothing known of the person as well.
    fn needs_neutral(&self, _asked: &Asked<'_>) -> bool {
        false
    }

    /// What is asked of the model.
    fn requests(&self, asked: &Asked<'_>, texts: &mut Prefixes<'_>) -> Result<Vec<Request>, ScoringError>;

    /// What one text says about each probe that it answers; `options` are those of each, in the order shown.
    fn read(&self, _text: &str, options: &[&[&str]]) -> Vec<Read> {
        vec![Read::Missing; options.len()]
    }

    /// Whether a further try is wanted after what was read so far.
    fn asks_again(&self, reads: &[Read]) -> bool {
        reads.iter().any(|read| read.prediction().is_none())
    }

    /// What follows from the answers: one judgement a probe of the case, in its order. `neutral` holds the answers to the
    /// same requests about all questions of the split with nothing known of anybody, each with its question's position.
    fn judge(&self, asked: &Asked<'_>, answered: Vec<Answered>, neutral: &[(usize, Answered)]) -> Vec<Judged>;

    /// What the evidence of a record says of single texts, for verification with a model. `probe` is the position of its
    /// probe in the case.
    fn claims(&self, asked: &Asked<'_>, probe: usize, evidence: &Evidence) -> Result<Claims, ScoringError>;

    /// What of the evidence of a record is not what the spec calls for, as far as that shows without a model: the orders
    /// that were asked; number, seeds and temperatures of texts. `probe` is the position of its probe in the case. Not
    /// for records of format 1, which do not have all of it.
    fn contradicts(&self, _asked: &Asked<'_>, _probe: usize, _evidence: &Evidence) -> Option<String> {
        None
    }

    /// What the evidence alone says was chosen.
    fn concluded(&self, evidence: &Evidence) -> Concluded;
}

/// What the evidence of a record says was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concluded {
    /// This, or nothing that could be read.
    Choice(Option<usize>),
    /// It does not say: the choice has to be read out of a text, which may be kept with another record.
    Unsaid,
    /// It is the evidence of another method.
    Foreign,
}

impl std::fmt::Display for Method {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.pad(self.name())
    }
}

impl Choice for Method {
    const ALL: &'static [Self] = Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }

    fn meaning(self) -> String {
        self.definition().about().to_owned()
    }
}

impl std::str::FromStr for Method {
    type Err = UnknownChoice;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Choice::named(name)
    }
}

impl TryFrom<String> for Method {
    type Error = UnknownChoice;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Choice::named(&name)
    }
}

impl From<Method> for &'static str {
    fn from(method: Method) -> Self {
        method.name()
    }
}
