//! Tests, filters and methods as Python's Jinja has them, where the engine's own are others.

use minijinja::value::{Kwargs, ObjectRepr, Rest, ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::chat_json::{Size, held, measured, tojson};
use super::dialect::{HELD, MEASURED};

/// Gives an environment what templates written for Python's Jinja expect; values may be at most so large.
pub(super) fn add(environment: &mut Environment<'_>, most: Size) {
    environment.add_test("iterable", |value: &Value| !value.is_none() && value.try_iter().is_ok());
    environment.add_test("sequence", is_sequence);
    environment.add_test("callable", |value: &Value| {
        value
            .as_object()
            .is_some_and(|object| matches!(object.repr(), ObjectRepr::Plain))
    });
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("int", int);
    environment.add_filter("float", float);
    environment.add_filter("sum", sum);
    let string = move |state: &State<'_, '_>, value: Value| Ok::<_, Error>(measured(state, value, most)?.to_string());
    environment.add_filter("string", string);
    environment.add_filter("pprint", string);
    environment.add_filter("tojson", move |state: &State<'_, '_>, value: Value, options: Kwargs| {
        tojson(state, value, options, most)
    });
    environment.add_filter(MEASURED, move |state: &State<'_, '_>, value: Value| {
        measured(state, value, most)
    });
    environment.add_filter(HELD, move |state: &State<'_, '_>, value: Value| {
        held(state, value, most)
    });
    environment.add_function("dict", dict);
    environment.set_unknown_method_callback(move |state, value, method, args| {
        for value in std::iter::once(value).chain(args) {
            measured(state, value.clone(), most)?;
        }
        match value.kind() {
            ValueKind::String => string_method(value.as_str().unwrap_or_default(), method, args),
            ValueKind::Seq => list_method(value, method, args),
            ValueKind::Map if method == "copy" => Ok(Some(value.clone())),
            _ => Ok(None),
        }?
        .map_or_else(
            || minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args),
            Ok,
        )
    });
}

/// Texts and objects are sequences to Jinja; what is computed as it is read is none, unless it is a range.
fn is_sequence(value: &Value) -> bool {
    match value.kind() {
        ValueKind::Seq | ValueKind::Map | ValueKind::String | ValueKind::Undefined => true,
        ValueKind::Iterable => value.len().is_some(),
        _ => false,
    }
}

/// `default(value, default_value='', boolean=false)`.
fn default(value: Value, other: Option<Value>, boolean: Option<bool>, options: Kwargs) -> Result<Value, Error> {
    let named: Option<Value> = options.get("default_value")?;
    let boolean = boolean.or(options.get("boolean")?).unwrap_or(false);
    options.assert_all_used()?;
    Ok(match value.is_undefined() || (boolean && !value.is_true()) {
        true => other.or(named).unwrap_or_else(|| Value::from("")),
        false => value,
    })
}

/// `int(value, default=0)`.
fn int(value: Value, other: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let named: Option<Value> = options.get("default")?;
    options.assert_all_used()?;
    let read = match value.as_str() {
        Some(text) => {
            let text = text.trim();
            let whole = text.parse::<i64>().ok();
            whole.or_else(|| {
                text.parse::<f64>()
                    .ok()
                    .filter(|number| number.is_finite())
                    .map(|number| number as i64)
            })
        }
        None if value.kind() == ValueKind::Bool => Some(i64::from(value.is_true())),
        None => i64::try_from(value.clone())
            .ok()
            .or_else(|| f64::try_from(value).ok().map(|number| number as i64)),
    };
    Ok(read.map_or_else(|| other.or(named).unwrap_or_else(|| Value::from(0)), Value::from))
}

/// `float(value, default=0.0)`.
fn float(value: Value, other: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let named: Option<Value> = options.get("default")?;
    options.assert_all_used()?;
    let read = match value.as_str() {
        Some(text) => text.trim().parse::<f64>().ok(),
        None => f64::try_from(value).ok(),
    };
    Ok(read.map_or_else(|| other.or(named).unwrap_or_else(|| Value::from(0.0)), Value::from))
}

/// The sum of numbers. (The engine's own also puts lists together, over and over.)
fn sum(state: &State<'_, '_>, values: Value) -> Result<Value, Error> {
    let (mut whole, mut real, mut is_whole) = (0i64, 0.0, true);
    for value in values.try_iter()? {
        state.consume_fuel(1)?;
        let number = f64::try_from(value.clone()).map_err(|_| failure("sum of what are no numbers"))?;
        real += number;
        match i64::try_from(value).ok().and_then(|value| whole.checked_add(value)) {
            Some(sum) if is_whole => whole = sum,
            _ => is_whole = false,
        }
    }
    Ok(if is_whole {
        Value::from(whole)
    } else {
        Value::from(real)
    })
}

