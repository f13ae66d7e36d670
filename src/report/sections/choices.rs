//! What is chosen, whoever is asked.

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::csv::{ContrastColumns, CsvTable, Figure};
use super::super::phrases::{alike, capital, ordinal};
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, words};
use super::super::table::{Table, left, right};
use super::super::words::{ContrastWords, beside, kappa, percent};
use crate::metrics::{AlwaysAlike, Constancy, Flips, Habits, MetricsError, Shortest, System, flips, shortest};

/// What one condition chooses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemChoices {
    /// Position among the report's systems.
    pub system: usize,
    /// What it is called among all conditions.
    pub label: String,
    /// Its choices beside people's own answers.
    pub choices: Habits,
    /// In what it answers alike whoever is asked, if it does.
    pub constancy: Option<Constancy>,
    /// What always doing so would reach on the same probes; absent where it does not answer alike, and for the shortest
    /// candidate, which a probe may not have.
    pub always: Option<AlwaysAlike>,
    /// Overall accuracy.
    pub accuracy: Option<f64>,
    /// Overall accuracy of always choosing the first candidate, on the run's probes.
    pub always_first: Option<f64>,
    /// How often the shortest candidate is chosen; absent where nothing says how long candidates are.
    pub shortest: Option<Shortest>,
    /// How often the choice depends on the order of the options; absent where they were listed in one order.
    pub flips: Option<Flips>,
}

impl SystemChoices {
    /// In what it answers alike whoever is asked, in words.
    pub(in crate::report) fn alike(&self) -> Option<String> {
        let constancy = self.constancy.as_ref()?;
        Some(alike(constancy, self.always.as_ref()))
    }
}

impl ReportSection for Vec<SystemChoices> {
    /// The choices of every condition from which any could be read.
    fn compute(bench: &Bench<'_>, results: &Results) -> Result<Self, MetricsError> {
        let is_condition = |at: &usize| bench.entries[*at].condition().is_some();
        let conditions: Vec<usize> = (0..bench.entries.len()).filter(is_condition).collect();
        let labels = bench.labels(&conditions);
        let labelled = conditions.into_iter().zip(labels);
        Ok(labelled
            .filter_map(|(at, label)| of_one(bench, results, at, label))
            .collect())
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "choices",
            title: "Choices",
            template: include_str!("../templates/choices.html"),
        }
    }

    fn page(&self, report: &ReportContext<'_>) -> Option<Value> {
        let width = positions(self);
        let folded = report.many();
        // Of many systems only the main conditions are shown: the others would fill pages.
        let shown = self
            .iter()
            .filter(|one| !folded || report.results.headline.contains(&one.system));
        let rows: Vec<ChoiceWords> = shown.map(|one| ChoiceWords::of(one, width)).collect();
        let positions: Vec<String> = (0..width).map(|at| capital(&ordinal(at))).collect();
        let warnings: Vec<&ChoiceWords> = rows.iter().filter(|row| row.alike.is_some()).collect();
        (!rows.is_empty()).then(|| context! { rows => words(&rows), warnings => words(&warnings), positions, folded })
    }

    fn tables(&self, report: &ReportContext<'_>) -> Vec<Table> {
        let table = table(self, report);
        if table.rows.is_empty() { Vec::new() } else { vec![table] }
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = self.iter().flat_map(|one| csv_rows(one, report.results));
        CsvTable::of("choices", rows).map(Some)
    }
}

fn of_one(bench: &Bench<'_>, results: &Results, system: usize, label: String) -> Option<SystemChoices> {
    let entry = &bench.entries[system];
    let run = &bench.runs[entry.run];
    let System::Model { condition, norm } = &entry.system else {
        return None;
    };
    let shortest = shortest(run, condition, *norm);
    let first = bench.baselines[entry.run]
        .iter()
        .find(|at| bench.entries[**at].system == System::First);
    let overall = |at: usize| results.systems[at].scores.overall.map(|estimate| estimate.value);
    let (roster, how) = (&bench.roster, &bench.options.resampling);
    let choices = Habits::of(&entry.panel, roster, how)?;
    let constancy = entry.panel.constancy();
    Some(SystemChoices {
        system,
        label,
        always: match constancy {
            Some(Constancy::Position { position, .. }) => {
                Some(AlwaysAlike::position(&entry.panel, position, roster, how))
            }
            Some(Constancy::Question { .. }) => Some(AlwaysAlike {
                accuracy: choices.always_commonest,
                over: choices.over_commonest,
            }),
            Some(Constancy::Shortest { .. }) | None => None,
        },
        choices,
        constancy,
        accuracy: overall(system),
        always_first: first.and_then(|at| overall(*at)),
        shortest,
        flips: flips(run, condition),
    })
}

/// Number of positions that any condition has.
fn positions(all: &[SystemChoices]) -> usize {
    all.iter().map(|one| one.choices.positions.len()).max().unwrap_or(0)
}

/// What stands in a row of the tables for people.
#[derive(Serialize)]
struct ChoiceWords {
    label: String,
    alike: Option<String>,
    positions: Vec<String>,
    commonest: String,
    shortest: String,
    kappa: String,
    accuracy: String,
    first: String,
    always: String,
    over: ContrastWords,
    flips: String,
}

