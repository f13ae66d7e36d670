//! The sections of a report beside the main table, each from the panels of the bench.

use std::collections::BTreeMap;

use super::build::Bench;
use super::names;
use super::numbers::{
    Curve, Lift, MethodPair, NormRow, NormScores, SystemCalibration, SystemGroups, SystemReadings, SystemScores,
};
use crate::metrics::{
    MetricsError, Norm, Paired, Panel, Sums, System, Unread, agreement, bounds, by_group, calibration,
    candidate_scores, clustered, readings, softmax,
};
use crate::scoring::{Condition, Control, Method};
use crate::survey::Form;

/// Accuracy against number of demonstrations: own demonstrations of all categories, one curve for everything else
/// that is equal. None at all belong to every form.
pub(super) fn curves(bench: &Bench<'_>, systems: &[SystemScores]) -> Vec<Curve> {
    type Key = (usize, Method, Form, bool);
    let mut curves: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    let mut without: Vec<(Key, usize)> = Vec::new();
    for (at, entry) in bench.entries.iter().enumerate() {
        let Some(condition) = entry
            .condition()
            .filter(|condition| condition.category.is_none() && condition.control.is_own())
        else {
            continue;
        };
        let key = (entry.run, condition.method, condition.form, condition.demographics);
        if condition.demonstrations == 0 {
            without.push((key, at));
        } else {
            curves.entry(key).or_default().push(at);
        }
    }
    for ((run, method, _, demographics), at) in without {
        for (key, list) in &mut curves {
            if (key.0, key.1, key.3) == (run, method, demographics) {
                list.push(at);
            }
        }
    }
    curves.retain(|_, list| list.len() > 1);
    let ends: Vec<usize> = curves.values().filter_map(|list| list.first().copied()).collect();
    let mut parts: Vec<_> = ends.iter().map(|at| bench.entries[*at].parts.clone()).collect();
    parts.iter_mut().for_each(|parts| parts[4].clear());
    let labels = names::labels(&parts);
    curves
        .into_values()
        .zip(labels)
        .map(|(list, label)| {
            let mut points: Vec<(usize, _)> = list
                .into_iter()
                .filter_map(|at| {
                    Some((
                        bench.entries[at].condition()?.demonstrations,
                        systems[at].scores.overall?,
                    ))
                })
                .collect();
            points.sort_by_key(|(demonstrations, _)| *demonstrations);
            Curve { label, points }
        })
        .collect()
}

/// Main conditions by demographic group.
pub(super) fn groups(bench: &Bench<'_>) -> Vec<SystemGroups> {
    let labels = bench.labels(&bench.headline);
    bench
        .headline
        .iter()
        .zip(labels)
        .map(|(&system, label)| {
            let panel = &bench.entries[system].panel;
            let sums = Sums::of_panel(panel, bench.categories(), panel.credit(Unread::Wrong));
            let inequity = by_group(&sums, &bench.roster, &bench.options.resampling);
            SystemGroups {
                system,
                label,
                inequity,
            }
        })
        .filter(|groups| !groups.inequity.dimensions.is_empty())
        .collect()
}

/// Main conditions of one run against each other: its methods on the same probes.
pub(super) fn methods(bench: &Bench<'_>) -> Result<Vec<MethodPair>, MetricsError> {
    let mut pairs = Vec::new();
    let labels = bench.labels(&bench.headline);
    for (position, &first) in bench.headline.iter().enumerate() {
        for (behind, &second) in bench.headline[position + 1..].iter().enumerate() {
            if bench.entries[first].run != bench.entries[second].run {
                continue;
            }
            let (a, b) = (&bench.entries[first].parts, &bench.entries[second].parts);
            let common: Vec<&str> = (0..9)
                .filter(|part| *part != 0 && a[*part] == b[*part] && !a[*part].is_empty())
                .map(|part| a[part].as_str())
                .collect();
            pairs.push(MethodPair {
                first: labels[position].clone(),
                second: labels[position + 1 + behind].clone(),
                common: common.join(" · "),
                comparison: bench
                    .pair(first, second)?
                    .compare(bench.categories(), &bench.options.resampling),
            });
        }
    }
    Ok(pairs)
}

/// Main likelihood conditions under every norm that their records allow.
pub(super) fn norms(bench: &Bench<'_>, systems: &[SystemScores]) -> Result<Vec<NormScores>, MetricsError> {
    let how = &bench.options.resampling;
    let mut all = Vec::new();
    let likelihoods: Vec<usize> = likelihood_conditions(bench);
    for (&at, label) in likelihoods.iter().zip(bench.labels(&likelihoods)) {
        let entry = &bench.entries[at];
        let run = &bench.runs[entry.run];
        let Some(condition) = entry.condition() else { continue };
        let chance = bench.baselines[entry.run]
            .iter()
            .copied()
            .find(|b| bench.entries[*b].system == System::Chance);
        let strongest = bench.baselines[entry.run]
            .iter()
            .copied()
            .filter(|b| Some(*b) != chance)
            .max_by(|a, b| overall(systems, *a).total_cmp(&overall(systems, *b)));
        let mut rows = Vec::new();
        for norm in Norm::ALL {
            let system = System::Model {
                condition: condition.clone(),
                norm,
            };
            let panel = Panel::new(run, &bench.roster, &system)?;
            // A norm that some record does not allow would turn those into unread choices.
            if panel.unread() > entry.panel.unread() {
                continue;
            }
            let sums = Sums::of_panel(&panel, bench.categories(), panel.credit(Unread::Wrong));
            let Some(accuracy) = clustered(&sums, how).overall else {
                continue;
            };
            let names = (norm.name(), "the other");
            let over = |baseline: Option<usize>| -> Result<_, MetricsError> {
                let Some(baseline) = baseline else { return Ok(None) };
                let other = &bench.entries[baseline].panel;
                let paired = Paired::new(&panel, other, Unread::Wrong, &bench.roster, names)?;
                Ok(paired.difference(bench.categories(), how).overall)
            };
            let with_main = Paired::new(&panel, &entry.panel, Unread::Wrong, &bench.roster, names)?;
            rows.push(NormRow {
                norm,
                accuracy,
                agreement: (norm != bench.norms[entry.run])
                    .then(|| agreement(&with_main.pairs, |_| true))
                    .flatten(),
                over_chance: over(chance)?,
                over_baseline: over(strongest)?,
            });
        }
        let baseline = strongest
            .map(|b| names::baseline(&bench.entries[b].system))
            .unwrap_or_default();
        all.push(NormScores {
            label,
            norms: rows,
            baseline,
        });
    }
    Ok(all)
}

