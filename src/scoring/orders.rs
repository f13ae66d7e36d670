//! In which orders the options of a probe are listed.
//!
//! Models prefer some letters and places to others. Over the k cyclic orders of k options every candidate stands in every
//! place exactly once, so that a preference for places favours nobody.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::norm::highest;

/// In how many cyclic orders options are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "OrdersText", try_from = "OrdersText")]
pub enum Orders {
    /// As many as there are options: every candidate stands in every place once.
    #[default]
    All,
    /// At most so many. One is the catalogue's own order, that of the answer codes.
    AtMost(NonZeroUsize),
}

impl Orders {
    /// The catalogue's own order and no other.
    pub const ONE: Self = Self::AtMost(NonZeroUsize::MIN);

    /// How many orders so many options are listed in; 1 even without options.
    pub fn count(self, options: usize) -> usize {
        match self {
            Self::All => options.max(1),
            Self::AtMost(most) => most.get().min(options.max(1)),
        }
    }
}

/// `count` cyclic orders of so many options, the first beginning with candidate `first`.
pub(super) fn cyclic(options: usize, first: usize, count: usize) -> Vec<Vec<usize>> {
    let order = |turn: usize| (0..options).map(|place| (first + turn + place) % options).collect();
    (0..count).map(order).collect()
}

/// The candidate with most votes; of several, the one that was voted for first. `votes` come in the order of asking.
pub(crate) fn plurality(votes: impl IntoIterator<Item = Option<usize>>) -> Option<usize> {
    let mut counted: Vec<(usize, usize)> = Vec::new();
    for vote in votes.into_iter().flatten() {
        match counted.iter_mut().find(|(candidate, _)| *candidate == vote) {
            Some((_, count)) => *count += 1,
            None => counted.push((vote, 1)),
        }
    }
    let best = counted
        .into_iter()
        .reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map(|(candidate, _)| candidate)
}

impl Evidence {
    /// What was chosen in each order of the options, in the order of asking: the most probable label, or the first choice
    /// that could be read from a text. Empty where options were not listed, or where a text answers several probes.
    pub fn choices_by_order(&self) -> Vec<Option<usize>> {
        match self {
            Self::Likelihood { .. } => Vec::new(),
            Self::Label { permutations, .. } => permutations
                .iter()
                .map(|one| highest(&one.logprobs).and_then(|option| one.order.get(option).copied()))
                .collect(),
            Self::Generation { tries, .. } => tries
                .chunk_by(|a, b| a.order == b.order)
                .filter(|of_order| of_order.iter().all(|one| !one.order.is_empty()))
                .map(|of_order| of_order.iter().find_map(|one| one.choice))
                .collect(),
        }
    }

    /// Texts that were generated again because one before them in the same order could not be read.
    pub(crate) fn retries(&self) -> usize {
        let tries = self.tries().unwrap_or_default();
        tries.len() - tries.chunk_by(|a, b| a.order == b.order).count()
    }

    /// Whether the choice depends on the order of the options. Absent where fewer than two orders gave a choice.
    pub fn flips_with_order(&self) -> Option<bool> {
        let choices: Vec<usize> = self.choices_by_order().into_iter().flatten().collect();
        (choices.len() > 1).then(|| choices.windows(2).any(|pair| pair[0] != pair[1]))
    }
}

/// How orders are written: `all` or a number.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OrdersText {
    Number(usize),
    Word(String),
}

/// Something that is no number of orders.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a number of orders: give `all`, or a number from 1")]
pub struct NoOrders(String);

impl TryFrom<OrdersText> for Orders {
    type Error = NoOrders;

    fn try_from(text: OrdersText) -> Result<Self, Self::Error> {
        match text {
            OrdersText::Number(number) => number.to_string().parse(),
            OrdersText::Word(word) => word.parse(),
        }
    }
}

impl From<Orders> for OrdersText {
    fn from(orders: Orders) -> Self {
        match orders {
            Orders::All => Self::Word("all".to_owned()),
            Orders::AtMost(most) => Self::Number(most.get()),
        }
    }
}

impl std::str::FromStr for Orders {
    type Err = NoOrders;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            number => number.parse().map(Self::AtMost).map_err(|_| NoOrders(text.to_owned())),
        }
    }
}

impl std::fmt::Display for Orders {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => out.pad("all"),
            Self::AtMost(most) => out.pad(&most.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_candidate_stands_in_every_place_once() {
        assert_eq!(cyclic(3, 1, 3), [[1, 2, 0], [2, 0, 1], [0, 1, 2]]);
        assert_eq!(cyclic(4, 2, 2), [[2, 3, 0, 1], [3, 0, 1, 2]]);
        assert_eq!(cyclic(0, 0, 1), [[0; 0]]);
    }

    #[test]
    fn there_are_as_many_orders_as_options_unless_fewer_are_asked_for() {
        let at_most = |most: usize| Orders::AtMost(NonZeroUsize::new(most).expect("not 0"));
        assert_eq!((Orders::All.count(4), Orders::All.count(0)), (4, 1));
        assert_eq!((at_most(3).count(2), at_most(3).count(8)), (2, 3));
        assert_eq!(Orders::ONE.count(8), 1);
    }

    #[test]
    fn orders_are_written_as_all_or_a_number() {
        for (orders, text) in [(Orders::All, "\"all\""), (Orders::ONE, "1")] {
            assert_eq!(serde_json::to_string(&orders).expect("text"), text);
            assert_eq!(serde_json::from_str::<Orders>(text).expect("orders"), orders);
        }
        for wrong in ["0", "\"both\"", "\"-1\""] {
            let error = serde_json::from_str::<Orders>(wrong)
                .expect_err("no orders")
                .to_string();
            assert!(error.contains("give `all`, or a number from 1"), "{error}");
        }
    }

    #[test]
    fn most_votes_win_and_the_first_vote_breaks_ties() {
        assert_eq!(plurality([Some(2), Some(0), Some(0)]), Some(0));
        assert_eq!(plurality([Some(2), Some(0), Some(1)]), Some(2));
        assert_eq!(plurality([None, Some(1), Some(0), Some(0), Some(1)]), Some(1));
        assert_eq!(plurality([None, None]), None);
    }
}
