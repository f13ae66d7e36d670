//! Splits and demonstrations on the built-in catalogue.

use std::collections::BTreeSet;

use indieval::probe::{Case, Count, DemonstrationRule, Draw, Split, demonstrations, is_probe, split_questions};
use indieval::survey::{Answer, Catalogue, Form, Respondent};
use proptest::prelude::*;

fn catalogue() -> &'static Catalogue {
    Catalogue::builtin().unwrap()
}

/// Somebody who answered the questions that `answered` admits, always with the first statement.
fn person(id: &str, answered: impl Fn(usize) -> bool) -> Respondent {
    let answer = |question| match answered(question) {
        true => Answer {
            refined: Some(0),
            polar: Some(0),
        },
        false => Answer::default(),
    };
    Respondent {
        id: id.to_owned(),
        answers: (0..catalogue().questions.len()).map(answer).collect(),
        demographics: Vec::new(),
    }
}

const RULE: DemonstrationRule = DemonstrationRule {
    seed: 1,
    form: Form::Polar,
    draw: Draw::Nested,
    category: None,
};

/// Number of a question of the World Values Survey.
fn number(question: usize) -> u16 {
    catalogue().questions[question].id.as_str()[1..].parse().unwrap()
}

#[test]
fn splits_are_those_of_the_papers_table_7() {
    // The first of three consecutive question numbers, for each split and, in it, each category.
    const FIRST: [[u16; 13]; 3] = [
        [1, 46, 57, 106, 112, 121, 131, 152, 158, 164, 176, 199, 235],
        [4, 49, 60, 109, 115, 124, 134, 155, 161, 167, 179, 202, 238],
        [7, 52, 63, 106, 118, 127, 137, 152, 158, 170, 182, 205, 241],
    ];
    let mut distinct = BTreeSet::new();
    for (split, first) in Split::ALL.into_iter().zip(FIRST) {
        let numbers: Vec<u16> = split_questions(catalogue(), split).into_iter().map(number).collect();
        let expected: Vec<u16> = first.into_iter().flat_map(|n| n..n + 3).collect();
        assert_eq!(numbers, expected);
        assert_eq!(is_probe(catalogue(), split).iter().filter(|&&p| p).count(), 39);
        distinct.extend(numbers);
    }
    assert_eq!(distinct.len(), 108);
}

#[test]
fn one_category_has_as_many_demonstrations_as_in_the_papers_figure_6() {
    let all = person("p", |_| true);
    let counts: Vec<usize> = (0..13)
        .map(|category| {
            let rule = DemonstrationRule {
                category: Some(category),
                ..RULE
            };
            let shown = demonstrations(catalogue(), &all, Split::One, &rule, Count::All);
            assert!(
                shown
                    .iter()
                    .all(|d| catalogue().questions[d.question].category == category)
            );
            shown.len()
        })
        .collect();
    assert_eq!(counts, [42, 8, 41, 3, 6, 7, 18, 3, 3, 9, 20, 32, 22]);
}

#[test]
fn a_draw_is_the_same_in_every_version_and_on_every_machine() {
    let shown = |draw, split, count| -> Vec<u16> {
        let rule = DemonstrationRule { draw, ..RULE };
        demonstrations(catalogue(), &person("p1", |_| true), split, &rule, count)
            .iter()
            .map(|d| number(d.question))
            .collect()
    };
    assert_eq!(shown(Draw::Nested, Split::One, 6), [118, 224, 246, 146, 150, 149]);
    assert_eq!(shown(Draw::Nested, Split::Two, 6), [103, 139, 185, 153, 83, 3]);
    assert_eq!(shown(Draw::Independent, Split::One, 6), [5, 175, 103, 35, 124, 168]);
}

#[test]
fn a_case_asks_only_what_was_answered_and_says_what_is_missing() {
    let first = split_questions(catalogue(), Split::One)[0];
    let some = person("p", |q| q % 2 == 1 || q == first);
    let case = Case::new(catalogue(), &some, Split::One, vec!["I am old".into()], &RULE, 200);
    assert!(case.probes.len() < 39);
    assert!(
        case.probes
            .iter()
            .all(|p| some.answers[p.question].polar == Some(p.label as u8))
    );
    assert_eq!(case.probes[0].question, first);
    let available = (0..253).filter(|&q| some.answers[q].polar.is_some()).count() - case.probes.len();
    assert_eq!(case.demonstrations.len(), available);
    assert_eq!(case.missing(), 200 - available);
    assert_eq!(case.asked, Count::Of(200));

    let donor = person("d", |_| true);
    let swapped = case.clone().shown_by(catalogue(), &donor, &RULE);
    assert_eq!(swapped.probes, case.probes);
    let questions = |case: &Case| {
        case.demonstrations
            .iter()
            .map(|shown| shown.question)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        questions(&swapped),
        questions(&case),
        "somebody else on the same questions"
    );
    for (theirs, own) in swapped.demonstrations.iter().zip(&case.demonstrations) {
        assert_eq!(
            Some(theirs.statement),
            donor.answers[theirs.question].group(theirs.form)
        );
        assert_eq!(theirs.form, own.form);
    }
}

