//! What is asked of people and what is known of them, in one piece: the built-in survey, its questions in other words, or
//! a survey of one's own.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::definition::{self, SurveyDefinition};
use super::demographics::{Demographics, IncomeGrouping};
use super::error::SurveyError;
use super::file::{ReadOptions, SurveyFile};
use super::types::Catalogue;

/// Where a questionnaire comes from; by default the built-in one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QuestionnaireSource<'a> {
    /// The definition of a survey of one's own.
    pub definition: Option<&'a Path>,
    /// The authors' metadata files.
    pub catalogue: &'a [PathBuf],
    /// How the built-in survey's incomes are grouped.
    pub income: IncomeGrouping,
}

/// Questions, demographic dimensions, and how a file of answers is read.
#[derive(Debug, Clone)]
pub struct Questionnaire {
    /// Questions and statements.
    pub catalogue: Catalogue,
    /// Demographic dimensions; none where nothing is said about a survey but its questions.
    pub demographics: Cow<'static, Demographics>,
    /// Present where the survey is one's own.
    pub definition: Option<SurveyDefinition>,
}

impl Questionnaire {
    /// Reads what there is to read.
    ///
    /// # Errors
    /// A definition or catalogue that cannot be read or used; both at once.
    pub fn load(source: &QuestionnaireSource<'_>) -> Result<Self, SurveyError> {
        if let Some(path) = source.definition {
            if !source.catalogue.is_empty() {
                return Err(SurveyError::Definition {
                    path: path.to_owned(),
                    place: "--catalogue".to_owned(),
                    problem: "a definition says what is asked; give one of the two".to_owned(),
                });
            }
            let loaded = definition::load(path)?;
            return Ok(Self {
                catalogue: loaded.catalogue,
                demographics: Cow::Owned(loaded.demographics),
                definition: Some(loaded.definition),
            });
        }
        let catalogue = match source.catalogue {
            [] => Catalogue::builtin()?.clone(),
            files => Catalogue::from_metadata(files)?,
        };
        // Another survey's column of the same name is another fact: Q260 may be about dogs.
        let demographics = match catalogue.is_of_builtin_survey() {
            true => Cow::Borrowed(Demographics::builtin(source.income)?),
            false => Cow::Owned(Demographics::none()),
        };
        Ok(Self {
            catalogue,
            demographics,
            definition: None,
        })
    }

    /// Reads a file of answers.
    ///
    /// # Errors
    /// A file that cannot be read, or is not what the questionnaire says.
    pub fn read(&self, path: &Path, options: impl Into<ReadOptions>) -> Result<SurveyFile, SurveyError> {
        match &self.definition {
            Some(definition) => {
                SurveyFile::read_defined(path, (&self.catalogue, &self.demographics), definition, &options.into())
            }
            None => SurveyFile::read(path, &self.catalogue, &self.demographics, options),
        }
    }
}
