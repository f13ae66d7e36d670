//! Two systems on the same probes: difference, agreement, and how sure one may be.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::average::{Scores, Sums};
use super::bootstrap::Resampling;
use super::constancy::{Constancy, commonest};
use super::contrast::{Constant, Contrast, Overall, contrasts};
use super::estimate::Quantity;
use super::panel::{Chooser, Credit, Panel, Row, Unread};
use super::roster::{MetricsError, Roster};
use super::tail::{mcnemar, minimum_detectable};

/// The probes that two panels share, in the order of the first.
#[derive(Debug, Clone)]
pub struct Paired {
    /// Rows of both systems on one probe each.
    pub pairs: Vec<(Row, Row)>,
    /// Whether a side stands for chance.
    chance: (bool, bool),
    /// Which side is a model that answers alike whoever is asked.
    constant: Constant,
}

/// How often two systems are right together and apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outcomes2x2 {
    /// Both chose the person's own candidate.
    pub both_right: usize,
    /// Only the first did.
    pub only_first: usize,
    /// Only the second did.
    pub only_second: usize,
    /// Neither, and both chose the same candidate (or both left no readable choice).
    pub both_wrong_alike: usize,
    /// Neither, and they chose differently.
    pub both_wrong_apart: usize,
}

impl Outcomes2x2 {
    /// Number of probes.
    pub fn probes(&self) -> usize {
        self.both_right + self.only_first + self.only_second + self.both_wrong_alike + self.both_wrong_apart
    }
}

/// Agreement of two systems' choices on a set of probes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Number of probes.
    pub probes: usize,
    /// Share of probes with the same choice.
    pub agreement: f64,
    /// Cohen's kappa pooled over questions; absent where chance agreement is complete.
    pub kappa: Option<f64>,
}

/// Everything that is told of two systems.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// First minus second, on the same averages as accuracies, with intervals over people and sign-flip tests.
    pub difference: Scores<Contrast>,
    /// Both systems' accuracies on the shared probes; what could not be read is wrong.
    pub accuracy: (Scores<f64>, Scores<f64>),
    /// Right and wrong together.
    pub table: Outcomes2x2,
    /// McNemar's test over all probes.
    pub mcnemar: f64,
    /// Agreement over all probes.
    pub agreement: Option<Agreement>,
    /// Agreement by category.
    pub agreement_by_category: Vec<Option<Agreement>>,
    /// The smallest true overall difference found with a power of 80 % at 5 %; absent without a standard error.
    pub minimum_detectable: Option<f64>,
    /// Number of people with a shared probe.
    pub people: usize,
}

impl Paired {
    /// Matches two panels probe by probe; `names` are for the error.
    ///
    /// # Errors
    /// Where they share no probe, or where a shared probe has another label or other candidates.
    pub fn new(first: &Panel, second: &Panel, roster: &Roster, names: (&str, &str)) -> Result<Self, MetricsError> {
        let mut pairs = Vec::new();
        let mut others = second.rows.iter().peekable();
        for row in &first.rows {
            while others.next_if(|other| other.key() < row.key()).is_some() {}
            if let Some(other) = others.next_if(|other| other.key() == row.key()) {
                if (other.label, other.candidates) != (row.label, row.candidates) {
                    return Err(MetricsError::Disagree {
                        first: names.0.to_owned(),
                        second: names.1.to_owned(),
                        person: roster.people[row.person as usize].id.clone(),
                        question: roster.questions[row.question as usize].0,
                    });
                }
                pairs.push((*row, *other));
            }
        }
        if pairs.is_empty() {
            return Err(MetricsError::NothingShared {
                first: names.0.to_owned(),
                second: names.1.to_owned(),
            });
        }
        Ok(Self {
            chance: (first.is_chance(), second.is_chance()),
            constant: Constant {
                first: habit(first).is_some(),
                second: habit(second).is_some(),
                own_rule: always_follows(first, pairs.iter().map(|(_, other)| other))
                    || always_follows(second, pairs.iter().map(|(one, _)| one)),
            },
            pairs,
        })
    }

