//! The demographic dimensions: which column each is read from, what its codes mean, and the sentence for each.

mod source;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::builtin::BuiltinSurvey;
use super::error::SurveyError;
use super::types::DemographicValue;
use source::parse;

const DIMENSIONS: &str = include_str!("../../../data/demographics.toml");
const LABELS: &str = include_str!("../../../data/code-labels.toml");

crate::choices! {
    /// How the ten steps of the income scale are grouped; the paper and its released code differ.
    pub enum IncomeGrouping: Halves {
        /// Low and high (column Q288), as the paper's Table 6 words it.
        Halves = "halves",
        /// Low, medium and high (column Q288R), as the released code has it.
        Thirds = "thirds",
    }
}

impl IncomeGrouping {
    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Halves => Self::Thirds,
            Self::Thirds => Self::Halves,
        }
    }

    /// Id of the dimension that holds incomes grouped so, which is its column, too.
    pub(crate) fn column(self, survey: &BuiltinSurvey) -> &str {
        match self {
            Self::Halves => &survey.income.halves,
            Self::Thirds => &survey.income.thirds,
        }
    }
}

/// One demographic dimension, such as religion.
#[derive(Debug, Clone)]
pub struct Dimension {
    /// Id, unique: the survey file's column name, but for a second dimension of one column (continents, of countries).
    pub id: String,
    /// The column of the survey file that holds its code.
    pub column: String,
    /// What reports call it.
    pub name: String,
    /// Whether it is one of the 16 dimensions of the paper's group analysis.
    pub report_group: bool,
    groups: Vec<Group>,
    /// Position in `groups` by answer code.
    by_code: HashMap<i32, usize>,
    /// The lowest code of an open-ended answer ("7 or more") and its position in `groups`.
    open: Option<(i32, usize)>,
}

/// One group of people within a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What reports call it.
    pub name: String,
    /// The first-person sentence, with no full stop.
    pub sentence: String,
}

impl Dimension {
    /// A dimension whose groups have the codes 1, 2, ...
    pub(super) fn defined(column: &str, name: &str, report_group: bool, groups: Vec<Group>) -> Self {
        Self {
            id: column.to_owned(),
            column: column.to_owned(),
            name: name.to_owned(),
            report_group,
            by_code: (1..).zip(0..groups.len()).collect(),
            groups,
            open: None,
        }
    }

    /// The groups, in the order of the data files; continents and the like once each.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Position of an answer code's group; absent for codes without a meaning, which are missing answers.
    pub(crate) fn group_of_code(&self, code: i32) -> Option<usize> {
        let open = || self.open.filter(|&(from, _)| code >= from).map(|(_, group)| group);
        self.by_code.get(&code).copied().or_else(open)
    }

    /// Every code that the data files name, ascending; an open-ended answer covers all above its own, too.
    pub(crate) fn codes(&self) -> Vec<i32> {
        let mut codes: Vec<_> = self.by_code.keys().copied().collect();
        codes.sort_unstable();
        codes
    }

    /// The sentence for a value; absent for a code without a meaning.
    pub(crate) fn sentence<'a>(&'a self, value: &'a DemographicValue) -> Option<&'a str> {
        match value {
            DemographicValue::Code(code) => self.group_of_code(*code).map(|at| self.groups[at].sentence.as_str()),
            DemographicValue::Sentence(sentence) | DemographicValue::Worded(_, sentence) => Some(sentence),
        }
    }

    /// The name of a value's group, for reports. A ready sentence that is not one of ours names its own group.
    pub(crate) fn group_name<'a>(&'a self, value: &'a DemographicValue) -> Option<&'a str> {
        match value {
            DemographicValue::Code(code) | DemographicValue::Worded(code, _) => {
                self.group_of_code(*code).map(|at| self.groups[at].name.as_str())
            }
            DemographicValue::Sentence(sentence) => Some(
                self.groups
                    .iter()
                    .find(|group| group.sentence.as_str() == &**sentence)
                    .map_or(sentence, |group| group.name.as_str()),
            ),
        }
    }
}

/// The 31 dimensions, with one of the two groupings of incomes.
#[derive(Debug, Clone)]
pub struct Demographics {
    /// The dimensions, in the paper's order.
    pub dimensions: Vec<Dimension>,
    /// Which grouping of incomes they hold.
    pub income: IncomeGrouping,
    /// SHA-256 (hex) of ids, codes and sentences, which pins a run to its demographics.
    pub hash: String,
    /// Position of the dimension whose groups are countries, or what stands for them: within it strangers of the same
    /// group are drawn, and people are counted by it.
    pub(crate) country: Option<usize>,
}

static HALVES: LazyLock<Result<Demographics, SurveyError>> =
    LazyLock::new(|| parse(DIMENSIONS, LABELS, IncomeGrouping::Halves));
static THIRDS: LazyLock<Result<Demographics, SurveyError>> =
    LazyLock::new(|| parse(DIMENSIONS, LABELS, IncomeGrouping::Thirds));

impl Demographics {
    /// The built-in dimensions. Parsed and checked once; an error means that this build's data files are broken.
    pub fn builtin(income: IncomeGrouping) -> Result<&'static Self, SurveyError> {
        let cell = match income {
            IncomeGrouping::Halves => &HALVES,
            IncomeGrouping::Thirds => &THIRDS,
        };
        cell.as_ref().map_err(Clone::clone)
    }

    /// None: of a survey that nothing is said about but its questions.
    pub fn none() -> Self {
        Self::defined(Vec::new(), None)
    }

    /// Dimensions of a survey of one's own; `country` is the id of the one that stands for countries.
    pub(super) fn defined(dimensions: Vec<Dimension>, country: Option<&str>) -> Self {
        let hash = source::hash(&dimensions);
        let country = country.and_then(|id| dimensions.iter().position(|dimension| dimension.id == id));
        Self {
            dimensions,
            income: IncomeGrouping::default(),
            hash,
            country,
        }
    }

    /// Where a dimension stands in [`Demographics::dimensions`].
    pub(crate) fn index_of(&self, id: &str) -> Option<usize> {
        self.dimensions.iter().position(|dimension| dimension.id == id)
    }

    /// The sentences of one person's values, in the order of dimensions; missing ones are left out.
    ///
    /// `values` is aligned with [`Demographics::dimensions`].
    pub(crate) fn sentences<'a>(&'a self, values: &'a [Option<DemographicValue>]) -> Vec<&'a str> {
        self.dimensions
            .iter()
            .zip(values)
            .filter_map(|(dimension, value)| dimension.sentence(value.as_ref()?))
            .collect()
    }
}

#[cfg(test)]
mod tests;
