//! Tests of the journal: cut anywhere, it goes on to the same bytes; anything else is refused by name.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Header, Journal, RECORDS, RunError, Spec, read};
use crate::model::{Backend, DeviceId, Dtype, Family, ModelIdentity, QuantizedWeights};
use crate::scoring::{CandidateScore, Condition, Control, Evidence, Method, Outcome};
use crate::survey::{Form, QuestionId};

fn header() -> Header {
    Header {
        format: super::FORMAT,
        run: "0123456789abcdef".into(),
        synthetic: true,
        respondents: 2,
        outcomes: 4,
        tree_tokens: 8192,
        model: ModelIdentity {
            name: "a model".into(),
            family: Some(Family::Llama),
            parameters: 1,
            dtype: Dtype::F32,
            weights: QuantizedWeights::Dequantize,
            device: DeviceId::Cpu,
            backend: Some(Backend::Portable),
            context: 2048,
        },
        hashes: BTreeMap::from([
            ("weights".into(), "aa".into()),
            ("prompt likelihood".into(), "bb".into()),
        ]),
        spec: Spec::default(),
    }
}

fn outcomes() -> Vec<Outcome> {
    (0..4u16)
        .map(|number| Outcome {
            respondent: format!("synthetic-{}", number / 2),
            split: 1,
            question: QuestionId(1 + number % 2),
            condition: Condition {
                method: Method::Likelihood,
                demonstrations: 50,
                form: Form::Polar,
                demographics: false,
                category: None,
                control: Control::Own,
            },
            candidates: 2,
            label: 0,
            prediction: Some(usize::from(number % 2)),
            context_tokens: 100,
            shown: 50,
            evidence: Evidence::Likelihood {
                scores: vec![CandidateScore {
                    tokens: vec![7, 8],
                    logprobs: vec![-0.1, -2.345_678_9],
                    unconditional: None,
                    chars: 3,
                    bytes: 4,
                }],
            },
        })
        .collect()
}

fn write_all(folder: &Path, from: usize) {
    let (mut journal, _) = Journal::open(folder, &header()).expect("opens");
    for outcome in &outcomes()[from..] {
        journal.append(outcome).expect("appends");
    }
}

#[test]
fn a_journal_cut_at_any_byte_goes_on_to_the_same_bytes() {
    let whole_folder = tempfile::tempdir().expect("a folder");
    write_all(whole_folder.path(), 0);
    let whole = std::fs::read(whole_folder.path().join(RECORDS)).expect("records");
    for cut in 0..whole.len() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(RECORDS), &whole[..cut]).expect("a torn journal");
        let (mut journal, recorded) = Journal::open(folder.path(), &header()).expect("opens");
        assert_eq!(recorded.outcomes, outcomes()[..recorded.outcomes.len()], "cut at {cut}");
        for outcome in &outcomes()[recorded.outcomes.len()..] {
            journal.append(outcome).expect("appends");
        }
        drop(journal);
        assert_eq!(
            std::fs::read(folder.path().join(RECORDS)).expect("records"),
            whole,
            "cut at {cut}"
        );
    }
}

#[test]
fn what_is_read_is_what_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    write_all(folder.path(), 0);
    let (found, recorded) = read(folder.path()).expect("reads");
    assert_eq!(found, header());
    assert_eq!(recorded.outcomes, outcomes());
    assert_eq!(recorded.torn, 0);
}

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, _) = Journal::open(folder.path(), &header()).expect("opens");
    assert!(matches!(
        Journal::open(folder.path(), &header()),
        Err(RunError::Locked { .. })
    ));
    drop(first);
    Journal::open(folder.path(), &header()).expect("the lock is free again");
}

#[test]
fn another_run_is_refused_by_the_name_of_what_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    write_all(folder.path(), 0);
    let mut weights = header();
    weights.hashes.insert("weights".into(), "cc".into());
    let mut prompt = header();
    prompt.hashes.insert("prompt likelihood".into(), "cc".into());
    let mut dtype = header();
    dtype.model.dtype = Dtype::Bf16;
    let mut seed = header();
    seed.spec.demonstrations.seed = 9;
    for (other, name) in [
        (weights, "weights"),
        (prompt, "prompt likelihood"),
        (dtype, "model.dtype"),
        (seed, "spec.demonstrations.seed"),
    ] {
        match Journal::open(folder.path(), &other) {
            Err(RunError::Changed { what, .. }) => assert!(what.starts_with(name), "{what} does not name {name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    // Where the survey file lies and what the run is called are not what it is.
    let mut moved = header();
    moved.spec.respondents.survey = "elsewhere.csv".into();
    moved.spec.title = "another title".into();
    Journal::open(folder.path(), &moved).expect("the same run");
}

#[test]
fn a_changed_line_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    write_all(folder.path(), 0);
    let path = folder.path().join(RECORDS);
    let text = std::fs::read_to_string(&path).expect("records");
    let broken = text.replacen("\"split\":1", "\"split\":x", 1);
    std::fs::write(&path, broken).expect("writes");
    assert!(matches!(
        Journal::open(folder.path(), &header()),
        Err(RunError::Record { line: 2, .. })
    ));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("a file in the way");
    assert!(matches!(
        Journal::open(&file.join("run"), &header()),
        Err(RunError::Write { .. })
    ));
    assert!(matches!(read(folder.path()), Err(RunError::NoRun { .. })));
}
