//! `indieval survey stats`.

use std::fmt::Write as _;

use super::super::choice::choice;
use super::super::format::OutputFormat;
use super::super::output::{print, print_json};
use super::super::people::SurveyArgs;
use super::people;
use crate::base::text::{count, counted};
use crate::survey::{SurveyStats, ValidCounts};

/// Options of `indieval survey stats`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval survey stats WVS_Cross-National_Wave_7.csv --format json")]
pub struct Args {
    #[command(flatten)]
    survey: SurveyArgs,
    /// How to print
    #[arg(long, default_value_t, value_name = "FORMAT", value_parser = choice::<OutputFormat>())]
    format: OutputFormat,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let loaded = args.survey.load()?;
    let demographics = &loaded.questionnaire.demographics;
    let stats = loaded.survey.respondents.stats(demographics);
    let by = demographics
        .country
        .map(|at| demographics.dimensions[at].name.to_lowercase());
    match args.format {
        OutputFormat::Json => print_json(&stats),
        OutputFormat::Text => print(&text(&stats, by.as_deref())?),
    }
}

/// Counts in all, and by what stands for countries where something does.
fn text(stats: &SurveyStats, by: Option<&str>) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let all = &stats.all;
    writeln!(text, "{}", people(all.respondents, stats.synthetic))?;
    writeln!(
        text,
        "{} to {}",
        counted(all.valid_answers as usize, "valid answer", "valid answers"),
        counted(stats.questions, "question", "questions")
    )?;
    writeln!(
        text,
        "valid questions of a person: mean {:.2}, standard deviation {:.2}; {} answered all",
        all.mean_valid_questions,
        all.sd_valid_questions,
        count(all.complete_respondents as u64)
    )?;
    let Some(by) = by else { return Ok(text) };
    writeln!(
        text,
        "\n{:<24}{:>12}{:>8}{:>8}{:>10}",
        by, "respondents", "mean", "sd", "complete"
    )?;
    for country in &stats.countries {
        let ValidCounts {
            respondents,
            mean_valid_questions,
            sd_valid_questions,
            complete_respondents,
            ..
        } = &country.counts;
        writeln!(
            text,
            "{:<24}{:>12}{mean_valid_questions:>8.2}{sd_valid_questions:>8.2}{:>10}",
            country.country,
            count(*respondents as u64),
            count(*complete_respondents as u64)
        )?;
    }
    Ok(text)
}
