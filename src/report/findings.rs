//! Sentences that the figures bear out: what a reader should take away, and what it depends on.

use super::numbers::{NormScores, Report, Transfer};
use super::words::{contrast, crowd, mean_shown, otherwise, percent};
use crate::metrics::{Constancy, Contrast, Estimate, System, Verdict};
use crate::scoring::{Condition, Control};

/// The first sentences of a report. Of one run, they are about the first method of its spec, which was chosen before any
/// result was known; of several, about all of them in order.
pub fn lede(report: &Report) -> Vec<String> {
    if !report.ranking.is_empty() {
        return ranked_lede(report);
    }
    let Some(&first) = report.headline.first() else {
        return restricted_lede(report);
    };
    let Some(estimate) = report.systems[first].scores.overall else {
        return Vec::new();
    };
    let System::Model { condition, .. } = &report.systems[first].system else {
        return Vec::new();
    };
    let from = condition.category.as_deref().map(super::names::short_category);
    let mut sentences = vec![format!(
        "{}, {} picks the statement that the same person would express next in {} of held-out questions, over {}.",
        setting(condition, report.systems[first].shown, from.as_deref()),
        report.runs[report.systems[first].run].header.model.name,
        share(&estimate),
        crowd(report.systems[first].people, report.synthetic)
    )];
    sentences.extend(constant_answers(report, first));
    sentences.extend(standings(report, first, "the model"));
    sentences
}

/// What must be known before an accuracy is believed: that the system answers alike whoever is asked.
fn constant_answers(report: &Report, system: usize) -> Option<String> {
    let choices = report.choices.iter().find(|choices| choices.system == system)?;
    Some(format!("{}.", capital(&alike(&choices.constancy?))))
}

/// "chooses the first candidate on 100 % of probes: its accuracy is that of always doing so" and the like.
pub fn alike(constancy: &Constancy) -> String {
    let figure = |share: f64| format!("{} %", super::words::whole_percent(share));
    match constancy {
        Constancy::Position { position, share } => format!(
            "it chooses the {} candidate on {} of probes (people's own answers: {}): its accuracy is that of always doing so",
            ordinal(*position),
            figure(share.chosen),
            figure(share.own)
        ),
        Constancy::Question { share } => format!(
            "it answers a question alike whoever is asked, on {} of probes (people's own answers are alike on {}): its \
             accuracy is that of always giving its commonest answer",
            figure(share.chosen),
            figure(share.own)
        ),
        Constancy::Shortest { share } => format!(
            "it chooses the shortest candidate on {} of the probes whose candidates differ in length (people's own answers: \
             {}): its accuracy is that of always doing so",
            figure(share.chosen),
            figure(share.own)
        ),
    }
}

/// "first", "second" and so on, from 0.
pub fn ordinal(position: usize) -> String {
    const WORDS: [&str; 8] = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth",
    ];
    WORDS
        .get(position)
        .map_or_else(|| format!("{}th", position + 1), |word| (*word).to_owned())
}

/// How one system stands to each baseline.
fn standings(report: &Report, system: usize, who: &str) -> Vec<String> {
    let against = report.against.iter().filter(|against| against.system == system);
    let sentences = against.filter_map(|against| {
        let other = report.systems[against.baseline].scores.overall?;
        Some(format!(
            "{} reaches {} %; {who} is {}.",
            capital(&report.baseline_label(against.baseline)),
            percent(Some(other.value)),
            verdict(&against.difference, against.difference.wrong.p)
        ))
    });
    sentences.collect()
}

/// All systems of several runs from the highest down, each with how sure its place before the next one is.
fn ranked_lede(report: &Report) -> Vec<String> {
    let people = super::words::range(report.ranking.iter().map(|ranked| report.systems[ranked.system].people));
    let synthetic = if report.synthetic { "synthetic " } else { "" };
    let mut sentences = vec![format!(
        "{} systems in the order of their overall accuracy, over {}; differences to the next one are judged by p-values \
         adjusted for all pairs (Holm).",
        capital(&number(report.ranking.len())),
        people.replacen(' ', &format!(" {synthetic}"), 1).replace("  ", " ")
    )];
    for (rank, ranked) in report.ranking.iter().enumerate() {
        let Some(estimate) = report.systems[ranked.system].scores.overall else {
            continue;
        };
        let next = match (&ranked.ahead_of_next, report.ranking.get(rank + 1)) {
            (Some(contrast), Some(next)) => {
                format!(" Against {}: {}.", next.label, verdict(contrast, ranked.p_adjusted))
            }
            _ => String::new(),
        };
        let alike = constant_answers(report, ranked.system).map_or(String::new(), |said| format!(" {said}"));
        let places = places(report, ranked.system);
        sentences.push(format!("{}: {}.{alike}{places}{next}", ranked.label, share(&estimate)));
    }
    sentences
}

/// " It is ahead of chance and behind majority.": one system's standing to all baselines in a sentence.
fn places(report: &Report, system: usize) -> String {
    let against = || report.against.iter().filter(|against| against.system == system);
    let mut parts = Vec::new();
    for place in ["ahead of", "behind", "not told apart from", "not judged against"] {
        let here = against().filter(|against| standing(&against.difference) == place);
        let labels: Vec<String> = here.map(|against| report.baseline_label(against.baseline)).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        if !labels.is_empty() {
            parts.push(format!("{place} {}", list(&labels)));
        }
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!(" It is {}.", parts.join(", ")),
    }
}

