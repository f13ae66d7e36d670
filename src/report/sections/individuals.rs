//! Simulated individuals: agreement beyond chance by question, spread, distances between distributions, and for how many
//! people a system knows more than the baselines.

use std::collections::BTreeMap;

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::csv::{CsvTable, Figure};
use super::super::identity::SystemColumns;
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, words};
use super::super::table::{Table, left, right};
use super::super::words::{kappa, percent, with_interval};
use super::ordered::scales;
use crate::base::text::count;
use crate::metrics::{
    CountryDistance, FEWEST_OF_A_COUNTRY, MetricsError, PeopleBeaten, QuestionFigures, System, by_country, by_question,
    gap_closed, mean, people_beaten, spread,
};
use crate::survey::QuestionId;

/// One main condition or baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemIndividuals {
    /// Position among the report's systems.
    pub system: usize,
    /// What it is called.
    pub label: String,
    /// Probes whose choice could be read, of all questions together.
    pub read: usize,
    /// Question by question.
    pub questions: Vec<IndividualQuestion>,
    /// Mean of the questions' kappas.
    pub kappa: Option<f64>,
    /// Questions with a kappa.
    pub with_kappa: usize,
    /// Diversity of choices over that of answers.
    pub spread: Option<f64>,
    /// Mean over questions of the distance between choices and answers.
    pub distance: Option<f64>,
    /// The same within each country; empty where no country has enough people.
    pub countries: Vec<CountryDistance>,
    /// Their mean.
    pub distance_in_countries: Option<f64>,
    /// Against which baseline, and for how many people it does better; empty for baselines.
    pub beaten: Vec<BaselineBeaten>,
    /// How much of the way from the majority to resemblance it goes; absent where resemblance is not ahead.
    pub gap_closed: Option<f64>,
}

/// One question of a system.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct IndividualQuestion {
    /// The question.
    pub question: QuestionId,
    /// Its figures.
    #[serde(flatten)]
    pub figures: QuestionFigures,
}

/// One system against a baseline, person by person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineBeaten {
    /// What the baseline is called.
    pub baseline: String,
    /// Of how many people more is known.
    #[serde(flatten)]
    pub people: PeopleBeaten,
}

/// The dimension whose groups are countries.
const COUNTRY: &str = "country";

impl ReportSection for Vec<SystemIndividuals> {
    fn compute(bench: &Bench<'_>, results: &Results) -> Result<Self, MetricsError> {
        let scales = scales(bench);
        let dimensions = bench.roster.dimensions.iter();
        let countries = dimensions.filter(|dimension| dimension.name.eq_ignore_ascii_case(COUNTRY));
        let countries: Vec<(String, Vec<usize>)> = countries
            .flat_map(|dimension| dimension.groups.iter().map(|group| (dimension.name.as_str(), group)))
            .map(|(dimension, group)| (group.clone(), bench.roster.members(dimension, group)))
            .collect();
        let models = bench.labels(&results.headline).into_iter().zip(&results.headline);
        let baselines = results.baselines.iter().map(|at| (results.baseline_label(*at), at));
        let known = (&scales, countries.as_slice());
        let all = models
            .chain(baselines)
            .filter(|(_, at)| !bench.entries[**at].panel.is_chance());
        all.map(|(label, &at)| SystemIndividuals::of(bench, results, (at, label), known))
            .collect()
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "individuals",
            title: "Simulated individuals",
            template: include_str!("../templates/individuals.html"),
        }
    }

    fn page(&self, _: &ReportContext<'_>) -> Option<Value> {
        let rows: Vec<IndividualWords> = self.iter().map(IndividualWords::of).collect();
        let countries = self.iter().any(|one| !one.countries.is_empty());
        let beaten = beaten_names(self);
        (!rows.is_empty()).then(|| context! { rows => words(&rows), countries, beaten, fewest => FEWEST_OF_A_COUNTRY })
    }

    fn tables(&self, report: &ReportContext<'_>) -> Vec<Table> {
        // Baselines stand beside models on the page.
        let models = self.iter().filter(|one| report.results.systems[one.system].is_model());
        let rows: Vec<IndividualWords> = models.map(IndividualWords::of).collect();
        if rows.is_empty() {
            return Vec::new();
        }
        let caption = format!(
            "Simulated individuals ({} respondents): kappa is agreement with the person beyond chance, question by question; \
             spread is how varied choices are as a share of how varied answers are; W1 is the distance between the \
             distributions of choices and of answers; then the share of people of whom the system knows more than a \
             baseline, in percent, and how much of the way from the majority to resemblance it goes.",
            report.respondents()
        );
        let mut columns = vec![
            left("system", |row: &IndividualWords| row.system.clone()),
            right("read", |row: &IndividualWords| row.read.clone()),
            right("kappa", |row: &IndividualWords| row.kappa.clone()),
            right("spread", |row: &IndividualWords| row.spread.clone()),
            right("W1", |row: &IndividualWords| row.distance.clone()),
        ];
        if self.iter().any(|one| !one.countries.is_empty()) {
            columns.push(right("W1 in countries", |row: &IndividualWords| {
                row.in_countries.clone()
            }));
        }
        for (at, name) in beaten_names(self).into_iter().enumerate() {
            columns.push(right(format!("beats {name}"), move |row: &IndividualWords| {
                row.beaten
                    .get(at)
                    .map_or("–".to_owned(), |beaten| beaten.better.clone())
            }));
        }
        columns.push(right("gap closed", |row: &IndividualWords| row.gap.clone()));
        vec![Table::of("individuals", caption, rows, &columns)]
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = self.iter().flat_map(|one| csv_rows(one, report.results));
        CsvTable::of("individuals", rows).map(Some)
    }
}

