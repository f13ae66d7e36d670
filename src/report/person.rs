//! A page a person: what was shown, every probe with its candidates, what the model chose with which probability, and what
//! the person answered. Pages lie beside a report, which holds none of this.

use std::collections::BTreeMap;

use minijinja::{Environment, Value, context};
use serde::Serialize;

use super::answers::{ModelAnswer, all_answers};
use super::outcome_context::OutcomeContext;
use super::page::{PageError, environment};
use super::person_files::{PEOPLE_LIST, person_file};
use super::section::{safe, words};
use super::style::STYLE;
use super::words::{percent, whole_percent};
use crate::base::text::count;
use crate::metrics::RunData;
use crate::run::ShownList;
use crate::scoring::{Condition, Outcome};

/// Makes the pages of a run's people, one after the other, and the list of them.
pub(crate) struct PersonPages<'a> {
    known: OutcomeContext<'a>,
    environment: Environment<'static>,
    rows: Vec<PersonRow>,
    conditions: Vec<Condition>,
    /// The report's page, by name.
    report: String,
    /// Why nothing is told of what was shown; empty where it is.
    untold: String,
}

/// A page's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonFile {
    /// Its name.
    pub name: String,
    /// The HTML.
    pub html: String,
}

impl<'a> PersonPages<'a> {
    /// Those of a run, of which everything but the outcomes is needed, beside a report's page of this name. `untold` says why what was shown is not known here,
    /// if it is not.
    ///
    /// # Errors
    /// Where a built-in template is wrong, which tests rule out.
    pub fn new(run: &'a RunData, report: &str, untold: &str) -> Result<Self, PageError> {
        let mut environment = environment()?;
        environment.add_template("person", include_str!("templates/person.html"))?;
        environment.add_template("people", include_str!("templates/people.html"))?;
        Ok(Self {
            known: OutcomeContext::new(run),
            environment,
            rows: Vec::new(),
            conditions: Vec::new(),
            report: report.to_owned(),
            untold: untold.to_owned(),
        })
    }

    /// The page of the person whose outcomes these are; `shown` is empty where it is not known.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn page(&mut self, outcomes: &[Outcome], shown: &[ShownList]) -> Result<PersonFile, PageError> {
        let run = self.known.run;
        let answers = all_answers(&self.known, outcomes);
        let mut conditions: Vec<&Condition> = Vec::new();
        for answer in &answers {
            if !conditions.contains(&&answer.condition) {
                conditions.push(&answer.condition);
            }
            if !self.conditions.contains(&answer.condition) {
                self.conditions.push(answer.condition.clone());
            }
        }
        let id = answers.first().map_or("", |answer| answer.respondent.as_str());
        let name = person_file(id, self.rows.len());
        let results: Vec<ConditionResult> = conditions
            .iter()
            .enumerate()
            .map(|(at, condition)| ConditionResult::of((at, condition), self.known.words(condition), &answers))
            .collect();
        self.rows.push(PersonRow {
            id: id.to_owned(),
            file: name.clone(),
            shares: conditions
                .iter()
                .zip(&results)
                .map(|(condition, result)| ((*condition).clone(), result.share))
                .collect(),
        });
        let page = context! {
            style => safe(STYLE.to_owned()),
            synthetic => run.header.synthetic,
            version => crate::base::version::FULL,
            id,
            report => self.report.clone(),
            run => run.name.clone(),
            model => run.header.model.name.clone(),
            groups => answers.first().map(|answer| answer.groups.clone()),
            results => words(&results),
            questions => words(&questions(&answers, &conditions)),
            shown => words(&lists(shown, |condition| self.known.words(condition))),
            untold => self.untold.clone(),
        };
        let html = self.environment.get_template("person")?.render(page)?;
        Ok(PersonFile { name, html })
    }

    /// The list of everybody whose page was made, which leads to each.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn list(&self) -> Result<PersonFile, PageError> {
        let run = self.known.run;
        let rows = self.rows.iter().map(|row| {
            let share = |condition: &Condition| percent(row.shares.get(condition).copied().flatten());
            let shares: Vec<String> = self.conditions.iter().map(share).collect();
            context! { id => row.id.clone(), file => row.file.clone(), shares }
        });
        let page = context! {
            style => safe(STYLE.to_owned()),
            synthetic => run.header.synthetic,
            version => crate::base::version::FULL,
            report => self.report.clone(),
            run => run.name.clone(),
            model => run.header.model.name.clone(),
            conditions => self.conditions.iter().map(|condition| self.known.words(condition)).collect::<Vec<_>>(),
            rows => rows.collect::<Vec<Value>>(),
        };
        let html = self.environment.get_template("people")?.render(page)?;
        let name = PEOPLE_LIST.to_owned();
        Ok(PersonFile { name, html })
    }
}

