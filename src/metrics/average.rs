//! Averages exactly as the paper takes them.
//!
//! A split's accuracy in a category is the share of correct choices among that split's probes of the category, over all
//! people. A category's accuracy is the mean of its splits; the overall accuracy is the mean of the categories. With the
//! paper's people, who answered every probe, all slots have the same size (three questions a category and split), so
//! that the overall accuracy is also the mean of the three splits' overall accuracies and the plain share of correct
//! choices. With people who left probes unanswered the three differ a little, and this one weighs categories alike.
//!
//! That the paper does so is checked against its Figure 2: the thirteen published figures of every column average to
//! the published overall figure (`figure_2_overall_is_the_mean_of_categories`), and against its Table 2: the published
//! average is the mean of the three splits.

use serde::{Deserialize, Serialize};

use super::counted::CountedRows;
use super::estimate::{Quantity, Variation};
use super::panel::{Credit, Panel, Row, SPLITS};
use super::weighed::{LANES, WeighedColumns};

/// Sums by person and slot, a slot being one category in one split: what every mean and every resample is made of.
#[derive(Debug, Clone)]
pub struct Sums {
    categories: usize,
    /// Numbers of the people, ascending; only those with a row.
    pub people: Vec<usize>,
    /// Numerator and denominator by (person, slot), person-major.
    cells: Vec<[f64; 2]>,
    /// Number of rows that count.
    pub probes: usize,
    /// What kind of number the averages are.
    pub quantity: Quantity,
}

/// Numerators and denominators by slot, summed over people.
#[derive(Debug, Clone, PartialEq)]
pub struct Totals {
    slots: Vec<[f64; 2]>,
}

/// One thing told overall, by split and by category. A split or category without data is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores<T> {
    /// Mean of the categories.
    pub overall: Option<T>,
    /// Mean of the categories within each split.
    pub splits: [Option<T>; SPLITS],
    /// Mean of the splits within each category.
    pub categories: Vec<Option<T>>,
}

impl<T> Scores<T> {
    /// All of them in one list: overall, splits, categories.
    pub fn iter(&self) -> impl Iterator<Item = &Option<T>> {
        std::iter::once(&self.overall)
            .chain(&self.splits)
            .chain(&self.categories)
    }

    /// Builds scores of something else from a list in the order of [`Scores::iter`]; what the list lacks is absent.
    pub fn of_list<U>(&self, list: impl Iterator<Item = Option<U>>) -> Scores<U> {
        let mut list = list.chain(std::iter::repeat_with(|| None));
        Scores {
            overall: list.next().flatten(),
            splits: std::array::from_fn(|_| list.next().flatten()),
            categories: list.take(self.categories.len()).collect(),
        }
    }
}

/// How much stands behind a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeCounts {
    /// Number of people.
    pub people: usize,
    /// Number of probes.
    pub probes: usize,
    /// Probes whose choice could not be read.
    pub unread: usize,
}

/// Counts a panel's rows overall, by split and by category.
pub fn counts(panel: &Panel, categories: usize) -> Scores<ProbeCounts> {
    let count = |wanted: &dyn Fn(&Row) -> bool| {
        let rows = panel.rows.iter().filter(|row| wanted(row));
        let (mut people, mut last) = (0, None);
        let (mut probes, mut unread) = (0, 0);
        for row in rows {
            // Rows are ordered by person.
            people += usize::from(last != Some(row.person));
            last = Some(row.person);
            probes += 1;
            unread += usize::from(row.choice.is_none() && !panel.is_chance());
        }
        (probes > 0).then_some(ProbeCounts { people, probes, unread })
    };
    Scores {
        overall: count(&|_| true),
        splits: std::array::from_fn(|split| count(&|row| usize::from(row.split) == split)),
        categories: (0..categories)
            .map(|category| count(&|row| usize::from(row.category) == category))
            .collect(),
    }
}

