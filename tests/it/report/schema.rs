//! docs/schemas/summary.schema.json is what summary.json is: every key stands in it, and nothing else does.

use indieval::report::Report;
use indieval::scoring::Method;
use serde_json::Value;

use super::{options, plan};
use crate::invented::{self, Plan};

/// What of a value is not as `schema` has it. The keywords are those that the file uses; a key that it lacks is a fault,
/// though for a reader of the schema it would not be.
fn faults(root: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    if let Some(target) = schema["$ref"].as_str() {
        let target = target.trim_start_matches('#');
        return faults(root, root.pointer(target).expect("a definition"), value, place);
    }
    for alternatives in ["anyOf", "oneOf"] {
        let Some(list) = schema[alternatives].as_array() else {
            continue;
        };
        let all: Vec<Vec<String>> = list.iter().map(|one| faults(root, one, value, place)).collect();
        return all.into_iter().min_by_key(Vec::len).unwrap_or_default();
    }
    let one = |what: String| vec![format!("{place}: {what}")];
    if let Some(constant) = schema.get("const") {
        return if value == constant {
            Vec::new()
        } else {
            one(format!("{value} is not {constant}"))
        };
    }
    if let Some(list) = schema["enum"].as_array() {
        return if list.contains(value) {
            Vec::new()
        } else {
            one(format!("{value} is none of {list:?}"))
        };
    }
    let right = match schema["type"].as_str().expect("a type") {
        "object" => return object(root, schema, value, place),
        "array" => return array(root, schema, value, place),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the schema uses {other}"),
    };
    if right {
        Vec::new()
    } else {
        one(format!("{value} is no {}", schema["type"]))
    }
}

fn object(root: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let Some(fields) = value.as_object() else {
        return vec![format!("{place}: no object")];
    };
    let required = schema["required"].as_array().into_iter().flatten();
    let missing = required.filter(|key| !fields.contains_key(key.as_str().expect("a key")));
    let mut found: Vec<String> = missing.map(|key| format!("{place}: {key} is missing")).collect();
    for (key, field) in fields {
        let place = format!("{place}/{key}");
        match schema["properties"].get(key).or(schema.get("additionalProperties")) {
            Some(schema) => found.extend(faults(root, schema, field, &place)),
            None => found.push(format!("{place}: not in the schema")),
        }
    }
    found
}

fn array(root: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let Some(items) = value.as_array() else {
        return vec![format!("{place}: no array")];
    };
    let bound = |name: &str, default: u64| schema[name].as_u64().unwrap_or(default);
    let count = items.len() as u64;
    if count < bound("minItems", 0) || count > bound("maxItems", u64::MAX) {
        return vec![format!("{place}: {count} items")];
    }
    let of = |at: usize| schema["prefixItems"].get(at).unwrap_or(&schema["items"]);
    let items = items.iter().enumerate();
    items
        .flat_map(|(at, item)| faults(root, of(at), item, &format!("{place}/{at}")))
        .collect()
}

#[test]
fn summaries_are_as_their_schema_says() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/summary.schema.json");
    let schema = std::fs::read_to_string(file).expect("the schema is there");
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let every = invented::run(&plan("every", invented::every_section()));
    let mut restricted = invented::every_section();
    restricted.retain(|condition| condition.category.is_some());
    let restricted = invented::run(&plan("restricted", restricted));
    let many = Plan {
        people: 40,
        model: "Invented-2B",
        ..plan("many", vec![invented::condition(Method::Generation, 50)])
    };
    let one = Plan {
        people: 1,
        ..plan("one", vec![invented::condition(Method::Label, 50)])
    };
    let constant = super::constant::run(Method::Label, |_| 0, |_| 0);
    for runs in [
        vec![every.clone()],
        vec![restricted],
        vec![every, invented::run(&many)],
        vec![invented::run(&one)],
        vec![constant],
        vec![super::ordered::run()],
    ] {
        let report = Report::new(&runs, options()).expect("a report");
        let text = serde_json::to_string(&report).expect("JSON");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(faults(&schema, &schema, &value, ""), Vec::<String>::new());
        // What is written down is the whole report.
        assert_eq!(serde_json::from_str::<Report>(&text).expect("a report"), report);
    }
    // The checker sees what is wrong.
    let wrong = serde_json::json!({ "version": 1, "new": true });
    let found = faults(&schema, &schema, &wrong, "");
    for fault in [
        "/version: 1 is no \"string\"",
        "/new: not in the schema",
        ": \"runs\" is missing",
    ] {
        assert!(found.iter().any(|found| found == fault), "{fault}: {found:?}");
    }
}