/// A small number as a word.
fn number(count: usize) -> String {
    const WORDS: [&str; 11] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    ];
    WORDS
        .get(count)
        .map_or_else(|| count.to_string(), |word| (*word).to_owned())
}

/// The first sentences where no condition had demonstrations from all categories: the first grid's diagonal, what is
/// beside it, the other grids.
fn restricted_lede(report: &Report) -> Vec<String> {
    let grids = || report.transfer.iter().filter(|grid| grid.main);
    let Some(told) = grids().next() else {
        return Vec::new();
    };
    let first = told.systems.first().map(|at| &report.systems[*at]);
    let Some(system) = first else { return Vec::new() };
    let (System::Model { condition, .. }, Some(same)) = (&system.system, told.same.overall) else {
        return Vec::new();
    };
    let shown = crate::metrics::mean(told.shown.iter().copied());
    let others = told.others.overall.map_or(String::new(), |others| {
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
    if let Some(lift) = &told.lift.overall {
        let points = contrast(Some(lift));
        sentences.push(match lift.verdict() {
            Verdict::Ahead => format!("Statements about the same category help: {points} points."),
            Verdict::Behind => format!("Statements about other categories help more: {points} points."),
            Verdict::Depends => format!("Whether the same category helps depends on unread answers: {points} points."),
            Verdict::Open | Verdict::Constant | Verdict::TooFew => {
                format!("Statements about the same and about other categories are not told apart: {points} points.")
            }
        });
    }
    for (baseline, over) in &told.against {
        let Some(other) = report.systems[*baseline].scores.overall else {
            continue;
        };
        sentences.push(format!(
            "{} reaches {} %; the model shown the same category is {}.",
            capital(&report.baseline_label(*baseline)),
            percent(Some(other.value)),
            verdict(over, over.wrong.p)
        ));
    }
    let rest = grids().filter(|grid| grid.label != told.label);
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
        contrast(grid.lift.overall.as_ref())
    )
}

/// "52.1 % (95 % interval 50.0 to 54.3)".
fn share(estimate: &Estimate) -> String {
    let interval = estimate.ends().map_or(String::new(), |(low, high)| {
        format!(" (95 % interval {} to {})", percent(Some(low)), percent(Some(high)))
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

/// "ahead: +2.3 (+0.1 to +4.5) points" and the like. A direction is claimed only where p (adjusted where several pairs are
/// judged), interval and all rules for unread answers agree.
pub fn verdict(judged: &Contrast, p: Option<f64>) -> String {
    let figure = contrast(Some(judged));
    match judged.verdict_at(p) {
        Verdict::Ahead => format!("ahead: {figure} points"),
        Verdict::Behind => format!("behind: {figure} points"),
        Verdict::Open => format!("not told apart from it: {figure} points"),
        Verdict::TooFew => format!("not judged (too few people): {figure} points"),
        Verdict::Constant => format!("not judged (it answers alike whoever is asked): {figure} points"),
        Verdict::Depends => {
            let [shared, chance] = otherwise(Some(judged));
            format!(
                "not judged, because that depends on {} unread answers: {figure} points if they are wrong, {chance} if they are \
                 worth a guess, {shared} on the probes that both sides could read",
                judged.unread
            )
        }
    }
}

/// Which conclusions hold under which norm.
pub fn norm_dependence(scores: &NormScores) -> Vec<String> {
    type Figure = fn(&super::numbers::NormRow) -> Option<Contrast>;
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
        let standings: Vec<&str> = ["ahead of", "behind", "not told apart from", "not judged against"]
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

fn standing(judged: &Contrast) -> &'static str {
    match judged.verdict() {
        Verdict::Ahead => "ahead of",
        Verdict::Behind => "behind",
        Verdict::Open => "not told apart from",
        Verdict::Depends | Verdict::Constant | Verdict::TooFew => "not judged against",
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
    use crate::metrics::{Interval, Norm, Tested};
    use crate::report::numbers::NormRow;

    fn judged(low: f64, high: f64) -> Contrast {
        let estimate = Estimate {
            value: (low + high) / 2.0,
            people: 40,
            se: Some(0.01),
            interval: Interval::Percentile { low, high },
        };
        let p = Some(if estimate.excludes(0.0) { 0.01 } else { 0.3 });
        Contrast {
            wrong: Tested { estimate, p },
            unread: 0,
            otherwise: None,
            constant: Default::default(),
        }
    }

    fn row(norm: Norm, low: f64, high: f64) -> NormRow {
        let contrast = judged(low, high);
        NormRow {
            norm,
            accuracy: Some(contrast.wrong.estimate),
            shortest: None,
            agreement: None,
            over_chance: Some(contrast),
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
        let contrast = judged(-0.01, 0.03);
        let said = verdict(&contrast, contrast.wrong.p);
        assert_eq!(said, "not told apart from it: +1.0 (−1.0 to +3.0) points");
        // An interval without 0 does not help where p, adjusted for other pairs, is above the level.
        assert!(verdict(&judged(0.01, 0.03), Some(0.2)).starts_with("not told apart"));
        assert!(verdict(&judged(0.01, 0.03), Some(0.02)).starts_with("ahead"));
    }
}
