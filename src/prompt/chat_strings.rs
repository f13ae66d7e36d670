//! Methods of Python's `str` that the engine's compatibility layer lacks, has otherwise, or does not bound.

use minijinja::value::{Kwargs, Tuple, ValueKind, from_args};
use minijinja::{Error, ErrorKind, Value};

use super::chat_repr::is_printable;

/// Longest text that padding may make.
const LONGEST_PADDED: usize = 10_000;

/// What a method makes of a text; `None` where it is not one of these.
pub(super) fn method(text: &str, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    match method {
        "split" | "rsplit" => split(text, method == "rsplit", args),
        "splitlines" => splitlines(text, args),
        "partition" | "rpartition" => partition(text, method == "rpartition", args),
        "strip" | "lstrip" | "rstrip" => strip(text, method, args),
        "removeprefix" | "removesuffix" => remove(text, method == "removesuffix", args),
        "startswith" | "endswith" => affix(text, method == "endswith", args),
        "find" | "rfind" | "index" | "rindex" => find(text, method, args),
        "count" => count(text, args),
        "ljust" | "rjust" | "center" | "zfill" => {
            let (width, fill): (usize, Option<&str>) = from_args(args)?;
            padded(text, method, width, fill).map(Value::from)
        }
        "expandtabs" => expandtabs(text, args),
        "join" => join(text, args),
        // A width of many digits is a text of as many bytes.
        "format" if text.as_bytes().windows(5).any(|run| run.iter().all(u8::is_ascii_digit)) || text.contains(":{") => {
            Err(failure(
                "format with a width of five digits, or one that is an argument",
            ))
        }
        "swapcase" | "casefold" | "title" => {
            let () = from_args(args)?;
            Ok(Value::from(cased(text, method)))
        }
        _ if method.starts_with("is") => match is(text, method)? {
            Some(answer) => {
                let () = from_args(args)?;
                Ok(Value::from(answer))
            }
            None => return Ok(None),
        },
        _ => return Ok(None),
    }
    .map(Some)
}

/// `split(sep=None, maxsplit=-1)` and `rsplit`.
fn split(text: &str, backwards: bool, args: &[Value]) -> Result<Value, Error> {
    let (separator, most, named): (Option<Value>, Option<i64>, Kwargs) = from_args(args)?;
    let separator = separator.or(named.get("sep")?).filter(|value| !value.is_none());
    let most = most.or(named.get("maxsplit")?).unwrap_or(-1);
    named.assert_all_used()?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let Some(separator) = separator else {
        return Ok(words(text, backwards, most).into_iter().map(Value::from).collect());
    };
    let separator = separator.as_str().filter(|separator| !separator.is_empty());
    let separator = separator.ok_or_else(|| failure("the separator is not text, or is empty"))?;
    let most = most.saturating_add(1);
    Ok(if backwards {
        let mut parts: Vec<&str> = text.rsplitn(most, separator).collect();
        parts.reverse();
        parts.into_iter().map(Value::from).collect()
    } else {
        text.splitn(most, separator).map(Value::from).collect()
    })
}

/// Words between white space, `most` of them cut off.
fn words(text: &str, backwards: bool, most: usize) -> Vec<&str> {
    let trim = |text: &'_ str| -> usize {
        match backwards {
            true => text.trim_end_matches(is_space).len(),
            false => text.len() - text.trim_start_matches(is_space).len(),
        }
    };
    let mut words = Vec::new();
    let mut rest = text;
    loop {
        let at = trim(rest);
        rest = if backwards { &rest[..at] } else { &rest[at..] };
        if rest.is_empty() {
            break;
        }
        let cut = match backwards {
            _ if words.len() == most => None,
            true => rest.char_indices().rev().find(|(_, c)| is_space(*c)),
            false => rest.char_indices().find(|(_, c)| is_space(*c)),
        };
        let Some((at, c)) = cut else {
            words.push(rest);
            break;
        };
        let (before, after) = (&rest[..at], &rest[at + c.len_utf8()..]);
        let (word, left) = if backwards { (after, before) } else { (before, after) };
        words.push(word);
        rest = left;
    }
    if backwards {
        words.reverse();
    }
    words
}

/// White space as Python has it: Unicode's, and the separators of files, groups, records and units.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\x1c'..='\x1f')
}

/// `splitlines(keepends=False)`.
fn splitlines(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (keep, named): (Option<bool>, Kwargs) = from_args(args)?;
    let keep = keep.or(named.get("keepends")?).unwrap_or(false);
    named.assert_all_used()?;
    Ok(lines(text, keep).into_iter().map(Value::from).collect())
}