/// Number of rows overall, by split and by category; nothing where there is none.
pub fn tally(rows: &[Row], categories: usize) -> Scores<usize> {
    let count = |wanted: &dyn Fn(&Row) -> bool| Some(rows.iter().filter(|row| wanted(row)).count());
    Scores {
        overall: count(&|_| true),
        splits: std::array::from_fn(|split| count(&|row| usize::from(row.split) == split)),
        categories: (0..categories)
            .map(|at| count(&|row| usize::from(row.category) == at))
            .collect(),
    }
}

impl Sums {
    /// Sums the rows of a panel.
    pub fn of_panel(panel: &Panel, categories: usize, credit: Credit) -> Self {
        let quantity = match credit {
            Credit::Chance => Quantity::Exact,
            Credit::Choice(_) => Quantity::Share,
        };
        Self::of_rows(&panel.rows, categories, quantity, |row| credit.of(row))
    }

    /// Sums rows, ordered by person, each worth (numerator, denominator). Means are then over splits and categories, as those of
    /// accuracies are; where all rows have one split and one category, they are plain shares.
    pub fn of_rows(rows: &[Row], categories: usize, quantity: Quantity, worth: impl Fn(&Row) -> (f64, f64)) -> Self {
        Self::of_worths(rows.iter().map(|row| (row, worth(row))), categories, quantity)
    }

    /// Sums rows, ordered by person, that come with what they are worth.
    pub fn of_worths<'a>(
        rows: impl Iterator<Item = (&'a Row, (f64, f64))>,
        categories: usize,
        quantity: Quantity,
    ) -> Self {
        let width = categories * SPLITS;
        let mut sums = Self {
            categories,
            people: Vec::new(),
            cells: Vec::new(),
            probes: 0,
            quantity,
        };
        for (row, (numerator, denominator)) in rows {
            let person = row.person as usize;
            if sums.people.last() != Some(&person) {
                sums.people.push(person);
                sums.cells.resize(sums.cells.len() + width, [0.0; 2]);
            }
            let slot = usize::from(row.category) * SPLITS + usize::from(row.split);
            let at = (sums.people.len() - 1) * width + slot;
            sums.cells[at][0] += numerator;
            sums.cells[at][1] += denominator;
            sums.probes += usize::from(denominator > 0.0);
        }
        sums
    }

    /// The same sums for some of the people only (`keep` ascending).
    pub fn restricted(&self, keep: &[usize]) -> Self {
        let width = self.width();
        let mut sums = Self {
            categories: self.categories,
            people: Vec::new(),
            cells: Vec::new(),
            probes: 0,
            quantity: self.quantity,
        };
        for (position, person) in self.people.iter().enumerate() {
            if keep.binary_search(person).is_ok() {
                let own = &self.cells[position * width..(position + 1) * width];
                sums.people.push(*person);
                sums.cells.extend_from_slice(own);
                sums.probes += own.iter().map(|cell| cell[1]).sum::<f64>().round() as usize;
            }
        }
        sums
    }

    /// Each person's own overall average, where everybody answered equally many probes of every slot; absent otherwise.
    ///
    /// Then the overall average of any people, however often each is counted, is the mean of their own ones, which
    /// saves resamples a factor as large as the number of slots.
    pub fn balanced(&self) -> Option<Vec<f64>> {
        let width = self.width().max(1);
        let mut people = self.cells.chunks_exact(width);
        let first = people.next()?;
        let alike = |own: &[[f64; 2]]| own.iter().zip(first).all(|(own, first)| own[1] == first[1]);
        people.all(alike).then(|| {
            (0..self.people.len())
                .filter_map(|position| self.overall_of(&[position]))
                .collect()
        })
    }

