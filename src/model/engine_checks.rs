//! What must hold of the engine whatever is shared, packed, cut or put where: on tiny random models of every family.

use super::{
    Allowed, Branch, Constraint, Decoding, Engine, Family, Finish, LanguageModel, ModelConfig, ModelError, Node,
    TokenId, TokenScore,
    kernels::Kernels,
    testing::{begin, config, engine, engine_with, families},
};
use candle_core::{DType, Device};
use proptest::{prelude::*, test_runner::RngSeed};

/// Most that a log-probability in f32 may differ between two ways to compute it, in nats: sums in another order over a
/// few dozen numbers of size 1 differ by some 1e-6, and 2e-5 is what is promised.
const SAME: f32 = 2e-5;
/// Likewise where keys, values and weights are bf16: each is rounded alike on either way, sums and softmax are f32,
/// but attention weights are rounded to bf16 against the greatest score of their block (2^-9 each), and what is a block
/// depends on where slots lie. On these models, whose logits span a dozen nats, that shows as up to 0.03.
const SAME_BF16: f32 = 6e-2;
/// Enough slots, and more rows than any test has tokens.
const PLENTY: usize = 2000;

fn assert_same(a: &[TokenScore], b: &[TokenScore], tolerance: f32) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!(
            (a.logprob - b.logprob).abs() <= tolerance,
            "{} and {}",
            a.logprob,
            b.logprob
        );
        assert!(
            a.greedy == b.greedy || tolerance > SAME,
            "greedy at {} and {}",
            a.logprob,
            b.logprob
        );
    }
}

/// A tree: each node's parent (0 is the root, `i + 1` the node before) and tokens; and continuations below them.
#[derive(Debug, Clone)]
struct Scene {
    nodes: Vec<(usize, Vec<TokenId>)>,
    jobs: Vec<(usize, Vec<TokenId>)>,
}

impl Scene {
    fn any() -> impl Strategy<Value = Self> {
        // Few distinct tokens, so that continuations share beginnings.
        let tokens = |n| prop::collection::vec(0u32..4, n);
        let nodes = prop::collection::vec((0usize..8, prop::collection::vec(0u32..64, 0..12)), 0..6);
        let jobs = prop::collection::vec((0usize..8, tokens(0..7)), 1..14);
        (nodes, jobs).prop_map(|(nodes, jobs)| Self { nodes, jobs })
    }

    /// The tokens from the root to a node.
    fn path(&self, node: usize) -> Vec<TokenId> {
        match node.checked_sub(1) {
            None => vec![],
            Some(i) => [self.path(self.nodes[i].0 % (i + 1)), self.nodes[i].1.clone()].concat(),
        }
    }

    fn place(&self, wanted: usize) -> usize {
        wanted % (self.nodes.len() + 1)
    }

    fn build(&self, engine: &mut Engine) -> Vec<Node> {
        let mut made = vec![begin(engine)];
        for (i, (parent, tokens)) in self.nodes.iter().enumerate() {
            made.push(engine.extend(made[parent % (i + 1)], tokens).unwrap());
        }
        made
    }

    /// All continuations, packed.
    fn packed(&self, engine: &mut Engine) -> Vec<Vec<TokenScore>> {
        let nodes = self.build(engine);
        let jobs: Vec<_> = self
            .jobs
            .iter()
            .map(|(node, tokens)| (nodes[self.place(*node)], &tokens[..]))
            .collect();
        engine.score_many(&jobs).unwrap()
    }

    /// Each continuation with all that is before it, alone.
    fn alone(&self, config: &ModelConfig, kernels: &Kernels) -> Vec<Vec<TokenScore>> {
        let one = |(node, tokens): &(usize, Vec<TokenId>)| {
            let mut engine = engine_with(config, PLENTY, PLENTY, kernels);
            let before = self.path(self.place(*node));
            let all = [before.clone(), tokens.clone()].concat();
            let root = begin(&mut engine);
            let scores = engine.score(root, &[&all]).unwrap().remove(0);
            scores[before.len()..].to_vec()
        };
        self.jobs.iter().map(one).collect()
    }
}

fn cpu(dtype: DType) -> Kernels {
    Kernels::new(&Device::Cpu, dtype).unwrap()
}

