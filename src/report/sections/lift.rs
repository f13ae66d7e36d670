//! Individual lift: the person's own statements against somebody else's or nobody's.

use std::collections::BTreeMap;

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::charts::{Dot, DotPlot, DotRow, LabelPlace, Reference, dots};
use super::super::csv::{ContrastColumns, CsvTable, Figure};
use super::super::names;
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, SIDE_BY_SIDE, placed, words};
use super::super::svg::{Drawing, Mark};
use super::super::table::{Table, left, right};
use super::super::words::{ContrastWords, percent};
use crate::metrics::{Contrast, MetricsError, Scores, p_by_category};
use crate::scoring::{Condition, Control};

/// Own demonstrations minus a control, paired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lift {
    /// Positions among the report's systems: with one's own, and under the control.
    pub systems: (usize, usize),
    /// What is equal in both.
    pub label: String,
    /// Whose demonstrations the control showed.
    pub control: String,
    /// Accuracy with one's own.
    pub own: f64,
    /// Accuracy under the control.
    pub other: f64,
    /// Own minus control.
    pub difference: Scores<Contrast>,
    /// Number of probes.
    pub probes: usize,
}

impl ReportSection for Vec<Lift> {
    /// Own demonstrations against each control. "Nobody's" is also the condition without demonstrations and demographics,
    /// which asks the same and is stored once.
    fn compute(bench: &Bench<'_>, _: &Results) -> Result<Self, MetricsError> {
        let found = controlled(bench);
        let mut distinct: Vec<usize> = found.iter().map(|one| one.own).collect();
        distinct.dedup();
        let labels: BTreeMap<usize, String> = distinct.iter().copied().zip(bench.labels(&distinct)).collect();
        let label = |own: usize| labels.get(&own).cloned().unwrap_or_default();
        let lifts = found.iter().map(|one| one.lift(bench, label(one.own)));
        lifts.filter_map(Result::transpose).collect()
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "individual",
            title: "Individual lift",
            template: include_str!("../templates/individual.html"),
        }
    }

    fn page(&self, report: &ReportContext<'_>) -> Option<Value> {
        let picture = placed(&picture(self, report)?);
        let rows: Vec<LiftWords> = self.iter().map(LiftWords::of).collect();
        Some(context! { picture, rows => words(&rows), own_groups => report.results.naming.own_groups })
    }

    fn drawings(&self, report: &ReportContext<'_>) -> Vec<Drawing> {
        picture(self, report).into_iter().collect()
    }

    fn tables(&self, report: &ReportContext<'_>) -> Vec<Table> {
        let caption = format!(
            "Individual lift: accuracy with the person's own statements minus accuracy with the control's, paired on the \
             same probes, with 95 % intervals ({} respondents). Unread answers are wrong; beside it, the probes that both sides \
             could read, and unread answers counted as guesses.",
            report.respondents()
        );
        let columns = [
            left("system", |row: &LiftWords| row.system.clone()),
            left("control", |row: &LiftWords| row.control.clone()),
            right("own, %", |row: &LiftWords| row.own.clone()),
            right("control, %", |row: &LiftWords| row.other.clone()),
            right("lift, points", |row: &LiftWords| row.lift.difference.clone()),
            right("both read", |row: &LiftWords| row.lift.both_read.clone()),
            right("unread as guesses", |row: &LiftWords| row.lift.guess.clone()),
            right("probes", |row: &LiftWords| row.probes.to_string()),
        ];
        let table = Table::of("lift", caption, self.iter().map(LiftWords::of), &columns);
        if self.is_empty() { Vec::new() } else { vec![table] }
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = self.iter().flat_map(|lift| csv_rows(lift, report.results));
        CsvTable::of("individual-lift", rows).map(Some)
    }
}

/// A condition and its control, as positions in the bench.
struct Controlled {
    own: usize,
    other: usize,
    control: Control,
}

impl Controlled {
    /// The lift; absent where they share no probe.
    fn lift(&self, bench: &Bench<'_>, label: String) -> Result<Option<Lift>, MetricsError> {
        let Some(paired) = bench.pair(self.own, self.other)? else {
            return Ok(None);
        };
        let accuracies = paired.accuracies(bench.categories());
        Ok(Some(Lift {
            systems: (self.own, self.other),
            label,
            control: names::control(self.control, &bench.naming).to_owned(),
            own: accuracies.0.overall.unwrap_or(0.0),
            other: accuracies.1.overall.unwrap_or(0.0),
            difference: paired.contrasts(bench.categories(), &bench.options.resampling),
            probes: paired.pairs.len(),
        }))
    }
}

/// Conditions of the person's own demonstrations with each control that their run has.
fn controlled(bench: &Bench<'_>) -> Vec<Controlled> {
    let mut found = Vec::new();
    for (at, entry) in bench.entries.iter().enumerate() {
        let condition = entry.condition();
        let Some(own) = condition.filter(|one| one.control.is_own() && one.category.is_none()) else {
            continue;
        };
        for control in [Control::None, Control::Random, Control::SameCountry] {
            // Every number of demonstrations has a condition without any; only the main condition is held against it.
            if control == Control::None && !bench.headline.contains(&at) {
                continue;
            }
            let other = bench.entries.iter().position(|other| {
                let condition = other.condition().filter(|_| other.run == entry.run);
                condition.is_some_and(|condition| is_control_of(own, condition, control))
            });
            found.extend(other.map(|other| Controlled {
                own: at,
                other,
                control,
            }));
        }
    }
    found
}

