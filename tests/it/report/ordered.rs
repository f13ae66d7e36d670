//! Ordered and repeated answers, and weights: a report's figures against a plain recount.

use indieval::metrics::{RunData, SecondAnswer};
use indieval::report::Report;
use indieval::scoring::Method;

use super::{csv, options};

/// An invented run whose questions have scales, whose people have weights and were asked again: every third answer differs
/// then, in a way that rows tell.
pub fn run() -> RunData {
    let mut run = super::constant::run(Method::Label, |outcome| outcome.label, |outcome| outcome.candidates - 1);
    for question in &mut run.questions {
        question.values = (1..=question.candidates.len()).map(|place| place as f64).collect();
    }
    for (at, person) in run.people.iter_mut().enumerate() {
        person.weight = Some(0.5 + at as f64);
    }
    run.second_answers = run
        .outcomes
        .iter()
        .enumerate()
        .map(|(at, outcome)| SecondAnswer {
            respondent: outcome.respondent.clone(),
            question: outcome.question,
            answer: if at % 3 == 0 {
                (outcome.label + 1) % outcome.candidates
            } else {
                outcome.label
            },
        })
        .collect();
    run
}

#[test]
fn weights_and_second_answers_are_counted_as_a_plain_loop_counts_them() {
    let run = run();
    let report = Report::new(std::slice::from_ref(&run), options()).expect("a report");
    let found = &report.sections.asked_again[0];
    // Of one question that stands in several splits the later second answer counts, as it does in the file.
    let again: std::collections::HashMap<_, _> = run
        .second_answers
        .iter()
        .map(|one| ((one.respondent.as_str(), one.question), one.answer))
        .collect();
    let (mut right, mut alike, mut chance) = (0.0, 0.0, 0.0);
    let (mut weighted, mut weights) = (0.0, 0.0);
    for outcome in &run.outcomes {
        let correct = outcome.prediction == Some(outcome.label);
        right += f64::from(u8::from(correct));
        alike += f64::from(u8::from(
            again[&(outcome.respondent.as_str(), outcome.question)] == outcome.label,
        ));
        chance += 1.0 / outcome.candidates as f64;
        let person = run
            .people
            .iter()
            .find(|person| person.id == outcome.respondent)
            .expect("a person");
        let weight = person.weight.expect("a weight");
        weighted += if correct { weight } else { 0.0 };
        weights += weight;
    }
    let n = run.outcomes.len() as f64;
    // Sums of a few hundred shares of the same numbers.
    let near = |found: Option<f64>, expected: f64| (found.expect("a figure") - expected).abs() < 1e-12;
    assert_eq!(found.probes, run.outcomes.len());
    assert!(
        near(found.accuracy, right / n) && near(found.retest, alike / n),
        "{found:?}"
    );
    assert!(near(found.normalised, right / alike), "{found:?}");
    assert!(near(found.skill, (right - chance) / (alike - chance)), "{found:?}");
    assert!(near(found.weighted, weighted / weights), "{found:?}");
    assert!(csv(&report, "asked-again").rows("method").count() > 1);
}

#[test]
fn how_far_choices_are_off_is_told_for_everybody_and_by_group() {
    let run = run();
    let report = Report::new(std::slice::from_ref(&run), options()).expect("a report");
    let all = &report.sections.ordered[0];
    assert_eq!(all.group, None);
    let mut by_question: std::collections::BTreeMap<_, Vec<f64>> = std::collections::BTreeMap::new();
    for outcome in &run.outcomes {
        let distance = outcome.prediction.expect("read").abs_diff(outcome.label) as f64;
        by_question.entry(outcome.question).or_default().push(distance);
    }
    let means = by_question
        .values()
        .map(|list| list.iter().sum::<f64>() / list.len() as f64);
    let mean = means.sum::<f64>() / by_question.len() as f64;
    assert!((all.mean_absolute_error.expect("a figure") - mean).abs() < 1e-12);
    // The last answer for everybody: nothing varies, so there is no r.
    assert_eq!((all.correlation, all.constant), (None, all.questions));
    assert_eq!(all.spread_ratio, Some(0.0));
    assert!(
        report
            .sections
            .ordered
            .iter()
            .any(|one| one.group.as_deref().is_some_and(|group| group.contains(": ")))
    );
}
