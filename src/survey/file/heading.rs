//! The rows above a table that names its columns as its maker likes.

use std::path::Path;

use super::super::definition::{ColumnNames, DefinedTable};
use super::super::error::SurveyError;
use super::super::file_error::FileError;
use super::header::HeaderRow;
use super::input::ByteSource;
use super::report::Separator;
use super::sniff::{BYTE_ORDER_MARK, TableLayout, read_line, separator_of};

/// How to read the rows above a table.
struct Heading {
    delimiter: Option<u8>,
    rows: usize,
    /// Which of them names the columns, from 1.
    names_row: usize,
    import_ids: bool,
}

/// The layout of a table whose first row names its columns.
pub(super) fn first_row(path: &Path, source: &mut ByteSource) -> Result<TableLayout, SurveyError> {
    let heading = Heading {
        delimiter: None,
        rows: 1,
        names_row: 1,
        import_ids: false,
    };
    heading.read(path, source)
}

/// Reads the rows above the people.
pub(super) fn layout(path: &Path, source: &mut ByteSource, table: &DefinedTable) -> Result<TableLayout, SurveyError> {
    let heading = Heading {
        delimiter: table.delimiter,
        rows: table.header_rows,
        names_row: table.names_row,
        import_ids: table.names == ColumnNames::ImportId,
    };
    heading.read(path, source)
}

impl Heading {
    fn read(&self, path: &Path, source: &mut ByteSource) -> Result<TableLayout, SurveyError> {
        use std::io::BufRead as _;
        let failed = |error| SurveyError::io("read", path, error);
        while source.fill_buf().map_err(failed)?.starts_with(BYTE_ORDER_MARK) {
            source.consume(BYTE_ORDER_MARK.len());
        }
        let mut lines = 0;
        let mut names = String::new();
        for row in 1..=self.rows {
            let mut line = Vec::new();
            read_line(source, &mut line).map_err(failed)?;
            if line.is_empty() {
                return Err(FileError::Empty { path: path.to_owned() }.into());
            }
            lines += line.iter().filter(|&&byte| byte == b'\n').count().max(1) as u64;
            if row == self.names_row {
                names = String::from_utf8(line).map_err(|_| FileError::Encoding {
                    path: path.to_owned(),
                    line: lines,
                    found: "names of columns that are not UTF-8".to_owned(),
                })?;
            }
        }
        let told = Separator::ALL
            .into_iter()
            .find(|one| Some(one.byte()) == self.delimiter);
        let separator = told.or_else(|| separator_of(&names)).unwrap_or_default();
        let header = HeaderRow::plain(&names, separator, self.import_ids);
        Ok(TableLayout {
            separator,
            header,
            lines,
            skipped: Vec::new(),
        })
    }
}