proptest! {
    // Scenes are the same every time: in some other scene two logits may be as close as rounding.
    #![proptest_config(ProptestConfig { cases: 12, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn packed_and_shared_equals_alone(scene in Scene::any(), family in 0usize..5, rows in 1usize..9) {
        let config = &families()[family];
        let alone = scene.alone(config, &cpu(DType::F32));
        for rows in [rows, PLENTY] {
            let packed = scene.packed(&mut engine(config, PLENTY, rows));
            for (packed, alone) in packed.iter().zip(&alone) {
                assert_same(packed, alone, SAME);
            }
        }
    }

    #[test]
    fn packed_and_shared_equals_alone_in_bf16(scene in Scene::any(), family in 0usize..5) {
        let config = &families()[family];
        let alone = scene.alone(config, &cpu(DType::BF16));
        let packed = scene.packed(&mut engine_with(config, PLENTY, PLENTY, &cpu(DType::BF16)));
        for (packed, alone) in packed.iter().zip(&alone) {
            assert_same(packed, alone, SAME_BF16);
        }
    }

    #[test]
    fn slots_that_were_used_before_change_nothing(
        scene in Scene::any(), other in Scene::any(), family in 0usize..5, rows in 1usize..9,
    ) {
        let config = &families()[family];
        let fresh = scene.packed(&mut engine(config, PLENTY, PLENTY));
        // Barely room for both, so that slots are used again and runs of them are broken.
        let mut used = engine(config, 140, rows);
        let empty = used.free_tokens();
        let strangers = other.build(&mut used);
        let (kept, gone): (Vec<_>, Vec<_>) = strangers.into_iter().enumerate().partition(|(i, _)| i % 2 == 0);
        for (_, node) in gone {
            used.release(node);
        }
        let again = scene.packed(&mut used);
        for (again, fresh) in again.iter().zip(&fresh) {
            assert_same(again, fresh, SAME);
        }
        for (_, node) in kept {
            used.release(node);
        }
        prop_assert!(used.free_tokens() <= empty);
    }

    #[test]
    fn a_score_is_the_score_of_its_parts(
        before in prop::collection::vec(0u32..64, 0..20),
        tokens in prop::collection::vec(0u32..64, 0..20),
        cut in 0usize..20,
        family in 0usize..5,
    ) {
        let mut engine = engine(&families()[family], PLENTY, 7);
        let root = begin(&mut engine);
        let node = engine.extend(root, &before).unwrap();
        let (a, b) = tokens.split_at(cut.min(tokens.len()));
        let whole = engine.score(node, &[&tokens]).unwrap().remove(0);
        let mut parts = engine.score(node, &[a]).unwrap().remove(0);
        let after = engine.extend(node, a).unwrap();
        parts.extend(engine.score(after, &[b]).unwrap().remove(0));
        assert_same(&whole, &parts, SAME);
    }

    #[test]
    fn branches_together_equal_branches_alone(
        before in prop::collection::vec(0u32..64, 0..12),
        prompts in prop::collection::vec((prop::collection::vec(0u32..3, 0..6), 0usize..12, 0u32..4), 1..7),
        family in 0usize..5,
        temperature in prop::sample::select(vec![0f32, 0.8]),
        rows in prop::sample::select(vec![3usize, PLENTY]),
        slots in prop::sample::select(vec![40usize, PLENTY]),
    ) {
        let decoding = Decoding { temperature, top_p: 0.9, stop: vec![3, 17] };
        let config = &families()[family];
        let branch = |parent: Node, i: usize| {
            let (prompt, max_tokens, kind) = &prompts[i];
            let constraint: Option<Box<dyn Constraint>> = match kind {
                0 => None,
                kind => Some(Box::new(Grammar(*kind))),
            };
            Branch { parent, prompt: prompt.clone(), constraint, seed: i as u64, max_tokens: *max_tokens }
        };
        let mut together = engine(config, slots, rows);
        let root = begin(&mut together);
        let node = together.extend(root, &before).unwrap();
        // Some hang below a node of their own.
        let mut parents = vec![node; prompts.len()];
        for ((prompt, _, _), parent) in prompts.iter().zip(&mut parents).skip(2).step_by(3) {
            if let Some(&first) = prompt.first() {
                *parent = together.extend(node, &[first]).unwrap();
            }
        }
        let free = together.free_tokens();
        let branches = parents.iter().enumerate().map(|(i, &parent)| {
            let mut branch = branch(parent, i);
            if parent != node {
                branch.prompt.remove(0);
            }
            branch
        });
        let packed = together.generate(branches.collect(), &decoding).unwrap();
        prop_assert_eq!(together.free_tokens(), free);
        for (i, packed) in packed.iter().enumerate() {
            let mut alone = engine(config, PLENTY, PLENTY);
            let root = begin(&mut alone);
            let node = alone.extend(root, &before).unwrap();
            let one = alone.generate(vec![branch(node, i)], &decoding).unwrap().remove(0);
            prop_assert_eq!(&packed.tokens, &one.tokens);
            prop_assert_eq!(packed.finish, one.finish);
            prop_assert_eq!((packed.tokens.len(), packed.tokens.len()), (packed.logprobs.len(), packed.invalid_mass.len()));
            // What was generated scores the same when it is given.
            let node = alone.extend(node, &prompts[i].0).unwrap();
            let scored = alone.score(node, &[&packed.tokens]).unwrap().remove(0);
            for (j, score) in scored.iter().enumerate() {
                prop_assert!((packed.logprobs[j] - score.logprob).abs() <= SAME);
                prop_assert!((packed.invalid_mass[j] - one.invalid_mass[j]).abs() <= SAME);
                let allowed = Grammar(prompts[i].2).allowed(&packed.tokens[..j]);
                let expected = match allowed {
                    Allowed::Only(allowed) if prompts[i].2 > 0 => {
                        let node = alone.extend(node, &packed.tokens[..j]).unwrap();
                        let mut allowed = allowed.clone();
                        allowed.sort_unstable();
                        allowed.dedup();
                        let singles: Vec<&[TokenId]> = allowed.chunks(1).collect();
                        let scores = alone.score(node, &singles).unwrap();
                        1. - scores.iter().map(|score| score[0].logprob.exp()).sum::<f32>()
                    }
                    _ => 0.,
                };
                prop_assert!((packed.invalid_mass[j] - expected).abs() <= 10. * SAME);
            }
        }
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
        let root = begin(&mut engine);
        let node = engine.extend(root, &[5, 9, 33]).unwrap();
        let branch = Branch {
            parent: node,
            prompt: vec![7],
            constraint: None,
            seed: 0,
            max_tokens: 12,
        };
        let decoding = Decoding {
            temperature: 0.,
            top_p: 1.,
            stop: vec![],
        };
        let generated = engine.generate(vec![branch], &decoding).unwrap().remove(0);
        assert_eq!((generated.tokens.len(), generated.finish), (12, Finish::Length));
        let given = [vec![7], generated.tokens].concat();
        let scores = engine.score(node, &[&given]).unwrap().remove(0);
        assert!(scores[1..].iter().all(|score| score.greedy));
    }
}

