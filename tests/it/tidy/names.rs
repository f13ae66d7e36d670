//! No two types share a name: one word, one thing.

use std::collections::BTreeMap;

use super::source::Source;

/// Names that several may have, and why.
const SHARED: [(&str, &str); 1] = [("Args", "the options of a command, as clap's users call them")];

/// The type that a line declares. A `type` that is not at the margin belongs to a trait, whose word it is.
fn declared(line: &str) -> Option<&str> {
    let trimmed = line.trim_start();
    let rest = match trimmed.strip_prefix("pub(") {
        Some(rest) => rest.split_once(") ")?.1,
        None => trimmed.strip_prefix("pub ").unwrap_or(trimmed),
    };
    let rest = rest.strip_prefix("unsafe ").unwrap_or(rest);
    let (word, rest) = rest.split_once(' ')?;
    let is_type =
        matches!(word, "struct" | "enum" | "union" | "trait") || word == "type" && trimmed.len() == line.len();
    let end = rest
        .find(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .unwrap_or(rest.len());
    (is_type && rest.starts_with(char::is_uppercase)).then(|| &rest[..end])
}

/// Every name that more than one type has, with their places. Types of tests count: a reader meets them as well.
pub fn clashes(sources: &[Source]) -> Vec<String> {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for source in sources {
        for (number, line) in source.text.lines().enumerate() {
            if let Some(name) = declared(line) {
                places
                    .entry(name)
                    .or_default()
                    .push(format!("{}:{}", source.place, number + 1));
            }
        }
    }
    let shared = |name: &str| SHARED.iter().any(|(known, _)| *known == name);
    places
        .into_iter()
        .filter(|(name, places)| places.len() > 1 && !shared(name))
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_of_types_are_recognised() {
        for (line, name) in [
            ("pub struct Answer {", Some("Answer")),
            ("pub(in crate::run) enum Kind<'a> {", Some("Kind")),
            ("    struct Local(u8);", Some("Local")),
            ("    pub enum OnError: Stop {", Some("OnError")),
            ("type Place = Vec<String>;", Some("Place")),
            ("pub trait Task {", Some("Task")),
            ("    type Error = String;", None),
            ("    type Err;", None),
            ("/// struct Answer", None),
            ("let structure = 1;", None),
            ("impl<T> Trait for Answer {", None),
        ] {
            assert_eq!(declared(line), name, "{line}");
        }
    }

    #[test]
    fn a_name_that_two_types_have_is_told_with_both_places() {
        let file = |place: &str, text: &str| Source {
            place: place.to_owned(),
            module: Vec::new(),
            text: text.to_owned(),
            tests: false,
        };
        let sources = [
            file("a.rs", "struct Args;\npub struct Plan;\n"),
            file("b.rs", "struct Args;\n\npub enum Plan {}\nstruct Other;\n"),
        ];
        assert_eq!(clashes(&sources), ["Plan: a.rs:2, b.rs:3"]);
    }
}
