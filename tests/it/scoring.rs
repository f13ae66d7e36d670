//! Cases to outcomes, with the deterministic fake: what is shared, averaged, dropped and retried.

use std::collections::BTreeMap;

use indieval::model::fake::{FakeConfig, FakeModel};
use indieval::model::tokenizer::BYTES_BOS;
use indieval::model::{
    Answers, Batch, Finish, Generation, LanguageModel, Limits, ModelError, ScoreRequest, TokenId, TokenScore,
    Tokenizer, Tokens,
};
use indieval::probe::{Case, DemonstrationRule, Draw, Split};
use indieval::prompt::{ChatFrame, Edge, Frame, Prompt};
use indieval::scoring::{
    Ask, Condition, Control, Evidence, Fit, Method, Norm, Orders, Outcome, Reading, Retries, Scorer, ScoringError,
    ScoringSpec,
};
use indieval::survey::{Answer, Catalogue, Form, Respondent};

/// Somebody who answered everything, in a way that `seed` decides.
fn person(catalogue: &Catalogue, seed: usize) -> Respondent {
    let answers = catalogue.questions.iter().enumerate().map(|(index, question)| {
        let refined = (index * 7 + seed * 13 + index / 5) % question.refined.len();
        Answer {
            refined: Some(refined as u8),
            polar: Some(question.polar_of_refined[refined] as u8),
        }
    });
    Respondent {
        id: format!("synthetic-{seed}"),
        answers: answers.collect(),
        demographics: Vec::new(),
    }
}

fn case(catalogue: &Catalogue, seed: usize, demonstrations: usize) -> Case {
    let rule = DemonstrationRule {
        seed: 1,
        form: Form::Polar,
        draw: Draw::Nested,
        category: None,
    };
    let mut case = Case::new(
        catalogue,
        &person(catalogue, seed),
        Split::One,
        Vec::new(),
        &rule,
        demonstrations,
    );
    case.probes.truncate(7);
    case
}

fn condition(method: Method, demonstrations: usize) -> Condition {
    Condition {
        method,
        demonstrations,
        form: Form::Polar,
        demographics: false,
        category: None,
        control: Control::Own,
    }
}

/// Chat templates stand around what asks for an answer.
fn frame(method: Method) -> Frame {
    match method.definition().asks_for_answer() {
        false => Frame::Plain,
        true => Frame::Chat(ChatFrame {
            before: "<user> ".into(),
            after: " <model> ".into(),
            start: Edge::Kept,
            end: Edge::Kept,
            thoughts: None,
        }),
    }
}

fn prompts() -> BTreeMap<Method, (Prompt, Frame)> {
    let of = |&method: &Method| (method, (method.prompt(None, None).expect("a prompt"), frame(method)));
    Method::ALL.iter().map(of).collect()
}

fn ask<'a>(condition: &'a Condition, case: &'a Case, prompts: &'a BTreeMap<Method, (Prompt, Frame)>) -> Ask<'a> {
    let (prompt, frame) = &prompts[&condition.method];
    Ask {
        condition,
        case,
        prompt,
        frame,
    }
}

fn constrained() -> ScoringSpec {
    ScoringSpec {
        constrained: true,
        ..ScoringSpec::default()
    }
}

/// Outcomes of these conditions for one person, given together or one by one, and tokens computed and alone.
fn run(
    model: &mut FakeModel,
    conditions: &[Condition],
    spec: &ScoringSpec,
    together: bool,
) -> (Vec<Vec<Outcome>>, u64, u64) {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let tokenizer = Tokenizer::bytes();
    let prompts = prompts();
    let cases: Vec<Case> = conditions
        .iter()
        .map(|condition| case(catalogue, 3, condition.demonstrations))
        .collect();
    let asks: Vec<Ask<'_>> = conditions
        .iter()
        .zip(&cases)
        .map(|(condition, case)| ask(condition, case, &prompts))
        .collect();
    let mut scorer = Scorer::new(model, &tokenizer, catalogue, spec.clone());
    let outcomes = match together {
        true => scorer.ask(&asks).expect("outcomes"),
        false => asks
            .chunks(1)
            .flat_map(|ask| scorer.ask(ask).expect("outcomes"))
            .collect(),
    };
    let tokens = scorer.tokens();
    (outcomes, tokens.shared, tokens.alone)
}

