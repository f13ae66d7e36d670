//! Who is in a run: the survey file is read, the people chosen, their groups named, and the baselines' answers to the
//! same probes taken from everyone in the file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{PeopleFile, RespondentSpec, RunError, Spec};
use crate::base::hex::hex;
use crate::metrics::{BaselineTable, DimensionOrder, Person, QuestionInfo, SecondAnswer};
use crate::probe::{Split, Splitting};
use crate::survey::{
    Catalogue, DemographicValue, Demographics, Form, MISSING, QuestionIndex, Questionnaire, QuestionnaireSource,
    ReadReport, RepeatedIds, RespondentList, Respondents, SurveyDefinition,
};

/// Everyone in the survey file and who of them is evaluated.
#[derive(Debug)]
pub struct People {
    /// Questions and statements.
    pub catalogue: Catalogue,
    /// Demographic dimensions.
    pub demographics: Cow<'static, Demographics>,
    /// Everyone in the file: baselines learn from them, donors are drawn from them.
    pub everyone: Respondents,
    /// What reading the file found.
    pub report: ReadReport,
    /// Positions of the evaluated people among everyone, in the order of the run.
    pub chosen: Vec<usize>,
    /// Which catalogue, for people.
    pub catalogue_name: String,
    /// Present where the survey is one's own.
    pub definition: Option<SurveyDefinition>,
}

impl People {
    /// Reads the survey file of a spec and chooses the people.
    pub fn read(spec: &Spec) -> Result<Self, RunError> {
        let wanted = &spec.respondents;
        if wanted.survey.as_os_str().is_empty() {
            return Err(RunError::NotGiven(
                "a survey file",
                "--survey FILE (respondents.survey in a spec)",
            ));
        }
        let questionnaire = Questionnaire::load(&QuestionnaireSource {
            definition: wanted.definition.as_deref(),
            catalogue: &wanted.catalogue,
            income: wanted.income,
        })?;
        for &form in &spec.grid.forms {
            questionnaire.catalogue.require(form)?;
        }
        let repeated = if wanted.paper_ids {
            RepeatedIds::FirstOnly
        } else {
            RepeatedIds::KeepAll
        };
        let file = questionnaire.read(&wanted.survey, repeated)?;
        let Questionnaire {
            catalogue,
            demographics,
            definition,
        } = questionnaire;
        let chosen = choose(wanted, &file.respondents, definition.as_ref())?;
        let catalogue_name = if let Some(definition) = &definition {
            definition.name.clone()
        } else if wanted.catalogue.is_empty() {
            "indieval".to_owned()
        } else {
            wanted
                .catalogue
                .iter()
                .map(|path| file_name(path))
                .collect::<Vec<_>>()
                .join(", ")
        };
        Ok(Self {
            catalogue,
            demographics,
            everyone: file.respondents,
            report: file.report,
            chosen,
            catalogue_name,
            definition,
        })
    }

    /// Whether the people are invented. What is computed from them must say so too.
    pub fn synthetic(&self) -> bool {
        self.everyone.synthetic()
    }

    /// Country code of a person, by position among everyone.
    pub(crate) fn country(&self, respondent: usize) -> Option<i32> {
        let dimension = self.demographics.country?;
        self.everyone.demographic(respondent, dimension)?.code()
    }

    /// SHA-256 by name of everything about people and questions that a run's result rests on: `catalogue`,
    /// `demographics`, `respondents` (ids, answers and demographic values of the evaluated people) and `survey` (those of
    /// everyone in the file, whom baselines and controls draw on).
    pub fn hashes(&self) -> BTreeMap<String, String> {
        let mut hashes = BTreeMap::from([
            ("catalogue".to_owned(), self.catalogue.hash.clone()),
            ("demographics".to_owned(), self.demographics.hash.clone()),
            ("respondents".to_owned(), self.hash(self.chosen.iter().copied())),
            ("survey".to_owned(), self.hash(0..self.everyone.len())),
        ]);
        if let Some(definition) = &self.definition {
            hashes.insert("definition".to_owned(), definition.hash.clone());
        }
        hashes
    }

    fn hash(&self, people: impl Iterator<Item = usize>) -> String {
        let mut digest = Sha256::new();
        for person in people {
            digest.update(self.everyone.id(person).as_bytes());
            digest.update([0]);
            for form in [Form::Refined, Form::Polar] {
                digest.update(self.everyone.groups(person, form));
            }
            for dimension in 0..self.demographics.dimensions.len() {
                match self.everyone.demographic(person, dimension) {
                    None => digest.update([0]),
                    Some(DemographicValue::Code(code)) => digest.update(code.to_le_bytes()),
                    Some(DemographicValue::Sentence(sentence)) => digest.update(sentence.as_bytes()),
                    Some(DemographicValue::Worded(code, sentence)) => {
                        digest.update(code.to_le_bytes());
                        digest.update(sentence.as_bytes());
                    }
                }
            }
        }
        hex(&digest.finalize())
    }

