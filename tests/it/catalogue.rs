//! `indieval catalogue` against the paper's Tables 1, 3 and 7.

use assert_cmd::Command;
use serde_json::Value;

/// The structure of the survey: codes of statements. Facts, not wording.
const STRUCTURE: &str = include_str!("../data/catalog_structure.jsonl");

fn run(args: &[&str]) -> String {
    let output = Command::cargo_bin("indieval")
        .unwrap()
        .arg("catalogue")
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(args: &[&str]) -> (i32, String) {
    let output = Command::cargo_bin("indieval")
        .unwrap()
        .arg("catalogue")
        .args(args)
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&run(args)).unwrap()
}

#[test]
fn stats_are_tables_1_and_3() {
    let stats = json(&["stats", "--format", "json"]);
    assert_eq!(stats["questions"], 253);
    assert_eq!(stats["statements_refined"], 929);
    assert_eq!(stats["statements_polar"], 567);
    let to_three_digits = |key: &str| format!("{:.2e}", stats[key].as_f64().unwrap());
    assert_eq!(to_three_digits("combinations_refined"), "1.65e139");
    assert_eq!(to_three_digits("combinations_polar"), "3.94e86");
    let categories = stats["categories"].as_array().unwrap();
    let table: Vec<_> = categories
        .iter()
        .map(|row| [&row["questions"], &row["polar"], &row["refined"]].map(|value| value.as_u64().unwrap()))
        .collect();
    assert_eq!(
        table,
        [
            [45, 103, 145],
            [11, 23, 44],
            [44, 88, 163],
            [6, 12, 22],
            [9, 19, 37],
            [10, 29, 33],
            [21, 42, 68],
            [6, 24, 24],
            [6, 12, 24],
            [12, 27, 42],
            [23, 46, 92],
            [35, 92, 135],
            [25, 50, 100]
        ]
    );
    assert_eq!(categories[0]["category"], "Social Values, Attitudes & Stereotypes");
    assert_eq!(categories[12]["category"], "Political Culture & Political Regimes");
}

#[test]
fn list_has_the_codes_of_the_survey_and_a_sentence_for_each() {
    let text = run(&["list", "--format", "json"]);
    assert_eq!(text.lines().count(), 253);
    for (line, structure) in text.lines().zip(STRUCTURE.lines()) {
        let question: Value = serde_json::from_str(line).unwrap();
        let expected: Value = serde_json::from_str(structure).unwrap();
        assert_eq!(question["question"], expected["question_id"]);
        assert_eq!(question["category"], expected["category"]);
        for (form, codes) in [("refined", "refined"), ("polar", "polar_codes")] {
            let statements = question[form].as_array().unwrap();
            let found: Vec<_> = statements.iter().map(|statement| statement["codes"].clone()).collect();
            assert_eq!(Value::from(found), expected[codes], "{structure}");
            assert!(
                statements
                    .iter()
                    .all(|statement| statement["statement"].as_str().is_some_and(|s| s.len() > 10))
            );
        }
    }
}

#[test]
fn probes_are_table_7() {
    // First question of each category's three, by split; the other two follow it.
    let table = [
        [1, 46, 57, 106, 112, 121, 131, 152, 158, 164, 176, 199, 235],
        [4, 49, 60, 109, 115, 124, 134, 155, 161, 167, 179, 202, 238],
        [7, 52, 63, 106, 118, 127, 137, 152, 158, 170, 182, 205, 241],
    ];
    let mut distinct = std::collections::BTreeSet::new();
    for (split, firsts) in ["1", "2", "3"].into_iter().zip(table) {
        let expected: Vec<String> = firsts
            .iter()
            .flat_map(|id| (0..3).map(move |i| format!("Q{}", id + i)))
            .collect();
        assert_eq!(
            json(&["probes", "--split", split, "--format", "json"]),
            Value::from(expected.clone())
        );
        distinct.extend(expected);
    }
    assert_eq!(distinct.len(), 108);
}

#[test]
fn show_prints_one_question_and_refuses_others_with_the_reason() {
    let question = json(&["show", "Q131", "--format", "json"]);
    assert_eq!(question["question"], "Q131");
    assert_eq!(question["polar"].as_array().unwrap().len(), 2);
    assert!(run(&["show", "q131"]).starts_with("Q131  Security\n"));
    let (status, error) = refused(&["show", "Q82"]);
    assert!(status == 1 && error.contains("Q82 is not in this catalogue"), "{error}");
    let (status, error) = refused(&["show", "family"]);
    assert!(
        status == 1 && error.contains("family is not in this catalogue"),
        "{error}"
    );
    let (status, error) = refused(&["show", " "]);
    assert!(status == 2 && error.contains("one looks like Q131"), "{error}");
    let (status, error) = refused(&["probes", "--split", "4"]);
    assert!(status == 2 && error.contains("the splits are 1, 2 and 3"), "{error}");
}

#[test]
fn the_authors_metadata_can_replace_the_catalogue() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("statements.jsonl");
    let lines: String = run(&["list", "--format", "json"])
        .lines()
        .map(|line| {
            let question: Value = serde_json::from_str(line).unwrap();
            let polar = question["polar"].as_array().unwrap();
            let line = serde_json::json!({
                "question_id": question["question"],
                "question_category": question["category"],
                "answer_ids": polar.iter().map(|s| s["codes"].clone()).collect::<Vec<_>>(),
                "converted_statements": polar.iter().map(|s| s["statement"].clone()).collect::<Vec<_>>(),
                "is_refined": false,
            });
            format!("{line}\n")
        })
        .collect();
    std::fs::write(&path, lines).unwrap();
    let path = path.to_str().unwrap();
    let stats = json(&["stats", "--catalogue", path, "--format", "json"]);
    assert_eq!(
        (&stats["statements_polar"], &stats["statements_refined"]),
        (&567.into(), &0.into())
    );
    let (status, error) = refused(&["stats", "--catalogue", path, "--catalogue", path]);
    assert!(
        status == 1 && error.contains("Q1 has polar statements already"),
        "{error}"
    );
    let (status, error) = refused(&["stats", "--catalogue", "nowhere.jsonl"]);
    assert!(
        status == 1 && error.contains("cannot read nowhere.jsonl") && error.contains("hint:"),
        "{error}"
    );
}
