//! The demographic dimensions: which column each is read from, what its codes mean, and the sentence for each.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::SurveyError;
use super::types::DemographicValue;
use crate::base::hex::hex;

const DIMENSIONS: &str = include_str!("../../data/demographics.toml");
const LABELS: &str = include_str!("../../data/code-labels.toml");

/// How many dimensions describe a person, whatever the grouping of incomes.
pub const DIMENSION_COUNT: usize = 31;

/// How the ten steps of the income scale are grouped; the paper and its released code differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncomeGrouping {
    /// Low and high (column Q288), as the paper's Table 6 words it.
    #[default]
    Halves,
    /// Low, medium and high (column Q288R), as the released code has it.
    Thirds,
}

impl IncomeGrouping {
    /// Id of the income dimension that this grouping leaves out.
    fn other(self) -> &'static str {
        match self {
            Self::Halves => "Q288R",
            Self::Thirds => "Q288",
        }
    }
}

/// One demographic dimension, such as religion.
#[derive(Debug, Clone)]
pub struct Dimension {
    /// Id, unique: the survey file's column name, or `B_COUNTRY_to_continent`.
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
    /// The groups, in the order of the data files; continents and the like once each.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Position of an answer code's group; absent for codes without a meaning, which are missing answers.
    pub fn group_of_code(&self, code: i32) -> Option<usize> {
        self.by_code.get(&code).copied()
    }

    /// Every code that has a meaning, ascending.
    pub fn codes(&self) -> Vec<i32> {
        let mut codes: Vec<_> = self.by_code.keys().copied().collect();
        codes.sort_unstable();
        codes
    }

    /// The sentence for a value; absent for a code without a meaning.
    pub fn sentence<'a>(&'a self, value: &'a DemographicValue) -> Option<&'a str> {
        match value {
            DemographicValue::Code(code) => self.group_of_code(*code).map(|at| self.groups[at].sentence.as_str()),
            DemographicValue::Sentence(sentence) | DemographicValue::Worded(_, sentence) => Some(sentence),
        }
    }