fn fake() -> FakeModel {
    FakeModel::new(FakeConfig::bytes(5))
}

#[test]
fn conditions_of_one_person_share_a_tree_and_do_not_influence_each_other() {
    let conditions: Vec<Condition> = [0, 12, 24]
        .into_iter()
        .flat_map(|count| Method::ALL.iter().map(move |&method| condition(method, count)))
        .collect();
    let (together, shared, alone) = run(&mut fake(), &conditions, &constrained(), true);
    let (apart, shared_apart, _) = run(&mut fake(), &conditions, &constrained(), false);
    assert_eq!(together, apart);
    assert!(
        shared < shared_apart && shared * 4 < alone,
        "{shared} {shared_apart} {alone}"
    );
    for (condition, outcomes) in conditions.iter().zip(&together) {
        assert_eq!(outcomes.len(), 7);
        assert!(
            outcomes
                .iter()
                .all(|outcome| outcome.condition == *condition && outcome.prediction.is_some())
        );
        assert!(outcomes.iter().all(|outcome| outcome.shown == condition.demonstrations));
        assert!(
            outcomes
                .iter()
                .all(|outcome| outcome.prediction < Some(outcome.candidates))
        );
    }
}

#[test]
fn likelihoods_are_those_of_the_texts_on_their_own() {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let (outcomes, ..) = run(
        &mut fake(),
        &[condition(Method::Likelihood, 10)],
        &ScoringSpec::default(),
        true,
    );
    let case = case(catalogue, 3, 10);
    let mut neutral = case.clone();
    neutral.demonstrations.clear();
    let prompts = prompts();
    let mut model = fake();
    let mut logprobs = |context: String, continuation: &str| -> Vec<f32> {
        let tokens: Vec<u32> = format!("{context}{continuation}").bytes().map(u32::from).collect();
        let scores = &[ScoreRequest {
            context: &[BYTES_BOS],
            continuation: &tokens,
        }];
        let texts = &mut [];
        let row = &model.answer(Batch { scores, texts }).expect("scores").scores[0];
        row[context.len()..].iter().map(|score| score.logprob).collect()
    };
    for (probe, outcome) in outcomes[0].iter().enumerate() {
        let pieces = |case| {
            let prompt = &prompts[&Method::Likelihood].0;
            prompt
                .pieces(catalogue, case, probe, None, &Frame::Plain)
                .expect("pieces")
        };
        let (shown, unshown) = (pieces(&case), pieces(&neutral));
        let Evidence::Likelihood { scores } = &outcome.evidence else {
            panic!("{outcome:?}");
        };
        assert_eq!(outcome.context_tokens, 1 + shown.context().len());
        for (score, continuation) in scores.iter().zip(&shown.continuations) {
            assert_eq!(score.logprobs, logprobs(shown.context(), continuation));
            assert_eq!(score.unconditional, Some(logprobs(unshown.context(), continuation)));
            assert!(Norm::ALL.iter().all(|norm| norm.value(score).is_some()));
        }
    }
}

#[test]
fn labels_are_asked_in_every_order_and_averaged() {
    let (outcomes, ..) = run(
        &mut fake(),
        &[condition(Method::Label, 5)],
        &ScoringSpec::default(),
        true,
    );
    for outcome in &outcomes[0] {
        let Evidence::Label {
            logprobs,
            invalid_mass,
            permutations,
        } = &outcome.evidence
        else {
            panic!("{outcome:?}");
        };
        assert_eq!(permutations.len(), outcome.candidates);
        assert!((0.0..=1.0).contains(invalid_mass));
        for (candidate, mean) in logprobs.iter().enumerate() {
            let of_candidate = |permutation: &indieval::scoring::Permutation| {
                let place = permutation.order.iter().position(|&shown| shown == candidate);
                permutation.logprobs[place.expect("a place")]
            };
            let by_hand = permutations.iter().map(of_candidate).sum::<f64>() / permutations.len() as f64;
            assert!((mean - by_hand).abs() < 1e-12);
        }
        let best = logprobs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(outcome.prediction, logprobs.iter().position(|&logprob| logprob == best));
        let choices = outcome.evidence.choices_by_order();
        assert_eq!(choices.len(), outcome.candidates);
        let differ = choices.iter().any(|choice| *choice != choices[0]);
        assert_eq!(outcome.evidence.flips_with_order(), Some(differ));
    }
}

