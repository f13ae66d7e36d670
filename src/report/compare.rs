//! Systems against each other on the same probes: what `indieval compare` prints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bench::{Bench, Contender};
use super::identity::NamedSystem;
use super::names::{Name, NamePart};
use super::options::ReportOptions;
use crate::metrics::{
    Comparison, Contrast, FEWEST_FOR_WORDS, MetricsError, Norm, Paired, RunData, RunTable, holm, p_by_category,
};

crate::choices! {
    /// What differs between the two sides of a comparison; everything else is equal.
    pub enum Factor {
        /// The run (another model, or the same one run otherwise).
        Run = "run",
        /// How the prediction is made.
        Method = "method",
        /// Number of demonstrations.
        Demonstrations = "demonstrations",
        /// Form of the demonstrations.
        Form = "form",
        /// Whether demographic statements came first.
        Demographics = "demographics",
        /// Whose demonstrations were shown.
        Control = "control",
        /// How likelihoods are normed.
        Norm = "norm",
    }
}

impl Factor {
    /// Parts of a system's name that it may change.
    fn parts(self) -> &'static [NamePart] {
        match self {
            Self::Run => &[NamePart::Run, NamePart::Model],
            // Only likelihoods have a norm.
            Self::Method => &[NamePart::Method, NamePart::Norm],
            Self::Norm => &[NamePart::Norm],
            // Without demonstrations their form means nothing.
            Self::Demonstrations => &[NamePart::Demonstrations, NamePart::Form],
            Self::Form => &[NamePart::Form],
            Self::Demographics => &[NamePart::Demographics],
            Self::Control => &[NamePart::Control],
        }
    }
}

/// Why nothing can be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The numbers could not be computed.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// Of every two sides one has no prediction.
    #[error(
        "`{condition}` predicts nothing under this norm, because nothing about the person was shown for it to weigh"
    )]
    NothingPredicted {
        /// Which.
        condition: String,
    },
    /// No two systems differ in the factor alone.
    #[error("no two conditions differ in their {factor} alone; there are: {conditions}")]
    NothingToCompare {
        /// The factor.
        factor: &'static str,
        /// All conditions.
        conditions: String,
    },
}

impl CompareError {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Metrics(error) => error.hint(),
            Self::NothingPredicted { .. } => Some("choose another norm with --norm, such as sum".to_owned()),
            Self::NothingToCompare { .. } => Some(
                "choose with --by what the two sides differ in, or name two runs that share a condition of their grids"
                    .to_owned(),
            ),
        }
    }
}

/// All comparisons of some runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparisons {
    /// Whether any run's respondents were invented.
    pub synthetic: bool,
    /// What the sides differ in.
    pub by: Factor,
    /// What intervals are made with.
    pub options: ReportOptions,
    /// Category names.
    pub categories: Vec<String>,
    /// The comparisons.
    pub pairs: Vec<Pair>,
    /// What could not be compared and why, a sentence each.
    #[serde(default)]
    pub left_out: Vec<String>,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The two systems.
    pub systems: (NamedSystem, NamedSystem),
    /// What the first is called.
    pub first: String,
    /// What the second is called.
    pub second: String,
    /// What is equal in both.
    pub common: String,
    /// The figures, first minus second.
    pub comparison: Comparison,
    /// The overall p, adjusted after Holm for all pairs that are compared; absent where this is the only one.
    #[serde(default)]
    pub p_adjusted: Option<f64>,
    /// p-values by category, adjusted after Holm for the number of categories.
    pub p_by_category: Vec<Option<f64>>,
    /// Differences among groups of people, adjusted after Holm for the number of groups.
    pub groups: Vec<GroupDifference>,
}

impl Pair {
    /// The overall p as it stands alone; absent where one person has no sign to flip.
    fn p(&self) -> Option<f64> {
        self.comparison.difference.overall.and_then(|overall| overall.wrong.p)
    }

    /// The p by which the overall difference is judged.
    pub fn judged_by(&self) -> Option<f64> {
        self.p_adjusted.or(self.p())
    }
}

