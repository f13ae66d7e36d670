//! Accuracy by demographic group, and how unequally it is spread.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::average::{Sums, Totals, mean};
use super::bootstrap::{Resampling, clustered_overall};
use super::estimate::Estimate;
use super::roster::Roster;
use crate::base::random::Draws;

/// One group's accuracy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupAccuracy {
    /// The group.
    pub name: String,
    /// Number of its people.
    pub people: usize,
    /// Its accuracy, averaged as the overall accuracy is.
    pub accuracy: Estimate,
}

/// The groups of one dimension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DimensionGroups {
    /// The dimension.
    pub name: String,
    /// Groups with at least one person, in the order to be shown in.
    pub groups: Vec<GroupAccuracy>,
    /// Sample standard deviation of the groups' accuracies; absent with fewer than two groups.
    pub sigma: Option<f64>,
}

/// Accuracy by group in every dimension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inequity {
    /// Dimensions in the order to be shown in.
    pub dimensions: Vec<DimensionGroups>,
    /// σ_inequity: the mean of the dimensions' standard deviations; absent where no dimension has two groups.
    pub sigma: Option<f64>,
    /// What σ_inequity would be on average if accuracy had nothing to do with demographics: people keep their accuracies
    /// and are dealt each other's demographics, all dimensions of a person together, since dimensions hang together. Small
    /// groups scatter by chance, so σ_inequity is never 0, and only what exceeds this floor speaks of the groups.
    pub sigma_by_chance: Option<f64>,
    /// The share of such deals whose σ_inequity is at least the observed one (the observed one included).
    pub p: Option<f64>,
}

