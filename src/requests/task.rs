//! What a job is made of: files, a task, and whoever is told how far it is.

use std::path::PathBuf;

use super::{ComputeError, Faults, Line, LineAsk, LineRequest, RequestError};
use crate::model::{LanguageModel, Tokens};

/// Where lines come from and go to; `-` is standard input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// JSON lines to answer.
    pub input: PathBuf,
    /// Where the answers go; a file that was begun is continued.
    pub out: PathBuf,
}

/// What is done with lines: read into work for the model, computed, and put into words again. Answers depend on nothing
/// but their lines.
pub trait Task {
    /// What is known of a line beside its work.
    type About;
    /// What comes of one piece of work.
    type Reply;

    /// Names of the fields that answers have and requests must not keep.
    fn fields(&self) -> &'static [&'static str];

    /// What each line asks for, in order, or why it cannot be answered.
    fn read(&self, lines: &[Line]) -> Vec<Result<LineRequest<Self::About>, RequestError>>;

    /// The model that answers.
    fn model(&mut self) -> &mut dyn LanguageModel;

    /// What comes of each piece of work, and the tokens that it took.
    ///
    /// # Errors
    /// Which piece does not fit into memory, or what the model reports.
    fn compute(&mut self, asked: &[LineAsk<'_, Self::About>]) -> Result<(Vec<Self::Reply>, Tokens), ComputeError>;

    /// The fields of a line's answer: the inside of a JSON object, `"name":value,...`.
    ///
    /// # Errors
    /// Where the tokenizer cannot decode what was generated.
    fn write(&self, request: &LineRequest<Self::About>, replies: Vec<Self::Reply>) -> Result<String, RequestError>;
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JobProgress {
    /// Bytes of the input that are answered.
    pub read: u64,
    /// Bytes of the input, where they are known.
    pub bytes: Option<u64>,
    /// Lines that were answered before this start.
    pub kept: u64,
    /// Lines answered now.
    pub answered: u64,
    /// Lines, of both kinds, that were recorded as such that cannot be answered.
    pub failed: u64,
    /// Tokens computed.
    pub tokens: Tokens,
}

/// What a job tells while it runs.
#[derive(Debug)]
pub enum RequestEvent<'a> {
    /// Lines that cannot be answered were found before anything was computed; those before the first of them are
    /// answered now.
    Faulty(&'a Faults),
    /// Something more is answered.
    Progress(&'a JobProgress),
    /// All is done.
    Done(&'a JobProgress),
}

/// Whoever is told.
pub trait RequestObserver {
    /// Something happened.
    fn event(&mut self, event: RequestEvent<'_>);
}
