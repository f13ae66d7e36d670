//! What the program waits for at this moment: a disk that is slow looks like a program that hangs unless it is named.
//!
//! One board for the whole process, as there is one screen: whoever waits, deep in a decoder or a journal, puts a line up for
//! as long, and whoever shows progress looks at it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One wait.
#[derive(Debug)]
struct WaitLine {
    number: u64,
    what: String,
    since: Instant,
}

/// All that is waited for, the wait that lasts longest first.
#[derive(Debug, Default)]
struct Board {
    put_up: AtomicU64,
    lines: Mutex<Vec<WaitLine>>,
}

/// The process's board.
static BOARD: Board = Board {
    put_up: AtomicU64::new(0),
    lines: Mutex::new(Vec::new()),
};

/// Time that nobody needs to hear about.
const WORTH_A_WORD: Duration = Duration::from_secs(2);

/// Waiting, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    board: &'a Board,
    number: u64,
}

/// Says that `what` is waited for from now on, until what is returned goes.
pub(crate) fn waiting_for(what: String) -> Waiting<'static> {
    BOARD.put(what)
}

/// What has been waited for for some seconds, the one that lasts longest.
pub(crate) fn long_wait() -> Option<String> {
    BOARD.longer_than(WORTH_A_WORD)
}

impl Board {
    fn lines(&self) -> MutexGuard<'_, Vec<WaitLine>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, what: String) -> Waiting<'_> {
        let number = self.put_up.fetch_add(1, Ordering::Relaxed);
        let since = Instant::now();
        self.lines().push(WaitLine { number, what, since });
        Waiting { board: self, number }
    }

    fn longer_than(&self, some: Duration) -> Option<String> {
        let lines = self.lines();
        let line = lines.first().filter(|line| line.since.elapsed() >= some)?;
        Some(line.what.clone())
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.board.lines().retain(|line| line.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_is_told_while_it_lasts() {
        let board = Board::default();
        let said = || board.longer_than(Duration::ZERO);
        assert_eq!(said(), None);
        let layer = board.put("layer 3".to_owned());
        let records = board.put("the records".to_owned());
        assert_eq!(said().as_deref(), Some("layer 3"));
        assert_eq!(board.longer_than(Duration::from_secs(60)), None);
        drop(layer);
        assert_eq!(said().as_deref(), Some("the records"));
        drop(records);
        assert_eq!(said(), None);
    }
}
