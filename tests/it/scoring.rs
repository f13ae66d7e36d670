//! Cases to outcomes, with the deterministic fake: what is shared, averaged, dropped and retried.

use indieval::model::fake::{FakeConfig, FakeModel};
use indieval::model::tokenizer::BYTES_BOS;
use indieval::model::{Finish, LanguageModel, Tokenizer};
use indieval::probe::{Case, DemonstrationRule, Draw, Split};
use indieval::prompt::{ChatFrame, Edge, Frame, PaperPrompt, ProbePrompt, PromptKind};
use indieval::scoring::{
    Ask, Condition, Control, Evidence, Fit, Method, Norm, Outcome, Reading, Scorer, ScoringError, Settings, Template,
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

struct Prompts {
    likelihood: ProbePrompt,
    label: ProbePrompt,
    single: ProbePrompt,
    paper: PaperPrompt,
    frame: Frame,
}

fn prompts() -> Prompts {
    let probe = |kind| ProbePrompt::built_in(kind).expect("a prompt");
    Prompts {
        likelihood: probe(PromptKind::Likelihood),
        label: probe(PromptKind::Label),
        single: probe(PromptKind::Single),
        paper: PaperPrompt::built_in().expect("a prompt"),
        frame: Frame::Chat(ChatFrame {
            before: "<user> ".into(),
            after: " <model> ".into(),
            start: Edge::Kept,
            end: Edge::Kept,
        }),
    }
}

fn ask<'a>(condition: &'a Condition, case: &'a Case, prompts: &'a Prompts) -> Ask<'a> {
    let (template, frame) = match condition.method {
        Method::Likelihood => (Template::Probe(&prompts.likelihood), &Frame::Plain),
        Method::Label => (Template::Probe(&prompts.label), &prompts.frame),
        Method::Generation => (Template::Probe(&prompts.single), &prompts.frame),
        Method::GenerationPaper => (Template::Paper(&prompts.paper), &prompts.frame),
    };
    Ask {
        condition,
        case,
        template,
        frame,
    }
}

fn constrained() -> Settings {
    Settings {
        constrained: true,
        ..Settings::default()
    }
}

const METHODS: [Method; 4] = [
    Method::Likelihood,
    Method::Label,
    Method::Generation,
    Method::GenerationPaper,
];

/// Outcomes of these conditions for one person, given together or one by one, and tokens computed and alone.
fn run(
    model: &mut FakeModel,
    conditions: &[Condition],
    settings: &Settings,
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
    let mut scorer = Scorer::new(model, &tokenizer, catalogue, settings.clone());
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
        .flat_map(|count| METHODS.map(|method| condition(method, count)))
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
        &Settings::default(),
        true,
    );
    let case = case(catalogue, 3, 10);
    let mut neutral = case.clone();
    neutral.demonstrations.clear();
    let prompts = prompts();
    let mut model = fake();
    let bos = model.extend(model.root(), &[BYTES_BOS]).expect("a node");
    let mut logprobs = |context: String, continuation: &str| -> Vec<f32> {
        let tokens: Vec<u32> = format!("{context}{continuation}").bytes().map(u32::from).collect();
        let row = &model.score(bos, &[&tokens]).expect("scores")[0];
        row[context.len()..].iter().map(|score| score.logprob).collect()
    };
    for (probe, outcome) in case.probes.iter().zip(&outcomes[0]) {
        let pieces = |case| {
            prompts
                .likelihood
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
    let settings = Settings {
        permutations: 2,
        ..Settings::default()
    };
    let (outcomes, ..) = run(&mut fake(), &[condition(Method::Label, 5)], &settings, true);
    for outcome in &outcomes[0] {
        let Evidence::Label {
            logprobs,
            invalid_mass,
            permutations,
        } = &outcome.evidence
        else {
            panic!("{outcome:?}");
        };
        assert_eq!(permutations.len(), 2);
        assert!((0.0..=1.0).contains(invalid_mass));
        for (candidate, mean) in logprobs.iter().enumerate() {
            let of_candidate = |permutation: &indieval::scoring::Permutation| {
                let place = permutation.order.iter().position(|&shown| shown == candidate);
                permutation.logprobs[place.expect("a place")]
            };
            let by_hand = permutations.iter().map(of_candidate).sum::<f64>() / 2.0;
            assert!((mean - by_hand).abs() < 1e-12);
        }
        let best = logprobs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(outcome.prediction, logprobs.iter().position(|&logprob| logprob == best));
    }
}

#[test]
fn what_cannot_be_read_is_tried_again_and_recorded() {
    let settings = Settings {
        retries: 1,
        paper_tokens: 40,
        ..Settings::default()
    };
    let conditions = [condition(Method::Generation, 5), condition(Method::GenerationPaper, 5)];
    let (outcomes, ..) = run(&mut fake(), &conditions, &settings, true);
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
        assert_eq!((*reading, tries.len(), tries[0].tokens.len()), (Reading::Choice, 1, 1));
        assert!(tries[0].invalid_mass.is_some_and(|mass| mass > 0.0));
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
        let settings = Settings {
            fit,
            ..Settings::default()
        };
        let mut scorer = Scorer::new(&mut model, &tokenizer, catalogue, settings);
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
        let mut scorer = Scorer::new(&mut model, &tokenizer, catalogue, Settings::default());
        scorer.ask(&[ask(&condition, &case, &prompts)]).is_err()
    };
    assert!(one_more, "as many are shown as fit");
    assert!(matches!(
        outcomes(100, Fit::DropDemonstrations),
        Err(ScoringError::ContextTooLong { .. })
    ));
}
