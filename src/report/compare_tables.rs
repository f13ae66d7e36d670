//! Comparisons as tables and sentences.

use serde::Serialize;

use super::compare::{Comparisons, GroupDifference, Pair};
use super::csv::{ContrastColumns, CsvTable, Figure};
use super::names;
use super::phrases::verdict;
use super::table::{Table, left, right};
use super::words::{ContrastWords, contrast, kappa, p_value, p_words, people, percent, reach};
use crate::metrics::{Agreement, Contrast, FEWEST_FOR_WORDS, LEVEL, Resampling, Verdict, smallest_p};

/// Above so many pairs a table of all of them stands first.
const FEW_PAIRS: usize = 3;

/// Groups that a summary names; the CSV and JSON forms have all.
const NAMED: usize = 3;

impl Comparisons {
    /// Every comparison as a table by category with the main figures above, for people.
    pub fn tables(&self) -> Vec<Table> {
        let pairs = self.pairs.iter().enumerate();
        let pairs = pairs.map(|(at, pair)| self.table(&format!("comparison-{}", at + 1), pair));
        let overview = (self.pairs.len() > FEW_PAIRS).then(|| self.overview());
        overview.into_iter().chain(pairs).collect()
    }

    /// All pairs in a line each.
    fn overview(&self) -> Table {
        let synthetic = if self.synthetic { "SYNTHETIC respondents. " } else { "" };
        let caption = format!(
            "{synthetic}All {} pairs: overall accuracy in percent, the first minus the second in percentage points on the \
             probes that both have, and p by flipping whole people, adjusted for all {} pairs that have one (Holm).",
            self.pairs.len(),
            self.tested()
        );
        type Row<'a> = (&'a Pair, Option<ComparedPlace<'a>>);
        let columns = [
            left("first against second", |(pair, _): &Row<'_>| {
                let common = match pair.common.as_str() {
                    "" => String::new(),
                    common => format!(" ({common})"),
                };
                format!("{} against {}{common}", pair.first, pair.second)
            }),
            right("first, %", |(_, place): &Row<'_>| {
                percent(place.as_ref().and_then(|place| place.accuracy.0))
            }),
            right("second, %", |(_, place): &Row<'_>| {
                percent(place.as_ref().and_then(|place| place.accuracy.1))
            }),
            right("difference (95 %)", |(_, place): &Row<'_>| {
                place.as_ref().map_or("–".to_owned(), |place| place.words().difference)
            }),
            right("p (Holm)", |(pair, _): &Row<'_>| {
                pair.p_adjusted.map_or("–".to_owned(), p_value)
            }),
        ];
        let rows = self.pairs.iter().map(|pair| {
            let places = ComparedPlace::all(pair, &self.categories);
            (pair, places.into_iter().find(|place| place.scope == "overall"))
        });
        Table::of("comparisons", caption, rows, &columns)
    }

    fn table(&self, name: &str, pair: &Pair) -> Table {
        let places = ComparedPlace::all(pair, &self.categories);
        let of = |scope: &'static str| places.iter().filter(move |place| place.scope == scope);
        let rows = of("category").chain(of("overall"));
        let columns = [
            left("category", |row: &&ComparedPlace<'_>| match row.scope {
                "overall" => "Overall".to_owned(),
                _ => names::short_category(row.name),
            }),
            right("first, %", |row: &&ComparedPlace<'_>| percent(row.accuracy.0)),
            right("second, %", |row: &&ComparedPlace<'_>| percent(row.accuracy.1)),
            right("difference (95 %)", |row: &&ComparedPlace<'_>| row.words().difference),
            right("both read", |row: &&ComparedPlace<'_>| row.words().both_read),
            right("unread as guesses", |row: &&ComparedPlace<'_>| row.words().guess),
            right("p (Holm)", |row: &&ComparedPlace<'_>| {
                row.p.map_or("–".to_owned(), p_value)
            }),
            right("agree, %", |row: &&ComparedPlace<'_>| {
                percent(row.agreement.map(|a| a.agreement))
            }),
            right("kappa", |row: &&ComparedPlace<'_>| {
                kappa(row.agreement.and_then(|a| a.kappa))
            }),
        ];
        Table::of(name, self.summary(pair), rows, &columns)
    }

    /// The main figures in sentences.
    fn summary(&self, pair: &Pair) -> String {
        let c = &pair.comparison;
        let mut lines = vec![self.who(pair)];
        lines.extend(c.difference.overall.as_ref().map(|overall| {
            // One person has no sign to flip.
            let flipping = overall.wrong.p.map_or(String::new(), |p| {
                let adjusted = pair.p_adjusted.map_or(String::new(), |p| {
                    format!(
                        "{} once adjusted for {} pairs (Holm), ",
                        p_words(Some(p)),
                        self.tested()
                    )
                });
                format!("{} by flipping whole people, {adjusted}", p_words(Some(p)))
            });
            let said = verdict(overall, pair.judged_by());
            let (probes, people, mcnemar) = (c.table.probes(), people(c.people), p_words(Some(c.mcnemar)));
            format!("{probes} probes of {people}. The first is {said} ({flipping}McNemar's {mcnemar}).")
        }));
        lines.extend(reach(
            c.people,
            self.categories.len(),
            self.tested().max(1),
            &self.options.resampling,
        ));
        lines.push(format!(
            "Both right {}, only the first {}, only the second {}, both wrong {} (alike {}).",
            c.table.both_right,
            c.table.only_first,
            c.table.only_second,
            c.table.both_wrong_alike + c.table.both_wrong_apart,
            c.table.both_wrong_alike
        ));
        lines.extend(c.minimum_detectable.map(|detectable| {
            format!(
                "Minimum detectable difference: {:.1} points (power 80 %, level 5 %, these people).",
                100.0 * detectable
            )
        }));
        lines.extend(groups(&pair.groups, &self.options.resampling));
        lines.join("\n")
    }

    /// The number of pairs whose overall difference has a p: what each is adjusted for.
    fn tested(&self) -> usize {
        let tested = self.pairs.iter().filter(|pair| pair.judged_by().is_some());
        tested.count()
    }

    /// Which two systems are compared, and what is equal in both.
    fn who(&self, pair: &Pair) -> String {
        let synthetic = if self.synthetic { "SYNTHETIC respondents. " } else { "" };
        let common = match pair.common.as_str() {
            "" => String::new(),
            common => format!(" ({common})"),
        };
        format!("{synthetic}first: {}; second: {}{common}", pair.first, pair.second)
    }

    /// All figures of all comparisons, a line each, for programs.
    ///
    /// # Errors
    /// Where a row has no columns, which tests rule out.
    pub fn csv_table(&self) -> Result<CsvTable, csv::Error> {
        let rows = self.pairs.iter().flat_map(|pair| {
            let places = ComparedPlace::all(pair, &self.categories);
            places.into_iter().filter_map(|place| {
                let (first, second) = &pair.systems;
                let sides = (first.columns(self.synthetic), second.as_other());
                Some((sides, place.columns(pair)?))
            })
        });
        CsvTable::of("compare", rows)
    }
}

