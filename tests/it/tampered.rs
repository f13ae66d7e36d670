//! Runs whose files were changed: every change is found without a model and named with its file and line.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::forge::{FILES, Forged};

fn indieval(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_indieval")).args(arguments).output();
    let output = output.expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}

/// A small finished run of every method.
fn finished(out: &Path) {
    let survey = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/synthetic-respondents.csv");
    let (code, said) = indieval(&[
        "run",
        "--model",
        "fake:7",
        "--survey",
        &survey.to_string_lossy(),
        "--out",
        &out.to_string_lossy(),
        "--splits",
        "1",
        "--limit",
        "2",
        "--demonstrations",
        "0,3",
        "--methods",
        "likelihood,label,generation,generation-paper",
        "--quiet",
    ]);
    assert_eq!(code, Some(0), "{said}");
}

fn is(record: &Value, method: &str) -> bool {
    record["method"] == method
}

/// A change that is made together with all checks: what a record says of itself no longer holds.
type Forgery = fn(&mut Value, &mut Value) -> bool;

/// Where it is found: 0 is records.jsonl, then one file a kind.
const FORGERIES: [(&str, usize, Forgery); 32] = [
    ("id", 0, |record, evidence| {
        record["id"] = "0123456789abcdef".into();
        evidence["id"] = record["id"].clone();
        true
    }),
    ("respondent", 0, |record, _| {
        record["respondent"] = "synthetic-99999".into();
        true
    }),
    ("split", 0, |record, _| {
        record["split"] = 2.into();
        true
    }),
    ("question", 0, |record, _| {
        record["question"] = "Q999".into();
        true
    }),
    ("category", 0, |record, _| {
        record["category"] = "Corruption".into();
        true
    }),
    ("demonstrations", 0, |record, _| {
        record["demonstrations"] = 50.into();
        true
    }),
    ("candidates", 0, |record, _| {
        record["candidates"] = 7.into();
        is(record, "generation")
    }),
    ("label", 0, |record, _| {
        let right = record["prediction"] == record["label"];
        record["label"] = (1 - record["label"].as_i64().unwrap_or(0).min(1)).into();
        record["correct"] = (record["prediction"] == record["label"]).into();
        right && record["candidates"] == 2 && is(record, "label")
    }),
    ("label beyond the candidates", 0, |record, _| {
        record["label"] = 9.into();
        record["correct"] = false.into();
        true
    }),
    ("correct", 0, |record, _| {
        record["correct"] = (record["correct"] == false).into();
        true
    }),
    ("status", 0, |record, _| {
        record["status"] = "missing".into();
        is(record, "likelihood")
    }),
    ("prediction of a likelihood", 0, |record, _| {
        record["prediction"] = (1 - record["prediction"].as_i64().unwrap_or(0)).into();
        record["correct"] = (record["prediction"] == record["label"]).into();
        is(record, "likelihood") && record["candidates"] == 2
    }),
    ("prediction of a label", 0, |record, _| {
        record["prediction"] = (1 - record["prediction"].as_i64().unwrap_or(0)).into();
        record["correct"] = (record["prediction"] == record["label"]).into();
        is(record, "label") && record["candidates"] == 2
    }),
    ("an unread answer called read", 0, |record, _| {
        let unread = record["prediction"] == -1;
        record["prediction"] = record["label"].clone();
        (record["correct"], record["status"]) = (true.into(), "answered".into());
        is(record, "generation") && unread
    }),
    ("an unread answer to all probes called read", 0, |record, _| {
        let unread = record["prediction"] == -1;
        record["prediction"] = record["label"].clone();
        (record["correct"], record["status"]) = (true.into(), "answered".into());
        is(record, "generation-paper") && unread
    }),
    ("shown", 0, |record, _| {
        record["shown"] = 9.into();
        true
    }),
    ("context_tokens", 0, |record, _| {
        record["context_tokens"] = 10_000_000.into();
        true
    }),
    ("text of a candidate", 1, |record, evidence| {
        if !is(record, "likelihood") {
            return false;
        }
        evidence["candidates"][0]["text"] = "Something else".into();
        true
    }),
    ("logprob of a candidate", 1, |record, evidence| {
        if !is(record, "likelihood") {
            return false;
        }
        evidence["candidates"][0]["logprob"] = (-1.0).into();
        true
    }),
    ("tokens of a candidate", 1, |record, evidence| {
        if !is(record, "likelihood") {
            return false;
        }
        let tokens = evidence["candidates"][0]["tokens"].as_array_mut();
        tokens.map(Vec::pop);
        true
    }),
    ("chars of a candidate", 1, |record, evidence| {
        if !is(record, "likelihood") {
            return false;
        }
        evidence["candidates"][0]["chars"] = 1.into();
        true
    }),
    ("logprobs of a label", 2, |record, evidence| {
        if !is(record, "label") {
            return false;
        }
        evidence["logprobs"][0] = (-0.01).into();
        true
    }),
    ("an order of options", 2, |record, evidence| {
        if !is(record, "label") {
            return false;
        }
        evidence["permutations"][0]["order"][0] = 5.into();
        true
    }),
    ("logprobs of an answer", 3, |record, evidence| {
        if !is(record, "generation") {
            return false;
        }
        let takes = evidence["tries"][0]["tokens"] != json!([]);
        evidence["tries"][0]["logprobs"] = json!([]);
        takes
    }),
    ("half of what was shown", 0, |record, _| {
        let shown = record["shown"].as_i64().unwrap_or(0);
        record["shown"] = (shown / 2).into();
        shown == 3
    }),
    ("unconditional of one record", 0, |record, evidence| {
        for candidate in evidence["candidates"].as_array_mut().into_iter().flatten() {
            if let Some(fields) = candidate.as_object_mut() {
                fields.retain(|name, _| !name.starts_with("unconditional"));
            }
        }
        is(record, "likelihood")
    }),
    ("an order less", 0, |record, evidence| {
        let tries = texts(evidence);
        let order = tries.last().map(|one| one["order"].clone());
        tries.retain(|one| Some(&one["order"]) != order.as_ref());
        is(record, "generation") && record["candidates"] == 2
    }),
    ("no text", 0, |record, evidence| {
        texts(evidence).clear();
        let unread = record["prediction"] == -1;
        record["status"] = "missing".into();
        is(record, "generation") && unread
    }),
    ("every text four times", 0, |record, evidence| {
        let once = texts(evidence).clone();
        *texts(evidence) = vec![once; 4].concat();
        is(record, "generation")
    }),
    ("texts in reverse", 0, |record, evidence| {
        texts(evidence).reverse();
        is(record, "generation")
    }),
    ("the seed of a text", 0, |record, evidence| {
        let takes = is(record, "generation");
        if takes {
            evidence["tries"][0]["seed"] = "7".into();
        }
        takes
    }),
    ("the temperature of an answer to all probes", 0, |record, evidence| {
        let told = !texts(evidence).is_empty();
        if told {
            evidence["tries"][0]["temperature"] = 0.25.into();
        }
        is(record, "generation-paper") && told
    }),
];

