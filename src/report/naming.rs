//! What the names of conditions depend on beside the conditions themselves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::metrics::{RunHeader, RunTable};
use crate::run::Spec;
use crate::scoring::Condition;
use crate::survey::Catalogue;

/// How the conditions of runs are put into words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Naming {
    /// Whether the groups of people are whatever a definition says, and not countries.
    #[serde(default)]
    pub own_groups: bool,
    /// By the number of demonstrations that were asked for: the most that anybody was shown, where that is fewer.
    #[serde(default)]
    pub most_shown: BTreeMap<usize, usize>,
}

impl Naming {
    /// Of the records of one run, which say themselves how many statements were shown.
    pub fn of_header(header: &RunHeader) -> Self {
        let spec: Option<Spec> = toml::from_str(&header.spec).ok();
        Self {
            own_groups: spec.is_some_and(|spec| spec.respondents.definition.is_some()),
            most_shown: BTreeMap::new(),
        }
    }

    /// Of what will be asked on a survey of which at most so many demonstrations can be shown.
    pub fn of_plan(catalogue: &Catalogue, conditions: &[Condition], most: usize) -> Self {
        let asked = conditions.iter().filter(|condition| condition.category.is_none());
        let too_many = asked
            .map(|condition| condition.demonstrations)
            .filter(|asked| *asked > most);
        Self {
            own_groups: !catalogue.is_of_builtin_survey(),
            most_shown: too_many.map(|asked| (asked, most)).collect(),
        }
    }

    /// Of all runs of a report together, so that what was asked alike is called alike.
    pub fn of_runs(runs: &[RunTable]) -> Self {
        let mut most_shown: BTreeMap<usize, usize> = BTreeMap::new();
        let outcomes = runs.iter().flat_map(|run| run.outcomes.iter());
        for outcome in outcomes.filter(|outcome| outcome.condition.category.is_none()) {
            let most = most_shown.entry(outcome.condition.demonstrations).or_default();
            *most = outcome.shown.max(*most);
        }
        most_shown.retain(|asked, most| *most < *asked);
        Self {
            own_groups: runs.iter().any(|run| Self::of_header(&run.header).own_groups),
            most_shown,
        }
    }

    /// Whether names need no word beside those of the conditions.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}
