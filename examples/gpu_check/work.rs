//! The work unit W, a person and split of the paper's protocol, and what it takes.

use candle_core::Device;
use indieval::model::{Batch, Engine, LanguageModel, ModelConfig, ScoreRequest, TokenId, TokenScore};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::{error::Error, time::Instant};

/// How much is asked.
#[derive(Clone, Copy)]
pub struct WorkSize {
    pub prefix: usize,
    pub continuations: usize,
    /// Tokens of each, of which the last one is scored and not fed.
    pub tokens: usize,
}

/// W.
pub const W: WorkSize = WorkSize {
    prefix: 3500,
    continuations: 87,
    tokens: 15,
};

/// What is asked about some people: each a prefix of its own and continuations.
pub struct Work {
    people: Vec<(Vec<TokenId>, Vec<Vec<TokenId>>)>,
}

impl Work {
    pub fn new(size: WorkSize, people: usize, vocabulary: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let mut tokens = |n: usize| -> Vec<TokenId> {
            let below = |word: u32| word % vocabulary as u32;
            (0..n).map(|_| below(random.next_u32())).collect()
        };
        let mut person = |_| {
            let prefix = tokens(size.prefix);
            (prefix, (0..size.continuations).map(|_| tokens(size.tokens)).collect())
        };
        Self {
            people: (0..people).map(&mut person).collect(),
        }
    }

    pub fn requests(&self) -> Vec<ScoreRequest<'_>> {
        let mut all = Vec::new();
        for (context, continuations) in &self.people {
            all.extend(
                continuations
                    .iter()
                    .map(|continuation| ScoreRequest { context, continuation }),
            );
        }
        all
    }

    /// The prefixes.
    pub fn prefixes(&self) -> impl Iterator<Item = &[TokenId]> {
        self.people.iter().map(|(prefix, _)| &prefix[..])
    }
}

impl WorkSize {
    /// Floating-point operations of one person: of each token that is fed its products and its attention to what precedes
    /// it, and the head behind each that a scored one follows.
    pub fn flops(self, config: &ModelConfig) -> f64 {
        let fed = self.continuations * (self.tokens - 1);
        let heads = (2 * config.heads + 2 * config.kv_heads) * config.head_dim;
        let used = config.mixture.map_or(1, |mixture| mixture.routing.used);
        let products = config.layers * config.hidden * (heads + 3 * used * config.intermediate);
        let pairs = self.prefix * (self.prefix + 1) / 2
            + fed * self.prefix
            + self.continuations * self.tokens * (self.tokens - 1) / 2;
        let attention = 4 * config.layers * config.heads * config.head_dim * pairs;
        let head = 2 * (fed + 1) * config.hidden * config.vocabulary;
        (2 * (self.prefix + fed) * products + attention + head) as f64
    }
}

/// The scores of each continuation's tokens.
pub type Scores = Vec<Vec<TokenScore>>;

/// Scores requests. Returns them with the seconds that it took.
pub fn score(
    engine: &mut Engine,
    device: &Device,
    requests: &[ScoreRequest<'_>],
) -> Result<(Scores, f64), Box<dyn Error>> {
    let begun = Instant::now();
    let batch = Batch {
        scores: requests,
        texts: &mut [],
    };
    let scores = engine.answer(batch)?.scores;
    device.synchronize()?;
    Ok((scores, begun.elapsed().as_secs_f64()))
}

/// The least of some runs' seconds, behind one that warms up.
pub fn best_of(
    runs: usize,
    engine: &mut Engine,
    device: &Device,
    requests: &[ScoreRequest<'_>],
) -> Result<f64, Box<dyn Error>> {
    score(engine, device, requests)?;
    let mut least = f64::INFINITY;
    for _ in 0..runs {
        least = least.min(score(engine, device, requests)?.1);
    }
    Ok(least)
}
