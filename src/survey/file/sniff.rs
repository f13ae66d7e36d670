//! Finds out from the first lines of a file what it is and where its header stands.

use std::io::{BufRead as _, Read as _};
use std::path::{Path, PathBuf};

use super::super::builtin::BuiltinSurvey;
use super::super::error::SurveyError;
use super::super::file_error::FileError;
use super::header::HeaderRow;
use super::input::{self, ByteSource};
use super::report::Separator;
use super::shown;

/// A file opened at the first byte after its header (CSV) or at its first byte (JSON lines).
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) input: ByteSource,
    /// The table's name within an archive.
    pub(super) member: Option<String>,
}

/// What the file looks like.
pub(super) enum Sniffed {
    JsonLines,
    Csv(TableLayout),
}

/// How a table of text is laid out.
pub(super) struct TableLayout {
    pub(super) separator: Separator,
    pub(super) header: HeaderRow,
    /// Lines of the file up to the end of the header.
    pub(super) lines: u64,
    /// Lines above the header that are no part of the table, as far as they say something.
    pub(super) skipped: Vec<String>,
}

/// A header longer than this is no header: the survey's own has some 6,000 bytes, with labels some 40,000.
const LONGEST_HEADER: u64 = 1 << 20;

/// Lines in which a header is looked for: some exports put a title, a source and a date above it.
const MOST_LINES_ABOVE: usize = 10;

pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Opens `path` and reads its header.
pub(super) fn open(path: &Path) -> Result<(Opened, Sniffed), SurveyError> {
    let survey = BuiltinSurvey::get()?;
    let (mut input, member) = input::open(path, is_survey)?;
    let kind = sniffed(path, &mut input, survey)?;
    let opened = Opened {
        path: path.to_owned(),
        input,
        member,
    };
    Ok((opened, kind))
}

/// What a stream is; it then stands behind its header.
fn sniffed(path: &Path, input: &mut ByteSource, survey: &BuiltinSurvey) -> Result<Sniffed, SurveyError> {
    let failed = |error| SurveyError::io("read", path, error);
    // A program that adds a byte-order mark to a file that has one leaves two.
    while input.fill_buf().map_err(failed)?.starts_with(BYTE_ORDER_MARK) {
        input.consume(BYTE_ORDER_MARK.len());
    }
    let start = input.fill_buf().map_err(failed)?;
    match start.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Ok(Sniffed::JsonLines),
        Some(b'[') => Err(FileError::JsonArray { path: path.to_owned() }.into()),
        _ => Ok(Sniffed::Csv(layout(path, input, survey)?)),
    }
}

/// Whether a stream holds people: a table with a header of questions, lines of JSON of which the first says who. One that cannot be
/// read to the end of its header might.
fn is_survey(path: &Path, input: &mut ByteSource) -> bool {
    let Ok(survey) = BuiltinSurvey::get() else {
        return false;
    };
    match sniffed(path, input, survey) {
        Ok(Sniffed::Csv(layout)) => layout.header.has_questions(survey),
        Ok(Sniffed::JsonLines) => {
            let mut line = Vec::new();
            let name = survey.person.id.as_bytes();
            read_line(input, &mut line).is_err() || line.windows(name.len()).any(|part| part == name)
        }
        Err(SurveyError::File(FileError::RepeatedColumn { .. }) | SurveyError::Io { .. }) => true,
        Err(_) => false,
    }
}

/// Finds the header among the first lines: the first one that names a column of a survey; where there is none, the first
/// line that is not blank, so that what is missing can be said.
fn layout(path: &Path, input: &mut ByteSource, survey: &BuiltinSurvey) -> Result<TableLayout, SurveyError> {
    let mut told = None;
    let mut first = None;
    let (mut lines, mut skipped) = (0, Vec::new());
    for _ in 0..MOST_LINES_ABOVE {
        let mut line = Vec::new();
        read_line(input, &mut line).map_err(|error| SurveyError::io("read", path, error))?;
        if line.is_empty() {
            break;
        }
        lines += line.iter().filter(|&&byte| byte == b'\n').count().max(1) as u64;
        if line.trim_ascii().is_empty() {
            continue;
        }
        if line.contains(&0) {
            return Err(binary_data(path, lines).into());
        }
        // Names of columns are plain ASCII; what their labels are written in does not matter.
        let text = String::from_utf8_lossy(&line);
        if let Some(separator) = told_separator(&text) {
            told = Some(ToldSeparator {
                line: lines,
                said: shown(line.trim_ascii()),
                separator,
            });
            continue;
        }
        let told_one = told.as_ref().and_then(|told| told.separator);
        let (separator, header) = header((path, &text, lines), told_one, survey)?;
        let recognised = header.is_of_a_survey(survey);
        if recognised && let Some(told) = told.take_if(|told| told.separator != Some(separator)) {
            skipped.push(told.said);
        }
        let layout = TableLayout {
            separator,
            header,
            lines,
            skipped: skipped.clone(),
        };
        if recognised {
            return Ok(layout);
        }
        skipped.push(shown(line.trim_ascii()));
        first.get_or_insert(layout);
    }
    match (told, first) {
        (Some(told), Some(_)) => Err(FileError::ToldSeparator {
            path: path.to_owned(),
            line: told.line,
            said: told.said,
        }
        .into()),
        (_, Some(first)) => Ok(first),
        (_, None) => Err(FileError::Empty { path: path.to_owned() }.into()),
    }
}

