//! Real people: the 2,800 of psych::bfi, by the definition that ships. scripts/fetch-bfi.sh fetches their answers, which
//! are not part of this repository; without them the test says so and skips.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::finish;

/// Where scripts/test.sh has them put.
fn answers() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bfi.csv");
    if !path.is_file() {
        println!(
            "skipped: scripts/fetch-bfi.sh {} fetches the answers",
            env!("CARGO_TARGET_TMPDIR")
        );
    }
    path.is_file().then_some(path)
}

fn command(arguments: &[&str], answers: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_indieval"));
    let definition = Path::new(env!("CARGO_MANIFEST_DIR")).join("surveys/bfi.toml");
    command.args(arguments).arg("--definition").arg(definition);
    if arguments[0] == "baseline" {
        command.arg(answers)
    } else {
        command.arg("--survey").arg(answers)
    };
    command
}

/// Overall accuracies in percent that numpy computed from the same file by the rules in GUIDE.md, without a line of this
/// program: leave-one-out, one probe a trait and split, 35 neighbours.
const BY_NUMPY: [(&str, Option<u64>, f64); 3] = [
    ("majority", None, 72.004_051_457_177_1),
    ("resemblance", Some(35), 78.263_670_974_253_63),
    ("naive-bayes", None, 76.857_325_917_787_86),
];
/// Both sum shares of right answers in f64, in another order.
const ROUNDING: f64 = 1e-9;

#[test]
fn real_people_are_read_predicted_without_a_model_and_run_to_a_report() {
    let Some(answers) = answers() else { return };
    let output = finish(command(&["baseline", "--format", "json"], &answers));
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    for (method, k, expected) in BY_NUMPY {
        let overall = rows.iter().find(|row| {
            row["method"] == method && row["k"].as_u64() == k && row["split"].is_null() && row["category"].is_null()
        });
        let found = overall.expect(method)["accuracy"].as_f64().unwrap();
        assert!(
            (found - expected).abs() < ROUNDING,
            "{method}: {found}, by numpy {expected}"
        );
    }

    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut run = command(
        &["run", "--model", "fake:1", "--draw", "8", "--demonstrations", "0,10"],
        &answers,
    );
    run.arg("--out").arg(&out).stdout(std::process::Stdio::piped());
    let said = String::from_utf8(finish(run).stdout).unwrap();
    assert!(said.contains("Openness") && !said.contains("SYNTHETIC"), "{said}");
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    for (text, there) in [
        ("Big Five items (psych::bfi)", true),
        ("naive Bayes", true),
        ("GPT-4o", false),
        ("ynthetic", false),
    ] {
        assert_eq!(page.contains(text), there, "{text}");
    }
}