fn overall(systems: &[SystemScores], at: usize) -> f64 {
    systems[at].scores.overall.map_or(f64::NEG_INFINITY, |e| e.value)
}

fn likelihood_conditions(bench: &Bench<'_>) -> Vec<usize> {
    let is_likelihood = |at: &usize| {
        bench.entries[*at]
            .condition()
            .is_some_and(|c| c.method.definition().is_normed())
    };
    bench.headline.iter().copied().filter(is_likelihood).collect()
}

/// Calibration of main conditions that give every candidate a probability, under their headline norm.
pub(super) fn calibrations(bench: &Bench<'_>) -> Vec<SystemCalibration> {
    let labels = bench.labels(&bench.headline);
    let mut all = Vec::new();
    for (&at, label) in bench.headline.iter().zip(labels) {
        let entry = &bench.entries[at];
        let Some(condition) = entry.condition() else { continue };
        let probes = bench.runs[entry.run]
            .outcomes
            .iter()
            .filter(|outcome| outcome.condition == *condition)
            .filter_map(|outcome| {
                Some((
                    softmax(&candidate_scores(outcome, bench.norms[entry.run])?)?,
                    outcome.label,
                ))
            });
        if let Some(calibration) = calibration(probes) {
            all.push(SystemCalibration { label, calibration });
        }
    }
    all
}

/// How generated answers were read, by condition.
pub(super) fn readings_of(bench: &Bench<'_>) -> Vec<SystemReadings> {
    let counts: Vec<BTreeMap<Condition, _>> = bench.runs.iter().map(readings).collect();
    let generated: Vec<usize> = (0..bench.entries.len())
        .filter(|at| {
            let entry = &bench.entries[*at];
            entry
                .condition()
                .is_some_and(|condition| counts[entry.run].contains_key(condition))
        })
        .collect();
    let labels = bench.labels(&generated);
    generated
        .iter()
        .zip(labels)
        .filter_map(|(&at, label)| {
            let entry = &bench.entries[at];
            let condition = entry.condition()?.clone();
            let readings = counts[entry.run].get(&condition)?.clone();
            Some(SystemReadings {
                label,
                condition,
                readings,
                bounds: bounds(&entry.panel, bench.categories()),
            })
        })
        .collect()
}

/// Own demonstrations against each control. "Nobody's" is also the condition without demonstrations and demographics,
/// which asks the same and is stored once.
pub(super) fn lift(bench: &Bench<'_>) -> Result<Vec<Lift>, MetricsError> {
    let mut found: Vec<(usize, usize, Control)> = Vec::new();
    for (at, entry) in bench.entries.iter().enumerate() {
        let Some(own) = entry.condition().filter(|c| c.control.is_own() && c.category.is_none()) else {
            continue;
        };
        for control in [Control::None, Control::Random, Control::SameCountry] {
            let other = bench.entries.iter().position(|other| {
                other.run == entry.run
                    && other
                        .condition()
                        .is_some_and(|condition| is_control_of(own, condition, control))
            });
            // Every number of demonstrations has a condition without any; only the main condition is held against it.
            if let Some(other) = other.filter(|_| control != Control::None || bench.headline.contains(&at)) {
                found.push((at, other, control));
            }
        }
    }
    let owns: Vec<usize> = found.iter().map(|(own, _, _)| *own).collect();
    let mut distinct = owns.clone();
    distinct.dedup();
    let labels: BTreeMap<usize, String> = distinct.iter().copied().zip(bench.labels(&distinct)).collect();
    found
        .into_iter()
        .map(|(own, other, control)| {
            let paired = bench.pair(own, other)?;
            let comparison = paired.accuracies(bench.categories());
            Ok(Lift {
                label: labels.get(&own).cloned().unwrap_or_default(),
                control: names::control(control).to_owned(),
                own: comparison.0.overall.unwrap_or(0.0),
                other: comparison.1.overall.unwrap_or(0.0),
                difference: paired.difference(bench.categories(), &bench.options.resampling),
                probes: paired.pairs.len(),
            })
        })
        .collect()
}

fn is_control_of(own: &Condition, condition: &Condition, control: Control) -> bool {
    let same_question = condition.method == own.method && own.demonstrations + usize::from(own.demographics) > 0;
    let nobodys = condition.demonstrations == 0 && !condition.demographics && condition.category.is_none();
    match control {
        Control::None => same_question && nobodys && matches!(condition.control, Control::Own | Control::None),
        _ => *condition == Condition { control, ..own.clone() },
    }
}
