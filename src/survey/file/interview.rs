//! Interview numbers: one id for one number, however a program spelt it.

use std::borrow::Cow;
use std::path::Path;

use super::super::builtin::BuiltinSurvey;
use super::super::error::SurveyError;
use super::super::file_error::{Expected, FileError};
use super::code::is_missing_word;
use super::heading::first_row;
use super::input::{self, ByteSource};
use super::rows::TableRows;
use super::shown;
use super::sniff::{self, Sniffed, TableLayout};
use crate::survey::undefined::{NamedThing, UndefinedNames};

/// The ids in the column of interview numbers of a table of text, each with its line.
pub(in super::super) fn interviews(path: &Path) -> Result<Vec<(String, u64)>, SurveyError> {
    let name = &BuiltinSurvey::get()?.person.id;
    let missing = |line| FileError::MissingColumns {
        path: path.to_owned(),
        line,
        columns: vec![name.clone()],
    };
    let (opened, Sniffed::Csv(layout)) = sniff::open(path)? else {
        return Err(missing(1).into());
    };
    let column = layout.header.find(name).ok_or_else(|| missing(layout.lines))?;
    listed(path, opened.input, &layout, &[(column, name)])
}

/// The ids in these columns of a table of text, those of one row joined by `-`, each with its line.
pub(in super::super) fn ids(path: &Path, names: &[String]) -> Result<Vec<(String, u64)>, SurveyError> {
    let (mut source, _) = input::open(path, |_, _| true)?;
    let layout = first_row(path, &mut source)?;
    let absent = names.iter().filter(|name| layout.header.exact(name).is_none());
    let absent: Vec<String> = absent.cloned().collect();
    if !absent.is_empty() {
        return Err(FileError::Undefined(Box::new(UndefinedNames {
            path: path.to_owned(),
            sought: NamedThing::ColumnOfList(layout.lines),
            names: absent,
            known: layout.header.names(),
        }))
        .into());
    }
    let columns = names.iter().filter_map(|name| Some((layout.header.exact(name)?, name)));
    let columns: Vec<(usize, &String)> = columns.collect();
    listed(path, source, &layout, &columns)
}

/// The ids in these columns, of which there is one at least.
fn listed(
    path: &Path,
    source: ByteSource,
    layout: &TableLayout,
    columns: &[(usize, &String)],
) -> Result<Vec<(String, u64)>, SurveyError> {
    let mut rows = TableRows::new(path, source, layout);
    let mut ids = Vec::new();
    while let Some((row, line)) = rows.next()? {
        let mut parts = Vec::with_capacity(columns.len());
        for &(column, name) in columns {
            let field = &row[column];
            let text = String::from_utf8_lossy(field);
            let id = id(&text).map_err(|expected| FileError::Value {
                path: path.to_owned(),
                line,
                column: name.clone(),
                found: shown(field),
                expected,
            })?;
            parts.push(id.into_owned());
        }
        ids.push((parts.join("-"), line));
    }
    if ids.is_empty() {
        return Err(FileError::NoRows { path: path.to_owned() }.into());
    }
    Ok(ids)
}

/// The id that an interview number stands for; what should have been there where it stands for none.
///
/// A whole number is one id in every spelling: `356070001`, `356070001.0`, `+356070001`, `3.56070001E+08`. A number that
/// a spreadsheet rounded (`3.5607E+08` may have been any of ten thousand) is refused. Anything else is an id as it is.
pub(super) fn id(field: &str) -> Result<Cow<'_, str>, Expected> {
    let text = field.trim();
    if text.is_empty() || is_missing_word(text.as_bytes()) {
        return Err(Expected::Interview);
    }
    // What spreadsheets and their users put around a number so that it stays text, or is read more easily.
    let quoted = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    let marked = text.strip_prefix('\'').map(|rest| rest.trim_end_matches('\''));
    if let Some(inner) = quoted
        .or(marked)
        .map(str::trim)
        .filter(|inner| Spelt::parse(inner).is_some())
    {
        return id(inner);
    }
    if let Some(digits) = without_thousands(text) {
        return Ok(Cow::Owned(digits));
    }
    let Some(number) = Spelt::parse(text) else {
        return Ok(Cow::Borrowed(text));
    };
    number.whole(text)
}

