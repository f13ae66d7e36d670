//! Options that commands about catalogues and survey files share.

use std::path::PathBuf;

use crate::survey::{Catalogue, Demographics, IncomeGrouping, RepeatedIds, SurveyFile};

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
    /// Reads the file.
    pub fn load(&self) -> anyhow::Result<People> {
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
