//! Prompts out, answers in; and a run in the formats of other tools.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::run::{finish, run};

fn indieval(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_indieval"))
        .args(args)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// An export of two people's prompts, in a folder of its own.
struct Export {
    folder: tempfile::TempDir,
}

impl Export {
    fn new(format: &str, methods: &str) -> Self {
        Self::with(format, methods, &[]).unwrap_or_else(|said| panic!("{said}"))
    }

    /// What was said where it fails.
    fn with(format: &str, methods: &str, asked: &[&str]) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let survey = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/synthetic-respondents.csv");
        let out = folder.path().join("prompts");
        let args = [
            "prompts",
            "export",
            "--survey",
            survey.to_str().unwrap(),
            "--limit",
            "2",
            "--splits",
            "1",
        ];
        let more = [
            "--demonstrations",
            "3",
            "--orders",
            "1",
            "--methods",
            methods,
            "--format",
            format,
            "--model",
            "gpt",
        ];
        let output = indieval(&[&args[..], &more[..], asked, &["--out", out.to_str().unwrap()]].concat());
        match output.status.success() {
            true => Ok(Self { folder }),
            false => Err(said(&output)),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn requests(&self) -> Vec<Value> {
        lines(&self.path("prompts/part-0001.jsonl"))
    }

    fn write(&self, name: &str, lines: &[Value]) -> String {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    fn grade(&self, more: &[&str]) -> Output {
        let (prompts, out) = (self.path("prompts"), self.path("run"));
        let args = ["grade", prompts.to_str().unwrap(), "--out", out.to_str().unwrap()];
        indieval(&[&args[..], more].concat())
    }

    fn records(&self) -> Vec<Value> {
        lines(&self.path("run/records.jsonl"))
    }
}

fn openai(id: &str, text: &str) -> Value {
    json!({ "id": "r", "custom_id": id, "error": null, "response": { "status_code": 200, "body": {
        "model": "gpt-x", "choices": [{ "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }] } } })
}

#[test]
fn answers_of_a_batch_become_a_run_that_is_checked_reported_and_compared() {
    let export = Export::new("openai-batch", "generation");
    let requests = export.requests();
    assert_eq!(requests.len(), 78);
    assert_eq!(requests[0]["body"]["model"], "gpt");
    let text = requests[0]["body"]["messages"][0]["content"].as_str().unwrap();
    assert!(
        text.contains("\nA. ") && text.contains("Reply with its letter and nothing else."),
        "{text}"
    );
    let id = |at: usize| requests[at]["custom_id"].as_str().unwrap();
    // In another order than asked; one error that a second file puts right, one that stays, a refusal, one missing.
    let mut answers: Vec<Value> = (4..78).rev().map(|at| openai(id(at), "A")).collect();
    answers
        .push(json!({ "custom_id": id(0), "response": null, "error": { "code": "batch_expired", "message": "late" } }));
    answers.push(json!({ "custom_id": id(1), "response": { "status_code": 500, "body": null }, "error": null }));
    answers.push(
        json!({ "custom_id": id(2), "response": { "status_code": 200, "body": { "model": "gpt-x",
        "choices": [{ "message": { "content": null, "refusal": "A refusal: I would rather not" } }] } } }),
    );
    let first = export.write("first.jsonl", &answers);
    let second = export.write("second.jsonl", &[openai(id(0), "B")]);
    let again = export.path("again.jsonl");
    let partial = export.grade(&[&first, &second, "--missing-out", again.to_str().unwrap()]);
    assert_eq!(partial.status.code(), Some(3), "{}", said(&partial));
    assert!(!export.path("run").exists());
    assert_eq!(lines(&again), [requests[1].clone(), requests[3].clone()]);
    let whole = export.grade(&[&second, &first, "--final"]);
    assert!(whole.status.success(), "{}", said(&whole));
    let records = export.records();
    let status = |at: usize| {
        (
            records[at]["status"].as_str().unwrap(),
            records[at]["prediction"].as_i64().unwrap(),
        )
    };
    assert_eq!(status(0), ("answered", 1));
    assert_eq!([status(1), status(3)], [("failed", -1); 2]);
    assert_eq!(status(2), ("unparsed", -1));
    assert_eq!(status(4), ("answered", 0));
    let header: Value = serde_json::from_slice(&std::fs::read(export.path("run/run.json")).unwrap()).unwrap();
    assert_eq!(
        (&header["model"]["name"], &header["model"]["family"]),
        (&json!("gpt-x"), &json!("elsewhere"))
    );
    let page = std::fs::read_to_string(export.path("run/report.html")).unwrap();
    assert!(
        page.contains("made elsewhere and graded here"),
        "the page does not say so"
    );
    // What a provider marks as a refusal is kept, and is no choice, whatever letters are in it.
    let tries = lines(&export.path("run/evidence-generation.jsonl"));
    assert_eq!(tries[2]["tries"][0]["text"], "A refusal: I would rather not");
    let verified = indieval(&["verify", export.path("run").to_str().unwrap()]);
    assert!(verified.status.success(), "{}", said(&verified));
    assert!(said(&verified).contains("made elsewhere"), "{}", said(&verified));
    // The same prompts computed here are the same probes.
    let here = export.path("here");
    finish(run(
        "fake:1",
        &here,
        &["--methods", "generation", "--demonstrations", "3", "--orders", "1"],
    ));
    let compared = indieval(&[
        "compare",
        export.path("run").to_str().unwrap(),
        here.to_str().unwrap(),
        "--resamples",
        "100",
    ]);
    assert!(compared.status.success(), "{}", said(&compared));
}

#[test]
fn the_papers_prompt_is_answered_once_for_a_whole_split() {
    let export = Export::new("jsonl", "generation-paper");
    let requests = export.requests();
    assert_eq!(requests.len(), 2);
    let answer: Vec<String> = (1..=39)
        .map(|n| format!("\"NSG{n}\": {{\"choice\": \"NSG{n}_s2\"}}"))
        .collect();
    let answer = format!("{{{}}}", answer.join(", "));
    let answers: Vec<Value> = requests
        .iter()
        .map(|one| json!({ "custom_id": one["custom_id"], "text": answer }))
        .collect();
    let file = export.write("answers.jsonl", &answers);
    let graded = export.grade(&[&file]);
    assert!(graded.status.success(), "{}", said(&graded));
    let records = export.records();
    assert_eq!(records.len(), 78);
    assert!(
        records.iter().all(|record| record["prediction"] == 1),
        "{:?}",
        records[0]
    );
    let verified = indieval(&["verify", export.path("run").to_str().unwrap()]);
    assert!(verified.status.success(), "{}", said(&verified));
}

#[test]
fn answers_that_do_not_belong_or_contradict_are_refused_by_name() {
    let export = Export::new("anthropic-batch", "generation");
    let id = export.requests()[0]["custom_id"].as_str().unwrap().to_owned();
    let said_of = |answers: &[Value], more: &[&str]| {
        let file = export.write("answers.jsonl", answers);
        let output = export.grade(&[&[file.as_str()][..], more].concat());
        (output.status.code(), said(&output))
    };
    let plain = |id: &str, text: &str| json!({ "id": id, "text": text });
    let (code, text) = said_of(&[plain(&id, "A"), plain("other", "A")], &[]);
    assert!(
        code == Some(1) && text.contains("1 of the answers are to prompts") && text.contains("line 2: `other`"),
        "{text}"
    );
    let (code, text) = said_of(&[plain(&id, "A"), plain(&id, "B")], &[]);
    assert!(
        code == Some(1) && text.contains("--keep first or --keep last"),
        "{text}"
    );
    let (code, _) = said_of(&[plain(&id, "A"), plain(&id, "B")], &["--keep", "last"]);
    assert_eq!(code, Some(3));
    let (code, text) = said_of(&[json!({ "custom_id": id })], &[]);
    assert!(
        code == Some(1) && text.contains("line 1: neither `response`, `result` nor `text`"),
        "{text}"
    );
    let refused = indieval(&[
        "prompts",
        "export",
        "--survey",
        "x.csv",
        "--methods",
        "likelihood",
        "--model",
        "m",
        "--out",
        "o",
    ]);
    assert!(
        refused.status.code() == Some(1) && said(&refused).contains("give --methods generation"),
        "{}",
        said(&refused)
    );
}

#[test]
fn predictions_give_back_the_reports_own_accuracies() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    finish(run("fake:7", &out, &["--methods", "likelihood,label,generation"]));
    let exported = indieval(&["export", out.to_str().unwrap(), "--to", "csv", "--pseudonyms"]);
    assert!(exported.status.success(), "{}", said(&exported));
    let read = |path: &str| -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(out.join(path)).unwrap();
        reader.deserialize().collect::<Result<_, _>>().unwrap()
    };
    let mut sums: BTreeMap<(String, String), (f64, f64)> = BTreeMap::new();
    let mut baselines: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for row in read("predictions.csv") {
        for (column, name) in [
            ("correct_majority", "majority"),
            ("correct_resemblance_10", "resemblance_10"),
        ] {
            let sum = baselines.entry(name).or_default();
            sum.0 += row[column].parse::<f64>().unwrap();
            sum.1 += 1.0;
        }
        let sum = sums
            .entry((row["method"].clone(), row["demonstrations"].clone()))
            .or_default();
        sum.0 += row["correct"].parse::<f64>().unwrap();
        sum.1 += 1.0;
        assert!(row["respondent"].starts_with("person-"), "{row:?}");
        assert_eq!(row["p_label"].is_empty(), row["method"] == "generation");
    }
    let mut compared = 0;
    for row in read("tables/accuracy.csv") {
        let norm = row["norm"].as_str();
        if row["scope"] != "overall" || !(norm.is_empty() || norm == "sum") {
            continue;
        }
        let system = (row["method"].clone(), row["demonstrations"].clone());
        let Some((right, all)) = sums.get(&system).or_else(|| baselines.get(row["method"].as_str())) else {
            continue;
        };
        // Both people answered every probe, so the mean of categories is the plain share; the table has six decimals.
        let value: f64 = row["value"].parse().unwrap();
        assert!((right / all - value).abs() < 1e-6, "{row:?}");
        compared += 1;
    }
    assert_eq!(compared, 8);
}

#[test]
fn a_log_of_inspect_holds_every_sample_and_its_score() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    finish(run(
        "fake:7",
        &out,
        &["--methods", "likelihood", "--demonstrations", "3"],
    ));
    let exported = indieval(&[
        "export",
        out.to_str().unwrap(),
        "--to",
        "inspect",
        "--out",
        folder.path().to_str().unwrap(),
    ]);
    assert!(exported.status.success(), "{}", said(&exported));
    let logs: Vec<PathBuf> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "eval"))
        .collect();
    let mut archive = zip::ZipArchive::new(std::fs::File::open(&logs[0]).unwrap()).unwrap();
    let header: Value = serde_json::from_reader(archive.by_name("header.json").unwrap()).unwrap();
    let summaries: Vec<Value> = serde_json::from_reader(archive.by_name("summaries.json").unwrap()).unwrap();
    assert_eq!((logs.len(), summaries.len()), (1, 78));
    let right = summaries
        .iter()
        .filter(|one| one["scores"]["choice"]["value"] == "C")
        .count();
    let accuracy = header["results"]["scores"][0]["metrics"]["accuracy"]["value"]
        .as_f64()
        .unwrap();
    assert!((accuracy - right as f64 / 78.0).abs() < 1e-12);
    let name = format!("samples/{}_epoch_1.json", summaries[0]["id"].as_str().unwrap());
    let sample: Value = serde_json::from_reader(archive.by_name(&name).unwrap()).unwrap();
    assert!(
        sample["scores"]["choice"]["explanation"]
            .as_str()
            .unwrap()
            .contains("log P = "),
        "{sample}"
    );
}

#[test]
fn aggregates_for_every_eval_ever_have_our_intervals_and_nobodys_answers() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    finish(run("fake:7", &out, &["--methods", "likelihood", "--limit", "6"]));
    let args = ["export", out.to_str().unwrap(), "--to", "eee", "--model-id"];
    let refused = indieval(&[&args[..], &["fake", "--organisation", "us"]].concat());
    assert!(said(&refused).contains("ORGANISATION/MODEL"), "{}", said(&refused));
    let exported = indieval(&[&args[..], &["us/fake", "--organisation", "us"]].concat());
    assert!(exported.status.success(), "{}", said(&exported));
    let header: Value = serde_json::from_slice(&std::fs::read(out.join("run.json")).unwrap()).unwrap();
    let path = out.join(format!("{}.json", header["run"].as_str().unwrap()));
    let document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let results = document["evaluation_results"].as_array().unwrap();
    // Two conditions, overall and thirteen categories each.
    assert_eq!(results.len(), 28);
    let uncertainty = &results[0]["score_details"]["uncertainty"];
    assert_eq!(uncertainty["confidence_interval"]["method"], "student");
    assert!(!document.to_string().contains("synthetic-0"));
}

#[test]
fn a_system_message_and_variables_go_where_each_format_has_them() {
    let told = ["--system", "Be this person."];
    for (format, place, expected) in [
        (
            "jsonl",
            "/messages/0",
            json!({ "role": "system", "content": "Be this person." }),
        ),
        ("openai-batch", "/body/messages/0/role", json!("system")),
        ("anthropic-batch", "/params/system", json!("Be this person.")),
        (
            "gemini-batch",
            "/request/system_instruction/parts/0/text",
            json!("Be this person."),
        ),
    ] {
        let export = Export::with(format, "generation", &told).unwrap();
        let request = &export.requests()[0];
        assert_eq!(request.pointer(place), Some(&expected), "{request}");
    }
    let low = ["--chat-kwargs", r#"{"reasoning_effort": "low"}"#];
    let export = Export::with("openai-batch", "generation", &low).unwrap();
    let sent = &export.requests()[0]["body"];
    assert_eq!(sent["chat_template_kwargs"], json!({ "reasoning_effort": "low" }));
    assert!(sent["messages"][0]["role"] == "user");
    for (asked, says) in [
        (&low[..], "only requests of openai-batch have a place for them"),
        (&["--thinking-tokens", "9"], "--max-tokens"),
    ] {
        let refused = Export::with("jsonl", "generation", asked).err().expect("refused");
        assert!(refused.contains(says), "{refused}");
    }
}