/// Scales by question, and countries with their people.
type QuestionsAndCountries<'a> = (&'a BTreeMap<usize, Vec<f64>>, &'a [(String, Vec<usize>)]);

impl SystemIndividuals {
    fn of(
        bench: &Bench<'_>,
        results: &Results,
        (at, label): (usize, String),
        (scales, countries): QuestionsAndCountries<'_>,
    ) -> Result<Self, MetricsError> {
        let entry = &bench.entries[at];
        let figures = by_question(&entry.panel.rows, scales);
        let questions: Vec<IndividualQuestion> = figures
            .into_iter()
            .map(|(number, figures)| IndividualQuestion {
                question: bench.roster.questions[number].0,
                figures,
            })
            .collect();
        let figures = || questions.iter().map(|one| &one.figures);
        let kappas: Vec<f64> = figures().filter_map(|one| one.kappa).collect();
        let countries = by_country(&entry.panel, countries, scales);
        let mut beaten = Vec::new();
        if entry.condition().is_some() {
            for &baseline in compared(bench, results, entry.run).iter() {
                let paired = bench.pair(at, baseline)?;
                let found = paired.and_then(|paired| people_beaten(&paired, &bench.options.resampling));
                beaten.extend(found.map(|people| BaselineBeaten {
                    baseline: results.baseline_label(baseline),
                    people,
                }));
            }
        }
        let overall = |at: usize| results.systems[at].scores.overall.map(|estimate| estimate.value);
        let gap = match compared(bench, results, entry.run)[..] {
            [majority, resemblance] if entry.condition().is_some() => Some((majority, resemblance)),
            _ => None,
        };
        Ok(Self {
            system: at,
            label,
            with_kappa: kappas.len(),
            kappa: mean(kappas.into_iter()),
            spread: spread(figures()),
            distance: mean(figures().map(|one| one.distance)),
            read: figures().map(|one| one.people).sum(),
            questions,
            distance_in_countries: mean(countries.iter().map(|one| one.distance)),
            countries,
            beaten,
            gap_closed: gap.and_then(|(lower, upper)| gap_closed(overall(at)?, overall(lower)?, overall(upper)?)),
        })
    }
}

/// The majority and the best resemblance of a run, as far as it has them.
fn compared(bench: &Bench<'_>, results: &Results, run: usize) -> Vec<usize> {
    let of_run = |wanted: fn(&System) -> bool| {
        let shown = results.baselines.iter().copied();
        let mut shown = shown.filter(|at| bench.baselines[run].contains(at));
        shown.find(|at| wanted(&results.systems[*at].system))
    };
    let majority = of_run(|system| matches!(system, System::Majority));
    let resemblance = of_run(|system| matches!(system, System::Resemblance { .. }));
    majority.into_iter().chain(resemblance).collect()
}

