//! `indieval survey check`.

use std::fmt::Write as _;

use super::super::choice::choice;
use super::super::format::OutputFormat;
use super::super::output::{print, print_json};
use super::super::people::SurveyArgs;
use super::{conditions, ids, people};
use crate::base::text::{count, counted};
use crate::probe::cautions;
use crate::survey::{Catalogue, Conditions, QuestionId, QuestionIndex, ReadReport, RepeatedIds, SEVERAL_COUNTRIES};

/// Options of `indieval survey check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval survey check WVS_Cross-National_Wave_7.csv")]
pub struct Args {
    #[command(flatten)]
    survey: SurveyArgs,
    /// How to print
    #[arg(long, default_value_t, value_name = "FORMAT", value_parser = choice::<OutputFormat>())]
    format: OutputFormat,
}

/// Most unknown codes of one column that text output names.
const SHOWN_CODES: usize = 8;

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let loaded = args.survey.load_quietly()?;
    let conditions = conditions(&loaded.questionnaire.catalogue)?;
    let findings = Findings {
        report: &loaded.survey.report,
        eligible: conditions.eligible(&loaded.survey.respondents).len(),
        unanswered: loaded.survey.respondents.unanswered(),
        conditions,
        catalogue: &loaded.questionnaire.catalogue,
        cautions: cautions(&loaded.questionnaire.catalogue, &loaded.survey.respondents),
    };
    match args.format {
        OutputFormat::Json => print_json(&findings.output()),
        OutputFormat::Text => print(&findings.text()?),
    }
}

/// What is said of a file.
struct Findings<'a> {
    report: &'a ReadReport,
    catalogue: &'a Catalogue,
    conditions: Conditions,
    /// People whom `survey sample` may draw.
    eligible: usize,
    /// Questions that nobody answered, those that are no column of the file among them.
    unanswered: Vec<QuestionIndex>,
    /// What to know of its probes and candidates.
    cautions: Vec<String>,
}

/// The same as JSON.
#[derive(serde::Serialize)]
struct CheckOutput<'a> {
    #[serde(flatten)]
    report: &'a ReadReport,
    /// Absent for a survey of one's own, of which `survey sample` knows nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    eligible: Option<usize>,
    unanswered_questions: Vec<QuestionId>,
}

