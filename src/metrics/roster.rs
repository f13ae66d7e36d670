//! People and questions of one or several runs, numbered once so that every panel counts alike.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::input::{DimensionOrder, Person, RunTable};
use crate::survey::QuestionId;

/// People, questions and categories of all runs that are looked at together.
///
/// People are told apart by survey and id: the same id in two survey files is two people, in two runs on one file it is
/// one person, in whatever words they were asked about. That makes runs comparable probe by probe.
#[derive(Debug, Clone)]
pub struct Roster {
    /// All people, by survey and id: the order that a run's people have among themselves, and with it every random draw,
    /// is the same whichever other runs are looked at.
    pub people: Vec<Person>,
    /// All probed questions with their categories, by number.
    pub questions: Vec<(QuestionId, usize)>,
    /// Category names in the catalogue's order.
    pub categories: Vec<String>,
    /// Dimensions and their groups, each in the order to be shown in.
    pub dimensions: Vec<DimensionOrder>,
    /// By survey, then by id.
    person_index: HashMap<String, HashMap<String, usize>>,
    question_index: HashMap<QuestionId, usize>,
    /// The survey whose people a run's people are, by the run's own survey.
    same_people: HashMap<String, String>,
}

/// Why runs cannot be read together.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// An outcome of a person the run does not list.
    #[error("run `{run}`: an outcome names respondent `{person}`, who is not among the run's people")]
    UnknownPerson {
        /// The run.
        run: String,
        /// The respondent's id.
        person: String,
    },
    /// An outcome on a question the run does not list.
    #[error("run `{run}`: an outcome names question {question}, which is not among the run's questions")]
    UnknownQuestion {
        /// The run.
        run: String,
        /// The question.
        question: QuestionId,
    },
    /// Two runs sort the categories differently.
    #[error("runs `{first}` and `{second}` have different categories: they were made with different catalogues")]
    Categories {
        /// The first run.
        first: String,
        /// The run that differs from it.
        second: String,
    },
    /// A question's category is not in the list, or differs between runs.
    #[error("run `{run}`: question {question} has category {category}, which the runs do not have")]
    Category {
        /// The run.
        run: String,
        /// The question.
        question: QuestionId,
        /// Position of its category.
        category: usize,
    },
    /// A split other than 1, 2 or 3.
    #[error("run `{run}`: split {split} of respondent `{person}`; there are splits 1, 2 and 3")]
    Split {
        /// The run.
        run: String,
        /// The respondent.
        person: String,
        /// The split.
        split: u8,
    },
    /// A label or prediction beyond the candidates.
    #[error(
        "run `{run}`: respondent `{person}`, split {split}, {question}: candidate {position} of {candidates} does not exist"
    )]
    Candidate {
        /// The run.
        run: String,
        /// The respondent.
        person: String,
        /// The split.
        split: u8,
        /// The question.
        question: QuestionId,
        /// The position that was named.
        position: usize,
        /// Number of candidates.
        candidates: usize,
    },
    /// More candidates than any survey has.
    #[error("run `{run}`: {question} has {candidates} candidates; there are at most {}", u8::MAX)]
    TooManyCandidates {
        /// The run.
        run: String,
        /// The question.
        question: QuestionId,
        /// Number of candidates.
        candidates: usize,
    },
    /// The same probe stands twice in one condition.
    #[error("run `{run}`: respondent `{person}`, split {split}, {question} appears twice in one condition")]
    Twice {
        /// The run.
        run: String,
        /// The respondent.
        person: String,
        /// The split.
        split: u8,
        /// The question.
        question: QuestionId,
    },
    /// Two runs disagree on what a person answered.
    #[error(
        "`{first}` and `{second}` disagree on what respondent `{person}` answered to {question}: not the same candidates"
    )]
    Disagree {
        /// One side of the comparison.
        first: String,
        /// The other side.
        second: String,
        /// The respondent.
        person: String,
        /// The question.
        question: QuestionId,
    },
    /// Two systems have no probe in common.
    #[error("`{first}` and `{second}` have no probe in common")]
    NothingShared {
        /// One side of the comparison.
        first: String,
        /// The other side.
        second: String,
    },
}

impl MetricsError {
    /// What can be done about it, where something can.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::UnknownPerson { .. }
            | Self::UnknownQuestion { .. }
            | Self::Split { .. }
            | Self::Candidate { .. }
            | Self::TooManyCandidates { .. } => {
                "the run folder was edited or mixed with another; `indieval verify RUN` names every line that is wrong"
            }
            Self::Twice { .. } => "two shards were merged twice, or a file was concatenated; merge the shards again",
            Self::Categories { .. } | Self::Category { .. } => {
                "report these runs one by one, or repeat one of them with the other's --catalogue"
            }
            Self::Disagree { .. } => "compare runs made with the same survey file and the same catalogue",
            Self::NothingShared { .. } => {
                "compare runs on the same survey file with some respondents and splits in common, and candidates that merge the same answers"
            }
        };
        Some(text.to_owned())
    }
}

