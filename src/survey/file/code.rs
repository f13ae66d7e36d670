//! Answer codes as bytes of a CSV field.

use super::super::builtin::BuiltinSurvey;

/// A field of a column that holds codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// Nothing there, or a word that stands for nothing.
    Blank,
    /// A number, as in the file.
    Number(i64),
}

impl Code {
    /// Whether the survey means "no answer" by it: one of its codes for that, or blank.
    pub(super) fn is_missing(self, survey: &BuiltinSurvey) -> bool {
        match self {
            Self::Blank => true,
            Self::Number(number) => survey.missing_codes().contains(&number),
        }
    }
}

/// What statistics programs and spreadsheets write where a value is missing, in lower case. Stata's `.a` to `.z` are
/// looked for apart.
const MISSING_WORDS: [&[u8]; 10] = [
    b".", b"na", b"nan", b"none", b"null", b"n/a", b"#n/a", b"<na>", b"#null!", b"-nan",
];

/// Reads a whole number, as programs write it: `3`, ` 3 `, `-2`, `+1`, `3.0`, `3,0`; or a word for a missing value.
/// Anything else is `None`.
pub(super) fn parse(field: &[u8]) -> Option<Code> {
    let field = field.trim_ascii();
    if field.is_empty() || is_missing_word(field) {
        return Some(Code::Blank);
    }
    let (negative, digits) = match field {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, field),
    };
    let mut number: i64 = 0;
    let mut seen = 0;
    let mut rest = digits.iter();
    for &byte in rest.by_ref() {
        match byte {
            b'0'..=b'9' if seen < MOST_DIGITS => number = number * 10 + i64::from(byte - b'0'),
            // Spreadsheets and data frames write whole numbers as 3.0 once a column has a blank, or as 3,0.
            b'.' | b',' if seen > 0 => {
                if rest.as_slice().iter().any(|&byte| byte != b'0') {
                    return None;
                }
                break;
            }
            _ => return None,
        }
        seen += 1;
    }
    (seen > 0).then_some(Code::Number(if negative { -number } else { number }))
}

/// Whether a field, without spaces around it, is a word for a missing value.
pub(super) fn is_missing_word(field: &[u8]) -> bool {
    // Nearly every field begins with a digit or a minus; no word is longer than six letters.
    if field.len() > 6 || field.first().is_none_or(u8::is_ascii_digit) {
        return false;
    }
    matches!(field, [b'.', letter] if letter.is_ascii_alphabetic())
        || MISSING_WORDS.iter().any(|word| field.eq_ignore_ascii_case(word))
}

/// Reads a weight: a number that is not negative, with a point or a comma before its decimals.
pub(super) fn parse_weight(field: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(field.trim_ascii()).ok()?;
    let weight: f64 = text.replacen(',', ".", 1).parse().ok()?;
    (weight.is_finite() && weight >= 0.0).then_some(weight)
}

/// Enough for any code or interview number and too few to overflow.
const MOST_DIGITS: usize = 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_in_every_spelling() {
        for (field, expected) in [
            ("", Some(Code::Blank)),
            ("  ", Some(Code::Blank)),
            ("0", Some(Code::Number(0))),
            (" 10 ", Some(Code::Number(10))),
            ("-5", Some(Code::Number(-5))),
            ("+1", Some(Code::Number(1))),
            ("3.0", Some(Code::Number(3))),
            ("3,0", Some(Code::Number(3))),
            ("3.", Some(Code::Number(3))),
            ("-1.000", Some(Code::Number(-1))),
            ("840001", Some(Code::Number(840001))),
            ("3.5", None),
            ("3,5", None),
            ("1,000,0", None),
            (".0", None),
            ("-", None),
            ("+", None),
            ("1e3", None),
            ("Very important", None),
            ("9999999999999999999", None),
        ] {
            assert_eq!(parse(field.as_bytes()), expected, "{field:?}");
        }
    }

    #[test]
    fn words_for_a_missing_value_are_blank() {
        for word in [
            "NA", "NaN", "nan", "None", "none", "NULL", "null", "N/A", "#N/A", "<NA>", "#NULL!", ".", ".a", ".E", ".z",
            " NA ",
        ] {
            assert_eq!(parse(word.as_bytes()), Some(Code::Blank), "{word:?}");
        }
        for word in ["..", ".1", ".ab", "no", "Nobody", "missing", "NAN1"] {
            assert_eq!(parse(word.as_bytes()), None, "{word:?}");
        }
    }

    #[test]
    fn missing_is_minus_five_to_minus_one_or_blank() {
        let survey = BuiltinSurvey::get().unwrap();
        assert!(Code::Blank.is_missing(survey));
        assert!((-5..=-1).all(|code| Code::Number(code).is_missing(survey)));
        let others = [-6, -99, 0, 1].map(Code::Number);
        assert!(!others.iter().any(|code| code.is_missing(survey)));
    }

    #[test]
    fn weights_are_numbers_that_are_not_negative() {
        for (field, expected) in [
            ("1", Some(1.0)),
            (" 0.75 ", Some(0.75)),
            ("1,25", Some(1.25)),
            ("0", Some(0.0)),
            ("1e-1", Some(0.1)),
            ("-1", None),
            ("", None),
            ("NA", None),
            ("nan", None),
            ("inf", None),
            ("1,2,3", None),
        ] {
            assert_eq!(parse_weight(field.as_bytes()), expected, "{field:?}");
        }
    }
}
