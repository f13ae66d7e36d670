//! Lines of requests, in windows.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, stdin};
use std::path::Path;

use serde_json::Value;

use super::{Line, RequestError, WINDOW_BYTES, WINDOW_LINES, is_standard, kind, shown};

/// Longest line that is read: 256 MB.
const LONGEST_LINE: u64 = 1 << 28;

/// Requests as they are read.
pub(super) struct Input {
    reader: Box<dyn BufRead>,
    name: String,
    bytes: Option<u64>,
    read: u64,
    number: u64,
}

impl Input {
    /// Opens a file, or standard input.
    pub(super) fn open(path: &Path) -> Result<Self, RequestError> {
        let name = shown(path, "standard input");
        let (reader, bytes): (Box<dyn BufRead>, Option<u64>) = if is_standard(path) {
            (Box::new(BufReader::new(stdin())), None)
        } else {
            let failed = |source| RequestError::Read {
                place: name.clone(),
                source,
            };
            let file = File::open(path).map_err(failed)?;
            let bytes = file.metadata().map_err(failed)?.len();
            (Box::new(BufReader::new(file)), Some(bytes))
        };
        Ok(Self {
            reader,
            name,
            bytes,
            read: 0,
            number: 0,
        })
    }

    /// Size of the file, where it is one.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// Bytes read so far.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// The next lines, blank ones left out; `None` at the end.
    pub(super) fn window(&mut self) -> Result<Option<Vec<Line>>, RequestError> {
        let mut lines = Vec::new();
        let mut bytes = 0;
        while lines.len() < WINDOW_LINES && bytes < WINDOW_BYTES {
            let Some(line) = self.line()? else { break };
            if let Some(line) = line {
                bytes += line.text.len();
                lines.push(line);
            }
        }
        Ok((!lines.is_empty()).then_some(lines))
    }

    /// One line: `None` at the end, `Some(None)` for a blank one.
    fn line(&mut self) -> Result<Option<Option<Line>>, RequestError> {
        let mut text = String::new();
        self.number += 1;
        let place = format!("{}:{}", self.name, self.number);
        let failed = |source| RequestError::Read {
            place: place.clone(),
            source,
        };
        let read = (&mut self.reader)
            .take(LONGEST_LINE)
            .read_line(&mut text)
            .map_err(failed)?;
        self.read += read as u64;
        let bad = |problem: String| RequestError::Line {
            place: place.clone(),
            problem,
        };
        if read == 0 {
            return Ok(None);
        }
        if read as u64 == LONGEST_LINE {
            return Err(bad(format!("is longer than {LONGEST_LINE} bytes")));
        }
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(Some(None));
        }
        let fields = match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => fields,
            Ok(other) => return Err(bad(format!("is {}, expected an object", kind(&other)))),
            Err(error) => return Err(bad(format!("is no JSON: {error}"))),
        };
        Ok(Some(Some(Line {
            place,
            number: self.number,
            text: text.to_owned(),
            fields,
        })))
    }
}