#[test]
fn logits_are_those_that_scores_come_from() {
    let mut engine = engine(&config(Family::Llama), PLENTY, 3);
    let tokens: Vec<TokenId> = vec![4, 8, 15, 16, 23, 42];
    let root = begin(&mut engine);
    let logits = engine.logits(root, &tokens).unwrap().to_vec2::<f32>().unwrap();
    let scores = engine.score(root, &[&tokens]).unwrap().remove(0);
    for (i, row) in logits[..5].iter().enumerate() {
        let token = tokens[i + 1] as usize;
        let logprob = super::writer::log_softmax(row)[token];
        assert!((logprob - scores[i + 1].logprob).abs() < SAME);
    }
}

#[test]
fn what_is_shared_is_computed_once() {
    let mut engine = engine(&config(Family::Llama), PLENTY, PLENTY);
    let root = begin(&mut engine);
    assert_eq!((engine.computed_tokens(), engine.depth(root)), (1, 1));
    let a = engine.extend(root, &[1, 2, 3, 4]).unwrap();
    assert_eq!(engine.computed_tokens(), 5);
    // The last token of a continuation is never computed, and [7, 8] only once.
    engine
        .score(a, &[&[7, 8, 9], &[7, 8, 10], &[7, 8], &[7], &[11], &[]])
        .unwrap();
    assert_eq!(engine.computed_tokens(), 7);
    let branch = |prompt: &[TokenId]| Branch {
        parent: a,
        prompt: prompt.to_vec(),
        constraint: None,
        seed: 0,
        max_tokens: 2,
    };
    let decoding = Decoding {
        temperature: 0.,
        top_p: 1.,
        stop: vec![],
    };
    engine
        .generate(vec![branch(&[5, 6, 7]), branch(&[5, 6, 8]), branch(&[])], &decoding)
        .unwrap();
    assert_eq!(engine.computed_tokens(), 7 + 4 + 3);
}

