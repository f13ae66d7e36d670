//! Whether systems that stand in one ranking were asked the same of the same people.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::bench::Bench;
use crate::base::text::count;
use crate::metrics::{Panel, Row};

/// How many people and probes the main conditions of several runs have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlap {
    /// People whom every system was asked about.
    pub people_of_all: usize,
    /// People whom any system was asked about.
    pub people_of_any: usize,
    /// Probes (person, split and question) that every system has.
    pub probes_of_all: usize,
    /// Probes that any system has.
    pub probes_of_any: usize,
}

impl Overlap {
    /// Of all main conditions that predict anything; absent where fewer than two do.
    pub(super) fn of(bench: &Bench<'_>) -> Option<Self> {
        let panels = bench.headline.iter().map(|at| &bench.entries[*at].panel);
        let panels: Vec<&Panel> = panels.filter(|panel| !panel.rows.is_empty()).collect();
        let (first, rest) = panels.split_first().filter(|(_, rest)| !rest.is_empty())?;
        // As a rule all were asked the same, which takes no memory to see.
        let same = |panel: &&Panel| panel.rows.iter().map(Row::key).eq(first.rows.iter().map(Row::key));
        if rest.iter().all(same) {
            return Some(Self::equal(first.people(), first.rows.len()));
        }
        let (mut people, mut probes) = (HashMap::new(), HashMap::new());
        for Panel { rows, .. } in &panels {
            for of_person in rows.chunk_by(|a, b| a.person == b.person) {
                *people.entry(of_person[0].person).or_insert(0) += 1;
            }
            for row in rows.iter() {
                *probes.entry(row.key()).or_insert(0) += 1;
            }
        }
        let of_all = |counts: &mut dyn Iterator<Item = &usize>| counts.filter(|n| **n == panels.len()).count();
        Some(Self {
            people_of_all: of_all(&mut people.values()),
            people_of_any: people.len(),
            probes_of_all: of_all(&mut probes.values()),
            probes_of_any: probes.len(),
        })
    }

    fn equal(people: usize, probes: usize) -> Self {
        Self {
            people_of_all: people,
            people_of_any: people,
            probes_of_all: probes,
            probes_of_any: probes,
        }
    }

    /// What a reader must know before comparing accuracies; nothing where all were asked the same.
    pub(super) fn warning(&self) -> Option<String> {
        let said = |what: &str, all: usize, any: usize| {
            let some = match all {
                0 => "none".to_owned(),
                all => format!("{} of {}", count(all as u64), count(any as u64)),
            };
            format!(
                "The systems were not asked {what}: {some} are common to all of them. Their accuracies cannot be compared \
                 as they stand; differences are taken on what both sides have."
            )
        };
        match (
            self.people_of_all < self.people_of_any,
            self.probes_of_all < self.probes_of_any,
        ) {
            (true, _) => Some(said("about the same people", self.people_of_all, self.people_of_any)),
            (false, true) => Some(said("the same probes", self.probes_of_all, self.probes_of_any)),
            (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_said_and_people_before_probes() {
        let overlap = |people_of_all, probes_of_all| Overlap {
            people_of_all,
            people_of_any: 8,
            probes_of_all,
            probes_of_any: 936,
        };
        let said = |people, probes| overlap(people, probes).warning().unwrap_or_default();
        assert_eq!(said(8, 936), "");
        assert!(
            said(5, 585)
                .starts_with("The systems were not asked about the same people: 5 of 8 are common to all of them."),
            "{}",
            said(5, 585)
        );
        assert!(
            said(0, 0).contains("the same people: none are common"),
            "{}",
            said(0, 0)
        );
        assert!(
            said(8, 312).contains("not asked the same probes: 312 of 936 are"),
            "{}",
            said(8, 312)
        );
    }
}