/// The texts of a record.
fn texts(evidence: &mut Value) -> &mut Vec<Value> {
    if !evidence["tries"].is_array() {
        evidence["tries"] = json!([]);
    }
    evidence["tries"].as_array_mut().expect("a list")
}

/// Which records the lines of a file are about.
fn ids_of(lines: &[String]) -> Vec<Value> {
    let id = |line: &String| serde_json::from_str::<Value>(line).expect("a line of JSON")["id"].clone();
    lines.iter().map(id).collect()
}

#[test]
fn a_change_with_all_checks_made_anew_is_named_with_file_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    finished(&out);
    let verify = || indieval(&["verify", &out.to_string_lossy(), "-n", "0"]);
    let (code, said) = verify();
    assert_eq!(code, Some(0), "{said}");
    let forged = Forged::new(&out);
    let ids: Vec<Vec<Value>> = FILES.iter().map(|file| ids_of(&forged.lines(file))).collect();
    // The helper's checks are the program's: a run that is sealed anew is the same run.
    forged.seal();
    let (code, said) = verify();
    assert_eq!(code, Some(0), "{said}");
    for (name, file, change) in FORGERIES {
        // What a change does to records that it does not take is undone.
        let kept = |record: &mut Value, evidence: &mut Value| {
            let before = (record.clone(), evidence.clone());
            let takes = change(record, evidence) && (&before.0, &before.1) != (&*record, &*evidence);
            if !takes {
                (*record, *evidence) = before;
            }
            takes
        };
        let record = forged.record(kept);
        let told = ids[file].iter().position(|id| *id == ids[0][record - 1]);
        let line = 1 + told.expect("a line of evidence for the record");
        let (code, said) = verify();
        assert_eq!(code, Some(1), "{name}: {said}");
        let place = format!("{}:{line}: ", FILES[file]);
        assert!(said.contains(&place), "{name}: `{place}` is missing from\n{said}");
        forged.restore();
    }
    let (code, said) = verify();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn lines_that_are_changed_removed_doubled_or_moved_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    finished(&out);
    let forged = Forged::new(&out);
    let verify = || indieval(&["verify", &out.to_string_lossy(), "-n", "0"]);
    let report = || indieval(&["report", &out.to_string_lossy()]);
    for file in FILES {
        let lines = forged.lines(file);
        let changes: [(&str, Vec<String>, usize); 4] = [
            (
                "a digit",
                [&lines[..4], &[lines[4].replacen('0', "1", 1)], &lines[5..]].concat(),
                5,
            ),
            ("removed", [&lines[..4], &lines[5..]].concat(), 5),
            ("doubled", [&lines[..5], &lines[4..]].concat(), 6),
            (
                "moved",
                [&lines[..3], &lines[4..5], &lines[3..4], &lines[5..]].concat(),
                4,
            ),
        ];
        for (name, changed, line) in changes {
            forged.write(file, &changed);
            for (what, (code, said)) in [("verify", verify()), ("report", report())] {
                assert_eq!(code, Some(1), "{file}, {name}, {what}: {said}");
                let place = format!("{file}:{line}: ");
                assert!(
                    said.contains(&place),
                    "{what}, {name}: `{place}` is missing from\n{said}"
                );
            }
            forged.restore();
        }
        forged.write(file, &lines[..lines.len() - 1]);
        let (code, said) = verify();
        assert!(
            matches!(code, Some(1 | 3)) && said.contains(file),
            "{file}, cut: {said}"
        );
        forged.write(file, &[&lines[..], &lines[..1]].concat());
        let (code, said) = verify();
        assert!(code == Some(1) && said.contains(file), "{file}, more: {said}");
        forged.restore();
    }
}

