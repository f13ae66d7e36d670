//! The picture beside a page's first sentences.

use super::charts::{Dot, DotPlot, DotRow, LabelPlace, Reference, dots};
use super::section::ReportContext;
use super::svg::{Drawing, Mark};

/// Overall accuracies as marks with their intervals.
pub fn picture(report: &ReportContext<'_>) -> Drawing {
    let chance: Vec<Reference> = report.chance().into_iter().collect();
    // One chance level is a line; where runs have several, they are rows like other baselines.
    let columns = report
        .columns
        .iter()
        .filter(|column| !column.chance || chance.is_empty());
    // Main conditions come first; grids of categories, which stand in for one, after them.
    let marks = report.marks(&report.results.headline);
    let rows = columns.enumerate().filter_map(|(row, column)| {
        let dot = Dot {
            mark: match column.ours {
                true => marks.get(row).copied().unwrap_or(Mark::Series(row)),
                false => Mark::Baseline,
            },
            name: String::new(),
            estimate: column.scores.overall?,
        };
        Some(DotRow {
            label: column.label.clone(),
            note: String::new(),
            dots: vec![dot],
        })
    });
    let plot = DotPlot {
        rows: rows.collect(),
        labels: LabelPlace::Above,
        references: chance,
        differences: false,
        domain: None,
    };
    let title = report.tagged("Overall accuracy in percent, with 95 % intervals");
    dots(&plot, "headline", &title)
}
