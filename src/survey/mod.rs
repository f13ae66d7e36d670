//! People and what they answered: the catalogue of questions and statements, demographics, survey files, respondents.
//!
//! This room imports no other room and never sees a tensor.

mod types;

pub use types::{
    Answer, Catalogue, CategoryId, DemographicValue, Form, Question, QuestionId, QuestionIndex, Respondent, Statement,
};