/// The lines of a text, with their ends or without.
pub(super) fn lines(text: &str, keep: bool) -> Vec<&str> {
    let ends = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(ends) {
        let length = rest[at..].chars().next().map_or(1, char::len_utf8);
        let end = at + if rest[at..].starts_with("\r\n") { 2 } else { length };
        lines.push(if keep { &rest[..end] } else { &rest[..at] });
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

fn partition(text: &str, backwards: bool, args: &[Value]) -> Result<Value, Error> {
    let (separator,): (&str,) = from_args(args)?;
    if separator.is_empty() {
        return Err(failure("the separator is an empty text"));
    }
    let found = match backwards {
        true => text.rsplit_once(separator),
        false => text.split_once(separator),
    };
    let parts = match (found, backwards) {
        (Some((before, after)), _) => [before, separator, after],
        (None, true) => ["", "", text],
        (None, false) => [text, "", ""],
    };
    Ok(Value::from_object(Tuple::from(parts.map(Value::from))))
}

/// `strip(chars=None)` at one end or both.
fn strip(text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (letters,): (Option<Value>,) = from_args(args)?;
    let letters = letters.filter(|letters| !letters.is_none());
    let letters = match &letters {
        Some(letters) => Some(
            letters
                .as_str()
                .ok_or_else(|| failure("what is stripped must be a text"))?,
        ),
        None => None,
    };
    let goes = |c: char| letters.map_or_else(|| is_space(c), |letters| letters.contains(c));
    Ok(Value::from(match method {
        "lstrip" => text.trim_start_matches(goes),
        "rstrip" => text.trim_end_matches(goes),
        _ => text.trim_matches(goes),
    }))
}

fn remove(text: &str, at_end: bool, args: &[Value]) -> Result<Value, Error> {
    let (part,): (&str,) = from_args(args)?;
    let rest = match at_end {
        true => text.strip_suffix(part),
        false => text.strip_prefix(part),
    };
    Ok(Value::from(rest.unwrap_or(text)))
}

/// The characters from `start` to `end`, counted as Python counts them, and how many stand before them; `None` where
/// `start` is behind the text's end.
fn window(text: &str, start: Option<i64>, end: Option<i64>) -> Option<(usize, &str)> {
    let length = text.chars().count();
    let place = |at: i64| match usize::try_from(at) {
        Ok(at) => at,
        Err(_) => length.saturating_sub(usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX)),
    };
    let (start, end) = (start.map_or(0, place), end.map_or(length, place).min(length));
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    (start <= length && start <= end).then(|| (start, &text[byte(start)..byte(end)]))
}

/// `startswith(prefix, start, end)` and `endswith`; several are a tuple.
fn affix(text: &str, at_end: bool, args: &[Value]) -> Result<Value, Error> {
    let (wanted, start, end): (Value, Option<i64>, Option<i64>) = from_args(args)?;
    let wanted: Vec<Value> = match wanted.kind() {
        ValueKind::String => vec![wanted],
        ValueKind::Seq if wanted.is_tuple() => wanted.try_iter()?.collect(),
        _ => return Err(failure("a text or a tuple of texts is expected")),
    };
    let mut found = false;
    for wanted in &wanted {
        let wanted = wanted.as_str().ok_or_else(|| failure("a text is expected"))?;
        found |= window(text, start, end).is_some_and(|(_, text)| match at_end {
            true => text.ends_with(wanted),
            false => text.starts_with(wanted),
        });
    }
    Ok(Value::from(found))
}

/// `find(part, start, end)` and its kin.
fn find(text: &str, method: &str, args: &[Value]) -> Result<Value, Error> {
    let (part, start, end): (&str, Option<i64>, Option<i64>) = from_args(args)?;
    let found = window(text, start, end).and_then(|(before, text)| {
        let at = match method.starts_with('r') {
            true => text.rfind(part),
            false => text.find(part),
        }?;
        Some(before + text[..at].chars().count())
    });
    match found {
        Some(at) => Ok(Value::from(at)),
        None if method.ends_with("index") => Err(failure("substring not found")),
        None => Ok(Value::from(-1)),
    }
}

/// `count(part, start, end)`.
fn count(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (part, start, end): (&str, Option<i64>, Option<i64>) = from_args(args)?;
    let found = window(text, start, end).map_or(0, |(_, text)| text.matches(part).count());
    Ok(Value::from(found))
}

fn padded(text: &str, method: &str, width: usize, fill: Option<&str>) -> Result<String, Error> {
    if width > LONGEST_PADDED {
        return Err(failure("a text of more than 10000 characters is asked for"));
    }
    if fill.is_some_and(|fill| fill.chars().count() != 1) {
        return Err(failure("what a text is filled up with must be one character"));
    }
    let missing = width.saturating_sub(text.chars().count());
    let fill = if method == "zfill" { "0" } else { fill.unwrap_or(" ") };
    let by = |count: usize| fill.repeat(count);
    // As CPython has it: of an odd rest the left side gets more where the width is odd.
    let left = missing / 2 + (missing & width & 1);
    Ok(match method {
        "ljust" => format!("{text}{}", by(missing)),
        "rjust" => format!("{}{text}", by(missing)),
        "center" => format!("{}{text}{}", by(left), by(missing - left)),
        _ => match text.strip_prefix(['+', '-']) {
            Some(digits) => format!("{}{}{digits}", &text[..1], by(missing)),
            None => format!("{}{text}", by(missing)),
        },
    })
}

/// `center` with spaces, as the filter of that name has it.
pub(super) fn centred(text: &str, width: usize) -> Result<String, Error> {
    padded(text, "center", width, None)
}

/// `expandtabs(tabsize=8)`.
fn expandtabs(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (size, named): (Option<usize>, Kwargs) = from_args(args)?;
    let size = size.or(named.get("tabsize")?).unwrap_or(8);
    named.assert_all_used()?;
    if size > 64 {
        return Err(failure("tabs of more than 64 columns"));
    }
    let (mut out, mut column) = (String::with_capacity(text.len()), 0);
    for c in text.chars() {
        match c {
            '\t' => {
                let width = if size == 0 { 0 } else { size - column % size };
                out.extend(std::iter::repeat_n(' ', width));
                column += width;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            _ => {
                out.push(c);
                column += 1;
            }
        }
    }
    Ok(Value::from(out))
}

/// `join(texts)`: every one must be a text.
fn join(separator: &str, args: &[Value]) -> Result<Value, Error> {
    let (items,): (Value,) = from_args(args)?;
    let items: Vec<Value> = items.try_iter()?.collect();
    let texts = items.iter().map(|item| item.as_str());
    let texts: Option<Vec<&str>> = texts.collect();
    let texts = texts.ok_or_else(|| failure("join of what is not text"))?;
    Ok(Value::from(texts.join(separator)))
}

fn cased(text: &str, method: &str) -> String {
    match method {
        // A letter that follows none begins a word: "It'S".
        "title" => {
            let mut in_word = false;
            let titled = text.chars().flat_map(|c| {
                let letters: Vec<char> = match in_word {
                    true => c.to_lowercase().collect(),
                    false => c.to_uppercase().collect(),
                };
                in_word = c.is_uppercase() || c.is_lowercase();
                letters
            });
            titled.collect()
        }
        // Full folding differs from lower case in the sharp s and the final sigma.
        "casefold" => text.to_lowercase().replace('ß', "ss").replace('ς', "σ"),
        _ => {
            let swapped = text.chars().flat_map(|c| match c.is_uppercase() {
                true => c.to_lowercase().collect::<Vec<char>>(),
                false => c.to_uppercase().collect(),
            });
            swapped.collect()
        }
    }
}

/// Questions about a text that the compatibility layer does not answer.
fn is(text: &str, method: &str) -> Result<Option<bool>, Error> {
    Ok(Some(match method {
        "isspace" => !text.is_empty() && text.chars().all(is_space),
        "isprintable" => text.chars().all(is_printable),
        "istitle" => is_title(text),
        "isdecimal" if !text.is_ascii() && text.chars().any(char::is_numeric) => {
            return Err(failure("isdecimal of digits outside ASCII"));
        }
        "isdecimal" => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
        "isidentifier" => {
            let is_part = |c: char| c.is_alphanumeric() || c == '_';
            text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.chars().all(is_part)
        }
        _ => return Ok(None),
    }))
}

/// Whether upper case begins every word, and stands nowhere else.
fn is_title(text: &str) -> bool {
    let (mut seen, mut in_word) = (false, false);
    for c in text.chars() {
        if c.is_uppercase() && in_word || c.is_lowercase() && !in_word {
            return false;
        }
        in_word = c.is_uppercase() || c.is_lowercase();
        seen |= in_word;
    }
    seen
}

fn failure(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}
