//! The pieces of work of a window in batches: what is computed, and written, before the next begins.

use super::TokenAsk;
use crate::model::TokenId;
use std::collections::BTreeSet;
use std::ops::Range;

/// The batch that begins with piece `first`: neighbouring pieces of at most about `budget` tokens, what they begin with alike
/// counted once. At least one piece, and where that is longer than the budget as much again: those that begin like it would
/// each cost its length anew in batches of their own. Pieces that are answered or given up cost nothing. Answers do not depend
/// on it.
pub(super) fn batch_from(asks: &[Option<&TokenAsk>], first: usize, budget: usize) -> Range<usize> {
    let mut paths: BTreeSet<&[TokenId]> = BTreeSet::new();
    let (mut tokens, mut most) = (0, budget);
    for (at, ask) in asks.iter().enumerate().skip(first) {
        let Some(ask) = ask else { continue };
        let path = ask.tokens.as_slice();
        let neighbours = [paths.range(..=path).next_back(), paths.range(path..).next()];
        let held = neighbours.into_iter().flatten().map(|other| common(path, other)).max();
        tokens += path.len() - held.unwrap_or(0) + ask.more;
        if paths.is_empty() {
            most = budget.max(2 * tokens);
        } else if tokens > most {
            return first..at;
        }
        paths.insert(path);
    }
    first..asks.len()
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
        let asks: Vec<Option<&TokenAsk>> = asks.iter().map(Some).collect();
        let of = |budget| {
            let next = |done: &Range<usize>| Some(batch_from(&asks, done.end, budget));
            let all = std::iter::successors(next(&(0..0)), next);
            all.take_while(|batch| !batch.is_empty()).collect::<Vec<_>>()
        };
        assert_eq!(of(7), [0..3, 3..4, 4..6]);
        assert_eq!(of(10), [0..4, 4..6]);
        assert_eq!((of(1000).len(), of(1000).first()), (1, Some(&(0..6))));
        assert_eq!(of(0), [0..3, 3..4, 4..6]);
        assert_eq!(batch_from(&[], 0, 5), 0..0);
    }

    #[test]
    fn a_long_beginning_is_not_computed_for_each_line() {
        let line = |own| {
            let mut tokens = vec![1; 3500];
            tokens.extend([own; 15]);
            ask(&tokens, 0)
        };
        let asks: Vec<TokenAsk> = (2..89).map(line).collect();
        assert_eq!(batch_from(&asks.iter().map(Some).collect::<Vec<_>>(), 0, 2048), 0..87);
    }
}
