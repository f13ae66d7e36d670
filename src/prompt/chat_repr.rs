//! Values as Python writes them: `str()` and `repr()`.

use minijinja::Value;
use minijinja::value::ValueKind;

use super::chat_views::view;

/// `str(value)`: texts as they are, everything else as [`repr`] has it. The value must have been measured: this writes
/// out all of it.
pub(super) fn text(value: &Value) -> String {
    match value.kind() {
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        ValueKind::Undefined => String::new(),
        _ => {
            let mut out = String::new();
            repr(&mut out, value);
            out
        }
    }
}

/// `repr(value)`. What cannot be iterated comes out as nothing is in it.
fn repr(out: &mut String, value: &Value) {
    match value.kind() {
        ValueKind::Undefined => out.push_str("Undefined"),
        ValueKind::None => out.push_str("None"),
        ValueKind::Bool => out.push_str(if value.is_true() { "True" } else { "False" }),
        ValueKind::Number => out.push_str(&number(value)),
        ValueKind::String => quoted(out, value.as_str().unwrap_or_default()),
        ValueKind::Iterable if let Some(view) = view(value) => {
            out.push_str(view.name);
            out.push('(');
            items(out, value);
            out.push(')');
        }
        ValueKind::Seq | ValueKind::Iterable => items(out, value),
        ValueKind::Map => entries(out, value),
        _ => out.push_str(&value.to_string()),
    }
}

fn items(out: &mut String, value: &Value) {
    let items: Vec<Value> = value.try_iter().into_iter().flatten().collect();
    let [open, close] = if value.is_tuple() { ['(', ')'] } else { ['[', ']'] };
    out.push(open);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        repr(out, item);
    }
    if value.is_tuple() && items.len() == 1 {
        out.push(',');
    }
    out.push(close);
}

fn entries(out: &mut String, value: &Value) {
    out.push('{');
    for (at, key) in value.try_iter().into_iter().flatten().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        repr(out, &key);
        out.push_str(": ");
        repr(out, &value.get_item(&key).unwrap_or_default());
    }
    out.push('}');
}

/// A number: a whole one has no point, any other has one, or an exponent.
pub(super) fn number(value: &Value) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    f64::try_from(value.clone()).map_or_else(|_| value.to_string(), real)
}

/// `repr` of a float: the fewest digits that mean the same number, with an exponent below 1e-4 and from 1e16 on.
fn real(number: f64) -> String {
    if !number.is_finite() {
        let text = format!("{number:?}");
        return text.to_lowercase();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent @ -4..16) => {
            let plain = number.to_string();
            match plain.contains('.') || exponent < 0 {
                true => plain,
                false => plain + ".0",
            }
        }
        Ok(exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        Err(_) => scientific,
    }
}

/// A text between quotes: double ones where it has single ones alone.
fn quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            c if is_printable(c) => out.push(c),
            c => out.push_str(&match u32::from(c) {
                code @ ..0x100 => format!("\\x{code:02x}"),
                code @ ..0x1_0000 => format!("\\u{code:04x}"),
                code => format!("\\U{code:08x}"),
            }),
        }
    }
    out.push(quote);
}

/// `str.isprintable` of one character. The standard library escapes those that are not; one that continues another is
/// only escaped where it stands alone.
pub(super) fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        _ if c.is_ascii() => false,
        _ => !format!("a{c}").escape_debug().to_string().contains("\\u{"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_python_writes_them() {
        // Each expectation was printed by Python 3.
        for (number, expected) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(real(number), expected);
        }
    }

    #[test]
    fn texts_are_quoted_as_python_quotes_them() {
        for (plain, expected) in [
            ("it's", "\"it's\""),
            ("q\"q", "'q\"q'"),
            ("b'\"", "'b\\'\"'"),
            ("\t\r\n\\\0\u{7f}", "'\\t\\r\\n\\\\\\x00\\x7f'"),
            (
                "\u{a0}\u{ad}\u{200b}\u{2028}\u{e0001}",
                "'\\xa0\\xad\\u200b\\u2028\\U000e0001'",
            ),
            ("é日👍e\u{301}", "'é日👍e\u{301}'"),
        ] {
            assert_eq!(repr_of(plain), expected);
        }
    }

    fn repr_of(text: &str) -> String {
        let mut out = String::new();
        quoted(&mut out, text);
        out
    }
}