impl Findings<'_> {
    fn output(&self) -> CheckOutput<'_> {
        let unanswered = self.unanswered.iter();
        CheckOutput {
            report: self.report,
            eligible: self.catalogue.is_of_builtin_survey().then_some(self.eligible),
            unanswered_questions: unanswered.map(|&at| self.catalogue.questions[at].id).collect(),
        }
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        self.shape(&mut text)?;
        self.identity(&mut text)?;
        self.answers(&mut text)?;
        self.codes(&mut text)?;
        for line in &self.cautions {
            writeln!(text, "{line}")?;
        }
        if self.catalogue.is_of_builtin_survey() {
            self.sample(&mut text)?;
        }
        Ok(text)
    }

    /// Who could be drawn.
    fn sample(&self, text: &mut String) -> std::fmt::Result {
        let (needed, questions) = (self.conditions.least_answers, self.catalogue.questions.len());
        if needed > questions {
            return writeln!(
                text,
                "`indieval survey sample` does not apply: it draws people who have 200 answers to show beside the probes, \
                 {needed} in all, and the catalogue has {questions} questions"
            );
        }
        writeln!(
            text,
            "{} of {} could be drawn by `indieval survey sample`: they answered all {} probes and at least {needed} questions",
            count(self.eligible as u64),
            count(self.report.respondents),
            self.conditions.probes.len(),
        )
    }

    /// The file as a table.
    fn shape(&self, text: &mut String) -> std::fmt::Result {
        let report = self.report;
        let separator = report
            .separator
            .map(|separator| format!(", separated by {}", separator.plural()));
        let kind = report.kind.describe();
        writeln!(
            text,
            "{}: {kind}{}",
            report.file.display(),
            separator.unwrap_or_default()
        )?;
        if let Some(member) = &report.member {
            writeln!(text, "the table in the archive is {member}")?;
        }
        if report.synthetic {
            writeln!(text, "its people are synthetic")?;
        }
        for line in &report.skipped_lines {
            writeln!(text, "above the header, left out: {line}")?;
        }
        let people = people(report.respondents as usize, report.synthetic);
        let columns = counted(report.columns, "column", "columns");
        let rows = counted(report.rows as usize, "row", "rows");
        let each = if report.is_long { " (one an answer)" } else { "" };
        writeln!(text, "{columns}, {rows}{each}, {people}")?;
        if report.empty_rows > 0 {
            writeln!(text, "empty rows, left out: {}", count(report.empty_rows))?;
        }
        Ok(())
    }

    /// Interview numbers.
    fn identity(&self, text: &mut String) -> std::fmt::Result {
        for repeated in &self.report.repeated_ids {
            let done = match self.report.repeated_ids_rule {
                RepeatedIds::KeepAll => format!("all {} kept under ids of their own", count(repeated.kept)),
                RepeatedIds::FirstOnly if repeated.kept == 1 && repeated.country != SEVERAL_COUNTRIES => {
                    "the whole country collapses to 1 person under the paper's rule".to_owned()
                }
                RepeatedIds::FirstOnly => format!("{} kept under the paper's rule", count(repeated.kept)),
            };
            if !self.catalogue.is_of_builtin_survey() {
                let (rows, ids) = (
                    counted(repeated.rows as usize, "row", "rows"),
                    counted(repeated.ids as usize, "id", "different ids"),
                );
                writeln!(
                    text,
                    "{rows} have {ids}; {} kept under --paper-ids",
                    count(repeated.kept)
                )?;
                continue;
            }
            writeln!(
                text,
                "{}: {} have {}; {done}",
                repeated.country,
                counted(repeated.rows as usize, "row", "rows"),
                counted(repeated.ids as usize, "interview number", "different interview numbers")
            )?;
        }
        Ok(())
    }

    /// What is missing.
    fn answers(&self, text: &mut String) -> std::fmt::Result {
        let report = self.report;
        let by_code: Vec<String> = report
            .missing
            .iter()
            .filter(|(_, times)| **times > 0)
            .map(|(code, times)| format!("{code}: {}", count(*times)))
            .collect();
        if !self.catalogue.is_of_builtin_survey() {
            let gaps = report
                .missing
                .iter()
                .map(|(why, times)| format!(", {} {why}", count(*times)));
            writeln!(
                text,
                "answers to {}: {} given{}",
                counted(self.catalogue.questions.len(), "question", "questions"),
                count(report.answers.unwrap_or(0)),
                gaps.collect::<String>()
            )?;
        } else if !by_code.is_empty() {
            writeln!(text, "missing answers by code: {}", by_code.join(", "))?;
        }
        let absent: Vec<String> = report.absent_questions.iter().map(QuestionId::to_string).collect();
        let answered = |at: &&QuestionIndex| !report.absent_questions.contains(&self.catalogue.questions[**at].id);
        let unanswered: Vec<QuestionIndex> = self.unanswered.iter().filter(answered).copied().collect();
        for (what, listed) in [
            (
                "questions that the file does not have, read as not asked",
                absent.join(", "),
            ),
            ("questions that nobody answered", ids(self.catalogue, &unanswered)),
            (
                "demographic columns that the file does not have",
                report.absent_columns.join(", "),
            ),
            (
                "demographic columns computed from others",
                report.derived_columns.join(", "),
            ),
        ] {
            if !listed.is_empty() {
                writeln!(text, "{what}: {listed}")?;
            }
        }
        Ok(())
    }

    /// Codes without a meaning.
    fn codes(&self, text: &mut String) -> std::fmt::Result {
        let report = self.report;
        for (question, answers) in &report.unknown_answers {
            let shown: Vec<String> = answers
                .iter()
                .take(SHOWN_CODES)
                .map(|(answer, times)| format!("`{answer}` ({})", counted(*times as usize, "time", "times")))
                .collect();
            writeln!(
                text,
                "{question}: answers not covered by the definition, counted as missing: {}",
                shown.join(", ")
            )?;
        }
        if report.unknown_codes.is_empty() && report.unknown_demographics.is_empty() {
            return match report.unknown_answers.is_empty() {
                true => writeln!(text, "no unknown codes"),
                false => Ok(()),
            };
        }
        for (what, unknown) in [
            ("answers", &report.unknown_codes),
            ("demographics", &report.unknown_demographics),
        ] {
            if !unknown.is_empty() {
                writeln!(text, "unknown codes of {what}, counted as missing:")?;
            }
            for (column, codes) in unknown {
                let shown: Vec<String> = codes
                    .iter()
                    .take(SHOWN_CODES)
                    .map(|(code, times)| format!("{code} ({})", counted(*times as usize, "time", "times")))
                    .collect();
                let rest = match codes.len().saturating_sub(SHOWN_CODES) {
                    0 => String::new(),
                    more => format!(", and {more} more codes"),
                };
                writeln!(text, "  {column}: {}{rest}", shown.join(", "))?;
            }
        }
        Ok(())
    }
}
