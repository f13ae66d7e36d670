//! Whether a system answers alike, whoever is asked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::row::Row;

/// One position with more than this share of the choices makes a constant answerer.
pub const ONE_POSITION: f64 = 0.90;

/// So does choosing the same for everybody on more than this share of the probes ...
pub const ONE_ANSWER: f64 = 0.95;

/// ... where people themselves agree on less than this.
pub const PEOPLE_AGREE: f64 = 0.80;

/// Fewer choices than this show no habit.
pub const FEWEST_CHOICES: usize = 20;

/// A share among a system's choices, beside the same share among people's own answers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Beside {
    /// The system's.
    pub chosen: f64,
    /// People's own.
    pub own: f64,
}

/// In what a system answers alike, whoever is asked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Constancy {
    /// It nearly always chooses one position.
    Position {
        /// Which, from 0.
        position: usize,
        /// On this share of probes.
        share: Beside,
    },
    /// It nearly always chooses the same for a question.
    Question {
        /// On this share of probes.
        share: Beside,
    },
    /// It nearly always chooses the shortest candidate.
    Shortest {
        /// On this share of the probes whose candidates differ in length.
        share: Beside,
    },
}

/// In what a panel's choices are constant; absent where they are not, or where fewer than `FEWEST_CHOICES` were read.
pub fn constancy(rows: &[Row]) -> Option<Constancy> {
    let (_, positions, commonest) = tallied(rows).filter(|(read, ..)| *read >= FEWEST_CHOICES)?;
    let (position, share) = positions
        .into_iter()
        .enumerate()
        .reduce(|best, next| if next.1.chosen > best.1.chosen { next } else { best })?;
    if share.chosen > ONE_POSITION {
        return Some(Constancy::Position { position, share });
    }
    let alike = commonest.chosen > ONE_ANSWER && commonest.own < PEOPLE_AGREE;
    alike.then_some(Constancy::Question { share: commonest })
}

/// The choice that is commonest for each question, the first of equals.
pub(super) fn commonest(rows: &[Row]) -> BTreeMap<u32, u8> {
    let mut counts: BTreeMap<u32, BTreeMap<u8, usize>> = BTreeMap::new();
    for row in rows {
        if let Some(choice) = row.choice {
            *counts.entry(row.question).or_default().entry(choice).or_default() += 1;
        }
    }
    let most = counts.into_iter().filter_map(|(question, choices)| {
        let best = choices
            .into_iter()
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(choice, _)| (question, choice))
    });
    most.collect()
}

/// Number of read choices, shares by position, and shares of the commonest choice; absent where nothing was read.
pub(super) fn tallied(rows: &[Row]) -> Option<(usize, Vec<Beside>, Beside)> {
    let mut positions: Vec<[usize; 2]> = Vec::new();
    let mut questions: BTreeMap<u32, Vec<[usize; 2]>> = BTreeMap::new();
    let mut read = 0;
    for row in rows {
        let Some(choice) = row.choice else { continue };
        read += 1;
        let question = questions.entry(row.question).or_default();
        for counts in [&mut positions, question] {
            counts.resize(counts.len().max(row.candidates.into()), [0; 2]);
            counts[usize::from(choice)][0] += 1;
            counts[usize::from(row.label)][1] += 1;
        }
    }
    let share = |count: usize| count as f64 / read as f64;
    let commonest = |of: usize| {
        let most = questions
            .values()
            .map(|counts| counts.iter().map(|count| count[of]).max().unwrap_or(0));
        share(most.sum())
    };
    (read > 0).then(|| {
        let positions = positions.iter().map(|[chosen, own]| Beside {
            chosen: share(*chosen),
            own: share(*own),
        });
        let both = Beside {
            chosen: commonest(0),
            own: commonest(1),
        };
        (read, positions.collect(), both)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twelve people on two questions of two candidates.
    fn rows(choice: impl Fn(usize, usize) -> usize, label: impl Fn(usize, usize) -> usize) -> Vec<Row> {
        let row = |person: usize, question: usize| Row {
            person: person as u32,
            split: 0,
            question: question as u32,
            category: 0,
            candidates: 2,
            label: label(person, question) as u8,
            choice: Some(choice(person, question) as u8),
        };
        (0..12)
            .flat_map(|person| (0..2).map(move |question| (person, question)))
            .map(|(p, q)| row(p, q))
            .collect()
    }

    #[test]
    fn one_position_is_found_and_told_apart_from_one_answer_a_question() {
        let half = |person: usize, _: usize| person % 2;
        let always_first = rows(|_, _| 0, half);
        assert!(matches!(
            constancy(&always_first),
            Some(Constancy::Position { position: 0, share }) if share.chosen == 1.0 && share.own == 0.5
        ));
        let by_question = rows(|_, question| question, half);
        assert!(matches!(
            constancy(&by_question),
            Some(Constancy::Question { share }) if share.chosen == 1.0 && share.own == 0.5
        ));
        // A handful of choices shows no habit.
        assert_eq!(constancy(&always_first[..FEWEST_CHOICES - 1]), None);
        // Where people agree as much, answering alike is knowing them.
        assert_eq!(constancy(&rows(|_, question| question, |_, question| question)), None);
        assert_eq!(constancy(&rows(half, half)), None);
    }
}
