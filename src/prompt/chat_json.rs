//! Values written out within limits: as JSON in Python's way, and measured before anything else is done with them.

use minijinja::value::{Kwargs, Tuple, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

use super::chat_repr;
use super::chat_views::{DictView, view};
use super::python_json::Escape;

/// Deepest nesting of a value.
const DEEPEST: usize = 100;

/// How large a value may be once it is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ValueSize {
    /// Numbers, texts, lists and so on.
    pub(super) parts: usize,
    /// Bytes of its texts.
    pub(super) bytes: usize,
}

/// A value is at most so large, or this fails. Charges what was looked at.
///
/// A sequence that is computed as it is read becomes a list, so that it is computed once.
pub(super) fn measured(state: &State<'_, '_>, value: Value, most: ValueSize) -> Result<Value, Error> {
    let value = match value.kind() {
        ValueKind::Iterable if view(&value).is_none() => {
            let items = value.try_iter()?;
            let list: Vec<Value> = items.take(most.parts + 1).collect();
            Value::from(list)
        }
        _ => value,
    };
    let mut left = most;
    take(&value, &mut left, DEEPEST)?;
    let looked_at = most.parts - left.parts + (most.bytes - left.bytes) / 256;
    state.consume_fuel(looked_at as u64 / 8)?;
    Ok(value)
}

/// A value as Python writes it.
pub(super) fn written(state: &State<'_, '_>, value: &Value, most: ValueSize) -> Result<String, Error> {
    Ok(chat_repr::text(&measured(state, value.clone(), most)?))
}

/// The same as [`measured`], in lists and objects of its own: what holds itself by way of a namespace would have no end.
pub(super) fn held(state: &State<'_, '_>, value: Value, most: ValueSize) -> Result<Value, Error> {
    copy(&measured(state, value, most)?)
}

fn copy(value: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            let items = value.try_iter()?.map(|item| copy(&item));
            let items = items.collect::<Result<Vec<_>, _>>()?;
            Ok(match view(value) {
                Some(view) => Value::from_object(DictView { name: view.name, items }),
                None if value.is_tuple() => Value::from(Tuple::from(items)),
                None => Value::from(items),
            })
        }
        ValueKind::Map => {
            let entries = value.try_iter()?.map(|key| {
                let inner = copy(&value.get_item(&key)?)?;
                Ok((key, inner))
            });
            Ok(Value::from_pairs(entries.collect::<Result<Vec<_>, Error>>()?))
        }
        _ => Ok(value.clone()),
    }
}

fn take(value: &Value, left: &mut ValueSize, depth: usize) -> Result<(), Error> {
    let too_large = || failure("a value is too large once it is written out".to_owned());
    let bytes = value.as_str().map_or(0, str::len);
    left.parts = left.parts.checked_sub(1).ok_or_else(too_large)?;
    left.bytes = left.bytes.checked_sub(bytes).ok_or_else(too_large)?;
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::Iterable) {
        return Ok(());
    }
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| failure(format!("a value is nested more than {DEEPEST} deep")))?;
    for item in value.try_iter()? {
        if value.kind() == ValueKind::Map {
            take(&value.get_item(&item)?, left, depth)?;
        }
        take(&item, left, depth)?;
    }
    Ok(())
}

/// `tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False)`, the first two also by place:
/// Python's way of writing JSON, without the escapes for HTML that the engine's own filter makes.
pub(super) fn tojson(
    state: &State<'_, '_>,
    value: Value,
    placed: [Option<Value>; 2],
    options: &Kwargs,
    most: ValueSize,
) -> Result<String, Error> {
    let layout = JsonLayout::new(placed, options)?;
    if value.kind() == ValueKind::Iterable {
        return Err(failure("tojson cannot write what is computed as it is read".to_owned()));
    }
    let value = measured(state, value, most)?;
    let mut out = String::new();
    layout.value(&mut out, &value, 0, most.bytes)?;
    state.consume_fuel(out.len() as u64 / 256)?;
    Ok(out)
}

/// The options of one call.
struct JsonLayout {
    indent: Option<String>,
    between: String,
    colon: String,
    escape: Escape,
    sorted: bool,
}

