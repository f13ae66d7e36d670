//! Lines of requests, in windows.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, stdin};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

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

/// Who writes lines one by one waits for answers: a window is over after so long without a new line.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lines that are read ahead of standard input.
const AHEAD: usize = 64;

/// A line's bytes as they were read.
struct RawLine {
    /// All of it; of one that is too long, its beginning.
    bytes: Vec<u8>,
    /// Whether it is all of it.
    whole: bool,
    /// How much was read.
    read: u64,
}

/// Where lines come from.
enum LineSource {
    File(BufReader<File>),
    /// Standard input, read by a thread of its own; it hangs up behind the last line.
    Piped(Receiver<io::Result<RawLine>>),
}

/// Requests as they are read.
pub(super) struct InputLines {
    source: LineSource,
    name: String,
    bytes: Option<u64>,
    read: u64,
    number: u64,
}

impl InputLines {
    /// Opens a file, or standard input.
    pub(super) fn open(path: &Path) -> Result<Self, RequestError> {
        let name = shown(path, "standard input");
        let (source, bytes) = if is_standard(path) {
            (LineSource::Piped(piped()), None)
        } else {
            let failed = |source| RequestError::Read {
                place: name.clone(),
                source,
            };
            let file = File::open(path).map_err(failed)?;
            let bytes = file.metadata().map_err(failed)?.len();
            (LineSource::File(BufReader::new(file)), Some(bytes))
        };
        Ok(Self {
            source,
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
            let Some(line) = self.line(!lines.is_empty())? else {
                break;
            };
            if let Some(line) = line {
                bytes += line.text.len();
                lines.push(line);
            }
        }
        Ok((!lines.is_empty()).then_some(lines))
    }

    /// One line: `None` at the end, and where none comes for a while and somebody is `waiting`; `Some(None)` for a blank one.
    fn line(&mut self, waiting: bool) -> Result<Option<Option<Line>>, RequestError> {
        let (number, place) = (self.number + 1, format!("{}:{}", self.name, self.number + 1));
        let raw = match &mut self.source {
            LineSource::File(reader) => Some(raw_line(reader)),
            LineSource::Piped(lines) if waiting => lines.recv_timeout(PATIENCE).ok(),
            LineSource::Piped(lines) => lines.recv().ok(),
        };
        let failed = |source| RequestError::Read {
            place: place.clone(),
            source,
        };
        let Some(RawLine { bytes, whole, read }) = raw.transpose().map_err(failed)? else {
            return Ok(None);
        };
        self.read += read;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.number = number;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Ok(Some(None));
        }
        let content = match serde_json::from_str(text) {
            _ if !whole => Err(format!("is longer than {LONGEST_LINE} bytes")),
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
}

/// Standard input's lines, as they come.
fn piped() -> Receiver<io::Result<RawLine>> {
    let (to, lines) = sync_channel(AHEAD);
    thread::spawn(move || {
        let mut reader = BufReader::new(stdin());
        loop {
            let line = raw_line(&mut reader);
            let last = line.as_ref().map_or(true, |line| line.bytes.is_empty());
            // Nobody listens any more where a job has ended before its input.
            if to.send(line).is_err() || last {
                return;
            }
        }
    });
    lines
}

/// Reads up to the end of a line.
fn raw_line(reader: &mut dyn BufRead) -> io::Result<RawLine> {
    let mut bytes = Vec::new();
    let mut read = (&mut *reader).take(LONGEST_LINE).read_until(b'\n', &mut bytes)? as u64;
    if read < LONGEST_LINE || bytes.last() == Some(&b'\n') {
        let whole = true;
        return Ok(RawLine { bytes, whole, read });
    }
    // What is left of it is read and dropped, so that the next line is the next.
    loop {
        let (found, used) = {
            let buffer = reader.fill_buf()?;
            let end = buffer.iter().position(|&byte| byte == b'\n');
            (
                end.is_some() || buffer.is_empty(),
                end.map_or(buffer.len(), |end| end + 1),
            )
        };
        reader.consume(used);
        read += used as u64;
        if found {
            bytes.truncate(80);
            let whole = false;
            return Ok(RawLine { bytes, whole, read });
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
