//! Every file of a run is as `docs/schemas` says.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run::{finish, run};

/// What is wrong with a value by a schema of the kind that `docs/schemas` has. Stricter than JSON Schema in one thing: a
/// field must be in the schema, so that none is added without being described.
fn faults(place: &str, schema: &Value, value: &Value, found: &mut Vec<String>) {
    let mut fault = |what: String| found.push(format!("{place}: {what}"));
    if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
        let fits = |one: &Value| {
            let mut faults_of_one = Vec::new();
            faults(place, one, value, &mut faults_of_one);
            faults_of_one.is_empty()
        };
        if !any.iter().any(fits) {
            fault(format!("{value} fits nothing of anyOf"));
        }
        return;
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let expected = schema.get("type").and_then(Value::as_str);
    if expected.is_some_and(|expected| expected != kind && !(expected == "number" && kind == "integer")) {
        return fault(format!("{kind} where {expected:?} belongs"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        fault(format!("{value} is another constant"));
    }
    if let Some(all) = schema.get("enum").and_then(Value::as_array)
        && !all.contains(value)
    {
        fault(format!("{value} is none of {all:?}"));
    }
    let broken = bounds(schema, value);
    found.extend(broken.iter().map(|what| format!("{place}: {value} breaks {what}")));
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                faults(&format!("{place}[{at}]"), &schema["items"], item, found);
            }
        }
        Value::Object(fields) => {
            let required = schema.get("required").and_then(Value::as_array);
            let absent = required.into_iter().flatten().filter_map(Value::as_str);
            for name in absent.filter(|name| !fields.contains_key(*name)) {
                found.push(format!("{place}: `{name}` is absent"));
            }
            for (name, field) in fields {
                let known = schema.pointer(&format!("/properties/{name}"));
                match known.or(schema.get("additionalProperties")) {
                    Some(schema) => faults(&format!("{place}.{name}"), schema, field, found),
                    None => found.push(format!("{place}: `{name}` is not in the schema")),
                }
            }
        }
        _ => {}
    }
}

/// The bounds of a schema that a value breaks.
fn bounds(schema: &Value, value: &Value) -> Vec<String> {
    let size = match value {
        Value::String(text) => text.chars().count() as f64,
        Value::Array(items) => items.len() as f64,
        other => other.as_f64().unwrap_or_default(),
    };
    type Holds = fn(&f64, &f64) -> bool;
    let holds: [(&str, Holds); 5] = [
        ("minimum", f64::ge),
        ("maximum", f64::le),
        ("minLength", f64::ge),
        ("maxLength", f64::le),
        ("minItems", f64::ge),
    ];
    let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
    let broken = holds.iter().filter_map(|(key, holds)| Some((key, bound(key)?, holds)));
    let broken = broken.filter(|(_, bound, holds)| !holds(&size, bound));
    broken.map(|(key, bound, _)| format!("{key} {bound}")).collect()
}

/// The keywords that [`faults`] knows; any other would be passed over.
const KEYWORDS: [&str; 17] = [
    "$schema",
    "title",
    "description",
    "type",
    "const",
    "enum",
    "anyOf",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "items",
    "required",
    "properties",
    "additionalProperties",
    "default",
];

/// Every field has a description, and every keyword is one that counts.
fn is_readable(place: &str, schema: &Value) {
    let fields = schema.as_object().unwrap_or_else(|| panic!("{place} is no schema"));
    for name in fields.keys() {
        assert!(KEYWORDS.contains(&name.as_str()), "{place}: unknown keyword {name}");
    }
    for (name, field) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        assert!(field.get("description").is_some(), "{place}.{name} has no description");
        is_readable(&format!("{place}.{name}"), field);
    }
    if let Some(items) = schema.get("items") {
        is_readable(&format!("{place}[]"), items);
    }
}

fn schemas() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas");
    let mut all: Vec<(String, Value)> = std::fs::read_dir(folder)
        .expect("docs/schemas")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let name = name.strip_suffix(".schema.json").expect("a schema").to_owned();
            let schema = serde_json::from_str(&std::fs::read_to_string(path).expect("reads")).expect("JSON");
            (name, schema)
        })
        // That of the report is held against reports, in report/schema.rs.
        .filter(|(name, _)| name != "summary")
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

/// The documents of a file of a run, each with its line.
fn documents(run: &Path, name: &str) -> Vec<(usize, Value)> {
    let read = |path: PathBuf| std::fs::read_to_string(path).ok();
    match read(run.join(format!("{name}.json"))) {
        Some(text) => vec![(1, serde_json::from_str(&text).expect("JSON"))],
        None => {
            let text = read(run.join(format!("{name}.jsonl"))).unwrap_or_else(|| panic!("{name} is not there"));
            let lines = text.split_terminator('\n').enumerate();
            lines
                .map(|(at, line)| (at + 1, serde_json::from_str(line).expect("JSON")))
                .collect()
        }
    }
}

#[test]
fn every_line_of_a_run_fits_its_schema() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let methods = "likelihood,label,generation,generation-paper";
    let grid = [
        "--demonstrations",
        "0,3",
        "--forms",
        "polar,refined",
        "--demographics",
        "both",
    ];
    let more = [
        "--methods",
        methods,
        "--limit",
        "2",
        "--splits",
        "1",
        "--control",
        "random,none",
    ];
    finish(run("fake:7", &out, &[&grid[..], &more[..]].concat()));
    let schemas = schemas();
    let names: Vec<&str> = schemas.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "evidence-generation",
            "evidence-label",
            "evidence-likelihood",
            "people",
            "records",
            "run",
            "sessions"
        ]
    );
    for (name, schema) in &schemas {
        is_readable(name, schema);
        let documents = documents(&out, name);
        assert!(!documents.is_empty(), "{name} is empty");
        for (line, document) in documents {
            let mut found = Vec::new();
            faults(&format!("{name}:{line}"), schema, &document, &mut found);
            assert!(found.is_empty(), "{}", found.join("\n"));
        }
    }
}

#[test]
fn a_field_that_is_wrong_unknown_or_absent_is_found() {
    let schemas = schemas();
    let schema = |wanted: &str| &schemas.iter().find(|(name, _)| name == wanted).expect("a schema").1;
    let note = serde_json::json!({
        "session": 1, "event": "started", "time": "2026-01-01T00:00:00Z", "program": "0.2.0", "machine": "one",
        "device": "cpu", "batch_tokens": 10, "batch_seconds": 0.0, "recorded": 0, "seconds": 0.5, "tokens": 0, "tokens_unshared": 0
    });
    let said = |change: fn(&mut Value)| {
        let mut note = note.clone();
        change(&mut note);
        let mut found = Vec::new();
        faults("note", schema("sessions"), &note, &mut found);
        found.join("\n")
    };
    assert_eq!(said(|_| {}), "");
    assert!(said(|note| note["event"] = "paused".into()).contains("\"paused\" is none of"));
    assert!(said(|note| note["tokens"] = (-1).into()).contains("breaks minimum"));
    assert!(said(|note| note["tokens"] = Value::Null).contains("null where"));
    assert!(said(|note| note["new"] = 1.into()).contains("`new` is not in the schema"));
    assert!(said(|note| note["time"] = 3.into()).contains("integer where"));
}
