//! Lines of requests, in windows.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, stdin};
use std::path::Path;

use serde_json::Value;

use super::line::{Line, kind};
use super::{RequestError, WINDOW_BYTES, WINDOW_LINES, is_standard, shown};

/// Longest line that is read: 256 MiB.
const LONGEST_LINE: u64 = 1 << 28;

/// What is wrong with a line that is no JSON. Its number is told already, and serde_json would count from this line.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&end) {
        Some(what) => format!("{what} (column {})", error.column()),
        None => text,
    }
}

/// Requests as they are read.
pub(super) struct InputLines {
    reader: Box<dyn BufRead>,
    name: String,
    bytes: Option<u64>,
    read: u64,
    number: u64,
}

impl InputLines {
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
        self.number += 1;
        let (number, place) = (self.number, format!("{}:{}", self.name, self.number));
        let mut bytes = Vec::new();
        let ended = self.bytes_of_line(&mut bytes).map_err(|source| RequestError::Read {
            place: place.clone(),
            source,
        })?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(Some(None));
        }
        let content = match serde_json::from_str(text) {
            _ if !ended => Err(format!("is longer than {LONGEST_LINE} bytes")),
            _ if std::str::from_utf8(&bytes).is_err() => Err("is not UTF-8".to_owned()),
            Ok(Value::Object(fields)) => Ok(fields),
            Ok(other) => Err(format!("is {}, expected an object", kind(&other))),
            Err(error) => Err(format!("is not JSON: {}", without_line(&error))),
        };
        let text = text.to_owned();
        Ok(Some(Some(Line {
            place,
            number,
            text,
            content,
        })))
    }

    /// Reads up to the end of a line; of one that is too long, the beginning. Returns whether all of it was kept.
    fn bytes_of_line(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        let read = (&mut self.reader).take(LONGEST_LINE).read_until(b'\n', bytes)? as u64;
        self.read += read;
        if read < LONGEST_LINE || bytes.last() == Some(&b'\n') {
            return Ok(true);
        }
        // What is left of it is read and dropped, so that the next line is the next.
        loop {
            let (found, used) = {
                let buffer = self.reader.fill_buf()?;
                let end = buffer.iter().position(|&byte| byte == b'\n');
                (
                    end.is_some() || buffer.is_empty(),
                    end.map_or(buffer.len(), |end| end + 1),
                )
            };
            self.reader.consume(used);
            self.read += used as u64;
            if found {
                bytes.truncate(80);
                return Ok(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers_after_blank_ones() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "\u{feff}\n\n  \r\n{\"a\": 1}\n\n{\"a\" 1}\n").unwrap();
        let mut input = InputLines::open(file.path()).unwrap();
        let lines = input.window().unwrap().unwrap();
        let numbers: Vec<u64> = lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [4, 6]);
        assert!(lines[1].place.ends_with(":6"), "{}", lines[1].place);
        let said = lines[1].fields().unwrap_err().to_string();
        assert!(said.ends_with(":6: is not JSON: expected `:` (column 6)"), "{said}");
        assert!(input.window().unwrap().is_none());
    }
}
