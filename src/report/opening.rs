//! The page's opening: the sentences that a reader should take away, and the picture beside them.

use super::names;
use super::naming::Naming;
use super::phrases::{STANDINGS, capital, list, number, share, standing, verdict, within};
use super::ranking::{Ranked, RankedPair};
use super::results::Results;
use super::section::SIDE_BY_SIDE;
use super::sections::diagonal;
use super::whole::Report;
use super::words::{contrast, crowd, marked, mean_shown, percent, range};
use crate::metrics::{Contrast, Estimate, System, Verdict};
use crate::scoring::{Condition, Control};

/// The first sentences of a report. Of one run, they are about the first method of its spec, which was chosen before any
/// result was known; of several, about all of them in order.
pub fn lede(report: &Report) -> Vec<String> {
    if !report.results.ranking.is_empty() {
        return ranked_lede(report);
    }
    let Some(&first) = report.results.headline.first() else {
        return restricted_lede(report);
    };
    let Some(estimate) = report.results.systems[first].scores.overall else {
        return report.results.silent().into_iter().collect();
    };
    let System::Model { condition, .. } = &report.results.systems[first].system else {
        return Vec::new();
    };
    let from = condition.category.as_deref().map(names::short_category);
    let alike = constant_answers(report, first).map_or(String::new(), |said| format!(" {said}"));
    let mut sentences = vec![format!(
        "{}, {} picks the statement that the same person would express next in {} of held-out questions, over {}.{alike}",
        setting(
            condition,
            report.results.systems[first].shown,
            from.as_deref(),
            &report.results.naming
        ),
        report.results.runs[report.results.systems[first].run].header.model.name,
        share(&estimate),
        crowd(report.results.systems[first].people, report.results.synthetic)
    )];
    sentences.extend(standings(report, first, "the model"));
    sentences
}

/// What must be known before an accuracy is believed: that the system answers alike whoever is asked.
fn constant_answers(report: &Report, system: usize) -> Option<String> {
    let choices = report
        .sections
        .choices
        .iter()
        .find(|choices| choices.system == system)?;
    Some(format!("{}.", capital(&choices.alike()?)))
}

/// How one system stands to each baseline.
fn standings(report: &Report, system: usize, who: &str) -> Vec<String> {
    let against = report.results.against.iter().filter(|against| against.system == system);
    let sentences = against.filter_map(|against| {
        let other = report.results.systems[against.baseline].scores.overall?;
        Some(format!(
            "{} reaches {} %; {who} is {}.",
            capital(&within(&report.results.baseline_label(against.baseline))),
            percent(Some(other.value)),
            verdict(&against.difference, against.difference.wrong.p)
        ))
    });
    sentences.collect()
}

