//! SentencePiece vocabularies (Llama 2, Mistral, Mixtral) as byte-pair merging with byte fallback.
//!
//! The file has no merges, only a score for each piece. As in Hugging Face's conversion of these models, every way to
//! make a piece of two others is a merge, the pieces of higher score first.

use std::cmp::Ordering;
use std::collections::HashMap;

/// Most bytes of all merges together for each byte of the vocabulary, and how many are let pass at any size. Real
/// vocabularies have about two; one of every length of one letter has as many as its longest piece is long, and a file
/// of two megabytes would take gigabytes.
const MOST_PER_BYTE: usize = 16;
const ALWAYS: usize = 1 << 20;

/// All merges that make a mergeable piece, in the order in which they are applied; `None` where there are so many that
/// the vocabulary cannot be a real one.
///
/// `mergeable` tells whether the token of an id is ordinary text: control tokens and bytes are never made of parts.
pub(super) fn merges(
    tokens: &[String],
    scores: &[f32],
    mergeable: impl Fn(usize) -> bool,
) -> Option<Vec<(String, String)>> {
    let ids: HashMap<&str, usize> = tokens
        .iter()
        .enumerate()
        .map(|(id, token)| (token.as_str(), id))
        .collect();
    let known = |part: &str| ids.get(part).copied().filter(|&id| mergeable(id));
    let bytes: usize = tokens.iter().map(String::len).sum();
    let mut room = bytes.saturating_mul(MOST_PER_BYTE).max(ALWAYS);
    let mut merges: Vec<Merge<'_>> = Vec::new();
    for (id, token) in tokens.iter().enumerate().filter(|(id, _)| mergeable(*id)) {
        let score = scores.get(id).copied().unwrap_or(0.0);
        let first = merges.len();
        for (at, _) in token.char_indices().skip(1) {
            let (left, right) = token.split_at(at);
            if let (Some(left_id), Some(right_id)) = (known(left), known(right)) {
                room = room.checked_sub(token.len())?;
                merges.push(Merge {
                    score,
                    left,
                    right,
                    ids: (left_id, right_id),
                });
            }
        }
        merges[first..].sort_by_key(|merge| merge.ids);
    }
    // The sort is stable: of equals, the piece with the lower id comes first.
    merges.sort_by(Merge::order);
    let owned = |merge: Merge<'_>| (merge.left.to_owned(), merge.right.to_owned());
    Some(merges.into_iter().map(owned).collect())
}

struct Merge<'a> {
    score: f32,
    left: &'a str,
    right: &'a str,
    ids: (usize, usize),
}

impl Merge<'_> {
    /// Higher scores first, then longer left parts, then longer right parts, lengths in characters.
    fn order(&self, other: &Self) -> Ordering {
        let lengths = |merge: &Self| (merge.left.chars().count(), merge.right.chars().count());
        other
            .score
            .total_cmp(&self.score)
            .then_with(|| lengths(other).cmp(&lengths(self)))
    }
}
