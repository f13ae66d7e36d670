//! `indieval survey define`.

use std::path::PathBuf;

use super::super::output::print;
use crate::cli::output::tell;
use crate::survey::define;

/// Options of `indieval survey define`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval survey define responses.csv > survey.toml
  indieval survey check responses.csv --definition survey.toml")]
pub struct Args {
    /// Table of answers: a row a person, a column a question; or a row an answer
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let text = define(&args.file)?;
    print(&text)?;
    let guesses = text.lines().filter(|line| line.contains("CHECK")).count();
    tell!("note: {guesses} lines are guesses, marked CHECK: look at them before anything is computed");
    Ok(())
}