#[test]
fn what_cannot_be_read_is_tried_again_and_recorded() {
    let spec = ScoringSpec {
        retries: Retries::new(1).expect("few"),
        orders: Orders::ONE,
        paper_tokens: std::num::NonZeroUsize::new(40).expect("not 0"),
        ..ScoringSpec::default()
    };
    let conditions = [condition(Method::Generation, 5), condition(Method::GenerationPaper, 5)];
    let (outcomes, ..) = run(&mut fake(), &conditions, &spec, true);
    let tries = |outcome: &Outcome| match &outcome.evidence {
        Evidence::Generation { reading, tries } => (*reading, tries.clone()),
        other => panic!("{other:?}"),
    };
    for outcome in &outcomes[0] {
        let (reading, tries) = tries(outcome);
        assert_eq!(reading == Reading::Choice, outcome.prediction.is_some());
        let expected = if tries.len() == 1 { vec![0.0] } else { vec![0.0, 0.6] };
        assert_eq!(tries.iter().map(|t| t.temperature).collect::<Vec<_>>(), expected);
        assert!(
            tries
                .iter()
                .all(|t| t.tokens.len() == t.logprobs.len() && t.invalid_mass.is_some() != t.tokens.is_empty())
        );
    }
    assert!(
        outcomes[0].iter().any(|outcome| tries(outcome).1.len() == 2),
        "noise is hardly ever readable"
    );
    let seeds: std::collections::BTreeSet<u64> = outcomes[0]
        .iter()
        .flat_map(|outcome| tries(outcome).1)
        .map(|t| t.seed)
        .collect();
    assert!(seeds.len() >= 8, "every try has a seed of its own");
    assert_eq!(tries(&outcomes[1][0]).1.len(), 2);
    assert!(outcomes[1][1..].iter().all(|outcome| tries(outcome).1.is_empty()));
}

#[test]
fn constrained_answers_are_valid_and_stop_when_complete() {
    let conditions = [condition(Method::Generation, 5), condition(Method::GenerationPaper, 5)];
    let (outcomes, ..) = run(&mut fake(), &conditions, &constrained(), true);
    let Evidence::Generation { tries, .. } = &outcomes[1][0].evidence else {
        panic!("{outcomes:?}");
    };
    assert_eq!((tries.len(), tries[0].finish), (1, Finish::Complete));
    let answer: serde_json::Value = serde_json::from_str(&tries[0].text).expect("valid JSON");
    for (group, outcome) in outcomes[1].iter().enumerate() {
        let choice = format!("NSG{}_s{}", group + 1, outcome.prediction.expect("a choice") + 1);
        assert_eq!(answer[format!("NSG{}", group + 1)]["choice"], choice);
    }
    for outcome in &outcomes[0] {
        let Evidence::Generation { reading, tries } = &outcome.evidence else {
            panic!("{outcome:?}");
        };
        assert_eq!((*reading, tries.len()), (Reading::Choice, outcome.candidates));
        assert!(tries.iter().all(|one| one.tokens.len() == 1 && one.choice.is_some()));
        assert!(tries.iter().all(|one| one.invalid_mass.is_some_and(|mass| mass > 0.0)));
    }
}

