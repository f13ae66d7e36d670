//! What is asked of a scorer.

use crate::probe::Case;
use crate::prompt::{Frame, Prompt};
use crate::scoring::Condition;

/// One condition of the grid for one person and split.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The condition; it is copied into the outcomes. Its method says how the question is put and what becomes of it.
    pub condition: &'a Condition,
    /// What is shown and asked.
    pub case: &'a Case,
    /// The method's template.
    pub prompt: &'a Prompt,
    /// What stands around it.
    pub frame: &'a Frame,
}

impl Ask<'_> {
    /// The condition as text, which random draws depend on.
    pub(crate) fn condition_text(&self) -> String {
        serde_json::to_string(self.condition).unwrap_or_default()
    }
}
