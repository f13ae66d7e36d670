//! Tests of the journal: cut anywhere in any file, it goes on to the same bytes; anything else is refused by name.

use std::collections::BTreeMap;
use std::path::Path;

use super::evidence::file;
use super::header::Header;
use super::{Journal, Reader};
use crate::metrics::{Person, QuestionInfo};
use crate::model::{Backend, DeviceId, Dtype, Family, Finish, ModelIdentity, QuantizedWeights, Speaker};
use crate::probe::Split;
use crate::run::names::{PEOPLE, RECORDS, RUN};
use crate::run::{PeopleFile, RunError, Spec};
use crate::scoring::{
    CandidateScore, Condition, Control, Evidence, EvidenceKind, Method, Outcome, Permutation, Reading, Try,
};
use crate::survey::{Form, QuestionId};

const TEXTS: [&str; 2] = ["I am happy", "I am not happy"];

fn conditions() -> Vec<Condition> {
    [Method::Likelihood, Method::Label, Method::Generation]
        .map(|method| Condition {
            method,
            demonstrations: 50,
            form: Form::Polar,
            demographics: false,
            category: None,
            control: Control::Own,
        })
        .to_vec()
}

fn header() -> Header {
    let model = ModelIdentity {
        name: "a model".into(),
        family: Speaker::Decoder(Family::Llama),
        parameters: 1,
        dtype: Dtype::F32,
        weights: QuantizedWeights::Dequantize,
        device: DeviceId::Cpu,
        backend: Some(Backend::Portable),
        context: 2048,
    };
    let hashes = [("weights", "aa"), ("prompt_likelihood", "bb")];
    let hashes = hashes.map(|(name, hash)| (name.to_owned(), hash.to_owned())).into();
    let mut spec = Spec::default();
    spec.grid.splits = vec![Split::One];
    Header::new(&spec, &model, hashes, &conditions(), (1, 6), true).expect("a header")
}

fn people() -> PeopleFile {
    let people = ["synthetic-1"];
    PeopleFile {
        synthetic: true,
        survey: "s.csv".into(),
        catalogue: "indieval".into(),
        categories: vec!["Happiness".into()],
        questions: [1, 2]
            .map(|number| QuestionInfo {
                id: QuestionId::number(number),
                category: 0,
                candidates: TEXTS.map(str::to_owned).to_vec(),
                values: Vec::new(),
            })
            .to_vec(),
        dimensions: Vec::new(),
        people: people
            .map(|id| Person {
                id: id.into(),
                groups: BTreeMap::new(),
                weight: None,
            })
            .to_vec(),
        baselines: crate::metrics::BaselineTable::default(),
        second_answers: Vec::new(),
        published: Vec::new(),
    }
}

fn evidence(method: Method, chosen: usize) -> Evidence {
    let lead = |at: usize| if at == chosen { -0.25 } else { -2.5 };
    match method.definition().evidence() {
        EvidenceKind::Likelihood => Evidence::Likelihood {
            scores: (0..2)
                .map(|at| CandidateScore {
                    tokens: vec![7, 8],
                    logprobs: vec![lead(at), -2.345_678_9],
                    unconditional: None,
                    chars: TEXTS[at].chars().count(),
                    bytes: TEXTS[at].len(),
                })
                .collect(),
        },
        EvidenceKind::Label => {
            let logprobs: Vec<f64> = (0..2).map(|at| f64::from(lead(at))).collect();
            let inside: f64 = logprobs.iter().map(|&logprob| libm::exp(logprob)).sum();
            Evidence::Label {
                invalid_mass: 1.0 - inside,
                permutations: vec![Permutation {
                    order: vec![0, 1],
                    logprobs: logprobs.clone(),
                }],
                logprobs,
            }
        }
        EvidenceKind::Generation => Evidence::Generation {
            reading: Reading::Choice,
            tries: vec![Try {
                order: vec![0, 1],
                choice: Some(chosen),
                text: ["A.", "B."][chosen].into(),
                thoughts: None,
                tokens: vec![33, 14],
                logprobs: vec![-0.4, -0.1],
                invalid_mass: Some(0.25),
                finish: Finish::Complete,
                temperature: 0.0,
                seed: u64::MAX,
            }],
        },
    }
}

