//! Synthetic people: the same everywhere, shaped like the survey, and consistent with themselves.

use sha2::{Digest, Sha256};

use super::super::file::{RepeatedIds, SurveyFile};
use super::super::question_id::QuestionId;
use super::super::respondents::{MISSING, Respondents};
use super::super::types::Form;
use super::*;
use crate::base::hex::hex;

fn written(options: &SyntheticOptions) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_synthetic(options, &mut bytes).unwrap();
    bytes
}

fn surveyed(respondents: usize, seed: u64) -> SyntheticOptions {
    SyntheticOptions {
        respondents,
        seed,
        profile: SyntheticProfile::Surveyed,
    }
}

fn people(options: &SyntheticOptions) -> Respondents {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("synthetic.csv");
    std::fs::write(&path, written(options)).unwrap();
    let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
    let file = SurveyFile::read(&path, Catalogue::builtin().unwrap(), demographics, RepeatedIds::KeepAll).unwrap();
    assert!(file.report.unknown_codes.is_empty(), "{:?}", file.report.unknown_codes);
    file.respondents
}

/// Polar groups of one question; [`MISSING`] where there is none.
fn column(people: &Respondents, id: u16) -> Vec<u8> {
    answers_to(people, QuestionId::number(id))
}

fn answers_to(people: &Respondents, id: QuestionId) -> Vec<u8> {
    let at = Catalogue::builtin().unwrap().index_of(id).unwrap();
    (0..people.len())
        .map(|person| people.groups(person, Form::Polar)[at])
        .collect()
}

/// Phi coefficient of two questions' polar groups (0 against the rest), over people who answered both.
fn association(people: &Respondents, a: u16, b: u16) -> f64 {
    let mut counts = [[0.0_f64; 2]; 2];
    for (x, y) in column(people, a).into_iter().zip(column(people, b)) {
        if x != MISSING && y != MISSING {
            counts[usize::from(x > 0)][usize::from(y > 0)] += 1.0;
        }
    }
    let [[p, q], [r, s]] = counts;
    (p * s - q * r) / ((p + q) * (r + s) * (p + r) * (q + s)).sqrt()
}

#[test]
fn the_bytes_of_a_seed_are_pinned() {
    // On every machine the same: a change here changes every synthetic file and must be meant.
    let digest = hex(&Sha256::digest(written(&surveyed(50, 1))));
    assert_eq!(
        digest,
        "9ed761376f6049c38de9c8d9ffc3ee436ad30b206ecf7314c73bb4d71f14db6f"
    );
}

#[test]
fn the_first_people_do_not_depend_on_how_many_follow() {
    let (few, many) = (written(&surveyed(5, 9)), written(&surveyed(12, 9)));
    assert!(many.starts_with(&few));
    assert_ne!(few, written(&surveyed(5, 10)));
}

#[test]
fn answers_are_missing_about_as_often_as_in_the_survey() {
    let people = people(&surveyed(1_500, 2));
    let stats = people.stats(Demographics::builtin(IncomeGrouping::Thirds).unwrap());
    // The survey has 242.03 valid questions a person with a standard deviation of 17.31.
    assert!(
        (238.0..248.0).contains(&stats.all.mean_valid_questions),
        "{:?}",
        stats.all
    );
    assert!((8.0..20.0).contains(&stats.all.sd_valid_questions), "{:?}", stats.all);
    assert!(stats.all.complete_respondents > 150 && stats.countries.len() == 66);
}

