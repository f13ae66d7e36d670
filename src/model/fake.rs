//! A deterministic stand-in for a language model, so that the whole program can be tested without weights.
//!
//! Logits come from a hash of the path's tokens, so every invariant of a real model holds by construction: a path's
//! distribution depends on its tokens alone, however they were shared, packed or chunked. Only integer hashing and
//! portable `exp` and `log` are used: the same seed gives the same bits on every machine.

use std::collections::HashMap;

use super::asked::{after, asked};
use super::contract::{Answers, Batch, LanguageModel, Limits, ModelError, TextRequest, TokenId, TokenScore, Tokens};
use super::forest::Forest;
use super::kernels::drawn::{self, DrawnWeights, mix};
use super::writer::Writer;

/// Tokens of history that a repetition is recognised by.
const GRAM: usize = 5;

/// Spread of the random logits, nats: uniform in [0, SPREAD).
const SPREAD: f64 = 2.0;

/// What a token takes, about: itself, and what followed on it.
pub(super) const TOKEN_BYTES: u64 = 64;

/// Tokens of a batch: some seconds of work.
const FAKE_BATCH: usize = 1 << 18;

/// What a fake model is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct FakeConfig {
    /// Decides every logit.
    pub seed: u64,
    /// Number of tokens; 258 fits the byte tokenizer.
    pub vocabulary: usize,
    /// Longest path in tokens.
    pub context_length: usize,
    /// Tokens that one request may have.
    pub capacity: usize,
    /// How strongly text that continues as it did before on the same path is preferred: after five tokens that the
    /// path has seen before, the weight of what followed them is multiplied by up to 1 + taste. 0: not at all.
    pub taste: f64,
}

impl FakeConfig {
    /// A model of bytes (tokens 0-255, BOS 256, which its texts begin with, end 257) that likes to repeat its context.
    pub fn bytes(seed: u64) -> Self {
        Self {
            seed,
            vocabulary: 258,
            context_length: 1 << 17,
            capacity: 1 << 18,
            taste: 2000.0,
        }
    }
}

/// See the module.
pub struct FakeModel {
    config: FakeConfig,
    /// exp of the logits.
    drawn: DrawnWeights,
}

/// The end of a path.
#[derive(Clone)]
struct PathEnd {
    hash: u64,
    /// The last `GRAM` tokens, newest last.
    recent: Vec<TokenId>,
    /// What its last token is remembered by as having followed.
    remembered: Option<u64>,
}

/// A path on its way through a forest.
struct FakePath<'m> {
    model: &'m FakeModel,
    /// The path's ends after each of its tokens; the first one is before any.
    ends: Vec<PathEnd>,
    /// What followed each run of `GRAM` tokens on the path, with counts.
    seen: HashMap<u64, Vec<(TokenId, u32)>>,
}

impl FakeModel {
    /// Makes the model; nothing can fail.
    pub fn new(config: FakeConfig) -> Self {
        let drawn = DrawnWeights::new(config.vocabulary, |value| libm::exp(SPREAD * value as f64 / 256.0));
        Self { config, drawn }
    }

    /// Refuses what does not fit into the room that it was given.
    fn check_room(&self, batch: &Batch<'_, '_>) -> Result<(), ModelError> {
        for (request, path) in batch.paths().iter().enumerate() {
            let text = request
                .checked_sub(batch.scores.len())
                .map(|text| batch.texts[text].max_tokens());
            let tokens = path.len() + text.unwrap_or(0);
            if tokens > self.config.capacity {
                return Err(ModelError::Memory {
                    request,
                    needed: tokens as u64 * TOKEN_BYTES,
                    free: self.config.capacity as u64 * TOKEN_BYTES,
                });
            }
        }
        Ok(())
    }
}

impl<'m> FakePath<'m> {
    fn new(model: &'m FakeModel) -> Self {
        let end = PathEnd {
            hash: mix(model.config.seed),
            recent: Vec::new(),
            remembered: None,
        };
        Self {
            model,
            ends: vec![end],
            seen: HashMap::new(),
        }
    }

    fn end(&self) -> &PathEnd {
        // There is one before the first token, which is never taken.
        &self.ends[self.ends.len() - 1]
    }

    fn push(&mut self, token: TokenId) {
        let before = self.end();
        let remembered = before.key().filter(|_| self.model.config.taste > 0.0);
        let kept = before.recent.len().saturating_sub(GRAM - 1);
        let recent = before.recent[kept..].iter().copied().chain([token]).collect();
        let hash = mix(before.hash ^ (u64::from(token) + 1));
        if let Some(key) = remembered {
            let followers = self.seen.entry(key).or_default();
            match followers.iter_mut().find(|entry| entry.0 == token) {
                Some(entry) => entry.1 += 1,
                None => followers.push((token, 1)),
            }
        }
        self.ends.push(PathEnd {
            hash,
            recent,
            remembered,
        });
    }