#[test]
fn what_cannot_be_done_is_refused_before_any_work() {
    let small = ModelConfig {
        context: 20,
        ..config(Family::Llama)
    };
    let mut engine = engine(&small, 12, PLENTY);
    let root = begin(&mut engine);
    let (free, computed) = (engine.free_tokens(), engine.computed_tokens());
    let long = [1; 20];
    let is_context = |error| matches!(error, ModelError::ContextLength { limit: 20, .. });
    assert!(is_context(engine.extend(root, &long).unwrap_err()));
    // The last token of a continuation is never fed, so one more than the context can be scored; there is no room here.
    let slots = engine.score(root, &[&[1], &long]).unwrap_err();
    assert!(matches!(slots, ModelError::OutOfSlots { .. }));
    assert!(is_context(engine.score(root, &[&[1], &[1; 21]]).unwrap_err()));
    let slots = engine.extend(root, &[1; 12]).unwrap_err();
    assert!(matches!(slots, ModelError::OutOfSlots { needed: 12, free: 11 }));
    let slots = engine.score(root, &[&[1], &[1; 13]]).unwrap_err();
    assert!(matches!(slots, ModelError::OutOfSlots { needed: 12, free: 11 }));
    let unknown = engine.score(root, &[&[1], &[2, 64]]).unwrap_err();
    assert!(matches!(
        unknown,
        ModelError::UnknownToken {
            token: 64,
            vocabulary: 64
        }
    ));
    assert!(matches!(
        engine.extend(Node(99), &[1]),
        Err(ModelError::UnknownNode(Node(99)))
    ));
    assert_eq!((engine.free_tokens(), engine.computed_tokens()), (free, computed));

    let mut bare = engine_with(&small, 12, PLENTY, &cpu(DType::F32));
    let root = bare.root();
    assert!(matches!(bare.score(root, &[&[1, 2]]), Err(ModelError::NoContext)));
    let node = bare.extend(root, &[1]).unwrap();
    assert_eq!((bare.depth(root), bare.depth(node)), (0, 1));
    assert!(bare.score(node, &[&[2]]).is_ok());
}

#[test]
fn slots_come_back_after_an_error_on_the_way() {
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
    let mut engine = engine(&config(Family::Llama), 100, PLENTY);
    let root = begin(&mut engine);
    let free = engine.free_tokens();
    let branch = || Branch {
        parent: root,
        prompt: vec![1, 2],
        constraint: Some(Box::new(Wrong)),
        seed: 0,
        max_tokens: 20,
    };
    let decoding = Decoding {
        temperature: 0.,
        top_p: 1.,
        stop: vec![],
    };
    let error = engine.generate(vec![branch(), branch()], &decoding).unwrap_err();
    assert!(matches!(error, ModelError::UnknownToken { token: 640, .. }));
    assert_eq!(engine.free_tokens(), free);
}

#[test]
fn a_generation_ends_where_the_context_does() {
    let small = ModelConfig {
        context: 10,
        ..config(Family::Llama)
    };
    let mut engine = engine(&small, 50, PLENTY);
    let root = begin(&mut engine);
    let branch = Branch {
        parent: root,
        prompt: vec![1, 2, 3],
        constraint: None,
        seed: 0,
        max_tokens: 99,
    };
    let decoding = Decoding {
        temperature: 0.,
        top_p: 1.,
        stop: vec![],
    };
    let generated = engine.generate(vec![branch], &decoding).unwrap().remove(0);
    assert_eq!((generated.tokens.len(), generated.finish), (6, Finish::Length));
}
