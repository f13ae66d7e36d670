//! The accuracies of all systems and how they stand to each other: what every section of a report leans on.

use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::identity::{NamedSystem, OtherColumns, SystemColumns};
use super::names::{self, Name};
use super::naming::Naming;
use super::options::ReportOptions;
use super::overlap::Overlap;
use super::ranking::{Ranked, RankedPair, ranking};
use super::system_scores::SystemScores;
use super::words::reach;
use crate::metrics::{Contrast, Estimate, MetricsError, Norm, RunHeader, RunTable, Scores, System};
use crate::run::Spec;

/// Runs, their systems, and how these stand to each other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Version of indieval that made the report.
    pub version: String,
    /// Whether any run's respondents were invented.
    pub synthetic: bool,
    /// What the report was made with.
    pub options: ReportOptions,
    /// Category names.
    pub categories: Vec<String>,
    /// The runs.
    pub runs: Vec<RunSummary>,
    /// Every condition of every run under its headline norm, then the baselines.
    pub systems: Vec<SystemScores>,
    /// Positions in `systems` of each run's main conditions: one a method, with the most demonstrations. A method whose
    /// conditions are each restricted to another category has none: its grid of categories stands in for it.
    pub headline: Vec<usize>,
    /// Positions in `systems` of the baselines shown beside them; of several k of resemblance, the best.
    pub baselines: Vec<usize>,
    /// For each of `baselines`, positions of the runs on whose probes it is.
    pub baseline_runs: Vec<Vec<usize>>,
    /// Main conditions against baselines, on the same probes.
    pub against: Vec<Against>,
    /// Main conditions of all runs from the highest overall accuracy down; empty for a single run, whose headline is the
    /// first method of its spec.
    pub ranking: Vec<Ranked>,
    /// Every two of the ranked systems that share a probe.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<RankedPair>,
    /// What the ranked systems were asked in common; absent where nothing is ranked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// How conditions are called; absent where their own words are enough.
    #[serde(default, skip_serializing_if = "Naming::is_plain")]
    pub naming: Naming,
}

/// What one run was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Its name.
    pub name: String,
    /// Facts about it.
    pub header: RunHeader,
    /// The norm behind its headline.
    pub norm: Norm,
    /// What the spec says it is for; empty where it says nothing.
    pub title: String,
    /// Number of people with an outcome.
    pub people: usize,
    /// Number of outcomes.
    pub outcomes: usize,
}

/// One system against a baseline on the same probes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// Position in `systems`.
    pub system: usize,
    /// Position in `systems`.
    pub baseline: usize,
    /// System minus baseline, overall.
    pub difference: Contrast,
}

/// One column of the tables and pictures of overall results.
pub(super) struct ResultColumn<'a> {
    /// What it is called.
    pub label: String,
    /// A result of this report; otherwise a baseline.
    pub ours: bool,
    /// Whether it is chance, which has no interval.
    pub chance: bool,
    /// Number of people.
    pub people: usize,
    /// Its accuracies.
    pub scores: &'a Scores<Estimate>,
    /// The mean of people's own shares; absent for grids.
    pub mean_of_people: Option<&'a Estimate>,
}

impl RunSummary {
    fn of(run: &RunTable, norm: Norm) -> Self {
        let spec: Option<Spec> = toml::from_str(&run.header.spec).ok();
        Self {
            name: run.name.clone(),
            header: run.header.clone(),
            norm,
            title: spec.map(|spec| spec.title).unwrap_or_default(),
            people: run.outcomes.respondents().len(),
            outcomes: run.outcomes.len(),
        }
    }

    /// Whether outcomes are missing.
    pub fn incomplete(&self) -> bool {
        self.header.planned.is_some_and(|planned| self.outcomes < planned)
    }
}