#[test]
fn every_polar_answer_occurs_and_related_questions_go_together() {
    let people = people(&surveyed(1_500, 3));
    let catalogue = Catalogue::builtin().unwrap();
    for question in &catalogue.questions {
        let found = answers_to(&people, question.id);
        for group in 0..question.polar.len() {
            assert!(
                found.contains(&(group as u8)),
                "{} never has group {group}",
                question.id
            );
        }
    }
    // Signs follow the meaning of questions and the direction of their codes.
    for (a, b, sign, why) in [
        (6, 165, 1.0, "religion matters (low) and belief in God (low)"),
        (6, 164, -1.0, "religion matters (low) and God important (high)"),
        (182, 185, 1.0, "homosexuality and divorce justifiable"),
        (29, 31, 1.0, "men as better politicians and executives"),
        (36, 182, -1.0, "good parents (low) and justifiable (high)"),
        (124, 126, 1.0, "crime and terrorism through immigration"),
        (122, 124, -1.0, "fills jobs against raises crime"),
        (21, 130, -1.0, "immigrants unwanted (low) and let in (low)"),
        (61, 63, 1.0, "trust in strangers and foreigners"),
        (71, 252, -1.0, "confidence (low) and satisfaction (high)"),
        (112, 113, 1.0, "corruption in all and in the state"),
        (131, 132, -1.0, "feeling safe (low) and robberies common (low)"),
        (199, 200, 1.0, "interest in politics and talk about it"),
        (46, 49, -1.0, "happy (low) and satisfied (high)"),
        (158, 163, 1.0, "science good for us and for the world"),
        (235, 238, -1.0, "strong leader against democracy"),
    ] {
        let phi = association(&people, a, b) * sign;
        // Ten times the standard error of no association would be 0.26; half of that is beyond chance.
        assert!(phi > 0.13, "Q{a} and Q{b}, {why}: {phi:.2}");
    }
}

#[test]
fn second_choices_differ_from_first_ones_and_at_most_five_qualities_are_named() {
    let people = people(&surveyed(400, 4));
    for (first, second) in [(152, 153), (154, 155), (156, 157)] {
        for (a, b) in column(&people, first).into_iter().zip(column(&people, second)) {
            assert!(a == MISSING || b == MISSING || a != b);
        }
    }
    for person in 0..people.len() {
        let named = (7..=17).filter(|&id| column(&people, id)[person] == 0).count();
        assert!(named <= 5);
    }
}

#[test]
fn people_are_consistent_with_themselves() {
    let people = people(&surveyed(400, 5));
    let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
    let code =
        |person: usize, id: &str| -> Option<i32> { people.demographic(person, demographics.index_of(id)?)?.code() };
    for person in 0..people.len() {
        assert_eq!(code(person, "B_COUNTRY"), code(person, "B_COUNTRY_to_continent"));
        let partner = matches!(code(person, "Q273"), Some(1 | 2));
        assert_eq!(code(person, "Q280").is_some(), partner);
        assert_eq!(code(person, "Q281") == Some(0), code(person, "Q284").is_none());
        assert!(people.valid_demographics(person) >= 24);
    }
}

#[test]
fn people_who_are_to_be_evaluated_answer_every_probe() {
    let probes: Vec<usize> = (0..253).step_by(3).collect();
    let options = SyntheticOptions {
        respondents: 24,
        seed: 6,
        profile: SyntheticProfile::Answering(probes.clone()),
    };
    let people = people(&options);
    let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
    let continent = demographics.index_of("B_COUNTRY_to_continent").unwrap();
    let mut found = std::collections::BTreeMap::new();
    for person in 0..people.len() {
        let groups = people.groups(person, Form::Polar);
        assert!(probes.iter().all(|&probe| groups[probe] != MISSING));
        assert!(people.valid_answers(person) >= 239);
        let value = people.demographic(person, continent).unwrap();
        *found
            .entry(
                demographics.dimensions[continent]
                    .group_name(&value)
                    .unwrap()
                    .to_owned(),
            )
            .or_insert(0) += 1;
    }
    assert!(found.len() == 6 && found.values().all(|&count| count == 4), "{found:?}");
}

#[test]
fn a_model_that_forgets_a_question_is_refused() {
    let text = include_str!("../../../data/synthetic-model.toml");
    let catalogue = Catalogue::builtin().unwrap();
    for (from, to, expected) in [
        ("Q45 = {", "Q450 = {", "Q450"),
        (
            "science = 0.50, online = 0.15",
            "sience = 0.50",
            "sience: is not a factor",
        ),
        ("zone = \"africa\"", "zone = \"afrika\"", "unknown zone"),
        (
            "  { code = 3, base = 0.1, load = {} },\n",
            "",
            "does not list the answer codes",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let error = model_file::build(&text.replacen(from, to, 1), catalogue)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
}