#[test]
fn where_a_donor_did_not_answer_the_next_question_of_the_person_stands_in() {
    let person = person("p", |_| true);
    let case = Case::new(catalogue(), &person, Split::One, Vec::new(), &RULE, 50);
    let more = Case::new(catalogue(), &person, Split::One, Vec::new(), &RULE, 53);
    let left_out: Vec<usize> = [3, 17, 40].map(|at| case.demonstrations[at].question).to_vec();
    let donor = self::person("d", |q| !left_out.contains(&q));
    let swapped = case.clone().shown_by(catalogue(), &donor, &RULE);
    let mut expected: Vec<usize> = more.demonstrations.iter().map(|shown| shown.question).collect();
    expected.retain(|question| !left_out.contains(question));
    let found: Vec<usize> = swapped.demonstrations.iter().map(|shown| shown.question).collect();
    assert_eq!(found, expected);

    // A donor who answered little shows what there is.
    let silent = self::person("s", |q| q % 10 == 0);
    let answered = (0..253)
        .filter(|q| q % 10 == 0 && !is_probe(catalogue(), Split::One)[*q])
        .count();
    assert_eq!(
        case.shown_by(catalogue(), &silent, &RULE).demonstrations.len(),
        answered.min(50)
    );
}

#[test]
fn statements_of_one_category_are_shown_in_the_order_of_the_questionnaire() {
    let rule = DemonstrationRule {
        category: Some(0),
        ..RULE
    };
    let person = person("p", |_| true);
    for count in [10, 200] {
        let case = Case::new(catalogue(), &person, Split::One, Vec::new(), &rule, count);
        let donated = case
            .clone()
            .shown_by(catalogue(), &self::person("d", |q| q != 20), &rule);
        for shown in [&case.demonstrations, &donated.demonstrations] {
            assert!(shown.windows(2).all(|pair| pair[0].question < pair[1].question));
        }
    }
}

#[test]
fn neither_the_order_of_calls_nor_other_people_matter() {
    let ids = ["a", "b", "c", "d"];
    let draw = |id: &&str| demonstrations(catalogue(), &person(id, |_| true), Split::Three, &RULE, 50);
    let forth: Vec<_> = ids.iter().map(draw).collect();
    let back: Vec<_> = ids.iter().rev().map(draw).collect();
    assert!(forth.iter().eq(back.iter().rev()));
    assert!(forth.iter().collect::<std::collections::HashSet<_>>().len() == ids.len());
}

fn rules() -> impl Strategy<Value = DemonstrationRule> {
    let form = prop_oneof![Just(Form::Refined), Just(Form::Polar)];
    let draw = prop_oneof![Just(Draw::Nested), Just(Draw::Independent)];
    (any::<u64>(), form, draw, proptest::option::of(0..13usize)).prop_map(|(seed, form, draw, category)| {
        DemonstrationRule {
            seed,
            form,
            draw,
            category,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn demonstrations_are_distinct_answers_outside_the_split(
        rule in rules(),
        split in proptest::sample::select(Split::ALL.to_vec()),
        id in "[a-z0-9]{1,12}",
        answered in proptest::collection::vec(any::<bool>(), 253),
        count in 0..260usize,
    ) {
        let person = person(&id, |q| answered[q]);
        let shown = demonstrations(catalogue(), &person, split, &rule, count);
        let probes = is_probe(catalogue(), split);
        let distinct: BTreeSet<usize> = shown.iter().map(|d| d.question).collect();
        prop_assert_eq!(distinct.len(), shown.len());
        prop_assert!(shown.iter().all(|d| !probes[d.question] && answered[d.question] && d.form == rule.form));
        let available = (0..253)
            .filter(|&q| answered[q] && !probes[q])
            .filter(|&q| rule.category.is_none_or(|only| catalogue().questions[q].category == only))
            .count();
        prop_assert_eq!(shown.len(), count.min(available));

        let more = demonstrations(catalogue(), &person, split, &rule, count + 50);
        if rule.draw == Draw::Nested {
            match rule.category {
                None => prop_assert!(more.starts_with(&shown)),
                Some(_) => prop_assert!(shown.iter().all(|one| more.contains(one))),
            }
        }
        // A question that is not answered leaves the order of the others alone.
        let all = demonstrations(catalogue(), &self::person(&id, |_| true), split, &rule, Count::All);
        let kept = demonstrations(catalogue(), &person, split, &rule, Count::All);
        let order: Vec<usize> = all.iter().map(|d| d.question).filter(|&q| answered[q]).collect();
        prop_assert_eq!(kept.iter().map(|d| d.question).collect::<Vec<_>>(), order);
    }
}
