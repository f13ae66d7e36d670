//! Texts of any length, in windows: every token is scored once, after as much of the text before it as fits.

use super::TokenAsk;
use crate::model::TokenId;

/// The windows of a text's `tokens` for a model that is fed at most `limit` tokens.
///
/// The first window is scored after `first`, the token that stands in for what precedes a text. Windows of later tokens
/// follow each other without a gap, each scored after the one token before it; the last reaches back as far as the
/// model's context does. (Rolling log-likelihood as lm-evaluation-harness defines it, with a context of one token.)
pub(super) fn windows(first: TokenId, tokens: &[TokenId], limit: usize) -> Vec<TokenAsk> {
    let limit = limit.max(1);
    let mut windows = Vec::new();
    let mut done = tokens.len().min(limit);
    if done > 0 {
        windows.push(TokenAsk::score(&[first], &tokens[..done]));
    }
    while done < tokens.len() {
        let end = tokens.len().min(done + limit);
        windows.push(TokenAsk::score(&tokens[end - limit - 1..done], &tokens[done..end]));
        done = end;
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Number of tokens, longest sequence, and the windows, each a context and a continuation.
    type Rolled = (u32, usize, Vec<[Vec<TokenId>; 2]>);

    /// `lm_eval.utils.get_rolling_token_windows` and `make_disjoint_window` of lm-evaluation-harness 0.4.13 for the
    /// tokens 0, 1, 2, ... after the token 99.
    fn of_the_harness() -> Vec<Rolled> {
        let run = |from: u32, to: u32| (from..to).collect::<Vec<_>>();
        vec![
            (0, 4, vec![]),
            (1, 4, vec![[vec![99], run(0, 1)]]),
            (4, 4, vec![[vec![99], run(0, 4)]]),
            (5, 4, vec![[vec![99], run(0, 4)], [run(0, 4), run(4, 5)]]),
            (
                10,
                4,
                vec![[vec![99], run(0, 4)], [run(3, 4), run(4, 8)], [run(5, 8), run(8, 10)]],
            ),
            (
                3,
                1,
                vec![[vec![99], run(0, 1)], [run(0, 1), run(1, 2)], [run(1, 2), run(2, 3)]],
            ),
        ]
    }

    #[test]
    fn windows_are_those_of_the_harness() {
        for (count, limit, expected) in of_the_harness() {
            let tokens: Vec<TokenId> = (0..count).collect();
            let found = windows(99, &tokens, limit);
            let found: Vec<_> = found
                .iter()
                .map(|ask| [ask.parts().0.to_vec(), ask.parts().1.to_vec()])
                .collect();
            assert_eq!(found, expected, "{count} tokens, {limit} at once");
        }
    }

    proptest! {
        #[test]
        fn every_token_is_scored_once_and_no_window_is_too_long(count in 0u32..200, limit in 1usize..40) {
            let tokens: Vec<TokenId> = (0..count).collect();
            let windows = windows(999, &tokens, limit);
            let scored: Vec<TokenId> = windows.iter().flat_map(|ask| ask.parts().1.to_vec()).collect();
            prop_assert_eq!(scored, tokens);
            for ask in &windows {
                let (context, continuation) = ask.parts();
                prop_assert!(!context.is_empty() && ask.tokens.len() <= limit + 1);
                // What precedes is what stands before it in the text.
                prop_assert!(context == [999] || context[context.len() - 1] + 1 == continuation[0]);
            }
        }
    }
}
