//! Rows of a table of text, each as wide as its header.

use std::path::Path;

use csv::ByteRecord;

use super::super::error::SurveyError;
use super::super::file_error::FileError;
use super::input::ByteSource;
use super::sniff::TableLayout;

/// Rows below a header. Rows without any content are left out and counted.
pub(super) struct TableRows<'a> {
    path: &'a Path,
    reader: csv::Reader<ByteSource>,
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
            .from_reader(input);
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

    /// The next row and its line in the file, counted from 1.
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
        let line = self.row.position().map_or(0, csv::Position::line) + self.above;
        if !self.fits() {
            return Err(self.misfit(line)?.into());
        }
        Ok(Some((&self.row, line)))
    }

    /// Rows that held nothing but separators and blanks.
    pub(super) fn empty_rows(&self) -> u64 {
        self.empty
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
        self.reader
            .read_byte_record(&mut self.row)
            .map_err(|error| SurveyError::io("read", self.path, error.into()))
    }
}
