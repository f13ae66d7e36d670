//! Options that commands about catalogues and survey files share.

use std::path::PathBuf;

use crate::cli::output::tell;
use crate::survey::{Catalogue, Demographics, IncomeGrouping, ReadReport, RepeatedIds, SurveyFile};

/// Which catalogue to use.
#[derive(Debug, Clone, clap::Args)]
pub struct CatalogueArgs {
    /// A released metadata file instead of the built-in catalogue; give it twice for polar and refined statements
    #[arg(long = "catalogue", value_name = "FILE", global = true)]
    files: Vec<PathBuf>,
}

impl CatalogueArgs {
    /// The catalogue: the files' if any were named, the built-in one otherwise.
    pub fn load(&self) -> anyhow::Result<Catalogue> {
        Ok(if self.files.is_empty() {
            Catalogue::builtin()?.clone()
        } else {
            Catalogue::from_metadata(&self.files)?
        })
    }
}

/// What a user should know of a file whatever it is used for.
pub fn notes(report: &ReadReport, demographics: &Demographics) -> Vec<String> {
    let mut notes = Vec::new();
    for country in &report.repeated_ids {
        let whole = match (report.repeated_ids_rule, country.kept) {
            (RepeatedIds::FirstOnly, 1) => ": the whole country collapses to one person",
            _ => "",
        };
        notes.push(format!(
            "{} has {} rows under {} interview numbers; {} {} kept{whole}",
            country.country,
            country.rows,
            country.ids,
            country.kept,
            if country.kept == 1 { "is" } else { "are" },
        ));
    }
    let unknown: u64 = report.unknown_codes.values().flat_map(|codes| codes.values()).sum();
    if unknown > 0 {
        notes.push(format!(
            "{unknown} answers have codes that the catalogue does not know and count as missing (`indieval survey check` lists them)"
        ));
    }
    let absent = |id: &str| report.absent_columns.iter().any(|column| column == id);
    match demographics.income {
        IncomeGrouping::Halves if absent("Q288") => {
            notes.push(
                "the file has no Q288, so nobody has an income; `--income thirds` takes them from Q288R".to_owned(),
            );
        }
        IncomeGrouping::Thirds if absent("Q288R") => {
            notes.push(
                "the file has no Q288R, so nobody has an income; `--income halves` takes them from Q288".to_owned(),
            );
        }
        _ => {}
    }
    notes
}

/// How incomes are grouped, as an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Income {
    /// Low and high, as the paper words it
    #[default]
    Halves,
    /// Low, medium and high, as the paper's code has it
    Thirds,
}

impl From<Income> for IncomeGrouping {
    fn from(income: Income) -> Self {
        match income {
            Income::Halves => Self::Halves,
            Income::Thirds => Self::Thirds,
        }
    }
}

/// A survey file and how to read it.
#[derive(Debug, Clone, clap::Args)]
pub struct SurveyArgs {
    /// Survey file: the official wave 7 CSV, or a label file of the paper
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
    /// Of people who share an interview number keep the first only, as the paper's code did
    #[arg(long)]
    pub paper_ids: bool,
    /// How the ten steps of income are grouped
    #[arg(long, value_enum, default_value_t)]
    pub income: Income,
}

/// A survey file, read, with what it was read for.
pub struct People {
    /// Questions and statements.
    pub catalogue: Catalogue,
    /// Dimensions.
    pub demographics: &'static Demographics,
    /// Respondents and report.
    pub survey: SurveyFile,
}

impl SurveyArgs {
    /// Reads the file and says on stderr what a user should know of it.
    pub fn load(&self) -> anyhow::Result<People> {
        let people = self.load_quietly()?;
        for note in notes(&people.survey.report, people.demographics) {
            tell!("note: {note}");
        }
        Ok(people)
    }

    /// Reads the file.
    pub fn load_quietly(&self) -> anyhow::Result<People> {
        let catalogue = self.catalogue.load()?;
        let demographics = Demographics::builtin(self.income.into())?;
        let rule = if self.paper_ids {
            RepeatedIds::FirstOnly
        } else {
            RepeatedIds::KeepAll
        };
        let survey = SurveyFile::read(&self.file, &catalogue, demographics, rule)?;
        Ok(People {
            catalogue,
            demographics,
            survey,
        })
    }
}