/// The kinds of baselines that systems are compared with, as columns name them.
fn beaten_names(all: &[SystemIndividuals]) -> Vec<&'static str> {
    match all.iter().map(|one| one.beaten.len()).max() {
        None | Some(0) => Vec::new(),
        Some(1) => vec!["majority"],
        Some(_) => vec!["majority", "resemblance"],
    }
}

/// A row of the page's table.
#[derive(Serialize)]
struct IndividualWords {
    system: String,
    read: String,
    kappa: String,
    spread: String,
    distance: String,
    in_countries: String,
    beaten: Vec<BeatenWords>,
    gap: String,
}

/// Against one baseline.
#[derive(Serialize)]
struct BeatenWords {
    better: String,
    equal: String,
    worse: String,
}

impl IndividualWords {
    fn of(one: &SystemIndividuals) -> Self {
        let beaten = one.beaten.iter().map(|one| BeatenWords {
            better: with_interval(Some(&one.people.better)),
            equal: percent(Some(one.people.equal)),
            worse: percent(Some(one.people.worse)),
        });
        Self {
            system: one.label.clone(),
            read: count(one.read as u64),
            kappa: kappa(one.kappa),
            spread: kappa(one.spread),
            distance: kappa(one.distance),
            in_countries: kappa(one.distance_in_countries),
            beaten: beaten.collect(),
            gap: kappa(one.gap_closed),
        }
    }
}

/// A row of the CSV table: everybody and all questions, a question, or a country.
#[derive(Serialize)]
struct IndividualColumns {
    scope: &'static str,
    name: String,
    people: Option<usize>,
    questions: Option<usize>,
    accuracy: Figure,
    kappa: Figure,
    chosen_diversity: Figure,
    own_diversity: Figure,
    spread: Figure,
    distance: Figure,
    better_than_majority: Figure,
    better_than_resemblance: Figure,
    gap_closed: Figure,
}

impl IndividualColumns {
    fn empty(scope: &'static str, name: String) -> Self {
        Self {
            scope,
            name,
            people: None,
            questions: None,
            accuracy: Figure(None),
            kappa: Figure(None),
            chosen_diversity: Figure(None),
            own_diversity: Figure(None),
            spread: Figure(None),
            distance: Figure(None),
            better_than_majority: Figure(None),
            better_than_resemblance: Figure(None),
            gap_closed: Figure(None),
        }
    }
}

fn csv_rows(one: &SystemIndividuals, results: &Results) -> Vec<(SystemColumns, IndividualColumns)> {
    let about = results.columns_of(one.system);
    let better = |at: usize| one.beaten.get(at).map(|one| one.people.better.value).into();
    let scores = &results.systems[one.system];
    let mut rows = vec![IndividualColumns {
        people: Some(scores.people),
        questions: Some(one.questions.len()),
        accuracy: scores.scores.overall.map(|estimate| estimate.value).into(),
        kappa: one.kappa.into(),
        spread: one.spread.into(),
        distance: one.distance.into(),
        better_than_majority: better(0),
        better_than_resemblance: better(1),
        gap_closed: one.gap_closed.into(),
        ..IndividualColumns::empty("overall", String::new())
    }];
    rows.extend(
        one.questions
            .iter()
            .map(|IndividualQuestion { question, figures }| IndividualColumns {
                people: Some(figures.people),
                accuracy: figures.accuracy.into(),
                kappa: figures.kappa.into(),
                chosen_diversity: figures.chosen_diversity.into(),
                own_diversity: figures.own_diversity.into(),
                spread: spread(std::iter::once(figures)).into(),
                distance: figures.distance.into(),
                ..IndividualColumns::empty("question", question.to_string())
            }),
    );
    rows.extend(one.countries.iter().map(|country| IndividualColumns {
        questions: Some(country.questions),
        distance: country.distance.into(),
        ..IndividualColumns::empty("country", country.country.clone())
    }));
    rows.into_iter().map(|row| (about.clone(), row)).collect()
}
