//! `indieval export`: a run in the formats of other tools.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;

use super::choice::choice;
use super::output::{say, tell};
use super::report::{Numbers, load_as};
use crate::base::files::write_bytes;
use crate::base::text::counted;
use crate::metrics::RunData;
use crate::report::{EeeModel, Report, evaluations, logs, predictions, predictions_parquet};

/// Options of `indieval export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval export runs/figure4-Qwen3-0.6B --to csv
  indieval export runs/figure4-Qwen3-0.6B --to inspect --out logs
  indieval export runs/figure4-Qwen3-0.6B --to eee --model-id Qwen/Qwen3-0.6B --organisation mine")]
pub struct Args {
    /// Folder of a run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Format to write
    #[arg(long, value_name = "FORMAT", value_parser = choice::<ExportFormat>())]
    to: ExportFormat,
    /// Folder to write into [default: the run's own]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Replace the ids of respondents by numbers
    #[arg(long)]
    pseudonyms: bool,
    /// Of eee: the model as the hub spells it, ORGANISATION/MODEL
    #[arg(long, value_name = "ID", required_if_eq("to", "eee"))]
    model_id: Option<String>,
    /// Of eee: who ran the evaluation
    #[arg(long, value_name = "NAME", required_if_eq("to", "eee"))]
    organisation: Option<String>,
    #[command(flatten)]
    numbers: Numbers,
}

crate::choices! {
    /// Formats of other tools.
    enum ExportFormat {
        /// predictions.csv: one row a record, for pandas, polars, DuckDB and R.
        Csv = "csv",
        /// predictions.parquet: the same rows, typed and a tenth as large; in builds with the feature `parquet`.
        Parquet = "parquet",
        /// A log a condition for `inspect view` and inspect_ai.
        Inspect = "inspect",
        /// Aggregates for Every Eval Ever.
        Eee = "eee",
    }
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut run = load_as(std::slice::from_ref(&args.run), crate::run::load, Vec::is_empty)?.remove(0);
    let out = args.out.clone().unwrap_or_else(|| args.run.clone());
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    if args.pseudonyms {
        pseudonyms(&mut run);
    }
    let norm = args.numbers.headline(&run);
    match args.to {
        ExportFormat::Csv => table(&run, &out.join("predictions.csv"), &predictions(&run, norm)?)?,
        ExportFormat::Parquet => table(
            &run,
            &out.join("predictions.parquet"),
            &predictions_parquet(&run, norm)?,
        )?,
        ExportFormat::Inspect => {
            for log in logs(&run, norm)? {
                let path = out.join(&log.name);
                write(&path, &log.bytes)?;
                say!("{}: {}", path.display(), counted(log.samples, "sample", "samples"));
            }
            personal(&run);
        }
        ExportFormat::Eee => {
            let report = Report::new(std::slice::from_ref(&run), args.numbers.options())?;
            let model = EeeModel {
                id: args.model_id.unwrap_or_default(),
                organisation: args.organisation.unwrap_or_default(),
            };
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs());
            for document in evaluations(&report, &model, now)? {
                let path = out.join(format!("{}.json", run.header.run_id));
                write(&path, (serde_json::to_string_pretty(&document)? + "\n").as_bytes())?;
                say!("{}: aggregates only, no individual answers", path.display());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a table of one row a record.
fn table(run: &RunData, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write(path, bytes)?;
    say!("{}: {}", path.display(), counted(run.outcomes.len(), "row", "rows"));
    personal(run);
    Ok(())
}

/// What was exported of real people.
fn personal(run: &RunData) {
    if !run.header.synthetic {
        tell!(
            "note: this holds individual people's answers and the groups they belong to; the survey's conditions of use say \
             who may have it"
        );
    }
}

/// Numbers in place of ids, in the order of the run.
fn pseudonyms(run: &mut RunData) {
    let numbers: std::collections::HashMap<String, String> = (1..)
        .zip(&run.people)
        .map(|(number, person): (usize, _)| (person.id.clone(), format!("person-{number}")))
        .collect();
    let rename = |id: &mut String| {
        if let Some(number) = numbers.get(id) {
            id.clone_from(number);
        }
    };
    run.people.iter_mut().for_each(|person| rename(&mut person.id));
    run.outcomes
        .iter_mut()
        .for_each(|outcome| rename(&mut outcome.respondent));
    let renamed = run.baselines.rows().map(|mut row| {
        rename(&mut row.respondent);
        row
    });
    run.baselines = renamed.collect();
    run.second_answers
        .iter_mut()
        .for_each(|one| rename(&mut one.respondent));
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    write_bytes(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
