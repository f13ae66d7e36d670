//! The pieces of work of a window in batches: what is computed, and written, before the next begins.

use super::TokenAsk;
use crate::model::TokenId;
use std::collections::BTreeSet;

/// How many of the pieces from here on make the next batch: neighbours of at most about `budget` tokens, what they begin with
/// alike counted once. At least one piece, and where that is longer than the budget as much again: those that begin like it would
/// each cost its length anew in batches of their own. Pieces that are answered or given up cost nothing. Answers do not depend
/// on it.
pub(super) fn next_batch<'a>(asks: impl IntoIterator<Item = Option<&'a TokenAsk>>, budget: usize) -> usize {
    let mut paths: BTreeSet<&[TokenId]> = BTreeSet::new();
    let (mut count, mut tokens, mut most) = (0, 0, budget);
    for ask in asks {
        if let Some(ask) = ask {
            let path = ask.tokens.as_slice();
            let neighbours = [paths.range(..=path).next_back(), paths.range(path..).next()];
            let held = neighbours.into_iter().flatten().map(|other| common(path, other)).max();
            tokens += path.len() - held.unwrap_or(0) + ask.more;
            if paths.is_empty() {
                most = budget.max(2 * tokens);
            } else if tokens > most {
                return count;
            }
            paths.insert(path);
        }
        count += 1;
    }
    count
}

/// Tokens that both begin with.
fn common(a: &[TokenId], b: &[TokenId]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::Range;

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
        let of = |budget| {
            let next = |done: &Range<usize>| {
                let count = next_batch(asks[done.end..].iter().map(Some), budget);
                Some(done.end..done.end + count)
            };
            let all = std::iter::successors(next(&(0..0)), next);
            all.take_while(|batch| !batch.is_empty()).collect::<Vec<_>>()
        };
        assert_eq!(of(7), [0..3, 3..4, 4..6]);
        assert_eq!(of(10), [0..4, 4..6]);
        assert_eq!((of(1000).len(), of(1000).first()), (1, Some(&(0..6))));
        assert_eq!(of(0), [0..3, 3..4, 4..6]);
        assert_eq!(next_batch([], 5), 0);
    }

    #[test]
    fn a_long_beginning_is_not_computed_for_each_line() {
        let line = |own| {
            let mut tokens = vec![1; 3500];
            tokens.extend([own; 15]);
            ask(&tokens, 0)
        };
        let asks: Vec<TokenAsk> = (2..89).map(line).collect();
        assert_eq!(next_batch(asks.iter().map(Some), 2048), 87);
    }
}
