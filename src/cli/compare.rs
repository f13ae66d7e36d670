//! `indieval compare`.

use std::path::PathBuf;
use std::process::ExitCode;

use super::choice::choice;
use super::output::{print, tell};
use super::report::{Numbers, TableFormat, load};
use crate::report::{Comparisons, Factor, Table, latex_document};

/// Options of `indieval compare`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval compare runs/figure4-Qwen3-0.6B --by demonstrations
  indieval compare runs/a runs/b

Both sides are matched probe by probe. Of one run, its methods are compared unless --by says otherwise; of several
runs, the conditions that they have in common.")]
pub struct Args {
    /// Folders of runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// What the two sides differ in [default: method for one run, run for several]
    #[arg(long, value_name = "WHAT", value_parser = choice::<Factor>())]
    by: Option<Factor>,
    /// What is printed
    #[arg(long, default_value_t, value_name = "FORMAT", value_parser = choice::<TableFormat>())]
    format: TableFormat,
    #[command(flatten)]
    numbers: Numbers,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runs = load(&args.runs)?;
    let by = args.by.unwrap_or(match runs.len() {
        1 => Factor::Method,
        _ => Factor::Run,
    });
    let comparisons = Comparisons::of_tables(&runs, by, args.numbers.options())?;
    for sentence in &comparisons.left_out {
        tell!("note: {sentence}");
    }
    let tables = comparisons.tables();
    let joined = |form: fn(&Table) -> String| tables.iter().map(form).collect::<Vec<_>>().join("\n");
    print(&match args.format {
        TableFormat::Text => joined(Table::text),
        TableFormat::Markdown => joined(Table::markdown),
        TableFormat::Latex => latex_document(&tables),
        TableFormat::Csv => comparisons.csv_table()?.text,
        TableFormat::Json => serde_json::to_string_pretty(&comparisons)? + "\n",
    })?;
    Ok(ExitCode::SUCCESS)
}