impl JsonLayout {
    fn new([ensure_ascii, indent]: [Option<Value>; 2], options: &Kwargs) -> Result<Self, Error> {
        let indent = indent.or(options.get("indent")?).filter(|value| !value.is_none());
        let indent = indent.map(indentation).transpose()?;
        let separators = options
            .get::<Option<Value>>("separators")?
            .filter(|value| !value.is_none());
        let (between, colon) = match separators {
            Some(pair) => {
                let part = |at: usize| -> Result<String, Error> { Ok(pair.get_item(&Value::from(at))?.to_string()) };
                (part(0)?, part(1)?)
            }
            // Where each item has its line, nothing stands behind a comma.
            None => (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned()),
        };
        let escape = match ensure_ascii.or(options.get("ensure_ascii")?) {
            Some(value) if value.is_true() => Escape::NonAscii,
            _ => Escape::Control,
        };
        let sorted = options.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
        options.assert_all_used()?;
        Ok(Self {
            indent,
            between,
            colon,
            escape,
            sorted,
        })
    }

    fn value(&self, out: &mut String, value: &Value, depth: usize, most: usize) -> Result<(), Error> {
        if out.len() > most {
            return Err(failure("tojson writes too much".to_owned()));
        }
        match value.kind() {
            ValueKind::String => {
                let text = serde_json::Value::from(value.as_str().unwrap_or_default());
                out.push_str(&super::python_json::dumps(&text, None, self.escape));
            }
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.items(out, ['[', ']'], items.len(), depth, |out, at| {
                    self.value(out, &items[at], depth + 1, most)
                })?;
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sorted {
                    keys.sort();
                }
                self.items(out, ['{', '}'], keys.len(), depth, |out, at| {
                    let key = match keys[at].as_str() {
                        Some(text) => text.to_owned(),
                        None => scalar(&keys[at])?,
                    };
                    let key = serde_json::Value::from(key);
                    out.push_str(&super::python_json::dumps(&key, None, self.escape));
                    out.push_str(&self.colon);
                    self.value(out, &value.get_item(&keys[at])?, depth + 1, most)
                })?;
            }
            _ => out.push_str(&scalar(value)?),
        }
        Ok(())
    }

    fn items(
        &self,
        out: &mut String,
        [open, close]: [char; 2],
        count: usize,
        depth: usize,
        mut write: impl FnMut(&mut String, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        out.push(open);
        for at in 0..count {
            if at > 0 {
                out.push_str(&self.between);
            }
            self.line(out, depth + 1);
            write(out, at)?;
        }
        if count > 0 {
            self.line(out, depth);
        }
        out.push(close);
        Ok(())
    }

    /// Begins a line, where lines are asked for.
    fn line(&self, out: &mut String, depth: usize) {
        if let Some(indent) = &self.indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(indent.as_str(), depth));
        }
    }
}

/// What a line is indented by: so many spaces, or a text.
fn indentation(value: Value) -> Result<String, Error> {
    const WIDEST: usize = 64;
    let wide = || failure(format!("tojson with an indentation of more than {WIDEST} characters"));
    let by = match value.as_str() {
        Some(text) => text.to_owned(),
        None if value.kind() == ValueKind::Bool => " ".repeat(usize::from(value.is_true())),
        None if value.is_integer() => " ".repeat(match i64::try_from(value) {
            Ok(spaces) => usize::try_from(spaces).unwrap_or(0).min(WIDEST + 1),
            Err(_) => WIDEST + 1,
        }),
        None => {
            return Err(failure(
                "tojson's indentation is neither a whole number nor a text".to_owned(),
            ));
        }
    };
    match by.len() > WIDEST {
        true => Err(wide()),
        false => Ok(by),
    }
}

/// A value that is neither text nor made of others.
fn scalar(value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::None => Ok("null".to_owned()),
        ValueKind::Bool => Ok(value.is_true().to_string()),
        ValueKind::Number => Ok(match chat_repr::number(value).as_str() {
            "inf" => "Infinity".to_owned(),
            "-inf" => "-Infinity".to_owned(),
            "nan" => "NaN".to_owned(),
            number => number.to_owned(),
        }),
        kind => Err(failure(format!("tojson cannot write {kind}"))),
    }
}

fn failure(detail: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}
