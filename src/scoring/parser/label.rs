//! Which letters of a text are meant as labels of options, and which are words, names or units.

use super::vocabulary::{JOINING, NAMED_BY_LETTER, NAMING_LETTER, REASONS, REJECTING_VERBS, TITLES, VERBS};

/// Whether a character belongs to a word. Scripts without spaces between words begin none beside a letter: `答案是B`.
pub(super) fn is_inner(c: char) -> bool {
    let spaceless = matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}');
    matches!(c, '\'' | '’' | '_') || (c.is_alphanumeric() && !spaceless)
}

/// The option that the word at `at..end` stands for, if it is a letter that is meant as one and no word of a language.
pub(super) fn label(text: &str, at: usize, end: usize, options: &[&str]) -> Option<usize> {
    let letter = letter(&text[at..end])?;
    let (before, behind) = (&text[..at], &text[end..]);
    let next = behind.chars().next();
    let previous = before.chars().next_back();
    // `A-level`, `U.S.`, `<b>`.
    let inside = |c: Option<char>| c.is_some_and(is_inner);
    let hyphenated = next == Some('-') && inside(behind.chars().nth(1));
    let initial = next == Some('.') && inside(behind.chars().nth(1)) && behind.chars().nth(2) == Some('.');
    let abbreviated = previous == Some('.') && inside(before.chars().nth_back(1));
    let tag = matches!(previous, Some('<' | '/')) && next == Some('>');
    if hyphenated || initial || abbreviated || tag || is_in_a_name(before, behind) {
        return None;
    }
    let option = usize::from(letter.to_ascii_uppercase() - b'A');
    let is_label = if letter.is_ascii_lowercase() {
        is_small_label(text, before, behind, letter)
    } else if letter == b'I' && option >= options.len() {
        false
    } else if letter == b'A' || letter == b'I' {
        !begins_sentence(before) && letter == b'A' || is_no_word(behind, options.get(option).copied())
    } else {
        true
    };
    is_label.then_some(option)
}

/// Whether the letter between these is part of a name or a unit: `Plan B`, `Dr. B`, `C major`, `C++`, `20 °C`.
fn is_in_a_name(before: &str, behind: &str) -> bool {
    let spaced = |text: &str| text.trim_end_matches(' ').len() < text.len();
    let noun = before.trim_end_matches(' ');
    let title = noun.trim_end_matches('.');
    let named = noun.ends_with(is_inner) && NAMED_BY_LETTER.contains(&last_word(noun).as_str())
        || title.ends_with(is_inner) && TITLES.contains(&last_word(title).as_str());
    let follows = behind.strip_prefix(' ').map(first_word).unwrap_or_default();
    spaced(before) && named
        || NAMING_LETTER.contains(&follows.as_str())
        || behind.starts_with("++")
        || behind.starts_with('#')
        || before.ends_with('°')
}

/// The word that a text begins with, in lower case.
fn first_word(text: &str) -> String {
    let end = text.find(|c| !is_inner(c)).unwrap_or(text.len());
    text[..end].to_lowercase().replace('’', "'")
}

/// The letter of a word that is one: ASCII, or its full-width form.
fn letter(word: &str) -> Option<u8> {
    let mut chars = word.chars();
    let letter = match (chars.next()?, chars.next()) {
        (wide @ 'Ａ'..='Ｚ', None) => char::from_u32(u32::from(wide) - 0xfee0)?,
        (letter, None) => letter,
        _ => return None,
    };
    u8::try_from(letter).ok().filter(u8::is_ascii_alphabetic)
}

/// Small letters are words too often to be taken for labels without a sign: they are all there is, or in brackets, or
/// begin a line like an item of a list, or follow on the word `option`.
fn is_small_label(text: &str, before: &str, behind: &str, letter: u8) -> bool {
    let alone = text.trim_matches(|c: char| !c.is_alphanumeric()).len() == 1;
    let opened =
        before.ends_with(['(', '[', '*', '"', '`', '“', '_']) || before.ends_with(['\'', '‘']) && letter != b'n';
    let closed = behind.starts_with([')', ']', '*', '"', '`', '”', '_', '\'', '’']);
    let ended = behind.starts_with([')', '.', ':', '\n']) || behind.is_empty();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let begins_line = line.chars().all(|c| !c.is_alphanumeric());
    let word = last_word(before);
    let named = match word.as_str() {
        "option" | "letter" => true,
        "answer" | "choice" | "is" => letter != b'a' || ended,
        _ => false,
    };
    alone || (opened && closed) || (begins_line && ended) || named
}

/// The last word of a text in lower case.
fn last_word(text: &str) -> String {
    let word = text.trim_end_matches(|c| !is_inner(c));
    word.rsplit(|c| !is_inner(c)).next().unwrap_or_default().to_lowercase()
}

/// Whether a sentence begins behind this text, so that a capital A may be an article.
fn begins_sentence(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t', '*', '_', '"', '“', '\'', '‘', '(', '-', '>', '#']);
    before.is_empty() || before.ends_with(['.', '!', '?', '\n', ':', '。'])
}

/// Whether what follows on a capital A shows that it is no article: an end, a mark, a word that joins or judges letters,
/// another letter soon, or the words of its own option.
fn is_no_word(behind: &str, option: Option<&str>) -> bool {
    let rest = behind.trim_start_matches([' ', '\t']);
    let spaced = rest.len() < behind.len();
    let Some(first) = rest.chars().next() else { return true };
    if !spaced || !is_inner(first) {
        return true;
    }
    let word = first_word(rest);
    let end = rest.find(|c| !is_inner(c)).unwrap_or(rest.len());
    // `A 60%, B 40%`, but `A 60-year-old`.
    if word.bytes().all(|digit| digit.is_ascii_digit()) && !rest[end..].starts_with('-') {
        return true;
    }
    let judged = [
        JOINING,
        VERBS,
        REJECTING_VERBS,
        REASONS,
        &["not", "but", "over", "rather", "instead", "fits", "then"],
    ];
    let following = rest[end..].trim_start();
    let second = following.find(|c| !is_inner(c)).unwrap_or(following.len());
    let near =
        word.chars().count() <= 4 && letter(&following[..second]).is_some_and(|c| c.is_ascii_uppercase() && c != b'I');
    let own = option.is_some_and(|option| {
        let (rest, option) = (super::text::plain(rest), super::text::plain(option));
        !option.trim().is_empty() && rest.starts_with(option.as_str())
    });
    judged.iter().any(|words| words.contains(&word.as_str())) || near || own
}
