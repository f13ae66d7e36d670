//! Answer codes as bytes of a CSV field.

/// A field of a column that holds codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// Nothing there.
    Blank,
    /// A number, as in the file.
    Number(i64),
}

impl Code {
    /// Whether the survey means "no answer" by it: -1 to -5 or blank.
    pub(super) fn is_missing(self) -> bool {
        matches!(self, Self::Blank | Self::Number(-5..=-1))
    }
}

/// Reads a whole number, as programs write it: `3`, ` 3 `, `-2`, `3.0`. Anything else is `None`.
pub(super) fn parse(field: &[u8]) -> Option<Code> {
    let field = field.trim_ascii();
    let (negative, digits) = match field {
        [] => return Some(Code::Blank),
        [b'-', rest @ ..] => (true, rest),
        _ => (false, field),
    };
    let mut number: i64 = 0;
    let mut seen = 0;
    let mut rest = digits.iter();
    for &byte in rest.by_ref() {
        match byte {
            b'0'..=b'9' if seen < MOST_DIGITS => number = number * 10 + i64::from(byte - b'0'),
            // Spreadsheets and data frames write whole numbers as 3.0 once a column has a blank.
            b'.' if seen > 0 => return whole(rest.as_slice(), negative, number),
            _ => return None,
        }
        seen += 1;
    }
    (seen > 0).then_some(Code::Number(if negative { -number } else { number }))
}

/// Enough for any code or interview number and too few to overflow.
const MOST_DIGITS: usize = 18;

fn whole(fraction: &[u8], negative: bool, number: i64) -> Option<Code> {
    let zeros = !fraction.is_empty() && fraction.iter().all(|&byte| byte == b'0');
    zeros.then_some(Code::Number(if negative { -number } else { number }))
}

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
            ("3.0", Some(Code::Number(3))),
            ("-1.000", Some(Code::Number(-1))),
            ("840001", Some(Code::Number(840001))),
            ("3.5", None),
            ("3.", None),
            (".0", None),
            ("-", None),
            ("1e3", None),
            ("Very important", None),
            ("9999999999999999999", None),
        ] {
            assert_eq!(parse(field.as_bytes()), expected, "{field:?}");
        }
    }

    #[test]
    fn missing_is_minus_five_to_minus_one_or_blank() {
        assert!(Code::Blank.is_missing());
        assert!((-5..=-1).all(|code| Code::Number(code).is_missing()));
        assert!(![-6, -99, 0, 1].map(Code::Number).iter().any(|code| code.is_missing()));
    }
}
