//! Groups of people: whether some are known better than others.

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::charts::{Dot, DotPlot, DotRow, LabelPlace, Reference, dots, heat_share};
use super::super::csv::{CsvTable, EstimateColumns};
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, SIDE_BY_SIDE, placed, words};
use super::super::svg::{self, Drawing, Mark};
use super::super::words::{p_value, percent};
use crate::metrics::{
    DimensionGroups, FEWEST_FOR_INTERVAL, GroupAccuracy, Inequity, MetricsError, Sums, Unread, by_group,
};

/// One system by group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemGroups {
    /// Position among the report's systems.
    pub system: usize,
    /// What it is called among those shown together.
    pub label: String,
    /// Its groups.
    pub inequity: Inequity,
}

impl ReportSection for Vec<SystemGroups> {
    /// Main conditions by demographic group.
    fn compute(bench: &Bench<'_>, _: &Results) -> Result<Self, MetricsError> {
        let labelled = bench.headline.iter().zip(bench.labels(&bench.headline));
        let all = labelled.map(|(&system, label)| {
            let panel = &bench.entries[system].panel;
            let sums = Sums::of_panel(panel, bench.categories(), panel.credit(Unread::Wrong));
            let inequity = by_group(&sums, &bench.roster, &bench.options.resampling);
            SystemGroups {
                system,
                label,
                inequity,
            }
        });
        Ok(all.filter(|groups| !groups.inequity.dimensions.is_empty()).collect())
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "groups",
            title: "Groups",
            template: include_str!("../templates/groups.html"),
        }
    }

    fn page(&self, report: &ReportContext<'_>) -> Option<Value> {
        let dimensions = &self.first()?.inequity.dimensions;
        let inequity: Vec<InequityWords> = self.iter().map(InequityWords::of).collect();
        if self.len() > SIDE_BY_SIDE {
            let tables: Vec<GroupHeat<'_>> = dimensions.iter().map(|dimension| table(self, dimension)).collect();
            let fewest = FEWEST_FOR_INTERVAL;
            return Some(context! { tables => words(&tables), fewest, inequity => words(&inequity) });
        }
        let plots = dimensions.iter().zip(self.drawings(report));
        let plots =
            plots.map(|(dimension, drawing)| context! { heading => dimension.name.clone(), ..placed(&drawing) });
        let plots: Vec<Value> = plots.collect();
        Some(context! { plots, inequity => words(&inequity) })
    }

    fn drawings(&self, report: &ReportContext<'_>) -> Vec<Drawing> {
        let dimensions = self.first().map(|one| one.inequity.dimensions.as_slice());
        let dimensions = dimensions.filter(|_| self.len() <= SIDE_BY_SIDE).unwrap_or_default();
        let domain = common_domain(self);
        let legend = self.iter().zip(marks(self, report)).filter(|_| self.len() > 1);
        let legend: Vec<(Mark, String)> = legend.map(|(one, mark)| (mark, one.label.clone())).collect();
        let drawings = dimensions.iter().enumerate().map(|(number, dimension)| {
            let plot = plot(self, report, dimension, domain);
            let title = report.tagged(&format!("Accuracy in percent by {}", dimension.name));
            dots(&plot, &format!("group-{number}"), &title).with_legend(legend.clone())
        });
        drawings.collect()
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = self.iter().flat_map(|one| {
            one.inequity.dimensions.iter().flat_map(move |dimension| {
                dimension.groups.iter().map(move |group| {
                    let of_group = GroupColumns {
                        dimension: &dimension.name,
                        group: &group.name,
                        people: group.people,
                    };
                    let about = report.results.columns_of(one.system);
                    (about, of_group, EstimateColumns::of(Some(&group.accuracy)))
                })
            })
        });
        CsvTable::of("groups", rows).map(Some)
    }
}

/// What a row of the CSV table is about.
#[derive(Serialize)]
struct GroupColumns<'a> {
    dimension: &'a str,
    group: &'a str,
    people: usize,
}

/// One scale for all plots. Groups without an interval are of so few people that their figures would squeeze all others.
fn common_domain(all: &[SystemGroups]) -> (f64, f64) {
    let dimensions = all.iter().flat_map(|one| &one.inequity.dimensions);
    let groups = dimensions.flat_map(|dimension| &dimension.groups);
    let figures = groups
        .filter(|group| group.people >= FEWEST_FOR_INTERVAL)
        .map(|group| group.accuracy.value);
    let (low, high) = svg::domain(figures, (0.0, 1.0));
    ((low - 0.05).max(0.0), (high + 0.05).min(1.0))
}