fn outcomes() -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for person in 1..=1 {
        for condition in conditions() {
            for number in 1..=2u16 {
                let chosen = usize::from((number + person) % 2);
                outcomes.push(Outcome {
                    respondent: format!("synthetic-{person}"),
                    split: 1,
                    question: QuestionId::number(number),
                    evidence: evidence(condition.method, chosen),
                    condition: condition.clone(),
                    candidates: 2,
                    label: 0,
                    prediction: Some(chosen),
                    context_tokens: 100,
                    shown: 50,
                });
            }
        }
    }
    outcomes
}

/// All that a run holds.
#[derive(Debug)]
struct Recorded {
    outcomes: Vec<Outcome>,
    torn: usize,
}

fn read(folder: &Path) -> Result<(Header, Recorded), RunError> {
    let mut outcomes = Vec::new();
    let mut reader = Reader::open(folder)?;
    for outcome in reader.by_ref() {
        outcomes.push(outcome?);
    }
    let torn = reader.whole().map_or(0, |whole| whole.torn);
    Ok((reader.header().clone(), Recorded { outcomes, torn }))
}

fn open(folder: &Path, header: &Header) -> Result<(Journal, Recorded), RunError> {
    let mut outcomes = Vec::new();
    let (journal, found) = Journal::open(folder, header, people, &mut |outcome| outcomes.push(outcome.clone()))?;
    assert_eq!(found.records, outcomes.len());
    let torn = found.torn;
    Ok((journal, Recorded { outcomes, torn }))
}

fn write_all(folder: &Path) {
    let (mut journal, _) = open(folder, &header()).expect("opens");
    for outcome in &outcomes() {
        journal.append(outcome).expect("appends");
    }
}

/// The files that grow, by name.
fn grown(folder: &Path) -> BTreeMap<&'static str, Vec<u8>> {
    let names = [RECORDS].into_iter().chain(EvidenceKind::ALL.map(file));
    names
        .map(|name| (name, std::fs::read(folder.join(name)).unwrap_or_default()))
        .collect()
}

#[test]
fn files_cut_at_any_byte_are_gone_on_with_to_the_same_bytes() {
    let whole = tempfile::tempdir().expect("a folder");
    write_all(whole.path());
    let expected = grown(whole.path());
    let folder = tempfile::tempdir().expect("a folder");
    for name in [RUN, PEOPLE] {
        std::fs::copy(whole.path().join(name), folder.path().join(name)).expect("a copy");
    }
    for (cut_file, bytes) in &expected {
        // Every byte of the records; of evidence, which is cut in the same way, those about the ends of lines and some between.
        let at_an_end = |cut: usize| bytes[cut.saturating_sub(2)..cut + 1].contains(&b'\n');
        let is_cut = |cut: &usize| *cut_file == RECORDS || cut.is_multiple_of(11) || at_an_end(*cut);
        for cut in (0..bytes.len()).filter(is_cut) {
            for (name, bytes) in &expected {
                let kept = if name == cut_file { &bytes[..cut] } else { &bytes[..] };
                std::fs::write(folder.path().join(name), kept).expect("a file cut short");
            }
            let (mut journal, recorded) = open(folder.path(), &header()).expect("opens");
            let known = recorded.outcomes.len();
            assert_eq!(recorded.outcomes, outcomes()[..known], "{cut_file} cut at {cut}");
            assert!(known < outcomes().len(), "{cut_file} cut at {cut}");
            for (name, now) in grown(folder.path()) {
                assert!(
                    expected[name].starts_with(&now),
                    "{name} is not a front, {cut_file} cut at {cut}"
                );
            }
            for outcome in &outcomes()[known..] {
                journal.append(outcome).expect("appends");
            }
            drop(journal);
            assert!(grown(folder.path()) == expected, "{cut_file} cut at {cut}");
        }
    }
}

