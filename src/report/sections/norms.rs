//! Norms of the likelihood: what a figure owes to how length is evened out.

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::{Bench, Contender};
use super::super::csv::{CsvTable, EstimateColumns, Figure};
use super::super::names;
use super::super::phrases::{STANDINGS, list, standing, within};
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, SIDE_BY_SIDE, words};
use super::super::words::{beside, contrast, percent, with_interval};
use crate::metrics::{
    Agreement, Contrast, Estimate, MetricsError, Norm, Paired, Panel, Shortest, Sums, System, Unread, agreement,
    clustered_overall, shortest,
};

/// One likelihood condition under every norm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NormScores {
    /// Position among the report's systems, of its headline norm.
    pub system: usize,
    /// What it is called.
    pub label: String,
    /// Its norms.
    pub norms: Vec<NormRow>,
    /// The baseline that conclusions are about: the strongest there is.
    pub baseline: String,
}

/// One norm of one condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NormRow {
    /// The norm.
    pub norm: Norm,
    /// Overall accuracy; absent where no record says anything under the norm.
    pub accuracy: Option<Estimate>,
    /// How often the shortest candidate is chosen; absent where all are equally long.
    pub shortest: Option<Shortest>,
    /// Agreement of its choices with those of the headline norm; absent for that norm itself.
    pub agreement: Option<Agreement>,
    /// Accuracy minus chance, on the same probes.
    pub over_chance: Option<Contrast>,
    /// Accuracy minus the strongest baseline, on the same probes.
    pub over_baseline: Option<Contrast>,
}

impl ReportSection for Vec<NormScores> {
    /// Main likelihood conditions under every norm that their records allow.
    fn compute(bench: &Bench<'_>, results: &Results) -> Result<Self, MetricsError> {
        let is_normed = |at: &usize| {
            let condition = bench.entries[*at].condition();
            condition.is_some_and(|condition| condition.method.definition().is_normed())
        };
        let conditions: Vec<usize> = bench.headline.iter().copied().filter(is_normed).collect();
        let labelled = conditions.iter().zip(bench.labels(&conditions));
        let scores = labelled.map(|(&at, label)| {
            let rivals = Rivals::of(bench, results, at);
            let rows = Norm::ALL.into_iter().map(|norm| norm_row(bench, norm, &rivals));
            let rows: Result<Vec<Option<NormRow>>, MetricsError> = rows.collect();
            Ok(NormScores {
                system: at,
                label,
                norms: rows?.into_iter().flatten().collect(),
                baseline: rivals
                    .strongest
                    .map(|at| names::baseline(&bench.entries[at].system))
                    .unwrap_or_default(),
            })
        });
        scores.collect()
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "norms",
            title: "Norms",
            template: include_str!("../templates/norms.html"),
        }
    }

    fn page(&self, _: &ReportContext<'_>) -> Option<Value> {
        let systems = self.iter().map(|scores| {
            let rows: Vec<NormWords> = scores.norms.iter().map(NormWords::of).collect();
            let (system, baseline) = (scores.label.clone(), scores.baseline.replace(" = ", "\u{a0}=\u{a0}"));
            context! { system, baseline, rows => words(&rows), dependence => dependence(scores) }
        });
        let systems: Vec<Value> = systems.collect();
        let many = (systems.len() > SIDE_BY_SIDE).then(|| words(&by_norm(self)));
        (!systems.is_empty()).then(|| context! { systems, many })
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = self.iter().flat_map(|scores| {
            let norms = scores.norms.iter();
            norms.map(|row| csv_row(scores, row, report.results))
        });
        CsvTable::of("norms", rows).map(Some)
    }
}

/// What a norm of one condition is held against.
struct Rivals<'a> {
    /// The condition under its headline norm.
    entry: &'a Contender,
    /// Position of chance.
    chance: Option<usize>,
    /// Position of the strongest other baseline.
    strongest: Option<usize>,
}

