//! People and what they answered: the catalogue of questions and statements, demographics, survey files, respondents.
//!
//! This module imports none but `base` and never sees a tensor.

mod builtin;
mod catalogue;
mod define;
mod definition;
mod demographics;
mod error;
mod file;
mod file_error;
mod foreign;
mod list;
mod probe_rule;
mod question_id;
mod questionnaire;
mod respondents;
mod sample;
mod stats;
mod synth;
mod types;
mod undefined;
mod wide_text;

pub use define::define;
pub use definition::{PublishedResult, SurveyDefinition};
pub use demographics::{Demographics, IncomeGrouping};
pub use error::SurveyError;
pub use file::{ReadOptions, ReadReport, RepeatedIds, SurveyFile};
pub use file_error::FileError;
pub use probe_rule::{ProbeRule, ProbesOf};
pub use question_id::QuestionId;
pub use questionnaire::{Questionnaire, QuestionnaireSource};
pub use respondents::Respondents;
pub use synth::{SyntheticOptions, SyntheticProfile, write_synthetic};
pub use types::{Answer, Catalogue, Form, Question, Respondent, Statement};

#[doc(hidden)]
pub use list::RespondentList;
#[doc(hidden)]
pub use respondents::MISSING;

pub(crate) use builtin::BuiltinSurvey;
pub(crate) use catalogue::UnknownCategory;
pub(crate) use file::{FileKind, RepeatedInCountry, SEVERAL_COUNTRIES};
pub(crate) use list::write_list;
pub(crate) use sample::{BalanceTable, Conditions, Sample, SampleOptions, SampleRule, sample};
pub(crate) use stats::{SurveyStats, ValidCounts};
pub(crate) use types::{CategoryId, DemographicValue, QuestionIndex};
