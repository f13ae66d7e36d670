//! Randomness that depends on named things only, never on the order in which they come up.

use sha2::{Digest, Sha256};

use crate::base::random::Draws;

/// Part of a key: a number or a text. Each is written with its kind and length, so that no two lists of parts give the
/// same bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum KeyPart<'a> {
    /// A number.
    Number(u64),
    /// A text.
    Text(&'a str),
}

/// SHA-256 of a purpose and its parts.
pub(super) fn key(purpose: &str, parts: &[KeyPart<'_>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in std::iter::once(&KeyPart::Text(purpose)).chain(parts) {
        match part {
            KeyPart::Number(number) => {
                hash.update([0]);
                hash.update(number.to_le_bytes());
            }
            KeyPart::Text(text) => {
                hash.update([1]);
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            }
        }
    }
    hash.finalize().into()
}

/// The first eight bytes of [`key`] as a number.
pub(super) fn key_number(purpose: &str, parts: &[KeyPart<'_>]) -> u64 {
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
        let two = key("p", &[KeyPart::Text("ab"), KeyPart::Text("c")]);
        assert_ne!(two, key("p", &[KeyPart::Text("a"), KeyPart::Text("bc")]));
        assert_ne!(two, key("p", &[KeyPart::Text("abc")]));
        assert_ne!(key("p", &[KeyPart::Number(1)]), key("p", &[KeyPart::Text("1")]));
    }

    #[test]
    fn every_place_is_equally_likely() {
        let mut seen = [[0u32; 5]; 5];
        let rounds = 5000;
        for round in 0..rounds {
            let mut items = [0usize, 1, 2, 3, 4];
            shuffle(&mut items, key("test", &[KeyPart::Number(round)]));
            for (place, item) in items.into_iter().enumerate() {
                seen[item][place] += 1;
            }
        }
        // 1000 expected; the standard deviation is 28, so 150 is more than five of them.
        assert!(seen.iter().flatten().all(|&n| n.abs_diff(1000) < 150), "{seen:?}");
    }
}