#[test]
fn a_context_that_is_too_long_is_refused_or_loses_whole_demonstrations() {
    let short = |context_length| {
        FakeModel::new(FakeConfig {
            context_length,
            ..FakeConfig::bytes(5)
        })
    };
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let (tokenizer, prompts, condition) = (Tokenizer::bytes(), prompts(), condition(Method::Likelihood, 60));
    let case = case(catalogue, 3, 60);
    let outcomes = |context_length, fit| {
        let mut model = short(context_length);
        let spec = ScoringSpec {
            fit,
            ..ScoringSpec::default()
        };
        let mut scorer = Scorer::new(&mut model, &tokenizer, catalogue, spec);
        scorer.ask(&[ask(&condition, &case, &prompts)])
    };
    let error = outcomes(1500, Fit::Refuse).expect_err("too long");
    assert!(
        matches!(error, ScoringError::ContextTooLong { limit: 1500, .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("respondent synthetic-3, split 1, Q"),
        "{error}"
    );
    assert!(error.hint().is_some());
    let fitted = &outcomes(1500, Fit::DropDemonstrations).expect("outcomes")[0];
    let shown = fitted[0].shown;
    assert!((5..60).contains(&shown), "{shown}");
    assert!(fitted.iter().all(|outcome| outcome.shown == shown));
    let one_more = {
        let mut case = case.clone();
        case.demonstrations.truncate(shown + 1);
        let mut model = short(1500);
        let mut scorer = Scorer::new(&mut model, &tokenizer, catalogue, ScoringSpec::default());
        scorer.ask(&[ask(&condition, &case, &prompts)]).is_err()
    };
    assert!(one_more, "as many are shown as fit");
    assert!(matches!(
        outcomes(100, Fit::DropDemonstrations),
        Err(ScoringError::ContextTooLong { .. })
    ));
}

/// A model that writes "A" whatever it is shown, and finds A the most probable letter by far.
struct AlwaysA(FakeModel);

impl LanguageModel for AlwaysA {
    fn answer(&mut self, batch: Batch<'_, '_>) -> Result<Answers, ModelError> {
        let score = |&token: &TokenId| TokenScore {
            logprob: if token == u32::from(b'A') {
                -0.01
            } else {
                -5.0 - token as f32 / 100.0
            },
            greedy: token == u32::from(b'A'),
        };
        for text in batch.texts {
            while text.begin().is_some() {
                text.finish(Generation {
                    tokens: vec![u32::from(b'A')],
                    logprobs: vec![-0.01],
                    invalid_mass: vec![0.0],
                    finish: Finish::Stop,
                });
            }
        }
        let rows = batch
            .scores
            .iter()
            .map(|request| request.continuation.iter().map(score).collect());
        Ok(Answers {
            scores: rows.collect(),
            tokens: Tokens::default(),
        })
    }

    fn limits(&self) -> Limits {
        self.0.limits()
    }
}

/// How often each position among two candidates is predicted for 60 people, by a model that always answers A.
fn always_a(method: Method, orders: Orders) -> [usize; 2] {
    let catalogue = Catalogue::builtin().expect("the catalogue");
    let (tokenizer, prompts, condition) = (Tokenizer::bytes(), prompts(), condition(method, 1));
    let spec = ScoringSpec {
        orders,
        ..ScoringSpec::default()
    };
    let mut chosen = [0; 2];
    for seed in 0..60 {
        let case = case(catalogue, seed, 1);
        let mut model = AlwaysA(fake());
        let mut scorer = Scorer::new(&mut model, &tokenizer, catalogue, spec.clone());
        let outcomes = scorer
            .ask(&[ask(&condition, &case, &prompts)])
            .expect("outcomes")
            .remove(0);
        for outcome in outcomes.iter().filter(|outcome| outcome.candidates == 2) {
            chosen[outcome.prediction.expect("a choice")] += 1;
        }
    }
    chosen
}

/// Over all orders every candidate is A once, so that a constant answer is a tie, and drawn orders break it either way.
#[test]
fn a_model_that_always_answers_a_favours_no_candidate() {
    for method in [Method::Label, Method::Generation] {
        let [first, second] = always_a(method, Orders::All);
        let all = first + second;
        assert!(all >= 100, "too few probes of two candidates: {all}");
        // Three standard deviations of a fair coin.
        let spread = 1.5 * (all as f64).sqrt();
        assert!(
            (first as f64 - all as f64 / 2.0).abs() <= spread,
            "{method}: {first} of {all}"
        );
        assert_eq!(
            always_a(method, Orders::ONE)[1],
            0,
            "{method}: one order is that of the catalogue"
        );
    }
}

/// Without demonstrations the prompt is the neutral one, and its score is not computed twice.
#[test]
fn without_evidence_mutual_information_is_exactly_nothing() {
    for (demonstrations, neutral) in [(0, true), (4, false)] {
        let (outcomes, ..) = run(
            &mut fake(),
            &[condition(Method::Likelihood, demonstrations)],
            &ScoringSpec::default(),
            true,
        );
        for outcome in &outcomes[0] {
            assert_eq!(outcome.evidence.is_neutral(), neutral);
            let Evidence::Likelihood { scores } = &outcome.evidence else {
                panic!("{outcome:?}");
            };
            assert_eq!(scores.iter().all(|score| Norm::Pmi.value(score) == Some(0.0)), neutral);
        }
    }
}
