//! What a user should know of a run before it begins.

use super::super::people;
use crate::base::text::{count, counted};
use crate::probe::split_questions;
use crate::run::{People, Plan, Unit};

/// Lines about the people and the plan; with `verbose`, also what is usually of no interest.
pub fn lines(people: &People, plan: &Plan, verbose: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if people.synthetic() {
        lines.push("SYNTHETIC respondents: invented by a program; every result says so".to_owned());
    }
    lines.push(format!(
        "{} of {}, {}, {}: {}",
        count(people.chosen.len() as u64),
        counted(people.everyone.len(), "respondent", "respondents"),
        counted(plan.splits.len(), "split", "splits"),
        counted(plan.conditions.len(), "condition", "conditions"),
        counted(plan.outcomes, "record", "records"),
    ));
    let of_file = people::notes(&people.report, people.demographics);
    lines.extend(of_file.iter().map(|note| format!("note: {note}")));
    lines.extend(
        plan.left_out
            .iter()
            .map(|line| format!("note: {line}; left out of that control")),
    );
    if verbose {
        let asked = |unit: &Unit| split_questions(&people.catalogue, unit.split).len();
        let firsts = plan.person_splits().filter_map(|units| units.first());
        let few = firsts.filter(|unit| unit.probes.len() < asked(unit)).count();
        if few > 0 {
            let (pairs, have) = match few {
                1 => ("pair", "has an unanswered probe"),
                _ => ("pairs", "have unanswered probes"),
            };
            lines.push(format!(
                "note: {} {pairs} of a person and a split {have}",
                count(few as u64)
            ));
        }
        for column in &people.report.absent_columns {
            lines.push(format!(
                "note: the file has no column {column}; nobody has a value there"
            ));
        }
        for column in &people.report.derived_columns {
            lines.push(format!("note: {column} was computed from another column"));
        }
    }
    lines
}
