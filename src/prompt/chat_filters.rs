//! Filters as Python's Jinja has them, where the engine has others or none.

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::chat_json::{ValueSize, measured, tojson, written};
use super::chat_repr;
use super::chat_strings::{centred, is_space, lines};

/// Filters that only the engine has: where a template names one, Jinja refuses it.
const FOREIGN: [&str; 6] = ["bool", "chain", "lines", "pprint", "split", "zip"];

/// Gives an environment Jinja's filters; values may be at most so large.
pub(super) fn add(environment: &mut Environment<'_>, most: ValueSize) {
    for name in FOREIGN {
        environment.remove_filter(name);
    }
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("int", int);
    environment.add_filter("float", float);
    environment.add_filter("sum", sum);
    environment.add_filter("list", move |state: &State<'_, '_>, value: Value| {
        list(state, value, most)
    });
    environment.add_filter("attr", attribute);
    environment.add_filter("trim", trim);
    environment.add_filter("wordcount", wordcount);
    environment.add_filter("truncate", truncate);
    environment.add_filter("center", |text: Value, width: Option<usize>| {
        centred(&chat_repr::text(&text), width.unwrap_or(80))
    });
    environment.add_filter("string", move |state: &State<'_, '_>, value: Value| {
        written(state, &value, most)
    });
    environment.add_filter(
        "join",
        move |state: &State<'_, '_>, values: Value, between: Option<Value>, options: Kwargs| {
            join(state, &measured(state, values, most)?, between, &options)
        },
    );
    environment.add_filter(
        "indent",
        move |state: &State<'_, '_>, text: Value, placed: Rest<Value>, options: Kwargs| {
            let text = chat_repr::text(&measured(state, text, most)?);
            Indent::new(&placed, &options)?.apply(&text, most.bytes)
        },
    );
    environment.add_filter(
        "tojson",
        move |state: &State<'_, '_>,
              value: Value,
              ensure_ascii: Option<Value>,
              indent: Option<Value>,
              options: Kwargs| { tojson(state, value, [ensure_ascii, indent], &options, most) },
    );
}

/// An argument by its place or its name.
fn given(placed: &[Value], at: usize, options: &Kwargs, name: &str) -> Result<Option<Value>, Error> {
    match placed.get(at) {
        Some(value) => Ok(Some(value.clone())),
        None => options.get(name),
    }
}

/// What Python calls "not iterable".
pub(super) fn iterable(value: Value) -> Result<Value, Error> {
    match value.is_none() {
        true => Err(failure("none is not iterable")),
        false => Ok(value),
    }
}

fn list(state: &State<'_, '_>, value: Value, most: ValueSize) -> Result<Value, Error> {
    let value = iterable(measured(state, value, most)?)?;
    Ok(Value::from(value.try_iter()?.collect::<Vec<_>>()))
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

/// `int(value, default=0, base=10)`.
fn int(value: Value, other: Option<Value>, base: Option<u32>, options: Kwargs) -> Result<Value, Error> {
    let named: Option<Value> = options.get("default")?;
    let base = base.or(options.get("base")?).unwrap_or(10);
    options.assert_all_used()?;
    defined(&value)?;
    let read = match value.as_str() {
        Some(text) => whole(text.trim_matches(is_space), base).or_else(|| real(text).map(|number| number as i64)),
        None if value.kind() == ValueKind::Bool => Some(i64::from(value.is_true())),
        None => i64::try_from(value.clone()).ok().or_else(|| {
            f64::try_from(value)
                .ok()
                .filter(|number| number.is_finite())
                .map(|number| number as i64)
        }),
    };
    Ok(read.map_or_else(|| other.or(named).unwrap_or_else(|| Value::from(0)), Value::from))
}

/// Python's `int(text, base)`, bases 2 to 36: a sign, a prefix of the base, single underscores between digits.
fn whole(text: &str, base: u32) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let prefixes = match base {
        16 => ["0x", "0X"],
        8 => ["0o", "0O"],
        2 => ["0b", "0B"],
        3..=36 => ["", ""],
        _ => return None,
    };
    let bare = prefixes
        .iter()
        .find_map(|prefix| digits.strip_prefix(prefix))
        .unwrap_or(digits);
    let bare = ungrouped(bare).filter(|bare| !bare.starts_with(['+', '-']))?;
    i64::from_str_radix(&format!("{sign}{bare}"), base).ok()
}

