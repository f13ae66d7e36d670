//! Answered lines: the ones that are there already, and the ones that are added.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write, stdout};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Line, RequestError, is_standard};

/// The field of a line that could not be answered: why.
const ERROR: &str = "error";

/// The file of answers.
pub(super) struct OutputFile {
    path: PathBuf,
    state: Writable,
}

enum Writable {
    /// Lines of an earlier start are being compared.
    Old {
        reader: BufReader<File>,
        /// Bytes of whole lines read so far, and their number.
        good: u64,
        lines: u64,
    },
    /// Lines are added.
    New(Box<dyn Write>),
}

/// A line of an earlier start.
pub(super) struct OldLine {
    /// From 1.
    pub(super) number: u64,
    /// Without its end.
    pub(super) text: String,
}

/// What an earlier start made of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Earlier {
    /// It was answered.
    Answered,
    /// It was recorded that it cannot be.
    Failed,
}

impl OutputFile {
    /// Opens or creates a file, which no other program may be writing, or takes standard output, which nothing can be
    /// continued on.
    pub(super) fn open(path: &Path) -> Result<Self, RequestError> {
        let state = if is_standard(path) {
            Writable::New(Box::new(BufWriter::new(stdout())))
        } else {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
                .map_err(|source| RequestError::write(path, source))?;
            // Held as long as the file is open; the system frees it however the process ends.
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(RequestError::Busy { path: path.to_owned() }),
                // What cannot be locked (a device, some network file systems) is written without.
                Err(TryLockError::Error(_)) => {}
            }
            Writable::Old {
                reader: BufReader::new(file),
                good: 0,
                lines: 0,
            }
        };
        Ok(Self {
            path: path.to_owned(),
            state,
        })
    }

    /// The next line of an earlier start, absent where there are no more. A last line without its end is dropped when
    /// the first line is added.
    pub(super) fn old_line(&mut self) -> Result<Option<OldLine>, RequestError> {
        let Writable::Old { reader, good, lines } = &mut self.state else {
            return Ok(None);
        };
        let mut line = Vec::new();
        reader
            .read_until(b'\n', &mut line)
            .map_err(|source| RequestError::Read {
                place: self.path.display().to_string(),
                source,
            })?;
        if line.last() != Some(&b'\n') {
            return Ok(None);
        }
        *good += line.len() as u64;
        *lines += 1;
        line.pop();
        Ok(Some(OldLine {
            number: *lines,
            // What is no text is no answer, which the comparison will say.
            text: String::from_utf8_lossy(&line).into_owned(),
        }))
    }

    /// Adds a line.
    pub(super) fn write(&mut self, line: &str) -> Result<(), RequestError> {
        let path = &self.path;
        let failed = |source| RequestError::write(path, source);
        if let Writable::Old { reader, good, .. } = &self.state {
            let mut file = reader.get_ref().try_clone().map_err(failed)?;
            // A device has no length and nothing to go on behind.
            if path.is_file() {
                file.set_len(*good)
                    .and_then(|()| file.seek(SeekFrom::Start(*good)))
                    .map_err(failed)?;
            }
            self.state = Writable::New(Box::new(BufWriter::new(file)));
        }
        if let Writable::New(writer) = &mut self.state {
            writer
                .write_all(line.as_bytes())
                .and_then(|()| writer.write_all(b"\n"))
                .map_err(failed)?;
        }
        Ok(())
    }

    /// Sees to it that everything added is on its way to the disk.
    pub(super) fn flush(&mut self) -> Result<(), RequestError> {
        match &mut self.state {
            Writable::Old { .. } => Ok(()),
            Writable::New(writer) => writer.flush().map_err(|source| RequestError::write(&self.path, source)),
        }
    }
}

/// A line with its answer: everything it said, as it was written, and the answer's fields behind. Fields of an earlier
/// answer are left out.
pub(super) fn answered(line: &Line, fields: &str, ours: &[&str]) -> String {
    format!("{}{fields}}}", open_object(line, ours))
}

/// A line with the reason why it has no answer.
pub(super) fn failed(line: &Line, error: &RequestError, ours: &[&str]) -> String {
    let reason = match error {
        RequestError::Line { problem, .. } => problem.clone(),
        // Where it stands is said by the line.
        other => {
            let text = other.to_string();
            let place = text.strip_prefix(line.place.as_str());
            place
                .map_or(text.as_str(), |rest| rest.trim_start_matches([':', ' ']))
                .to_owned()
        }
    };
    answered(line, &format!("\"{ERROR}\":{}", json!(reason)), ours)
}

