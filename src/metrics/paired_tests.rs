use super::*;

/// One category, one split; `correct[person]` of six questions are right.
fn rows(correct: &[usize]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (person, right) in correct.iter().enumerate() {
        for question in 0..6 {
            let choice = Some(usize::from(question >= *right));
            rows.push(Row {
                person,
                split: 0,
                question,
                category: 0,
                candidates: 2,
                label: 0,
                choice,
            });
        }
    }
    rows
}

fn roster() -> Roster {
    Roster::new(&[]).expect("no runs contradict nothing")
}

fn paired(a: Vec<Row>, b: Vec<Row>) -> Paired {
    let (a, b) = (Panel { rows: a, chance: false }, Panel { rows: b, chance: false });
    Paired::new(&a, &b, Unread::Wrong, &roster(), ("a", "b")).expect("they share probes")
}

fn close(a: f64, b: f64, within: f64) {
    assert!((a - b).abs() <= within, "{a} against {b}");
}

#[test]
fn sign_flip_agrees_with_all_flips() {
    // scipy 1.17.1: permutation_test((a, b), mean of x - y, permutation_type="samples", n_resamples=inf) of the ten
    // shares: statistic 0.166667, p-value over all 1024 flips 0.046875.
    let paired = paired(
        rows(&[5, 6, 4, 6, 5, 3, 6, 5, 4, 6]),
        rows(&[4, 4, 5, 3, 5, 2, 4, 5, 3, 5]),
    );
    let comparison = paired.compare(
        1,
        &Resampling {
            resamples: 20_000,
            seed: 5,
        },
    );
    close(comparison.difference.overall.expect("data").value, 1.0 / 6.0, 1e-12);
    // Standard error of a share near 0.05 over 20,000 flips is 0.0015; this is four of them.
    close(comparison.p.overall.expect("data"), 0.046_875, 0.006);
    assert_eq!(comparison.people, 10);
    // Everybody, as a group, is everybody: the shortcut of groups gives the same flips.
    let how = Resampling {
        resamples: 500,
        seed: 5,
    };
    let all: Vec<usize> = (0..10).collect();
    let (_, p, people) = paired.among(&all, 1, &how).expect("data");
    assert_eq!((Some(p), people), (paired.compare(1, &how).p.overall, 10));
}

#[test]
fn table_and_mcnemar_by_hand() {
    let paired = paired(rows(&[6, 2]), rows(&[3, 3]));
    let comparison = paired.compare(
        1,
        &Resampling {
            resamples: 100,
            seed: 5,
        },
    );
    let expected = Outcomes2x2 {
        both_right: 5,
        only_first: 3,
        only_second: 1,
        both_wrong_alike: 3,
        both_wrong_apart: 0,
    };
    assert_eq!(comparison.table, expected);
    assert_eq!(comparison.table.probes(), 12);
    // Binomial by hand: 2 (1 + 4) / 2^4 = 0.625.
    close(comparison.mcnemar, 0.625, 1e-12);
    assert_eq!(comparison.accuracy.0.overall, Some(8.0 / 12.0));
    assert_eq!(comparison.accuracy.1.overall, Some(0.5));
}

/// One person a choice, on one question.
fn choices(question: usize, list: &[usize]) -> Vec<Row> {
    let one = |(person, choice): (usize, &usize)| Row {
        person,
        split: 0,
        question,
        category: 0,
        candidates: 3,
        label: 0,
        choice: Some(*choice),
    };
    list.iter().enumerate().map(one).collect()
}

#[test]
fn kappa_is_scikit_learns_within_a_question_and_pooled_over_two() {
    let a = choices(0, &[0, 1, 1, 0, 2, 2, 1, 0, 0, 1, 2, 1]);
    let b = choices(0, &[0, 1, 0, 0, 2, 1, 1, 0, 1, 1, 2, 2]);
    let mut pairs: Vec<(Row, Row)> = a.into_iter().zip(b).collect();
    let one = agreement(&pairs, |_| true).expect("twelve probes");
    // sklearn.metrics.cohen_kappa_score 1.9.1
    close(
        one.kappa.expect("chance is not complete"),
        0.489_361_702_127_659_6,
        1e-12,
    );
    close(one.agreement, 8.0 / 12.0, 1e-12);
    let a = choices(1, &[0, 0, 1, 1, 0, 1, 1, 0]);
    let b = choices(1, &[0, 1, 1, 1, 0, 0, 1, 1]);
    pairs.extend(a.into_iter().zip(b));
    // numpy 2.4.6 from the formula.
    let pooled = agreement(&pairs, |_| true).and_then(|a| a.kappa);
    close(pooled.expect("chance is not complete"), 0.408_450_704_225_352_2, 1e-12);
    assert_eq!(agreement(&pairs, |row| row.category == 1), None);
}

#[test]
fn kappa_is_absent_where_both_always_choose_the_same() {
    let rows = choices(0, &[1, 1, 1]);
    let pairs: Vec<(Row, Row)> = rows.iter().copied().zip(rows.iter().copied()).collect();
    let agreement = agreement(&pairs, |_| true).expect("three probes");
    assert_eq!((agreement.agreement, agreement.kappa), (1.0, None));
}

#[test]
fn different_labels_are_refused_and_nothing_shared_is_said() {
    let error = |a: Vec<Row>, b: Vec<Row>| {
        let runs = [crate::metrics::RunData {
            people: vec![crate::metrics::Person {
                id: "P".into(),
                groups: Default::default(),
            }],
            questions: vec![crate::metrics::QuestionInfo {
                id: crate::survey::QuestionId(1),
                category: 0,
            }],
            categories: vec!["C".into()],
            ..empty()
        }];
        let roster = Roster::new(&runs).expect("one run");
        let (a, b) = (Panel { rows: a, chance: false }, Panel { rows: b, chance: false });
        Paired::new(&a, &b, Unread::Wrong, &roster, ("a", "b"))
            .expect_err("refused")
            .to_string()
    };
    let (a, mut b) = (choices(0, &[1]), choices(0, &[1]));
    b[0].label = 2;
    assert_eq!(
        error(a.clone(), b.clone()),
        "`a` and `b` disagree on what respondent `P` answered to Q1: not the same candidates"
    );
    b[0].split = 1;
    assert_eq!(error(a, b), "`a` and `b` have no probe in common");
}

fn empty() -> crate::metrics::RunData {
    serde_json::from_value(serde_json::json!({
        "name": "", "outcomes": [], "people": [], "questions": [], "categories": [],
        "header": { "run_id": "", "model": { "name": "" }, "spec": "", "hashes": {}, "version": "", "machine": "",
            "started": "", "synthetic": true },
    }))
    .expect("a run without outcomes")
}

#[test]
fn a_dropped_choice_counts_on_neither_side() {
    let (a, mut b) = (rows(&[6, 6]), rows(&[6, 6]));
    b[0].choice = None;
    let (a, b) = (Panel { rows: a, chance: false }, Panel { rows: b, chance: false });
    let difference = |unread| {
        let paired = Paired::new(&a, &b, unread, &roster(), ("a", "b")).expect("they share probes");
        paired
            .difference(1, &Resampling { resamples: 10, seed: 1 })
            .overall
            .expect("data")
            .value
    };
    close(difference(Unread::Wrong), 1.0 / 12.0, 1e-12);
    close(difference(Unread::Chance), 0.5 / 12.0, 1e-12);
    close(difference(Unread::Dropped), 0.0, 0.0);
}
