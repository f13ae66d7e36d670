//! Specs, and the files of runs.

use std::path::Path;

use indieval::run::{self, Reader, Spec};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Run;
use crate::scratch::{Scratch, choose};

/// A spec file.
pub fn spec() -> Run {
    let scratch = Scratch::empty("spec");
    Box::new(move |input| {
        scratch.with("spec.toml", input, |folder| {
            if let Ok(spec) = Spec::read(&folder.join("spec.toml")) {
                // What a run writes down of its spec must be readable again.
                let text = spec.to_toml().expect("a spec can be written");
                scratch.write("spec.toml", text.as_bytes());
                let again = Spec::read(&folder.join("spec.toml")).expect("and read again");
                assert_eq!(again.to_toml().ok(), Some(text));
            }
        });
    })
}

/// One run a kind of evidence, each of a few records.
const RUNS: [(&str, &str); 4] = [
    ("likelihood", "evidence-likelihood.jsonl"),
    ("label", "evidence-label.jsonl"),
    ("generation", "evidence-generation.jsonl"),
    ("generation-paper", "evidence-generation.jsonl"),
];

/// Whether a changed file gets new checks.
const SEALS: usize = 2;

/// A run of format 2 of which one file is changed, with all checks made anew or not.
pub fn records() -> Run {
    let runs = RUNS.map(|(method, _)| Scratch::of(&format!("run-{method}")));
    Box::new(move |input| {
        choose(input, RUNS.len() * 4 * SEALS, |which, content| {
            let (run, file, sealed) = (which / SEALS / 4, which / SEALS % 4, which % SEALS == 0);
            let (scratch, evidence) = (&runs[run], RUNS[run].1);
            let files = ["records.jsonl", evidence, "run.json", "people.json"];
            let kept = files.map(|name| scratch.read(name));
            scratch.write(files[file], content);
            if sealed {
                seal(scratch, evidence);
            }
            read(scratch);
            files
                .iter()
                .zip(&kept)
                .for_each(|(name, content)| scratch.write(name, content));
        });
    })
}

/// A run of format 1 of which one file is changed.
pub fn format1() -> Run {
    const FILES: [&str; 4] = ["records.jsonl", "people.json", "spec.toml", "sessions.jsonl"];
    let scratch = Scratch::of("run-format-1");
    Box::new(move |input| {
        choose(input, FILES.len(), |which, content| {
            scratch.with(FILES[which], content, |_| read(&scratch));
        });
    })
}

/// Reads a run as `verify` does, on behind what is wrong, and as `report` does.
fn read(scratch: &Scratch) {
    if let Ok(mut reader) = Reader::open(scratch.folder()) {
        for outcome in reader.by_ref() {
            if let Err(error) = outcome {
                drop(error.to_string());
            }
        }
        let _ = reader.left_over();
    }
    if let Err(error) = run::load(scratch.folder()) {
        drop(error.to_string());
    }
}

/// Makes every check of a run anew, as docs/formats.md says how: whoever changes records may do so.
fn seal(scratch: &Scratch, evidence: &str) {
    let Ok(mut header) = serde_json::from_slice::<Value>(&scratch.read("run.json")) else {
        return;
    };
    let Some(fields) = header.as_object_mut() else { return };
    let people = hex(&Sha256::digest(scratch.read("people.json")));
    fields.insert("people".to_owned(), people.into());
    fields.shift_remove("check");
    let Ok(text) = serde_json::to_string_pretty(&header) else {
        return;
    };
    let open = text.strip_suffix("\n}").unwrap_or(&text);
    let start = check(&[], open);
    scratch.write(
        "run.json",
        format!("{open},\n  \"check\": \"{start}\"\n}}\n").as_bytes(),
    );
    let proofs = seal_lines(scratch, evidence, &start, &[]);
    seal_lines(scratch, "records.jsonl", &start, &proofs);
}

/// Seals the lines of a file, each behind the one before it and its `proofs`, and returns their checks.
fn seal_lines(scratch: &Scratch, name: &str, start: &str, proofs: &[String]) -> Vec<String> {
    let mut sealed = Vec::new();
    let mut checks: Vec<String> = Vec::new();
    for (at, line) in scratch.read(name).split_inclusive(|&byte| byte == b'\n').enumerate() {
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(line) else {
            sealed.extend_from_slice(line);
            continue;
        };
        fields.shift_remove("check");
        let text = Value::Object(fields).to_string();
        let open = text.strip_suffix('}').unwrap_or(&text);
        let last = checks.last().map_or(start, String::as_str);
        let before: Vec<&str> = [last].into_iter().chain(proofs.get(at).map(String::as_str)).collect();
        let check = check(&before, open);
        sealed.extend_from_slice(format!("{open},\"check\":\"{check}\"}}\n").as_bytes());
        checks.push(check);
    }
    scratch.write(name, &sealed);
    checks
}

fn check(before: &[&str], text: &str) -> String {
    let mut digest = Sha256::new();
    before.iter().for_each(|check| digest.update(check));
    digest.update(text);
    let mut check = hex(&digest.finalize());
    check.truncate(16);
    check
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file of answers to the prompts of an export, in any of the shapes that providers have.
pub fn graded() -> Run {
    let prompts = Scratch::of("prompts");
    let scratch = Scratch::empty("graded");
    let survey = Path::new(env!("CARGO_MANIFEST_DIR")).join("base/prompts-survey/people.csv");
    Box::new(move |input| {
        choose(input, 2, |which, answers| {
            let options = run::GradeOptions {
                survey: Some(survey.clone()),
                keep: [None, Some(run::Keep::Last)][which],
                last: true,
                ..run::GradeOptions::default()
            };
            scratch.with("answers.jsonl", answers, |folder| {
                let (answers, out) = (vec![folder.join("answers.jsonl")], folder.join("run"));
                match run::grade(prompts.folder(), &answers, &out, &options) {
                    Ok(graded) => {
                        assert_eq!(graded.answered + graded.failed + graded.missing.len(), graded.requests);
                        run::load(&out).expect("a run that was written can be read");
                    }
                    Err(error) => drop((error.to_string(), error.hint())),
                }
                let _ = std::fs::remove_dir_all(&out);
            });
        });
    })
}
