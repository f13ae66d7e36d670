//! Options that commands about catalogues and survey files share.

use std::path::PathBuf;

use super::choice::choice;
use crate::cli::output::tell;
use crate::survey::{
    BuiltinSurvey, Catalogue, Demographics, FileKind, IncomeGrouping, QuestionId, Questionnaire, QuestionnaireSource,
    ReadOptions, ReadReport, RepeatedIds, RepeatedInCountry, SurveyFile,
};

/// Which catalogue to use.
#[derive(Debug, Clone, clap::Args)]
pub struct CatalogueArgs {
    /// A released metadata file instead of the built-in catalogue; give it twice for polar and refined statements
    #[arg(long = "catalogue", value_name = "FILE", global = true)]
    files: Vec<PathBuf>,
    /// Definition of a survey of one's own (`indieval survey define` writes a first one)
    #[arg(long, value_name = "FILE", global = true, conflicts_with = "files")]
    definition: Option<PathBuf>,
}

impl CatalogueArgs {
    /// The catalogue: that of the files or the definition if any were named, the built-in one otherwise.
    pub fn load(&self) -> anyhow::Result<Catalogue> {
        Ok(self.questionnaire(IncomeGrouping::default())?.catalogue)
    }

    /// The same with what is known of people.
    fn questionnaire(&self, income: IncomeGrouping) -> anyhow::Result<Questionnaire> {
        Ok(Questionnaire::load(&QuestionnaireSource {
            definition: self.definition.as_deref(),
            catalogue: &self.files,
            income,
        })?)
    }
}

/// What a user should know of a file whatever it is used for.
pub fn notes(report: &ReadReport, demographics: &Demographics) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(
        report
            .repeated_ids
            .iter()
            .map(|repeated| repeated_ids(report, repeated)),
    );
    if let [first, rest @ ..] = report.skipped_lines.as_slice() {
        let lines = if rest.is_empty() { "a line" } else { "lines" };
        notes.push(format!(
            "{lines} above the header left out: {first}{}",
            if rest.is_empty() { "" } else { ", ..." }
        ));
    }
    if report.empty_rows > 0 {
        notes.push(format!("{} empty rows left out", report.empty_rows));
    }
    if !report.absent_questions.is_empty() {
        let absent: Vec<String> = report.absent_questions.iter().map(QuestionId::to_string).collect();
        notes.push(format!("the file has no {}: read as not asked", absent.join(", ")));
    }
    notes.extend(unknown(report));
    notes.extend(no_incomes(report, demographics.income));
    notes
}

/// What became of ids that several rows share.
fn repeated_ids(report: &ReadReport, repeated: &RepeatedInCountry) -> String {
    let RepeatedInCountry {
        country,
        rows,
        ids,
        kept,
    } = repeated;
    let are = if *kept == 1 { "is" } else { "are" };
    if report.kind == FileKind::Defined {
        return format!("{rows} rows have {ids} different ids; {kept} {are} kept");
    }
    let whole = match (report.repeated_ids_rule, kept) {
        (RepeatedIds::FirstOnly, 1) => ": the whole country collapses to one person",
        _ => "",
    };
    format!("{country} has {rows} rows under {ids} interview numbers; {kept} {are} kept{whole}")
}

/// A line where the file lacks the column of incomes.
fn no_incomes(report: &ReadReport, income: IncomeGrouping) -> Option<String> {
    let survey = BuiltinSurvey::get().ok()?;
    let (column, other) = (income.column(survey), income.other());
    report.absent_columns.iter().any(|absent| absent == column).then(|| {
        format!(
            "the file has no {column}, so nobody has an income; `--income {other}` takes them from {}",
            other.column(survey)
        )
    })
}

/// Lines on codes and answers that nothing knows.
fn unknown(report: &ReadReport) -> Vec<String> {
    let mut notes = Vec::new();
    for (unknown, what, whose) in [
        (&report.unknown_codes, "answers", "catalogue"),
        (&report.unknown_demographics, "demographic facts", "list of codes"),
    ] {
        let count: u64 = unknown.values().flat_map(|codes| codes.values()).sum();
        if count > 0 {
            notes.push(format!(
                "{count} {what} have codes that the {whose} does not know and count as missing (`indieval survey check` \
                 lists them)"
            ));
        }
    }
    let uncovered: u64 = report
        .unknown_answers
        .values()
        .flat_map(|answers| answers.values())
        .sum();
    if uncovered > 0 {
        notes.push(format!(
            "{uncovered} answers are not covered by the definition and count as missing (`indieval survey check` lists them)"
        ));
    }
    notes
}

/// A survey file and how to read it.
#[derive(Debug, Clone, clap::Args)]
pub struct SurveyArgs {
    /// Survey file: the official wave 7 CSV, a label file of the paper, or any table with --definition
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
    /// Of people who share an interview number keep only the first, as the paper's code did
    #[arg(long)]
    pub paper_ids: bool,
    /// How the ten steps of income are grouped
    #[arg(long, default_value_t, value_parser = choice::<IncomeGrouping>())]
    pub income: IncomeGrouping,
}

/// A survey file, read, with what it was read for.
pub struct LoadedSurvey {
    /// What is asked and what is known of people.
    pub questionnaire: Questionnaire,
    /// Respondents and report.
    pub survey: SurveyFile,
}

impl SurveyArgs {
    /// Reads the file and says on stderr what a user should know of it.
    pub fn load(&self) -> anyhow::Result<LoadedSurvey> {
        self.load_weighted(None)
    }

    /// The same, with the weights of a column.
    pub fn load_weighted(&self, weight: Option<&str>) -> anyhow::Result<LoadedSurvey> {
        let people = self.read(weight)?;
        for note in notes(&people.survey.report, &people.questionnaire.demographics) {
            tell!("note: {note}");
        }
        Ok(people)
    }

    /// Reads the file.
    pub fn load_quietly(&self) -> anyhow::Result<LoadedSurvey> {
        self.read(None)
    }

    fn read(&self, weight: Option<&str>) -> anyhow::Result<LoadedSurvey> {
        let questionnaire = self.catalogue.questionnaire(self.income)?;
        let options = ReadOptions {
            repeated_ids: if self.paper_ids {
                RepeatedIds::FirstOnly
            } else {
                RepeatedIds::KeepAll
            },
            weight: weight.map(str::to_owned),
        };
        let survey = questionnaire.read(&self.file, options)?;
        Ok(LoadedSurvey { questionnaire, survey })
    }
}
