use proptest::prelude::*;

use super::*;
use crate::probe::split_questions;
use crate::survey::{ProbeRule, Question, QuestionId, Statement};

/// A catalogue of one category with so many candidates for each question.
pub(super) fn catalogue(candidates: &[usize]) -> Catalogue {
    let statements = |n: usize| -> Vec<Statement> {
        (1..=n as i16)
            .map(|code| Statement {
                codes: vec![code],
                text: format!("statement {code}"),
            })
            .collect()
    };
    Catalogue {
        categories: vec!["Only".into()],
        questions: (1..)
            .zip(candidates)
            .map(|(id, &n)| Question {
                id: QuestionId::number(id),
                category: 0,
                refined: statements(n),
                polar: statements(n),
                polar_of_refined: (0..n).collect(),
                values: Vec::new(),
            })
            .collect(),
        hash: String::new(),
        rules: ProbeRule::default(),
        words: None,
    }
}

/// Everything of one person, by share.
pub(super) fn said(
    reference: &ReferencePeople,
    target: Target<'_>,
    splits: &[Split],
    neighbours: usize,
) -> Vec<Prediction> {
    let rule = Rule {
        splits,
        neighbours,
        similarity: Similarity::Share,
        naive_bayes: true,
    };
    reference.predict(&[target], &rule).remove(0)
}

pub(super) fn reference(catalogue: &Catalogue, rows: &[Vec<u8>]) -> ReferencePeople {
    ReferencePeople::new(catalogue, rows.iter().map(Vec::as_slice))
}

const X: u8 = MISSING;

#[test]
fn a_few_people_by_hand() {
    // Split 1 holds out the first three questions; the other three tell who is similar.
    let catalogue = catalogue(&[3, 2, 2, 2, 2, 4]);
    let rows = [
        vec![2, 0, X, 0, 1, 3], // agrees in three of three
        vec![1, 0, X, 0, 1, 0], // two of three
        vec![1, 1, X, 0, X, X], // one of one, fewer than half shared
        vec![0, 1, X, 1, 0, 0], // none
        vec![2, X, 0, 0, 1, 3], // the person
    ];
    let target = Target {
        groups: &rows[4],
        own: Some(4),
    };
    let said = said(&reference(&catalogue, &rows), target, &[Split::One], 5);
    assert_eq!(said.len(), 2);

    let first = &said[0];
    assert_eq!((first.split, first.question, first.label), (Split::One, 0, 2));
    assert_eq!(first.majority, Some(1));
    // Votes come in the order 2, 1, 0 (the one with none of three), 1 (too little shared): at two and three the
    // earliest supporter wins the tie, at four candidate 1 has two votes, and a fifth neighbour does not exist.
    assert_eq!(first.resemblance, [Some(2), Some(2), Some(2), Some(1), Some(1)]);

    // Nobody else answered the third question.
    let third = &said[1];
    assert_eq!((third.question, third.label), (2, 0));
    assert_eq!(third.majority, None);
    assert_eq!(third.resemblance, [None; 5]);
}

#[test]
fn where_no_neighbour_answered_the_majority_decides() {
    let catalogue = catalogue(&[2, 2, 2, 2]);
    let rows = [vec![X, 0, 0, 0], vec![1, 0, 0, 1], vec![1, 0, 0, 1]];
    let target = Target {
        groups: &[0, 0, 0, 0],
        own: None,
    };
    let said = said(&reference(&catalogue, &rows), target, &[Split::One], 2);
    assert_eq!(said[0].resemblance, [Some(1), Some(1)]);
}

#[test]
fn majority_leaves_the_person_out_and_ties_go_to_the_first() {
    let catalogue = catalogue(&[3, 2, 2, 2]);
    let rows = [vec![2, 0, 0, 0], vec![2, 0, 0, 0], vec![1, 0, 0, 0]];
    let reference = reference(&catalogue, &rows);
    assert_eq!(reference.majority(0, None), Some(2));
    assert_eq!(reference.majority(0, Some(0)), Some(1));
    assert_eq!(reference.majority(0, Some(2)), Some(2));
}

