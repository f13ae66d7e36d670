//! What a user should know of a run before it begins.

use std::collections::BTreeMap;

use super::super::people;
use crate::base::text::{count, counted};
use crate::probe::{Split, Splitting, cautions};
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
    let of_file = people::notes(&people.report, &people.demographics);
    lines.extend(of_file.iter().map(|note| format!("note: {note}")));
    lines.extend(
        plan.left_out
            .iter()
            .map(|line| format!("note: {line}; left out of that control")),
    );
    lines.extend(unanswered(people, plan, verbose));
    lines.extend(
        cautions(&people.catalogue, &people.everyone)
            .iter()
            .map(|line| format!("note: {line}")),
    );
    if verbose {
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

/// A line on probes that people did not answer: where they are many, or where whoever reads wants to know all.
fn unanswered(people: &People, plan: &Plan, verbose: bool) -> Option<String> {
    /// More than one in so many is worth a line.
    const MANY: usize = 10;
    let splitting = Splitting::new(&people.catalogue);
    let firsts = || plan.person_splits().filter_map(|units| units.first());
    let of_split: BTreeMap<Split, usize> = plan
        .splits
        .iter()
        .map(|&split| (split, splitting.questions(split, |_| true).len()))
        .collect();
    let there = |unit: &Unit| of_split.get(&unit.split).copied().unwrap_or(0);
    let (asked, answered) = firsts().fold((0, 0), |(asked, answered), unit| {
        (asked + there(unit), answered + unit.probes.len())
    });
    let lacking = asked - answered.min(asked);
    if lacking == 0 || !(verbose || lacking * MANY > asked) {
        return None;
    }
    let few = firsts().filter(|unit| unit.probes.len() < there(unit)).count();
    let (pairs, have) = match few {
        1 => ("pair", "lacks"),
        _ => ("pairs", "lack"),
    };
    let remedy = match (&people.definition, splitting.is_personal()) {
        (Some(_), false) => "; `of = \"answered\"` under [probes] chooses among what each person answered",
        _ => "",
    };
    Some(format!(
        "note: {} of {} probes were not answered (or not asked) and are left out: {} {pairs} of a person and a split {have} \
         some{remedy}",
        count(lacking as u64),
        count(asked as u64),
        count(few as u64),
    ))
}