/// Digits without the single underscores between them.
fn ungrouped(digits: &str) -> Option<String> {
    let is_odd = digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
    (!is_odd).then(|| digits.replace('_', ""))
}

/// A finite number that a text says.
fn real(text: &str) -> Option<f64> {
    let number: f64 = ungrouped(text.trim_matches(is_space))?.parse().ok()?;
    number.is_finite().then_some(number)
}

/// `float(value, default=0.0)`.
fn float(value: Value, other: Option<Value>, options: Kwargs) -> Result<Value, Error> {
    let named: Option<Value> = options.get("default")?;
    options.assert_all_used()?;
    defined(&value)?;
    let read = match value.as_str() {
        Some(text) => ungrouped(text.trim_matches(is_space)).and_then(|text| text.parse::<f64>().ok()),
        None if value.kind() == ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        None => f64::try_from(value).ok(),
    };
    Ok(read.map_or_else(|| other.or(named).unwrap_or_else(|| Value::from(0.0)), Value::from))
}

fn defined(value: &Value) -> Result<(), Error> {
    match value.is_undefined() {
        true => Err(failure("a number is read from what is not defined")),
        false => Ok(()),
    }
}

/// `sum(values, attribute=None, start=0)`: of numbers, or of lists where `start` is one.
fn sum(
    state: &State<'_, '_>,
    values: Value,
    attribute: Option<Value>,
    start: Option<Value>,
    options: Kwargs,
) -> Result<Value, Error> {
    let attribute = attribute.or(options.get("attribute")?).filter(|name| !name.is_none());
    let start = start.or(options.get("start")?).unwrap_or_else(|| Value::from(0));
    options.assert_all_used()?;
    let values = iterable(values)?
        .try_iter()?
        .map(|value| part(&value, attribute.as_ref()));
    if start.kind() == ValueKind::Seq {
        let mut all: Vec<Value> = start.try_iter()?.collect();
        for value in values {
            let value = value?;
            if value.kind() != ValueKind::Seq {
                return Err(failure("sum of lists and of what is none"));
            }
            for item in value.try_iter()? {
                state.consume_fuel(1)?;
                all.push(item);
            }
        }
        return Ok(Value::from(all));
    }
    let number = |value: &Value| f64::try_from(value.clone()).map_err(|_| failure("sum of what are not numbers"));
    let start = counted(start);
    let (mut real, mut whole) = (number(&start)?, i64::try_from(start).ok());
    for value in values {
        state.consume_fuel(1)?;
        let value = counted(value?);
        real += number(&value)?;
        whole = whole.and_then(|sum| sum.checked_add(i64::try_from(value).ok()?));
    }
    Ok(whole.map_or_else(|| Value::from(real), Value::from))
}

/// In sums true is 1 and false is 0.
fn counted(value: Value) -> Value {
    match value.kind() {
        ValueKind::Bool => Value::from(i64::from(value.is_true())),
        _ => value,
    }
}

/// A value, or its part of that name (steps are separated by dots) or number.
fn part(value: &Value, name: Option<&Value>) -> Result<Value, Error> {
    let Some(name) = name else {
        return Ok(value.clone());
    };
    match name.as_str() {
        Some(path) => path
            .split('.')
            .try_fold(value.clone(), |value, step| match step.parse::<usize>() {
                Ok(at) => value.get_item(&Value::from(at)),
                Err(_) => value.get_attr(step),
            }),
        None => value.get_item(name),
    }
}

/// `attr(value, name)`: never an entry of an object, which is what Python calls an item.
fn attribute(value: Value, name: &str) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Map if !is_namespace(&value) => Ok(Value::UNDEFINED),
        _ => value.get_attr(name),
    }
}

/// Whether a value is a namespace, which Jinja takes neither for an object of entries nor for a sequence.
pub(super) fn is_namespace(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|object| object.type_name().ends_with("::Namespace"))
}

