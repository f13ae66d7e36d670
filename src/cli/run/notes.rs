//! What a user should know of a run before it begins.

use super::super::people;
use crate::run::{People, Plan};

/// Lines about the people and the plan; with `verbose`, also what is usually of no interest.
pub fn lines(people: &People, plan: &Plan, verbose: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if people.synthetic() {
        lines.push("SYNTHETIC respondents: invented by a program; every result says so".to_owned());
    }
    lines.push(format!(
        "{} of {} respondents, {} split{}, {} cell{}: {} outcomes",
        people.chosen.len(),
        people.everyone.len(),
        plan.splits.len(),
        plural(plan.splits.len()),
        plan.cells.len(),
        plural(plan.cells.len()),
        plan.outcomes
    ));
    let of_file = people::notes(&people.report, people.demographics);
    lines.extend(of_file.iter().map(|note| format!("note: {note}")));
    lines.extend(
        plan.left_out
            .iter()
            .map(|line| format!("note: {line}; left out of that control")),
    );
    if verbose {
        let few: Vec<&str> = plan
            .person_splits()
            .filter_map(|units| units.first())
            .filter(|unit| unit.probes.len() < 39)
            .map(|unit| people.everyone.id(unit.person))
            .collect();
        if !few.is_empty() {
            lines.push(format!(
                "note: {} person-splits have fewer than 39 answered probes",
                few.len()
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

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
