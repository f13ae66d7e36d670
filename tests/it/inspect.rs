//! `indieval inspect` as a user sees it: every answer, some of them, and where two runs differ.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::run::{finish, run};

fn inspect(run: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_indieval"));
    command.arg("inspect").arg(run).args(more);
    command.output().expect("the program starts")
}

fn lines(text: &[u8]) -> Vec<Value> {
    let text = String::from_utf8_lossy(text);
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn as_json(run: &Path, more: &[&str]) -> Vec<Value> {
    lines(&inspect(run, &[&["--format", "json", "-n", "0"], more].concat()).stdout)
}

#[test]
fn answers_are_those_of_the_records() {
    let folder = tempfile::tempdir().expect("a folder");
    let [one, two] = ["1", "2"].map(|seed| {
        let out = folder.path().join(seed);
        let methods = ["--methods", "likelihood,label,generation", "--demonstrations", "3"];
        finish(run(&format!("fake:{seed}"), &out, &methods));
        out
    });
    let records = lines(&std::fs::read(one.join("records.jsonl")).expect("records"));
    let all = as_json(&one, &[]);
    assert_eq!(all.len(), records.len());
    for (answer, record) in all.iter().zip(&records) {
        for name in [
            "respondent",
            "split",
            "question",
            "category",
            "shown",
            "context_tokens",
            "status",
        ] {
            assert_eq!(answer[name], record[name], "{name}");
        }
        let at = |which: &str| {
            let candidates = answer["candidates"].as_array().expect("candidates");
            candidates
                .iter()
                .position(|candidate| candidate[which] == true)
                .map_or(-1, |at| at as i64)
        };
        assert_eq!(
            (at("chosen"), at("own")),
            (
                record["prediction"].as_i64().expect("a number"),
                record["label"].as_i64().expect("a number")
            )
        );
        // The probabilities of likelihoods and labels are of all candidates, and the choice has the largest.
        let shares: Vec<f64> = answer["candidates"]
            .as_array()
            .expect("candidates")
            .iter()
            .filter_map(|candidate| candidate["probability"].as_f64())
            .collect();
        if record["method"] != "generation" {
            assert!((shares.iter().sum::<f64>() - 1.).abs() < 1e-9, "{answer}");
            let most = shares.iter().copied().fold(0., f64::max);
            assert!(shares[at("chosen") as usize] == most, "{answer}");
        }
    }
    let count = |keep: &dyn Fn(&Value) -> bool| records.iter().filter(|record| keep(record)).count();
    assert_eq!(
        as_json(&one, &["--wrong"]).len(),
        count(&|record| record["correct"] == false)
    );
    assert_eq!(
        as_json(&one, &["--unread"]).len(),
        count(&|record| record["prediction"] == -1)
    );
    assert_eq!(
        as_json(&one, &["--method", "label"]).len(),
        count(&|record| record["method"] == "label")
    );
    let person = records[0]["respondent"].as_str().expect("an id");
    let of_person = as_json(&one, &["--respondent", person]);
    assert_eq!(of_person.len(), count(&|record| record["respondent"] == person));

    // Where the other fake chose otherwise; each names what that one chose.
    let others = lines(&std::fs::read(two.join("records.jsonl")).expect("records"));
    let differ = as_json(&one, &["--differs-from", &two.display().to_string()]);
    let expected = records
        .iter()
        .zip(&others)
        .filter(|(a, b)| a["prediction"] != b["prediction"]);
    let choices: Vec<i64> = expected
        .map(|(_, other)| other["prediction"].as_i64().expect("a number"))
        .collect();
    let told: Vec<i64> = differ
        .iter()
        .map(|answer| answer["other"]["choice"].as_i64().unwrap_or(-1))
        .collect();
    assert!(!told.is_empty());
    assert_eq!(told, choices);
}

#[test]
fn what_is_printed_says_who_chose_what() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    finish(run(
        "fake:1",
        &out,
        &["--limit", "1", "--methods", "likelihood,generation"],
    ));
    let output = inspect(&out, &["--method", "generation", "-n", "2"]);
    let (text, told) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    for part in [
        "synthetic-",
        "split 1",
        "[the person's own",
        "  said",
        " 0 statements shown",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(told.contains("SYNTHETIC respondents: 78 answers of 156"), "{told}");
    assert!(told.contains("76 more with -n 0"), "{told}");
    let wrong = inspect(&out, &["--respondent", "nobody"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&wrong.stderr)
            .contains("respondent `nobody` is not in this run, which has 1 respondent")
    );
}
