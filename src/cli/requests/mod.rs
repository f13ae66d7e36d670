//! JSON lines in, the same lines out with more in them: what `score` and `generate` share.
//!
//! Lines are read in windows, which is where beginnings are shared, and answered in [groups]; what is answered is
//! written as soon as all lines before it are. Where windows and groups begin and end depends on the input alone, and
//! a group that is taken up again is computed as a whole, so an interrupted job ends with the bytes of an
//! uninterrupted one.

mod error;
mod groups;
mod identity;
mod input;
mod output;
mod progress;
mod trunk;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub use error::RequestError;
pub use identity::{Identity, keep_room};
use input::Input;
use output::Output;
pub use output::answer;
use progress::Progress;
use trunk::Trunk;
pub use trunk::named;

use crate::model::{LanguageModel, Node, TokenId};
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
    /// Where the answers go; a file that was begun is continued (OUT.meta.json beside it says with what), `-` is standard
    /// output
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

/// What a line asks of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Tokens that are given, below the root of the tree.
    pub tokens: Vec<TokenId>,
    /// How many of them are context; the others are scored.
    pub context: usize,
    /// Tokens that are scored and begin inside the context's text.
    pub moved: usize,
    /// Tokens that may be generated.
    pub more: usize,
}

impl Request {
    /// Tokens to be computed: none where nothing is asked of them.
    fn path(&self) -> &[TokenId] {
        if self.context == self.tokens.len() && self.more == 0 {
            &[]
        } else {
            &self.tokens
        }
    }
}

/// Answers requests.
pub trait Answer {
    /// Names of the fields that answers have and requests must not keep.
    fn fields(&self) -> &'static [&'static str];

    /// What each line asks, in order.
    fn read(&mut self, lines: &[Line]) -> anyhow::Result<Vec<Request>>;

    /// Tokens of about one group, see [`groups`].
    fn budget(&self) -> usize;

    /// The model that answers.
    fn model(&mut self) -> &mut dyn LanguageModel;

    /// The fields of each line's answer: the inside of a JSON object, `"name":value,...`; `base` holds the first `held`
    /// tokens of every request. Answers depend on nothing but the lines.
    fn answer(&mut self, asked: &[(&Line, &Request)], base: Node, held: usize)
    -> anyhow::Result<(Vec<String>, Tokens)>;
}

/// Answers every line that is not answered yet. A reader of standard output that stops listening (`| head`) ends it
/// and is no error.
pub fn serve(files: &FileArgs, identity: &Identity, answers: &mut dyn Answer) -> anyhow::Result<()> {
    match Job::new(files, identity)?.run(answers) {
        Err(error) if is_standard(&files.out) && is_closed(&error) => Ok(()),
        done => done,
    }
}

/// Whether nobody reads what was written.
fn is_closed(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<RequestError>(),
        Some(RequestError::Write { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe
    )
}

/// One start of a command.
struct Job<'a> {
    files: &'a FileArgs,
    identity: &'a Identity,
    input: Input,
    output: Output,
    progress: Progress,
    trunk: Trunk,
    tokens: Tokens,
    /// Whether the output goes on with what was begun, or was given its identity.
    known: bool,
}

impl<'a> Job<'a> {
    fn new(files: &'a FileArgs, identity: &'a Identity) -> Result<Self, RequestError> {
        let input = Input::open(&files.input)?;
        Ok(Self {
            output: Output::open(&files.out)?,
            progress: Progress::new(files.quiet, input.bytes()),
            input,
            files,
            identity,
            trunk: Trunk::default(),
            tokens: Tokens::default(),
            known: false,
        })
    }

    fn run(mut self, answers: &mut dyn Answer) -> anyhow::Result<()> {
        loop {
            let begun = self.input.read();
            let Some(window) = self.input.window()? else { break };
            let done = self.old_lines(&window, answers.fields())?;
            self.progress.kept(done);
            if done < window.len() {
                self.window(&window, done, begun, answers)?;
            }
            self.progress.at(self.input.read(), self.tokens);
        }
        let beyond = self.output.old_line()?.is_some();
        self.progress.finish(self.tokens);
        if beyond {
            return Err(RequestError::Longer {
                path: self.files.out.clone(),
            }
            .into());
        }
        Ok(())
    }

    /// How many lines of a window are answered already.
    fn old_lines(&mut self, window: &[Line], ours: &[&str]) -> Result<usize, RequestError> {
        for (done, line) in window.iter().enumerate() {
            // Asked for only where a line may take it.
            let Some(old) = self.output.old_line()? else {
                return Ok(done);
            };
            output::check(line, &old, ours, &self.files.out)?;
            if !self.known {
                self.identity.check(&self.files.out)?;
                self.known = true;
            }
        }
        Ok(window.len())
    }

    /// Answers a window, of which `done` lines are; before it `begun` bytes were read.
    fn window(&mut self, window: &[Line], done: usize, begun: u64, answers: &mut dyn Answer) -> anyhow::Result<()> {
        let requests = answers.read(window)?;
        let mut answered: Vec<Option<String>> = vec![None; window.len()];
        let mut front = done;
        let all: usize = window.iter().map(|line| line.text.len()).sum();
        let mut bytes = 0;
        for group in groups::groups(&requests, answers.budget()) {
            bytes += group.lines.iter().map(|&at| window[at].text.len()).sum::<usize>();
            // Lines rise: where the last is answered, all are.
            if group.lines.last().is_none_or(|&last| last < done) {
                continue;
            }
            let asked: Vec<(&Line, &Request)> = group.lines.iter().map(|&at| (&window[at], &requests[at])).collect();
            let base = self.trunk.hold(answers.model(), &asked, &group.held)?;
            let held = group.held.last().copied().unwrap_or(0);
            let (new, tokens) = answers.answer(&asked, base, held)?;
            self.tokens += tokens;
            self.tokens.shared += self.trunk.take_computed();
            for (&at, fields) in group.lines.iter().zip(new) {
                answered[at] = Some(answer(&window[at], &fields, answers.fields()));
            }
            self.progress
                .answered(group.lines.iter().filter(|&&at| at >= done).count());
            while let Some(line) = answered.get_mut(front).and_then(Option::take) {
                self.write(&line)?;
                front += 1;
            }
            self.output.flush()?;
            let share = bytes as f64 / all.max(1) as f64;
            let read = (self.input.read() - begun) as f64 * share;
            self.progress.at(begun + read as u64, self.tokens);
        }
        Ok(())
    }

    fn write(&mut self, line: &str) -> anyhow::Result<()> {
        if !self.known {
            self.identity.write(&self.files.out)?;
            self.known = true;
        }
        Ok(self.output.write(line)?)
    }
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
