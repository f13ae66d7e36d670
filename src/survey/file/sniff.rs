//! Opens a file and finds out from its first bytes what it is.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::super::error::SurveyError;
use super::FileError;
use super::header::Header;

/// A file opened at the first byte after its header (CSV) or at its first byte (JSON lines).
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    pub(super) input: BufReader<File>,
}

/// What the file looks like.
pub(super) enum Kind {
    JsonLines,
    Csv { delimiter: u8, header: Header },
}

/// A header longer than this is no header: the survey's own has some 6,000 bytes, with labels some 40,000.
const LONGEST_HEADER: u64 = 1 << 20;

/// Beginnings of files that people take for CSV.
const MAGIC: [(&[u8], &str); 9] = [
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"PK\x03\x04", "a ZIP archive (or a spreadsheet)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"$FL2", "an SPSS file"),
    (b"$FL3", "an SPSS file"),
    (b"<stata_dta>", "a Stata file"),
    (b"RDX", "an R data file"),
    (b"\xd0\xcf\x11\xe0", "an Excel file"),
];

/// Opens `path` and reads its header.
pub(super) fn open(path: &Path) -> Result<Opened, SurveyError> {
    let failed = |error| SurveyError::io("read", path, error);
    let owned = || path.to_owned();
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(FileError::Directory { path: owned() }.into());
    }
    let mut input = BufReader::with_capacity(1 << 18, file);
    let start = input.fill_buf().map_err(failed)?;
    let encoding = |found: &str| FileError::Encoding {
        path: owned(),
        line: 1,
        found: found.to_owned(),
    };
    if let Some((_, found)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(encoding(found).into());
    }
    if start.starts_with(b"\xef\xbb\xbf") {
        input.consume(3);
    }
    let start = input.fill_buf().map_err(failed)?;
    if start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        return Ok(Opened {
            path: owned(),
            kind: Kind::JsonLines,
            input,
        });
    }

    let mut line = Vec::new();
    read_header_line(&mut input, &mut line).map_err(failed)?;
    if line.trim_ascii().is_empty() {
        return Err(FileError::Empty { path: owned() }.into());
    }
    if line.contains(&0) {
        return Err(encoding("binary data").into());
    }
    let text = std::str::from_utf8(&line).map_err(|_| encoding("bytes that are not UTF-8"))?;
    let delimiter = delimiter(text).map_err(|found| FileError::Delimiter { path: owned(), found })?;
    let header = Header::parse(path, text, delimiter)?;
    Ok(Opened {
        path: owned(),
        kind: Kind::Csv { delimiter, header },
        input,
    })
}

/// One line, or more where a quoted name holds a line break.
fn read_header_line(input: &mut BufReader<File>, line: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        let read = input.by_ref().take(LONGEST_HEADER).read_until(b'\n', line)?;
        let open_quote = line.iter().filter(|&&byte| byte == b'"').count() % 2 == 1;
        if read == 0 || !open_quote || line.len() as u64 >= LONGEST_HEADER {
            return Ok(());
        }
    }
}

/// The separator: the one that splits the header into most fields, which must be a comma or a semicolon.
fn delimiter(header: &str) -> Result<u8, &'static str> {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in header.bytes() {
        if byte == b'"' {
            quoted = !quoted;
        } else if !quoted && let Some((_, count)) = counts.iter_mut().find(|(candidate, _)| *candidate == byte) {
            *count += 1;
        }
    }
    match counts.iter().max_by_key(|(_, count)| *count) {
        Some((b',', 1..)) => Ok(b','),
        Some((b';', 1..)) => Ok(b';'),
        Some((b'\t', 1..)) => Err("tabs"),
        Some((b'|', 1..)) => Err("vertical bars"),
        _ => Err("nothing this program knows"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_what_splits_the_header_outside_quotes() {
        assert_eq!(delimiter("A,B,C"), Ok(b','));
        assert_eq!(delimiter("\"Q1: a, b, c, d\";\"Q2\""), Ok(b';'));
        assert_eq!(delimiter("A\tB\tC,D"), Err("tabs"));
        assert_eq!(delimiter("A|B"), Err("vertical bars"));
        assert_eq!(delimiter("A"), Err("nothing this program knows"));
    }
}
