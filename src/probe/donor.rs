//! The swapped-person control: whose statements stand in for a person's own.

use super::draw::{KeyPart, key_number};
use super::split::Split;
use crate::base::random::mix;

/// Whom a donor may be drawn from. Never the person themself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DonorPool {
    /// Every other respondent.
    Everyone,
    /// Every other respondent of the same country.
    Country,
}

/// All respondents of a file as possible donors, prepared for many draws.
#[derive(Debug, Clone)]
pub struct Donors<'a> {
    /// Id, a number that stands for it, and country.
    people: Vec<(&'a str, u64, Option<i32>)>,
}

impl<'a> Donors<'a> {
    /// Takes each respondent's id and country code, in the order of the file.
    pub fn new(people: impl IntoIterator<Item = (&'a str, Option<i32>)>) -> Self {
        let people = people
            .into_iter()
            .map(|(id, country)| (id, key_number("donor", &[KeyPart::Text(id)]), country))
            .collect();
        Self { people }
    }

    /// The position of the donor for the person at `index`; absent where the pool holds nobody else (or where the
    /// person's country is not known and it matters).
    ///
    /// Seed, person and split give every other respondent a rank, and the lowest is taken. So the draw does not depend
    /// on the order of the file, and somebody who is added to it changes the draw only by being drawn.
    pub(crate) fn donor(&self, index: usize, split: Split, pool: DonorPool, seed: u64) -> Option<usize> {
        let &(id, _, country) = self.people.get(index)?;
        if pool == DonorPool::Country && country.is_none() {
            return None;
        }
        let mine = key_number(
            "donor for",
            &[
                KeyPart::Number(seed),
                KeyPart::Text(id),
                KeyPart::Number(split.number().into()),
            ],
        );
        self.people
            .iter()
            .enumerate()
            .filter(|&(_, &(other, _, theirs))| other != id && (pool == DonorPool::Everyone || theirs == country))
            .min_by_key(|&(_, &(other, number, _))| (mix(mine ^ number), other))
            .map(|(index, _)| index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(n: usize) -> Vec<(String, Option<i32>)> {
        (0..n).map(|i| (format!("p{i}"), Some((i % 3) as i32))).collect()
    }

    fn donors(people: &[(String, Option<i32>)]) -> Donors<'_> {
        Donors::new(people.iter().map(|(id, country)| (id.as_str(), *country)))
    }

    #[test]
    fn a_donor_is_somebody_else_of_the_right_pool() {
        let people = people(30);
        let donors = donors(&people);
        for index in 0..30 {
            for split in Split::ALL {
                let anyone = donors.donor(index, split, DonorPool::Everyone, 7).unwrap();
                assert_ne!(anyone, index);
                let compatriot = donors.donor(index, split, DonorPool::Country, 7).unwrap();
                assert_ne!(compatriot, index);
                assert_eq!(compatriot % 3, index % 3);
            }
        }
        for (two, everyone, country) in [
            ([Some(1), Some(1)], Some(1), Some(1)),
            ([Some(1), Some(2)], Some(1), None),
            ([None, None], Some(1), None),
        ] {
            let donors = Donors::new(["a", "b"].into_iter().zip(two));
            assert_eq!(donors.donor(0, Split::One, DonorPool::Everyone, 0), everyone);
            assert_eq!(donors.donor(0, Split::One, DonorPool::Country, 0), country);
        }
        let alone = Donors::new([("a", Some(1))]);
        assert_eq!(alone.donor(0, Split::One, DonorPool::Everyone, 0), None);
    }

    #[test]
    fn the_draw_follows_people_and_not_their_order() {
        let forth = people(40);
        let back: Vec<_> = forth.iter().rev().cloned().collect();
        for index in 0..40 {
            let a = donors(&forth).donor(index, Split::Two, DonorPool::Everyone, 1).unwrap();
            let b = donors(&back)
                .donor(39 - index, Split::Two, DonorPool::Everyone, 1)
                .unwrap();
            assert_eq!(forth[a].0, back[b].0);
        }
    }

    #[test]
    fn seed_and_split_change_the_draw_and_all_are_drawn_alike() {
        let people = people(11);
        let donors = donors(&people);
        let mut drawn = [0u32; 11];
        for seed in 0..3000 {
            drawn[donors.donor(0, Split::One, DonorPool::Everyone, seed).unwrap()] += 1;
        }
        assert_eq!(drawn[0], 0);
        // 300 expected; the standard deviation is 16.4, so 85 is more than five of them.
        assert!(drawn[1..].iter().all(|n| n.abs_diff(300) < 85), "{drawn:?}");
        let differing = (0..100).filter(|&seed| {
            donors.donor(0, Split::One, DonorPool::Everyone, seed)
                != donors.donor(0, Split::Two, DonorPool::Everyone, seed)
        });
        assert!(differing.count() > 50);
    }
}