/// How many groups differ, and in which the difference is largest, or that none can; absent where no group is large
/// enough.
fn groups(all: &[GroupDifference], how: &Resampling) -> Option<String> {
    let is_settled =
        |g: &&GroupDifference| matches!(g.difference.verdict_at(g.p_adjusted), Verdict::Ahead | Verdict::Behind);
    let mut settled: Vec<&GroupDifference> = all.iter().filter(is_settled).collect();
    let value = |g: &GroupDifference| g.difference.wrong.estimate.value.abs();
    settled.sort_by(|a, b| value(b).total_cmp(&value(a)));
    let named = settled.iter().take(NAMED);
    let named = named.map(|g| format!("{} {} {}", g.dimension, g.group, contrast(Some(&g.difference))));
    let most = all.iter().map(|group| group.people).max()?;
    let smallest = smallest_p(most, how);
    let what = match settled.is_empty() {
        true if smallest * all.len() as f64 >= LEVEL => format!(
            "; none can have one, since p cannot fall below {} in the largest ({}) before it is adjusted for {}",
            p_value(smallest),
            people(most),
            all.len()
        ),
        true => String::new(),
        false => format!(", the largest in {}", named.collect::<Vec<_>>().join("; ")),
    };
    Some(format!(
        "Groups of {FEWEST_FOR_WORDS} people or more with a difference after Holm's correction: {} of {}{what}.",
        settled.len(),
        all.len()
    ))
}

