//! Parts of a template's tags, found without parsing them.

/// The two sides of the first `=` that stands alone.
pub(super) fn assignment(text: &str) -> Option<(&str, &str)> {
    let target = split(text, "=")[0];
    let value = text.get(target.len() + 1..)?;
    let is_comparison = value.starts_with('=') || target.ends_with(['!', '<', '>']);
    (!is_comparison && !value.trim().is_empty()).then_some((target, value))
}

/// The parts of a text between separators that stand outside strings and brackets. Line breaks count as spaces.
pub(super) fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (bytes, wanted) = (text.as_bytes(), separator.as_bytes());
    let same = |(byte, wanted): (&u8, &u8)| byte == wanted || (*wanted == b' ' && byte.is_ascii_whitespace());
    let (mut parts, mut from, mut depth, mut quote, mut at) = (Vec::new(), 0, 0i32, None, 0);
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, byte @ (b'\'' | b'"')) => quote = Some(byte),
            (None, b'(' | b'[' | b'{') => depth += 1,
            (None, b')' | b']' | b'}') => depth -= 1,
            (None, _) if depth == 0 && bytes.len() - at >= wanted.len() && bytes[at..].iter().zip(wanted).all(same) => {
                parts.push(&text[from..at]);
                at += wanted.len() - 1;
                from = at + 1;
            }
            (None, _) => {}
        }
        at += 1;
    }
    parts.push(&text[from..]);
    parts
}

/// Words, numbers, strings and signs of a tag.
pub(super) fn tokens(text: &str) -> usize {
    let (mut tokens, mut quote, mut in_word) = (0, None, false);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match quote {
            Some(_) if byte == b'\\' => drop(bytes.next()),
            Some(open) => quote = (byte != open).then_some(open),
            None => {
                let word = byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
                tokens += usize::from(!(byte.is_ascii_whitespace() || word && in_word));
                in_word = word;
                quote = matches!(byte, b'\'' | b'"').then_some(byte);
            }
        }
    }
    tokens
}

/// Joins lines that end with a backslash.
pub(super) fn join_lines(tag: &str) -> String {
    if !tag.contains("\\\n") {
        return tag.to_owned();
    }
    let mut joined = String::with_capacity(tag.len());
    let mut breaks = 0;
    let mut chars = tag.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some('\n')) => {
                chars.next();
                breaks += 1;
            }
            ('\\', Some(escaped)) => {
                chars.next();
                joined.extend(['\\', escaped]);
            }
            _ => joined.push(c),
        }
    }
    // The line breaks go to the end of the tag, where they are mere space: what follows keeps its line number.
    let body = joined.trim_end_matches(['}', '%', '-', '+']).len();
    joined.insert_str(body, &"\n".repeat(breaks));
    joined
}