/// A person's row of the list.
struct PersonRow {
    id: String,
    file: String,
    shares: BTreeMap<Condition, Option<f64>>,
}

/// What one condition got right of a person.
#[derive(Serialize)]
struct ConditionResult {
    number: usize,
    condition: String,
    right: usize,
    probes: usize,
    unread: usize,
    #[serde(skip)]
    share: Option<f64>,
    accuracy: String,
    majority: String,
    resemblance: String,
    naive_bayes: String,
}

impl ConditionResult {
    /// What is in `words` the condition at a position.
    fn of((at, condition): (usize, &Condition), words: String, answers: &[ModelAnswer]) -> Self {
        let own: Vec<&ModelAnswer> = answers.iter().filter(|answer| answer.condition == *condition).collect();
        let share = |right: usize, of: usize| (of > 0).then(|| right as f64 / of as f64);
        let baseline = |choice: fn(&ModelAnswer) -> Option<usize>| {
            let told = own.iter().filter_map(|answer| Some((choice(answer)?, answer)));
            let right = told.filter(|(choice, answer)| answer.candidates.get(*choice).is_some_and(|one| one.own));
            let told = own.iter().filter(|answer| choice(answer).is_some()).count();
            percent(share(right.count(), told))
        };
        let right = own.iter().filter(|answer| answer.is_correct()).count();
        let share = share(right, own.len());
        Self {
            number: at + 1,
            condition: words,
            right,
            probes: own.len(),
            unread: own.iter().filter(|answer| answer.chosen().is_none()).count(),
            share,
            accuracy: percent(share),
            majority: baseline(|answer| answer.majority),
            resemblance: baseline(|answer| answer.resemblance),
            naive_bayes: baseline(|answer| answer.naive_bayes),
        }
    }
}

/// One probe with what every condition said.
#[derive(Serialize)]
struct PersonQuestion<'a> {
    split: u8,
    question: String,
    category: &'a str,
    candidates: Vec<PersonCandidate<'a>>,
    /// "right", "wrong" or why nothing could be read, by condition; empty where it was not asked.
    verdicts: Vec<&'static str>,
    tries: Vec<PersonTry>,
}

/// One of its candidates.
#[derive(Serialize)]
struct PersonCandidate<'a> {
    text: &'a str,
    own: bool,
    notes: String,
    /// By condition: the probability, and whether it was chosen.
    cells: Vec<(String, bool)>,
}

/// What one condition generated.
#[derive(Serialize)]
struct PersonTry {
    number: usize,
    text: String,
}

fn questions<'a>(answers: &'a [ModelAnswer], conditions: &[&Condition]) -> Vec<PersonQuestion<'a>> {
    let mut probes: BTreeMap<(u8, crate::survey::QuestionId), Vec<&ModelAnswer>> = BTreeMap::new();
    for answer in answers {
        probes.entry((answer.split, answer.question)).or_default().push(answer);
    }
    let probes = probes.into_values();
    probes.map(|own| PersonQuestion::of(&own, conditions)).collect()
}

