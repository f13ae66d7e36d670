//! Files of answers: their lines, and which of several answers to one request counts.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::shapes::{AnswerLine, ElsewhereSaid, answer};
use crate::run::AnswerError;

/// The answers in a file.
pub(super) struct AnswerLines {
    /// With their line, from 1.
    pub(super) lines: Vec<(usize, AnswerLine)>,
    /// The last line, where it is cut off.
    pub(super) cut: Option<usize>,
}

/// How a compressed file begins.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// What is said of all answers in one value.
const ARRAY: &str = "a JSON array, where an answer a line was expected; make lines of it: jq -c '.[]' FILE";

/// Reads the lines of a file. A last line that is cut off, be it within a character, is named, not read; blank lines and
/// a byte-order mark are passed over.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<AnswerLines, AnswerError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // The rest of a character is to come.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            return Err(AnswerError::Line {
                path: path.to_owned(),
                line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
                problem: match bytes.starts_with(GZIP) {
                    true => "the file is compressed; unpack it with gunzip".to_owned(),
                    false => "this is not UTF-8; save the file as UTF-8".to_owned(),
                },
            });
        }
    };
    let text = text.trim_start_matches('\u{feff}');
    let lines: Vec<&str> = text.split('\n').collect();
    let mut found = AnswerLines {
        lines: Vec::new(),
        cut: None,
    };
    for (at, line) in lines.iter().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let problem = match serde_json::from_str::<Value>(line) {
            Ok(Value::Array(_)) => ARRAY.to_owned(),
            Ok(value) => match answer(&value) {
                Ok(answer) => {
                    found.lines.push((at + 1, answer));
                    continue;
                }
                Err(problem) => problem,
            },
            // Only the last line of a file that does not end in a line break can be half a line.
            Err(error) if at + 1 == lines.len() && error.is_eof() => {
                found.cut = Some(at + 1);
                break;
            }
            Err(_) if line.starts_with('[') => ARRAY.to_owned(),
            Err(error) if error.is_eof() => "the line ends in the middle of an answer".to_owned(),
            Err(error) => in_the_line(&error),
        };
        return Err(AnswerError::Line {
            path: path.to_owned(),
            line: at + 1,
            problem,
        });
    }
    Ok(found)
}

/// An error of a line's own parser, which has seen nothing else: its "line 1" is not the file's.
fn in_the_line(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    format!("{said} at column {}", error.column())
}

crate::choices! {
    /// Which of two different answers to one prompt counts.
    pub enum Keep {
        /// The one that was read first.
        First = "first",
        /// The one that was read last.
        Last = "last",
    }
}

/// Answers by id. An answer goes before an error of any file: a retry puts errors right.
#[derive(Default)]
pub(super) struct AnswerBook {
    pub(super) by_id: HashMap<String, ElsewhereSaid>,
    pub(super) model: Option<String>,
    /// Where [`Self::model`] was met first.
    model_at: (PathBuf, usize),
    pub(super) shapes: std::collections::BTreeSet<&'static str>,
}

impl AnswerBook {
    /// Requests that failed and why, by id.
    pub(super) fn failed(&self) -> Vec<(&str, &str)> {
        let failed = self.by_id.iter().filter_map(|(id, said)| match said {
            ElsewhereSaid::Failed(why) => Some((id.as_str(), why.as_str())),
            ElsewhereSaid::Text { .. } | ElsewhereSaid::Refused(_) => None,
        });
        let mut failed: Vec<(&str, &str)> = failed.collect();
        failed.sort_unstable();
        failed
    }

