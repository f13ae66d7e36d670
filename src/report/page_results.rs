//! The page's results: overall, demonstrations, lift, groups, category to category.

use minijinja::{Value, context};

use super::charts::{DotPlot, DotRow, Labels, Point, Reference, curves, dots, transfer};
use super::findings::diagonal;
use super::page::{Page, key, safe};
use super::published::Published;
use super::svg::Mark;
use super::words::{contrast, otherwise, p_value, percent};

impl Page<'_> {
    pub(super) fn headline(&self) -> Value {
        let chance: Vec<Reference> = self.chance().into_iter().collect();
        let columns = self.report.columns();
        // One chance level is a line; where runs have several, they are rows like other baselines.
        let rows = columns.iter().filter(|column| !column.chance || chance.is_empty());
        let rows = rows.enumerate().filter_map(|(row, column)| {
            let mark = if column.ours { Mark::Series(row) } else { Mark::Baseline };
            let point = Point {
                mark,
                name: String::new(),
                estimate: column.scores.overall?,
            };
            Some(DotRow {
                label: column.label.clone(),
                note: String::new(),
                points: vec![point],
            })
        });
        let rows = rows.collect();
        let plot = DotPlot {
            rows,
            labels: Labels::Above,
            references: chance,
            differences: false,
            domain: None,
        };
        safe(dots(
            &plot,
            "headline",
            &self.tagged("Overall accuracy in percent, with 95 % intervals"),
        ))
    }

    pub(super) fn curve(&self, published: &Published) -> Option<Value> {
        if self.report.curves.is_empty() {
            return None;
        }
        let references: Vec<Reference> = [self.chance(), self.majority()].into_iter().flatten().collect();
        // Published figures are of real people: beside invented ones they would only mislead.
        let points = if self.report.synthetic {
            Vec::new()
        } else {
            published.curve()
        };
        let title = self.tagged("Accuracy against number of demonstrations");
        let mut legend: Vec<Value> = self
            .report
            .curves
            .iter()
            .enumerate()
            .map(|(at, curve)| key(Mark::Series(at), &curve.label))
            .collect();
        if !points.is_empty() {
            legend.push(key(
                Mark::Published,
                "published (GPT-4o of August 2024; at 0 also with demographics alone)",
            ));
        }
        let svg = safe(curves(&self.report.curves, &references, &points, "curve", &title));
        let gains = self.report.curves.iter().filter_map(|curve| {
            let (first, last) = (curve.points.first()?, curve.points.last()?);
            Some(context! {
                curve => curve.label.clone(), from => first.demonstrations, to => last.demonstrations,
                difference => contrast(curve.gain.as_ref()), otherwise => otherwise(curve.gain.as_ref()),
            })
        });
        let gains: Vec<Value> = gains.collect();
        Some(context! { svg, legend, gains })
    }

    pub(super) fn lift(&self) -> Option<Value> {
        let alike = self.report.lift.windows(2).all(|pair| pair[0].label == pair[1].label);
        let rows: Vec<DotRow> = self
            .report
            .lift
            .iter()
            .filter_map(|lift| {
                let point = Point {
                    mark: Mark::Series(0),
                    name: String::new(),
                    estimate: lift.difference.overall?.wrong.estimate,
                };
                let label = if alike {
                    format!("over {}", lift.control)
                } else {
                    format!("{}, over {}", lift.label, lift.control)
                };
                Some(DotRow {
                    label,
                    note: String::new(),
                    points: vec![point],
                })
            })
            .collect();
        let plot = DotPlot {
            rows,
            labels: Labels::Above,
            references: vec![Reference {
                value: 0.0,
                label: "no lift".to_owned(),
            }],
            differences: true,
            domain: None,
        };
        if plot.rows.is_empty() {
            return None;
        }
        let svg = safe(dots(
            &plot,
            "lift",
            &self.tagged("Individual lift in percentage points, with 95 % intervals"),
        ));
        Some(context! { svg })
    }

    pub(super) fn lift_rows(&self) -> Vec<Value> {
        let rows = self.report.lift.iter().map(|lift| {
            context! {
                system => lift.label.clone(), control => lift.control.clone(), own => percent(Some(lift.own)),
                other => percent(Some(lift.other)), difference => contrast(lift.difference.overall.as_ref()),
                otherwise => otherwise(lift.difference.overall.as_ref()),
                probes => lift.probes,
            }
        });
        rows.collect()
    }

    pub(super) fn groups(&self) -> Option<Value> {
        let systems = &self.report.groups;
        let first = systems.first()?;
        let every = systems
            .iter()
            .flat_map(|s| &s.inequity.dimensions)
            .flat_map(|d| &d.groups);
        // One scale for all plots; groups of a few people have intervals that would squeeze all others.
        let figures = every.filter(|g| g.people >= 5).map(|g| g.accuracy.value);
        let (low, high) = super::svg::domain(figures, (0.0, 1.0));
        let domain = ((low - 0.05).max(0.0), (high + 0.05).min(1.0));
        let mut plots = Vec::new();
        for (number, dimension) in first.inequity.dimensions.iter().enumerate() {
            let rows = dimension.groups.iter().map(|group| DotRow {
                label: group.name.clone(),
                note: group.people.to_string(),
                points: systems
                    .iter()
                    .enumerate()
                    .filter_map(|(series, system)| {
                        let own = system.inequity.dimensions.iter().find(|d| d.name == dimension.name)?;
                        let group = own.groups.iter().find(|g| g.name == group.name)?;
                        let name = if systems.len() > 1 {
                            system.label.clone()
                        } else {
                            String::new()
                        };
                        Some(Point {
                            mark: Mark::Series(series),
                            name,
                            estimate: group.accuracy,
                        })
                    })
                    .collect(),
            });
            let overall = self.overall(first.system).filter(|_| systems.len() == 1);
            let plot = DotPlot {
                rows: rows.collect(),
                labels: Labels::Beside,
                references: overall
                    .map(|e| Reference {
                        value: e.value,
                        label: "all".to_owned(),
                    })
                    .into_iter()
                    .collect(),
                differences: false,
                domain: Some(domain),
            };
            let title = self.tagged(&format!("Accuracy in percent by {}", dimension.name));
            let svg = safe(dots(&plot, &format!("group-{number}"), &title));
            plots.push(context! { heading => dimension.name.clone(), svg });
        }
        let legend: Vec<Value> = if systems.len() > 1 {
            systems
                .iter()
                .enumerate()
                .map(|(at, s)| key(Mark::Series(at), &s.label.clone()))
                .collect()
        } else {
            Vec::new()
        };
        Some(context! { plots, legend })
    }

    pub(super) fn inequity(&self) -> Vec<Value> {
        let points = |share: Option<f64>| share.map_or("–".to_owned(), |s| format!("{:.2}", 100.0 * s));
        let rows = self.report.groups.iter().map(|system| {
            context! {
                system => system.label.clone(), sigma => points(system.inequity.sigma),
                by_chance => points(system.inequity.sigma_by_chance),
                p => system.inequity.p.map_or("–".to_owned(), p_value),
                dimensions => system.inequity.dimensions.iter().filter(|d| d.sigma.is_some()).count(),
            }
        });
        rows.collect()
    }

    pub(super) fn transfer(&self) -> Vec<Value> {
        let grids = self.report.transfer.iter().enumerate().map(|(at, grid)| {
            let title = self.tagged("Accuracy by category of the probe and category of the demonstrations");
            let svg = safe(transfer(
                grid,
                &self.report.categories,
                &format!("transfer-{at}"),
                &title,
            ));
            context! { heading => grid.label.clone(), svg, summary => diagonal(grid) }
        });
        grids.collect()
    }
}