/// The difference among the people of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupDifference {
    /// The dimension.
    pub dimension: String,
    /// The group.
    pub group: String,
    /// Number of its people.
    pub people: usize,
    /// First minus second.
    pub difference: Contrast,
    /// p of the sign-flip test, adjusted.
    pub p_adjusted: Option<f64>,
}

impl Comparisons {
    /// Compares all systems of `runs` that differ in one factor alone. Up to four of them are compared each with each,
    /// more of them with the first. Runs that share no condition are compared by their main conditions.
    ///
    /// # Errors
    /// Where runs contradict each other or nothing can be compared.
    pub fn new(runs: &[RunData], by: Factor, options: ReportOptions) -> Result<Self, CompareError> {
        let runs: Vec<RunTable> = runs.iter().map(RunData::table).collect();
        Self::of_tables(&runs, by, options)
    }

    /// The same from runs whose outcomes are tables, which is all that is computed from.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_tables(runs: &[RunTable], by: Factor, options: ReportOptions) -> Result<Self, CompareError> {
        let mut bench = Bench::new(runs, options)?;
        if by == Factor::Norm {
            add_norms(&mut bench)?;
        }
        let Matched { mut found, silent } = matched(&bench.entries, by);
        if let ([], Some(&first)) = (found.as_slice(), silent.first()) {
            return Err(CompareError::NothingPredicted {
                condition: bench.full_label(first),
            });
        }
        if found.is_empty() && by == Factor::Run {
            let main = |run: usize| bench.headline.iter().copied().find(|at| bench.entries[*at].run == run);
            let mains: Vec<usize> = (0..runs.len()).filter_map(main).collect();
            found = each_with_each(&mains);
        }
        if found.is_empty() {
            let models = (0..bench.entries.len()).filter(|at| bench.entries[*at].condition().is_some());
            let conditions: Vec<String> = models.map(|at| bench.full_label(at)).collect();
            return Err(CompareError::NothingToCompare {
                factor: by.name(),
                conditions: conditions.join("; "),
            });
        }
        let (pairs, apart) = judged(&bench, &found)?;
        let silent = silent.into_iter().map(|at| {
            let condition = bench.full_label(at);
            format!("{condition} is left out: it predicts nothing under this norm")
        });
        let left_out = silent.chain(apart).collect();
        Ok(Self {
            synthetic: runs.iter().any(|run| run.header.synthetic),
            by,
            options,
            categories: bench.roster.categories.clone(),
            pairs,
            left_out,
        })
    }
}

/// The pairs that share a probe, and a sentence on each that does not.
fn judged(bench: &Bench<'_>, found: &[(usize, usize)]) -> Result<(Vec<Pair>, Vec<String>), MetricsError> {
    let (mut pairs, mut apart) = (Vec::new(), Vec::new());
    for &(a, b) in found {
        match pair(bench, a, b) {
            Ok(pair) => pairs.push(pair),
            Err(MetricsError::NothingShared { first, second }) => apart.push((first, second)),
            Err(error) => return Err(error),
        }
    }
    match apart.first() {
        Some((first, second)) if pairs.is_empty() => Err(MetricsError::NothingShared {
            first: first.clone(),
            second: second.clone(),
        }),
        _ => {
            let said = apart
                .iter()
                .map(|(first, second)| format!("{first} against {second} is left out: they have no probe in common"));
            adjust(&mut pairs);
            Ok((pairs, said.collect()))
        }
    }
}

/// Whoever compares several pairs looks for the ones that differ: their overall p-values are adjusted for all of them.
fn adjust(pairs: &mut [Pair]) {
    let p: Vec<f64> = pairs.iter().filter_map(Pair::p).collect();
    if p.len() < 2 {
        return;
    }
    let tested = pairs.iter_mut().filter(|pair| pair.p().is_some());
    tested.zip(holm(&p)).for_each(|(pair, p)| pair.p_adjusted = Some(p));
}

