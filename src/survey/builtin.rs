//! The definition of the built-in survey: what is the World Values Survey's own beside its questions, and its paper's.
//!
//! Tables that the definition of a survey of one's own has too have the same keys.

use std::sync::LazyLock;

use serde::Deserialize;

use super::probe_rule::{ProbeRule, ProbesOf};

const DEFINITION: &str = include_str!("../../data/wvs7.toml");

/// This build's `data/wvs7.toml` cannot be used; a test keeps that from shipping.
#[derive(Debug, Clone, thiserror::Error)]
#[error("wvs7.toml: {problem}")]
pub struct BrokenBuiltin {
    /// What the parser says.
    problem: String,
}

/// What `data/wvs7.toml` says, which explains each key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BuiltinSurvey {
    pub(super) file: BuiltinFile,
    pub(super) person: PersonColumns,
    missing: MissingNumbers,
    probes: BuiltinProbes,
    pub(super) direction: ScaleDirection,
    pub(super) income: IncomeColumns,
    pub(super) derived: Vec<DerivedColumn>,
    pub(crate) sample: BalancedSample,
    pub(super) synthetic: SyntheticColumns,
}

/// How its files are told from others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BuiltinFile {
    question_prefix: String,
    /// At most one question in so many may be absent.
    pub(super) absent_one_in: usize,
    /// Either is a column of the paper's label files.
    pub(super) label_file_columns: Vec<String>,
}

/// The columns of a person.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonColumns {
    /// Tells people apart.
    pub(super) id: String,
    pub(super) weight: String,
    /// The country, which every file of the survey has.
    pub(super) group: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MissingNumbers {
    codes: Vec<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltinProbes {
    per_category: usize,
    wrap: bool,
    of: ProbesOf,
}

/// How a release is told whose scales run the other way.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScaleDirection {
    /// The question whose commonest answer is known.
    pub(super) question: String,
    /// The code of that answer.
    pub(super) commonest: i16,
    /// What its columns have behind the names of questions.
    pub(super) inverted_suffix: String,
}

/// The dimension that holds incomes, by grouping.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IncomeColumns {
    pub(super) halves: String,
    pub(super) thirds: String,
}

/// A column that a file may lack, and how its codes follow from another one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DerivedColumn {
    /// The column.
    pub(super) id: String,
    /// The one it follows from.
    pub(super) column: String,
    /// Lowest and highest number of each band.
    bands: Vec<[i64; 2]>,
}

/// The paper's sample of respondents.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BalancedSample {
    /// Demonstrations that everybody can show; so many answers they have besides a split's probes.
    pub(crate) demonstrations: usize,
    /// The dimension whose groups are drawn from alike.
    pub(super) strata: String,
    /// The group of it that is taken whole.
    pub(super) whole: String,
    /// Fewest known dimensions of a person, of groups that are not.
    pub(super) least_demographics: usize,
    /// The dimension of which no group may be large.
    pub(super) limited: String,
    /// Most people of one of its groups that a stratum may draw from.
    pub(super) most_of_a_group: usize,
    /// Codes of its groups that may be.
    pub(super) unlimited_codes: Vec<i32>,
    /// Words by which sentences of these are told.
    pub(super) unlimited_words: Vec<String>,
    /// Dimensions by which the balance is shown.
    pub(super) balance: Vec<String>,
}

/// The columns of files of synthetic respondents.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SyntheticColumns {
    pub(super) before: Vec<SyntheticCell>,
    /// First and last number.
    questions: [u16; 2],
    /// Numbers that are no columns.
    without: Vec<u16>,
    pub(super) after: Vec<String>,
}

/// A column before the questions, and what stands in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SyntheticCell {
    pub(super) column: String,
    /// With `{year}`, `{country}`, `{alpha}` or `{number}`.
    pub(super) value: String,
}

static BUILTIN: LazyLock<Result<BuiltinSurvey, BrokenBuiltin>> = LazyLock::new(|| {
    toml::from_str(DEFINITION).map_err(|error| BrokenBuiltin {
        problem: error.to_string(),
    })
});

