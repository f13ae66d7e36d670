//! A run person by person: everybody's records as they come, and what the conditions showed of them.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use super::load::told;
use super::records::Reader;
use super::{People, Plan, RunError, Spec};
use crate::metrics::{RunData, RunHeader};
use crate::scoring::{Condition, Outcome};

/// Everything that a run's folder says but its outcomes, of which there are none.
///
/// # Errors
/// A folder without a run; `run.json` or `people.json` that was changed.
pub(crate) fn about(folder: &Path) -> Result<RunData, RunError> {
    let reader = Reader::open(folder)?;
    let planned = reader.header().outcomes;
    told(folder, reader.unread(planned), Vec::new())
}

/// Hands on the records of one person after the other, in the order of the run; none are kept.
///
/// # Errors
/// A folder without a run; the first record that is not as it was written; whatever `take` finds wrong.
pub(crate) fn load_by_person<E: From<RunError>>(
    folder: &Path,
    mut take: impl FnMut(&[Outcome]) -> Result<(), E>,
) -> Result<(), E> {
    let mut own: Vec<Outcome> = Vec::new();
    for outcome in Reader::open(folder)? {
        let outcome = outcome?;
        if own.last().is_some_and(|last| last.respondent != outcome.respondent) {
            take(&own)?;
            own.clear();
        }
        own.push(outcome);
    }
    if own.is_empty() {
        return Ok(());
    }
    take(&own)
}

/// What conditions of a run showed of its people, from the survey file that its spec names.
pub(crate) struct ShownStatements {
    spec: Spec,
    people: People,
    plan: Plan,
    /// The units of each person.
    units: HashMap<usize, Range<usize>>,
}

/// What one condition showed of a person before the probes of a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownList {
    /// The condition.
    pub condition: Condition,
    /// 1, 2 or 3.
    pub split: u8,
    /// Sentences, in the order of showing.
    pub sentences: Vec<String>,
}

impl ShownStatements {
    /// Those of a run, in the words of its catalogue.
    ///
    /// # Errors
    /// Why they cannot be told, in a sentence's end: the file is not here, or not the one that the run was made with.
    pub fn of(header: &RunHeader) -> Result<Self, String> {
        let spec: Spec = toml::from_str(&header.spec).map_err(|error| format!("its spec cannot be read: {error}"))?;
        let people = People::read(&spec).map_err(|error| error.to_string())?;
        let hashes = people.hashes();
        let names = ["catalogue", "demographics", "survey"];
        let changed = names
            .into_iter()
            .find(|name| header.hashes.get(*name) != hashes.get(*name));
        if let Some(name) = changed {
            return Err(format!(
                "{} or its catalogue is not the one that the run was made with (the SHA-256 of `{name}` differs)",
                spec.respondents.survey.display()
            ));
        }
        let plan = Plan::new(&spec, &people).map_err(|error| error.to_string())?;
        let mut units: HashMap<usize, Range<usize>> = HashMap::new();
        for (at, unit) in plan.units.iter().enumerate() {
            units.entry(unit.person).or_insert(at..at).end = at + 1;
        }
        Ok(Self {
            spec,
            people,
            plan,
            units,
        })
    }

    /// Everything that was shown of a person, condition by condition.
    pub fn of_person(&self, id: &str) -> Vec<ShownList> {
        let person = self.people.everyone.index_of(id);
        let units = person
            .and_then(|person| self.units.get(&person))
            .cloned()
            .unwrap_or_default();
        let asked = self.plan.units[units].iter().flat_map(|unit| {
            let conditions = unit.conditions.iter();
            conditions.map(move |&asked| (unit, asked))
        });
        asked
            .map(|(unit, asked)| {
                let case = self.plan.case(&self.spec.demonstrations, &self.people, unit, asked);
                let texts = case
                    .demonstrations
                    .iter()
                    .filter_map(|shown| shown.text(&self.people.catalogue));
                ShownList {
                    condition: self.plan.conditions[asked.0].clone(),
                    split: unit.split.number(),
                    sentences: case
                        .demographics
                        .iter()
                        .map(String::as_str)
                        .chain(texts)
                        .map(str::to_owned)
                        .collect(),
                }
            })
            .collect()
    }
}
