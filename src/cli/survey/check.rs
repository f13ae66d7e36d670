//! `indieval survey check`.

use std::fmt::Write as _;

use super::super::format::Format;
use super::super::output::{print, print_json};
use super::super::people::SurveyArgs;
use super::people;
use crate::survey::{ReadReport, RepeatedIds};

/// Options of `indieval survey check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    survey: SurveyArgs,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Most unknown codes of one column that text output names.
const SHOWN_CODES: usize = 8;

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let loaded = args.survey.load_quietly()?;
    match args.format {
        Format::Json => print_json(&loaded.survey.report),
        Format::Text => print(&text(&loaded.survey.report)?),
    }
}

fn text(report: &ReadReport) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    writeln!(text, "{}: {}", report.file.display(), report.kind.describe())?;
    if report.synthetic {
        writeln!(text, "its people are synthetic")?;
    }
    writeln!(
        text,
        "{} columns, {} rows, {}",
        report.columns,
        report.rows,
        people(report.respondents, report.synthetic)
    )?;
    for repeated in &report.repeated_ids {
        let done = match report.repeated_ids_rule {
            RepeatedIds::KeepAll => format!("all {} kept under ids of their own", repeated.kept),
            RepeatedIds::FirstOnly if repeated.kept == 1 => {
                "the whole country collapses to 1 person under the paper's rule".to_owned()
            }
            RepeatedIds::FirstOnly => format!("{} kept under the paper's rule", repeated.kept),
        };
        writeln!(
            text,
            "{}: {} rows have {} different interview numbers; {done}",
            repeated.country, repeated.rows, repeated.ids
        )?;
    }
    let missing: Vec<String> = report
        .missing
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(code, count)| format!("{code}: {count}"))
        .collect();
    if !missing.is_empty() {
        writeln!(text, "missing answers by code: {}", missing.join(", "))?;
    }
    for (columns, what) in [
        (&report.absent_columns, "columns that the file does not have"),
        (&report.derived_columns, "columns computed from others"),
    ] {
        if !columns.is_empty() {
            writeln!(text, "{what}: {}", columns.join(", "))?;
        }
    }
    if report.unknown_codes.is_empty() {
        writeln!(text, "no unknown codes")?;
    } else {
        writeln!(text, "unknown codes, counted as missing:")?;
        for (column, codes) in &report.unknown_codes {
            let shown: Vec<String> = codes
                .iter()
                .take(SHOWN_CODES)
                .map(|(code, count)| format!("{code} ({count} times)"))
                .collect();
            let more = codes.len().saturating_sub(SHOWN_CODES);
            let rest = if more > 0 {
                format!(", and {more} more codes")
            } else {
                String::new()
            };
            writeln!(text, "  {column}: {}{rest}", shown.join(", "))?;
        }
    }
    Ok(text)
}