impl BuiltinSurvey {
    /// The definition, parsed once.
    ///
    /// # Errors
    /// Where this build's data file is broken.
    pub(crate) fn get() -> Result<&'static Self, BrokenBuiltin> {
        BUILTIN.as_ref().map_err(Clone::clone)
    }

    /// Whether a column, its name in capitals, is named as a question is: Q1, Q2, ...
    pub(super) fn is_question(&self, name: &str) -> bool {
        let number = name.strip_prefix(&self.file.question_prefix).unwrap_or_default();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Whether a column, its name in capitals, may be read; the survey's other ones may repeat as they like.
    pub(super) fn reads(&self, name: &str) -> bool {
        self.is_question(name)
            || [&self.person.id, &self.person.group]
                .into_iter()
                .any(|known| known == name)
            || self.derived.iter().any(|derived| derived.id == name)
    }

    /// The codes that stand for no answer.
    pub(super) fn missing_codes(&self) -> &[i64] {
        &self.missing.codes
    }

    /// Which questions are held out: the paper's rule.
    pub(super) fn probe_rule(&self) -> ProbeRule {
        let BuiltinProbes { per_category, wrap, of } = self.probes;
        ProbeRule {
            per_category,
            wrap,
            of,
            sets: Vec::new(),
            apart: Vec::new(),
        }
    }
}

impl DerivedColumn {
    /// The code that the column would have for a number in the other one; absent where no band has it.
    pub(super) fn code(&self, number: i64) -> Option<i64> {
        let holds = |[low, high]: &[i64; 2]| (*low..=*high).contains(&number);
        let band = self.bands.iter().position(holds)?;
        i64::try_from(band + 1).ok()
    }
}

impl SyntheticColumns {
    /// The numbers of the questions that are columns.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u16> {
        let [first, last] = self.questions;
        (first..=last).filter(|number| !self.without.contains(number))
    }
}

#[cfg(test)]
mod tests {
    use super::super::demographics::{Demographics, IncomeGrouping};
    use super::*;

    #[test]
    fn ages_and_steps_fall_into_the_surveys_bands() {
        let survey = BuiltinSurvey::get().unwrap();
        let column = |id: &str| survey.derived.iter().find(|derived| derived.id == id).unwrap();
        let (age, income) = (column("X003R"), column("Q288R"));
        assert_eq!((age.column.as_str(), income.column.as_str()), ("Q262", "Q288"));
        let bands = [15, 16, 24, 25, 44, 45, 64, 65, 103, 120, 121, 999].map(|years| age.code(years).unwrap_or(0));
        assert_eq!(bands, [0, 1, 1, 2, 3, 4, 5, 6, 6, 6, 0, 0]);
        let thirds: Vec<_> = (0..=11).map(|step| income.code(step).unwrap_or(0)).collect();
        assert_eq!(thirds, [0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 0]);
    }

    #[test]
    fn every_column_that_is_named_is_one_of_the_surveys() {
        let survey = BuiltinSurvey::get().unwrap();
        for income in [IncomeGrouping::Halves, IncomeGrouping::Thirds] {
            let demographics = Demographics::builtin(income).unwrap();
            assert!(demographics.index_of(income.column(survey)).is_some());
            let sample = &survey.sample;
            for id in [&sample.strata, &sample.limited, &survey.person.group]
                .into_iter()
                .chain(&sample.balance)
            {
                assert!(demographics.index_of(id).is_some(), "{id}");
            }
        }
        // Derived columns are dimensions, in one grouping of incomes at least, and synthetic people have them.
        let thirds = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
        for derived in &survey.derived {
            assert!(thirds.index_of(&derived.id).is_some(), "{}", derived.id);
            assert!(survey.synthetic.after.contains(&derived.id), "{}", derived.id);
        }
        let value = |column: &str| {
            let cells = survey.synthetic.before.iter();
            cells
                .filter(|cell| cell.column == column)
                .map(|cell| cell.value.as_str())
                .collect::<Vec<_>>()
        };
        assert_eq!(value(&survey.person.id), ["synthetic-{number}"]);
        assert_eq!(value(&survey.person.group), ["{country}"]);
        assert_eq!(value(&survey.person.weight), ["1"]);
    }

    #[test]
    fn what_may_be_read_is_told_by_its_name() {
        let survey = BuiltinSurvey::get().unwrap();
        for (name, read) in [
            ("Q1", true),
            ("Q290", true),
            ("D_INTERVIEW", true),
            ("B_COUNTRY", true),
            ("X003R", true),
            ("Q288R", true),
            ("W_WEIGHT", false),
            ("B_COUNTRY_ALPHA", false),
            ("Q", false),
            ("Q1P", false),
            ("q1", false),
        ] {
            assert_eq!(survey.reads(name), read, "{name}");
        }
    }

    #[test]
    fn the_rule_of_probes_is_what_a_definition_means_that_says_nothing() {
        assert_eq!(BuiltinSurvey::get().unwrap().probe_rule(), ProbeRule::default());
    }
}