/// The line up to where more fields may follow; one that is no object is put into one.
fn open_object(line: &Line, ours: &[&str]) -> String {
    let ours = |name: &str| name == ERROR || ours.contains(&name);
    let mut text = match &line.content {
        Err(_) => json!({ "line": line.number, "input": line.text }).to_string(),
        Ok(fields) if fields.keys().any(|name| ours(name)) => {
            let mut kept = fields.clone();
            kept.retain(|name, _| !ours(name));
            Value::Object(kept).to_string()
        }
        Ok(_) => line.text.clone(),
    };
    text.truncate(text.trim_end_matches('}').len().max(text.len() - 1));
    let end = text.trim_end().len();
    text.truncate(end);
    if !text.ends_with('{') {
        text.push(',');
    }
    text
}

/// Compares a line of an earlier start with its request.
pub(super) fn check(line: &Line, old: &OldLine, ours: &[&str], path: &Path) -> Result<Earlier, RequestError> {
    let mismatch = || RequestError::Mismatch {
        path: path.to_owned(),
        number: old.number,
        line: line.place.clone(),
    };
    if !old.text.starts_with(&open_object(line, ours)) {
        return Err(mismatch());
    }
    match serde_json::from_str(&old.text) {
        Ok(Value::Object(fields)) if fields.contains_key(ERROR) => Ok(Earlier::Failed),
        Ok(Value::Object(fields)) if ours.iter().all(|name| fields.contains_key(*name)) => Ok(Earlier::Answered),
        _ => Err(mismatch()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line {
            place: "in:1".into(),
            number: 1,
            text: text.into(),
            content: serde_json::from_str(text).map_err(|_| "is not JSON".to_owned()),
        }
    }

    #[test]
    fn everything_else_is_kept_to_the_letter() {
        let answered = |text: &str| answered(&line(text), r#""b":2"#, &["b"]);
        assert_eq!(answered(r#"{"a": {"x": 1.50e3}}"#), r#"{"a": {"x": 1.50e3},"b":2}"#);
        assert_eq!(answered(r#"{"a": 1 }"#), r#"{"a": 1,"b":2}"#);
        assert_eq!(answered("{}"), r#"{"b":2}"#);
        assert_eq!(answered(r#"{"b": 7, "a": 1}"#), r#"{"a":1,"b":2}"#);
        assert_eq!(answered(r#"{"error": "x", "a": 1}"#), r#"{"a":1,"b":2}"#);
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        let failed = |text: &str, error: RequestError| failed(&line(text), &error, &["b"]);
        let bad = line("").bad("is wrong");
        assert_eq!(failed(r#"{"a": 1,"b":3}"#, bad), r#"{"a":1,"error":"is wrong"}"#);
        let nonsense = failed("no \"JSON\"", line("").bad("is not JSON"));
        assert_eq!(nonsense, r#"{"line":1,"input":"no \"JSON\"","error":"is not JSON"}"#);
        let long = RequestError::TooLong {
            place: "in:1".into(),
            tokens: 9,
            limit: 8,
            cuttable: true,
        };
        assert_eq!(
            failed("{}", long),
            r#"{"error":"9 tokens are more than the model's context of 8"}"#
        );
    }

    #[test]
    fn an_answer_belongs_to_its_request_only() {
        let path = Path::new("out");
        let request = line(r#"{"a": 1}"#);
        let checked = |request: &Line, text: &str| {
            let old = OldLine {
                number: 1,
                text: text.into(),
            };
            check(request, &old, &["b"], path)
        };
        assert_eq!(checked(&request, r#"{"a": 1,"b":2}"#).unwrap(), Earlier::Answered);
        assert_eq!(checked(&request, r#"{"a": 1,"error":"x"}"#).unwrap(), Earlier::Failed);
        for other in [r#"{"a": 2,"b":2}"#, r#"{"a": 1}"#, r#"{"a": 1,"b":"#, ""] {
            assert!(matches!(checked(&request, other), Err(RequestError::Mismatch { .. })));
        }
        let nonsense = line("no JSON");
        let recorded = failed(&nonsense, &nonsense.bad("is not JSON"), &["b"]);
        assert_eq!(checked(&nonsense, &recorded).unwrap(), Earlier::Failed);
        assert!(checked(&nonsense, r#"{"line":2,"input":"no JSON","error":""}"#).is_err());
    }
}
