//! What must hold of the engine whatever is shared, packed, cut or put where: on tiny random models of every family.

use super::{
    Allowed, Answers, Attempt, Batch, Constraint, Decoding, Engine, Family, Finish, Generation, LanguageModel,
    ModelConfig, ModelError, ScoreRequest, TextRequest, TokenId, TokenScore, Tokens, WeightSource,
    decoder::{Decoder, Placement},
    kernels::Kernels,
    testing::{PlainText, RandomWeights, config, engine, engine_over, engine_with, families, scores, two_classes},
};
use candle_core::{DType, Device};
use proptest::prelude::*;

/// Most that a log-probability in f32 may differ between two ways to compute it where sums are in candle's hands, in nats:
/// sums in another order over a few dozen numbers of size 1 differ by some 1e-6, and 2e-5 is what is promised.
const SAME: f32 = 2e-5;
/// Most that a log-probability may differ where all that passes between operations is rounded to bf16, in nats: two layers of
/// numbers of size 1 are off by some 2^-8 a rounding, of which there are about twenty on the way, and logits that differ by
/// several nats are sums of 32 of them.
const ROUNDED: f32 = 0.25;
/// Memory for all that any test has at once, and more rows than any test has tokens.
const PLENTY: usize = 20_000;

/// Asserts that two rows of scores are the same bits.
#[track_caller]
fn assert_bits(a: &[TokenScore], b: &[TokenScore]) {
    let bits = |row: &[TokenScore]| -> Vec<(u32, bool)> {
        row.iter()
            .map(|score| (score.logprob.to_bits(), score.greedy))
            .collect()
    };
    assert_eq!(bits(a), bits(b), "{a:?} {b:?}");
}

/// Contexts with continuations.
#[derive(Debug, Clone)]
struct Scene {
    requests: Vec<(Vec<TokenId>, Vec<TokenId>)>,
}

impl Scene {
    fn any() -> impl Strategy<Value = Self> {
        // Contexts are cut out of a few long paths, continuations have few distinct tokens: they share beginnings.
        let paths = prop::collection::vec(prop::collection::vec(0u32..64, 90), 1..4);
        let request = (0usize..4, 1usize..90, prop::collection::vec(0u32..4, 0..7));
        (paths, prop::collection::vec(request, 1..14)).prop_map(|(paths, requests)| {
            let request = |(path, len, continuation): (usize, usize, Vec<TokenId>)| {
                (paths[path % paths.len()][..len].to_vec(), continuation)
            };
            Self {
                requests: requests.into_iter().map(request).collect(),
            }
        })
    }

    /// All of them, in one batch.
    fn together(&self, engine: &mut Engine) -> Vec<Vec<TokenScore>> {
        let requests = self
            .requests
            .iter()
            .map(|(context, continuation)| (&context[..], &continuation[..]));
        scores(engine, &requests.collect::<Vec<_>>())
    }

    /// Each in a batch of its own.
    fn alone(&self, engine: &mut Engine) -> Vec<Vec<TokenScore>> {
        let one = |(context, continuation): &(Vec<TokenId>, Vec<TokenId>)| {
            scores(engine, &[(&context[..], &continuation[..])]).remove(0)
        };
        self.requests.iter().map(one).collect()
    }
}

