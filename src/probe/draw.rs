//! Randomness that depends on named things only, never on the order in which they come up.

use sha2::{Digest, Sha256};

use crate::base::random::Draws;

/// Part of a key: a number or a text. Each is written with its kind and length, so that no two lists of parts give the
/// same bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    /// A number.
    Number(u64),
    /// A text.
    Text(&'a str),
}

/// SHA-256 of a purpose and its parts.
pub(super) fn key(purpose: &str, parts: &[Part<'_>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in std::iter::once(&Part::Text(purpose)).chain(parts) {
        match part {
            Part::Number(number) => {
                hash.update([0]);
                hash.update(number.to_le_bytes());
            }
            Part::Text(text) => {
                hash.update([1]);
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            }
        }
    }
    hash.finalize().into()
}

/// The first eight bytes of [`key`] as a number.
pub(super) fn key_number(purpose: &str, parts: &[Part<'_>]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = key(purpose, parts);
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Puts `items` in an order that only `key` and their number decide, every order equally likely.
pub(super) fn shuffle<T>(items: &mut [T], key: [u8; 32]) {
    Draws::from_key(key).shuffle(items);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let two = key("p", &[Part::Text("ab"), Part::Text("c")]);
        assert_ne!(two, key("p", &[Part::Text("a"), Part::Text("bc")]));
        assert_ne!(two, key("p", &[Part::Text("abc")]));
        assert_ne!(key("p", &[Part::Number(1)]), key("p", &[Part::Text("1")]));
    }

    #[test]
    fn every_place_is_equally_likely() {
        let mut seen = [[0u32; 5]; 5];
        let rounds = 5000;
        for round in 0..rounds {
            let mut items = [0usize, 1, 2, 3, 4];
            shuffle(&mut items, key("test", &[Part::Number(round)]));
            for (place, item) in items.into_iter().enumerate() {
                seen[item][place] += 1;
            }
        }
        // 1000 expected; the standard deviation is 28, so 150 is more than five of them.
        assert!(seen.iter().flatten().all(|&n| n.abs_diff(1000) < 150), "{seen:?}");
    }
}
