//! Simulated individuals and wordings: every figure computed again from outcomes, in another way.

use std::collections::{BTreeMap, BTreeSet};

use indieval::metrics::RunData;
use indieval::report::Report;
use indieval::scoring::Method;

use super::{csv, options, plan};
use crate::invented;

/// Sums of floating-point numbers in another order.
const ROUNDING: f64 = 1e-9;

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= ROUNDING, "{found} for {expected}");
}

fn mean(figures: &[f64]) -> f64 {
    figures.iter().sum::<f64>() / figures.len() as f64
}

/// Kappa, diversity of choices, diversity of answers, distance.
type QuestionNumbers = (Option<f64>, f64, f64, f64);

/// The figures of every question, from its table of choices and answers.
fn by_question(run: &RunData) -> Vec<QuestionNumbers> {
    let mut tables: BTreeMap<_, BTreeMap<(usize, usize), f64>> = BTreeMap::new();
    for outcome in &run.outcomes {
        let pair = (outcome.prediction.expect("likelihoods are read"), outcome.label);
        *tables.entry(outcome.question).or_default().entry(pair).or_default() += 1.0;
    }
    let figures = |table: &BTreeMap<(usize, usize), f64>| {
        let n: f64 = table.values().sum();
        let side = |of: fn(&(usize, usize)) -> usize, at: usize| -> f64 {
            table
                .iter()
                .filter(|(pair, _)| of(pair) == at)
                .map(|(_, count)| count / n)
                .sum()
        };
        let places: BTreeSet<usize> = table.keys().flat_map(|(p, t)| [*p, *t]).collect();
        let shares: Vec<(f64, f64)> = places
            .iter()
            .map(|at| (side(|pair| pair.0, *at), side(|pair| pair.1, *at)))
            .collect();
        let seen: f64 = table
            .iter()
            .filter(|((p, t), _)| p == t)
            .map(|(_, count)| count / n)
            .sum();
        let chance: f64 = shares.iter().map(|(p, t)| p * t).sum();
        let kappa = (chance < 1.0).then(|| (seen - chance) / (1.0 - chance));
        let squares = |of: fn(&(f64, f64)) -> f64| 1.0 - shares.iter().map(|pair| of(pair).powi(2)).sum::<f64>();
        let apart: f64 = shares.iter().map(|(p, t)| (p - t).abs()).sum();
        (kappa, squares(|pair| pair.0), squares(|pair| pair.1), apart / 2.0)
    };
    tables.values().map(figures).collect()
}

/// Of how many people more, as much and less is known than the majority knows, as shares.
fn against_majority(run: &RunData) -> [f64; 3] {
    let majority: BTreeMap<_, _> = run
        .baselines
        .rows()
        .map(|row| ((row.respondent, row.split, row.question), row.majority))
        .collect();
    let mut ahead: BTreeMap<&str, i32> = BTreeMap::new();
    for outcome in &run.outcomes {
        let said = majority[&(outcome.respondent.clone(), outcome.split, outcome.question)];
        let right = |choice: Option<usize>| i32::from(choice == Some(outcome.label));
        *ahead.entry(&outcome.respondent).or_default() += right(outcome.prediction) - right(said);
    }
    [1, 0, -1].map(|sign| {
        let people = ahead.values().filter(|ahead| ahead.signum() == sign).count();
        people as f64 / ahead.len() as f64
    })
}

#[test]
fn figures_of_individuals_are_those_of_the_outcomes() {
    let run = invented::run(&plan("run", vec![invented::condition(Method::Likelihood, 50)]));
    let report = Report::new(std::slice::from_ref(&run), options()).expect("a report");
    let found = &report.sections.individuals[0];
    let questions = by_question(&run);
    let kappas: Vec<f64> = questions.iter().filter_map(|one| one.0).collect();
    assert_eq!(
        (found.questions.len(), found.with_kappa),
        (questions.len(), kappas.len())
    );
    near(found.kappa.expect("kappas"), mean(&kappas));
    let sum = |of: fn(&QuestionNumbers) -> f64| questions.iter().map(of).sum::<f64>();
    near(
        found.spread.expect("people differ"),
        sum(|one| one.1) / sum(|one| one.2),
    );
    near(
        found.distance.expect("questions"),
        sum(|one| one.3) / questions.len() as f64,
    );
    let beaten = &found.beaten[0];
    assert_eq!(beaten.baseline, "majority");
    let expected = against_majority(&run);
    near(beaten.people.better.value, expected[0]);
    near(beaten.people.equal, expected[1]);
    near(beaten.people.worse, expected[2]);
    // Baselines have figures but beat nobody; there is a line for everything, and one a question.
    assert!(report.sections.individuals[1..].iter().all(|one| one.beaten.is_empty()));
    let rows = csv(&report, "individuals");
    let all = rows.rows("scope").filter(|scope| scope == "question").count();
    assert_eq!(all, questions.len() * report.sections.individuals.len());
}

#[test]
fn one_condition_in_two_wordings_has_a_mean_and_a_range() {
    let like = |name, skill| {
        let mut plan = plan(name, vec![invented::condition(Method::Likelihood, 50)]);
        plan.skill = skill;
        invented::run(&plan)
    };
    let (first, mut second) = (like("one", 0.0), like("two", 0.5));
    // In the same words there is nothing to tell.
    let report = Report::new(&[first.clone(), second.clone()], options()).expect("a report");
    assert!(report.sections.wordings.is_empty());
    second
        .header
        .hashes
        .insert("prompt_likelihood".to_owned(), "another".to_owned());
    let report = Report::new(&[first, second], options()).expect("a report");
    let [found] = &report.sections.wordings[..] else {
        panic!("{:?}", report.sections.wordings)
    };
    let figures: Vec<f64> = found.wordings.iter().map(|one| one.accuracy.value).collect();
    assert_eq!(figures.len(), 2);
    near(found.mean, mean(&figures));
    near(found.highest - found.lowest, (figures[0] - figures[1]).abs());
    assert!(found.highest > found.lowest);
    let html = indieval::report::Page::new(&report).html().expect("a page");
    assert!(html.contains("Sensitivity to wording") && html.contains("built-in (two)"));
    assert_eq!(csv(&report, "wordings").rows("run").collect::<Vec<_>>(), ["one", "two"]);
}
