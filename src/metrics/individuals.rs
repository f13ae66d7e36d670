//! What papers on simulating individuals report beside accuracy: agreement beyond chance question by question, whether a
//! model's people are as varied as people are, how far its distributions are from theirs, and for how many people it does
//! better than a baseline.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::average::{Sums, mean};
use super::bootstrap::{Resampling, clustered_overall};
use super::estimate::{Estimate, Quantity};
use super::ordered::{shares, wasserstein};
use super::paired::{Paired, agreement};
use super::panel::{Panel, Row};

/// Fewer people than this in a country say nothing of how its answers are distributed: of 10 who are drawn twice from the
/// same halves the distance is 0.18 on average.
pub const FEWEST_OF_A_COUNTRY: usize = 10;

/// One question: what people answered, and what a system chose for the same people. Choices that could not be read are left
/// out on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QuestionFigures {
    /// Number of people whose choice could be read.
    pub people: usize,
    /// Share of them whose own candidate was chosen.
    pub accuracy: f64,
    /// Cohen's kappa of choices with answers (Cohen 1960); absent where everybody's choice and answer are one and the same.
    pub kappa: Option<f64>,
    /// How varied choices are: [`diversity`].
    pub chosen_diversity: f64,
    /// How varied answers are.
    pub own_diversity: f64,
    /// How far the distribution of choices is from that of answers: [`distance`].
    pub distance: f64,
}

/// How varied some shares are: 1 − Σ p², the probability that two people differ (Gini 1912, Simpson 1949). Of two candidates
/// it is twice the variance of the answer.
pub fn diversity(shares: &[f64]) -> f64 {
    1.0 - shares.iter().map(|share| share * share).sum::<f64>()
}

/// Wasserstein-1 distance of two distributions over the candidates: on their scale, as a share of its range; without a scale
/// all candidates are as far from each other, and it is the total variation ½ Σ |p − q| (Villani 2009, chapter 6).
pub fn distance(first: &[f64], second: &[f64], values: &[f64]) -> f64 {
    let apart = || first.iter().zip(second).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
    match values.len() == first.len() {
        true => wasserstein(first, second, values).unwrap_or_else(apart),
        false => apart(),
    }
}

/// The figures of every question of a panel, by its number; `values` has the scales of those that have one.
pub fn by_question(rows: &[Row], values: &BTreeMap<usize, Vec<f64>>) -> Vec<(usize, QuestionFigures)> {
    let read = rows.iter().filter(|row| row.choice.is_some());
    let mut questions: BTreeMap<usize, Vec<(Row, Row)>> = BTreeMap::new();
    for row in read {
        let own = Row {
            choice: Some(row.label),
            ..*row
        };
        questions.entry(row.question as usize).or_default().push((*row, own));
    }
    questions
        .iter()
        .filter_map(|(&question, pairs)| {
            let values = values.get(&question).map_or(&[][..], Vec::as_slice);
            Some((question, figures(pairs, values)?))
        })
        .collect()
}

fn figures(pairs: &[(Row, Row)], values: &[f64]) -> Option<QuestionFigures> {
    let candidates = pairs.iter().map(|(row, _)| row.candidates).max()?.into();
    let chosen = shares(
        pairs.iter().filter_map(|(row, _)| row.choice).map(usize::from),
        candidates,
    );
    let own = shares(pairs.iter().map(|(row, _)| row.label.into()), candidates);
    let alike = agreement(pairs, |_| true)?;
    Some(QuestionFigures {
        people: pairs.len(),
        accuracy: alike.agreement,
        kappa: alike.kappa,
        chosen_diversity: diversity(&chosen),
        own_diversity: diversity(&own),
        distance: distance(&chosen, &own, values),
    })
}

/// Choices' diversity as a share of answers', over all questions: Σ (1 − Σ p²) of choices over that of answers. Below 1 a
/// model's people are more alike than people are; absent where people do not differ.
pub fn spread<'a>(questions: impl Iterator<Item = &'a QuestionFigures> + Clone) -> Option<f64> {
    let chosen: f64 = questions.clone().map(|one| one.chosen_diversity).sum();
    let own: f64 = questions.map(|one| one.own_diversity).sum();
    (own > 0.0).then(|| chosen / own)
}

