//! One probe, as plain numbers: 16 bytes, since a large run has millions.

/// Number of splits.
pub const SPLITS: usize = 3;

/// One probe and what was chosen for it. All positions are those of the [`Roster`](super::Roster).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Number of the person.
    pub person: u32,
    /// 0, 1 or 2.
    pub split: u8,
    /// Number of the question.
    pub question: u32,
    /// Number of the question's category.
    pub category: u16,
    /// Number of candidates.
    pub candidates: u8,
    /// The person's own candidate.
    pub label: u8,
    /// The chosen candidate; absent where no choice could be read.
    pub choice: Option<u8>,
}

impl Row {
    /// What identifies the probe.
    pub fn key(&self) -> (u32, u8, u32) {
        (self.person, self.split, self.question)
    }

    /// Whether the person's own candidate was chosen.
    pub fn correct(&self) -> bool {
        self.choice == Some(self.label)
    }
}