/// A place where two systems are compared: a category, a group of people, or overall.
struct ComparedPlace<'a> {
    scope: &'static str,
    dimension: &'a str,
    name: &'a str,
    accuracy: (Option<f64>, Option<f64>),
    difference: Option<&'a Contrast>,
    /// Adjusted for the number of such places; overall for the number of pairs, and the difference's own where there is
    /// but one.
    p: Option<f64>,
    agreement: Option<Agreement>,
}

impl<'a> ComparedPlace<'a> {
    /// Overall, then categories, then groups.
    fn all(pair: &'a Pair, categories: &'a [String]) -> Vec<Self> {
        let c = &pair.comparison;
        let categories = categories.iter().enumerate().map(|(at, name)| Self {
            scope: "category",
            dimension: "",
            name,
            accuracy: (c.accuracy.0.categories[at], c.accuracy.1.categories[at]),
            difference: c.difference.categories[at].as_ref(),
            p: pair.p_by_category[at],
            agreement: c.agreement_by_category[at],
        });
        let overall = Self {
            scope: "overall",
            dimension: "",
            name: "",
            accuracy: (c.accuracy.0.overall, c.accuracy.1.overall),
            difference: c.difference.overall.as_ref(),
            p: pair.judged_by(),
            agreement: c.agreement,
        };
        let groups = pair.groups.iter().map(|group| Self {
            scope: "group",
            dimension: &group.dimension,
            name: &group.group,
            accuracy: (None, None),
            difference: Some(&group.difference),
            p: group.p_adjusted,
            agreement: None,
        });
        std::iter::once(overall).chain(categories).chain(groups).collect()
    }

    fn words(&self) -> ContrastWords {
        ContrastWords::of(self.difference)
    }

    /// Its row of the CSV table; absent where there is no difference to tell.
    fn columns(&self, pair: &'a Pair) -> Option<impl Serialize + use<'a>> {
        let difference = self.difference?;
        let before = PlaceColumns {
            scope: self.scope,
            dimension: self.dimension,
            name: self.name,
            first_accuracy: self.accuracy.0.into(),
            second_accuracy: self.accuracy.1.into(),
        };
        let after = AgreedColumns {
            agreement: self.agreement.map(|agreement| agreement.agreement).into(),
            kappa: self.agreement.and_then(|agreement| agreement.kappa).into(),
            people: difference.wrong.estimate.people,
        };
        // Overall there may be nothing to adjust for.
        let adjusted = match self.scope {
            "overall" => pair.p_adjusted,
            _ => self.p,
        };
        Some((before, ContrastColumns::of_family(Some(difference), adjusted), after))
    }
}

/// What a row of the CSV table is about.
#[derive(Serialize)]
struct PlaceColumns<'a> {
    scope: &'static str,
    dimension: &'a str,
    name: &'a str,
    first_accuracy: Figure,
    second_accuracy: Figure,
}

/// What follows the difference.
#[derive(Serialize)]
struct AgreedColumns {
    agreement: Figure,
    kappa: Figure,
    people: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Estimate, Interval, Tested};

    #[test]
    fn groups_that_are_too_small_for_their_number_are_said_to_be() {
        let said = |people: usize, count: usize| {
            let estimate = Estimate {
                value: 0.01,
                people,
                se: Some(0.01),
                interval: Interval::Student { low: -0.01, high: 0.03 },
            };
            let difference = Contrast {
                wrong: Tested { estimate, p: Some(0.4) },
                unread: 0,
                otherwise: None,
                constant: Default::default(),
            };
            let group = GroupDifference {
                dimension: "sex".to_owned(),
                group: "female".to_owned(),
                people,
                difference,
                p_adjusted: Some(1.0),
            };
            groups(&vec![group; count], &Resampling::default()).expect("groups")
        };
        // 2 / 2^6 times 2 is 0.062, 2 / 2^8 times 6 is 0.047.
        assert_eq!(
            said(6, 2),
            "Groups of 6 people or more with a difference after Holm's correction: 0 of 2; none can have one, since p cannot \
             fall below 0.031 in the largest (6 people) before it is adjusted for 2."
        );
        assert!(said(8, 6).ends_with("correction: 0 of 6."), "{}", said(8, 6));
    }
}
