//! A generated text cut into quoted strings, words and marks.

/// A piece of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerToken<'a> {
    /// What stood in quotes.
    Quoted(&'a str),
    /// What stood behind an opening quote without a closing one: the text ended first.
    Torn(&'a str),
    /// Other characters up to the next mark, quote or line end.
    Word(&'a str),
    /// One of `{}[],:`.
    Mark(char),
}

impl<'a> AnswerToken<'a> {
    /// What it says, absent for marks and torn strings.
    pub(super) fn text(self) -> Option<&'a str> {
        match self {
            Self::Quoted(text) | Self::Word(text) => Some(text),
            Self::Torn(_) | Self::Mark(_) => None,
        }
    }
}

/// Cuts an answer.
///
/// On valid JSON this is exact (escapes are left as they stand). Where quotes inside a string were not escaped, the
/// string ends at the first quote that something follows on which may follow on a string.
pub(super) fn tokens(answer: &str) -> Vec<AnswerToken<'_>> {
    let mut tokens = Vec::new();
    let mut rest = answer;
    let mut in_word = false;
    while let Some(first) = rest.chars().next() {
        let width = first.len_utf8();
        let quote = closing(first).filter(|_| !(in_word && first == '\''));
        in_word = false;
        if let Some(quote) = quote {
            let body = &rest[width..];
            match end_of_string(body, quote) {
                Some(end) => {
                    tokens.push(AnswerToken::Quoted(&body[..end]));
                    rest = &body[end + quote.len_utf8()..];
                }
                None => {
                    tokens.push(AnswerToken::Torn(body));
                    rest = "";
                }
            }
        } else if is_mark(first) {
            tokens.push(AnswerToken::Mark(first));
            rest = &rest[width..];
        } else if first.is_whitespace() {
            rest = &rest[width..];
        } else {
            let ends = |c: char| is_mark(c) || c == '\n' || closing(c).is_some_and(|_| c != '\'');
            let end = rest[width..].find(ends).map_or(rest.len(), |end| end + width);
            let word = trim_stray(&rest[..end]);
            if !word.is_empty() {
                tokens.push(AnswerToken::Word(word));
            }
            rest = &rest[end..];
            in_word = true;
        }
    }
    tokens
}

/// Lower-case letters and digits of all scripts, with single spaces between words and around all.
pub(super) fn plain(text: &str) -> String {
    let words: Vec<String> = text
        .replace(['\'', '’'], "")
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    format!(" {} ", words.join(" "))
}

/// White space, emphasis, and an apostrophe left over from a broken pair of quotes.
fn trim_stray(word: &str) -> &str {
    word.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '`' | '\''))
}

fn is_mark(c: char) -> bool {
    matches!(c, '{' | '}' | '[' | ']' | ',' | ':')
}

fn closing(opening: char) -> Option<char> {
    match opening {
        '"' => Some('"'),
        '\'' => Some('\''),
        '“' => Some('”'),
        _ => None,
    }
}

fn end_of_string(body: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote && may_follow(&body[at + c.len_utf8()..]) {
            return Some(at);
        }
    }
    None
}

/// Whether what comes after a quote may come after a string: the end, a closing mark, a colon, or another entry.
fn may_follow(after: &str) -> bool {
    let rest = after.trim_start();
    match rest.chars().next() {
        None | Some('}' | ']' | ':' | '`') => true,
        Some(',') => {
            let next = rest[1..].trim_start();
            next.is_empty() || next.starts_with(['"', '\'', '“', '{', '}', '[', ']']) || is_bare_key(next)
        }
        // The comma was forgotten.
        Some(_) => after.contains('\n') && after.trim_start().starts_with(['"', '\'', '“']) && starts_line(after),
    }
}

/// Whether only white space with a line end in it stands before the next character.
fn starts_line(after: &str) -> bool {
    after[..after.len() - after.trim_start().len()].contains('\n')
}

/// `choice:` without quotes.
fn is_bare_key(text: &str) -> bool {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    end > 0 && text[end..].trim_start().starts_with(':')
}

#[cfg(test)]
mod tests {
    use super::AnswerToken::{Mark, Quoted, Torn, Word};
    use super::*;

    #[test]
    fn quotes_that_nobody_escaped_do_not_end_a_string() {
        assert_eq!(
            tokens(r#"{"a": "They say "I agree", and "no" often", "choice": 'it's b', c: "d"#),
            [
                Mark('{'),
                Quoted("a"),
                Mark(':'),
                Quoted(r#"They say "I agree", and "no" often"#),
                Mark(','),
                Quoted("choice"),
                Mark(':'),
                Quoted("it's b"),
                Mark(','),
                Word("c"),
                Mark(':'),
                Torn("d"),
            ]
        );
        assert_eq!(tokens("**x**: don't\n"), [Word("x"), Mark(':'), Word("don't")]);
    }
}
