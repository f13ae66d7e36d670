//! One line of a JSON label file, of which only the wanted keys are kept.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    /// The row does not have the key.
    Absent,
    /// The key is there, without a value.
    Blank,
    /// A whole number.
    Number(i64),
    /// Text, or a number that is not whole.
    Text(String),
}

/// Parses one JSON object; `index` says which cell a key belongs to. Returns how many keys the object has.
///
/// `NaN`, which Python writes for a missing number although JSON has no such word, is a value that is missing.
pub(super) fn parse_object(
    text: &str,
    index: &HashMap<&str, usize>,
    cells: &mut [Cell],
) -> Result<usize, serde_json::Error> {
    if text.contains("NaN") {
        return parse_strict(&without_nan(text), index, cells);
    }
    parse_strict(text, index, cells)
}

/// What the parser says, with the character of the line in place of a line number of its own.
pub(super) fn unplaced(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((problem, _)) if error.column() > 0 => format!("{problem} at character {}", error.column()),
        _ => text,
    }
}

/// `NaN` outside of texts as `null`.
fn without_nan(text: &str) -> String {
    let mut replaced = String::with_capacity(text.len() + 16);
    let (mut inside, mut escaped) = (false, false);
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if !inside && let Some(after) = rest.strip_prefix("NaN") {
            replaced.push_str("null");
            rest = after;
            continue;
        }
        inside ^= letter == '"' && !escaped;
        escaped = inside && letter == '\\' && !escaped;
        replaced.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    replaced
}

fn parse_strict(text: &str, index: &HashMap<&str, usize>, cells: &mut [Cell]) -> Result<usize, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let keys = ObjectSeed { index, cells }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(keys)
}

struct ObjectSeed<'a> {
    index: &'a HashMap<&'a str, usize>,
    cells: &'a mut [Cell],
}

impl<'de> DeserializeSeed<'de> for ObjectSeed<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObjectSeed<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object keyed by question id")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<usize, A::Error> {
        let mut keys = 0;
        while let Some(cell) = map.next_key_seed(KeySeed(self.index))? {
            keys += 1;
            match cell {
                Some(at) => self.cells[at] = map.next_value_seed(CellSeed)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(keys)
    }
}

/// Looks a key up without copying it.
struct KeySeed<'a>(&'a HashMap<&'a str, usize>);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.get(key).copied())
    }
}

struct CellSeed;

impl<'de> DeserializeSeed<'de> for CellSeed {
    type Value = Cell;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cell, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for CellSeed {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text or null")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Cell, E> {
        Ok(Cell::Number(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Cell, E> {
        i64::try_from(value).map_or_else(|_| Ok(Cell::Text(value.to_string())), |value| Ok(Cell::Number(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Cell, E> {
        /// Below this every whole number is exact.
        const EXACT: f64 = 9.0e15;
        if value.fract() == 0.0 && value.abs() < EXACT {
            Ok(Cell::Number(value as i64))
        } else {
            Ok(Cell::Text(value.to_string()))
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Cell, E> {
        Ok(if value.trim().is_empty() {
            Cell::Blank
        } else {
            Cell::Text(value.to_owned())
        })
    }

    fn visit_unit<E: Error>(self) -> Result<Cell, E> {
        Ok(Cell::Blank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_keys_are_kept_and_all_are_counted() {
        let index = HashMap::from([("Q1", 0), ("Q2", 1), ("Q3", 2), ("Q4", 3)]);
        let mut cells = vec![Cell::Absent; 5];
        let text = r#"{"Q1": 3, "x": [1, {"y": 2}], "Q2": 2.0, "Q3": null, "Q4": "I am"}"#;
        assert_eq!(parse_object(text, &index, &mut cells).unwrap(), 5);
        assert_eq!(
            cells,
            [
                Cell::Number(3),
                Cell::Number(2),
                Cell::Blank,
                Cell::Text("I am".into()),
                Cell::Absent
            ]
        );
        assert!(parse_object("[1]", &index, &mut cells).is_err());
        assert!(parse_object("{} {}", &index, &mut cells).is_err());
    }
}