#[test]
fn any_flipped_byte_of_any_file_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    write_all(folder.path());
    let names = [RUN, PEOPLE, RECORDS].into_iter().chain(EvidenceKind::ALL.map(file));
    for name in names {
        let path = folder.path().join(name);
        let bytes = std::fs::read(&path).expect("a file");
        // Every byte of what is read by itself; of the rest, which a hash covers as a whole or line by line, some.
        let is_flipped = |at: &usize| [RUN, RECORDS].contains(&name) || at.is_multiple_of(7);
        for at in (0..bytes.len()).filter(is_flipped) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            std::fs::write(&path, &flipped).expect("writes");
            match read(folder.path()) {
                Err(error) => assert!(error.to_string().contains(name), "{name}, byte {at}: {error}"),
                // A line feed that is none any more leaves a line less at the end.
                Ok((header, recorded)) => assert!(
                    recorded.outcomes.len() < header.outcomes && recorded.torn > 0,
                    "{name}, byte {at} is not found"
                ),
            }
        }
        std::fs::write(&path, &bytes).expect("writes");
    }
    read(folder.path()).expect("whole again");
}

#[test]
fn what_is_read_is_what_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    write_all(folder.path());
    let (found, recorded) = read(folder.path()).expect("reads");
    assert_eq!(found.difference(&header()), None);
    assert_eq!(found.conditions, header().conditions);
    assert_eq!(recorded.outcomes, outcomes());
    assert_eq!(recorded.torn, 0);
}

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, _) = open(folder.path(), &header()).expect("opens");
    assert!(matches!(open(folder.path(), &header()), Err(RunError::Locked { .. })));
    drop(first);
    open(folder.path(), &header()).expect("the lock is free again");
}

#[test]
fn another_run_is_refused_by_the_name_of_what_changed() {
    let folder = tempfile::tempdir().expect("a folder");
    write_all(folder.path());
    let mut weights = header();
    weights.hashes.insert("weights".into(), "cc".into());
    let mut prompt = header();
    prompt.hashes.insert("prompt_likelihood".into(), "cc".into());
    let mut dtype = header();
    dtype.model.dtype = Dtype::Bf16;
    let mut seed = header();
    seed.spec.demonstrations.seed = 9;
    for (other, name) in [
        (weights, "weights"),
        (prompt, "prompt_likelihood"),
        (dtype, "model.dtype"),
        (seed, "spec.demonstrations.seed"),
    ] {
        match open(folder.path(), &other) {
            Err(RunError::Changed { what, .. }) => assert!(what.starts_with(name), "{what} does not name {name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    // Where the survey file lies and what the run is called are not what it is.
    let mut moved = header();
    moved.spec.respondents.survey = "elsewhere.csv".into();
    moved.spec.title = "another title".into();
    open(folder.path(), &moved).expect("the same run");
}

#[test]
fn people_that_are_missing_are_written_anew_and_others_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    write_all(folder.path());
    let path = folder.path().join(PEOPLE);
    let before = std::fs::read(&path).expect("people");
    std::fs::remove_file(&path).expect("removes");
    open(folder.path(), &header()).expect("opens");
    assert_eq!(std::fs::read(&path).expect("people"), before);
    std::fs::remove_file(&path).expect("removes");
    let other = || PeopleFile {
        survey: "t.csv".into(),
        ..people()
    };
    let refused = Journal::open(folder.path(), &header(), other, &mut |_| {});
    assert!(matches!(refused, Err(RunError::Altered { path, .. }) if path.ends_with(PEOPLE)));
}

#[test]
fn a_number_that_is_none_is_not_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut journal, _) = open(folder.path(), &header()).expect("opens");
    let mut outcome = outcomes().remove(0);
    if let Evidence::Likelihood { scores } = &mut outcome.evidence {
        scores[1].logprobs[0] = f32::NAN;
    }
    let refused = journal.append(&outcome).expect_err("NaN").to_string();
    assert!(refused.contains("Q1") && refused.contains("NaN"), "{refused}");
    drop(journal);
    assert!(read(folder.path()).expect("reads").1.outcomes.is_empty());
}

#[test]
fn a_run_of_format_1_is_not_gone_on_with() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(RECORDS), "{\"format\":1}\n").expect("writes");
    let refused = open(folder.path(), &header()).expect_err("format 1");
    assert!(matches!(refused, RunError::OldFormat { .. }));
    assert!(
        refused
            .hint()
            .is_some_and(|hint| hint.contains("finish it with indieval 0.1"))
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("a file in the way");
    assert!(matches!(
        open(&file.join("run"), &header()),
        Err(RunError::Write { .. })
    ));
    assert!(matches!(read(folder.path()), Err(RunError::NoRun { .. })));
}
