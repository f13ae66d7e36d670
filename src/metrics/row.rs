//! One probe, as plain numbers.

/// One probe and what was chosen for it. All positions are those of the [`Roster`](super::Roster).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Number of the person.
    pub person: usize,
    /// 0, 1 or 2.
    pub split: usize,
    /// Number of the question.
    pub question: usize,
    /// Number of the question's category.
    pub category: usize,
    /// Number of candidates.
    pub candidates: usize,
    /// The person's own candidate.
    pub label: usize,
    /// The chosen candidate; absent where no choice could be read.
    pub choice: Option<usize>,
}

impl Row {
    /// What identifies the probe.
    pub fn key(&self) -> (usize, usize, usize) {
        (self.person, self.split, self.question)
    }

    /// Whether the person's own candidate was chosen.
    pub fn correct(&self) -> bool {
        self.choice == Some(self.label)
    }
}