impl Roster {
    /// Numbers the people and questions of `runs`.
    ///
    /// # Errors
    /// Where runs contradict each other on categories.
    pub fn new(runs: &[RunTable]) -> Result<Self, MetricsError> {
        let mut roster = Self {
            people: Vec::new(),
            questions: Vec::new(),
            categories: runs.first().map(|run| run.categories.clone()).unwrap_or_default(),
            dimensions: Vec::new(),
            person_index: HashMap::new(),
            question_index: HashMap::new(),
            same_people: HashMap::new(),
        };
        let same = same_people(runs);
        let mut questions = BTreeMap::new();
        let mut people: BTreeMap<(&str, &str), &Person> = BTreeMap::new();
        for run in runs {
            if run.categories != roster.categories {
                return Err(MetricsError::Categories {
                    first: runs.first().map_or(String::new(), |first| first.name.clone()),
                    second: run.name.clone(),
                });
            }
            add_questions(&mut questions, run)?;
            for person in &run.people {
                people.entry((people_key(&same, run), &person.id)).or_insert(person);
            }
        }
        for (number, (id, category)) in questions.into_iter().enumerate() {
            roster.question_index.insert(id, number);
            roster.questions.push((id, category));
        }
        for (number, ((survey, id), person)) in people.into_iter().enumerate() {
            let of_survey = roster.person_index.entry(survey.to_owned()).or_default();
            of_survey.insert(id.to_owned(), number);
            roster.people.push(person.clone());
        }
        roster.same_people = same;
        roster.dimensions = dimensions(runs, &roster.people);
        Ok(roster)
    }

    /// The number of a person of `run`.
    pub fn person(&self, run: &RunTable, id: &str) -> Option<usize> {
        self.person_index
            .get(people_key(&self.same_people, run))?
            .get(id)
            .copied()
    }

    /// The number of a question.
    pub fn question(&self, id: QuestionId) -> Option<usize> {
        self.question_index.get(&id).copied()
    }

    /// Numbers of the people of one group of a dimension.
    pub fn members(&self, dimension: &str, group: &str) -> Vec<usize> {
        self.people
            .iter()
            .enumerate()
            .filter(|(_, person)| person.groups.get(dimension).is_some_and(|g| g == group))
            .map(|(index, _)| index)
            .collect()
    }
}

/// Adds a run's questions and their categories to those of other runs.
fn add_questions(questions: &mut BTreeMap<QuestionId, usize>, run: &RunTable) -> Result<(), MetricsError> {
    for question in &run.questions {
        let known = *questions.entry(question.id).or_insert(question.category);
        if question.category >= run.categories.len() || known != question.category {
            return Err(MetricsError::Category {
                run: run.name.clone(),
                question: question.id,
                category: question.category,
            });
        }
    }
    Ok(())
}

/// What tells one survey's people from another's: the hash of the file, or its name where no hash is kept.
fn survey_key(run: &RunTable) -> &str {
    run.header
        .hashes
        .get("survey")
        .map_or(run.header.survey.as_str(), String::as_str)
}

/// What tells the people of a run from those of other surveys.
fn people_key<'a>(same: &'a HashMap<String, String>, run: &'a RunTable) -> &'a str {
    let own = survey_key(run);
    same.get(own).map_or(own, String::as_str)
}

/// Answers that two runs have in common before their people are taken for the same.
const LEAST_ALIKE: usize = 20;

/// Surveys that are told apart by their hashes but have the same people: one file read with two catalogues (other words,
/// other refined answers, other income groups), whose people have the same ids and gave the same answers to every
/// probe that both runs ask. By the later survey, the first one of the kind.
fn same_people(runs: &[RunTable]) -> HashMap<String, String> {
    let first = runs.first().map(survey_key);
    if runs.iter().all(|run| Some(survey_key(run)) == first) {
        return HashMap::new();
    }
    type Answers<'a> = HashMap<(&'a str, QuestionId), (usize, usize)>;
    let mut firsts: Vec<(&str, Answers<'_>)> = Vec::new();
    let mut same = HashMap::new();
    for run in runs {
        let key = survey_key(run);
        let known = same.contains_key(key) || firsts.iter().any(|(first, _)| *first == key);
        if known {
            continue;
        }
        let people = run.outcomes.respondents();
        let outcomes = run.outcomes.iter();
        let own: Answers<'_> = outcomes
            .map(|one| ((people[one.person].as_str(), one.question), (one.label, one.candidates)))
            .collect();
        let alike = |other: &Answers<'_>| {
            let mut shared = own
                .iter()
                .filter_map(|(probe, answer)| Some((answer, other.get(probe)?)));
            let (mut equal, mut differ) = (0, false);
            shared.by_ref().for_each(|(one, two)| {
                equal += usize::from(one == two);
                differ |= one != two;
            });
            !differ && equal >= LEAST_ALIKE
        };
        match firsts.iter().find(|(_, other)| alike(other)) {
            Some((first, _)) => {
                same.insert(key.to_owned(), (*first).to_owned());
            }
            None => firsts.push((key, own)),
        }
    }
    same
}

/// Dimensions in the order that runs state, then what people have beside them, in alphabetical order. Groups that
/// nobody belongs to are left out.
fn dimensions(runs: &[RunTable], people: &[Person]) -> Vec<DimensionOrder> {
    let mut present: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for person in people {
        for (dimension, group) in &person.groups {
            present.entry(dimension).or_default().insert(group);
        }
    }
    let mut ordered: Vec<DimensionOrder> = Vec::new();
    for stated in runs.iter().flat_map(|run| &run.dimensions) {
        let Some(groups) = present.get_mut(stated.name.as_str()) else {
            continue;
        };
        let kept: Vec<String> = stated
            .groups
            .iter()
            .filter(|g| groups.remove(g.as_str()))
            .cloned()
            .collect();
        match ordered.iter_mut().find(|d| d.name == stated.name) {
            Some(known) => known.groups.extend(kept),
            None => ordered.push(DimensionOrder {
                name: stated.name.clone(),
                groups: kept,
            }),
        }
    }
    for (name, rest) in present {
        let rest: Vec<String> = rest.into_iter().map(str::to_owned).collect();
        match ordered.iter_mut().find(|d| d.name == name) {
            Some(known) => known.groups.extend(rest),
            None => ordered.push(DimensionOrder {
                name: name.to_owned(),
                groups: rest,
            }),
        }
    }
    ordered
}