/// `dict(pairs, name=value, ...)`.
fn dict(args: Rest<Value>, named: Kwargs) -> Result<Value, Error> {
    let mut entries: Vec<(Value, Value)> = Vec::new();
    for value in &args.0 {
        match value.kind() {
            ValueKind::Map => {
                for key in value.try_iter()? {
                    let inner = value.get_item(&key)?;
                    entries.push((key, inner));
                }
            }
            _ => {
                for pair in value.try_iter()? {
                    let part = |at: usize| pair.get_item(&Value::from(at));
                    entries.push((part(0)?, part(1)?));
                }
            }
        }
    }
    for name in named.args() {
        entries.push((Value::from(name), named.get(name)?));
    }
    Ok(Value::from_pairs(entries))
}

/// Methods of `str` that the engine's compatibility layer lacks, or does not bound.
fn string_method(text: &str, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let found = |at: Option<usize>| at.map(|at| text[..at].chars().count());
    let value = match method {
        "index" | "rindex" => {
            let (part,): (&str,) = from_args(args)?;
            let at = if method == "index" {
                text.find(part)
            } else {
                text.rfind(part)
            };
            Value::from(found(at).ok_or_else(|| failure("substring not found"))?)
        }
        "rfind" => {
            let (part,): (&str,) = from_args(args)?;
            found(text.rfind(part)).map_or(Value::from(-1), Value::from)
        }
        "rsplit" => {
            let (separator, most): (Option<&str>, Option<i64>) = from_args(args)?;
            let most = most
                .and_then(|most| usize::try_from(most).ok())
                .map_or(usize::MAX, |most| most.saturating_add(1));
            let mut parts: Vec<&str> = match separator {
                Some("") => return Err(failure("empty separator")),
                Some(separator) => text.rsplitn(most, separator).collect(),
                None if most == usize::MAX => text.split_whitespace().rev().collect(),
                None => return Err(failure("rsplit by white space with a limit")),
            };
            parts.reverse();
            parts.into_iter().map(Value::from).collect()
        }
        "partition" | "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            let parts = match method {
                "partition" => text.split_once(separator).map(|(a, b)| [a, separator, b]),
                _ => text.rsplit_once(separator).map(|(a, b)| [a, separator, b]),
            };
            let none = if method == "partition" {
                [text, "", ""]
            } else {
                ["", "", text]
            };
            parts.unwrap_or(none).into_iter().map(Value::from).collect()
        }
        "removeprefix" => {
            let (part,): (&str,) = from_args(args)?;
            Value::from(text.strip_prefix(part).unwrap_or(text))
        }
        "removesuffix" => {
            let (part,): (&str,) = from_args(args)?;
            Value::from(text.strip_suffix(part).unwrap_or(text))
        }
        "ljust" | "rjust" | "center" | "zfill" => {
            let (width, fill): (usize, Option<&str>) = from_args(args)?;
            Value::from(padded(text, method, width, fill)?)
        }
        // A width of many digits is a text of as many bytes.
        "format" if text.as_bytes().windows(5).any(|run| run.iter().all(u8::is_ascii_digit)) || text.contains(":{") => {
            return Err(failure(
                "format with a width of five digits, or one that is an argument",
            ));
        }
        _ => return Ok(None),
    };
    Ok(Some(value))
}

fn padded(text: &str, method: &str, width: usize, fill: Option<&str>) -> Result<String, Error> {
    if width > 10_000 {
        return Err(failure("a text of more than 10000 characters is asked for"));
    }
    let missing = width.saturating_sub(text.chars().count());
    let fill = if method == "zfill" { "0" } else { fill.unwrap_or(" ") };
    let by = |count: usize| fill.repeat(count);
    // As CPython has it: of an odd rest the left side gets more where the width is odd.
    let left = missing / 2 + (missing & width & 1);
    Ok(match method {
        "ljust" => format!("{text}{}", by(missing)),
        "rjust" => format!("{}{text}", by(missing)),
        "center" => format!("{}{text}{}", by(left), by(missing - left)),
        _ => match text.strip_prefix(['+', '-']) {
            Some(digits) => format!("{}{}{digits}", &text[..1], by(missing)),
            None => format!("{}{text}", by(missing)),
        },
    })
}

/// Methods of `list` that change nothing.
fn list_method(list: &Value, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(match method {
        "index" => {
            let (wanted,): (Value,) = from_args(args)?;
            let at = list.try_iter()?.position(|item| item == wanted);
            Some(Value::from(at.ok_or_else(|| failure("the value is not in the list"))?))
        }
        "copy" => Some(list.clone()),
        _ => None,
    })
}

fn failure(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}