/// All systems of several runs from the highest down, each with how sure its place before the next one is.
fn ranked_lede(report: &Report) -> Vec<String> {
    let people = range(
        report
            .results
            .ranking
            .iter()
            .map(|ranked| report.results.systems[ranked.system].people),
    );
    if report.results.ranking.len() > SIDE_BY_SIDE {
        return many_lede(report, &marked(people, report.results.synthetic));
    }
    let mut sentences = vec![format!(
        "{} systems in the order of their overall accuracy, over {}; differences to the next one are judged by p-values \
         adjusted for all pairs (Holm).",
        capital(&number(report.results.ranking.len())),
        marked(people, report.results.synthetic)
    )];
    for (rank, ranked) in report.results.ranking.iter().enumerate() {
        let Some(estimate) = report.results.systems[ranked.system].scores.overall else {
            sentences.push(format!("{}: it predicts nothing under its norm.", ranked.label));
            continue;
        };
        let next = match (&ranked.ahead_of_next, report.results.ranking.get(rank + 1)) {
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

/// Many systems in a few sentences: the highest and the lowest, what cannot be told from the highest, what is known of
/// pairs, how many are ahead of each baseline, and who answers alike whoever is asked.
fn many_lede(report: &Report, people: &str) -> Vec<String> {
    let results = &report.results;
    let overall = |ranked: &Ranked| results.systems[ranked.system].scores.overall;
    let scored: Vec<(&Ranked, Estimate)> = results
        .ranking
        .iter()
        .filter_map(|ranked| Some((ranked, overall(ranked)?)))
        .collect();
    let (Some((best, highest)), Some((worst, lowest))) = (scored.first(), scored.last()) else {
        return results.silent().into_iter().collect();
    };
    let mut sentences = vec![format!(
        "Of {} systems, over {people}, {} has the highest overall accuracy: {}. {} has the lowest: {}.",
        number(results.ranking.len()),
        best.label,
        share(highest),
        worst.label,
        share(lowest)
    )];
    sentences.extend(beside_the_best(results));
    sentences.push(pairs(results));
    sentences.extend(results.baselines.iter().filter_map(|at| over_baseline(results, *at)));
    let alike = results.ranking.iter();
    let alike = alike.filter(|ranked| constant_answers(report, ranked.system).is_some());
    let alike: Vec<&str> = alike.map(|ranked| ranked.label.as_str()).collect();
    if !alike.is_empty() {
        let (whose, verb) = match alike.len() {
            1 => ("Its accuracy says", "answers"),
            _ => ("Their accuracies say", "answer"),
        };
        sentences.push(format!(
            "{} {verb} nearly the same whoever is asked. {whose} little about knowing a person (Choices).",
            some(&alike)
        ));
    }
    sentences.extend(results.silent());
    sentences
}

/// Which systems cannot be told from the highest, or have no verdict beside it.
fn beside_the_best(results: &Results) -> Vec<String> {
    let best = &results.ranking[0].label;
    let beside = |wanted: fn(Verdict) -> bool| {
        let pairs = results
            .differences
            .iter()
            .filter(move |pair| pair.first == 0 && wanted(pair.verdict()));
        pairs
            .map(|pair| results.ranking[pair.second].label.as_str())
            .collect::<Vec<&str>>()
    };
    let of_best = || results.differences.iter().filter(|pair| pair.first == 0);
    if of_best().count() > 0 && of_best().all(|pair| pair.verdict() == Verdict::Ahead) {
        return vec![format!("{best} is ahead of every other system.")];
    }
    let open = beside(|verdict| verdict == Verdict::Open);
    let unjudged = beside(|verdict| matches!(verdict, Verdict::Constant | Verdict::Depends | Verdict::TooFew));
    let said = [
        (open, "not significantly different from the highest"),
        (unjudged, "not judged against the highest"),
    ];
    let said = said.into_iter().filter(|(systems, _)| !systems.is_empty());
    said.map(|(systems, how)| {
        let verb = if systems.len() == 1 { "is" } else { "are" };
        format!("{} {verb} {how}.", some(&systems))
    })
    .collect()
}

/// How many pairs differ.
fn pairs(results: &Results) -> String {
    let pairs = &results.differences;
    let told = |pair: &&RankedPair| matches!(pair.verdict(), Verdict::Ahead | Verdict::Behind);
    let open = |pair: &&RankedPair| pair.verdict() == Verdict::Open;
    let (told, open) = (pairs.iter().filter(told).count(), pairs.iter().filter(open).count());
    let (all, unjudged) = (pairs.len(), pairs.len() - told - open);
    let first = match (told, open) {
        (0, 0) => return format!("None of {all} pairs of systems can be judged (Differences)."),
        (0, _) => format!("None of {all} pairs of systems differs significantly"),
        (told, _) => format!("Of {all} pairs of systems {} differ significantly", number(told)),
    };
    let others = [
        (if told == 0 { 0 } else { open }, "do not"),
        (unjudged, "cannot be judged"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0);
    let others: String = others
        .map(|(count, how)| format!(", {} {how}", number(count)))
        .collect();
    format!("{first} once p is adjusted for all of them (Holm){others} (Differences).")
}

/// How many systems stand how to a baseline; nothing where none is compared with it.
fn over_baseline(results: &Results, baseline: usize) -> Option<String> {
    let reached = results.systems[baseline].scores.overall?;
    let against = || results.against.iter().filter(|against| against.baseline == baseline);
    let counted = STANDINGS.into_iter().filter_map(|place| {
        let here = against().filter(|against| standing(&against.difference) == place);
        match here.count() {
            0 => None,
            1 => Some(format!("one system is {place} it")),
            count => Some(format!("{} are {place} it", number(count))),
        }
    });
    let counted: Vec<String> = counted.collect();
    (!counted.is_empty()).then(|| {
        format!(
            "{} reaches {} %: {}.",
            capital(&within(&results.baseline_label(baseline))),
            percent(Some(reached.value)),
            counted.join(", ")
        )
    })
}

/// Names in a sentence; of many only the first.
fn some(names: &[&str]) -> String {
    const NAMED: usize = 3;
    match names.len() > NAMED + 1 {
        true => format!("{} and {} more", names[..NAMED].join(", "), names.len() - NAMED),
        false => list(names),
    }
}

/// " It is ahead of chance and behind majority.": one system's standing to all baselines in a sentence.
fn places(report: &Report, system: usize) -> String {
    let against = || {
        let own = report.results.against.iter().filter(|against| against.system == system);
        // How a constant answerer stands to its own rule is said with the rule.
        own.filter(|against| !against.difference.constant.own_rule)
    };
    let mut parts = Vec::new();
    for place in STANDINGS {
        let here = against().filter(|against| standing(&against.difference) == place);
        let labels: Vec<String> = here
            .map(|against| within(&report.results.baseline_label(against.baseline)))
            .collect();
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

/// The first sentences where no condition had demonstrations from all categories: the first grid's diagonal, what is
/// beside it, the other grids.
fn restricted_lede(report: &Report) -> Vec<String> {
    let grids = || report.sections.transfer.iter().filter(|grid| grid.main);
    let Some(grid) = grids().next() else {
        return Vec::new();
    };
    let first = grid.systems.first().map(|at| &report.results.systems[*at]);
    let Some(system) = first else { return Vec::new() };
    let (System::Model { condition, .. }, Some(same)) = (&system.system, grid.same.overall) else {
        return Vec::new();
    };
    let shown = crate::metrics::mean(grid.shown.iter().copied());
    let others = grid.others.overall.map_or(String::new(), |others| {
        format!(", and in {} of those about other categories", share(&others))
    });
    // Of several conditions none speaks for the others, unless all of them answer alike whoever is asked.
    let alike: Option<Vec<String>> = grid.systems.iter().map(|at| constant_answers(report, *at)).collect();
    // Where they do not all say the same, no figure of one may stand for the others.
    let alike = alike.map_or(String::new(), |said| match said.as_slice() {
        [] => String::new(),
        [first, rest @ ..] if rest.iter().all(|other| other == first) => format!(" {first}"),
        _ => " Whatever it is shown, it answers nearly the same whoever is asked.".to_owned(),
    });
    let mut sentences = vec![format!(
        "{}, {} picks the statement that the same person would express next in {} of held-out \
         questions about that category{others}, over {}.{alike}",
        setting(condition, shown, Some("one category"), &report.results.naming),
        report.results.runs[system.run].header.model.name,
        share(&same),
        crowd(system.people, report.results.synthetic)
    )];
    sentences.extend(grid.lift.overall.as_ref().map(same_category));
    for (baseline, over) in &grid.against {
        let Some(other) = report.results.systems[*baseline].scores.overall else {
            continue;
        };
        sentences.push(format!(
            "{} reaches {} %; the model shown the same category is {}.",
            capital(&within(&report.results.baseline_label(*baseline))),
            percent(Some(other.value)),
            verdict(over, over.wrong.p)
        ));
    }
    let rest = grids().filter(|other| other.label != grid.label);
    sentences.extend(rest.map(|grid| format!("{}: {}", capital(&grid.label), diagonal(grid))));
    sentences
}

/// Whether statements about the probe's own category help more than those about others.
fn same_category(lift: &Contrast) -> String {
    let points = contrast(Some(lift));
    match lift.verdict() {
        Verdict::Ahead => format!("Statements about the same category help: {points} points."),
        Verdict::Behind => format!("Statements about other categories help more: {points} points."),
        Verdict::Depends => format!("Whether the same category helps depends on unread answers: {points} points."),
        Verdict::Open => {
            format!(
                "Statements about the same and about other categories do not differ significantly: {points} points."
            )
        }
        Verdict::Constant => {
            format!(
                "Whether the same category helps is not judged (the model answers the same whoever is asked): {points} points."
            )
        }
        Verdict::TooFew => {
            format!("Whether the same category helps is not judged (too few people): {points} points.")
        }
    }
}

/// "Shown 200 statements of a person and asked by likelihood": how many really were, and from which category.
fn setting(condition: &Condition, shown: Option<f64>, from: Option<&str>, naming: &Naming) -> String {
    let method = names::method(condition.method);
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
        Control::SameCountry if naming.own_groups => "somebody of the same group",
        Control::SameCountry => "a compatriot",
    };
    let from = from.map_or(String::new(), |category| format!(", all from {category},"));
    format!(
        "Shown {} statements of {whose}{average}{from} and asked by {method}",
        mean_shown(shown)
    )
}
