//! `indieval compare`.

use std::path::PathBuf;
use std::process::ExitCode;

use super::output::print;
use super::report::{Numbers, TableFormat, load};
use crate::report::{Comparisons, Factor, Table};

/// Options of `indieval compare`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Both sides are matched probe by probe. Of one run, its methods are compared unless --by says otherwise; of several
runs, the conditions that they have in common.")]
pub struct Args {
    /// Folders of runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// What the two sides differ in [default: method for one run, run for several]
    #[arg(long, value_enum)]
    by: Option<By>,
    /// What is printed
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
    #[command(flatten)]
    numbers: Numbers,
}

/// What two sides may differ in.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum By {
    /// The run: another model, or the same one run otherwise
    Run,
    /// Likelihood, label, generation
    Method,
    /// Number of demonstrations
    Demonstrations,
    /// Refined or polar demonstrations
    Form,
    /// With or without demographic statements
    Demographics,
    /// Whose demonstrations
    Control,
    /// Norm of likelihoods
    Norm,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runs = load(&args.runs)?;
    let by = match args.by {
        Some(By::Run) => Factor::Run,
        Some(By::Method) => Factor::Method,
        Some(By::Demonstrations) => Factor::Demonstrations,
        Some(By::Form) => Factor::Form,
        Some(By::Demographics) => Factor::Demographics,
        Some(By::Control) => Factor::Control,
        Some(By::Norm) => Factor::Norm,
        None if runs.len() > 1 => Factor::Run,
        None => Factor::Method,
    };
    let comparisons = Comparisons::new(&runs, by, args.numbers.options())?;
    let tables = comparisons.tables();
    let joined = |form: fn(&Table) -> String| tables.iter().map(form).collect::<Vec<_>>().join("\n");
    print(&match args.format {
        TableFormat::Text => joined(Table::text),
        TableFormat::Markdown => joined(Table::markdown),
        TableFormat::Csv => comparisons.csv_table()?.text,
        TableFormat::Json => serde_json::to_string_pretty(&comparisons)? + "\n",
    })?;
    Ok(ExitCode::SUCCESS)
}