/// `356,070,001` and `356 070 001` without what sets thousands apart; absent for anything else, and for a single comma
/// or point, which may be a decimal one.
fn without_thousands(text: &str) -> Option<String> {
    let is_mark = |letter: char| matches!(letter, ',' | '.' | ' ' | '\'' | '\u{a0}' | '\u{202f}');
    let mark = text.chars().find(|letter| is_mark(*letter))?;
    let groups: Vec<&str> = text.split(mark).collect();
    let sound = groups.len() > 2
        && groups.iter().all(|group| only_digits(group).is_some())
        && (1..=3).contains(&groups[0].len())
        && !groups[0].starts_with('0')
        && groups[1..].iter().all(|group| group.len() == 3);
    sound.then(|| groups.concat())
}

/// A number as it is spelt: sign, digits before and after the point, exponent.
struct Spelt<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: Option<usize>,
}

impl<'a> Spelt<'a> {
    /// Absent where the text is no number.
    fn parse(text: &'a str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let digits = exponent.strip_prefix('+').unwrap_or(exponent);
                (mantissa, Some(only_digits(digits)?.parse().ok()?))
            }
            None => (rest, None),
        };
        let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
        let number = !whole.is_empty()
            && only_digits(whole).is_some()
            && (fraction.is_empty() || only_digits(fraction).is_some());
        number.then_some(Self {
            negative,
            whole,
            fraction,
            exponent,
        })
    }

    /// The whole number that is meant, in plain digits; the text itself where it is not a whole number.
    fn whole(self, text: &'a str) -> Result<Cow<'a, str>, Expected> {
        let (kept, rest) = match self.exponent {
            None => ("", self.fraction),
            // Digits that the exponent asks for and that are not there were rounded away.
            Some(places) if places > self.fraction.len() => return Err(Expected::UnroundedInterview),
            Some(places) => self.fraction.split_at(places),
        };
        if rest.bytes().any(|byte| byte != b'0') {
            return Ok(Cow::Borrowed(text));
        }
        let digits = format!("{}{kept}", self.whole);
        let digits = digits.trim_start_matches('0');
        let sign = if self.negative { "-" } else { "" };
        Ok(match digits {
            "" => Cow::Borrowed("0"),
            digits => Cow::Owned(format!("{sign}{digits}")),
        })
    }
}

fn only_digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_in_any_spelling_is_one_id() {
        for spelling in [
            "356070001",
            " 356070001 ",
            "356070001.0",
            "356070001,00",
            "356070001.",
            "+356070001",
            "0356070001",
            "3.56070001E+08",
            "3.56070001e8",
            "3,560700010E8",
            "356070001E0",
            "=\"356070001\"",
            "'356070001",
            "356,070,001",
            "356.070.001",
            "356 070 001",
        ] {
            assert_eq!(id(spelling).as_deref(), Ok("356070001"), "{spelling}");
        }
        assert_eq!(id("-7.0").as_deref(), Ok("-7"));
        assert_eq!(id("000").as_deref(), Ok("0"));
    }

    #[test]
    fn what_is_no_whole_number_is_an_id_as_it_is() {
        for text in [
            "synthetic-00001",
            "IND-7",
            "12.5",
            "1e",
            "e8",
            "12a",
            "1.2.3",
            "00-1",
            "1e-3",
        ] {
            assert_eq!(id(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_rounded_or_missing_number_is_refused() {
        for text in ["3.5607E+08", "4E+08", "1,2e9", "3.5607e+200"] {
            assert_eq!(id(text), Err(Expected::UnroundedInterview), "{text}");
        }
        for text in ["", "  ", "NA", "nan", "."] {
            assert_eq!(id(text), Err(Expected::Interview), "{text:?}");
        }
    }
}
