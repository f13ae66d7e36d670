//! What a section of a report is.

use std::collections::BTreeSet;

use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use super::bench::Bench;
use super::charts::Reference;
use super::csv::CsvTable;
use super::results::{ResultColumn, Results};
use super::svg::{Drawing, Mark, Picture, SERIES};
use super::table::Table;
use crate::metrics::{MetricsError, System};

/// One section of a report: its numbers are the type's own fields, and every form in which they are shown stands beside
/// them in one file. A form that a section does not have is left to the answer given here.
pub(super) trait ReportSection {
    /// Computes its numbers.
    ///
    /// # Errors
    /// Where runs contradict each other.
    fn compute(bench: &Bench<'_>, results: &Results) -> Result<Self, MetricsError>
    where
        Self: Sized;

    /// Its part of the page.
    fn part(&self) -> PagePart;

    /// What the part's template is filled with; absent where the section has nothing to tell.
    fn page(&self, report: &ReportContext<'_>) -> Option<Value>;

    /// Its pictures, which are files too.
    fn drawings(&self, _report: &ReportContext<'_>) -> Vec<Drawing> {
        Vec::new()
    }

    /// Its tables for people.
    fn tables(&self, _report: &ReportContext<'_>) -> Vec<Table> {
        Vec::new()
    }

    /// Its table for programs.
    ///
    /// # Errors
    /// Where a row has no columns, which tests rule out.
    fn csv(&self, _report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        Ok(None)
    }

    /// Columns that it adds to the table of overall results.
    fn columns<'a>(&'a self, _results: &'a Results) -> Vec<ResultColumn<'a>> {
        Vec::new()
    }

    /// Whether it is what a reader should see first.
    fn leads(&self, _results: &Results) -> bool {
        false
    }
}

/// A section's part of the page.
pub(super) struct PagePart {
    /// Its anchor, which is also the name of its template.
    pub id: &'static str,
    /// What the contents call it.
    pub title: &'static str,
    /// Text of its template.
    pub template: &'static str,
}

/// Systems that stand side by side. More of them are rows of a table, and share no axes.
pub(super) const SIDE_BY_SIDE: usize = 4;

/// What a section draws on beside its own numbers.
pub(super) struct ReportContext<'a> {
    /// All systems and how they stand.
    pub results: &'a Results,
    /// Columns of overall results: main conditions, grids of categories that stand in for one, baselines.
    pub columns: Vec<ResultColumn<'a>>,
    /// Whether a page a person lies beside the report's.
    pub people_pages: bool,
}

impl ReportContext<'_> {
    /// Whether there are more results than stand side by side.
    pub fn many(&self) -> bool {
        self.columns.iter().filter(|column| column.ours).count() > SIDE_BY_SIDE
    }

    /// The overall figure of a baseline; absent where runs have different ones.
    fn baseline(&self, wanted: fn(&System) -> bool) -> Option<f64> {
        let systems = &self.results.systems;
        let mut found = self.results.baselines.iter().filter(|at| wanted(&systems[**at].system));
        match (found.next(), found.next()) {
            (Some(one), None) => systems[*one].scores.overall.map(|estimate| estimate.value),
            _ => None,
        }
    }

    /// The line of chance.
    pub fn chance(&self) -> Option<Reference> {
        let value = self.baseline(|system| *system == System::Chance)?;
        Some(Reference {
            value,
            label: "chance".to_owned(),
        })
    }

    /// The line of the majority.
    pub fn majority(&self) -> Option<Reference> {
        let value = self.baseline(|system| *system == System::Majority)?;
        Some(Reference {
            value,
            label: "majority".to_owned(),
        })
    }

    /// How some systems are drawn: one colour a model and one shape a method, where they differ in both; else all apart.
    pub fn marks(&self, systems: &[usize]) -> Vec<Mark> {
        let mut places = (Vec::new(), Vec::new());
        let named = systems.iter().map(|at| {
            let scores = &self.results.systems[*at];
            let method = match &scores.system {
                System::Model { condition, .. } => Some(condition.method),
                _ => None,
            };
            let model = self.results.runs[scores.run].header.model.name.as_str();
            (place(&mut places.0, model), place(&mut places.1, method))
        });
        let named: Vec<(usize, usize)> = named.collect();
        let (models, methods) = (places.0.len(), places.1.len());
        // More models than colours go on in further shapes.
        let both = named
            .iter()
            .map(|(model, method)| (*model % SERIES, method + methods * (model / SERIES)));
        let apart: BTreeSet<(usize, usize)> = both.clone().filter(|(_, shape)| *shape < SERIES).collect();
        match models > 1 && methods > 1 && apart.len() == systems.len() {
            true => both.map(|(colour, shape)| Mark::of_two(colour, shape)).collect(),
            false => (0..systems.len()).map(Mark::Series).collect(),
        }
    }

    /// A picture's title, which says so where respondents are synthetic.
    pub fn tagged(&self, title: &str) -> String {
        match self.results.synthetic {
            true => format!("{title} (synthetic respondents)"),
            false => title.to_owned(),
        }
    }

    /// "synthetic" or "survey", the last column of every table for programs.
    pub fn respondents(&self) -> &'static str {
        self.results.respondents_word()
    }
}

/// The place of a thing in a list, at whose end it is put where it is new.
fn place<T: PartialEq>(known: &mut Vec<T>, thing: T) -> usize {
    known.iter().position(|other| *other == thing).unwrap_or_else(|| {
        known.push(thing);
        known.len() - 1
    })
}

/// HTML that has escaped its own words.
pub(super) fn safe(html: String) -> Value {
    Value::from_safe_string(html)
}

/// A picture as templates take it: what it is called in files, itself, and its legend.
pub(super) fn placed(drawing: &Drawing) -> Value {
    let legend = drawing.legend.iter().map(|(mark, label)| key(*mark, label));
    minijinja::context! {
        id => drawing.id.clone(),
        svg => safe(drawing.inline()),
        legend_keys => legend.collect::<Vec<Value>>(),
    }
}

/// Rows of words, or anything else that can be written down, as templates take it.
pub(super) fn words(said: &impl Serialize) -> Value {
    Value::from(Serde(said))
}

/// A legend's entry.
fn key(mark: Mark, label: &str) -> Value {
    let mut canvas = Picture::new(22.0, 14.0);
    if !matches!(mark, Mark::Published) {
        canvas.line((1.0, 7.0), (21.0, 7.0), &format!("interval {}", mark.class()));
    }
    canvas.mark(mark, (11.0, 7.0), "");
    minijinja::context! { svg => safe(canvas.finish_decorative()), label }
}