#[test]
fn accuracies_are_averaged_as_the_paper_does() {
    // One category, six questions: splits one and two hold out different halves, three starts over.
    let catalogue = catalogue(&[2, 2, 4, 2, 2, 2]);
    let rows = vec![vec![0, 0, 0, 0, 0, 0], vec![0, 0, 1, 0, 0, X], vec![0, 1, 1, 1, 1, X]];
    let reference = reference(&catalogue, &rows);
    let targets: Vec<Target<'_>> = rows
        .iter()
        .enumerate()
        .map(|(i, row)| Target {
            groups: row,
            own: Some(i),
        })
        .collect();
    let rule = Rule {
        splits: &[Split::One, Split::Two],
        neighbours: 1,
        similarity: Similarity::Share,
        naive_bayes: true,
    };
    let told = std::sync::atomic::AtomicUsize::new(0);
    let tally = Tally::of(&catalogue, &reference, &targets, &[], &rule, &|people| {
        told.fetch_add(people, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(told.into_inner(), 3);
    assert_eq!(tally.asked(), 9 + 7);
    let accuracies = tally.accuracies(&catalogue, &[BaselineMethod::Random, BaselineMethod::Majority]);
    let find = |method, split, category| {
        let found = accuracies
            .iter()
            .find(|a| (a.method, a.split, a.category) == (method, split, category));
        found.unwrap().accuracy
    };
    let chance = (1.0 / 2.0 + 1.0 / 2.0 + 1.0 / 4.0) / 3.0;
    assert_eq!(find(BaselineMethod::Random, Some(Split::One), Some(0)), chance);
    assert_eq!(find(BaselineMethod::Random, Some(Split::Two), Some(0)), 0.5);
    assert_eq!(find(BaselineMethod::Random, None, Some(0)), (chance + 0.5) / 2.0);
    assert_eq!(find(BaselineMethod::Random, None, None), (chance + 0.5) / 2.0);
    // Question 1: all three right. Question 2: others of the first are 0 and 1, tie to 0, right; of the second, the
    // same; of the third, 0, wrong. Question 3: 1 for the first, wrong; tie to 0 for the others, wrong.
    assert_eq!(find(BaselineMethod::Majority, Some(Split::One), Some(0)), 5.0 / 9.0);

    // Weights that are all alike change nothing; others count as so many people. Of split one, the first has 2 of 3
    // right, the second 2 of 3, the third 1 of 3.
    let majority = |weights: &[f64]| {
        let tally = Tally::of(&catalogue, &reference, &targets, weights, &rule, &|_| {});
        assert_eq!(tally.asked(), 9 + 7, "people are counted, not their weights");
        let accuracies = tally.accuracies(&catalogue, &[BaselineMethod::Majority]);
        let of_split = accuracies
            .iter()
            .find(|a| a.split == Some(Split::One) && a.category == Some(0));
        of_split.unwrap().accuracy
    };
    assert_eq!(majority(&[3.5, 3.5, 3.5]), 5.0 / 9.0);
    // Weights are counted in billionths.
    assert!((majority(&[1.0, 0.0, 2.0]) - 4.0 / 9.0).abs() < 1e-8);
    assert!((majority(&[1000.0, 0.0, 2000.0]) - 4.0 / 9.0).abs() < 1e-8);
}

#[test]
fn a_majority_of_a_single_answer_is_marked() {
    let catalogue = catalogue(&[2, 2, 3, 2, 2, 2]);
    let rows = [
        vec![0, 0, 0, 0, X, 1],
        vec![0, 0, 1, 1, X, X],
        vec![1, 0, 2, X, X, X],
        vec![1, 1, 2, X, X, X],
    ];
    let reference = reference(&catalogue, &rows);
    let near: Vec<bool> = (0..6).map(|question| reference.near_tie(question)).collect();
    // Two of two; three of four; two, one, one; one of one; nobody; one answer of nobody's else.
    assert_eq!(near, [true, false, true, true, false, true]);
    let target = Target {
        groups: &rows[0],
        own: Some(0),
    };
    let marks: Vec<bool> = said(&reference, target, &[Split::One], 0)
        .iter()
        .map(|said| said.near_tie)
        .collect();
    assert_eq!(marks, [true, false, true]);
}

/// The same rule, written plainly: the first person's answer to a probe of a split as the k most similar others vote.
fn resemblance_slowly(
    rows: &[Vec<u8>],
    similarity: Similarity,
    probes: &[usize],
    probe: usize,
    k: usize,
) -> Option<u8> {
    let own = 0;
    let used = |q: &usize| !probes.contains(q);
    let me = &rows[own];
    let answered = (0..me.len()).filter(used).filter(|&q| me[q] != X).count();
    let mut others: Vec<(usize, usize, usize, usize)> = Vec::new();
    for (row, other) in rows.iter().enumerate().filter(|&(row, _)| row != own) {
        let shared = (0..me.len()).filter(used).filter(|&q| me[q] != X && other[q] != X);
        let agreements = shared.clone().filter(|&q| me[q] == other[q]).count();
        let shared = shared.count();
        others.push((
            usize::from(shared > 0 && 2 * shared >= answered),
            agreements,
            shared,
            row,
        ));
    }
    others.sort_by(|a, b| {
        if similarity == Similarity::Count {
            return b.1.cmp(&a.1).then(a.3.cmp(&b.3));
        }
        let share = |x: &(usize, usize, usize, usize)| (x.1, x.2.max(1));
        let ((p, q), (r, s)) = (share(a), share(b));
        b.0.cmp(&a.0)
            .then((r * q).cmp(&(p * s)))
            .then(b.1.cmp(&a.1))
            .then(a.3.cmp(&b.3))
    });
    let votes: Vec<u8> = others
        .iter()
        .take(k)
        .map(|o| rows[o.3][probe])
        .filter(|&v| v != X)
        .collect();
    let count = |v: u8| votes.iter().filter(|&&other| other == v).count();
    let most = votes.iter().map(|&v| count(v)).max()?;
    votes.iter().copied().find(|&v| count(v) == most)
}

/// Logarithms of the products that naive Bayes compares for the first person, of each candidate.
fn naive_bayes_slowly(rows: &[Vec<u8>], candidates: u8, probes: &[usize], probe: usize) -> Vec<f64> {
    let (person, others) = (&rows[0], &rows[1..]);
    let told = (0..person.len()).filter(|question| !probes.contains(question) && person[*question] != X);
    let told: Vec<usize> = told.collect();
    let odds = |candidate: u8| {
        let alike: Vec<&Vec<u8>> = others.iter().filter(|row| row[probe] == candidate).collect();
        let factor = |&question: &usize| {
            let answered = alike.iter().filter(|row| row[question] != X).count();
            let equal = alike.iter().filter(|row| row[question] == person[question]).count();
            ((equal + 1) as f64 / (answered + usize::from(candidates)) as f64).ln()
        };
        (alike.len() as f64).ln() + told.iter().map(factor).sum::<f64>()
    };
    (0..candidates).map(odds).collect()
}

/// What sums of some dozens of logarithms may differ by where they are summed in another way, nats.
const ROUNDING: f64 = 1e-9;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn packed_comparison_is_the_plain_rule(
        (candidates, rows) in (4usize..80, 2u8..19).prop_flat_map(|(questions, candidates)| {
            let answer = prop_oneof![4 => 0..candidates, 1 => Just(X)];
            let row = proptest::collection::vec(answer, questions);
            (Just(candidates), proptest::collection::vec(row, 2..40))
        }),
        similarity in proptest::sample::select(Similarity::ALL.to_vec()),
    ) {
        let catalogue = catalogue(&vec![usize::from(candidates); rows[0].len()]);
        let reference = reference(&catalogue, &rows);
        let rule = Rule { splits: &Split::ALL, neighbours: 6, similarity, naive_bayes: true };
        // Somebody who is not one of the reference people beside somebody who is.
        let targets = [Some(0), None].map(|own| Target { groups: &rows[0], own });
        let both = reference.predict(&targets, &rule);
        prop_assert_eq!(both[1].len(), both[0].len());
        for said in &both[0] {
            let probes = split_questions(&catalogue, said.split);
            for k in 1..=6 {
                let expected = resemblance_slowly(&rows, similarity, &probes, said.question, k).map(usize::from);
                prop_assert_eq!(said.resemblance[k - 1], expected.or(said.majority));
            }
            let odds = naive_bayes_slowly(&rows, candidates, &probes, said.question);
            let most = odds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            match said.naive_bayes {
                None => prop_assert_eq!(most, f64::NEG_INFINITY),
                Some(guess) => prop_assert!(odds[guess] >= most - ROUNDING, "{:?} of {:?}", guess, odds),
            }
        }
        // Whoever is not left out is the most similar to themself.
        for said in &both[1] {
            prop_assert_eq!(said.resemblance[0], Some(said.label));
        }
    }
}
