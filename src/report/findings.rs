//! Sentences that the figures bear out: what a reader should take away, and what it depends on.

use super::numbers::{NormScores, Report, Transfer};
use super::words::{crowd, difference, mean_shown, percent};
use crate::metrics::{Estimate, System};
use crate::scoring::{Condition, Control};

/// The first sentence of a report: the best main system, how it fares against chance and baselines.
pub fn lede(report: &Report) -> Vec<String> {
    let overall = |at: usize| report.systems[at].scores.overall;
    let value = |at: usize| overall(at).map_or(f64::NEG_INFINITY, |e| e.value);
    let Some(best) = report
        .headline
        .iter()
        .copied()
        .reduce(|a, b| if value(b) > value(a) { b } else { a })
    else {
        return restricted_lede(report);
    };
    let Some(estimate) = overall(best) else {
        return Vec::new();
    };
    let System::Model { condition, .. } = &report.systems[best].system else {
        return Vec::new();
    };
    let from = condition.category.as_deref().map(super::names::short_category);
    let mut sentences = vec![format!(
        "{}, {} picks the statement that the same person would express next in {} of held-out questions, over {}.",
        setting(condition, report.systems[best].shown, from.as_deref()),
        report.runs[report.systems[best].run].header.model.name,
        share(&estimate),
        crowd(report.systems[best].people, report.synthetic)
    )];
    for against in report.against.iter().filter(|a| a.system == best) {
        let baseline = &report.systems[against.baseline];
        let Some(other) = baseline.scores.overall else { continue };
        sentences.push(format!(
            "{} reaches {} %; the model is {}.",
            capital(&report.baseline_label(against.baseline)),
            percent(Some(other.value)),
            verdict(&against.difference)
        ));
    }
    sentences
}

/// The first sentences where no condition had demonstrations from all categories: the best grid's diagonal, what is beside
/// it, the other grids.
fn restricted_lede(report: &Report) -> Vec<String> {
    let value = |grid: &Transfer| grid.same.overall.map_or(f64::NEG_INFINITY, |e| e.value);
    let grids = || report.transfer.iter().filter(|grid| grid.main);
    let Some(best) = grids().reduce(|a, b| if value(b) > value(a) { b } else { a }) else {
        return Vec::new();
    };
    let first = best.systems.first().map(|at| &report.systems[*at]);
    let Some(system) = first else { return Vec::new() };
    let (System::Model { condition, .. }, Some(same)) = (&system.system, best.same.overall) else {
        return Vec::new();
    };
    let shown = crate::metrics::mean(best.shown.iter().copied());
    let others = best.others.overall.map_or(String::new(), |others| {
        format!(", and in {} of those about other categories", share(&others))
    });
    let mut sentences = vec![format!(
        "{}, {} picks the statement that the same person would express next in {} of held-out \
         questions about that category{others}, over {}.",
        setting(condition, shown, Some("one category")),
        report.runs[system.run].header.model.name,
        share(&same),
        crowd(system.people, report.synthetic)
    )];
    if let Some(lift) = &best.lift.overall {
        let points = difference(Some(lift));
        sentences.push(match (lift.excludes(0.0), lift.value > 0.0) {
            (true, true) => format!("Statements about the same category help: {points} points."),
            (true, false) => format!("Statements about other categories help more: {points} points."),
            (false, _) => {
                format!("Statements about the same and about other categories are not told apart: {points} points.")
            }
        });
    }
    for (baseline, over) in &best.against {
        let Some(other) = report.systems[*baseline].scores.overall else {
            continue;
        };
        sentences.push(format!(
            "{} reaches {} %; the model shown the same category is {}.",
            capital(&report.baseline_label(*baseline)),
            percent(Some(other.value)),
            verdict(over)
        ));
    }
    let rest = grids().filter(|grid| grid.label != best.label);
    sentences.extend(rest.map(|grid| format!("{}: {}", capital(&grid.label), diagonal(grid))));
    sentences
}

/// "Same category 55.0 % (…), other categories …" for one grid.
pub fn diagonal(grid: &Transfer) -> String {
    let figure = |estimate: &Option<Estimate>| estimate.as_ref().map_or("–".to_owned(), share);
    format!(
        "same category {}, other categories {}, difference {} points.",
        figure(&grid.same.overall),
        figure(&grid.others.overall),
        difference(grid.lift.overall.as_ref())
    )
}

/// "52.1 % (95 % interval 50.0 to 54.3)".
fn share(estimate: &Estimate) -> String {
    let interval = estimate.spread.map_or(String::new(), |s| {
        format!(" (95 % interval {} to {})", percent(Some(s.low)), percent(Some(s.high)))
    });
    format!("{} %{interval}", percent(Some(estimate.value)))
}