/// How often a system does better than a baseline for one and the same person, by the share of right choices among the
/// probes that both were asked; what could not be read is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PeopleBeaten {
    /// People of whom the system knows more, with an interval over people.
    pub better: Estimate,
    /// People of whom both know as much, as a share.
    pub equal: f64,
    /// People of whom the baseline knows more.
    pub worse: f64,
    /// The mean over people of the differences between the two shares.
    pub difference: f64,
}

/// Compares two systems person by person; absent where they share nobody.
pub fn people_beaten(paired: &Paired, how: &Resampling) -> Option<PeopleBeaten> {
    let mut people: BTreeMap<u32, (Row, i64, usize)> = BTreeMap::new();
    for (row, other) in &paired.pairs {
        let (_, ahead, probes) = people.entry(row.person).or_insert((*row, 0, 0));
        *ahead += i64::from(row.correct()) - i64::from(other.correct());
        *probes += 1;
    }
    let share = |wanted: &dyn Fn(i64) -> bool| {
        let of = people.values().map(|(_, ahead, _)| f64::from(u8::from(wanted(*ahead))));
        mean(of)
    };
    // A row a person, all in one slot: the mean is the share of people, and people are what is drawn.
    let rows: Vec<Row> = people
        .values()
        .map(|(row, ..)| Row {
            split: 0,
            category: 0,
            ..*row
        })
        .collect();
    let sums = Sums::of_rows(&rows, 1, Quantity::Share, |row| {
        let better = people.get(&row.person).is_some_and(|(_, ahead, _)| *ahead > 0);
        (f64::from(u8::from(better)), 1.0)
    });
    let differences = people.values().map(|(_, ahead, probes)| *ahead as f64 / *probes as f64);
    Some(PeopleBeaten {
        better: clustered_overall(&sums, how)?,
        equal: share(&|ahead| ahead == 0)?,
        worse: share(&|ahead| ahead < 0)?,
        difference: mean(differences)?,
    })
}

/// How much of the way from one baseline to a better one a system goes: (system − lower) / (upper − lower). Absent where the
/// upper one is not above the lower.
pub fn gap_closed(system: f64, lower: f64, upper: f64) -> Option<f64> {
    (upper > lower).then(|| (system - lower) / (upper - lower))
}

/// How far a system's distributions are from those of one country's people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountryDistance {
    /// The country.
    pub country: String,
    /// Questions with at least [`FEWEST_OF_A_COUNTRY`] of its people.
    pub questions: usize,
    /// Mean of their [`distance`]s.
    pub distance: f64,
}

