use super::*;
use crate::metrics::estimate::Verdict;
use crate::metrics::panel::Chooser;

/// One category, one split; `correct[person]` of six questions are right.
fn rows(correct: &[usize]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (person, right) in correct.iter().enumerate() {
        for question in 0..6 {
            let choice = Some(u8::from(question >= *right));
            rows.push(Row {
                person: person as u32,
                split: 0,
                question: question as u32,
                category: 0,
                candidates: 2,
                label: 0,
                choice,
            });
        }
    }
    rows
}

fn panel(rows: Vec<Row>) -> Panel {
    Panel::of(rows, Chooser::Baseline)
}

fn roster() -> Roster {
    Roster::new(&[]).expect("no runs contradict nothing")
}

fn paired(a: Vec<Row>, b: Vec<Row>) -> Paired {
    let (a, b) = (panel(a), panel(b));
    Paired::new(&a, &b, &roster(), ("a", "b")).expect("they share probes")
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
    let exact = Resampling {
        resamples: 1024,
        seed: 5,
    };
    let overall = |how: &Resampling| paired.compare(1, how).difference.overall.expect("data").wrong;
    close(overall(&exact).estimate.value, 1.0 / 6.0, 1e-12);
    close(overall(&exact).p.expect("ten people"), 0.046_875, 1e-12);
    // One resample fewer than there are flips, and they are drawn: the standard error of a share near 0.05 over 1023 flips
    // is 0.007; this is four of them.
    let drawn = Resampling {
        resamples: 1023,
        seed: 5,
    };
    close(overall(&drawn).p.expect("ten people"), 0.046_875, 0.028);
    assert_eq!(overall(&exact).estimate.people, 10);
    // Everybody, as a group, is everybody: the shortcut of groups gives the same flips.
    let all: Vec<usize> = (0..10).collect();
    for how in [exact, drawn] {
        assert_eq!(paired.among(&all, 1, &how).expect("data").wrong.p, overall(&how).p);
    }
}

#[test]
fn the_smallest_p_is_what_identical_people_reach() {
    let how = Resampling {
        resamples: 4000,
        seed: 5,
    };
    for people in [5, 6, 8] {
        let paired = paired(rows(&vec![6; people]), rows(&vec![3; people]));
        let overall = paired.compare(1, &how).difference.overall.expect("data");
        assert_eq!(overall.wrong.p, Some(super::super::smallest_p(people, &how)));
        let verdict = if people < 6 { Verdict::TooFew } else { Verdict::Ahead };
        assert_eq!(overall.verdict(), verdict, "{people}");
    }
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
        person: person as u32,
        split: 0,
        question: question as u32,
        category: 0,
        candidates: 3,
        label: 0,
        choice: Some(*choice as u8),
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
                weight: None,
            }],
            questions: vec![crate::metrics::QuestionInfo {
                id: crate::survey::QuestionId::number(1),
                category: 0,
                candidates: Vec::new(),
                values: Vec::new(),
            }],
            categories: vec!["C".into()],
            ..empty()
        }
        .table()];
        let roster = Roster::new(&runs).expect("one run");
        let (a, b) = (panel(a), panel(b));
        Paired::new(&a, &b, &roster, ("a", "b"))
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
    let (a, b) = (panel(a), panel(b));
    let paired = Paired::new(&a, &b, &roster(), ("a", "b")).expect("they share probes");
    let how = Resampling { resamples: 10, seed: 1 };
    let contrast = paired.contrasts(1, &how).overall.expect("data");
    close(contrast.wrong.estimate.value, 1.0 / 12.0, 1e-12);
    assert_eq!(contrast.unread, 1);
    let rules = contrast.otherwise.expect("one answer was not read");
    close(rules.chance.estimate.value, 0.5 / 12.0, 1e-12);
    close(rules.shared.expect("eleven probes").estimate.value, 0.0, 0.0);
    let overall = paired.overall(1, &how).expect("data");
    close(overall.wrong.estimate.value, contrast.wrong.estimate.value, 1e-12);
    assert_eq!((overall.unread, overall.otherwise.is_some()), (1, true));
}
