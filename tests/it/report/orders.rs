//! Options listed in several orders, and records that miss some of them.

use indieval::report::Report;
use indieval::scoring::{Evidence, Method, Permutation};

use super::{csv, options, plan, table};
use crate::invented;

/// A label run whose probes are asked in as many cyclic orders as they have candidates. In its first order a probe chooses
/// what it predicts; on every fourth probe the next order chooses something else. Of every third probe only the first order
/// is recorded.
#[test]
fn flips_are_counted_where_two_orders_gave_a_choice_and_the_report_says_on_how_many_probes() {
    let mut run = invented::run(&plan("run", vec![invented::condition(Method::Label, 200)]));
    let (mut several, mut flipped) = (0, 0);
    for (number, outcome) in run.outcomes.iter_mut().enumerate() {
        let k = outcome.candidates;
        let chosen = outcome.prediction.expect("labels are always read");
        let Evidence::Label { permutations, .. } = &mut outcome.evidence else {
            panic!("a label run");
        };
        let orders = if number % 3 == 0 { 1 } else { k };
        let flips = number % 4 == 0;
        several += usize::from(orders > 1);
        flipped += usize::from(orders > 1 && flips);
        let order = |shift: usize| -> Vec<usize> { (0..k).map(|at| (at + shift) % k).collect() };
        *permutations = (0..orders)
            .map(|shift| {
                let order = order(shift);
                let choice = if flips && shift > 0 { (chosen + 1) % k } else { chosen };
                let logprobs = order.iter().map(|at| if *at == choice { -0.1 } else { -3.0 }).collect();
                Permutation { order, logprobs }
            })
            .collect();
    }
    let report = Report::new(std::slice::from_ref(&run), options()).expect("a report");
    let flips = report.sections.choices[0].flips.expect("several orders");
    assert_eq!(flips.probes, several);
    assert!((flips.share - flipped as f64 / several as f64).abs() < 1e-12);
    let words = format!("{:.1} (of {several} probes)", 100.0 * flips.share);
    assert!(table(&report, "choices").text().contains(&words), "{words}");
    let html = indieval::report::Page::new(&report).html().expect("a page");
    assert!(html.contains(&words), "{words}");
    assert!(
        csv(&report, "choices")
            .rows("flips_probes")
            .all(|probes| probes == several.to_string())
    );
    // Where no probe has a second order, nothing can be said of flips.
    for outcome in &mut run.outcomes {
        if let Evidence::Label { permutations, .. } = &mut outcome.evidence {
            permutations.truncate(1);
        }
    }
    let report = Report::new(&[run], options()).expect("a report");
    assert_eq!(report.sections.choices[0].flips, None);
    assert!(csv(&report, "choices").rows("flips").all(|share| share.is_empty()));
}

/// Generated answers: an order whose answer could not be read says nothing, and a text that was asked for again in the same
/// order is no second one.
#[test]
fn an_order_without_a_readable_answer_does_not_count() {
    let mut run = invented::run(&plan("run", vec![invented::condition(Method::Generation, 200)]));
    let mut several = 0;
    for (number, outcome) in run.outcomes.iter_mut().enumerate() {
        let k = outcome.candidates;
        let Evidence::Generation { tries, .. } = &mut outcome.evidence else {
            panic!("a generation run");
        };
        let Some(chosen) = outcome.prediction else { continue };
        let first = tries[0].clone();
        let mut second = first.clone();
        match number % 3 {
            // Asked again in the same order.
            0 => {}
            // A second order that could not be read.
            1 => {
                second.order.rotate_left(1);
                second.choice = None;
            }
            // A second order with another choice.
            _ => {
                second.order.rotate_left(1);
                second.choice = Some((chosen + 1) % k);
                several += 1;
            }
        }
        *tries = vec![first, second];
    }
    let report = Report::new(std::slice::from_ref(&run), options()).expect("a report");
    let flips = report.sections.choices[0].flips.expect("several orders");
    assert_eq!((flips.probes, flips.share), (several, 1.0));
}