    /// Adds an answer. Of two different ones that counts which `rule` says; without a rule they are an error.
    pub(super) fn add(
        &mut self,
        path: &Path,
        (line, answer): (usize, AnswerLine),
        rule: Option<Keep>,
    ) -> Result<(), AnswerError> {
        match (&self.model, &answer.model) {
            (Some(first), Some(second)) if first != second => {
                return Err(AnswerError::Models {
                    first: first.clone(),
                    first_path: self.model_at.0.clone(),
                    first_line: self.model_at.1,
                    second: second.clone(),
                    path: path.to_owned(),
                    line,
                });
            }
            (None, Some(model)) => {
                self.model = Some(model.clone());
                self.model_at = (path.to_owned(), line);
            }
            _ => {}
        }
        self.shapes.insert(answer.shape);
        let replaces = match (self.by_id.get(&answer.id), &answer.said) {
            (None | Some(ElsewhereSaid::Failed(_)), _) => true,
            (Some(_), ElsewhereSaid::Failed(_)) => false,
            (Some(known), said) if known.same(said) => false,
            (Some(_), _) => match rule {
                Some(Keep::First) => false,
                Some(Keep::Last) => true,
                None => {
                    return Err(AnswerError::Twice {
                        path: path.to_owned(),
                        line,
                        id: answer.id,
                    });
                }
            },
        };
        if replaces {
            self.by_id.insert(answer.id, answer.said);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> AnswerLine {
        answer(&serde_json::from_str(line).unwrap()).unwrap_or_else(|problem| panic!("{line}: {problem}"))
    }

    #[test]
    fn a_cut_last_line_is_named_and_any_other_is_an_error() {
        let path = Path::new("f");
        let whole = "\u{feff}{\"id\":\"a\",\"text\":\"B\"}\r\n\r\n";
        let found = read(path, format!("{whole}{{\"id\":\"b\",\"te").as_bytes()).unwrap();
        assert_eq!((found.lines.len(), found.cut), (1, Some(3)));
        assert_eq!(read(path, whole.as_bytes()).unwrap().cut, None);
        // Cut within a character, and bytes that are none.
        let torn = "{\"id\":\"a\",\"text\":\"B\"}\n{\"id\":\"b\",\"text\":\"ä".as_bytes();
        assert_eq!(read(path, &torn[..torn.len() - 1]).unwrap().cut, Some(2));
        let error = read(path, b"{\"id\":\"a\",\"text\":\"B\"}\n\xff\xfe\n").err().unwrap();
        assert!(error.to_string().contains("line 2: this is not UTF-8"), "{error}");
        let error = read(path, b"{\"id\":\n{\"id\":\"a\",\"text\":\"B\"}\n").err().unwrap();
        assert!(
            error
                .to_string()
                .ends_with("line 1: the line ends in the middle of an answer"),
            "{error}"
        );
        for (bytes, said) in [
            (&b"\x1f\x8b\x08\x00"[..], "unpack it with gunzip"),
            (b"[{\"id\":\"a\",\"text\":\"B\"}]\n", "jq -c '.[]'"),
            (b"[\n{\"id\":\"a\",\"text\":\"B\"}\n]\n", "line 1: a JSON array"),
            (
                b"{\"id\":\"a\",\"text\":\"B\"}}\n",
                "line 1: trailing characters at column 22",
            ),
            (b"{\"id\":\"a\",\"prompt\":\"B\"}\n", "a request, not an answer"),
            (b"{\"id\":\"a\",\"text\":1}\n", "`text` is no text"),
        ] {
            let error = read(path, bytes).err().unwrap();
            assert!(error.to_string().contains(said), "{error}");
        }
    }

    #[test]
    fn an_answer_goes_before_an_error_and_two_answers_need_a_rule() {
        let path = Path::new("f");
        let error = || one(r#"{"custom_id":"a","result":{"type":"expired"}}"#);
        let text = |text: &str| one(&format!(r#"{{"id":"a","text":"{text}"}}"#));
        for order in [[error(), text("A")], [text("A"), error()], [text("A"), text("A")]] {
            let mut book = AnswerBook::default();
            for answer in order {
                book.add(path, (1, answer), None).unwrap();
            }
            assert!(matches!(&book.by_id["a"], ElsewhereSaid::Text { text, .. } if text == "A"));
        }
        let both = |rule| {
            let mut book = AnswerBook::default();
            book.add(path, (1, text("A")), rule)?;
            book.add(path, (2, text("B")), rule)?;
            Ok::<_, AnswerError>(book.by_id["a"].clone())
        };
        assert!(matches!(both(None), Err(AnswerError::Twice { line: 2, .. })));
        assert!(matches!(both(Some(Keep::First)), Ok(ElsewhereSaid::Text { text, .. }) if text == "A"));
        assert!(matches!(both(Some(Keep::Last)), Ok(ElsewhereSaid::Text { text, .. }) if text == "B"));
        let mut book = AnswerBook::default();
        let of = |id: &str, model: &str| one(&format!(r#"{{"id":"{id}","text":"A","model":"{model}"}}"#));
        book.add(path, (1, of("a", "m1")), None).unwrap();
        assert!(book.add(path, (2, of("b", "m2")), None).is_err());
    }
}