/// A dimension and its groups, each with its members.
type Membership<'a> = (&'a str, Vec<(&'a str, Vec<usize>)>);

/// Accuracy by group for one system's sums.
///
/// σ_inequity is the mean over dimensions of the sample standard deviation (n − 1) of the groups' accuracies, all groups
/// weighing alike (the definition of the paper's appendix on demographic groups). Every group counts, however small;
/// `sigma_by_chance` is there because of that.
pub fn by_group(sums: &Sums, roster: &Roster, how: &Resampling) -> Inequity {
    let memberships: Vec<Membership<'_>> = roster
        .dimensions
        .iter()
        .map(|dimension| {
            let groups = dimension
                .groups
                .iter()
                .map(|group| (group.as_str(), present(sums, &roster.members(&dimension.name, group))))
                .filter(|(_, members)| !members.is_empty())
                .collect();
            (dimension.name.as_str(), groups)
        })
        .collect();
    let dimensions: Vec<DimensionGroups> = memberships
        .iter()
        .filter(|(_, groups)| !groups.is_empty())
        .map(|(name, groups)| {
            let groups: Vec<GroupAccuracy> = groups
                .iter()
                .filter_map(|(name, members)| {
                    let accuracy = clustered_overall(&sums.restricted(members), how)?;
                    Some(GroupAccuracy {
                        name: (*name).to_owned(),
                        people: members.len(),
                        accuracy,
                    })
                })
                .collect();
            let sigma = sample_deviation(groups.iter().map(|g| g.accuracy.value));
            DimensionGroups {
                name: (*name).to_owned(),
                groups,
                sigma,
            }
        })
        .collect();
    let sigma = mean(dimensions.iter().filter_map(|d| d.sigma));
    let groups: Vec<Vec<Vec<usize>>> = memberships
        .into_iter()
        .map(|(_, groups)| groups.into_iter().map(|(_, m)| m).collect())
        .collect();
    let dealt = sigma.map(|_| deal(sums, &groups, how)).unwrap_or_default();
    let p = sigma
        .filter(|_| !dealt.is_empty())
        .map(|observed| (1 + dealt.iter().filter(|d| **d >= observed).count()) as f64 / (1 + dealt.len()) as f64);
    Inequity {
        dimensions,
        sigma,
        sigma_by_chance: mean(dealt.into_iter()),
        p,
    }
}

/// Deals enough for a mean and a p-value of 5 %; each costs as much as one resample of every dimension.
const DEALS: usize = 500;

/// σ_inequity of people who were dealt each other's demographics: one deal for all dimensions, so that those of one person
/// stay together.
fn deal(sums: &Sums, dimensions: &[Vec<Vec<usize>>], how: &Resampling) -> Vec<f64> {
    // Members as positions within the sums' people, which are ascending.
    let positions: Vec<Vec<Vec<usize>>> = dimensions
        .iter()
        .map(|groups| {
            let place = |members: &Vec<usize>| {
                let found = members
                    .iter()
                    .filter_map(|person| sums.people.binary_search(person).ok());
                found.collect()
            };
            groups.iter().map(place).collect()
        })
        .collect();
    let (balanced, counts) = (sums.balanced(), sums.counts());
    (0..how.resamples.min(DEALS) as u64)
        .into_par_iter()
        .filter_map(|number| {
            let mut dealt: Vec<usize> = (0..sums.people.len()).collect();
            Draws::new(how.seed ^ DEAL, number).shuffle(&mut dealt);
            mean(positions.iter().filter_map(|groups| {
                sample_deviation(groups.iter().filter_map(|members| match &balanced {
                    Some(own) => mean(members.iter().map(|position| own[dealt[*position]])),
                    None => {
                        let members = members.iter().map(|position| dealt[*position]);
                        match &counts {
                            Some(rows) => {
                                let mut found = rows.nothing();
                                rows.add(members.map(|at| at as u32), &mut found);
                                Totals::of_counts(&found, sums.width()).overall()
                            }
                            None => sums.overall_of(&members.collect::<Vec<usize>>()),
                        }
                    }
                }))
            }))
        })
        .collect()
}

/// Keeps the deals' random numbers apart from the bootstrap's.
const DEAL: u64 = 0x4445_414c_0000_0000;

/// The members with a row in these sums.
fn present(sums: &Sums, members: &[usize]) -> Vec<usize> {
    members
        .iter()
        .copied()
        .filter(|person| sums.people.binary_search(person).is_ok())
        .collect()
}

/// √(Σ (xᵢ − x̄)² / (n − 1)); absent with fewer than two.
pub fn sample_deviation(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    Some((values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::metrics::input::{DimensionOrder, Person, RunData};
    use crate::metrics::panel::{Chooser, Credit, Panel, Row, Unread};

    /// Twelve people with four probes each: those of group "a" are right on `a` of them, the others on `b`.
    fn people(a: usize, b: usize) -> (Roster, Sums) {
        let person = |n: usize| Person {
            id: format!("p{n}"),
            weight: None,
            groups: BTreeMap::from([(
                "half".to_owned(),
                if n.is_multiple_of(2) { "a" } else { "b" }.to_owned(),
            )]),
        };
        let run: RunData = serde_json::from_value(serde_json::json!({
            "name": "r", "outcomes": [], "questions": [], "categories": ["c"],
            "people": (0..12).map(person).collect::<Vec<_>>(),
            "dimensions": [DimensionOrder { name: "half".into(), groups: vec!["b".into(), "nobody".into(), "a".into()] }],
            "header": { "run_id": "", "model": { "name": "" }, "spec": "", "hashes": {}, "version": "", "machine": "",
                "started": "", "synthetic": true },
        }))
        .expect("a run");
        let rows = (0..12)
            .flat_map(|person| {
                (0..4).map(move |question| {
                    let right = if person % 2 == 0 { a } else { b };
                    let choice = Some(u8::from(question >= right));
                    Row {
                        person: person as u32,
                        split: 0,
                        question: question as u32,
                        category: 0,
                        candidates: 2,
                        label: 0,
                        choice,
                    }
                })
            })
            .collect();
        let roster = Roster::new(&[run.table()]).expect("one run");
        let sums = Sums::of_panel(&Panel::of(rows, Chooser::Model), 1, Credit::Choice(Unread::Wrong));
        (roster, sums)
    }

    #[test]
    fn sigma_is_the_sample_deviation_of_group_means() {
        let (roster, sums) = people(3, 2);
        let found = by_group(
            &sums,
            &roster,
            &Resampling {
                resamples: 200,
                seed: 1,
            },
        );
        let groups: Vec<(&str, usize, f64)> = found.dimensions[0]
            .groups
            .iter()
            .map(|g| (g.name.as_str(), g.people, g.accuracy.value))
            .collect();
        assert_eq!(groups, [("b", 6, 0.5), ("a", 6, 0.75)]);
        // |0.75 - 0.5| / sqrt(2)
        assert!((found.sigma.expect("two groups") - 0.25 / 2f64.sqrt()).abs() < 1e-12);
        // Only the two deals that keep the halves apart, of 924, reach it.
        assert!(found.p.expect("deals") < 0.05);
        assert!(found.sigma_by_chance.expect("deals") < 0.1);
    }

    #[test]
    fn a_dimension_told_twice_weighs_once() {
        // The same groups under two names are one fact. Dealt apart, their mean would scatter less and p would be lower.
        let (roster, sums) = people(3, 2);
        let how = Resampling {
            resamples: 400,
            seed: 1,
        };
        let mut twice = roster.clone();
        for person in &mut twice.people {
            let half = person.groups["half"].clone();
            person.groups.insert("again".to_owned(), half);
        }
        let mut again = twice.dimensions[0].clone();
        again.name = "again".to_owned();
        twice.dimensions.push(again);
        let (once, twice) = (by_group(&sums, &roster, &how), by_group(&sums, &twice, &how));
        assert_eq!((once.p, once.sigma_by_chance), (twice.p, twice.sigma_by_chance));
    }

    #[test]
    fn deviation_is_numpys_with_one_degree_of_freedom_less() {
        // numpy.std([0.55, 0.65, 0.45, 0.62], ddof=1)
        let sigma = sample_deviation([0.55, 0.65, 0.45, 0.62].into_iter()).expect("four numbers");
        assert!((sigma - 0.08883505314157619).abs() < 1e-12);
        assert_eq!(sample_deviation([0.5].into_iter()), None);
    }
}
