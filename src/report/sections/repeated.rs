//! People who were asked again, and people who count by their weights: what an accuracy is worth beside what people
//! themselves reach, and what it is in the population.

use std::collections::{BTreeMap, HashMap};

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::csv::{CsvTable, Figure};
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, words};
use super::super::words::percent;
use crate::metrics::{MetricsError, RunTable, mean, ordered};

/// One main condition or baseline beside people's second answers and weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskedAgain {
    /// Position among the report's systems.
    pub system: usize,
    /// What it is called.
    pub label: String,
    /// Probes that the same people answered again.
    pub probes: usize,
    /// Share of them that the system chose right; absent where nobody was asked again.
    pub accuracy: Option<f64>,
    /// Share of them that people answered alike both times.
    pub retest: Option<f64>,
    /// `accuracy` over `retest`.
    pub normalised: Option<f64>,
    /// Mean over people of each one's own ratio.
    pub normalised_by_person: Option<f64>,
    /// People whose ratio there is: the others answered nothing alike both times.
    pub people: usize,
    /// Mean of 1 / candidates.
    pub chance: Option<f64>,
    /// From chance (0) to what people reach (1).
    pub skill: Option<f64>,
    /// Accuracy over all probes where people count by their weights; absent where there are none.
    pub weighted: Option<f64>,
    /// People of equal weight who would be as certain.
    pub effective_people: Option<f64>,
}

impl ReportSection for Vec<AskedAgain> {
    fn compute(bench: &Bench<'_>, results: &Results) -> Result<Self, MetricsError> {
        let models = bench.labels(&results.headline).into_iter().zip(&results.headline);
        let baselines = results.baselines.iter().map(|at| (results.baseline_label(*at), at));
        let known = bench.runs.iter().map(KnownOfPeople::new).collect::<Vec<_>>();
        let all = models
            .chain(baselines)
            .filter(|(_, at)| !bench.entries[**at].panel.is_chance());
        Ok(all
            .map(|(label, &at)| known[bench.entries[at].run].of_system(bench, at, label))
            .filter(|one| one.accuracy.is_some() || one.weighted.is_some())
            .collect())
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "asked-again",
            title: "Second answers, weights",
            template: include_str!("../templates/asked-again.html"),
        }
    }

    fn page(&self, _: &ReportContext<'_>) -> Option<Value> {
        let rows: Vec<AgainWords> = self.iter().map(AgainWords::of).collect();
        let again = self.iter().any(|one| one.accuracy.is_some());
        let weighted = self.iter().any(|one| one.weighted.is_some());
        (!rows.is_empty()).then(|| context! { rows => words(&rows), again, weighted })
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = self.iter();
        let rows = rows.map(|one| (report.results.columns_of(one.system), AgainColumns::of(one)));
        CsvTable::of("asked-again", rows).map(Some)
    }
}

/// What a run says of its people besides their first answers.
struct KnownOfPeople<'a> {
    /// By person, then by question.
    again: HashMap<&'a str, HashMap<crate::survey::QuestionId, usize>>,
    weights: HashMap<&'a str, f64>,
}

impl<'a> KnownOfPeople<'a> {
    fn new(run: &'a RunTable) -> Self {
        let mut again: HashMap<&str, HashMap<_, usize>> = HashMap::new();
        for one in &run.second_answers {
            again
                .entry(&one.respondent)
                .or_default()
                .insert(one.question, one.answer);
        }
        let weights = run.people.iter();
        Self {
            again,
            weights: weights
                .filter_map(|person| Some((person.id.as_str(), person.weight?)))
                .collect(),
        }
    }

    fn of_system(&self, bench: &Bench<'_>, at: usize, label: String) -> AskedAgain {
        let rows = &bench.entries[at].panel.rows;
        let person = |row: &crate::metrics::Row| bench.roster.people[row.person as usize].id.as_str();
        // By person: right, alike, probes.
        let mut counts: BTreeMap<u32, [f64; 3]> = BTreeMap::new();
        let mut chances = Vec::new();
        for row in rows {
            let question = bench.roster.questions[row.question as usize].0;
            let Some(again) = self.again.get(person(row)).and_then(|answers| answers.get(&question)) else {
                continue;
            };
            let count = counts.entry(row.person).or_default();
            count[0] += f64::from(u8::from(row.correct()));
            count[1] += f64::from(u8::from(*again == usize::from(row.label)));
            count[2] += 1.0;
            chances.push(1.0 / f64::from(row.candidates.max(1)));
        }
        let sum = |at: usize| counts.values().map(|count| count[at]).sum::<f64>();
        let share = |at: usize| (sum(2) > 0.0).then(|| sum(at) / sum(2));
        let (accuracy, retest, chance) = (share(0), share(1), mean(chances.into_iter()));
        let own = counts.values().filter(|count| count[1] > 0.0);
        let own: Vec<f64> = own.map(|count| count[0] / count[1]).collect();
        let weighted = rows
            .iter()
            .filter_map(|row| Some((*self.weights.get(person(row))?, row.correct())));
        let mut people: BTreeMap<u32, f64> = BTreeMap::new();
        for row in rows {
            people.extend(self.weights.get(person(row)).map(|weight| (row.person, *weight)));
        }
        AskedAgain {
            system: at,
            label,
            probes: sum(2) as usize,
            normalised: accuracy
                .zip(retest)
                .filter(|(_, retest)| *retest > 0.0)
                .map(|(own, retest)| own / retest),
            people: own.len(),
            normalised_by_person: mean(own.into_iter()),
            skill: accuracy
                .zip(retest)
                .zip(chance)
                .and_then(|((accuracy, retest), chance)| ordered::skill_over_chance(accuracy, retest, chance)),
            accuracy,
            retest,
            chance,
            weighted: ordered::weighted_accuracy(weighted),
            effective_people: (!people.is_empty()).then(|| ordered::effective_people(people.into_values())),
        }
    }
}

/// A row of the page's table.
#[derive(Serialize)]
struct AgainWords {
    system: String,
    probes: usize,
    accuracy: String,
    retest: String,
    normalised: String,
    by_person: String,
    chance: String,
    skill: String,
    weighted: String,
    effective: String,
}

impl AgainWords {
    fn of(one: &AskedAgain) -> Self {
        let ratio = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:.3}"));
        Self {
            system: one.label.clone(),
            probes: one.probes,
            accuracy: percent(one.accuracy),
            retest: percent(one.retest),
            normalised: ratio(one.normalised),
            by_person: ratio(one.normalised_by_person),
            chance: percent(one.chance),
            skill: ratio(one.skill),
            weighted: percent(one.weighted),
            effective: one
                .effective_people
                .map_or_else(|| "–".to_owned(), |people| format!("{people:.1}")),
        }
    }
}

/// A row of the CSV table.
#[derive(Serialize)]
struct AgainColumns {
    probes: usize,
    accuracy: Figure,
    retest: Figure,
    normalised: Figure,
    normalised_by_person: Figure,
    people: usize,
    chance: Figure,
    skill: Figure,
    weighted_accuracy: Figure,
    effective_people: Figure,
}

impl AgainColumns {
    fn of(one: &AskedAgain) -> Self {
        Self {
            probes: one.probes,
            accuracy: one.accuracy.into(),
            retest: one.retest.into(),
            normalised: one.normalised.into(),
            normalised_by_person: one.normalised_by_person.into(),
            people: one.people,
            chance: one.chance.into(),
            skill: one.skill.into(),
            weighted_accuracy: one.weighted.into(),
            effective_people: one.effective_people.into(),
        }
    }
}