/// "Shown 200 statements of a person and asked by likelihood": how many really were, and from which category.
fn setting(condition: &Condition, shown: Option<f64>, from: Option<&str>) -> String {
    let method = super::names::method(condition.method);
    if condition.demonstrations == 0 {
        return format!("Shown no statements and asked by {method}");
    }
    let asked = condition.demonstrations as f64;
    let shown = shown.unwrap_or(asked);
    let average = if (shown - asked).abs() < 0.05 {
        ""
    } else {
        " on average"
    };
    let whose = match condition.control {
        Control::Own => "a person",
        Control::None => "nobody",
        Control::Random => "a stranger",
        Control::SameCountry => "a compatriot",
    };
    let from = from.map_or(String::new(), |category| format!(", all from {category},"));
    format!(
        "Shown {} statements of {whose}{average}{from} and asked by {method}",
        mean_shown(shown)
    )
}

/// "ahead: +2.3 (+0.1 to +4.5) points" and the like; within the interval nothing is claimed.
pub fn verdict(estimate: &Estimate) -> String {
    let figure = difference(Some(estimate));
    match (estimate.excludes(0.0), estimate.value > 0.0) {
        (true, true) => format!("ahead: {figure} points"),
        (true, false) => format!("behind: {figure} points"),
        (false, _) => format!("not told apart from it: {figure} points"),
    }
}

/// Which conclusions hold under which norm.
pub fn norm_dependence(scores: &NormScores) -> Vec<String> {
    type Figure = fn(&super::numbers::NormRow) -> Option<Estimate>;
    let claims: [(&str, Figure); 2] = [
        ("chance", |row| row.over_chance),
        (&scores.baseline, |row| row.over_baseline),
    ];
    let mut sentences = Vec::new();
    for (other, figure) in claims {
        let judged: Vec<(&str, &str)> = scores
            .norms
            .iter()
            .filter_map(|row| Some((row.norm.name(), standing(&figure(row)?))))
            .collect();
        let standings: Vec<&str> = ["ahead of", "behind", "not told apart from"]
            .into_iter()
            .filter(|standing| judged.iter().any(|(_, s)| s == standing))
            .collect();
        match standings.as_slice() {
            [] => {}
            [one] => sentences.push(format!("Under every norm it is {one} {other}.")),
            several => {
                let parts: Vec<String> = several
                    .iter()
                    .map(|standing| {
                        let norms: Vec<&str> = judged
                            .iter()
                            .filter(|(_, s)| s == standing)
                            .map(|(norm, _)| *norm)
                            .collect();
                        format!("{standing} {other} under {}", list(&norms))
                    })
                    .collect();
                sentences.push(format!(
                    "The conclusion depends on the norm: it is {}.",
                    parts.join(", ")
                ));
            }
        }
    }
    sentences
}

fn standing(estimate: &Estimate) -> &'static str {
    match (estimate.excludes(0.0), estimate.value > 0.0) {
        (true, true) => "ahead of",
        (true, false) => "behind",
        (false, _) => "not told apart from",
    }
}

/// "a", "a and b", "a, b and c".
pub fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// The first letter in upper case.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Norm, Spread};
    use crate::report::numbers::NormRow;

    fn row(norm: Norm, low: f64, high: f64) -> NormRow {
        let estimate = Estimate {
            value: (low + high) / 2.0,
            spread: Some(Spread { se: 0.01, low, high }),
        };
        NormRow {
            norm,
            accuracy: estimate,
            agreement: None,
            over_chance: Some(estimate),
            over_baseline: None,
        }
    }

    #[test]
    fn a_conclusion_that_depends_on_the_norm_is_called_so() {
        let scores = |norms| NormScores {
            label: "x".into(),
            norms,
            baseline: "majority".into(),
        };
        let same = scores(vec![row(Norm::Sum, 0.01, 0.05), row(Norm::Byte, 0.02, 0.04)]);
        assert_eq!(norm_dependence(&same), ["Under every norm it is ahead of chance."]);
        let differ = scores(vec![
            row(Norm::Sum, 0.01, 0.05),
            row(Norm::Token, -0.02, 0.04),
            row(Norm::Pmi, 0.1, 0.2),
        ]);
        assert_eq!(
            norm_dependence(&differ),
            [
                "The conclusion depends on the norm: it is ahead of chance under sum and pmi, not told apart from chance \
              under token."
            ]
        );
    }

    #[test]
    fn nothing_is_claimed_within_the_interval() {
        let estimate = Estimate {
            value: 0.01,
            spread: Some(Spread {
                se: 0.01,
                low: -0.01,
                high: 0.03,
            }),
        };
        assert_eq!(verdict(&estimate), "not told apart from it: +1.0 (−1.0 to +3.0) points");
    }
}
