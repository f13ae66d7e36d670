//! The pieces of work of a window in batches: what is computed, and written, before the next begins.

use super::TokenAsk;
use crate::model::TokenId;
use std::collections::BTreeSet;
use std::ops::Range;

/// Neighbouring pieces of work, in batches of at most about `budget` tokens (one piece at least), what they begin with alike
/// counted once. Answers do not depend on it.
pub(super) fn batches(asks: &[&TokenAsk], budget: usize) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> = Vec::new();
    let mut paths: BTreeSet<&[TokenId]> = BTreeSet::new();
    let mut tokens = 0;
    for (at, ask) in asks.iter().enumerate() {
        let path = ask.tokens.as_slice();
        let neighbours = [paths.range(..=path).next_back(), paths.range(path..).next()];
        let held = neighbours.into_iter().flatten().map(|other| common(path, other)).max();
        let more = path.len() - held.unwrap_or(0) + ask.more;
        match batches.last_mut() {
            Some(batch) if tokens + more <= budget => {
                batch.end = at + 1;
                tokens += more;
            }
            _ => {
                batches.push(at..at + 1);
                paths.clear();
                tokens = path.len() + ask.more;
            }
        }
        paths.insert(path);
    }
    batches
}

/// Tokens that both begin with.
fn common(a: &[TokenId], b: &[TokenId]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(tokens: &[TokenId], more: usize) -> TokenAsk {
        TokenAsk {
            tokens: tokens.to_vec(),
            context: tokens.len(),
            more,
        }
    }

    #[test]
    fn what_is_shared_counts_once_whatever_stands_between() {
        let asks = [
            ask(&[1, 2, 3, 4], 0),
            ask(&[9, 9], 0),
            ask(&[1, 2, 3, 5], 0),
            ask(&[1, 2], 3),
            ask(&[7; 30], 0),
            ask(&[7; 4], 0),
        ];
        let of = |budget| batches(&asks.iter().collect::<Vec<_>>(), budget);
        assert_eq!(of(7), [0..3, 3..4, 4..5, 5..6]);
        assert_eq!(of(10), [0..4, 4..5, 5..6]);
        assert_eq!(of(1000).first(), Some(&(0..6)));
        assert_eq!(of(0).len(), 6);
        assert!(batches(&[], 5).is_empty());
    }
}