/// How each system is drawn.
fn marks(all: &[SystemGroups], report: &ReportContext<'_>) -> Vec<Mark> {
    report.marks(&all.iter().map(|one| one.system).collect::<Vec<_>>())
}

/// All systems by the groups of one dimension.
fn plot(all: &[SystemGroups], report: &ReportContext<'_>, dimension: &DimensionGroups, domain: (f64, f64)) -> DotPlot {
    let marks = marks(all, report);
    let rows = dimension.groups.iter().map(|group| DotRow {
        label: group.name.clone(),
        note: group.people.to_string(),
        dots: all
            .iter()
            .zip(&marks)
            .filter_map(|(one, &mark)| {
                Some(Dot {
                    mark,
                    name: match all.len() {
                        1 => String::new(),
                        _ => one.label.clone(),
                    },
                    estimate: same_group(one, &dimension.name, &group.name)?.accuracy,
                })
            })
            .collect(),
    });
    let overall = match all {
        [one] => report.results.systems[one.system].scores.overall,
        _ => None,
    };
    let reference = overall.map(|estimate| Reference {
        value: estimate.value,
        label: "all".to_owned(),
    });
    DotPlot {
        rows: rows.collect(),
        labels: LabelPlace::Beside,
        references: reference.into_iter().collect(),
        differences: false,
        domain: Some(domain),
    }
}

/// Many systems by the groups of one dimension.
#[derive(Serialize)]
struct GroupHeat<'a> {
    heading: &'a str,
    groups: Vec<GroupHead<'a>>,
    rows: Vec<GroupRow<'a>>,
}

/// A group as a column is called.
#[derive(Serialize)]
struct GroupHead<'a> {
    name: &'a str,
    people: usize,
}

/// One system by group.
#[derive(Serialize)]
struct GroupRow<'a> {
    system: &'a str,
    cells: Vec<GroupCell>,
}

/// An accuracy, coloured unless its group is of too few people for an interval.
#[derive(Serialize)]
struct GroupCell {
    figure: String,
    heat: Option<String>,
}

fn table<'a>(all: &'a [SystemGroups], dimension: &'a DimensionGroups) -> GroupHeat<'a> {
    let cell = |one: &SystemGroups, group: &GroupAccuracy| {
        let own = same_group(one, &dimension.name, &group.name);
        let value = own.map(|own| own.accuracy.value);
        let told = own.filter(|own| own.people >= FEWEST_FOR_INTERVAL);
        GroupCell {
            figure: percent(value),
            heat: told.map(|own| format!("{:.3}", heat_share(own.accuracy.value))),
        }
    };
    let groups = dimension.groups.iter();
    let rows = all.iter().map(|one| GroupRow {
        system: &one.label,
        cells: dimension.groups.iter().map(|group| cell(one, group)).collect(),
    });
    GroupHeat {
        heading: &dimension.name,
        groups: groups
            .map(|group| GroupHead {
                name: &group.name,
                people: group.people,
            })
            .collect(),
        rows: rows.collect(),
    }
}

/// A system's own group of this name.
fn same_group<'a>(one: &'a SystemGroups, dimension: &str, group: &str) -> Option<&'a GroupAccuracy> {
    let own = one.inequity.dimensions.iter().find(|own| own.name == dimension)?;
    own.groups.iter().find(|own| own.name == group)
}

/// Inequity in words.
#[derive(Serialize)]
struct InequityWords {
    system: String,
    sigma: String,
    by_chance: String,
    p: String,
    dimensions: usize,
}

impl InequityWords {
    fn of(one: &SystemGroups) -> Self {
        let points = |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{:.2}", 100.0 * share));
        let dimensions = one.inequity.dimensions.iter();
        Self {
            system: one.label.clone(),
            sigma: points(one.inequity.sigma),
            by_chance: points(one.inequity.sigma_by_chance),
            p: one.inequity.p.map_or("–".to_owned(), p_value),
            dimensions: dimensions.filter(|dimension| dimension.sigma.is_some()).count(),
        }
    }
}