fn is_control_of(own: &Condition, condition: &Condition, control: Control) -> bool {
    let same_question = condition.method == own.method && own.demonstrations + usize::from(own.demographics) > 0;
    let nobodys = condition.demonstrations == 0 && !condition.demographics && condition.category.is_none();
    match control {
        Control::None => same_question && nobodys && matches!(condition.control, Control::Own | Control::None),
        _ => *condition == Condition { control, ..own.clone() },
    }
}

/// What stands in a row of the tables for people.
#[derive(Serialize)]
struct LiftWords {
    system: String,
    control: String,
    own: String,
    other: String,
    lift: ContrastWords,
    probes: usize,
}

impl LiftWords {
    fn of(lift: &Lift) -> Self {
        Self {
            system: lift.label.clone(),
            control: lift.control.clone(),
            own: percent(Some(lift.own)),
            other: percent(Some(lift.other)),
            lift: ContrastWords::of(lift.difference.overall.as_ref()),
            probes: lift.probes,
        }
    }
}

/// The lifts as marks; absent where there is none.
fn picture(all: &[Lift], report: &ReportContext<'_>) -> Option<Drawing> {
    if all.chunk_by(|a, b| a.label == b.label).count() > SIDE_BY_SIDE {
        return by_system(all, report);
    }
    let alike = all.windows(2).all(|pair| pair[0].label == pair[1].label);
    let rows = all.iter().filter_map(|lift| {
        let dot = Dot {
            mark: Mark::Series(0),
            name: String::new(),
            estimate: lift.difference.overall?.wrong.estimate,
        };
        Some(DotRow {
            label: match alike {
                true => format!("over {}", lift.control),
                false => format!("{}, over {}", lift.label, lift.control),
            },
            note: String::new(),
            dots: vec![dot],
        })
    });
    drawn(rows.collect(), report)
}

/// The same with a row a system and a mark a control.
fn by_system(all: &[Lift], report: &ReportContext<'_>) -> Option<Drawing> {
    let controls = controls(all);
    let dot = |lift: &Lift| {
        Some(Dot {
            mark: Mark::Series(controls.iter().position(|control| *control == lift.control)?),
            name: format!("over {}", lift.control),
            estimate: lift.difference.overall?.wrong.estimate,
        })
    };
    let rows = all.chunk_by(|a, b| a.label == b.label).map(|of_system| DotRow {
        label: of_system[0].label.clone(),
        note: String::new(),
        dots: of_system.iter().filter_map(dot).collect(),
    });
    let drawing = drawn(rows.filter(|row| !row.dots.is_empty()).collect(), report)?;
    let legend = controls.iter().enumerate();
    let legend = legend.map(|(at, control)| (Mark::Series(at), format!("over {control}")));
    Some(drawing.with_legend(legend.collect()))
}

fn drawn(rows: Vec<DotRow>, report: &ReportContext<'_>) -> Option<Drawing> {
    let plot = DotPlot {
        rows,
        labels: LabelPlace::Above,
        references: vec![Reference {
            value: 0.0,
            label: "no lift".to_owned(),
        }],
        differences: true,
        domain: None,
    };
    let title = report.tagged("Individual lift in percentage points, with 95 % intervals");
    (!plot.rows.is_empty()).then(|| dots(&plot, "lift", &title))
}

/// All controls, as they come.
fn controls(all: &[Lift]) -> Vec<&str> {
    let mut controls: Vec<&str> = Vec::new();
    for lift in all {
        if !controls.contains(&lift.control.as_str()) {
            controls.push(&lift.control);
        }
    }
    controls
}

/// What a row of the CSV table is about. Accuracies are overall ones.
#[derive(Serialize)]
struct LiftColumns<'a> {
    against: &'a str,
    category: &'a str,
    own: Figure,
    other: Figure,
}

/// Number of probes behind an overall figure.
#[derive(Serialize)]
struct ProbeColumn {
    probes: Option<usize>,
}

/// Overall, then by category.
fn csv_rows<'a>(lift: &'a Lift, results: &'a Results) -> impl Iterator<Item = impl Serialize> {
    let (own, other) = lift.systems;
    let sides = (results.columns_of(own), results.other_columns_of(other));
    let overall = (
        sides.clone(),
        LiftColumns {
            against: &lift.control,
            category: "",
            own: lift.own.into(),
            other: lift.other.into(),
        },
        ContrastColumns::of_family(lift.difference.overall.as_ref(), None),
        ProbeColumn {
            probes: Some(lift.probes),
        },
    );
    let differences = lift.difference.categories.iter().zip(p_by_category(&lift.difference));
    let categories = results.categories.iter().zip(differences);
    let categories = categories.map(move |(category, (difference, p))| {
        let about = LiftColumns {
            against: &lift.control,
            category,
            own: None.into(),
            other: None.into(),
        };
        let figures = ContrastColumns::of_family(difference.as_ref(), p);
        (sides.clone(), about, figures, ProbeColumn { probes: None })
    });
    std::iter::once(overall).chain(categories)
}