impl ChoiceWords {
    fn of(one: &SystemChoices, width: usize) -> Self {
        let shares = one.choices.positions.iter().map(beside);
        let shares = shares.chain(std::iter::repeat("–".to_owned()));
        Self {
            label: one.label.clone(),
            alike: one.alike(),
            positions: shares.take(width).collect(),
            commonest: beside(&one.choices.commonest),
            shortest: one.shortest.map_or("–".to_owned(), |shortest| beside(&shortest.share)),
            kappa: kappa(one.choices.agreement.and_then(|agreement| agreement.kappa)),
            accuracy: percent(one.accuracy),
            first: percent(one.always_first),
            always: percent(one.choices.always_commonest),
            over: ContrastWords::of(one.choices.over_commonest.as_ref()),
            flips: one
                .flips
                .map_or("–".to_owned(), |flips| flipping(&flips, one.choices.read)),
        }
    }
}

/// How often the choice flips with the order; with the number of probes where not all were asked in several.
fn flipping(flips: &Flips, read: usize) -> String {
    let share = percent(Some(flips.share));
    match flips.probes < read {
        true => format!("{share} (of {} probes)", flips.probes),
        false => share,
    }
}

fn table(all: &[SystemChoices], report: &ReportContext<'_>) -> Table {
    let width = positions(all);
    let rows: Vec<ChoiceWords> = all.iter().map(|one| ChoiceWords::of(one, width)).collect();
    let warnings = rows
        .iter()
        .filter_map(|row| Some(format!("\n{}: {}.", row.label, row.alike.as_ref()?)));
    let caption = format!(
        "What is chosen, whoever is asked, in percent with people's own answers in brackets ({} respondents); kappa is \
         agreement with the person beyond what the same choices, dealt to other people, would reach; shortest is how often the \
         shortest candidate is chosen, in tokens where candidates were scored, else in characters, where they differ in that.{}",
        report.respondents(),
        warnings.collect::<String>()
    );
    let mut columns = vec![left("condition", |row: &ChoiceWords| row.label.clone())];
    columns.extend((0..width).map(|at| right(ordinal(at), move |row: &ChoiceWords| row.positions[at].clone())));
    columns.extend([
        right("same for everybody", |row: &ChoiceWords| row.commonest.clone()),
        right("shortest", |row: &ChoiceWords| row.shortest.clone()),
        right("kappa", |row: &ChoiceWords| row.kappa.clone()),
        right("flips", |row: &ChoiceWords| row.flips.clone()),
        right("accuracy", |row: &ChoiceWords| row.accuracy.clone()),
        right("always first", |row: &ChoiceWords| row.first.clone()),
        right("always its commonest", |row: &ChoiceWords| row.always.clone()),
        right("over that", |row: &ChoiceWords| row.over.difference.clone()),
        right("both read", |row: &ChoiceWords| row.over.both_read.clone()),
        right("unread as guesses", |row: &ChoiceWords| row.over.guess.clone()),
    ]);
    Table::of("choices", caption, rows, &columns)
}

/// A row of the CSV table before the difference to always its commonest choice.
#[derive(Serialize)]
struct ChoiceColumns {
    position: usize,
    chosen: Figure,
    own: Figure,
    read: usize,
    same_for_everybody: Figure,
    same_for_everybody_own: Figure,
    agreement: Figure,
    kappa: Figure,
    accuracy: Figure,
    always_first: Figure,
    always_commonest: Figure,
}

/// What follows it.
#[derive(Serialize)]
struct HabitColumns {
    shortest_in: &'static str,
    shortest_probes: Option<usize>,
    shortest: Figure,
    shortest_own: Figure,
    flips: Figure,
    flips_probes: Option<usize>,
    constant: &'static str,
}

/// A row a position, the figures of the whole condition on each.
fn csv_rows(one: &SystemChoices, results: &Results) -> impl Iterator<Item = impl Serialize> {
    let about = results.columns_of(one.system);
    let choices = &one.choices;
    choices.positions.iter().enumerate().map(move |(position, share)| {
        let first = ChoiceColumns {
            position: position + 1,
            chosen: share.chosen.into(),
            own: share.own.into(),
            read: choices.read,
            same_for_everybody: choices.commonest.chosen.into(),
            same_for_everybody_own: choices.commonest.own.into(),
            agreement: choices.agreement.map(|agreement| agreement.agreement).into(),
            kappa: choices.agreement.and_then(|agreement| agreement.kappa).into(),
            accuracy: one.accuracy.into(),
            always_first: one.always_first.into(),
            always_commonest: choices.always_commonest.into(),
        };
        let shortest = one.shortest.map(|shortest| shortest.share);
        let last = HabitColumns {
            shortest_in: one.shortest.map_or("", |shortest| shortest.measure.name()),
            shortest_probes: one.shortest.map(|shortest| shortest.probes),
            shortest: shortest.map(|share| share.chosen).into(),
            shortest_own: shortest.map(|share| share.own).into(),
            flips: one.flips.map(|flips| flips.share).into(),
            flips_probes: one.flips.map(|flips| flips.probes),
            constant: one.constancy.as_ref().map_or("", kind),
        };
        let over = ContrastColumns::of(choices.over_commonest.as_ref());
        (about.clone(), first, over, last)
    })
}

/// The word for it in tables for programs.
fn kind(constancy: &Constancy) -> &'static str {
    match constancy {
        Constancy::Position { .. } => "position",
        Constancy::Question { .. } => "question",
        Constancy::Shortest { .. } => "shortest",
    }
}
