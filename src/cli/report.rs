//! `indieval report`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::choice::choice;
use super::output::{print, tell};
use super::person_pages;
use super::report_files::ReportFiles;
use super::status::ExitStatus;
use crate::base::text::counted;
use crate::metrics::{Norm, OutcomeTable, Resampling, RunData, RunTable};
use crate::report::{Report, ReportOptions, latex_document};
use crate::run::RunError;

/// Options of `indieval report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval report runs/figure4-Qwen3-0.6B
  indieval report runs/a runs/b --out reports/a-and-b --format markdown

Everything is computed anew from the records; no model is needed. Of one run, report.html, summary.json, tables (CSV)
and figures (SVG) go into the run's folder; of several runs, to where --out says.")]
pub struct Args {
    /// Folders of runs
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Where the page goes: a folder, or a file that ends in .html; summary.json, tables/ and figures/ lie beside it
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// What is printed
    #[arg(long, default_value_t, value_name = "FORMAT", value_parser = choice::<TableFormat>())]
    format: TableFormat,
    /// Write a page a person too, into people/ beside the page: what was shown, asked and chosen
    #[arg(long)]
    people: bool,
    #[command(flatten)]
    numbers: Numbers,
}

/// How intervals are made and which norm is the headline.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Numbers {
    /// Norm of likelihoods behind headline figures [default: the one in the run's spec]
    #[arg(long, value_name = "NORM", value_parser = choice::<Norm>())]
    norm: Option<Norm>,
    /// Resamples behind intervals and tests
    #[arg(long, default_value_t = Resampling::default().resamples, value_name = "N",
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(100..=1_000_000))]
    resamples: usize,
    /// Seed of the resamples
    #[arg(long, default_value_t = Resampling::default().seed, value_name = "S")]
    seed: u64,
}

impl Numbers {
    /// The norm behind a run's headline.
    pub fn headline(self, run: &RunData) -> Norm {
        let spec: Option<crate::run::Spec> = toml::from_str(&run.header.spec).ok();
        let told = || spec.map(|spec| spec.scoring.norm).unwrap_or_default();
        self.norm.unwrap_or_else(told)
    }

    /// What the report is made with.
    pub fn options(self) -> ReportOptions {
        ReportOptions {
            norm: self.norm,
            resampling: Resampling {
                resamples: self.resamples,
                seed: self.seed,
            },
        }
    }
}

crate::choices! {
    /// Forms of tables.
    pub enum TableFormat: Text {
        /// For people.
        Text = "text",
        /// For documents.
        Markdown = "markdown",
        /// For papers: LaTeX with booktabs.
        Latex = "latex",
        /// For spreadsheets: every figure of every system, a line each.
        Csv = "csv",
        /// For programs: everything.
        Json = "json",
    }
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runs = load(&args.runs)?;
    let files = ReportFiles {
        page: where_to(&args)?,
        people: args.people,
    };
    files.check_beside(&args.runs)?;
    let report = Report::of_tables(&runs, args.numbers.options())?;
    if args.people {
        let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
        person_pages::write(&args.runs, &names, &files.page)?;
    }
    let written = files.write(&report)?;
    match args.format {
        TableFormat::Text => print_table(&report, &files.page, written)?,
        TableFormat::Markdown => {
            let tables: Vec<String> = report.tables().iter().map(|table| table.markdown()).collect();
            print(&tables.join("\n"))?;
        }
        TableFormat::Latex => print(&latex_document(&report.tables()))?,
        TableFormat::Csv => {
            if let Some(table) = report.csv_tables()?.first() {
                print(&table.text)?;
            }
        }
        TableFormat::Json => print(&(serde_json::to_string_pretty(&report)? + "\n"))?,
    }
    for run in report.results.runs.iter().filter(|run| !run.header.mixed.is_empty()) {
        let mixed = run.header.mixed.join("; ");
        tell!(
            "note: run `{}` was computed by different programs or kernels: {mixed}",
            run.name
        );
    }
    let mut status = ExitCode::SUCCESS;
    for run in report.results.runs.iter().filter(|run| run.incomplete()) {
        let planned = run.header.planned.unwrap_or(run.outcomes);
        tell!(
            "warning: run `{}` is not finished: {} of {planned} outcomes",
            run.name,
            run.outcomes
        );
        status = ExitStatus::Incomplete.into();
    }
    Ok(status)
}

/// The table for people and where the rest is.
fn print_table(report: &Report, page: &Path, (tables, figures): (usize, usize)) -> anyhow::Result<()> {
    let shown: String = report.tables().iter().map(|table| table.text() + "\n").collect();
    print(&format!(
        "{shown}{}, and beside it {} and {}\n",
        page.display(),
        counted(tables, "table", "tables"),
        counted(figures, "figure", "figures")
    ))
}

/// The report of a run that has just ended: files into its folder, the table on stdout. Returns how many answers could
/// not be read.
pub fn after_run(folder: &Path, quiet: bool) -> anyhow::Result<usize> {
    let run = load(std::slice::from_ref(&folder.to_owned()))?;
    run.into_iter().map(|run| of_run(run, folder, quiet)).sum()
}

/// The same of a run that was read already.
pub fn of_run(run: RunTable, folder: &Path, quiet: bool) -> anyhow::Result<usize> {
    let runs = [run];
    let report = Report::of_tables(&runs, ReportOptions::default())?;
    let files = ReportFiles::within(folder);
    files.check()?;
    let written = files.write(&report)?;
    if !quiet {
        print_table(&report, &files.page, written)?;
    }
    Ok(runs
        .iter()
        .flat_map(|run| run.outcomes.iter())
        .filter(|outcome| outcome.prediction.is_none())
        .count())
}

/// Reads run folders for tables and pictures.
pub fn load(folders: &[PathBuf]) -> anyhow::Result<Vec<RunTable>> {
    load_as(folders, crate::run::load_table, OutcomeTable::is_empty)
}

/// Reads run folders; `empty` says whether there are no outcomes.
pub fn load_as<O>(
    folders: &[PathBuf],
    read: fn(&Path) -> Result<RunData<O>, RunError>,
    empty: fn(&O) -> bool,
) -> anyhow::Result<Vec<RunData<O>>> {
    let mut runs: Vec<RunData<O>> = Vec::new();
    for folder in folders {
        let run = read(folder)?;
        if empty(&run.outcomes) {
            anyhow::bail!("run `{}` has no outcomes yet", folder.display());
        }
        runs.push(run);
    }
    // Folders of one name in different places are told apart by where they are.
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    for (at, run) in runs.iter_mut().enumerate() {
        if names.iter().filter(|name| **name == names[at]).count() > 1 {
            run.name = folders[at].display().to_string();
        }
    }
    Ok(runs)
}

/// Where the page goes.
fn where_to(args: &Args) -> anyhow::Result<PathBuf> {
    match (&args.out, args.runs.as_slice()) {
        (Some(out), _) if out.extension().is_some_and(|e| e.eq_ignore_ascii_case("html")) => Ok(out.clone()),
        (Some(out), _) => Ok(out.join("report.html")),
        (None, [one]) => Ok(one.join("report.html")),
        (None, _) => anyhow::bail!("a report on several runs needs --out: a folder, or a file that ends in .html"),
    }
}