/// Adds every likelihood condition under every other norm.
fn add_norms(bench: &mut Bench<'_>) -> Result<(), MetricsError> {
    let mut more = Vec::new();
    for entry in &bench.entries {
        let Some(condition) = entry
            .condition()
            .filter(|condition| condition.method.definition().is_normed())
        else {
            continue;
        };
        let other_norms = Norm::ALL.into_iter().filter(|norm| *norm != bench.norms[entry.run]);
        for norm in other_norms {
            let condition = condition.clone();
            let other = bench.contender(entry.run, condition, norm)?;
            // A norm that the records do not allow leaves choices unread.
            if other.panel.unread() <= entry.panel.unread() {
                more.push(other);
            }
        }
    }
    bench.entries.extend(more);
    Ok(())
}

/// What differs in one factor alone.
struct Matched {
    /// Pairs of systems, as positions.
    found: Vec<(usize, usize)>,
    /// Systems that would stand in one, had their norm anything to weigh.
    silent: Vec<usize>,
}

/// Pairs of model conditions whose names differ only in what the factor may change.
fn matched(entries: &[Contender], by: Factor) -> Matched {
    let mut alike: BTreeMap<Name, Vec<usize>> = BTreeMap::new();
    for (at, entry) in entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.condition().is_some())
    {
        alike.entry(entry.name.without(by.parts())).or_default().push(at);
    }
    alike.retain(|_, group| group.len() > 1);
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    for group in alike.into_values() {
        let is_silent = |at: &usize| entries[*at].panel.rows.is_empty();
        let (nothing, some): (Vec<usize>, Vec<usize>) = group.into_iter().partition(is_silent);
        found.extend(each_with_each(&some));
        silent.extend(nothing);
    }
    found.sort_unstable();
    Matched { found, silent }
}

/// All pairs of up to four, the first with each of more.
fn each_with_each(list: &[usize]) -> Vec<(usize, usize)> {
    let firsts = if list.len() <= 4 { list.len() } else { 1 };
    (0..firsts)
        .flat_map(|a| list[a + 1..].iter().map(move |b| (list[a], *b)))
        .collect()
}

fn pair(bench: &Bench<'_>, first: usize, second: usize) -> Result<Pair, MetricsError> {
    let categories = bench.categories();
    let how = &bench.options.resampling;
    let Some(paired) = bench.pair(first, second)? else {
        return Err(MetricsError::NothingShared {
            first: bench.full_label(first),
            second: bench.full_label(second),
        });
    };
    let comparison = paired.compare(categories, how);
    let common = bench.entries[first].name.common(&bench.entries[second].name);
    let labels = bench.labels(&[first, second]);
    let p_by_category = p_by_category(&comparison.difference);
    let groups = groups(bench, &paired);
    let systems = (bench.named(first), bench.named(second));
    let [first, second] = [labels[0].clone(), labels[1].clone()];
    Ok(Pair {
        systems,
        first,
        second,
        common,
        comparison,
        p_adjusted: None,
        p_by_category,
        groups,
    })
}

/// The difference among the people of every group that is large enough to tell anything.
fn groups(bench: &Bench<'_>, paired: &Paired) -> Vec<GroupDifference> {
    let mut groups = Vec::new();
    for dimension in &bench.roster.dimensions {
        for group in &dimension.groups {
            let members = bench.roster.members(&dimension.name, group);
            if members.len() < FEWEST_FOR_WORDS {
                continue;
            }
            let difference = paired.among(&members, bench.categories(), &bench.options.resampling);
            let difference = difference.filter(|contrast| contrast.wrong.estimate.people >= FEWEST_FOR_WORDS);
            groups.extend(difference.map(|difference| GroupDifference {
                dimension: dimension.name.clone(),
                group: group.clone(),
                people: difference.wrong.estimate.people,
                difference,
                p_adjusted: difference.wrong.p,
            }));
        }
    }
    let p: Vec<f64> = groups
        .iter()
        .map(|group| group.difference.wrong.p.unwrap_or(1.0))
        .collect();
    let adjusted = groups.iter_mut().zip(holm(&p));
    adjusted.for_each(|(group, p)| group.p_adjusted = Some(p));
    groups
}