/// The distances within each of some countries, given with their people (ascending); countries with too few are left out.
pub fn by_country(
    panel: &Panel,
    countries: &[(String, Vec<usize>)],
    values: &BTreeMap<usize, Vec<f64>>,
) -> Vec<CountryDistance> {
    let of_one = |(country, people): &(String, Vec<usize>)| {
        let rows = panel
            .rows
            .iter()
            .filter(|row| people.binary_search(&(row.person as usize)).is_ok());
        let rows: Vec<Row> = rows.copied().collect();
        let figures = by_question(&rows, values);
        let large = figures.iter().filter(|(_, one)| one.people >= FEWEST_OF_A_COUNTRY);
        let distances: Vec<f64> = large.map(|(_, one)| one.distance).collect();
        Some(CountryDistance {
            country: country.clone(),
            questions: distances.len(),
            distance: mean(distances.into_iter())?,
        })
    };
    countries.iter().filter_map(of_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::panel::Chooser;
    use crate::metrics::roster::Roster;

    /// Figures worked out by hand are exact to rounding.
    const ROUNDING: f64 = 1e-12;

    /// Six people on two questions of three candidates, (answer, choice); the last choice of the second could not be read.
    const FIRST: [(usize, usize); 6] = [(0, 0), (0, 0), (0, 1), (1, 1), (1, 0), (2, 2)];
    const SECOND: [(usize, Option<usize>); 6] = [
        (0, Some(0)),
        (1, Some(0)),
        (0, Some(0)),
        (2, Some(0)),
        (0, Some(0)),
        (1, None),
    ];

    fn rows() -> Vec<Row> {
        let row = |person: usize, question: usize, label: usize, choice: Option<usize>| Row {
            person: person as u32,
            split: 0,
            question: question as u32,
            category: 0,
            candidates: 3,
            label: label as u8,
            choice: choice.map(|at| at as u8),
        };
        let first = FIRST
            .iter()
            .enumerate()
            .map(|(p, &(label, choice))| row(p, 0, label, Some(choice)));
        let second = SECOND
            .iter()
            .enumerate()
            .map(|(p, &(label, choice))| row(p, 1, label, choice));
        let mut rows: Vec<Row> = first.chain(second).collect();
        rows.sort_unstable();
        rows
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() <= ROUNDING, "{found} for {expected}");
    }

    #[test]
    fn questions_come_out_as_by_hand() {
        let scale = BTreeMap::from([(0, vec![1.0, 2.0, 3.0])]);
        let found = by_question(&rows(), &scale);
        let [(0, first), (1, second)] = found[..] else {
            panic!("{found:?}")
        };
        // sklearn.metrics.cohen_kappa_score([0,0,0,1,1,2], [0,0,1,1,0,2]) = 0.4545454545454546.
        near(first.accuracy, 4.0 / 6.0);
        near(first.kappa.unwrap(), 5.0 / 11.0);
        near(first.distance, 0.0);
        near(first.own_diversity, 1.0 - (9.0 + 4.0 + 1.0) / 36.0);
        near(first.chosen_diversity, first.own_diversity);
        // A choice that is the same for everybody agrees by chance alone and has no diversity; without a scale the distance
        // from (3, 1, 1)/5 is 2/5.
        assert_eq!(second.people, 5);
        near(second.kappa.unwrap(), 0.0);
        near(second.chosen_diversity, 0.0);
        near(second.distance, 0.4);
        near(
            spread(found.iter().map(|(_, one)| one)).unwrap(),
            (22.0 / 36.0) / (22.0 / 36.0 + 1.0 - 11.0 / 25.0),
        );
        // scipy.stats.wasserstein_distance([1, 2, 3], [1, 2, 3], [1, 0, 0], [.6, .2, .2]) / 2 = 0.3.
        near(distance(&[1.0, 0.0, 0.0], &[0.6, 0.2, 0.2], &[1.0, 2.0, 3.0]), 0.3);
    }

    #[test]
    fn people_are_counted_once_each() {
        let mut roster = Roster::new(&[]).expect("no runs");
        roster.categories.push("c".to_owned());
        let model = Panel::of(rows(), Chooser::Model);
        let always = rows().into_iter().map(|row| Row { choice: Some(0), ..row });
        let always = Panel::of(always.collect(), Chooser::Baseline);
        let paired = Paired::new(&model, &always, &roster, ("a", "b")).expect("the same probes");
        let found = people_beaten(&paired, &Resampling::default()).expect("six people");
        // Of the first question people 3 and 5 gain and 2 loses, half of their two probes each; the second is the same
        // for all.
        near(found.better.value, 2.0 / 6.0);
        near(found.equal, 3.0 / 6.0);
        near(found.worse, 1.0 / 6.0);
        near(found.difference, 1.0 / 12.0);
        assert_eq!(gap_closed(0.7, 0.6, 0.8), Some((0.7 - 0.6) / (0.8 - 0.6)));
        assert_eq!(gap_closed(0.7, 0.8, 0.6), None);
    }

    #[test]
    fn a_country_of_few_people_is_left_out() {
        let row = |person: usize| Row {
            person: person as u32,
            split: 0,
            question: 0,
            category: 0,
            candidates: 2,
            label: (person % 2) as u8,
            choice: Some(0),
        };
        let panel = Panel::of((0..15).map(row).collect(), Chooser::Model);
        let countries = [
            ("large".to_owned(), (0..10).collect::<Vec<_>>()),
            ("small".to_owned(), (10..15).collect()),
        ];
        let found = by_country(&panel, &countries, &BTreeMap::new());
        let expected = CountryDistance {
            country: "large".to_owned(),
            questions: 1,
            distance: 0.5,
        };
        assert_eq!(found, [expected]);
    }
}
