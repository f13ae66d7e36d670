//! The sections of a report beside the main table, each from the panels of the bench.

use std::collections::BTreeMap;

use super::build::{Bench, Entry};
use super::names::{self, Part};
use super::numbers::{
    Curve, CurvePoint, Lift, MethodPair, NormRow, NormScores, SystemCalibration, SystemGroups, SystemReadings,
    SystemScores,
};
use crate::metrics::{
    Forecast, MetricsError, Norm, Paired, Panel, Sums, System, Unread, agreement, bounds, by_group, calibration,
    candidate_scores, clustered_overall, is_informed, prediction, readings, shortest, softmax,
};
use crate::scoring::{Condition, Control, Method, Outcome};
use crate::survey::Form;

/// Accuracy against number of demonstrations: own demonstrations of all categories, one curve for everything else
/// that is equal. None at all belong to every form.
pub(super) fn curves(bench: &Bench<'_>, systems: &[SystemScores]) -> Result<Vec<Curve>, MetricsError> {
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
    let labels = bench.labels_without(&ends, &[Part::Demonstrations]);
    curves
        .into_values()
        .zip(labels)
        .map(|(mut list, label)| {
            let demonstrations = |at: &usize| bench.entries[*at].condition().map_or(0, |c| c.demonstrations);
            list.sort_by_key(demonstrations);
            let points = list.iter().filter_map(|at| {
                Some(CurvePoint {
                    demonstrations: demonstrations(at),
                    accuracy: systems[*at].scores.overall?,
                    bounds: bounds(&bench.entries[*at].panel, bench.categories()),
                })
            });
            let points = points.collect();
            let paired = match (list.first(), list.last()) {
                (Some(first), Some(last)) => bench.pair(*last, *first)?,
                _ => None,
            };
            let gain = paired.and_then(|paired| paired.overall(bench.categories(), &bench.options.resampling));
            Ok(Curve { label, points, gain })
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
            let common = bench.entries[first].name.common(&bench.entries[second].name);
            let Some(paired) = bench.pair(first, second)? else {
                continue;
            };
            pairs.push(MethodPair {
                first: labels[position].clone(),
                second: labels[position + 1 + behind].clone(),
                common,
                comparison: paired.compare(bench.categories(), &bench.options.resampling),
            });
        }
    }
    Ok(pairs)
}

/// Main likelihood conditions under every norm that their records allow.
pub(super) fn norms(bench: &Bench<'_>, systems: &[SystemScores]) -> Result<Vec<NormScores>, MetricsError> {
    let mut all = Vec::new();
    let likelihoods: Vec<usize> = likelihood_conditions(bench);
    for (&at, label) in likelihoods.iter().zip(bench.labels(&likelihoods)) {
        let entry = &bench.entries[at];
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
            let against = Against {
                entry,
                chance,
                strongest,
            };
            rows.extend(norm_row(bench, norm, &against)?);
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

/// What a norm of one condition is held against.
struct Against<'a> {
    /// The condition under its headline norm.
    entry: &'a Entry,
    /// Position of chance.
    chance: Option<usize>,
    /// Position of the strongest other baseline.
    strongest: Option<usize>,
}

/// One norm of one condition; absent where its records do not allow it.
fn norm_row(bench: &Bench<'_>, norm: Norm, against: &Against<'_>) -> Result<Option<NormRow>, MetricsError> {
    let (entry, how, categories) = (against.entry, &bench.options.resampling, bench.categories());
    let run = &bench.runs[entry.run];
    let Some(condition) = entry.condition() else {
        return Ok(None);
    };
    let system = System::Model {
        condition: condition.clone(),
        norm,
    };
    let panel = Panel::new(run, &bench.roster, &system)?;
    // A norm that some record does not allow would turn those into unread choices.
    if panel.unread() > entry.panel.unread() {
        return Ok(None);
    }
    let with = |other: &Panel| match Paired::new(&panel, other, &bench.roster, (norm.name(), "the other")) {
        // Nothing is shared where the norm says nothing.
        Err(MetricsError::NothingShared { .. }) => Ok(None),
        paired => paired.map(Some),
    };
    let over = |baseline: Option<usize>| -> Result<_, MetricsError> {
        let Some(baseline) = baseline else { return Ok(None) };
        let paired = with(&bench.entries[baseline].panel)?;
        Ok(paired.and_then(|paired| paired.overall(categories, how)))
    };
    let with_main = with(&entry.panel)?.filter(|_| norm != bench.norms[entry.run]);
    let sums = Sums::of_panel(&panel, categories, panel.credit(Unread::Wrong));
    let informed = |outcome: &Outcome| prediction(outcome, norm).filter(|_| is_informed(outcome, norm));
    Ok(Some(NormRow {
        norm,
        accuracy: clustered_overall(&sums, how),
        shortest: shortest(run, condition, informed),
        agreement: with_main.and_then(|paired| agreement(&paired.pairs, |_| true)),
        over_chance: over(against.chance)?,
        over_baseline: over(against.strongest)?,
    }))
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
        let run = &bench.runs[entry.run];
        let of_condition = run.outcomes.iter().filter(|outcome| outcome.condition == *condition);
        let forecasts = of_condition.filter_map(|outcome| {
            Some(Forecast {
                person: bench.roster.person(run, &outcome.respondent)?,
                probabilities: softmax(&candidate_scores(outcome, bench.norms[entry.run])?)?,
                label: outcome.label,
            })
        });
        if let Some(calibration) = calibration(forecasts, &bench.options.resampling) {
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
            let Some(paired) = bench.pair(own, other)? else {
                return Ok(None);
            };
            let comparison = paired.accuracies(bench.categories());
            Ok(Some(Lift {
                label: labels.get(&own).cloned().unwrap_or_default(),
                control: names::control(control).to_owned(),
                own: comparison.0.overall.unwrap_or(0.0),
                other: comparison.1.overall.unwrap_or(0.0),
                difference: paired.contrasts(bench.categories(), &bench.options.resampling),
                probes: paired.pairs.len(),
            }))
        })
        .filter_map(Result::transpose)
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
