//! The section on what is chosen, whoever is asked: its numbers, its tables and its part of the page.

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::build::Bench;
use super::csv::{CONTRAST, contrast as contrast_csv, number};
use super::findings::{alike, capital, ordinal};
use super::numbers::{Report, SystemScores};
use super::table::{Align, Table};
use super::words::{contrast, kappa, percent};
use crate::metrics::{
    Beside, Choices, Constancy, Flips, Shortest, System, constancy, flips, is_informed, prediction, shortest,
};

/// What one condition chooses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemChoices {
    /// Position in [`Report::systems`].
    pub system: usize,
    /// What it is called among all conditions.
    pub label: String,
    /// Its choices beside people's own answers.
    pub choices: Choices,
    /// In what it answers alike whoever is asked, if it does.
    pub constancy: Option<Constancy>,
    /// Overall accuracy.
    pub accuracy: Option<f64>,
    /// Overall accuracy of always choosing the first candidate, on the run's probes.
    pub always_first: Option<f64>,
    /// How often the shortest candidate is chosen; absent where candidates were not scored.
    pub shortest: Option<Shortest>,
    /// How often the choice depends on the order of the options; absent where they were listed in one order.
    pub flips: Option<Flips>,
}

/// The choices of every condition from which any could be read.
pub(super) fn choices(bench: &Bench<'_>, systems: &[SystemScores]) -> Vec<SystemChoices> {
    let conditions: Vec<usize> = (0..bench.entries.len())
        .filter(|at| bench.entries[*at].condition().is_some())
        .collect();
    let labels = bench.labels(&conditions);
    let of_one = |(system, label): (usize, String)| {
        let entry = &bench.entries[system];
        let run = &bench.runs[entry.run];
        let System::Model { condition, norm } = &entry.system else {
            return None;
        };
        let chosen = |outcome: &_| prediction(outcome, *norm).filter(|_| is_informed(outcome, *norm));
        let shortest = shortest(run, condition, chosen);
        let first = bench.baselines[entry.run]
            .iter()
            .find(|at| bench.entries[**at].system == System::First);
        let overall = |at: usize| systems[at].scores.overall.map(|estimate| estimate.value);
        Some(SystemChoices {
            system,
            label,
            choices: Choices::of(&entry.panel, &bench.roster, &bench.options.resampling)?,
            constancy: most_telling(constancy(&entry.panel.rows), shortest),
            accuracy: overall(system),
            always_first: first.and_then(|at| overall(*at)),
            shortest,
            flips: flips(run, condition),
        })
    };
    conditions.into_iter().zip(labels).filter_map(of_one).collect()
}

/// A model that always chooses the shortest candidate also answers a question alike whoever is asked; that it is the
/// shortest says more.
fn most_telling(found: Option<Constancy>, shortest: Option<Shortest>) -> Option<Constancy> {
    let by_length = shortest.and_then(|shortest| shortest.constancy());
    match found {
        Some(Constancy::Position { .. }) => found,
        _ => by_length.or(found),
    }
}

/// "62.1 (55.0)": a system's share and people's own, in percent.
pub(super) fn beside(share: &Beside) -> String {
    format!("{} ({})", percent(Some(share.chosen)), percent(Some(share.own)))
}

/// Number of positions that any condition has.
fn positions(all: &[SystemChoices]) -> usize {
    all.iter().map(|one| one.choices.positions.len()).max().unwrap_or(0)
}

/// What stands in a row of the table and of the page.
struct Cells {
    positions: Vec<String>,
    commonest: String,
    kappa: String,
    accuracy: String,
    first: String,
    always: String,
    over: String,
    flips: String,
}

impl SystemChoices {
    fn cells(&self, positions: usize) -> Cells {
        let shares = self.choices.positions.iter().map(beside);
        Cells {
            positions: shares
                .chain(std::iter::repeat("–".to_owned()))
                .take(positions)
                .collect(),
            commonest: beside(&self.choices.commonest),
            kappa: kappa(self.choices.agreement.and_then(|agreement| agreement.kappa)),
            accuracy: percent(self.accuracy),
            first: percent(self.always_first),
            always: percent(self.choices.always_commonest),
            over: contrast(self.choices.over_commonest.as_ref()),
            flips: percent(self.flips.map(|flips| flips.share)),
        }
    }
}