impl Results {
    /// Computes them.
    pub(super) fn new(bench: &Bench<'_>) -> Result<Self, MetricsError> {
        let systems: Vec<SystemScores> = (0..bench.entries.len()).map(|at| SystemScores::of(bench, at)).collect();
        let shown = shown_baselines(bench, &systems);
        let runs = 0..bench.runs.len();
        let belongs = |at: &usize| runs.clone().filter(|run| bench.baselines[*run].contains(at)).collect();
        let summaries = bench.runs.iter().zip(&bench.norms);
        let (ranking, differences) = ranking(bench, &systems)?;
        Ok(Self {
            version: crate::base::version::FULL.to_owned(),
            synthetic: bench.runs.iter().any(|run| run.header.synthetic),
            options: bench.options,
            categories: bench.roster.categories.clone(),
            runs: summaries.map(|(run, norm)| RunSummary::of(run, *norm)).collect(),
            against: against(bench, &shown)?,
            overlap: Overlap::of(bench).filter(|_| !ranking.is_empty()),
            ranking,
            differences,
            headline: bench.headline.clone(),
            baseline_runs: shown.iter().map(belongs).collect(),
            baselines: shown,
            systems,
            naming: bench.naming.clone(),
        })
    }

    /// Columns of main conditions, which stand before grids of categories and baselines.
    pub(super) fn main_columns(&self) -> Vec<ResultColumn<'_>> {
        let labels = names::labels(&self.names(&self.headline));
        let main = self.headline.iter().zip(labels);
        main.map(|(at, label)| self.column(*at, label, true)).collect()
    }

    /// Columns of the baselines that are shown.
    pub(super) fn baseline_columns(&self) -> Vec<ResultColumn<'_>> {
        let baselines = self.baselines.iter();
        let column = |at: &usize| self.column(*at, self.baseline_label(*at), false);
        baselines.map(column).collect()
    }

    fn column(&self, at: usize, label: String, ours: bool) -> ResultColumn<'_> {
        let system = &self.systems[at];
        ResultColumn {
            label,
            ours,
            chance: system.system == System::Chance,
            people: system.people,
            scores: &system.scores,
            mean_of_people: system.mean_of_people.as_ref(),
        }
    }

    /// What a baseline is called: with the runs that it belongs to where another run has one of the same kind.
    pub(super) fn baseline_label(&self, at: usize) -> String {
        let system = &self.systems[at].system;
        let kind = |at: &usize| std::mem::discriminant(&self.systems[*at].system);
        let alike = self.baselines.iter().filter(|other| kind(other) == kind(&at)).count();
        let word = names::baseline(system);
        let runs = self.baselines.iter().position(|b| *b == at);
        let runs = runs
            .and_then(|position| self.baseline_runs.get(position))
            .filter(|_| alike > 1);
        let runs = runs.map(|runs| runs.iter().map(|run| self.runs[*run].name.as_str()).collect::<Vec<_>>());
        runs.map_or(word.clone(), |runs| format!("{word} ({})", runs.join(", ")))
    }

    /// What systems are called.
    pub(super) fn names(&self, systems: &[usize]) -> Vec<Name> {
        let name = |at: &usize| {
            let scores = &self.systems[*at];
            let run = &self.runs[scores.run];
            Name::new(&run.name, &run.header.model.name, &scores.system, &self.naming)
        };
        systems.iter().map(name).collect()
    }

    /// Position and label of every condition of a model.
    pub(super) fn conditions(&self) -> Vec<(usize, String)> {
        let of_model = |at: &usize| matches!(self.systems[*at].system, System::Model { .. });
        let conditions: Vec<usize> = (0..self.systems.len()).filter(of_model).collect();
        let labels = names::labels(&self.names(&conditions));
        conditions.into_iter().zip(labels).collect()
    }

    /// That main conditions predict nothing, if any does, and what to do about it.
    pub(super) fn silent(&self) -> Option<String> {
        let is_silent = |at: &usize| self.systems[*at].scores.overall.is_none();
        let silent: Vec<usize> = self.headline.iter().copied().filter(is_silent).collect();
        let &first = silent.first()?;
        let who = match silent.len() == self.headline.len() {
            true => "The model".to_owned(),
            false => names::labels(&self.names(&self.headline))
                .into_iter()
                .zip(&self.headline)
                .filter(|(_, at)| silent.contains(at))
                .map(|(label, _)| label)
                .collect::<Vec<_>>()
                .join(", "),
        };
        let norm = match &self.systems[first].system {
            System::Model { norm, .. } => norm.name(),
            _ => return None,
        };
        Some(format!(
            "{who} predicts nothing under the {norm} norm, because nothing about the person was shown for it to weigh; \
             choose another norm with --norm."
        ))
    }

    /// The first columns of rows about a system.
    pub(super) fn columns_of(&self, at: usize) -> SystemColumns {
        self.named(at).columns(self.synthetic)
    }

    /// The columns of what it is held against.
    pub(super) fn other_columns_of(&self, at: usize) -> OtherColumns {
        self.named(at).as_other()
    }

    fn named(&self, at: usize) -> NamedSystem {
        let scores = &self.systems[at];
        let run = &self.runs[scores.run];
        let model = match scores.is_model() {
            true => run.header.model.name.clone(),
            false => String::new(),
        };
        NamedSystem {
            run: run.name.clone(),
            model,
            system: scores.system.clone(),
        }
    }

    /// That ranked systems were not asked the same of the same people.
    pub(super) fn unequal(&self) -> Option<String> {
        self.overlap.and_then(|overlap| overlap.warning())
    }

    /// The word that stands wherever a result is shown.
    pub fn respondents_word(&self) -> &'static str {
        if self.synthetic { "synthetic" } else { "survey" }
    }

    /// What the people of this report are too few to show, if anything; of several runs, the one with the fewest decides.
    pub(super) fn few(&self) -> Option<String> {
        let of_runs = || self.runs.iter().map(|run| run.people).min();
        let headline = self.headline.iter().map(|at| self.systems[*at].people);
        let least = match self.headline.is_empty() {
            true => of_runs()?,
            // Who predicts nothing shows nothing, however many were asked.
            false => headline.filter(|people| *people > 0).min()?,
        };
        let ranked = self.ranking.len();
        let pairs = ranked * ranked.saturating_sub(1) / 2;
        reach(least, self.categories.len(), pairs, &self.options.resampling)
    }
}

