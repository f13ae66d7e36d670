//! Models that answer alike whoever is asked: what a report must say of them, and what it must not.

use indieval::metrics::{BaselineRow, RunData};
use indieval::report::{Comparisons, Factor, Page, Report};
use indieval::scoring::{Evidence, Method, Outcome};

use super::{csv, options, plan, table};
use crate::invented::{self, Plan, number};

/// A number in [0, 1) that is a probe's own, for the person's answer.
fn luck(outcome: &Outcome) -> f64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in outcome.respondent.bytes().chain(number(outcome.question).to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    // FNV leaves its high bits nearly alike for short texts: they are mixed once more.
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

/// Twenty people of whom 65 % give the answer `common` to a question, and a model that chooses `choose`.
pub(super) fn run(method: Method, common: fn(&Outcome) -> usize, choose: fn(&Outcome) -> usize) -> RunData {
    let plan = Plan {
        people: 20,
        ..plan("run", vec![invented::condition(method, 200)])
    };
    let mut run = invented::run(&plan);
    for outcome in &mut run.outcomes {
        let own = common(outcome);
        let other = (own + 1) % outcome.candidates;
        outcome.label = if luck(outcome) < 0.65 { own } else { other };
        let choice = choose(outcome);
        outcome.prediction = Some(choice);
        match &mut outcome.evidence {
            Evidence::Likelihood { scores } => {
                for (at, score) in scores.iter_mut().enumerate() {
                    // The chosen candidate is the shortest, and as likely a token as the others: its sum is the highest.
                    let tokens = if at == choice { 4 } else { 9 };
                    score.tokens = (0..tokens).collect();
                    score.logprobs = vec![-2.0; tokens as usize];
                    score.unconditional = Some(vec![-2.5; tokens as usize]);
                }
            }
            Evidence::Label {
                logprobs, permutations, ..
            } => {
                *logprobs = (0..outcome.candidates)
                    .map(|at| if at == choice { -0.1 } else { -3.0 })
                    .collect();
                permutations
                    .iter_mut()
                    .for_each(|one| one.logprobs = one.order.iter().map(|at| logprobs[*at]).collect());
            }
            Evidence::Generation { .. } => {}
        }
    }
    let first = |row: BaselineRow| BaselineRow {
        majority: Some(0),
        ..row
    };
    run.baselines = run.baselines.rows().map(first).collect();
    run
}

/// The beginning of the page: the first sentence and what stands below it.
fn opening(report: &Report) -> String {
    let html = Page::new(report).html().expect("a page");
    let from = html.find("<p class=\"lede\">").expect("a first sentence");
    let end = html[from..].find("</ul>").expect("sentences on baselines");
    let opening = &html[from..from + end];
    assert!(
        !opening.contains(" %"),
        "a line may end between a figure and its sign: {opening}"
    );
    opening.replace('\u{a0}', " ")
}

/// What a report says of a constant answerer wherever it says it, and that no praise stands beside it.
fn must_say(run: &RunData, sentence: &str, kind: &str) {
    let report = Report::new(std::slice::from_ref(run), options()).expect("a report");
    let opening = opening(&report);
    assert!(
        opening.contains(&sentence.replace('\'', "&#x27;")),
        "{sentence}: {opening}"
    );
    assert!(!opening.contains("ahead:"), "{opening}");
    let table = table(&report, "choices").text();
    let unfolded = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unfolded.contains(sentence), "{unfolded}");
    let csv = csv(&report, "choices");
    assert!(csv.rows("constant").all(|constant| constant == kind), "{}", csv.text);
    // Always giving its commonest answer is what it does already: nothing is left over.
    let over = report.sections.choices[0]
        .choices
        .over_commonest
        .expect("a difference")
        .wrong
        .estimate;
    assert_eq!(over.value, 0.0);
    assert!(table.contains("0.0 (same for all 20 people)"), "{table}");
    let kappa = report.sections.choices[0]
        .choices
        .agreement
        .and_then(|agreement| agreement.kappa);
    assert!(kappa.expect("people differ").abs() < 1e-9);
    // The norms of a likelihood are not praised either.
    let html = Page::new(&report).html().expect("a page");
    assert!(!html.contains("ahead of chance"), "{kind}");
}

