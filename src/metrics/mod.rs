//! Pure numbers from outcomes.

mod input;

pub use input::{BaselineRow, Dimension, ModelInfo, Person, QuestionInfo, RunData, RunHeader};
