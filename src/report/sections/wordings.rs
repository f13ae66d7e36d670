//! Sensitivity to wording: one condition asked of the same people in several prompt files.

use std::collections::BTreeMap;

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::csv::{CsvTable, EstimateColumns, Figure};
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, words};
use super::super::table::{Table, left, right};
use super::super::words::{percent, with_interval};
use crate::metrics::{Estimate, MetricsError, Norm, RunTable, System, mean};
use crate::run::Spec;
use crate::scoring::{Condition, Method};

/// One condition of one model in several wordings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wordings {
    /// What the condition is called.
    pub label: String,
    /// Each wording, in the order of the runs.
    pub wordings: Vec<PromptWording>,
    /// Mean of their overall accuracies.
    pub mean: f64,
    /// The lowest of them.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptWording {
    /// Position among the report's systems.
    pub system: usize,
    /// The run.
    pub run: String,
    /// Name of the prompt file; `built-in` where the run names none.
    pub prompt: String,
    /// SHA-256 of the prompt.
    pub hash: String,
    /// Overall accuracy.
    pub accuracy: Estimate,
}

/// What must be the same for two systems to differ in wording alone: model, weights, people, condition, norm.
type SameRequest<'a> = (&'a str, [Option<&'a str>; 3], &'a Condition, Norm);

impl ReportSection for Vec<Wordings> {
    fn compute(bench: &Bench<'_>, results: &Results) -> Result<Self, MetricsError> {
        let mut groups: BTreeMap<SameRequest<'_>, Vec<usize>> = BTreeMap::new();
        for (at, entry) in bench.entries.iter().enumerate() {
            let header = &bench.runs[entry.run].header;
            if let System::Model { condition, norm } = &entry.system {
                let same = ["weights", "respondents", "catalogue"].map(|of| header.hashes.get(of).map(String::as_str));
                let asked = (header.model.name.as_str(), same, condition, *norm);
                groups.entry(asked).or_default().push(at);
            }
        }
        let mut found: Vec<(usize, Wordings)> = groups
            .into_values()
            .filter_map(|systems| Some((systems[0], Wordings::of(bench, results, &systems)?)))
            .collect();
        found.sort_by_key(|(first, _)| *first);
        Ok(found.into_iter().map(|(_, wordings)| wordings).collect())
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "wordings",
            title: "Wordings",
            template: include_str!("../templates/wordings.html"),
        }
    }

    fn page(&self, _: &ReportContext<'_>) -> Option<Value> {
        let rows: Vec<WordingWords> = self.iter().map(WordingWords::of).collect();
        (!rows.is_empty()).then(|| context! { rows => words(&rows) })
    }

    fn tables(&self, report: &ReportContext<'_>) -> Vec<Table> {
        if self.is_empty() {
            return Vec::new();
        }
        let rows: Vec<WordingWords> = self.iter().map(WordingWords::of).collect();
        let caption = format!(
            "Sensitivity to wording: overall accuracy of one condition under several prompt files, in percent ({} \
             respondents).",
            report.respondents()
        );
        let columns = [
            left("condition", |row: &WordingWords| row.label.clone()),
            right("wordings", |row: &WordingWords| row.wordings.len().to_string()),
            right("mean", |row: &WordingWords| row.mean.clone()),
            right("range", |row: &WordingWords| row.range.clone()),
            right("points", |row: &WordingWords| row.points.clone()),
        ];
        vec![Table::of("wordings", caption, rows, &columns)]
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = self.iter().flat_map(|one| {
            one.wordings.iter().map(|wording| {
                let columns = WordingColumns {
                    prompt: &wording.prompt,
                    prompt_hash: &wording.hash,
                    mean: one.mean.into(),
                    lowest: one.lowest.into(),
                    highest: one.highest.into(),
                };
                let about = report.results.columns_of(wording.system);
                (about, columns, EstimateColumns::of(Some(&wording.accuracy)))
            })
        });
        CsvTable::of("wordings", rows).map(Some)
    }
}

impl Wordings {
    /// Systems that differ in wording; absent where fewer than two wordings are among them. A wording that several runs
    /// have stands once.
    fn of(bench: &Bench<'_>, results: &Results, systems: &[usize]) -> Option<Self> {
        let condition = bench.entries[*systems.first()?].condition()?;
        let mut wordings: Vec<PromptWording> = Vec::new();
        for &at in systems {
            let run = &bench.runs[bench.entries[at].run];
            let hash = run.header.hashes.get(&format!("prompt_{}", condition.method))?;
            if let Some(accuracy) = results.systems[at].scores.overall
                && wordings.iter().all(|known| known.hash != *hash)
            {
                wordings.push(PromptWording {
                    system: at,
                    run: run.name.clone(),
                    prompt: prompt_file(run, condition.method),
                    hash: hash.clone(),
                    accuracy,
                });
            }
        }
        let values = || wordings.iter().map(|one| one.accuracy.value);
        (wordings.len() > 1).then_some(Self {
            label: bench.full_label(systems[0]),
            mean: mean(values())?,
            lowest: values().fold(f64::INFINITY, f64::min),
            highest: values().fold(f64::NEG_INFINITY, f64::max),
            wordings,
        })
    }
}

/// The name of the file with a method's prompt.
fn prompt_file(run: &RunTable, method: Method) -> String {
    let spec: Option<Spec> = toml::from_str(&run.header.spec).ok();
    let path = spec.as_ref().and_then(|spec| spec.prompts.of(method)?.file_name());
    path.map_or_else(|| "built-in".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// A row of the page's table.
#[derive(Serialize)]
struct WordingWords {
    label: String,
    wordings: Vec<OneWording>,
    mean: String,
    range: String,
    points: String,
}

/// One wording in words.
#[derive(Serialize)]
struct OneWording {
    prompt: String,
    run: String,
    accuracy: String,
}

impl WordingWords {
    fn of(one: &Wordings) -> Self {
        let wordings = one.wordings.iter().map(|wording| OneWording {
            prompt: wording.prompt.clone(),
            run: wording.run.clone(),
            accuracy: with_interval(Some(&wording.accuracy)),
        });
        Self {
            label: one.label.clone(),
            wordings: wordings.collect(),
            mean: percent(Some(one.mean)),
            range: format!("{}–{}", percent(Some(one.lowest)), percent(Some(one.highest))),
            points: format!("{:.1}", 100.0 * (one.highest - one.lowest)),
        }
    }
}

/// A row of the CSV table before the accuracy.
#[derive(Serialize)]
struct WordingColumns<'a> {
    prompt: &'a str,
    prompt_hash: &'a str,
    mean: Figure,
    lowest: Figure,
    highest: Figure,
}
