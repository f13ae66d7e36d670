//! Synthetic respondents: invented people in the shape of the official CSV, for demonstrations, tests and timings.
//!
//! No answer of a real person went into them. A latent-factor model (`data/synthetic-model.toml`) makes related
//! questions go together, so that what a person said tells something about what they would say.

mod answers;
mod model;
mod model_file;
mod person;
mod write;

use std::io::Write;

use super::builtin::BuiltinSurvey;
use super::demographics::{Demographics, IncomeGrouping};
use super::error::SurveyError;
use super::types::{Catalogue, QuestionIndex};
use crate::base::random::Draws;
use model::{Country, Model};

/// What synthetic people to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntheticOptions {
    /// How many.
    pub respondents: usize,
    /// Another seed makes other people; the first n of a seed are the same however many are made.
    pub seed: u64,
    /// Whether they leave questions out as people do.
    pub profile: SyntheticProfile,
}

/// How synthetic people are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyntheticProfile {
    /// From all countries alike; answers are missing about as often as in the survey.
    Surveyed,
    /// The six continents in turn; these questions are all answered, and few others are missing.
    Answering(Vec<QuestionIndex>),
}

/// Writes synthetic respondents as CSV; the first column, `SYNTHETIC`, says what they are.
///
/// The bytes depend on the options, the built-in catalogue and the model alone, not on the machine.
pub fn write_synthetic<W: Write>(options: &SyntheticOptions, output: W) -> Result<(), SyntheticError> {
    let model = Model::builtin()?;
    let catalogue = Catalogue::builtin()?;
    let demographics = Demographics::builtin(IncomeGrouping::Thirds)?;
    let survey = BuiltinSurvey::get().map_err(SurveyError::from)?;
    let continents = continents(model, demographics, &survey.sample.strata);
    let never_missing = match &options.profile {
        SyntheticProfile::Surveyed => None,
        SyntheticProfile::Answering(questions) => {
            let mut never = vec![false; catalogue.questions.len()];
            for &at in questions {
                if let Some(entry) = never.get_mut(at) {
                    *entry = true;
                }
            }
            Some(never)
        }
    };
    let mut table = write::SyntheticTable::new(output, catalogue, &survey.synthetic)?;
    for number in 0..options.respondents {
        let mut draws = Draws::new(options.seed, number as u64);
        let country = match options.profile {
            SyntheticProfile::Surveyed => &model.countries[draws.below(model.countries.len())],
            SyntheticProfile::Answering(_) => {
                let countries = &continents[number % continents.len()];
                countries[draws.below(countries.len())]
            }
        };
        let person = person::draw(model, country, demographics, &mut draws);
        let answers = answers::draw(model, &person, never_missing.as_deref(), &mut draws);
        table.row(number, &person, &answers)?;
    }
    table.finish()?;
    Ok(())
}

/// Countries by continent, in the order of the groups of the dimension `id`.
fn continents<'m>(model: &'m Model, demographics: &Demographics, id: &str) -> Vec<Vec<&'m Country>> {
    let Some(at) = demographics.index_of(id) else {
        return vec![model.countries.iter().collect()];
    };
    let dimension = &demographics.dimensions[at];
    let mut continents = vec![Vec::new(); dimension.groups().len()];
    for country in &model.countries {
        if let Some(group) = dimension.group_of_code(country.code) {
            continents[group].push(country);
        }
    }
    continents.retain(|countries| !countries.is_empty());
    continents
}

/// What can go wrong when synthetic respondents are written.
#[derive(Debug, thiserror::Error)]
pub enum SyntheticError {
    /// The built-in data is broken.
    #[error(transparent)]
    Survey(#[from] SurveyError),
    /// The output could not be written.
    #[error("cannot write synthetic respondents")]
    Write(#[from] std::io::Error),
}

#[cfg(test)]
mod tests;
