//! People and what they answered: the catalogue of questions and statements, demographics, survey files, respondents.
//!
//! This module imports none but `base` and never sees a tensor.

mod catalogue;
mod demographics;
mod error;
mod file;
mod file_error;
mod foreign;
mod list;
mod respondents;
mod sample;
mod stats;
mod synth;
mod types;

pub use catalogue::UnknownCategory;
pub use demographics::{Demographics, Dimension, Group, IncomeGrouping};
pub use error::SurveyError;
pub use file::{
    FileKind, ReadOptions, ReadReport, RepeatedIds, RepeatedInCountry, SEVERAL_COUNTRIES, Separator, SurveyFile,
};
pub use file_error::{Expected, FileError};
pub use foreign::Foreign;
pub use list::{RespondentList, write_list};
pub use respondents::{MISSING, Respondents};
pub use sample::{
    BalanceTable, Conditions, LEAST_DEMOGRAPHICS, MOST_DEMONSTRATIONS, MOST_OF_A_RELIGION, Sample, SampleOptions,
    SampleRule, balance, sample,
};
pub use stats::{CountryCounts, SurveyStats, ValidCounts};
pub use synth::{SyntheticError, SyntheticOptions, SyntheticProfile, write_synthetic};
pub use types::{
    Answer, Catalogue, CategoryId, DemographicValue, Form, Question, QuestionId, QuestionIndex, Respondent, Statement,
};
