//! A method that has a file and a place in the list is found everywhere: in the run, its journal, verification, the report
//! and comparisons. The method is `scoring/methods/toy.rs`, which no other file knows.

use std::collections::BTreeMap;

use super::{Comparisons, Factor, Report, ReportOptions};
use crate::metrics::{Resampling, System};
use crate::model::{self, OpenOptions, source::Silent};
use crate::run::{self, Experiment, Spec, Unobserved};
use crate::scoring::Outcome;

const NAME: &str = "toy";

fn spec() -> Spec {
    let text = format!("[grid]\nmethods = ['label', '{NAME}']\nsplits = [1]\ndemonstrations = [3]");
    let mut spec: Spec = toml::from_str(&text).expect("a spec may name it");
    spec.respondents.survey = concat!(env!("CARGO_MANIFEST_DIR"), "/data/synthetic-respondents.csv").into();
    spec.respondents.limit = Some(2);
    spec
}

#[test]
fn a_method_of_one_file_is_found_in_the_run_the_journal_verify_the_report_and_compare() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut opened = model::open("fake:1", &OpenOptions::default(), &mut Silent).expect("a model");
    let experiment = Experiment::read(spec(), &opened).expect("an experiment");
    run::evaluate(&experiment, &mut opened, folder.path(), &mut Unobserved).expect("a run");

    let recorded = run::load(folder.path()).expect("records");
    let outcomes = &recorded.outcomes;
    let of_toy = |outcome: &&Outcome| outcome.condition.method.name() == NAME;
    assert_eq!(outcomes.iter().filter(of_toy).count() * 2, outcomes.len());
    assert!(recorded.header.hashes.contains_key(&format!("prompt_{NAME}")));

    let chosen: Vec<usize> = (0..outcomes.len()).collect();
    let numbered = |outcomes: &[Outcome]| outcomes.iter().cloned().enumerate().collect::<BTreeMap<_, _>>();
    let verified = experiment
        .verify(&mut opened, &numbered(outcomes), &chosen, 0.0)
        .expect("verifies");
    assert_eq!((verified.records, verified.differences), (outcomes.len(), Vec::new()));
    let mut changed = outcomes.clone();
    let at = changed.iter().position(|outcome| of_toy(&outcome)).expect("one");
    changed[at].prediction = changed[at].prediction.map(|choice| usize::from(choice == 0));
    let verified = experiment
        .verify(&mut opened, &numbered(&changed), &[at], 0.0)
        .expect("verifies");
    assert!(!verified.differences.is_empty());

    let options = ReportOptions {
        resampling: Resampling {
            resamples: 20,
            ..Resampling::default()
        },
        ..ReportOptions::default()
    };
    let runs = [recorded];
    let report = Report::new(&runs, options).expect("a report");
    let is_toy = |at: &&usize| match &report.results.systems[**at].system {
        System::Model { condition, .. } => condition.method.name() == NAME,
        _ => false,
    };
    assert_eq!(report.results.headline.iter().filter(is_toy).count(), 1);
    assert!(report.tables()[0].markdown().contains("toy, backwards"));
    let comparisons = Comparisons::new(&runs, Factor::Method, options).expect("comparisons");
    assert_eq!(comparisons.pairs.len(), 1);
}
