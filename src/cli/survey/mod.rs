//! `indieval survey`: check, describe, sample or invent survey files.

mod check;
mod define;
mod sample;
mod stats;
mod synth;

use std::process::ExitCode;

use crate::base::text::counted;
use crate::probe::{Split, split_questions};
use crate::survey::{BuiltinSurvey, Catalogue, Conditions, QuestionIndex, SurveyError};

/// Options of `indieval survey`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: SurveyCommand,
}

#[derive(Debug, clap::Subcommand)]
enum SurveyCommand {
    /// Check a survey file: what is in it, and what is odd about it
    Check(check::Args),
    /// Write a first definition of your own survey from a file of its answers
    Define(define::Args),
    /// Count people and valid answers, in all and by country
    Stats(stats::Args),
    /// Draw the paper's balanced sample of respondents
    Sample(sample::Args),
    /// Write synthetic respondents in the shape of the official CSV
    Synth(synth::Args),
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        SurveyCommand::Check(args) => check::run(&args)?,
        SurveyCommand::Define(args) => define::run(&args)?,
        SurveyCommand::Stats(args) => stats::run(&args)?,
        SurveyCommand::Sample(args) => sample::run(&args)?,
        SurveyCommand::Synth(args) => synth::run(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// How respondents are called in text: what is computed from invented people says so.
fn people(count: usize, synthetic: bool) -> String {
    match synthetic {
        true => counted(count, "synthetic respondent", "synthetic respondents"),
        false => counted(count, "respondent", "respondents"),
    }
}

/// Whom the paper's sample may draw: everyone who answered every probe of every split, and enough questions besides
/// those of one split to be shown by as many demonstrations as the paper shows.
fn conditions(catalogue: &Catalogue) -> Result<Conditions, SurveyError> {
    let of_a_split = Split::ALL.map(|split| split_questions(catalogue, split));
    let most = of_a_split.iter().map(Vec::len).max().unwrap_or(0);
    let mut probes = of_a_split.concat();
    probes.sort_unstable();
    probes.dedup();
    Ok(Conditions {
        probes,
        least_answers: BuiltinSurvey::get()?.sample.demonstrations + most,
    })
}

/// Question numbers, for people.
fn ids(catalogue: &Catalogue, questions: &[QuestionIndex]) -> String {
    let ids: Vec<String> = questions
        .iter()
        .map(|&at| catalogue.questions[at].id.to_string())
        .collect();
    ids.join(", ")
}