    /// The overall average of the people at some positions within [`Sums::people`].
    pub fn overall_of(&self, positions: &[usize]) -> Option<f64> {
        let width = self.width();
        let mut slots = vec![[0.0; 2]; width];
        for own in positions
            .iter()
            .map(|position| &self.cells[position * width..(position + 1) * width])
        {
            for (total, cell) in slots.iter_mut().zip(own) {
                total[0] += cell[0];
                total[1] += cell[1];
            }
        }
        Totals { slots }.overall()
    }

    /// How every average varies over the people behind it: those with a probe that counts towards it.
    pub(super) fn variation(&self) -> Scores<Variation> {
        let whole = self.totals();
        let scores = whole.scores();
        let mut without: Vec<Vec<f64>> = vec![Vec::new(); scores.iter().count()];
        let mut behind = vec![0usize; without.len()];
        for own in self.cells.chunks_exact(self.width().max(1)) {
            let rest = whole.minus(own).scores();
            for (at, (stands, figure)) in standing(own).zip(rest.iter()).enumerate() {
                if stands {
                    behind[at] += 1;
                    without[at].extend(*figure);
                }
            }
        }
        let all = without.iter().zip(behind);
        scores.of_list(all.map(|(without, people)| Some(Variation::jackknife(people, without))))
    }

    /// Number of slots.
    pub fn width(&self) -> usize {
        self.categories * SPLITS
    }

    /// Numerators and denominators summed over everybody.
    pub fn totals(&self) -> Totals {
        let mut slots = vec![[0.0; 2]; self.width()];
        for own in self.cells.chunks_exact(self.width().max(1)) {
            for (total, cell) in slots.iter_mut().zip(own) {
                total[0] += cell[0];
                total[1] += cell[1];
            }
        }
        Totals { slots }
    }

    /// Everybody's numerators and denominators, to be summed with weights: [`Totals::of_lane`].
    pub(super) fn columns(&self) -> WeighedColumns {
        WeighedColumns::new(self.cells.as_flattened(), 2 * self.width())
    }

    /// The same where all of them are counts: [`Totals::of_counts`].
    pub(super) fn counts(&self) -> Option<CountedRows> {
        CountedRows::new(self.cells.as_flattened(), 2 * self.width())
    }

    /// Everybody's numerators alone: [`Totals::with_numerators`].
    pub(super) fn numerators(&self) -> Vec<f64> {
        self.cells.iter().map(|cell| cell[0]).collect()
    }
}

/// Whether a person's cells count towards each average, in the order of [`Scores::iter`].
fn standing(own: &[[f64; 2]]) -> impl Iterator<Item = bool> {
    let counts = |cell: &[f64; 2]| cell[1] > 0.0;
    let overall = std::iter::once(own.iter().any(counts));
    let splits = (0..SPLITS).map(move |split| own.iter().skip(split).step_by(SPLITS).any(counts));
    overall.chain(splits).chain(
        own.chunks_exact(SPLITS)
            .map(move |category| category.iter().any(counts)),
    )
}

impl Totals {
    /// One lane of the sums of [`Sums::columns`].
    pub(super) fn of_lane(sums: &[[f64; LANES]], lane: usize, width: usize) -> Self {
        let slots = sums.chunks_exact(2).take(width);
        Self {
            slots: slots.map(|slot| [slot[0][lane], slot[1][lane]]).collect(),
        }
    }

    /// Sums of the rows of [`Sums::counts`].
    pub(super) fn of_counts(sums: &[i64], width: usize) -> Self {
        let slots = sums.as_chunks::<2>().0.iter().take(width);
        Self {
            slots: slots.map(|slot| slot.map(|sum| sum as f64)).collect(),
        }
    }

    /// The same denominators with other numerators.
    pub(super) fn with_numerators(&self, numerators: impl Iterator<Item = f64>) -> Self {
        let slots = self.slots.iter().zip(numerators);
        Self {
            slots: slots.map(|(own, numerator)| [numerator, own[1]]).collect(),
        }
    }