    /// How both sides' rows count.
    fn credits(&self, unread: Unread) -> (Credit, Credit) {
        let credit = |chance: bool| if chance { Credit::Chance } else { Credit::Choice(unread) };
        (credit(self.chance.0), credit(self.chance.1))
    }

    /// Sums of first minus second on these pairs. A probe that does not count in one (a dropped unread choice) counts in
    /// neither.
    fn differences(&self, pairs: &[(Row, Row)], categories: usize, unread: Unread) -> Sums {
        let credits = self.credits(unread);
        let worth = |(a, b): &(Row, Row)| match (credits.0.of(a), credits.1.of(b)) {
            ((x, dx), (y, dy)) if dx > 0.0 && dy > 0.0 => (x - y, 1.0),
            _ => (0.0, 0.0),
        };
        let rows = pairs.iter().map(|pair| (&pair.0, worth(pair)));
        Sums::of_worths(rows, categories, Quantity::Difference)
    }

    /// Whether one of the sides left a probe unread.
    fn is_unread(&self, (a, b): &(Row, Row)) -> bool {
        (a.choice.is_none() && !self.chance.0) || (b.choice.is_none() && !self.chance.1)
    }

    /// Number of probes by the place they count in that one of the sides left unread.
    fn unread(&self, categories: usize) -> Scores<usize> {
        let unread = self.pairs.iter().filter(|pair| self.is_unread(pair));
        let rows: Vec<Row> = unread.map(|pair| pair.0).collect();
        super::average::tally(&rows, categories)
    }

    /// Both systems' accuracies on the shared probes; what could not be read is wrong.
    pub fn accuracies(&self, categories: usize) -> (Scores<f64>, Scores<f64>) {
        let credits = self.credits(Unread::Wrong);
        let side = |row: fn(&(Row, Row)) -> &Row, credit: Credit| {
            let rows = self.pairs.iter().map(row).map(|row| (row, credit.of(row)));
            Sums::of_worths(rows, categories, Quantity::Share).totals().scores()
        };
        (side(|pair| &pair.0, credits.0), side(|pair| &pair.1, credits.1))
    }

    /// The differences alone: what the individual lift needs.
    pub fn contrasts(&self, categories: usize, how: &Resampling) -> Scores<Contrast> {
        let sums = |unread| self.differences(&self.pairs, categories, unread);
        contrasts(&self.unread(categories), self.constant, sums, how)
    }

    /// The overall difference alone.
    pub fn overall(&self, categories: usize, how: &Resampling) -> Option<Contrast> {
        self.overall_on(&self.pairs, categories, how)
    }

    /// The overall difference among some of the people (`members` ascending); absent where none has a shared probe.
    pub fn among(&self, members: &[usize], categories: usize, how: &Resampling) -> Option<Contrast> {
        let mut rest = self.pairs.as_slice();
        let mut own = Vec::new();
        for &member in members {
            let before = |pair: &(Row, Row)| (pair.0.person as usize) < member;
            rest = &rest[rest.partition_point(before)..];
            own.extend(rest.iter().take_while(|pair| pair.0.person as usize == member));
        }
        self.overall_on(&own, categories, how)
    }

    fn overall_on(&self, pairs: &[(Row, Row)], categories: usize, how: &Resampling) -> Option<Contrast> {
        let overall = Overall {
            unread: pairs.iter().filter(|pair| self.is_unread(pair)).count(),
            constant: self.constant,
            how,
        };
        overall.contrast(|unread| self.differences(pairs, categories, unread))
    }

    /// The whole comparison.
    pub fn compare(&self, categories: usize, how: &Resampling) -> Comparison {
        let difference = self.contrasts(categories, how);
        let table = self.table();
        Comparison {
            accuracy: self.accuracies(categories),
            mcnemar: mcnemar(table.only_first, table.only_second),
            table,
            agreement: agreement(&self.pairs, |_| true),
            agreement_by_category: (0..categories)
                .map(|c| agreement(&self.pairs, |row| usize::from(row.category) == c))
                .collect(),
            minimum_detectable: difference
                .overall
                .and_then(|contrast| contrast.wrong.estimate.ends().and(contrast.wrong.estimate.se))
                .map(minimum_detectable),
            people: difference.overall.map_or(0, |contrast| contrast.wrong.estimate.people),
            difference,
        }
    }