#[test]
fn one_change_is_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    finished(&out);
    let forged = Forged::new(&out);
    let check = |name: &str, file: &str, lines: &[String]| {
        forged.write(file, lines);
        let (code, said) = indieval(&["verify", &out.to_string_lossy(), "-n", "0"]);
        assert!(
            code == Some(1) && said.contains("files: 1 change found"),
            "{file}, {name}: {said}"
        );
        forged.restore();
    };
    for file in FILES {
        let lines = forged.lines(file);
        let with = |line: String| [&lines[..4], &[line], &lines[5..]].concat();
        check("a digit", file, &with(lines[4].replacen('0', "1", 1)));
        check(
            "a check",
            file,
            &with(lines[4].replace("\"check\":\"", "\"check\":\"0")),
        );
        check("removed", file, &[&lines[..4], &lines[5..]].concat());
        check("doubled", file, &[&lines[..5], &lines[4..]].concat());
        check("no JSON", file, &with(lines[4].replacen('{', "", 1)));
    }
    let lines = forged.lines(FILES[0]);
    let other = lines[4].replacen("\"shown\":", "\"shon\":", 1);
    assert_ne!(other, lines[4]);
    check("a field", FILES[0], &[&lines[..4], &[other], &lines[5..]].concat());
    let at = lines
        .iter()
        .position(|line| line.contains("\"prediction\":0"))
        .expect("a prediction");
    let other = lines[at].replacen("\"prediction\":0", "\"prediction\":1", 1);
    check(
        "a prediction",
        FILES[0],
        &[&lines[..at], &[other], &lines[at + 1..]].concat(),
    );
}

#[test]
fn what_to_do_about_a_broken_run_can_be_done() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    finished(&out);
    let forged = Forged::new(&out);
    let verify = || indieval(&["verify", &out.to_string_lossy(), "-n", "0"]);
    std::fs::write(out.join("run.json"), "{").expect("writes");
    let (code, said) = verify();
    assert!(
        code == Some(1) && said.contains("start over with another --out"),
        "{said}"
    );
    forged.restore();
    std::fs::remove_file(out.join("people.json")).expect("removes");
    let (code, said) = verify();
    assert!(
        code == Some(1) && said.contains("give the command of the run again"),
        "{said}"
    );
    finished(&out);
    let (code, said) = verify();
    assert_eq!(code, Some(0), "it was rewritten: {said}");
}

#[test]
fn the_other_files_of_a_run_are_bound_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    finished(&out);
    let forged = Forged::new(&out);
    let changes = [
        ("run.json", "\"synthetic\": true", "\"synthetic\": false"),
        ("run.json", "\"seed\": 0", "\"seed\": 1"),
        ("run.json", "\"outcomes\": ", "\"outcomes\": 1"),
        ("people.json", "\"synthetic\":true", "\"synthetic\":false"),
        ("people.json", "\"majority\":0", "\"majority\":1"),
        ("spec.toml", "demonstrations = [0, 3]", "demonstrations = [0, 4]"),
    ];
    for (file, from, to) in changes {
        let text = std::fs::read_to_string(out.join(file)).expect("a file");
        assert!(text.contains(from), "{file} has no {from}");
        std::fs::write(out.join(file), text.replacen(from, to, 1)).expect("writes");
        let (code, said) = indieval(&["verify", &out.to_string_lossy(), "-n", "0"]);
        assert!(
            code == Some(1) && said.contains(&format!("{file}: ")),
            "{file}, {to}: {said}"
        );
        forged.restore();
    }
}