impl<'a> Rivals<'a> {
    fn of(bench: &'a Bench<'_>, results: &Results, at: usize) -> Self {
        let entry = &bench.entries[at];
        let baselines = || bench.baselines[entry.run].iter().copied();
        let is_chance = |at: &usize| bench.entries[*at].system == System::Chance;
        let rank = |at: usize| results.systems[at].rank();
        Self {
            entry,
            chance: baselines().find(is_chance),
            strongest: baselines()
                .filter(|at| !is_chance(at))
                .max_by(|a, b| rank(*a).total_cmp(&rank(*b))),
        }
    }
}

/// One norm of one condition; absent where its records do not allow it.
fn norm_row(bench: &Bench<'_>, norm: Norm, rivals: &Rivals<'_>) -> Result<Option<NormRow>, MetricsError> {
    let (entry, how, categories) = (rivals.entry, &bench.options.resampling, bench.categories());
    let run = &bench.runs[entry.run];
    let Some(condition) = entry.condition() else {
        return Ok(None);
    };
    let panel = Panel::of_condition(run, &bench.roster, condition, norm)?;
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
    Ok(Some(NormRow {
        norm,
        accuracy: clustered_overall(&sums, how),
        shortest: shortest(run, condition, norm),
        agreement: with_main.and_then(|paired| agreement(&paired.pairs, |_| true)),
        over_chance: over(rivals.chance)?,
        over_baseline: over(rivals.strongest)?,
    }))
}

/// Which conclusions hold under which norm.
fn dependence(scores: &NormScores) -> Vec<String> {
    let over = |figure: fn(&NormRow) -> Option<Contrast>| {
        let judged = scores
            .norms
            .iter()
            .filter_map(move |row| Some((row.norm.name(), standing(&figure(row)?))));
        judged.collect::<Vec<(&str, &str)>>()
    };
    let chance = conclusion("chance", &over(|row| row.over_chance));
    let baseline = conclusion(&within(&scores.baseline), &over(|row| row.over_baseline));
    chance.into_iter().chain(baseline).collect()
}

/// How a system stands to another under each norm, in one sentence.
fn conclusion(other: &str, judged: &[(&str, &str)]) -> Option<String> {
    let under = |place: &str| {
        let norms = judged.iter().filter(|(_, standing)| *standing == place);
        norms.map(|(norm, _)| *norm).collect::<Vec<&str>>()
    };
    let places: Vec<&str> = STANDINGS.into_iter().filter(|place| !under(place).is_empty()).collect();
    match places.as_slice() {
        [] => None,
        [one] => Some(format!("Under every norm it is {one} {other}.")),
        several => {
            let parts = several
                .iter()
                .map(|place| format!("{place} {other} under {}", list(&under(place))));
            let parts: Vec<String> = parts.collect();
            Some(format!(
                "The conclusion depends on the norm: it is {}.",
                parts.join(", ")
            ))
        }
    }
}

/// Many systems, a norm a column.
#[derive(Serialize)]
struct NormsBeside {
    norms: Vec<&'static str>,
    rows: Vec<SystemNorms>,
}

/// One of them.
#[derive(Serialize)]
struct SystemNorms {
    system: String,
    accuracies: Vec<String>,
}

fn by_norm(all: &[NormScores]) -> NormsBeside {
    let has = |norm: &Norm| all.iter().any(|one| one.norms.iter().any(|row| row.norm == *norm));
    let norms: Vec<Norm> = Norm::ALL.into_iter().filter(has).collect();
    let accuracy = |one: &NormScores, norm: Norm| {
        let row = one.norms.iter().find(|row| row.norm == norm);
        with_interval(row.and_then(|row| row.accuracy.as_ref()))
    };
    let rows = all.iter().map(|one| SystemNorms {
        system: one.label.clone(),
        accuracies: norms.iter().map(|norm| accuracy(one, *norm)).collect(),
    });
    NormsBeside {
        rows: rows.collect(),
        norms: norms.iter().map(|norm| norm.name()).collect(),
    }
}

