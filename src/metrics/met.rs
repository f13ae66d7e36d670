//! What columns number: things that are kept once, in the order in which they were first met.

use std::collections::HashMap;

/// A position that is none.
pub(super) const NOWHERE: u32 = u32::MAX;

/// A number as tables keep it. None of a run comes near four billion; one of an invented run that does stays as large as
/// can be.
pub(super) fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NOWHERE - 1)
}

/// Things in the order in which they were first met.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Met<T: std::hash::Hash + Eq> {
    all: Vec<T>,
    numbers: HashMap<T, u32>,
    /// The last one: outcomes of one person, or condition, come after each other.
    last: u32,
}

impl<T: std::hash::Hash + Eq> Default for Met<T> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            numbers: HashMap::new(),
            last: 0,
        }
    }
}

impl<T: std::hash::Hash + Eq + Clone> Met<T> {
    /// The number of a thing, which is new where it was not met before.
    pub fn number(&mut self, thing: &T) -> u32 {
        if self.all.get(self.last as usize) == Some(thing) {
            return self.last;
        }
        let next = small(self.all.len());
        self.last = match self.numbers.get(thing) {
            Some(&known) => known,
            None => {
                self.all.push(thing.clone());
                self.numbers.insert(thing.clone(), next);
                next
            }
        };
        self.last
    }

    /// The number of a thing that was met.
    pub fn find(&self, thing: &T) -> Option<u32> {
        self.numbers.get(thing).copied()
    }

    /// All of them, by number.
    pub fn all(&self) -> &[T] {
        &self.all
    }
}