#[test]
fn who_the_people_are_is_checked_by_everything_that_reads_a_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    finished(&out);
    let forged = Forged::new(&out);
    let place = out.to_string_lossy();
    let commands: [&[&str]; 3] = [
        &["verify", &place, "-n", "0"],
        &["report", &place],
        &["compare", &place, "--by", "method"],
    ];
    let refused = |what: &str| {
        for command in commands {
            let (code, said) = indieval(command);
            assert!(code == Some(1) && said.contains(what), "{}: {said}", command[0]);
        }
        forged.restore();
    };
    // Every check is made anew: what is left is that the files contradict each other.
    forged.run("\"synthetic\": true", "\"synthetic\": false");
    refused("people.json: its people are synthetic, those of the run are not synthetic");
    forged.people(|people| people["synthetic"] = false.into());
    refused("people.json: its people are not synthetic, those of the run are synthetic");
    forged.run("\"respondents\": 2", "\"respondents\": 3");
    refused("people.json: its number of people is 2, that of the run 3");
    forged.people(|people| {
        let people = people["people"].as_array_mut();
        people.map(Vec::pop);
    });
    refused("people.json: its number of people is 1, that of the run 2");
    let records = forged.lines(FILES[0]).len();
    forged.run(
        &format!("\"outcomes\": {records}"),
        &format!("\"outcomes\": {}", records - 1),
    );
    refused(&format!("{records} records where the run has {}", records - 1));
}

/// A run made by indieval 0.1 with the fake model.
fn format_1() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/run-format-1");
    folder.to_string_lossy().into_owned()
}

#[test]
fn a_run_of_format_1_is_read_by_report_compare_and_verify() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    std::fs::create_dir(&out).expect("a folder");
    for name in ["records.jsonl", "people.json", "sessions.jsonl", "spec.toml"] {
        std::fs::copy(Path::new(&format_1()).join(name), out.join(name)).expect("a copy");
    }
    let run = out.to_string_lossy().into_owned();
    let (code, said) = indieval(&["report", &run]);
    assert_eq!(code, Some(0), "{said}");
    let summary: Value =
        serde_json::from_slice(&std::fs::read(out.join("summary.json")).expect("a summary")).expect("JSON");
    assert!(
        summary.to_string().contains("f4527efa0b55121a"),
        "the run id of 0.1 is kept"
    );
    let (code, said) = indieval(&["compare", &run, &run]);
    assert!(matches!(code, Some(0 | 1)) && !said.contains("format"), "{said}");
    let (code, said) = indieval(&["verify", &run, "-n", "0"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("60 of 60 records"), "{said}");
    let (code, said) = indieval(&["verify", &run, "-n", "0", "--survey", "nowhere.csv"]);
    assert!(code == Some(1) && said.contains("nowhere.csv"), "a named file: {said}");
    let forged = Forged::new(&out);
    let lines = forged.lines("records.jsonl");
    let other = lines[1].replacen("\"prediction\":0", "\"prediction\":1", 1);
    assert_ne!(other, lines[1]);
    forged.write("records.jsonl", &[&lines[..1], &[other], &lines[2..]].concat());
    let (code, said) = indieval(&["verify", &run, "-n", "0"]);
    assert!(
        code == Some(1) && said.contains("records.jsonl:2: `prediction`"),
        "{said}"
    );
    forged.write(
        "records.jsonl",
        &[&[lines[0].replacen("\"seed\":0", "\"seed\":1", 1)], &lines[1..]].concat(),
    );
    let (code, said) = indieval(&["report", &run]);
    assert!(code == Some(1) && said.contains("records.jsonl:1: `run`"), "{said}");
    forged.restore();
    let survey = Path::new(&format_1()).join("people.csv");
    let (code, said) = indieval(&[
        "run",
        "--model",
        "fake:7",
        "--survey",
        &survey.to_string_lossy(),
        "--out",
        &run,
        "--limit",
        "2",
    ]);
    assert!(
        code == Some(1) && said.contains("record format 1") && said.contains("finish it with"),
        "{said}"
    );
}
