//! People and what they answered: the catalogue of questions and statements, demographics, survey files, respondents.
//!
//! This room imports no other room and never sees a tensor.

mod catalogue;
mod demographics;
mod error;
mod file;
mod respondents;
mod types;

pub use demographics::{DIMENSION_COUNT, Demographics, Dimension, Group, IncomeGrouping};
pub use error::SurveyError;
pub use file::{FileError, FileKind, ReadReport, RepeatedIds, RepeatedInCountry, SurveyFile};
pub use respondents::{MISSING, Respondents};
pub use types::{
    Answer, Catalogue, CategoryId, DemographicValue, Form, Question, QuestionId, QuestionIndex, Respondent, Statement,
};
