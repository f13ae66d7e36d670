//! The running hash of a run's files: what was changed after it was written is found without anything to compare it with.
//!
//! Every line ends in a `check`: the first 16 hexadecimal digits of the SHA-256 of the checks that it follows on and of
//! its own text up to `,"check"`. `run.json` follows on nothing; a line of evidence on the one before it in its file; a
//! record on the record before it and on its evidence. The first line of each file follows on `run.json`. So one flipped
//! byte, a line too many, too few or in another place shows at the very line, in whichever file it is.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use crate::base::hex::{digits, hex};

/// Hexadecimal digits of a check.
const DIGITS: usize = 16;

/// What stands before and after the digits at the end of a line.
const LINE: (&str, &str) = (",\"check\":\"", "\"}\n");

/// The same in a file that is one indented object.
const OBJECT: (&str, &str) = (",\n  \"check\": \"", "\"\n}\n");

/// The hash of a line and of everything that it follows on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) struct Check([u8; DIGITS / 2]);

impl std::fmt::Display for Check {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&hex(&self.0))
    }
}

impl Check {
    /// The check of a text that follows on `before`.
    pub fn new(before: &[Self], text: &[u8]) -> Self {
        let mut digest = Sha256::new();
        for check in before {
            digest.update(check.digits());
        }
        digest.update(text);
        let mut first = [0; DIGITS / 2];
        first
            .iter_mut()
            .zip(digest.finalize())
            .for_each(|(to, from)| *to = from);
        Self(first)
    }

    /// Whether a text is its digits.
    pub fn is_written(self, text: &str) -> bool {
        text.as_bytes() == self.digits()
    }

    fn digits(self) -> [u8; DIGITS] {
        let mut all = [0; DIGITS];
        let two = all.chunks_exact_mut(2).zip(self.0);
        two.for_each(|(two, byte)| two.copy_from_slice(&digits(byte)));
        all
    }

    /// The check that these digits are; only lower-case digits are.
    fn parse(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; DIGITS / 2];
        for (byte, two) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let value = |digit: u8| char::from(digit).to_digit(16);
            *byte = u8::try_from(value(two[0])? << 4 | value(two[1])?).ok()?;
        }
        let check = Self(bytes);
        (check.digits() == text).then_some(check)
    }
}

/// Writes a sealed line again behind other lines than those it followed on.
pub(in crate::run) fn seal_again(line: Sealed<'_>, before: &[Check], into: &mut impl Write) -> io::Result<Check> {
    let check = Check::new(before, line.text);
    into.write_all(line.text)?;
    into.write_all(LINE.0.as_bytes())?;
    into.write_all(&check.digits())?;
    into.write_all(LINE.1.as_bytes())?;
    Ok(check)
}

/// Ends a JSON object in one line with its check and a line feed. `object` is the object as text.
pub(in crate::run) fn seal_line(object: Vec<u8>, before: &[Check]) -> (Vec<u8>, Check) {
    seal(object, before, LINE, 1)
}

/// The same for an indented object, which becomes a file.
pub(in crate::run) fn seal_object(object: Vec<u8>, before: &[Check]) -> (Vec<u8>, Check) {
    seal(object, before, OBJECT, 2)
}

fn seal(mut text: Vec<u8>, before: &[Check], (open, close): (&str, &str), end: usize) -> (Vec<u8>, Check) {
    text.truncate(text.len().saturating_sub(end));
    let check = Check::new(before, &text);
    text.extend_from_slice(open.as_bytes());
    text.extend_from_slice(&check.digits());
    text.extend_from_slice(close.as_bytes());
    (text, check)
}

/// A sealed text taken apart.
#[derive(Debug, Clone, Copy)]
pub(in crate::run) struct Sealed<'a> {
    text: &'a [u8],
    /// The check that it ends in.
    pub check: Check,
}

impl<'a> Sealed<'a> {
    /// A line, line feed included; `None` where it does not end as every line does.
    pub fn line(line: &'a [u8]) -> Option<Self> {
        Self::open(line, LINE)
    }

    /// A file that is one indented object.
    pub(crate) fn object(file: &'a [u8]) -> Option<Self> {
        Self::open(file, OBJECT)
    }

    fn open(whole: &'a [u8], (open, close): (&str, &str)) -> Option<Self> {
        let rest = whole.strip_suffix(close.as_bytes())?;
        let (rest, digits) = rest.split_at_checked(rest.len().checked_sub(DIGITS)?)?;
        Some(Self {
            text: rest.strip_suffix(open.as_bytes())?,
            check: Check::parse(digits)?,
        })
    }

    /// The check that it must end in behind `before`.
    pub(crate) fn expected(&self, before: &[Check]) -> Check {
        Check::new(before, self.text)
    }

    /// Whether it is as it was written behind `before`.
    pub(crate) fn holds(&self, before: &[Check]) -> bool {
        self.expected(before) == self.check
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_flipped_bit_of_a_sealed_line_shows() {
        let start = Check::new(&[], b"start");
        let (line, check) = seal_line(br#"{"id":"a","value":1.5}"#.to_vec(), &[start]);
        let sealed = Sealed::line(&line).unwrap();
        assert!(sealed.holds(&[start]) && sealed.check == check);
        assert!(!sealed.holds(&[check]), "it does not hold behind another line");
        assert!(serde_json::from_slice::<serde_json::Value>(&line).is_ok());
        for bit in 0..8 * line.len() {
            let mut flipped = line.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let holds = Sealed::line(&flipped).is_some_and(|sealed| sealed.holds(&[start]));
            assert!(!holds, "bit {bit}");
        }
    }

    /// The same by hand: `printf '{"a":1' | sha256sum`.
    #[test]
    fn a_check_is_the_front_of_the_hash_of_the_text_before_it() {
        let (line, _) = seal_line(br#"{"a":1}"#.to_vec(), &[]);
        let expected = crate::base::hex::sha256_hex(br#"{"a":1"#);
        assert_eq!(
            line,
            format!("{{\"a\":1,\"check\":\"{}\"}}\n", &expected[..16]).into_bytes()
        );
        let (object, _) = seal_object(b"{\n  \"a\": 1\n}".to_vec(), &[]);
        assert!(Sealed::object(&object).unwrap().holds(&[]));
        assert!(Sealed::object(&line).is_none());
    }
}