    /// The name of a value's group, for reports. A ready sentence that is not one of ours names its own group.
    pub fn group_name<'a>(&'a self, value: &'a DemographicValue) -> Option<&'a str> {
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
    /// The dimensions, in the paper's order; [`DIMENSION_COUNT`] of them.
    pub dimensions: Vec<Dimension>,
    /// Which grouping of incomes they hold.
    pub income: IncomeGrouping,
    /// SHA-256 (hex) of ids, codes and sentences, which pins a run to its demographics.
    pub hash: String,
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

    /// Where a dimension stands in [`Demographics::dimensions`].
    pub fn index_of(&self, id: &str) -> Option<usize> {
        self.dimensions.iter().position(|dimension| dimension.id == id)
    }

    /// The sentences of one person's values, in the order of dimensions; missing ones are left out.
    ///
    /// `values` is aligned with [`Demographics::dimensions`].
    pub fn sentences<'a>(&'a self, values: &'a [Option<DemographicValue>]) -> Vec<&'a str> {
        self.dimensions
            .iter()
            .zip(values)
            .filter_map(|(dimension, value)| dimension.sentence(value.as_ref()?))
            .collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    dimension: Vec<Source>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    id: String,
    column: String,
    name: String,
    template: String,
    labels: Option<String>,
    answers: Option<Vec<Answer>>,
    #[serde(default)]
    report_group: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    codes: Vec<i32>,
    answer: Option<String>,
    template: Option<String>,
    /// The group's name in tables and pictures, where the answer is too long or no name.
    group: Option<String>,
}

fn fault(place: &str, problem: impl Into<String>) -> SurveyError {
    SurveyError::Demographics {
        place: place.to_owned(),
        problem: problem.into(),
    }
}

fn parse(dimensions: &str, labels: &str, income: IncomeGrouping) -> Result<Demographics, SurveyError> {
    let file: File = toml::from_str(dimensions).map_err(|error| fault("demographics.toml", error.to_string()))?;
    // Keys of a TOML table are text; a map keeps the order of codes, whatever the file's.
    let labels: HashMap<String, BTreeMap<String, String>> =
        toml::from_str(labels).map_err(|error| fault("code-labels.toml", error.to_string()))?;
    // Both income dimensions are reported on: only one of them is ever there.
    let reported = |id: &str| id == "Q288";
    let mut found: Vec<Dimension> = Vec::with_capacity(DIMENSION_COUNT);
    for source in file.dimension {
        if source.id == income.other() {
            continue;
        }
        let (groups, by_code) = match (&source.labels, &source.answers) {
            (Some(table), None) => {
                let table = labels
                    .get(table)
                    .ok_or_else(|| fault(&source.id, format!("code-labels.toml has no table [{table}]")))?;
                labelled(&source, table)?
            }
            (None, Some(answers)) => answered(&source, answers)?,
            _ => return Err(fault(&source.id, "a dimension has either `labels` or `answers`")),
        };
        if found.iter().any(|other| other.id == source.id) {
            return Err(fault(&source.id, "this id is given twice"));
        }
        found.push(Dimension {
            report_group: source.report_group || reported(&source.id),
            id: source.id,
            column: source.column,
            name: source.name,
            groups,
            by_code,
        });
    }
    if found.len() != DIMENSION_COUNT {
        return Err(fault(
            "demographics.toml",
            format!("{} dimensions, not {DIMENSION_COUNT}", found.len()),
        ));
    }
    let hash = hash(&found);
    Ok(Demographics {
        dimensions: found,
        income,
        hash,
    })
}

type Groups = (Vec<Group>, HashMap<i32, usize>);

fn labelled(source: &Source, table: &BTreeMap<String, String>) -> Result<Groups, SurveyError> {
    let mut codes = table
        .iter()
        .map(|(code, name)| {
            let number = code.parse::<i32>();
            number
                .map(|number| (number, name))
                .map_err(|_| fault(&source.id, format!("label code `{code}` is not a number")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    codes.sort_unstable();
    let mut groups: Vec<Group> = Vec::new();
    let mut by_code = HashMap::new();
    for (code, name) in codes {
        let at = groups
            .iter()
            .position(|group| group.name == *name)
            .unwrap_or(groups.len());
        if at == groups.len() {
            let sentence = fill(source, &source.template, Some(name))?;
            groups.push(Group {
                name: name.clone(),
                sentence,
            });
        }
        by_code.insert(code, at);
    }
    Ok((groups, by_code))
}

fn answered(source: &Source, answers: &[Answer]) -> Result<Groups, SurveyError> {
    let mut groups: Vec<Group> = Vec::new();
    let mut by_code = HashMap::new();
    for answer in answers {
        let template = answer.template.as_ref().unwrap_or(&source.template);
        let sentence = fill(source, template, answer.answer.as_deref())?;
        let name = answer
            .group
            .as_ref()
            .or(answer.answer.as_ref())
            .unwrap_or(&sentence)
            .clone();
        if groups.iter().any(|group| group.sentence == sentence) {
            return Err(fault(&source.id, format!("`{sentence}` stands for two answers")));
        }
        for &code in &answer.codes {
            if by_code.insert(code, groups.len()).is_some() {
                return Err(fault(&source.id, format!("code {code} is in two answers")));
            }
        }
        groups.push(Group { name, sentence });
    }
    Ok((groups, by_code))
}

fn fill(source: &Source, template: &str, answer: Option<&str>) -> Result<String, SurveyError> {
    let text = match answer {
        Some(answer) => template.replace("{answer}", answer),
        None => template.to_owned(),
    };
    if text.contains(['{', '}']) || text.trim() != text || text.is_empty() {
        return Err(fault(&source.id, format!("`{text}` is not a finished sentence")));
    }
    Ok(text)
}

fn hash(dimensions: &[Dimension]) -> String {
    let mut hasher = Sha256::new();
    for dimension in dimensions {
        hasher.update(format!("{}\t{}\n", dimension.id, dimension.column).as_bytes());
        for code in dimension.codes() {
            let sentence = dimension
                .group_of_code(code)
                .map_or("", |at| dimension.groups[at].sentence.as_str());
            hasher.update(format!("{code}\t{sentence}\n").as_bytes());
        }
    }
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `demographics_structure.jsonl` in short: id, number of codes, number of groups.
    const STRUCTURE: [(&str, usize, usize); 31] = [
        ("B_COUNTRY", 92, 92),
        ("B_COUNTRY_to_continent", 92, 6),
        ("Q260", 2, 2),
        ("X003R", 6, 6),
        ("Q263", 2, 2),
        ("Q264", 2, 2),
        ("Q265", 2, 2),
        ("Q266", 160, 160),
        ("Q267", 160, 160),
        ("Q268", 160, 160),
        ("Q269", 2, 2),
        ("Q270", 7, 7),
        ("Q271", 4, 2),
        ("Q272", 162, 162),
        ("Q273", 6, 6),
        ("Q274", 8, 8),
        ("Q275", 9, 9),
        ("Q276", 9, 9),
        ("Q277", 9, 9),
        ("Q278", 9, 9),
        ("Q279", 7, 7),
        ("Q280", 7, 7),
        ("Q281", 11, 11),
        ("Q282", 11, 11),
        ("Q284", 3, 3),
        ("Q285", 2, 2),
        ("Q286", 4, 2),
        ("Q287", 5, 5),
        ("Q288R", 3, 3),
        ("Q289", 10, 10),
        ("Q290", 418, 0),
    ];

    #[test]
    fn the_built_in_dimensions_are_those_of_the_paper() {
        let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
        for (dimension, (id, codes, groups)) in demographics.dimensions.iter().zip(STRUCTURE) {
            assert_eq!(dimension.id, id);
            assert_eq!(dimension.codes().len(), codes, "{id}");
            if groups > 0 {
                assert_eq!(dimension.groups().len(), groups, "{id}");
            }
        }
        assert_eq!(demographics.dimensions.iter().filter(|d| d.report_group).count(), 16);
    }

    #[test]
    fn halves_replace_thirds_and_are_still_31() {
        let halves = Demographics::builtin(IncomeGrouping::Halves).unwrap();
        let thirds = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
        assert_eq!(halves.dimensions.len(), DIMENSION_COUNT);
        assert_eq!(halves.index_of("Q288"), thirds.index_of("Q288R"));
        assert_eq!(halves.index_of("Q288R"), None);
        assert_eq!(halves.dimensions.iter().filter(|d| d.report_group).count(), 16);
        assert_ne!(halves.hash, thirds.hash);
    }

    #[test]
    fn sentences_read_as_a_person_speaking() {
        let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
        let mut values = vec![None; DIMENSION_COUNT];
        for (id, code) in [
            ("B_COUNTRY", 36),
            ("B_COUNTRY_to_continent", 36),
            ("Q289", 0),
            ("Q274", 1),
            ("Q260", -2),
        ] {
            values[demographics.index_of(id).unwrap()] = Some(DemographicValue::Code(code));
        }
        assert_eq!(
            demographics.sentences(&values),
            [
                "I am currently in Australia",
                "I am currently in Oceania",
                "I have 1 child",
                "I belong to no religion or religious denomination"
            ]
        );
    }

    #[test]
    fn a_ready_sentence_is_kept_and_finds_its_group() {
        let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
        let continent = &demographics.dimensions[1];
        let ours = DemographicValue::Sentence("I am currently in Asia".into());
        assert_eq!(continent.group_name(&ours), Some("Asia"));
        let theirs = DemographicValue::Sentence("I live on the Moon".into());
        assert_eq!(continent.sentence(&theirs), Some("I live on the Moon"));
        assert_eq!(continent.group_name(&theirs), Some("I live on the Moon"));
        let worded = DemographicValue::Worded(392, "I live in the Far East".into());
        assert_eq!(continent.sentence(&worded), Some("I live in the Far East"));
        assert_eq!(continent.group_name(&worded), Some("Asia"));
    }

    #[test]
    fn broken_data_is_refused_with_its_place() {
        let one = "[[dimension]]\nid='Q260'\ncolumn='Q260'\nname='Sex'\ntemplate='I am {answer}'\n";
        for (text, expected) in [
            (one.to_owned(), "either `labels` or `answers`"),
            (format!("{one}labels='NONE'\n"), "no table [NONE]"),
            (
                format!("{one}answers=[{{codes=[1],answer='a'}},{{codes=[1],answer='b'}}]\n"),
                "code 1 is in two answers",
            ),
            (format!("{one}answers=[{{codes=[1]}}]\n"), "not a finished sentence"),
            (
                format!("{one}answers=[{{codes=[1],answer='a'}}]\n"),
                "1 dimensions, not 31",
            ),
        ] {
            let error = parse(&text, LABELS, IncomeGrouping::Thirds).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