/// Main conditions against the baselines that are shown.
fn against(bench: &Bench<'_>, shown: &[usize]) -> Result<Vec<Against>, MetricsError> {
    let mut against = Vec::new();
    for &system in &bench.headline {
        let baselines = bench.baselines[bench.entries[system].run].iter();
        for &baseline in baselines.filter(|baseline| shown.contains(*baseline)) {
            let paired = bench.pair(system, baseline)?;
            let difference = paired.and_then(|paired| paired.overall(bench.categories(), &bench.options.resampling));
            against.extend(difference.map(|difference| Against {
                system,
                baseline,
                difference,
            }));
        }
    }
    Ok(against)
}

/// Baselines to be shown: all but, of several k of resemblance on the same probes, the best one. Choosing it by its
/// result favours the baseline, never the model.
fn shown_baselines(bench: &Bench<'_>, systems: &[SystemScores]) -> Vec<usize> {
    let value = |at: usize| systems[at].rank();
    let mut shown = Vec::new();
    for own in &bench.baselines {
        let best = own
            .iter()
            .copied()
            .filter(|at| matches!(systems[*at].system, System::Resemblance { .. }))
            .reduce(|best, next| if value(next) > value(best) { next } else { best });
        for &at in own {
            let resemblance = matches!(systems[at].system, System::Resemblance { .. });
            if (!resemblance || Some(at) == best) && !shown.contains(&at) {
                shown.push(at);
            }
        }
    }
    shown
}