/// The kernels of this machine whose results are the same bits whatever they are packed with: all of our own.
fn exact() -> Vec<Kernels> {
    let of = |dtype| {
        let backends = Kernels::backends(dtype).into_iter();
        backends.map(move |backend| Kernels::with(backend, dtype).unwrap())
    };
    [DType::F32, DType::BF16, DType::F16].into_iter().flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn company_passes_and_memory_change_no_bit(
        scene in Scene::any(),
        family in 0usize..families().len(),
        rows in prop::sample::select(vec![1usize, 2, 7, 33, PLENTY]),
        memory in prop::sample::select(vec![1usize, 150, PLENTY]),
    ) {
        let config = &families()[family];
        for kernels in exact() {
            let alone = scene.alone(&mut engine_with(config, PLENTY, PLENTY, &kernels));
            let together = scene.together(&mut engine_with(config, memory, rows, &kernels));
            for (together, alone) in together.iter().zip(&alone) {
                assert_bits(together, alone);
            }
        }
    }

    #[test]
    fn layers_over_devices_change_no_bit(
        scene in Scene::any(),
        family in 0usize..6,
        rows in prop::sample::select(vec![1usize, 7, 33]),
        memory in prop::sample::select(vec![1usize, 150, PLENTY]),
        placement in prop::sample::select(vec![Placement::Resident, Placement::Streamed]),
    ) {
        let config = &families()[family];
        for kernels in [DType::F32, DType::BF16].map(|dtype| Kernels::new(&Device::Cpu, dtype).unwrap()) {
            let one = scene.together(&mut engine_with(config, PLENTY, PLENTY, &kernels));
            let devices = (&kernels, &[kernels.clone()][..]);
            let mut spread = engine_over(config, (memory, rows), devices, placement);
            // The second time in what the first one left.
            for several in [scene.together(&mut spread), scene.together(&mut spread)] {
                for (several, one) in several.iter().zip(&one) {
                    assert_bits(several, one);
                }
            }
        }
    }

    #[test]
    fn company_passes_and_memory_change_next_to_nothing_where_sums_are_candles(
        scene in Scene::any(), family in 0usize..families().len(), rows in 1usize..40,
    ) {
        let config = &families()[family];
        let kernels = Kernels::candle(&Device::Cpu, DType::F32).unwrap();
        let alone = scene.alone(&mut engine_with(config, PLENTY, PLENTY, &kernels));
        let together = scene.together(&mut engine_with(config, 150, rows, &kernels));
        for (a, b) in together.iter().flatten().zip(alone.iter().flatten()) {
            prop_assert!((a.logprob - b.logprob).abs() <= SAME, "{a:?} {b:?}");
        }
    }

    #[test]
    fn earlier_batches_change_nothing(scene in Scene::any(), other in Scene::any(), family in 0usize..families().len()) {
        let config = &families()[family];
        for kernels in exact() {
            let fresh = scene.together(&mut engine_with(config, PLENTY, 7, &kernels));
            let mut used = engine_with(config, 400, 33, &kernels);
            other.together(&mut used);
            for (again, fresh) in scene.together(&mut used).iter().zip(&fresh) {
                assert_bits(again, fresh);
            }
        }
    }

    #[test]
    fn a_score_is_the_score_of_its_parts(
        path in prop::collection::vec(0u32..64, 2..60), cut in 1usize..60, family in 0usize..of_one_class().len(),
    ) {
        let mut engine = engine(&of_one_class()[family], PLENTY, 7);
        let cut = cut.min(path.len() - 1);
        let whole = scores(&mut engine, &[(&path[..1], &path[1..])]).remove(0);
        let first = scores(&mut engine, &[(&path[..1], &path[1..cut])]).remove(0);
        let second = scores(&mut engine, &[(&path[..cut], &path[cut..])]).remove(0);
        assert_bits(&whole, &[first, second].concat());
    }

    #[test]
    fn texts_together_equal_texts_alone_and_are_scored_as_they_were_generated(
        before in prop::collection::vec(0u32..64, 1..50),
        prompts in prop::collection::vec((prop::collection::vec(0u32..3, 0..6), 0usize..12, 0u32..4, 0usize..4), 1..7),
        family in 0usize..of_one_class().len(),
        temperature in prop::sample::select(vec![0f32, 0.8]),
        rows in prop::sample::select(vec![3usize, PLENTY]),
        memory in prop::sample::select(vec![1usize, PLENTY]),
    ) {
        let text = |(i, (prompt, max_tokens, kind, tries)): (usize, &(Vec<TokenId>, usize, u32, usize))| {
            let attempt = |number: usize| Attempt {
                constraint: (*kind > 0).then(|| Box::new(Grammar(*kind)) as Box<dyn Constraint>),
                seed: (10 * i + number) as u64,
                decoding: Decoding { temperature, top_p: 0.9, stop: vec![3, 17] },
            };
            PlainText {
                prompt: [&before[..], prompt].concat(),
                max_tokens: *max_tokens,
                attempts: (0..*tries).map(attempt).collect(),
                written: vec![],
            }
        };
        let config = &of_one_class()[family];
        for kernels in exact() {
            let mut together: Vec<PlainText> = prompts.iter().enumerate().map(text).collect();
            // Continuations that are scored beside them share their passes.
            let score = ScoreRequest { context: &before, continuation: &[1, 2, 0] };
            let answers = generate(&mut engine_with(config, memory, rows, &kernels), &[score], &mut together);
            let mut one = engine_with(config, PLENTY, PLENTY, &kernels);
            assert_bits(&answers.scores[0], &scores(&mut one, &[(score.context, score.continuation)])[0]);
            for (i, packed) in together.iter().enumerate() {
                let mut alone = text((i, &prompts[i]));
                generate(&mut one, &[], std::slice::from_mut(&mut alone));
                prop_assert_eq!(packed.written.len(), prompts[i].3);
                prop_assert_eq!(&packed.written, &alone.written);
                for written in &packed.written {
                    check_text(&mut one, &packed.prompt, prompts[i].2, written);
                }
            }
        }
    }
}