    /// Back to a path of `tokens` tokens.
    fn cut(&mut self, tokens: usize) {
        for end in self.ends.drain(tokens + 1..).rev() {
            let last = end.recent.last().copied();
            let followers = end.remembered.and_then(|key| self.seen.get_mut(&key));
            if let (Some(followers), Some(token)) = (followers, last)
                && let Some(at) = followers.iter().position(|entry| entry.0 == token)
            {
                followers[at].1 -= 1;
                if followers[at].1 == 0 {
                    followers.remove(at);
                }
            }
        }
    }

    /// Weight of each token that may follow, and their sum.
    fn distribution(&self) -> (Vec<f64>, f64) {
        let end = self.end();
        let mut weights = Vec::with_capacity(self.model.config.vocabulary);
        self.model.drawn.after(end.hash, &mut weights);
        let mut followers = end
            .key()
            .and_then(|key| self.seen.get(&key))
            .cloned()
            .unwrap_or_default();
        followers.sort_unstable();
        let count: u32 = followers.iter().map(|entry| entry.1).sum();
        for (token, times) in followers {
            weights[token as usize] *= 1.0 + self.model.config.taste * f64::from(times) / f64::from(count);
        }
        let total = drawn::sum(&weights);
        (weights, total)
    }

    fn score(&self, token: TokenId) -> TokenScore {
        let (weights, total) = self.distribution();
        let weight = weights[token as usize];
        TokenScore {
            logprob: libm::log(weight / total) as f32,
            greedy: drawn::is_highest(weight, &weights),
        }
    }

    /// All texts that a request wants after the path, which is as it was afterwards. Returns what they take.
    fn write(&mut self, text: &mut dyn TextRequest) -> Tokens {
        let prompt = self.ends.len() - 1;
        let most = text.max_tokens().min(self.model.config.context_length - prompt);
        let mut tokens = Tokens::default();
        while let Some(attempt) = text.begin() {
            let mut writer = Writer::new(attempt, most);
            while !writer.is_over() {
                let (weights, total) = self.distribution();
                let logprobs: Vec<f32> = weights.iter().map(|w| libm::log(w / total) as f32).collect();
                if let Some(token) = writer.step(&logprobs) {
                    self.push(token);
                }
            }
            self.cut(prompt);
            let written = writer.take();
            let more = written.tokens.len().saturating_sub(1) as u64;
            tokens += Tokens {
                shared: more,
                alone: prompt as u64 + more,
            };
            text.finish(written);
        }
        tokens
    }
}

impl PathEnd {
    /// What the last tokens are looked up by; absent near the start of a path.
    fn key(&self) -> Option<u64> {
        (self.recent.len() == GRAM).then(|| {
            self.recent
                .iter()
                .fold(0, |hash, &token| mix(hash ^ (u64::from(token) + 1)))
        })
    }
}

impl LanguageModel for FakeModel {
    fn answer(&mut self, batch: Batch<'_, '_>) -> Result<Answers, ModelError> {
        batch.check(self.config.context_length, self.config.vocabulary)?;
        self.check_room(&batch)?;
        let paths = batch.paths();
        let forest = Forest::new(&paths);
        let mut tokens = Tokens {
            shared: forest.len() as u64,
            alone: paths[..batch.scores.len()].iter().map(|path| path.len() as u64).sum(),
        };
        let all: Vec<usize> = (0..batch.scores.len()).collect();
        let asked = asked(&forest, &all, &batch);
        let none = TokenScore {
            logprob: 0.,
            greedy: false,
        };
        let rows = batch
            .scores
            .iter()
            .map(|request| vec![none; request.continuation.len()]);
        let mut scores: Vec<Vec<TokenScore>> = rows.collect();
        let mut ends: Vec<(usize, usize)> = (0..batch.texts.len())
            .filter_map(|text| Some((forest.end(batch.scores.len() + text)?, text)))
            .collect();
        ends.sort_unstable();
        let mut path = FakePath::new(self);
        // Number of tokens on the path that ends with each token.
        let mut depths = vec![0; forest.len()];
        for (token, &id) in forest.tokens().iter().enumerate() {
            let before = forest.before(token).map_or(0, |before| depths[before]);
            depths[token] = before + 1;
            path.cut(before);
            path.push(id);
            for asked in after(&asked, token) {
                let wanted = batch.scores[asked.request].continuation[asked.place];
                scores[asked.request][asked.place] = path.score(wanted);
            }
            let from = ends.partition_point(|&(end, _)| end < token);
            for &(_, text) in ends[from..].iter().take_while(|&&(end, _)| end == token) {
                tokens += path.write(&mut *batch.texts[text]);
            }
        }
        Ok(Answers { scores, tokens })
    }