    /// What reports need to know of `people` (positions among everyone), with the baselines' answers to the probes of
    /// `splits`.
    pub fn file(&self, survey: &Path, (splits, people): (&[Split], &[usize]), baselines: BaselineTable) -> PeopleFile {
        let probed = self.probed(splits);
        let second_answers = self.second_answers(&probed, people);
        let reported = || {
            self.demographics
                .dimensions
                .iter()
                .enumerate()
                .filter(|(_, d)| d.report_group)
        };
        PeopleFile {
            synthetic: self.synthetic(),
            survey: file_name(survey),
            catalogue: self.catalogue_name.clone(),
            categories: self.catalogue.categories.clone(),
            questions: probed
                .into_iter()
                .map(|at| &self.catalogue.questions[at])
                .map(|question| QuestionInfo {
                    id: question.id,
                    category: question.category,
                    candidates: question.polar.iter().map(|candidate| candidate.text.clone()).collect(),
                    values: question.values.clone(),
                })
                .collect(),
            dimensions: reported()
                .map(|(_, dimension)| DimensionOrder {
                    name: dimension.name.clone(),
                    groups: dimension.groups().iter().map(|group| group.name.clone()).collect(),
                })
                .collect(),
            people: people
                .iter()
                .map(|&at| Person {
                    id: self.everyone.id(at).to_owned(),
                    groups: reported()
                        .filter_map(|(index, dimension)| {
                            let value = self.everyone.demographic(at, index)?;
                            Some((dimension.name.clone(), dimension.group_name(&value)?.to_owned()))
                        })
                        .collect(),
                    weight: self.everyone.weight(at),
                })
                .collect(),
            baselines,
            second_answers,
            published: self
                .definition
                .as_ref()
                .map(|own| own.published.clone())
                .unwrap_or_default(),
        }
    }
}

impl People {
    /// The questions that these splits hold out for anybody in the run, ascending.
    fn probed(&self, splits: &[Split]) -> Vec<QuestionIndex> {
        let splitting = Splitting::new(&self.catalogue);
        let people: &[usize] = match splitting.is_personal() {
            true => &self.chosen,
            false => &self.chosen[..self.chosen.len().min(1)],
        };
        let of_person = |&person: &usize| {
            let groups = self.everyone.groups(person, Form::Polar);
            let questions = splits
                .iter()
                .map(|&split| splitting.questions(split, |question| groups[question] != MISSING));
            questions.flatten().collect::<Vec<_>>()
        };
        let mut probed: Vec<QuestionIndex> = people.iter().flat_map(of_person).collect();
        probed.sort_unstable();
        probed.dedup();
        probed
    }
}

impl People {
    /// What people (positions among everyone) answered to these questions when asked again.
    fn second_answers(&self, questions: &[QuestionIndex], people: &[usize]) -> Vec<SecondAnswer> {
        let of_person = |&person: &usize| {
            let answers = questions.iter().filter_map(move |&question| {
                Some(SecondAnswer {
                    respondent: self.everyone.id(person).to_owned(),
                    question: self.catalogue.questions[question].id,
                    answer: self.everyone.second_answer(person, question)?,
                })
            });
            answers.collect::<Vec<_>>()
        };
        people.iter().flat_map(of_person).collect()
    }
}

/// The last component of a path, for people to read.
pub fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

fn choose(
    wanted: &RespondentSpec,
    everyone: &Respondents,
    definition: Option<&SurveyDefinition>,
) -> Result<Vec<usize>, RunError> {
    let mut chosen: Vec<usize> = match &wanted.sample {
        None => (0..everyone.len()).collect(),
        Some(path) => RespondentList::read(path, definition)?.positions(everyone)?,
    };
    if let Some(draw) = wanted.draw {
        let key = |&at: &usize| {
            let mut digest = Sha256::new();
            digest.update(wanted.seed.to_le_bytes());
            digest.update(everyone.id(at).as_bytes());
            <[u8; 32]>::from(digest.finalize())
        };
        // Who is drawn depends on seed and ids alone, and the fifty are among the hundred; they stay in their order.
        let mut drawn: Vec<usize> = chosen.clone();
        drawn.sort_by_cached_key(key);
        drawn.truncate(draw);
        let drawn: std::collections::HashSet<usize> = drawn.into_iter().collect();
        chosen.retain(|at| drawn.contains(at));
    }
    chosen.truncate(wanted.limit.unwrap_or(usize::MAX));
    if chosen.is_empty() {
        return Err(RunError::Nobody {
            survey: wanted.survey.clone(),
        });
    }
    Ok(chosen)
}
