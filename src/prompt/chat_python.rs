//! Tests, functions and methods as Python's Jinja has them, where the engine's own are others.

use minijinja::value::{Kwargs, ObjectRepr, Rest, ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, State, Value, escape_formatter};

use super::chat_filters::{self, is_namespace, iterable};
use super::chat_json::{ValueSize, held, measured, written};
use super::chat_order::compared;
use super::chat_strings;
use super::chat_views::{DictView, view};
use super::dialect::{ABSENT, HELD, ITERATED, MEASURED};
use super::dialect_operators::{COMPARED, TEXT};

/// Tests that only the engine has: where a template names one, Jinja refuses it.
const FOREIGN: [&str; 5] = ["containing", "endingwith", "int", "safe", "startingwith"];

/// Stands for an argument that was not given; no template contains it.
const NOT_GIVEN: &str = "\u{e003}not given\u{e003}";

/// Gives an environment what templates written for Python's Jinja expect; values may be at most so large.
pub(super) fn add(environment: &mut Environment<'_>, most: ValueSize) {
    chat_filters::add(environment, most);
    for name in FOREIGN {
        environment.remove_test(name);
    }
    environment.remove_global("debug");
    environment.add_test("iterable", |value: &Value| {
        !value.is_none() && !is_namespace(value) && value.try_iter().is_ok()
    });
    environment.add_test("mapping", |value: &Value| {
        value.kind() == ValueKind::Map && !is_namespace(value)
    });
    environment.add_test("sequence", is_sequence);
    // What is not defined has a method that is called with it, and fails.
    environment.add_test("callable", |value: &Value| {
        let is_plain = |object: &minijinja::value::DynObject| matches!(object.repr(), ObjectRepr::Plain);
        value.is_undefined() || value.as_object().is_some_and(is_plain)
    });
    environment.add_filter(MEASURED, move |state: &State<'_, '_>, value: Value| {
        measured(state, value, most)
    });
    environment.add_filter(ITERATED, move |state: &State<'_, '_>, value: Value| {
        iterable(measured(state, value, most)?)
    });
    // The namespace itself is only named so that a macro knows that it needs it.
    environment.add_filter(HELD, move |state: &State<'_, '_>, value: Value, _namespace: Value| {
        held(state, value, most)
    });
    environment.add_filter(TEXT, move |state: &State<'_, '_>, value: Value| {
        written(state, &value, most)
    });
    environment.add_filter(
        COMPARED,
        move |state: &State<'_, '_>, left: Value, chain: Rest<Value>| compared(state, left, &chain, most),
    );
    environment.add_global(ABSENT, NOT_GIVEN);
    environment.add_function("dict", dict);
    environment.set_formatter(move |out, state, value| match value.kind() {
        // Python writes these in its own way.
        ValueKind::Number | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            out.write_str(&written(state, value, most)?).map_err(Error::from)
        }
        _ => escape_formatter(out, state, value),
    });
    environment.set_unknown_method_callback(move |state, value, method, args| {
        for value in std::iter::once(value).chain(args) {
            measured(state, value.clone(), most)?;
        }
        called(state, value, method, args)
    });
}

/// A method that the templates' own values lack, as Python's type has it.
fn called(state: &mut State<'_, '_>, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::String => chat_strings::method(value.as_str().unwrap_or_default(), method, args),
        ValueKind::Seq => list_method(value, method, args),
        ValueKind::Map if method == "copy" => Ok(Some(value.clone())),
        ValueKind::Map if args.is_empty() && !is_namespace(value) => {
            DictView::of(value, method).map(|view| view.map(Value::from_object))
        }
        _ => Ok(None),
    }?
    .map_or_else(
        || minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args),
        Ok,
    )
}

/// Texts and objects are sequences to Jinja; what is computed as it is read is none, unless it is a range.
fn is_sequence(value: &Value) -> bool {
    match value.kind() {
        ValueKind::Seq | ValueKind::Map | ValueKind::String | ValueKind::Undefined => !is_namespace(value),
        ValueKind::Iterable => value.len().is_some() && view(value).is_none(),
        _ => false,
    }
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
