//! Survey files, label files, lists of respondents, released metadata.

use indieval::survey::{
    Catalogue, Demographics, Form, IncomeGrouping, ReadOptions, RespondentList, Respondents, SurveyFile,
};

use crate::Run;
use crate::scratch::{Scratch, choose};

/// The survey's own tables, plain, behind gzip or in a ZIP archive.
pub fn survey() -> Run {
    tables("survey")
}

/// Label files, and lists of respondents.
pub fn labels() -> Run {
    tables("labels")
}

fn tables(name: &str) -> Run {
    let scratch = Scratch::empty(name);
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let demographics = Demographics::builtin(IncomeGrouping::default()).expect("the demographics");
    Box::new(move |input| {
        scratch.with("people.csv", input, |folder| {
            let path = folder.join("people.csv");
            match SurveyFile::read(&path, catalogue, demographics, ReadOptions::default()) {
                Ok(file) => assert_whole(&file.respondents, catalogue),
                Err(error) => drop(error.to_string()),
            }
            if let Err(error) = RespondentList::read(&path) {
                drop(error.to_string());
            }
        });
    })
}

/// Answers are positions among the statements of their question.
fn assert_whole(people: &Respondents, catalogue: &Catalogue) {
    for person in 0..people.len() {
        for form in [Form::Refined, Form::Polar] {
            let groups = people.groups(person, form);
            assert_eq!(groups.len(), catalogue.questions.len());
            for (question, &group) in catalogue.questions.iter().zip(groups) {
                let statements = question.statements(form).len();
                assert!(group == indieval::survey::MISSING || usize::from(group) < statements);
            }
        }
    }
}

/// The metadata files released with the paper: the polar one alone, or beside a good refined one.
pub fn metadata() -> Run {
    let scratch = Scratch::of("metadata");
    Box::new(move |input| {
        choose(input, 2, |which, content| {
            let name = ["polar.jsonl", "refined.jsonl"][which];
            scratch.with(name, content, |folder| {
                let (refined, polar) = (folder.join("refined.jsonl"), folder.join("polar.jsonl"));
                let _ = Catalogue::from_metadata(&[&refined, &polar]);
                let _ = Catalogue::from_metadata(&[&polar]);
            });
        });
    })
}