/// `trim(value, chars=None)`.
fn trim(value: Value, letters: Option<Value>, options: Kwargs) -> Result<String, Error> {
    let letters = letters.or(options.get("chars")?).filter(|letters| !letters.is_none());
    options.assert_all_used()?;
    let text = chat_repr::text(&value);
    Ok(match letters {
        Some(letters) => {
            let letters = letters
                .as_str()
                .ok_or_else(|| failure("what is trimmed must be a text"))?;
            text.trim_matches(|c| letters.contains(c)).to_owned()
        }
        None => text.trim_matches(is_space).to_owned(),
    })
}

/// `join(values, d='', attribute=None)`.
fn join(state: &State<'_, '_>, values: &Value, between: Option<Value>, options: &Kwargs) -> Result<String, Error> {
    let between = between.or(options.get("d")?).unwrap_or_else(|| Value::from(""));
    let name: Option<Value> = options.get("attribute")?;
    options.assert_all_used()?;
    let (between, mut out) = (chat_repr::text(&between), String::new());
    for (at, value) in iterable(values.clone())?.try_iter()?.enumerate() {
        if at > 0 {
            out.push_str(&between);
        }
        let text = chat_repr::text(&part(&value, name.as_ref())?);
        state.consume_fuel(1 + (text.len() + between.len()) as u64 / 64)?;
        out.push_str(&text);
    }
    Ok(out)
}

/// Runs of letters, digits and underscores.
fn wordcount(value: Value) -> usize {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let text = chat_repr::text(&value);
    text.split(|c| !is_part(c)).filter(|word| !word.is_empty()).count()
}

/// `truncate(text, length=255, killwords=False, end='...', leeway=5)`.
fn truncate(text: &str, placed: Rest<Value>, options: Kwargs) -> Result<String, Error> {
    let length = given(&placed, 0, &options, "length")?.map_or(Ok(255), usize::try_from)?;
    let killwords = given(&placed, 1, &options, "killwords")?.is_some_and(|value| value.is_true());
    let end = given(&placed, 2, &options, "end")?.map_or_else(|| "...".to_owned(), |end| chat_repr::text(&end));
    let leeway = given(&placed, 3, &options, "leeway")?.map_or(Ok(5), usize::try_from)?;
    options.assert_all_used()?;
    if text.chars().count() <= length.saturating_add(leeway) {
        return Ok(text.to_owned());
    }
    let left = length
        .checked_sub(end.chars().count())
        .ok_or_else(|| failure("the end is longer than what is left of the text"))?;
    let cut: String = text.chars().take(left).collect();
    let cut = match killwords {
        true => &cut[..],
        false => cut.rsplit_once(' ').map_or(&cut[..], |(before, _)| before),
    };
    Ok(format!("{cut}{end}"))
}

/// `indent(text, width=4, first=False, blank=False)`.
struct Indent {
    by: String,
    first: bool,
    blank: bool,
}

impl Indent {
    fn new(placed: &[Value], options: &Kwargs) -> Result<Self, Error> {
        const WIDEST: usize = 1_000;
        let width = given(placed, 0, options, "width")?.unwrap_or_else(|| Value::from(4));
        let first = given(placed, 1, options, "first")?.is_some_and(|value| value.is_true());
        let blank = given(placed, 2, options, "blank")?.is_some_and(|value| value.is_true());
        options.assert_all_used()?;
        let by = match width.as_str() {
            Some(text) => text.to_owned(),
            None => " ".repeat(usize::try_from(width)?.min(WIDEST + 1)),
        };
        match by.len() > WIDEST {
            true => Err(failure("an indentation of more than 1000 characters")),
            false => Ok(Self { by, first, blank }),
        }
    }

    fn apply(&self, text: &str, most: usize) -> Result<String, Error> {
        // As Jinja does, so that a line break at the end makes a last, empty line.
        let text = format!("{text}\n");
        let mut out = String::new();
        for (at, line) in lines(&text, false).into_iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            let indented = if at == 0 {
                self.first
            } else {
                self.blank || !line.is_empty()
            };
            if indented {
                out.push_str(&self.by);
            }
            out.push_str(line);
            if out.len() > most {
                return Err(failure("indent writes too much"));
            }
        }
        Ok(out)
    }
}

fn failure(detail: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}