/// The section's part of the page; absent where nothing could be read.
pub(super) fn page(all: &[SystemChoices]) -> Option<Value> {
    let width = positions(all);
    let rows = all.iter().map(|one| {
        let cells = one.cells(width);
        context! {
            label => one.label.clone(), alike => one.constancy.as_ref().map(alike), positions => cells.positions,
            commonest => cells.commonest, kappa => cells.kappa, accuracy => cells.accuracy, first => cells.first,
            always => cells.always, over => cells.over, flips => cells.flips,
        }
    });
    let rows: Vec<Value> = rows.collect();
    let positions: Vec<String> = (0..width).map(|at| capital(&ordinal(at))).collect();
    (!rows.is_empty()).then(|| context! { rows, positions })
}

impl Report {
    /// What every condition chooses, for people; absent where nothing could be read.
    pub fn choices_table(&self) -> Option<Table> {
        let width = positions(&self.choices);
        let warnings: Vec<String> = self
            .choices
            .iter()
            .filter_map(|one| Some(format!("{}: {}.", one.label, alike(&one.constancy?))))
            .collect();
        let caption = format!(
            "What is chosen, whoever is asked, in percent with people's own answers in brackets ({} respondents); kappa is \
             agreement with the person beyond what the same choices, dealt to other people, would reach.{}",
            self.respondents_word(),
            warnings
                .iter()
                .map(|warning| format!("\n{warning}"))
                .collect::<String>()
        );
        let mut table = Table::new("choices", caption, &[("condition", Align::Left)]);
        let titles = (0..width).map(ordinal);
        let more = [
            "same for everybody",
            "kappa",
            "accuracy",
            "always first",
            "always its commonest",
            "over that",
            "flips",
        ];
        let titles = titles.chain(more.map(str::to_owned));
        table.columns.extend(titles.map(|title| (title, Align::Right)));
        table.rows.extend(self.choices.iter().map(|one| {
            let cells = one.cells(width);
            let mut row = vec![one.label.clone()];
            row.extend(cells.positions);
            row.extend([
                cells.commonest,
                cells.kappa,
                cells.accuracy,
                cells.first,
                cells.always,
                cells.over,
                cells.flips,
            ]);
            row
        }));
        (!table.rows.is_empty()).then_some(table)
    }

    /// The same for programs: a line a condition and position, the figures of the whole condition on each.
    pub(super) fn choices_csv(&self) -> Table {
        let mut columns = vec![("system", Align::Left)];
        let figures = [
            "position",
            "chosen",
            "own",
            "read",
            "same_for_everybody",
            "same_for_everybody_own",
            "agreement",
            "kappa",
            "accuracy",
            "always_first",
            "always_commonest",
        ];
        let more = ["shortest", "shortest_own", "flips", "constant"];
        let figures = figures.iter().chain(&CONTRAST).chain(&more);
        columns.extend(figures.map(|name| (*name, Align::Right)));
        let mut table = Table::new("choices", "", &columns);
        for one in &self.choices {
            let choices = &one.choices;
            for (position, share) in choices.positions.iter().enumerate() {
                let mut row = vec![one.label.clone(), (position + 1).to_string()];
                row.extend([share.chosen, share.own].map(|share| number(Some(share))));
                row.push(choices.read.to_string());
                let figures = [
                    Some(choices.commonest.chosen),
                    Some(choices.commonest.own),
                    choices.agreement.map(|agreement| agreement.agreement),
                    choices.agreement.and_then(|agreement| agreement.kappa),
                    one.accuracy,
                    one.always_first,
                    choices.always_commonest,
                ];
                row.extend(figures.map(number));
                row.extend(contrast_csv(choices.over_commonest.as_ref()));
                let shortest = one.shortest.map(|shortest| shortest.share);
                let figures = [
                    shortest.map(|share| share.chosen),
                    shortest.map(|share| share.own),
                    one.flips.map(|flips| flips.share),
                ];
                row.extend(figures.map(number));
                row.push(one.constancy.as_ref().map_or("", kind).to_owned());
                table.rows.push(row);
            }
        }
        table
    }
}

/// The word for it in tables for programs.
fn kind(constancy: &Constancy) -> &'static str {
    match constancy {
        Constancy::Position { .. } => "position",
        Constancy::Question { .. } => "question",
        Constancy::Shortest { .. } => "shortest",
    }
}