/// What stands in a row of the page's table.
#[derive(Serialize)]
struct NormWords {
    norm: &'static str,
    meaning: &'static str,
    accuracy: String,
    shortest: String,
    agreement: String,
    over_chance: String,
    over_baseline: String,
}

impl NormWords {
    fn of(row: &NormRow) -> Self {
        let shortest = row.shortest.as_ref().map(|shortest| beside(&shortest.share));
        let agreement = row.agreement.map(|agreement| percent(Some(agreement.agreement)));
        Self {
            norm: row.norm.name(),
            meaning: names::norm(row.norm),
            accuracy: with_interval(row.accuracy.as_ref()),
            shortest: shortest.unwrap_or("–".to_owned()),
            agreement: agreement.unwrap_or("headline".to_owned()),
            over_chance: contrast(row.over_chance.as_ref()),
            over_baseline: contrast(row.over_baseline.as_ref()),
        }
    }
}

/// What follows its accuracy.
#[derive(Serialize)]
struct NormedColumns<'a> {
    agreement_with_headline: Figure,
    over_chance: Figure,
    over_baseline: Figure,
    baseline: &'a str,
    shortest_probes: Option<usize>,
    shortest: Figure,
    shortest_own: Figure,
    shortest_by_chance: Figure,
}

fn csv_row<'a>(scores: &'a NormScores, row: &NormRow, results: &Results) -> impl Serialize + use<'a> {
    let over = |contrast: Option<Contrast>| contrast.map(|contrast| contrast.wrong.estimate.value).into();
    let about = results.columns_of(scores.system).under(row.norm);
    let rest = NormedColumns {
        agreement_with_headline: row.agreement.map(|agreement| agreement.agreement).into(),
        over_chance: over(row.over_chance),
        over_baseline: over(row.over_baseline),
        baseline: &scores.baseline,
        shortest_probes: row.shortest.map(|shortest| shortest.probes),
        shortest: row.shortest.map(|shortest| shortest.share.chosen).into(),
        shortest_own: row.shortest.map(|shortest| shortest.share.own).into(),
        shortest_by_chance: row.shortest.map(|shortest| shortest.by_chance).into(),
    };
    (about, EstimateColumns::of(row.accuracy.as_ref()), rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Interval, Tested};

    fn row(norm: Norm, low: f64, high: f64) -> NormRow {
        let estimate = Estimate {
            value: (low + high) / 2.0,
            people: 40,
            se: Some(0.01),
            interval: Interval::Percentile { low, high },
        };
        let p = Some(if estimate.excludes(0.0) { 0.01 } else { 0.3 });
        let contrast = Contrast {
            wrong: Tested { estimate, p },
            unread: 0,
            otherwise: None,
            constant: Default::default(),
        };
        NormRow {
            norm,
            accuracy: Some(estimate),
            shortest: None,
            agreement: None,
            over_chance: Some(contrast),
            over_baseline: None,
        }
    }

    #[test]
    fn a_conclusion_that_depends_on_the_norm_is_called_so() {
        let scores = |norms| NormScores {
            system: 0,
            label: "x".into(),
            norms,
            baseline: "majority".into(),
        };
        let same = scores(vec![row(Norm::Sum, 0.01, 0.05), row(Norm::Byte, 0.02, 0.04)]);
        assert_eq!(dependence(&same), ["Under every norm it is ahead of chance."]);
        let differ = scores(vec![
            row(Norm::Sum, 0.01, 0.05),
            row(Norm::Token, -0.02, 0.04),
            row(Norm::Pmi, 0.1, 0.2),
        ]);
        assert_eq!(
            dependence(&differ),
            [
                "The conclusion depends on the norm: it is ahead of chance under sum and pmi, not significantly different from chance \
              under token."
            ]
        );
    }
}
