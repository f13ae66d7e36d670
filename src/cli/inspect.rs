//! `indieval inspect`: single answers of a run.

use std::path::PathBuf;
use std::process::ExitCode;

use super::choice::choice;
use super::format::OutputFormat;
use super::output::{print, print_json, tell};
use super::report::load_as;
use crate::base::text::{count, counted};
use crate::report::{AnswerFilter, ModelAnswer, answers};
use crate::scoring::Method;
use crate::survey::QuestionId;

/// Options of `indieval inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval inspect runs/figure4-Qwen3-0.6B --respondent synthetic-00001
  indieval inspect runs/figure4-Qwen3-0.6B --question Q46 --wrong -n 5
  indieval inspect runs/a --differs-from runs/b --format json

Candidates are numbered in their order; > is the model's choice. Percentages are the model's probabilities among the
candidates (sums of log-probabilities), or of generated answers the share of orders that chose it. `indieval show` prints
what the model was shown.")]
pub struct Args {
    /// The run's folder
    run: PathBuf,
    /// Answers about this respondent only
    #[arg(long, value_name = "ID")]
    respondent: Option<String>,
    /// Answers to this question only
    #[arg(long, value_name = "Q")]
    question: Option<QuestionId>,
    /// Answers of this method only
    #[arg(long, value_name = "METHOD", value_parser = choice::<Method>())]
    method: Option<Method>,
    /// Answers with this number of demonstrations only
    #[arg(long, value_name = "N")]
    demonstrations: Option<usize>,
    /// Only where the model did not choose the person's own candidate
    #[arg(long)]
    wrong: bool,
    /// Only where no choice could be read
    #[arg(long)]
    unread: bool,
    /// Only where the model of this other run chose differently on the same probe
    #[arg(long, value_name = "RUN")]
    differs_from: Option<PathBuf>,
    /// Print at most this many answers; 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    answers: usize,
    /// How to print; json is one answer a line
    #[arg(long, default_value_t, value_name = "FORMAT", value_parser = choice::<OutputFormat>())]
    format: OutputFormat,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let folders: Vec<PathBuf> = [Some(args.run.clone()), args.differs_from.clone()]
        .into_iter()
        .flatten()
        .collect();
    let runs = load_as(&folders, crate::run::load, Vec::is_empty)?;
    let [run, rest @ ..] = runs.as_slice() else {
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(id) = &args.respondent
        && run.people.iter().all(|person| person.id != *id)
    {
        anyhow::bail!(
            "respondent `{id}` is not in this run, which has {}",
            counted(run.people.len(), "respondent", "respondents")
        );
    }
    if let Some(id) = &args.question
        && run.questions.iter().all(|question| question.id != *id)
    {
        anyhow::bail!("{id} is not a probe of this run");
    }
    let filter = AnswerFilter {
        respondent: args.respondent,
        question: args.question,
        method: args.method,
        demonstrations: args.demonstrations,
        wrong: args.wrong,
        unread: args.unread,
    };
    let found = answers(run, &filter, rest.first());
    let most = if args.answers == 0 { found.len() } else { args.answers };
    let shown = &found[..most.min(found.len())];
    match args.format {
        OutputFormat::Json => shown.iter().try_for_each(print_json)?,
        OutputFormat::Text => print(&shown.iter().map(ModelAnswer::text).collect::<Vec<_>>().join("\n"))?,
    }
    let right = found.iter().filter(|answer| answer.is_correct()).count();
    let more = match found.len() - shown.len() {
        0 => String::new(),
        more => format!("; {} more with -n 0", count(more as u64)),
    };
    let synthetic = if run.header.synthetic {
        "SYNTHETIC respondents: "
    } else {
        ""
    };
    tell!(
        "{synthetic}{} of {}, {} right{more}",
        counted(found.len(), "answer", "answers"),
        count(run.outcomes.len() as u64),
        count(right as u64)
    );
    Ok(ExitCode::SUCCESS)
}