    fn table(&self) -> Outcomes2x2 {
        let mut table = Outcomes2x2::default();
        for (a, b) in &self.pairs {
            let cell = match (a.correct(), b.correct()) {
                (true, true) => &mut table.both_right,
                (true, false) => &mut table.only_first,
                (false, true) => &mut table.only_second,
                (false, false) if a.choice == b.choice => &mut table.both_wrong_alike,
                (false, false) => &mut table.both_wrong_apart,
            };
            *cell += 1;
        }
        table
    }
}

/// In what a model answers alike whoever is asked, if it does. A baseline may do so: it is held up as just that.
fn habit(panel: &Panel) -> Option<Constancy> {
    panel.constancy().filter(|_| panel.asked == Chooser::Model)
}

/// Whether `others` always answer as a constant answerer nearly always does: with the one position, or with its
/// commonest choice for each question.
fn always_follows<'a>(panel: &Panel, others: impl Iterator<Item = &'a Row> + Clone) -> bool {
    let Some(habit) = habit(panel) else { return false };
    let always = |rule: &dyn Fn(&Row) -> Option<u8>| {
        let mut with_rule = others
            .clone()
            .filter(|row| rule(row).is_some_and(|at| at < row.candidates));
        with_rule.all(|row| row.choice == rule(row))
    };
    let position = match habit {
        Constancy::Position { position, .. } => u8::try_from(position).ok(),
        Constancy::Question { .. } | Constancy::Shortest { .. } => None,
    };
    let most = commonest(&panel.rows);
    position.is_some_and(|position| always(&|_| Some(position))) || always(&|row| most.get(&row.question).copied())
}

/// Agreement of choices on the pairs that `wanted` picks.
///
/// Candidate 1 of one question has nothing to do with candidate 1 of another, so chance agreement is computed question
/// by question from both systems' choices there and pooled: κ = (P̄ₒ − P̄ₑ) / (1 − P̄ₑ) with both means over all
/// probes (pooled kappa; De Vries et al., *Field Methods* 20(3), 2008; within one question it is Cohen's kappa, 1960).
/// A choice that could not be read is a choice of its own. Absent where nothing is picked.
pub fn agreement(pairs: &[(Row, Row)], wanted: impl Fn(&Row) -> bool) -> Option<Agreement> {
    #[derive(Default)]
    struct QuestionTally {
        probes: usize,
        same: usize,
        first: BTreeMap<Option<u8>, usize>,
        second: BTreeMap<Option<u8>, usize>,
    }
    let mut questions: BTreeMap<u32, QuestionTally> = BTreeMap::new();
    for (a, b) in pairs.iter().filter(|(a, _)| wanted(a)) {
        let question = questions.entry(a.question).or_default();
        question.probes += 1;
        question.same += usize::from(a.choice == b.choice);
        *question.first.entry(a.choice).or_default() += 1;
        *question.second.entry(b.choice).or_default() += 1;
    }
    let probes: usize = questions.values().map(|q| q.probes).sum();
    if probes == 0 {
        return None;
    }
    let observed = questions.values().map(|q| q.same).sum::<usize>() as f64 / probes as f64;
    let expected = questions
        .values()
        .map(|q| {
            let together: f64 = q
                .first
                .iter()
                .map(|(choice, n)| (n * q.second.get(choice).copied().unwrap_or(0)) as f64)
                .sum();
            together / q.probes as f64
        })
        .sum::<f64>()
        / probes as f64;
    let kappa = (expected < 1.0).then(|| (observed - expected) / (1.0 - expected));
    Some(Agreement {
        probes,
        agreement: observed,
        kappa,
    })
}

#[cfg(test)]
#[path = "paired_tests.rs"]
mod tests;