impl<'a> PersonQuestion<'a> {
    fn of(answers: &[&'a ModelAnswer], conditions: &[&Condition]) -> Self {
        let first = answers[0];
        let by: Vec<Option<&ModelAnswer>> = conditions
            .iter()
            .map(|condition| answers.iter().copied().find(|answer| answer.condition == **condition))
            .collect();
        let candidates = first.candidates.iter().enumerate().map(|(at, candidate)| {
            let cell = |answer: &Option<&ModelAnswer>| {
                let own = answer.and_then(|answer| answer.candidates.get(at));
                let share = own.and_then(|own| own.probability);
                (
                    share.map_or(String::new(), whole_percent),
                    own.is_some_and(|own| own.chosen),
                )
            };
            let notes = [
                (first.majority, "majority"),
                (first.resemblance, "resemblance"),
                (first.naive_bayes, "naive Bayes"),
            ];
            let notes = notes
                .into_iter()
                .filter(|(choice, _)| *choice == Some(at))
                .map(|(_, word)| word);
            PersonCandidate {
                text: &candidate.text,
                own: candidate.own,
                notes: notes.collect::<Vec<_>>().join(", "),
                cells: by.iter().map(cell).collect(),
            }
        });
        let verdict = |answer: &Option<&ModelAnswer>| match answer {
            None => "",
            Some(answer) if answer.is_correct() => "right",
            Some(answer) if answer.chosen().is_some() => "wrong",
            Some(answer) => answer.status,
        };
        let tries = by.iter().enumerate().flat_map(|(at, answer)| {
            let tries = answer.map_or(&[][..], |answer| answer.tries.as_slice());
            tries.iter().map(move |text| PersonTry {
                number: at + 1,
                text: text.line(),
            })
        });
        Self {
            split: first.split,
            question: first.question.to_string(),
            category: &first.category,
            candidates: candidates.collect(),
            verdicts: by.iter().map(verdict).collect(),
            tries: tries.collect(),
        }
    }
}

/// Statements that were shown, and by what.
#[derive(Serialize)]
struct SentenceList<'a> {
    heading: String,
    sentences: &'a [String],
}

/// Each list once: one that another begins with is the front of that.
fn lists(shown: &[ShownList], named: impl Fn(&Condition) -> String) -> Vec<SentenceList<'_>> {
    let mut lists: Vec<(&[String], u8, Vec<&ShownList>)> = Vec::new();
    let mut longest: Vec<&ShownList> = shown.iter().filter(|one| !one.sentences.is_empty()).collect();
    longest.sort_by_key(|one| (one.split, std::cmp::Reverse(one.sentences.len())));
    for one in longest {
        match lists
            .iter_mut()
            .find(|(list, split, _)| *split == one.split && list.starts_with(&one.sentences))
        {
            Some((_, _, members)) => members.push(one),
            None => lists.push((&one.sentences, one.split, vec![one])),
        }
    }
    let heading = |sentences: &[String], split: u8, members: &[&ShownList]| {
        let mut said: Vec<String> = Vec::new();
        for one in members {
            let front = match one.sentences.len() < sentences.len() {
                true => format!(" (the first {})", count(one.sentences.len() as u64)),
                false => String::new(),
            };
            said.push(format!("{}{front}", named(&one.condition)));
        }
        format!(
            "Split {split}, {} sentences: {}",
            count(sentences.len() as u64),
            said.join("; ")
        )
    };
    let lists = lists.into_iter();
    lists
        .map(|(sentences, split, members)| SentenceList {
            heading: heading(sentences, split, &members),
            sentences,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::names::condition_words;
    use super::super::naming::Naming;
    use super::*;
    use crate::scoring::{Control, Method};
    use crate::survey::Form;

    #[test]
    fn a_list_that_begins_another_is_shown_as_its_front() {
        let shown = |demonstrations: usize, split: u8| ShownList {
            condition: Condition {
                method: Method::Label,
                demonstrations,
                form: Form::Polar,
                demographics: false,
                category: None,
                control: Control::Own,
            },
            split,
            sentences: (0..demonstrations)
                .map(|n| format!("statement {n} of {split}"))
                .collect(),
        };
        let all = [shown(0, 1), shown(2, 1), shown(4, 1), shown(4, 2)];
        let lists = lists(&all, |condition| condition_words(condition, &Naming::default()));
        let headings: Vec<&str> = lists.iter().map(|list| list.heading.as_str()).collect();
        assert_eq!(
            headings,
            [
                "Split 1, 4 sentences: label · 4 demonstrations · polar · no demographics; label · 2 demonstrations · polar · \
                 no demographics (the first 2)",
                "Split 2, 4 sentences: label · 4 demonstrations · polar · no demographics"
            ]
        );
    }
}