/// The models in which a text's positions do not depend on its length: only there are the parts of a text, and a text that
/// may become longer, what the whole is.
fn of_one_class() -> Vec<ModelConfig> {
    let all = families().into_iter();
    all.filter(|config| config.rope_class(1) == config.rope_class(config.context))
        .collect()
}

/// Has texts generated together.
fn generate(engine: &mut Engine, scores: &[ScoreRequest<'_>], texts: &mut [PlainText]) -> Answers {
    let mut texts: Vec<&mut dyn TextRequest> = texts.iter_mut().map(|text| text as &mut dyn TextRequest).collect();
    let batch = Batch {
        scores,
        texts: &mut texts,
    };
    engine.answer(batch).unwrap()
}

/// Asserts that a generated text has the log-probabilities that it has when it is given, and the mass outside of what was
/// allowed that follows from them.
fn check_text(engine: &mut Engine, prompt: &[TokenId], kind: u32, written: &Generation) {
    assert_eq!(
        (written.tokens.len(), written.tokens.len()),
        (written.logprobs.len(), written.invalid_mass.len())
    );
    let scored = scores(engine, &[(prompt, &written.tokens)]).remove(0);
    for (i, score) in scored.iter().enumerate() {
        assert_eq!(written.logprobs[i].to_bits(), score.logprob.to_bits());
        let expected = match Grammar(kind).allowed(&written.tokens[..i]) {
            Allowed::Only(mut allowed) if kind > 0 => {
                allowed.sort_unstable();
                allowed.dedup();
                let context = [prompt, &written.tokens[..i]].concat();
                let singles: Vec<(&[TokenId], &[TokenId])> =
                    allowed.chunks(1).map(|token| (&context[..], token)).collect();
                1. - scores(engine, &singles)
                    .iter()
                    .map(|score| score[0].logprob.exp())
                    .sum::<f32>()
            }
            _ => 0.,
        };
        assert!((written.invalid_mass[i] - expected).abs() <= 10. * SAME);
    }
}

/// Allowed tokens that depend on how many tokens there are: forced runs, narrow choices, free places, an end after nine.
struct Grammar(u32);

impl Constraint for Grammar {
    fn allowed(&mut self, generated: &[TokenId]) -> Allowed {
        match (generated.len() as u32 + self.0) % 6 {
            _ if generated.len() == 9 => Allowed::Done,
            0 => Allowed::Any,
            1 => Allowed::Only(vec![9, 5, 9, 60]),
            2 => Allowed::Only((0..64).collect()),
            _ => Allowed::Only(vec![10 + generated.len() as u32]),
        }
    }
}

#[test]
fn greedy_generation_takes_the_best_token_at_every_step() {
    for config in families() {
        let mut engine = engine(&config, PLENTY, PLENTY);
        let mut text = PlainText::greedy(&[0, 5, 9, 33, 7], 12);
        generate(&mut engine, &[], std::slice::from_mut(&mut text));
        let generated = &text.written[0];
        assert_eq!((generated.tokens.len(), generated.finish), (12, Finish::Length));
        let scores = scores(&mut engine, &[(&text.prompt, &generated.tokens)]);
        assert!(scores[0].iter().all(|score| score.greedy));
    }
}

#[test]
fn texts_over_devices_are_those_of_one() {
    let kernels = Kernels::new(&Device::Cpu, DType::F32).unwrap();
    for config in families() {
        let texts = |engine: &mut Engine| {
            let mut texts = [20, 31, 33].map(|end| PlainText::greedy(&(0..end).collect::<Vec<_>>(), 40));
            generate(engine, &[], &mut texts);
            texts.map(|mut text| text.written.remove(0))
        };
        let one = texts(&mut engine_with(&config, PLENTY, 7, &kernels));
        for placement in [Placement::Resident, Placement::Streamed] {
            let devices = (&kernels, &[kernels.clone()][..]);
            assert_eq!(texts(&mut engine_over(&config, (PLENTY, 7), devices, placement)), one);
        }
    }
}

#[test]
fn more_devices_than_layers_are_refused() {
    let kernels = Kernels::new(&Device::Cpu, DType::F32).unwrap();
    let source = std::sync::Arc::new(RandomWeights) as std::sync::Arc<dyn WeightSource>;
    let others = [kernels.clone(), kernels.clone()];
    let config = config(Family::Llama);
    let error = Decoder::load_over(&config, &source, (&kernels, &others), Placement::Resident).unwrap_err();
    assert_eq!(error.to_string(), "device `3 devices`: the model has 2 layers");
}

#[test]
fn logits_are_those_that_scores_come_from() {
    let mut engine = engine(&config(Family::Llama), PLENTY, 3);
    let tokens: Vec<TokenId> = vec![0, 4, 8, 15, 16, 23, 42];
    let logits = engine.logits(&tokens).unwrap().to_vec2::<f32>().unwrap();
    assert_eq!(logits.len(), 7);
    let scores = scores(&mut engine, &[(&tokens[..1], &tokens[1..])]);
    for (row, (score, &token)) in logits.iter().zip(scores[0].iter().zip(&tokens[1..])) {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f64 = row.iter().map(|&logit| f64::from(logit - max).exp()).sum();
        let logprob = (f64::from(row[token as usize] - max) - total.ln()) as f32;
        assert!((logprob - score.logprob).abs() < SAME);
    }
}

#[test]
fn what_is_shared_is_computed_once() {
    let mut engine = engine(&config(Family::Llama), PLENTY, PLENTY);
    let context: &[TokenId] = &[0, 1, 2, 3, 4];
    let continuations: [&[TokenId]; 6] = [&[7, 8, 9], &[7, 8, 10], &[7, 8], &[7], &[11], &[]];
    let requests = continuations.map(|continuation| ScoreRequest { context, continuation });
    let mut texts = [&[5, 6, 7][..], &[5, 6, 8], &[]].map(|rest| PlainText::greedy(&[context, rest].concat(), 2));
    let answers = generate(&mut engine, &requests, &mut texts);
    // The context; [7, 8] once, the last token of a continuation never; [5, 6], 7 and 8; of each text the first of two tokens.
    assert_eq!(
        answers.tokens,
        Tokens {
            shared: 5 + 2 + 4 + 3,
            alone: (7 + 7 + 6 + 5 + 5) + (8 + 8 + 5) + 3
        }
    );
}

#[test]
fn what_cannot_be_done_is_refused_before_any_work() {
    let small = ModelConfig {
        context: 20,
        ..config(Family::Llama)
    };
    let mut engine = engine(&small, PLENTY, PLENTY);
    let mut refused = |context: &[TokenId], continuation: &[TokenId]| {
        let batch = Batch {
            scores: &[ScoreRequest { context, continuation }],
            texts: &mut [],
        };
        engine.answer(batch).err()
    };
    // The last token of a continuation is never fed, so one more than the context can be scored.
    assert!(refused(&[1], &[1; 20]).is_none());
    assert!(matches!(
        refused(&[1], &[1; 21]),
        Some(ModelError::ContextLength { tokens: 21, limit: 20 })
    ));
    assert!(matches!(refused(&[], &[1, 2]), Some(ModelError::NoContext)));
    assert!(refused(&[], &[]).is_none() && refused(&[1], &[]).is_none());
    assert!(matches!(
        refused(&[1], &[2, 64]),
        Some(ModelError::UnknownToken {
            token: 64,
            vocabulary: 64
        })
    ));
}

#[test]
fn a_request_that_needs_more_memory_than_there_is_is_named() {
    let config = ModelConfig {
        context: 5000,
        ..config(Family::Llama)
    };
    let mut engine = engine(&config, 1, PLENTY);
    let long = vec![1; 4000];
    let requests = [&[1, 2][..], &long].map(|context| ScoreRequest {
        context,
        continuation: &[1],
    });
    let batch = Batch {
        scores: &requests,
        texts: &mut [],
    };
    let error = engine.answer(batch).unwrap_err();
    assert!(
        matches!(error, ModelError::Memory { request: 1, needed, free: 400_000 } if needed > 400_000),
        "{error:?}"
    );
}

#[test]
fn an_error_on_the_way_spoils_nothing() {
    struct Wrong;
    impl Constraint for Wrong {
        fn allowed(&mut self, generated: &[TokenId]) -> Allowed {
            if generated.len() < 3 {
                Allowed::Any
            } else {
                Allowed::Only(vec![5, 640])
            }
        }
    }
    let mut engine = engine(&config(Family::Llama), PLENTY, PLENTY);
    let before = scores(&mut engine, &[(&[0], &[1, 2, 3])]);
    let mut text = PlainText::greedy(&[0, 1, 2], 20);
    text.attempts[0].constraint = Some(Box::new(Wrong));
    let mut texts: [&mut dyn TextRequest; 1] = [&mut text];
    let batch = Batch {
        scores: &[],
        texts: &mut texts,
    };
    let error = engine.answer(batch).unwrap_err();
    assert!(matches!(error, ModelError::UnknownToken { token: 640, .. }));
    assert_eq!(scores(&mut engine, &[(&[0], &[1, 2, 3])]), before);
}

/// Beyond 40 tokens all positions of a text are others, from its first token on: what a text may become decides.
#[test]
fn texts_that_begin_alike_and_are_of_two_classes_share_nothing() {
    let config = two_classes();
    let path: Vec<TokenId> = (0..60).map(|i| i * 7 % 64).collect();
    let mut engine = engine(&config, PLENTY, 7);
    let short = scores(&mut engine, &[(&path[..20], &path[20..41])]).remove(0);
    let long = scores(&mut engine, &[(&path[..20], &path[20..42])]).remove(0);
    assert!(
        short
            .iter()
            .zip(&long)
            .all(|(short, long)| short.logprob != long.logprob)
    );
    let requests = [41, 42].map(|end| ScoreRequest {
        context: &path[..20],
        continuation: &path[20..end],
    });
    let mut texts = [20, 21].map(|most| PlainText::greedy(&path[..20], most));
    let answers = generate(&mut engine, &requests, &mut texts);
    assert_bits(&answers.scores[0], &short);
    assert_bits(&answers.scores[1], &long);
    // The context twice for scores; the prompts of both classes lie on their paths.
    assert_eq!(answers.tokens.shared, 40 + 41 + 19 + 20);
    // A text of the short class is scored as it was generated; one of the long class where the continuation is as long.
    let scored = |generation: &Generation, context: &[TokenId], engine: &mut Engine| {
        let scores = scores(engine, &[(context, &generation.tokens)]).remove(0);
        let logprobs: Vec<f32> = scores.iter().map(|score| score.logprob).collect();
        logprobs == generation.logprobs
    };
    assert!(scored(&texts[0].written[0], &path[..20], &mut engine));
    let mut fits = [22, 21].map(|most| PlainText::greedy(&path[..20], most));
    generate(&mut engine, &[], &mut fits);
    assert!(scored(&fits[0].written[0], &path[..20], &mut engine));
    assert_eq!(fits[0].written[0].tokens[..21], fits[1].written[0].tokens[..]);
}

#[test]
fn a_generation_ends_where_the_context_does() {
    let small = ModelConfig {
        context: 10,
        ..config(Family::Llama)
    };
    let mut engine = engine(&small, PLENTY, PLENTY);
    let mut text = PlainText::greedy(&[0, 1, 2, 3], 99);
    generate(&mut engine, &[], std::slice::from_mut(&mut text));
    assert_eq!(
        (text.written[0].tokens.len(), text.written[0].finish),
        (6, Finish::Length)
    );
}

/// What a GPU computes with is run on the CPU: all that decides which kernels there are and what they are given.
#[test]
fn every_family_comes_to_the_same_by_a_gpus_kernels() {
    if !super::kernels::can_emulate() {
        return;
    }
    let path: Vec<TokenId> = (0..90).map(|at| at * 29 % 64).collect();
    let requests: [(&[TokenId], &[TokenId]); 4] = [
        (&path[..70], &path[70..74]),
        (&path[..70], &path[3..6]),
        (&path[..41], &path[9..12]),
        (&path[..1], &path[1..3]),
    ];
    for config in families() {
        let config = ModelConfig { head_dim: 64, ..config };
        let expected = scores(&mut engine(&config, PLENTY, PLENTY), &requests);
        let gpu = Kernels::emulated(DType::BF16).unwrap();
        for rows in [7, PLENTY] {
            let got = scores(&mut engine_with(&config, PLENTY, rows, &gpu), &requests);
            for (a, b) in got.iter().flatten().zip(expected.iter().flatten()) {
                let off = (a.logprob - b.logprob).abs();
                assert!(off < ROUNDED, "{} in passes of {rows}: {off}", config.family);
            }
        }
    }
}
