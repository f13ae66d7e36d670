//! Rows of a table of text, each as wide as its header.

use std::io::{self, Read};
use std::path::Path;

use csv::{ByteRecord, Position};

use super::super::error::SurveyError;
use super::super::file_error::FileError;
use super::input::ByteSource;
use super::sniff::TableLayout;

/// Rows below a header. Rows without any content are left out and counted.
pub(super) struct TableRows<'a> {
    path: &'a Path,
    reader: csv::Reader<RowGuard>,
    row: ByteRecord,
    /// Columns of the header, and how many of them there are up to the last one with a name.
    width: usize,
    named: usize,
    /// Lines of the file above the first row.
    above: u64,
    empty: u64,
}

impl<'a> TableRows<'a> {
    /// `input` stands after the header.
    pub(super) fn new(path: &'a Path, input: ByteSource, layout: &TableLayout) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(layout.separator.byte())
            .from_reader(RowGuard::new(input));
        Self {
            path,
            reader,
            row: ByteRecord::new(),
            width: layout.header.width,
            named: layout.header.named,
            above: layout.lines,
            empty: 0,
        }
    }

    /// The next row and the line of the file in which it begins, counted from 1.
    ///
    /// A row has a field for every named column. Separators at the end of rows, or of the header, add no column.
    pub(super) fn next(&mut self) -> Result<Option<(&ByteRecord, u64)>, SurveyError> {
        loop {
            if !self.advance()? {
                return Ok(None);
            }
            if self.row.iter().any(|field| !field.trim_ascii().is_empty()) {
                break;
            }
            self.empty += 1;
        }
        let line = self.line();
        if !self.fits() {
            return Err(self.misfit(line)?.into());
        }
        Ok(Some((&self.row, line)))
    }

    /// Rows that held nothing but separators and blanks.
    pub(super) fn empty_rows(&self) -> u64 {
        self.empty
    }

    /// The line in which the row begins.
    ///
    /// The reader passes over blank lines and says where it stood before them, so it is counted back from where the row
    /// ends: its own end of line, unless the file ends there, and those within its fields.
    fn line(&self) -> u64 {
        let before = self.row.position().map_or(0, Position::line);
        let after = self.reader.position().line();
        let ended = u64::from(!self.reader.get_ref().at_end);
        let begin = if after <= before + ended {
            before
        } else {
            let within = self.row.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64;
            after - ended - within
        };
        self.above + begin
    }

    fn fits(&self) -> bool {
        let found = self.row.len();
        (self.named..=self.width).contains(&found)
            || found > self.width
                && self
                    .row
                    .iter()
                    .skip(self.width)
                    .all(|field| field.trim_ascii().is_empty())
    }

    fn misfit(&mut self, line: u64) -> Result<FileError, SurveyError> {
        let (path, found, expected) = (self.path.to_owned(), self.row.len(), self.width);
        // Short and last: the file was cut. Anything else is a row of the wrong shape.
        Ok(if found < expected && !self.advance()? {
            FileError::Truncated {
                path,
                line,
                found,
                expected,
            }
        } else {
            FileError::RowLength {
                path,
                line,
                found,
                expected,
            }
        })
    }

    fn advance(&mut self) -> Result<bool, SurveyError> {
        self.reader.get_mut().row = 0;
        match self.reader.read_byte_record(&mut self.row) {
            Ok(more) => Ok(more),
            Err(_) if self.reader.get_ref().row > LONGEST_ROW => Err(FileError::EndlessRow {
                path: self.path.to_owned(),
                line: self.above + self.row.position().map_or(1, Position::line),
            }
            .into()),
            Err(error) => Err(SurveyError::io("read", self.path, cause(error))),
        }
    }
}

/// Why reading failed; the kind of an error within the stream is kept.
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, format!("{other:?}")),
    }
}

/// The survey's own rows have some 2,000 bytes. A row that takes in more than this begins with a quotation mark that is
/// never closed, or comes out of a file that was made to fill memory.
pub(super) const LONGEST_ROW: u64 = 1 << 24;

/// A stream that ends in an error where one row takes in too much of it.
struct RowGuard {
    input: ByteSource,
    /// Bytes read for the present row.
    row: u64,
    at_end: bool,
}

impl RowGuard {
    const fn new(input: ByteSource) -> Self {
        Self {
            input,
            row: 0,
            at_end: false,
        }
    }
}

impl Read for RowGuard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.row > LONGEST_ROW {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a row without an end"));
        }
        let read = self.input.read(buffer)?;
        self.row += read as u64;
        self.at_end |= read == 0 && !buffer.is_empty();
        Ok(read)
    }
}
