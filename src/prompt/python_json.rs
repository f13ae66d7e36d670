//! JSON as Python's `json.dumps` writes it, which the paper's prompt and chat templates rely on.

use serde_json::Value;

/// Which characters are written as `\u` escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// All but printable ASCII (`ensure_ascii=True`, Python's default).
    NonAscii,
    /// Control characters only (`ensure_ascii=False`).
    Control,
}

/// `json.dumps(value, indent=indent, ensure_ascii=...)`. Objects keep their order.
pub(super) fn dumps(value: &Value, indent: Option<usize>, escape: Escape) -> String {
    let mut out = String::new();
    let writer = JsonWriter { indent, escape };
    writer.value(&mut out, value, 0);
    out
}

/// The settings of one call.
struct JsonWriter {
    indent: Option<usize>,
    escape: Escape,
}

impl JsonWriter {
    fn value(&self, out: &mut String, value: &Value, depth: usize) {
        match value {
            Value::String(text) => self.string(out, text),
            Value::Array(items) => self.items(out, ['[', ']'], items.iter(), depth, |out, item| {
                self.value(out, item, depth + 1);
            }),
            Value::Object(entries) => self.items(out, ['{', '}'], entries.iter(), depth, |out, (key, value)| {
                self.string(out, key);
                out.push_str(": ");
                self.value(out, value, depth + 1);
            }),
            plain => out.push_str(&plain.to_string()),
        }
    }

    fn items<T>(
        &self,
        out: &mut String,
        [open, close]: [char; 2],
        items: impl ExactSizeIterator<Item = T>,
        depth: usize,
        mut write: impl FnMut(&mut String, T),
    ) {
        let empty = items.len() == 0;
        out.push(open);
        for (i, item) in items.enumerate() {
            match self.indent {
                Some(_) if i > 0 => out.push(','),
                None if i > 0 => out.push_str(", "),
                _ => {}
            }
            self.line(out, depth + 1);
            write(out, item);
        }
        if !empty {
            self.line(out, depth);
        }
        out.push(close);
    }

    /// Begins a line, where lines are asked for.
    fn line(&self, out: &mut String, depth: usize) {
        if let Some(indent) = self.indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    }

    fn string(&self, out: &mut String, text: &str) {
        out.push('"');
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                c if c < ' ' || (self.escape == Escape::NonAscii && !(' '..='~').contains(&c)) => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_writes_what_python_writes() {
        // Each expectation was printed by Python 3's json.dumps.
        let value: Value = serde_json::from_str(
            r#"{"a": [{"b": "q\"\\\n\u0001é😀\u007f"}, {}, []], "c": 1, "d": null, "e": [1.5, true]}"#,
        )
        .unwrap();
        assert_eq!(
            dumps(&value, None, Escape::NonAscii),
            r#"{"a": [{"b": "q\"\\\n\u0001\u00e9\ud83d\ude00\u007f"}, {}, []], "c": 1, "d": null, "e": [1.5, true]}"#
        );
        assert_eq!(
            dumps(&value["a"], None, Escape::Control),
            "[{\"b\": \"q\\\"\\\\\\n\\u0001é😀\u{7f}\"}, {}, []]"
        );
        assert_eq!(
            dumps(&value["e"], Some(4), Escape::NonAscii),
            "[\n    1.5,\n    true\n]"
        );
        assert_eq!(
            dumps(
                &serde_json::json!({"x": [{"y": "z"}], "w": {}}),
                Some(2),
                Escape::NonAscii
            ),
            "{\n  \"x\": [\n    {\n      \"y\": \"z\"\n    }\n  ],\n  \"w\": {}\n}"
        );
    }
}