fn binary_data(path: &Path, line: u64) -> FileError {
    FileError::Encoding {
        path: path.to_owned(),
        line,
        found: "binary data".to_owned(),
    }
}

/// A line as names of columns: split by what Excel's line told or by what stands there most often, unless another separator
/// makes more columns of a survey of it (labels may hold any of them).
fn header(
    (path, text, line): (&Path, &str, u64),
    told: Option<Separator>,
    survey: &BuiltinSurvey,
) -> Result<(Separator, HeaderRow), SurveyError> {
    let known = |(_, header): &(Separator, HeaderRow)| header.known(survey);
    let read = |separator| HeaderRow::parse(path, text, line, separator).map(|header| (separator, header));
    // A line without any is a table of one column, as lists of people may be.
    let commonest = read(separator_of(text).unwrap_or_default());
    let told = told.and_then(|told| read(told).ok()).filter(|(_, told)| told.width > 1);
    let mut best = match (told, commonest) {
        (Some(told), Err(_)) if known(&told) > 0 => told,
        (_, Err(error)) => return Err(error),
        (Some(told), Ok(commonest)) if known(&told) >= known(&commonest) => told,
        (_, Ok(commonest)) => commonest,
    };
    for other in Separator::ALL.into_iter().filter_map(|separator| read(separator).ok()) {
        if known(&other) > known(&best) {
            best = other;
        }
    }
    Ok(best)
}

/// One line, or more where a quoted name holds a line break.
pub(super) fn read_line(input: &mut ByteSource, line: &mut Vec<u8>) -> std::io::Result<()> {
    loop {
        let read = input.by_ref().take(LONGEST_HEADER).read_until(b'\n', line)?;
        if read == 0 || !ends_within_quotes(line) || line.len() as u64 >= LONGEST_HEADER {
            return Ok(());
        }
    }
}

/// Whether a quoted field goes on behind the end of `line`. A quotation mark opens a field only where the field begins.
fn ends_within_quotes(line: &[u8]) -> bool {
    let (mut quoted, mut may_open) = (false, true);
    for &byte in line {
        if byte == b'"' && (quoted || may_open) {
            quoted = !quoted;
            // A second one right behind it stands for a quotation mark, and the field goes on.
            may_open = !quoted;
        } else if !quoted {
            may_open = byte == b'\n' || Separator::ALL.iter().any(|separator| separator.byte() == byte);
        }
    }
    quoted
}

/// Excel's line that names the separator.
struct ToldSeparator {
    line: u64,
    /// The line as it stands there.
    said: String,
    /// Absent for one that no table here has.
    separator: Option<Separator>,
}

/// What Excel's line `sep=;` tells, where `line` is one: a separator, or none that a table here has.
fn told_separator(line: &str) -> Option<Option<Separator>> {
    let line = line.trim_matches(['\r', '\n', ' ', '"']);
    let told = line
        .get(..4)
        .filter(|start| start.eq_ignore_ascii_case("sep="))
        .map(|_| &line[4..])?;
    let separator = Separator::ALL
        .into_iter()
        .find(|separator| told.bytes().eq([separator.byte()]));
    Some(separator)
}

/// The separator that splits a header into most fields; absent where there is none.
pub(super) fn separator_of(header: &str) -> Option<Separator> {
    let mut counts = Separator::ALL.map(|separator| (separator, 0));
    let mut quoted = false;
    for byte in header.bytes() {
        if byte == b'"' {
            quoted = !quoted;
        } else if !quoted && let Some((_, count)) = counts.iter_mut().find(|(separator, _)| separator.byte() == byte) {
            *count += 1;
        }
    }
    let (separator, count) = counts.into_iter().max_by_key(|&(_, count)| count)?;
    (count > 0).then_some(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_separator_is_what_splits_the_header_outside_quotes() {
        assert_eq!(separator_of("A,B,C"), Some(Separator::Comma));
        assert_eq!(separator_of("\"Q1: a, b, c, d\";\"Q2\""), Some(Separator::Semicolon));
        assert_eq!(separator_of("A\tB\tC,D"), Some(Separator::Tab));
        assert_eq!(separator_of("A|B"), Some(Separator::Bar));
        assert_eq!(separator_of("A"), None);
    }

    #[test]
    fn a_quotation_mark_within_a_field_opens_nothing() {
        for open in ["\"a", "x,\"a, b", "\"a \"\"", "\"a\";\"b"] {
            assert!(ends_within_quotes(open.as_bytes()), "{open}");
        }
        for closed in ["\"a\"", "5\" pipes, and more", "\"a \"\"b\"\" c\",d", "say \"so,x", ""] {
            assert!(!ends_within_quotes(closed.as_bytes()), "{closed}");
        }
    }

    #[test]
    fn excel_may_name_the_separator() {
        assert_eq!(told_separator("sep=;\r\n"), Some(Some(Separator::Semicolon)));
        assert_eq!(told_separator("\"SEP=,\""), Some(Some(Separator::Comma)));
        assert_eq!(told_separator("sep=\t"), Some(Some(Separator::Tab)));
        for strange in ["sep=", "sep=;;", "sep=^"] {
            assert_eq!(told_separator(strange), Some(None), "{strange}");
        }
        for other in ["separator", "é", "D_INTERVIEW"] {
            assert_eq!(told_separator(other), None, "{other}");
        }
    }
}
