//! `indieval grade`: answers that were made elsewhere become a run.

use std::path::PathBuf;
use std::process::ExitCode;

use super::choice::choice;
use super::output::{say, tell};
use super::status::ExitStatus;
use crate::base::text::counted;
use crate::run::{GradeOptions, Keep, grade};

/// Options of `indieval grade`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval grade prompts/gpt results.jsonl errors.jsonl --missing-out again.jsonl --out runs/gpt
  indieval grade prompts/gpt results.jsonl again-results.jsonl --final --out runs/gpt

Answers may be lines of OpenAI, vLLM, Anthropic or Gemini batches, {\"id\", \"text\"}, or of `indieval generate`.")]
pub struct Args {
    /// Folder of the export
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Files of answers, in any order, errors included
    #[arg(required = true, value_name = "ANSWERS")]
    answers: Vec<PathBuf>,
    /// The run's folder
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// The survey file, if it is no longer where the export found it
    #[arg(long, value_name = "FILE")]
    survey: Option<PathBuf>,
    /// Name of the model, in place of what the answers and the export say
    #[arg(long, short, value_name = "NAME")]
    model: Option<String>,
    /// Which of two different answers to one prompt counts
    #[arg(long, value_name = "WHICH", value_parser = choice::<Keep>())]
    keep: Option<Keep>,
    /// Write the requests that have no answer, or an error, to this file, to be sent again
    #[arg(long, value_name = "FILE")]
    missing_out: Option<PathBuf>,
    /// Count prompts without an answer as failed
    #[arg(long = "final")]
    last: bool,
}

/// Ids that are shown of those without an answer.
const SHOWN: usize = 5;

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let options = GradeOptions {
        survey: args.survey,
        keep: args.keep,
        last: args.last,
        missing_out: args.missing_out,
        model: args.model,
    };
    let graded = grade(&args.folder, &args.answers, &args.out, &options)?;
    for (path, line) in &graded.cut {
        tell!(
            "warning: {}, line {line}: the last line is cut off; its prompt counts as not answered",
            path.display()
        );
    }
    say!(
        "{} of {} answered, {} failed, {} missing",
        graded.answered,
        counted(graded.requests, "request", "requests"),
        graded.failed,
        graded.missing.len()
    );
    if let Some(path) = options
        .missing_out
        .as_ref()
        .filter(|_| graded.failed > 0 || !graded.missing.is_empty())
    {
        say!("requests to send again: {}", path.display());
    }
    if graded.missing.is_empty() || args.last {
        let records = counted(graded.records.unwrap_or(0), "record", "records");
        say!("{records} in {}", args.out.display());
        super::report::after_run(&args.out, false)?;
        return Ok(ExitCode::SUCCESS);
    }
    let shown: Vec<&str> = graded.missing.iter().take(SHOWN).map(String::as_str).collect();
    tell!(
        "no answer to: {}{}",
        shown.join(", "),
        if graded.missing.len() > SHOWN { ", ..." } else { "" }
    );
    tell!(
        "hint: {}give their answers too, or --final to count them as failed; no run was written",
        match &options.missing_out {
            Some(path) => format!("send {} again, then ", path.display()),
            None => "--missing-out FILE writes the requests to send again; ".to_owned(),
        }
    );
    Ok(ExitStatus::Incomplete.into())
}
