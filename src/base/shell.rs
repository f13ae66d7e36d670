//! Texts as parts of commands that a user is told to run: whatever they hold, they are one word there and nothing else.

/// A text as a literal of Python's inside a shell's double quotes, as in `python -c "..."`.
pub(crate) fn python_text(text: &str) -> String {
    let mut literal = String::from("'");
    for c in text.chars() {
        match c {
            '\'' => literal.push_str("\\\\'"),
            '\\' => literal.push_str("\\\\\\\\"),
            '"' | '$' | '`' => literal.extend(['\\', c]),
            c => literal.push(c),
        }
    }
    literal + "'"
}

/// A text as one word of a shell: as it is where it is plain, else in single quotes.
pub(crate) fn word(text: &str) -> String {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '=' | ':' | ',' | '@');
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// A text in single quotes, whatever it holds.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a b'c\"d$(e)`f`\\g";

    #[test]
    fn whatever_a_text_holds_it_is_one_word() {
        assert_eq!(word("/models/x-1.0"), "/models/x-1.0");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!(word(""), "''");
        assert_eq!(python_text("plain"), "'plain'");
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_what_was_written() {
        let said = |script: &str| {
            let output = std::process::Command::new("sh").args(["-c", script]).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        assert_eq!(said(&format!("printf %s {}", word(HOSTILE))), HOSTILE);
        // What the shell hands to Python: its own backslashes and quotes are left for Python to read.
        let handed = said(&format!("printf %s \"{}\"", python_text(HOSTILE)));
        assert_eq!(handed, r#"'a b\'c"d$(e)`f`\\g'"#);
    }
}
