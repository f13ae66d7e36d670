//! JSON lines in, the same lines out with more in them: what `score` and `generate` share.
//!
//! Lines are answered window by window. Where a window begins and ends depends on the input alone, and a window that is
//! taken up again is computed as a whole, so an interrupted job ends with the bytes of an uninterrupted one.

mod error;
mod input;
mod output;
mod progress;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub use error::RequestError;
use input::Input;
use output::Output;
pub use output::answer;
use progress::Progress;

use crate::scoring::shared::Tokens;

/// Most lines of a window.
const WINDOW_LINES: usize = 1024;

/// Most bytes of a window, unless a single line has more.
const WINDOW_BYTES: usize = 8 << 20;

/// Where lines come from and go to.
#[derive(Debug, Clone, clap::Args)]
pub struct FileArgs {
    /// JSON lines to answer; `-` is standard input
    pub input: PathBuf,
    /// Where the answers go; a file that was begun is continued, `-` is standard output
    #[arg(long, short, default_value = "-")]
    pub out: PathBuf,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
}

/// One line of the input.
#[derive(Debug)]
pub struct Line {
    /// Where it stands, for messages: `FILE:NUMBER`.
    pub place: String,
    /// Its number, from 1.
    pub number: u64,
    /// The line without white space around it.
    pub text: String,
    /// What it says.
    pub fields: Map<String, Value>,
}

impl Line {
    /// A field that must be a text.
    pub fn text_field(&self, name: &'static str) -> Result<&str, RequestError> {
        match self.fields.get(name) {
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(self.bad(format!("`{name}` is {}, expected a text", kind(other)))),
            None => Err(self.bad(format!("`{name}` is missing"))),
        }
    }

    /// An error about this line.
    pub fn bad(&self, problem: impl Into<String>) -> RequestError {
        RequestError::Line {
            place: self.place.clone(),
            problem: problem.into(),
        }
    }
}

/// Answers requests.
pub trait Answer {
    /// Names of the fields that answers have and requests must not keep.
    fn fields(&self) -> &'static [&'static str];

    /// The fields of each line's answer: the inside of a JSON object, `"name":value,...`. Answers depend on nothing but
    /// the lines.
    fn answer(&mut self, lines: &[Line]) -> anyhow::Result<Vec<String>>;

    /// Whether an answered line could have been answered by this model in this way; `old` is the whole line.
    fn is_ours(&mut self, line: &Line, old: &Map<String, Value>) -> anyhow::Result<bool>;

    /// Tokens computed so far.
    fn tokens(&self) -> Tokens;
}

/// Answers every line that is not answered yet.
pub fn serve(files: &FileArgs, answers: &mut dyn Answer) -> anyhow::Result<()> {
    let mut input = Input::open(&files.input)?;
    let mut output = Output::open(&files.out)?;
    let mut progress = Progress::new(files.quiet, input.bytes());
    let mut checked = false;
    while let Some(window) = input.window()? {
        let mut done = 0;
        while let Some(line) = window.get(done) {
            // Asked for only where a line may take it.
            let Some(old) = output.old_line()? else { break };
            let old = output::check(line, &old, answers.fields(), &files.out)?;
            if !checked && !answers.is_ours(line, &old)? {
                return Err(RequestError::OtherModel {
                    path: files.out.clone(),
                }
                .into());
            }
            checked = true;
            done += 1;
        }
        if done < window.len() {
            let new = answers.answer(&window)?;
            for (line, fields) in window.iter().zip(new).skip(done) {
                output.write(&answer(line, &fields, answers.fields()))?;
            }
            output.flush()?;
        }
        progress.window(&window, done, input.read(), answers.tokens());
    }
    let beyond = output.old_line()?.is_some();
    progress.finish(answers.tokens());
    if beyond {
        return Err(RequestError::Longer {
            path: files.out.clone(),
        }
        .into());
    }
    Ok(())
}

/// What a JSON value is, for messages.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A path for messages.
fn shown(path: &Path, standard: &str) -> String {
    if is_standard(path) {
        standard.to_owned()
    } else {
        path.display().to_string()
    }
}

/// Whether a path stands for standard input or output.
fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}