#[test]
fn an_always_first_model_is_called_that() {
    let run = run(Method::Label, |_| 0, |_| 0);
    let report = Report::new(std::slice::from_ref(&run), options()).expect("a report");
    // It is far above chance, because the first answer is the commonest: that is the trap.
    let chance = report
        .results
        .against
        .iter()
        .find(|a| report.results.systems[a.baseline].label == "chance")
        .expect("chance");
    assert!(chance.difference.wrong.estimate.excludes(0.0) && chance.difference.wrong.estimate.value > 0.05);
    let first = "it chooses the first candidate on 100 % of probes (people's own answers: 6";
    let first = first.replacen("it", "It", 1);
    let opening = opening(&report);
    assert!(opening.contains(&first.replace('\'', "&#x27;")), "{opening}");
    must_say(&run, "chooses the first candidate on 100 % of probes", "position");
}

#[test]
fn an_always_shortest_model_is_called_that() {
    let shortest = |outcome: &Outcome| usize::from(number(outcome.question)) % outcome.candidates;
    let run = run(Method::Likelihood, |_| 0, shortest);
    must_say(
        &run,
        "chooses the shortest candidate on 100 % of the probes",
        "shortest",
    );
    let report = Report::new(&[run], options()).expect("a report");
    let sum = &report.sections.norms[0].norms[0];
    let shortest = sum.shortest.expect("candidates differ in length");
    assert!(shortest.share.chosen == 1.0 && shortest.share.own < 0.7 && shortest.by_chance < 0.6);
}

#[test]
fn a_model_that_chooses_by_length_is_not_praised_though_its_choices_differ_between_people() {
    // In what `run` makes, the chosen candidate has the fewest tokens.
    let mostly_right = |outcome: &Outcome| match luck(outcome) < 0.78 {
        true => outcome.label,
        false => (outcome.label + 1) % outcome.candidates,
    };
    let run = run(Method::Likelihood, |_| 0, mostly_right);
    let report = Report::new(&[run], options()).expect("a report");
    let opening = opening(&report);
    assert!(
        opening.contains("It chooses the shortest candidate on 100 % of the probes"),
        "{opening}"
    );
    assert!(
        opening.contains("not judged (it answers the same whoever is asked): +"),
        "{opening}"
    );
    assert!(!opening.contains("ahead"), "{opening}");
}

#[test]
fn what_a_constant_answerer_does_beyond_always_answering_alike_is_told_and_not_praised() {
    // The first candidate but where luck has it, and then the person's own.
    let nearly = |outcome: &Outcome| if luck(outcome) > 0.92 { outcome.label } else { 0 };
    let run = run(Method::Label, |_| 0, nearly);
    let report = Report::new(std::slice::from_ref(&run), options()).expect("a report");
    let told = opening(&report);
    assert!(told.contains("It chooses the first candidate on 9"), "{told}");
    let beyond = report.sections.choices[0].always.and_then(|always| always.over);
    let beyond = beyond.expect("a difference to always the first");
    assert!(beyond.wrong.estimate.excludes(0.0) && beyond.wrong.estimate.value > 0.05);
    assert!(
        told.contains("its accuracy is above that of always doing so ("),
        "{told}"
    );
    assert!(told.contains("; the model is above that: +"), "{told}");
    assert!(
        told.contains("not judged (it answers the same whoever is asked): +"),
        "{told}"
    );
    assert!(!told.contains("ahead"), "{told}");
    assert!(
        csv(&report, "choices")
            .rows("verdict")
            .all(|verdict| verdict == "ahead")
    );
    let both = [
        run.clone(),
        RunData {
            name: "again".to_owned(),
            ..run
        },
    ];
    let ranked = opening(&Report::new(&both, options()).expect("a report"));
    assert!(
        ranked.contains("its accuracy is above that of always doing so ("),
        "{ranked}"
    );
    assert!(ranked.contains("It is not judged against chance"), "{ranked}");
    assert!(
        !ranked.contains("ahead") && !ranked.contains("always the first candidate,"),
        "{ranked}"
    );
}

#[test]
fn how_often_the_shortest_is_chosen_is_told_of_every_method() {
    let run = run(Method::Label, |_| 0, |_| 0);
    // Invented statements end in "it is", which is the shortest ending, for the first candidate of each.
    let report = Report::new(std::slice::from_ref(&run), options()).expect("a report");
    let shortest = report.sections.choices[0].shortest.expect("texts differ in length");
    assert_eq!(shortest.probes, run.outcomes.len());
    let own = run.outcomes.iter().filter(|outcome| outcome.label == 0).count();
    let own = own as f64 / run.outcomes.len() as f64;
    assert!((shortest.share.chosen, (shortest.share.own - own).abs() < 1e-12) == (1.0, true));
    assert!(
        csv(&report, "choices")
            .rows("shortest_in")
            .all(|one| one == "characters")
    );
    let printed = table(&report, "choices").text();
    assert!(printed.contains(&format!("100.0 ({:.1})", 100.0 * own)), "{printed}");
    assert!(printed.contains("shortest"), "{printed}");
}

