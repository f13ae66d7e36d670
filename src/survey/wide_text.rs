//! Text whose characters have two or four bytes each: which of its forms a file has.

use std::fmt;

/// UTF-16 and UTF-32, by what `iconv` must be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WideText {
    /// UTF-16 behind a byte-order mark, as Excel saves "Unicode text".
    Utf16,
    /// UTF-16 without a mark, the lower byte first.
    Utf16Le,
    /// UTF-16 without a mark, the higher byte first.
    Utf16Be,
    /// UTF-32 behind a byte-order mark.
    Utf32,
    /// UTF-32 without a mark, the lowest byte first.
    Utf32Le,
    /// UTF-32 without a mark, the highest byte first.
    Utf32Be,
}

/// Byte-order marks. That of UTF-32 begins with that of UTF-16, where the lowest byte comes first.
const MARKS: [(&[u8], WideText); 4] = [
    (b"\xff\xfe\0\0", WideText::Utf32),
    (b"\0\0\xfe\xff", WideText::Utf32),
    (b"\xff\xfe", WideText::Utf16),
    (b"\xfe\xff", WideText::Utf16),
];

/// Bytes that are looked at where there is no mark: a title in any script and the first names of columns.
const LOOKED_AT: usize = 4096;
/// Fewest characters that tell: anything looks like text for a moment.
const FEWEST: usize = 4;

impl WideText {
    /// What the first bytes of a file tell; absent for text in UTF-8 and its kin, and for what is no text.
    pub(super) fn of_bytes(start: &[u8]) -> Option<Self> {
        if let Some(&(_, form)) = MARKS.iter().find(|(mark, _)| start.starts_with(mark)) {
            return Some(form);
        }
        let start = &start[..start.len().min(LOOKED_AT)];
        if !start.contains(&0) {
            return None;
        }
        let quads = start.as_chunks::<4>().0;
        let pairs = start.as_chunks::<2>().0;
        // UTF-32 comes first: to UTF-16 it is text with a NUL beside every character.
        if is_text(quads.iter().map(|&quad| char::from_u32(u32::from_le_bytes(quad)))) {
            Some(Self::Utf32Le)
        } else if is_text(quads.iter().map(|&quad| char::from_u32(u32::from_be_bytes(quad)))) {
            Some(Self::Utf32Be)
        } else if is_text(units(pairs.iter().map(|&pair| u16::from_le_bytes(pair)))) {
            Some(Self::Utf16Le)
        } else if is_text(units(pairs.iter().map(|&pair| u16::from_be_bytes(pair)))) {
            Some(Self::Utf16Be)
        } else {
            None
        }
    }

    /// What `iconv -f` calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Utf16 => "UTF-16",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Utf32 => "UTF-32",
            Self::Utf32Le => "UTF-32LE",
            Self::Utf32Be => "UTF-32BE",
        }
    }
}

impl fmt::Display for WideText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "text in {}", self.name())?;
        match self {
            Self::Utf16 | Self::Utf32 => Ok(()),
            _ => f.write_str(" without a byte-order mark"),
        }
    }
}

/// Characters of UTF-16; half a pair at the end, where the look stopped, is left out.
fn units(units: impl Iterator<Item = u16>) -> impl Iterator<Item = Option<char>> {
    let mut characters = char::decode_utf16(units).peekable();
    std::iter::from_fn(move || {
        let character = characters.next()?.ok();
        (character.is_some() || characters.peek().is_some()).then_some(character)
    })
}

/// Whether characters are text of which most is ASCII, as names of columns and codes are.
fn is_text(characters: impl Iterator<Item = Option<char>>) -> bool {
    let (mut all, mut ascii) = (0, 0);
    for character in characters {
        match character {
            Some('\t' | '\n' | '\r' | ' '..='~') => ascii += 1,
            Some(character) if !character.is_control() => {}
            _ => return false,
        }
        all += 1;
    }
    all >= FEWEST && 2 * ascii > all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_told_with_and_without_a_mark() {
        let text = "Обзор 👍\r\nversion;D_INTERVIEW;\"Q1\"\r\n7;356070001;1\r\n";
        let wide16 = |text: &str, bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let wide32 =
            |text: &str, bytes: fn(u32) -> [u8; 4]| text.chars().flat_map(|c| bytes(u32::from(c))).collect::<Vec<u8>>();
        for (bytes, form) in [
            (wide16(text, u16::to_le_bytes), WideText::Utf16Le),
            (wide16(text, u16::to_be_bytes), WideText::Utf16Be),
            (wide32(text, u32::to_le_bytes), WideText::Utf32Le),
            (wide32(text, u32::to_be_bytes), WideText::Utf32Be),
        ] {
            // However the look stops within a character.
            for end in [bytes.len(), bytes.len() - 1, bytes.len() - 3, 60] {
                assert_eq!(WideText::of_bytes(&bytes[..end]), Some(form), "{end} bytes");
            }
            let long = bytes.repeat(LOOKED_AT / bytes.len() + 1);
            assert_eq!(WideText::of_bytes(&long), Some(form));
        }
        let marked = format!("\u{feff}{text}");
        for bytes in [wide16(&marked, u16::to_le_bytes), wide16(&marked, u16::to_be_bytes)] {
            assert_eq!(WideText::of_bytes(&bytes), Some(WideText::Utf16));
        }
        for bytes in [wide32(&marked, u32::to_le_bytes), wide32(&marked, u32::to_be_bytes)] {
            assert_eq!(WideText::of_bytes(&bytes), Some(WideText::Utf32));
        }
    }

    #[test]
    fn other_bytes_are_no_wide_text() {
        for other in [
            b"D_INTERVIEW,Q1\n1,2\n".as_slice(),
            b"Q1,\0,Q2\n1,2,3\n",
            b"\0\0\0\0\0\0\0\0\0\0\0\0",
            b"\0a\0",
            b"PK\x03\x04\x14\0\0\0\x08\0\0\0!\0",
            b"",
        ] {
            assert_eq!(WideText::of_bytes(other), None, "{other:?}");
        }
    }
}
