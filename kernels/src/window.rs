//! How far a row sees where it does not see all of its path.

use std::ops::Range;

/// Which keys a row sees of those up to its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttentionWindow {
    /// So many at most, its own the last of them.
    Sliding(usize),
    /// Those of its own chunk: every path is cut into chunks of so many positions, from its beginning on.
    Chunk(usize),
}

impl AttentionWindow {
    /// Keys that a row sees at most.
    pub fn size(self) -> usize {
        match self {
            Self::Sliding(size) | Self::Chunk(size) => size,
        }
    }

    /// The first position that a row at `position` sees; never falls from one position to the next.
    pub fn first_seen(self, position: usize) -> usize {
        match self {
            Self::Sliding(size) => (position + 1).saturating_sub(size),
            Self::Chunk(size) => position - position % size.max(1),
        }
    }
}

/// Which positions of its path a row sees.
pub(crate) fn seen(position: usize, window: Option<AttentionWindow>) -> Range<usize> {
    window.map_or(0, |window| window.first_seen(position))..position + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_slides_and_a_chunk_begins_anew() {
        let first = |window: AttentionWindow| (0..8).map(|position| window.first_seen(position)).collect::<Vec<_>>();
        assert_eq!(first(AttentionWindow::Sliding(3)), [0, 0, 0, 1, 2, 3, 4, 5]);
        assert_eq!(first(AttentionWindow::Chunk(3)), [0, 0, 0, 3, 3, 3, 6, 6]);
    }
}
