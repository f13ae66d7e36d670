//! Who is known best and least: accuracies of single people.

use std::collections::HashMap;

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::person_files::{PEOPLE_LIST, person_file, run_folder};
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, words};
use super::super::table::{Table, left, right};
use super::super::words::percent;
use crate::metrics::{MetricsError, Row};

/// People of one main condition, by their own accuracy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemPeople {
    /// Position among the report's systems.
    pub system: usize,
    /// What it is called.
    pub label: String,
    /// Number of people.
    pub people: usize,
    /// The lowest accuracy of a person, the quartiles, and the highest.
    pub quartiles: [f64; 5],
    /// Those whom the system knows best, the best first.
    pub best: Vec<KnownPerson>,
    /// Those whom it knows least, the least first.
    pub least: Vec<KnownPerson>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KnownPerson {
    /// The respondent's id.
    pub respondent: String,
    /// Position among the run's people, in the order of its records.
    pub number: usize,
    /// Probes whose choice is the person's own.
    pub right: usize,
    /// All of the person's probes.
    pub probes: usize,
}

/// People that are named on each side.
const NAMED: usize = 3;

impl ReportSection for Vec<SystemPeople> {
    fn compute(bench: &Bench<'_>, results: &Results) -> Result<Self, MetricsError> {
        let numbers: Vec<HashMap<&str, usize>> = bench
            .runs
            .iter()
            .map(|run| {
                let respondents = run.outcomes.respondents().iter();
                respondents.enumerate().map(|(at, id)| (id.as_str(), at)).collect()
            })
            .collect();
        let labelled = results.headline.iter().zip(bench.labels(&results.headline));
        Ok(labelled
            .filter_map(|(&at, label)| of_system(bench, &numbers[bench.entries[at].run], at, label))
            .collect())
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "people",
            title: "Single people",
            template: include_str!("../templates/single-people.html"),
        }
    }

    fn page(&self, report: &ReportContext<'_>) -> Option<Value> {
        let rows: Vec<PeopleWords> = self.iter().map(|one| PeopleWords::of(one, report)).collect();
        let lists = report.results.runs.iter().enumerate().filter(|_| report.people_pages);
        let lists = lists.map(|(at, run)| {
            let href = format!("people/{}/{PEOPLE_LIST}", run_folder(&run.name, at));
            context! { name => run.name.clone(), href }
        });
        let lists: Vec<Value> = lists.collect();
        (!rows.is_empty()).then(|| context! { rows => words(&rows), lists })
    }

    fn tables(&self, report: &ReportContext<'_>) -> Vec<Table> {
        if self.is_empty() {
            return Vec::new();
        }
        let caption = format!(
            "Accuracy of single people in percent ({} respondents): the least known, the quartiles, the best known.",
            report.respondents()
        );
        let mut columns = vec![left("system", |one: &&SystemPeople| one.label.clone())];
        let titles = ["lowest", "25 %", "median", "75 %", "highest"].into_iter().enumerate();
        columns.extend(
            titles.map(|(at, title)| right(title, move |one: &&SystemPeople| percent(Some(one.quartiles[at])))),
        );
        columns.push(right("people", |one: &&SystemPeople| one.people.to_string()));
        vec![Table::of("people", caption, self, &columns)]
    }
}

fn of_system(bench: &Bench<'_>, numbers: &HashMap<&str, usize>, at: usize, label: String) -> Option<SystemPeople> {
    let rows = &bench.entries[at].panel.rows;
    let mut people: Vec<KnownPerson> = rows
        .chunk_by(|a, b| a.person == b.person)
        .map(|own| {
            let id = &bench.roster.people[own[0].person as usize].id;
            KnownPerson {
                respondent: id.clone(),
                number: numbers.get(id.as_str()).copied().unwrap_or_default(),
                right: own.iter().filter(|row| Row::correct(row)).count(),
                probes: own.len(),
            }
        })
        .collect();
    // A stable order: of equals the first of the run comes first.
    people.sort_by(|a, b| a.share().total_cmp(&b.share()).then(b.number.cmp(&a.number)));
    let shares: Vec<f64> = people.iter().map(KnownPerson::share).collect();
    (!people.is_empty()).then(|| SystemPeople {
        system: at,
        label,
        people: people.len(),
        quartiles: [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| quantile(&shares, p)),
        best: people.iter().rev().take(NAMED).cloned().collect(),
        least: people.iter().take(NAMED).cloned().collect(),
    })
}

impl KnownPerson {
    fn share(&self) -> f64 {
        self.right as f64 / self.probes.max(1) as f64
    }
}

/// A quantile of ascending figures, between the two that are next to it (R's type 7, numpy's default).
fn quantile(ascending: &[f64], p: f64) -> f64 {
    let at = p * (ascending.len().saturating_sub(1)) as f64;
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    ascending[below] + (at - at.floor()) * (ascending[above] - ascending[below])
}

/// A row of the page's table.
#[derive(Serialize)]
struct PeopleWords {
    system: String,
    people: usize,
    quartiles: Vec<String>,
    best: Vec<NamedPerson>,
    least: Vec<NamedPerson>,
}

/// A person with a link, where there is a page.
#[derive(Serialize)]
struct NamedPerson {
    id: String,
    share: String,
    href: Option<String>,
}

impl PeopleWords {
    fn of(one: &SystemPeople, report: &ReportContext<'_>) -> Self {
        let run = report.results.systems[one.system].run;
        let folder = run_folder(&report.results.runs[run].name, run);
        let named = |people: &[KnownPerson]| {
            let people = people.iter().map(|person| NamedPerson {
                id: person.respondent.clone(),
                share: percent(Some(person.share())),
                href: report
                    .people_pages
                    .then(|| format!("people/{folder}/{}", person_file(&person.respondent, person.number))),
            });
            people.collect()
        };
        Self {
            system: one.label.clone(),
            people: one.people,
            quartiles: one.quartiles.iter().map(|share| percent(Some(*share))).collect(),
            best: named(&one.best),
            least: named(&one.least),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([0.1, 0.4, 0.5, 0.9], [0, .25, .5, .75, 1])
        let shares = [0.1, 0.4, 0.5, 0.9];
        let found = [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| quantile(&shares, p));
        for (found, expected) in found.into_iter().zip([0.1, 0.325, 0.45, 0.6, 0.9]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
        assert_eq!(quantile(&[0.3], 0.75), 0.3);
    }
}
