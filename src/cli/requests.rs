//! What `score` and `generate` share on the command line.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::choice::choice;
use super::model_args::{ModelArgs, opening_lines};
use super::output::tell;
use super::progress::Display;
use super::status::ExitStatus;
use super::streams::output_is_open;
use crate::base::text::{count, counted, duration};
use crate::model::OpenModel;
use crate::requests::{Files, Identity, JobProgress, OnError, RequestEvent, RequestObserver, Task, serve};

/// Lines, a model, and what happens where a line cannot be answered.
#[derive(Debug, Clone, clap::Args)]
pub struct JobArgs {
    /// JSON lines to answer; `-` is standard input
    input: PathBuf,
    /// Where the answers go; a file that was begun is continued (OUT.meta.json beside it says with what), `-` is standard
    /// output
    #[arg(long, short, default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    model: ModelArgs,
    /// What happens where a line cannot be answered
    #[arg(long, default_value_t, value_parser = choice::<OnError>(), value_name = "WHAT")]
    on_error: OnError,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
}

impl JobArgs {
    /// Opens the model.
    pub fn open(&self) -> anyhow::Result<OpenModel> {
        if self.out == Path::new("-") {
            output_is_open().context("cannot write to standard output")?;
        }
        let opened = self.model.open()?;
        if !self.quiet {
            opening_lines(&opened).iter().for_each(|line| tell!("{line}"));
        }
        Ok(opened)
    }

    /// Says what a user should know before the answers.
    pub fn note(&self, note: Option<&str>) {
        if let Some(note) = note.filter(|_| !self.quiet) {
            tell!("note: {note}");
        }
    }
}

/// Answers all lines. The exit status says whether some could not be answered.
pub fn run_job<T: Task>(args: &JobArgs, identity: &Identity, task: &mut T) -> anyhow::Result<ExitCode> {
    let files = Files {
        input: args.input.clone(),
        out: args.out.clone(),
    };
    let mut display = JobDisplay(Display::new(args.quiet));
    let standing = serve(&files, args.on_error, identity, task, &mut display)?;
    Ok(match standing.failed {
        0 => ExitStatus::Done.into(),
        _ => ExitStatus::Incomplete.into(),
    })
}

/// Shows how far a job is.
struct JobDisplay(Display);

impl RequestObserver for JobDisplay {
    fn event(&mut self, event: RequestEvent<'_>) {
        match event {
            RequestEvent::Faulty(faults) => {
                let before = if faults.count() == 1 { "it" } else { "the first of them" };
                self.0.line(&format!(
                    "note: {faults}\nnote: the lines before {before} are answered now"
                ));
            }
            RequestEvent::Progress(standing) => {
                self.0
                    .at(standing.read, standing.bytes, &message(standing, self.0.seconds()));
            }
            RequestEvent::Done(standing) => {
                let kept = match standing.kept {
                    0 => String::new(),
                    kept => format!("{} answered before; ", counted(kept as usize, "line was", "lines were")),
                };
                let failed = match standing.failed {
                    0 => String::new(),
                    failed => format!(
                        "; {} answered, see `error`",
                        counted(failed as usize, "line could not be", "lines could not be")
                    ),
                };
                let message = message(standing, self.0.seconds());
                self.0
                    .done(&format!("{kept}{message} in {}{failed}", duration(self.0.seconds())));
            }
        }
    }
}

/// What was done in so many seconds.
fn message(standing: &JobProgress, seconds: f64) -> String {
    let tokens = standing.tokens;
    let mut message = counted(standing.answered as usize, "line", "lines");
    if tokens.shared > 0 && seconds > 0.0 {
        message.push_str(&format!(
            ", {} tokens computed ({:.1} times as many without sharing), {} tokens/s",
            count(tokens.shared),
            tokens.alone as f64 / tokens.shared as f64,
            count((tokens.shared as f64 / seconds).round() as u64)
        ));
    }
    message
}