    /// The numerators.
    pub(super) fn numerators(&self) -> impl Iterator<Item = f64> {
        self.slots.iter().map(|slot| slot[0])
    }

    /// The same totals without one person's cells.
    fn minus(&self, own: &[[f64; 2]]) -> Self {
        let slots = self.slots.iter().zip(own);
        Self {
            slots: slots.map(|(all, own)| [all[0] - own[0], all[1] - own[1]]).collect(),
        }
    }

    /// The paper's averages.
    pub fn scores(&self) -> Scores<f64> {
        let categories: Vec<Option<f64>> = self
            .slots
            .chunks_exact(SPLITS)
            .map(|splits| mean(splits.iter().filter_map(ratio)))
            .collect();
        let splits = std::array::from_fn(|split| mean(self.slots.iter().skip(split).step_by(SPLITS).filter_map(ratio)));
        Scores {
            overall: mean(categories.iter().flatten().copied()),
            splits,
            categories,
        }
    }

    /// The mean of the categories alone.
    pub fn overall(&self) -> Option<f64> {
        mean(
            self.slots
                .chunks_exact(SPLITS)
                .filter_map(|splits| mean(splits.iter().filter_map(ratio))),
        )
    }
}

fn ratio(slot: &[f64; 2]) -> Option<f64> {
    (slot[1] > 0.0).then(|| slot[0] / slot[1])
}

/// The mean of what there is; absent where there is nothing.
pub fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0usize);
    for value in values {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(person: usize, split: usize, category: usize, correct: bool) -> Row {
        let choice = if correct { 0 } else { 1 };
        Row {
            person: person as u32,
            split: split as u8,
            question: 0,
            category: category as u16,
            candidates: 2,
            label: 0,
            choice: Some(choice),
        }
    }

    #[test]
    fn categories_weigh_alike_whatever_their_size() {
        // Category 0, split 0: 1 of 2; split 1: 1 of 1. Category 1, split 0: 0 of 1; nothing in split 1.
        let rows = [
            row(0, 0, 0, true),
            row(0, 0, 1, false),
            row(0, 1, 0, true),
            row(1, 0, 0, false),
        ];
        let panel = Panel::of(rows.to_vec(), crate::metrics::panel::Chooser::Model);
        let scores = Sums::of_panel(&panel, 2, Credit::Choice(super::super::Unread::Wrong))
            .totals()
            .scores();
        assert_eq!(scores.categories, [Some(0.75), Some(0.0)]);
        assert_eq!(scores.splits, [Some(0.25), Some(1.0), None]);
        assert_eq!(scores.overall, Some(0.375));
        let counts = counts(&panel, 2);
        let of = |people, probes| {
            Some(ProbeCounts {
                people,
                probes,
                unread: 0,
            })
        };
        assert_eq!(counts.overall, of(2, 4));
        assert_eq!(counts.splits, [of(2, 3), of(1, 1), None]);
        assert_eq!(counts.categories, [of(2, 3), of(1, 1)]);
    }

    #[test]
    fn figure_2_overall_is_the_mean_of_categories() {
        let figures: serde_json::Value =
            serde_json::from_str(include_str!("../../data/paper-figures.json")).expect("the paper's figures are JSON");
        let rows = figures["figure2"]["rows"].as_object().expect("rows by category");
        let overall = rows["Overall"].as_array().expect("one figure a column");
        for (column, published) in overall.iter().enumerate() {
            let categories = rows.iter().filter(|(name, _)| *name != "Overall");
            let average = mean(categories.map(|(_, row)| row[column].as_f64().unwrap_or(f64::NAN)));
            let published = published.as_f64().unwrap_or(f64::NAN);
            // Figures are rounded to one decimal: the mean of thirteen may be off by 0.05, and the published mean too.
            assert!(
                (average.unwrap_or(f64::NAN) - published).abs() <= 0.1,
                "column {column}: {average:?} {published}"
            );
        }
    }
}
