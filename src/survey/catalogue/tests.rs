//! The catalogue against the survey's structure and the paper's Tables 1 and 3.

use std::collections::HashMap;
use std::io::Write as _;

use serde::Deserialize;

use super::*;

/// Facts about the survey: which codes each statement stands for.
const STRUCTURE: &str = include_str!("../../../tests/data/catalog_structure.jsonl");

#[derive(Deserialize)]
struct Structure {
    question_id: QuestionId,
    category: String,
    refined: Vec<Vec<i16>>,
    polar: Vec<Vec<usize>>,
    polar_codes: Vec<Vec<i16>>,
}

fn structure() -> Vec<Structure> {
    STRUCTURE
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn codes(statements: &[Statement]) -> Vec<Vec<i16>> {
    statements.iter().map(|statement| statement.codes.clone()).collect()
}

#[test]
fn every_question_has_the_codes_and_groups_of_the_survey() {
    let catalogue = Catalogue::builtin().unwrap();
    let structure = structure();
    assert_eq!(catalogue.questions.len(), structure.len());
    for (question, expected) in catalogue.questions.iter().zip(&structure) {
        let id = question.id;
        assert_eq!(id, expected.question_id);
        assert_eq!(catalogue.categories[question.category], expected.category, "{id}");
        assert_eq!(codes(&question.refined), expected.refined, "{id}");
        assert_eq!(codes(&question.polar), expected.polar_codes, "{id}");
        for (polar, members) in expected.polar.iter().enumerate() {
            for &refined in members {
                assert_eq!(question.polar_of_refined[refined], polar, "{id}");
            }
        }
    }
}

#[test]
fn table_1_questions_statements_and_combinations() {
    let catalogue = Catalogue::builtin().unwrap();
    assert_eq!(catalogue.questions.len(), 253);
    assert_eq!(catalogue.statement_count(Form::Refined), 929);
    assert_eq!(catalogue.statement_count(Form::Polar), 567);
    assert_eq!(format!("{:.2e}", catalogue.combinations(Form::Refined)), "1.65e139");
    assert_eq!(format!("{:.2e}", catalogue.combinations(Form::Polar)), "3.94e86");
}

#[test]
fn table_3_questions_polar_and_refined_statements_by_category() {
    let table = [
        (45, 103, 145),
        (11, 23, 44),
        (44, 88, 163),
        (6, 12, 22),
        (9, 19, 37),
        (10, 29, 33),
        (21, 42, 68),
        (6, 24, 24),
        (6, 12, 24),
        (12, 27, 42),
        (23, 46, 92),
        (35, 92, 135),
        (25, 50, 100),
    ];
    let catalogue = Catalogue::builtin().unwrap();
    assert_eq!(catalogue.categories.len(), table.len());
    for (category, expected) in table.into_iter().enumerate() {
        let questions: Vec<_> = catalogue.questions_of(category).map(|(_, question)| question).collect();
        let count = |form| questions.iter().map(|q| q.statements(form).len()).sum::<usize>();
        assert_eq!((questions.len(), count(Form::Polar), count(Form::Refined)), expected);
    }
}

#[test]
fn questions_left_out_by_the_paper_are_not_there() {
    let catalogue = Catalogue::builtin().unwrap();
    for id in [82, 91, 92, 93, 105, 223, 260] {
        assert_eq!(catalogue.index_of(QuestionId::number(id)), None);
    }
    let found = catalogue.index_of(QuestionId::number(131)).unwrap();
    assert_eq!(catalogue.questions[found].id, QuestionId::number(131));
}

#[test]
fn the_papers_example_statements_are_kept_to_the_letter() {
    let catalogue = Catalogue::builtin().unwrap();
    let texts: Vec<_> = catalogue
        .questions
        .iter()
        .flat_map(|q| q.refined.iter().chain(&q.polar))
        .map(|statement| statement.text.as_str())
        .collect();
    for expected in [
        "I somewhat trust people I meet for the first time",
        "I disagree that work is a duty towards society",
        "I disagree that adult children have the duty to provide long-term care for their parents",
        "it's especially important to encourage children to learn a sense of responsibility at home",
    ] {
        assert!(texts.contains(&expected), "{expected}");
    }
}

#[test]
fn the_hash_depends_on_every_sentence() {
    let catalogue = Catalogue::builtin().unwrap();
    assert_eq!(hash(&catalogue.categories, &catalogue.questions), catalogue.hash);
    assert_eq!(catalogue.hash.len(), 64);
    let mut changed = catalogue.questions.clone();
    changed[200].polar[1].text.push('!');
    assert_ne!(hash(&catalogue.categories, &changed), catalogue.hash);
}

#[test]
fn codes_find_their_statements_and_others_find_none() {
    let catalogue = Catalogue::builtin().unwrap();
    let question = &catalogue.questions[catalogue.index_of(QuestionId::number(164)).unwrap()];
    assert_eq!(question.group_of_code(Form::Refined, 5), Some(1));
    assert_eq!(question.group_of_code(Form::Polar, 5), Some(0));
    assert_eq!(question.group_of_code(Form::Polar, -2), None);
    assert_eq!(question.group_of_code(Form::Polar, 11), None);
}

fn source(question: &str) -> Result<Catalogue, SurveyError> {
    let text = format!(
        "category = 'C'\n[[block]]\nasks = 'a'\ntemplate = '{{phrase}} {{answer}}'\n\
         refined = [{{codes=[1],answer='x'}},{{codes=[2],answer='y'}}]\n{question}"
    );
    source::parse(&[("file.toml", &text)])
}

#[test]
fn broken_catalogues_are_refused_with_their_place() {
    assert!(source("[[block.question]]\nid='Q1'\nphrase='p'").is_ok());
    for (question, expected) in [
        (
            "[[block.question]]\nid='Q1'",
            "file.toml, Q1: `{phrase} {answer}` uses {phrase}",
        ),
        ("[[block.question]]\nid='Q1'\nphrase='caf\u{e9}'", "is not ASCII"),
        ("[[block.question]]\nid='Q1'\nphrase='{p'", "placeholder left over"),
        ("[[block.question]]\nid='Q1'\nphrase=' p'", "stray spaces"),
        (
            "[[block.question]]\nid='Q1'\nphrase='p'\ntemplate='{phrase}'",
            "stands for two answers",
        ),
        (
            "[[block.question]]\nid='Q1'\nphrase='p'\n[[block.question]]\nid='Q2'\nphrase='p'",
            "another question",
        ),
        (
            "[[block.question]]\nid='Q1'\nphrase='p'\n[[block.question]]\nid='Q1'\nphrase='q'",
            "Q1 was given before",
        ),
        ("[[block.question]]\nid='Q1'\nphrase='p'\nextra=1", "unknown field"),
        (
            "[[block.question]]\nid='Q1'\nphrase='p'\nrefined=[{codes=[1],answer='x'},{codes=[1],answer='y'}]",
            "appears twice",
        ),
        (
            "[[block.question]]\nid='Q1'\nphrase='p'\npolar=[{codes=[1],answer='x'},{codes=[3],answer='z'}]",
            "cover",
        ),
    ] {
        let error = source(question).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Metadata in the released files' shape, made from the built-in catalogue.
fn metadata(form: Form, catalogue: &Catalogue) -> String {
    catalogue
        .questions
        .iter()
        .map(|question| {
            let statements = question.statements(form);
            let line = serde_json::json!({
                "question_id": question.id,
                "question_category": catalogue.categories[question.category],
                "answer_ids": codes(statements),
                "answer_ids_to_grouped_answer_ids": HashMap::<String, usize>::new(),
                "converted_statements": statements.iter().map(|s| format!("{} indeed", s.text)).collect::<Vec<_>>(),
                "is_refined": form == Form::Refined,
            });
            format!("{line}\n")
        })
        .collect()
}

fn written(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn the_authors_metadata_is_a_catalogue() {
    let builtin = Catalogue::builtin().unwrap();
    let polar = written(&metadata(Form::Polar, builtin));
    let refined = written(&metadata(Form::Refined, builtin));
    // Either order of the files.
    for paths in [[polar.path(), refined.path()], [refined.path(), polar.path()]] {
        let theirs = Catalogue::from_metadata(&paths).unwrap();
        assert_eq!(theirs.categories, builtin.categories);
        assert_eq!(theirs.statement_count(Form::Refined), 929);
        assert_eq!(
            theirs.questions[3].polar_of_refined,
            builtin.questions[3].polar_of_refined
        );
        assert_eq!(theirs.questions[0].polar[0].text, "family is important to me indeed");
        assert_ne!(theirs.hash, builtin.hash);
    }
}

#[test]
fn a_polar_file_alone_has_no_refined_statements_and_says_so() {
    let builtin = Catalogue::builtin().unwrap();
    let polar = written(&metadata(Form::Polar, builtin));
    let theirs = Catalogue::from_metadata(&[polar.path()]).unwrap();
    assert!(theirs.require(Form::Polar).is_ok());
    let error = theirs.require(Form::Refined).unwrap_err();
    assert!(matches!(error, SurveyError::NoRefinedStatements));
    assert!(error.hint().unwrap().contains("--catalogue"));
}

#[test]
fn broken_metadata_is_refused_with_its_line() {
    let builtin = Catalogue::builtin().unwrap();
    let refined = written(&metadata(Form::Refined, builtin));
    let error = Catalogue::from_metadata(&[refined.path()]).unwrap_err().to_string();
    assert!(error.contains("no polar statements"), "{error}");

    let line = r#"{"question_id":"Q1","question_category":"C","answer_ids":[[1],[2]],"converted_statements":["a","b"],"is_refined":false}"#;
    for (text, expected) in [
        (format!("{line}\n{line}\n"), "line 2: Q1 has polar statements already"),
        (format!("{line}\nnot json\n"), "line 2"),
        (
            line.replace("[[1],[2]]", "[[1]]"),
            "1 groups of answers but 2 statements",
        ),
        (line.replace("\"b\"", "\" \""), "empty statement"),
        (line.replace("[[1],[2]]", "[[1],[1]]"), "appears twice"),
    ] {
        let error = Catalogue::from_metadata(&[written(&text).path()])
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
}