#[test]
fn a_model_that_repeats_the_majority_is_not_praised_for_it() {
    let majority = |outcome: &Outcome| usize::from(number(outcome.question)) % outcome.candidates;
    let run = run(Method::Generation, majority, majority);
    must_say(
        &run,
        "gives a question the same answer whoever is asked, on 100 % of probes",
        "question",
    );
}

#[test]
fn a_constant_answerer_on_one_category_at_a_time_is_called_that_too() {
    let mut conditions = invented::every_section();
    conditions.retain(|condition| condition.category.is_some());
    conditions
        .iter_mut()
        .for_each(|condition| condition.method = Method::Generation);
    let mut run = invented::run(&Plan {
        people: 20,
        ..plan("run", conditions)
    });
    run.outcomes.iter_mut().for_each(|outcome| outcome.prediction = Some(0));
    let mut nearly = run.clone();
    for outcome in &mut nearly.outcomes {
        // Each condition departs from it on other probes.
        let category = outcome.condition.category.as_ref().map_or(0, String::len);
        let departs = (luck(outcome) * 1000.0) as usize % 20 == category % 20;
        outcome.prediction = Some(usize::from(departs));
    }
    let report = Report::new(&[nearly], options()).expect("a report");
    let said = "Whatever it is shown, it answers nearly the same whoever is asked.";
    assert!(opening(&report).contains(said), "{}", opening(&report));
    let report = Report::new(&[run], options()).expect("a report");
    assert!(report.results.headline.is_empty());
    let opening = opening(&report);
    let first = opening.split("</p>").next().expect("a first sentence");
    assert!(
        first.contains("It chooses the first candidate on 100 % of probes"),
        "{opening}"
    );
    assert!(
        !opening.contains("ahead:") && !opening.contains("category help:"),
        "{opening}"
    );
}

#[test]
fn a_model_that_knows_people_is_still_told_so() {
    let run = run(
        Method::Label,
        |_| 0,
        |outcome| if luck(outcome) < 0.9 { outcome.label } else { 0 },
    );
    let report = Report::new(std::slice::from_ref(&run), options()).expect("a report");
    assert!(opening(&report).contains("the model is ahead:"), "{}", opening(&report));
    assert_eq!(report.sections.choices[0].constancy, None);
}

#[test]
fn a_gain_that_comes_from_unread_answers_is_not_called_one() {
    let conditions = [0, 200].map(|demonstrations| invented::condition(Method::Generation, demonstrations));
    let mut run = invented::run(&Plan {
        people: 20,
        ..plan("run", conditions.to_vec())
    });
    // Both conditions are right where luck has it; without demonstrations 40 % of the answers cannot be read.
    for outcome in &mut run.outcomes {
        let right = luck(outcome) < 0.6;
        let choice = if right {
            outcome.label
        } else {
            (outcome.label + 1) % outcome.candidates
        };
        let unread = outcome.condition.demonstrations == 0 && (luck(outcome) * 1000.0) as usize % 10 < 4;
        outcome.prediction = (!unread).then_some(choice);
    }
    let report = Report::new(std::slice::from_ref(&run), options()).expect("a report");
    let lift = report.sections.lift[0].difference.overall.expect("a lift");
    assert!(lift.wrong.estimate.value > 0.15 && lift.unread > 500, "{lift:?}");
    let rules = lift.otherwise.expect("unread answers");
    assert_eq!(rules.shared.expect("most were read").estimate.value, 0.0);
    assert_eq!(lift.verdict(), indieval::metrics::Verdict::Depends);
    let printed = table(&report, "lift").text();
    assert!(printed.contains("0.0 (same for all 20 people)"), "{printed}");
    let compared = Comparisons::new(&[run], Factor::Demonstrations, options()).expect("two conditions");
    let text = compared.tables()[0].text();
    assert!(!text.contains("ahead:") && !text.contains("behind:"), "{text}");
    assert!(text.contains("unread answers"), "{text}");
}
