//! Text from files as it is safe to show: on a terminal, in a page, in a message.
//!
//! Names, ids and sentences come from files that others wrote. What in them would move the cursor, colour the screen, ring,
//! or turn the direction of what stands around is written out as its number, so that it is seen and does nothing.

use std::borrow::Cow;

/// A text of one line: everything that cannot be seen is written out, line breaks and tabs included.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| is_unsafe(letter) || matches!(letter, '\n' | '\t'))
}

/// A text of any number of lines: line breaks and tabs stay.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, is_unsafe)
}

/// JSON whose strings show nothing that cannot be seen. It says the same: such characters stand in strings alone, where
/// their numbers may stand for them.
pub fn json(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match is_unsafe(letter) {
            true => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    safe.push_str(&format!("\\u{unit:04x}"));
                }
            }
            false => safe.push(letter),
        }
    }
    Cow::Owned(safe)
}

/// Whether a character does something to what is shown around it. Line breaks and tabs do only what everyone knows.
fn is_unsafe(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        // C0, DEL and C1: ESC, BEL, carriage return, and the 8-bit beginnings of sequences.
        _ if letter.is_control() => true,
        // Direction: marks, embeddings, overrides, isolates (Unicode's Bidi_Control).
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // Lines and paragraphs, annotations, marks of byte order, deprecated controls of shaping, tags.
        '\u{2028}' | '\u{2029}' | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
        '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match is_escaped(letter) {
            true => safe.extend(letter.escape_default()),
            false => safe.push(letter),
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}[31m\u{7}b\r\u{9b}2J\u{202e}c\u{2066}\u{200f}\u{feff}\u{e0041}\u{7f}\nd\te";

    #[test]
    fn nothing_that_acts_is_left() {
        let shown = line(HOSTILE);
        let seen = "a\\u{1b}[31m\\u{7}b\\r\\u{9b}2J\\u{202e}c\\u{2066}\\u{200f}\\u{feff}\\u{e0041}\\u{7f}";
        assert_eq!(shown, format!("{seen}\\nd\\te"));
        assert_eq!(lines(HOSTILE), format!("{seen}\nd\te"));
    }

    #[test]
    fn ordinary_text_of_every_language_stays() {
        for text in [
            "Größe",
            "日本語",
            "العربية",
            "עברית",
            "नमस्ते\u{200d}",
            "👩\u{200d}💻",
            "a\u{301}",
            "x − y",
            "",
        ] {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn json_says_the_same() {
        let value = serde_json::json!({ HOSTILE: [HOSTILE, 1.5] });
        let plain = value.to_string();
        let safe = json(&plain);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
        assert!(!safe.contains(is_unsafe), "{safe}");
    }
}