    fn limits(&self) -> Limits {
        Limits {
            context: self.config.context_length,
            batch: self.config.capacity.min(FAKE_BATCH),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ScoreRequest, testing::PlainText};
    use proptest::prelude::*;

    fn model(taste: f64) -> FakeModel {
        FakeModel::new(FakeConfig {
            seed: 3,
            vocabulary: 11,
            context_length: 64,
            capacity: 40,
            taste,
        })
    }

    fn sum(row: &[TokenScore]) -> f64 {
        row.iter().map(|score| f64::from(score.logprob)).sum()
    }

    fn scores(model: &mut FakeModel, context: &[TokenId], continuations: &[&[TokenId]]) -> Vec<Vec<TokenScore>> {
        let requests: Vec<ScoreRequest<'_>> = continuations
            .iter()
            .map(|&continuation| ScoreRequest { context, continuation })
            .collect();
        let batch = Batch {
            scores: &requests,
            texts: &mut [],
        };
        model.answer(batch).expect("scores").scores
    }

    #[test]
    fn bits_are_the_same_on_every_machine() {
        let mut model = FakeModel::new(FakeConfig::bytes(7));
        let tokens: Vec<TokenId> = b"indieval".iter().map(|&byte| byte.into()).collect();
        let row = &scores(&mut model, &[256], &[&tokens])[0];
        let bits: Vec<u32> = row.iter().map(|score| score.logprob.to_bits()).collect();
        assert_eq!(bits, GOLDEN, "{row:?}");
    }

    const GOLDEN: [u32; 8] = [
        3_233_196_586,
        3_233_198_091,
        3_233_647_903,
        3_235_200_774,
        3_233_457_466,
        3_233_545_393,
        3_234_642_159,
        3_233_734_991,
    ];

    #[test]
    fn a_distribution_sums_to_one_and_has_one_greedy_token() {
        let mut model = model(5.0);
        let all: Vec<[TokenId; 1]> = (0..11).map(|token| [token]).collect();
        let all: Vec<&[TokenId]> = all.iter().map(|token| token.as_slice()).collect();
        let rows = scores(&mut model, &[10], &all);
        let mass: f64 = rows.iter().map(|row| libm::exp(sum(row))).sum();
        assert!((mass - 1.0).abs() < 1e-5, "{mass}");
        let greedy: Vec<usize> = (0..11).filter(|&token| rows[token][0].greedy).collect();
        let mut text = PlainText::greedy(&[10], 1);
        let batch = Batch {
            scores: &[],
            texts: &mut [&mut text],
        };
        let tokens = model.answer(batch).expect("a text").tokens;
        assert_eq!(tokens, Tokens { shared: 1, alone: 1 });
        let generated = &text.written[0];
        assert_eq!(generated.tokens, [greedy[0] as TokenId]);
        assert_eq!(generated.logprobs, [rows[greedy[0]][0].logprob]);
    }

    #[test]
    fn what_a_real_model_refuses_is_refused() {
        let mut bare = model(0.0);
        let mut refused = |context: &[TokenId], continuation: &[TokenId]| {
            let batch = Batch {
                scores: &[ScoreRequest { context, continuation }],
                texts: &mut [],
            };
            bare.answer(batch).err()
        };
        assert!(matches!(refused(&[], &[1]), Some(ModelError::NoContext)));
        let room = refused(&[1; 40], &[1; 2]);
        assert!(
            matches!(
                room,
                Some(ModelError::Memory {
                    request: 0,
                    needed: 2624,
                    free: 2560
                })
            ),
            "{room:?}"
        );
        assert!(refused(&[1; 39], &[1; 2]).is_none(), "the last token is never fed");
        let long = refused(&[1; 60], &[1; 6]);
        assert!(matches!(
            long,
            Some(ModelError::ContextLength { tokens: 65, limit: 64 })
        ));
        assert!(matches!(
            refused(&[1], &[11]),
            Some(ModelError::UnknownToken { token: 11, .. })
        ));
    }

    proptest! {
        /// The chain rule, and sharing that does not show: wherever a path is cut into context and continuation and whatever
        /// is beside it, its tokens' log-probabilities are the same bits.
        #[test]
        fn cuts_and_company_do_not_show(
            path in proptest::collection::vec(0u32..3, 2..30), a in 0usize..30, b in 0usize..30, taste in 0u8..2,
        ) {
            let mut model = model(f64::from(taste) * 50.0);
            let path = [vec![10], path].concat();
            let whole = scores(&mut model, &path[..1], &[&path[1..]]);
            let (a, b) = (1 + a % (path.len() - 1), 1 + b % (path.len() - 1));
            let cut = |at: usize| ScoreRequest { context: &path[..at], continuation: &path[at..] };
            let other = ScoreRequest { context: &path[..a], continuation: &[9, 9, 9] };
            let batch = Batch { scores: &[cut(a), other, cut(b)], texts: &mut [] };
            let answers = model.answer(batch).expect("scores");
            prop_assert_eq!(&whole[0][a - 1..], &answers.scores[0][..]);
            prop_assert_eq!(&whole[0][b - 1..], &answers.scores[2][..]);
            prop_assert!(answers.tokens.shared <= answers.tokens.alone);
        }
    }
}
