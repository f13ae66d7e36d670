//! A deterministic stand-in for a language model, so that the whole program can be tested without weights.
//!
//! Logits come from a hash of the path's tokens, so every invariant of a real model holds by construction: a path's
//! distribution depends on its tokens alone, however they were shared, packed or chunked. Only integer hashing and
//! portable `exp` and `log` are used: the same seed gives the same bits on every machine.

use std::collections::HashMap;

use super::contract::{Branch, Decoding, Generation, LanguageModel, ModelError, Node, TokenId, TokenScore};
use super::writer::Writer;

/// Tokens of history that a repetition is recognised by.
const GRAM: usize = 5;

/// Spread of the random logits, nats: uniform in [0, SPREAD).
const SPREAD: f64 = 2.0;

/// What a fake model is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct FakeConfig {
    /// Decides every logit.
    pub seed: u64,
    /// Number of tokens; 258 fits the byte tokenizer.
    pub vocabulary: usize,
    /// Longest path in tokens.
    pub context_length: usize,
    /// Tokens that can be held in nodes at once.
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
    /// exp of the 256 possible logits.
    weights: Vec<f64>,
    nodes: HashMap<Node, FakeNode>,
    root: Node,
    next: u64,
    held: usize,
    computed: u64,
    /// Times that texts were generated together.
    pub(crate) generations: usize,
}

/// One node: what its path looks like from its end.
struct FakeNode {
    parent: Option<Node>,
    children: usize,
    /// Number of its own tokens.
    own: usize,
    end: PathEnd,
    seen: Seen,
}

/// The end of a path.
#[derive(Clone)]
struct PathEnd {
    hash: u64,
    depth: usize,
    /// The last `GRAM` tokens, newest last.
    recent: Vec<TokenId>,
}

/// What followed each run of `GRAM` tokens, with counts.
type Seen = HashMap<u64, Vec<(TokenId, u32)>>;

impl FakeModel {
    /// Makes the model; nothing can fail.
    pub fn new(config: FakeConfig) -> Self {
        let weights = (0..256).map(|i| libm::exp(SPREAD * f64::from(i) / 256.0)).collect();
        let end = PathEnd {
            hash: mix(config.seed),
            depth: 0,
            recent: Vec::new(),
        };
        let root = Node(0);
        let held = FakeNode {
            parent: None,
            children: 0,
            own: 0,
            end,
            seen: Seen::new(),
        };
        Self {
            config,
            weights,
            nodes: HashMap::from([(root, held)]),
            root,
            next: 1,
            held: 0,
            computed: 0,
            generations: 0,
        }
    }

    fn node(&self, node: Node) -> Result<&FakeNode, ModelError> {
        self.nodes.get(&node).ok_or(ModelError::UnknownNode(node))
    }

    fn check(&self, depth: usize, tokens: &[TokenId], unfed: usize) -> Result<(), ModelError> {
        let vocabulary = self.config.vocabulary;
        if let Some(&token) = tokens.iter().find(|&&token| token as usize >= vocabulary) {
            return Err(ModelError::UnknownToken { token, vocabulary });
        }
        let limit = self.config.context_length;
        match depth + tokens.len().saturating_sub(unfed) {
            tokens if tokens > limit => Err(ModelError::ContextLength { tokens, limit }),
            _ => Ok(()),
        }
    }

    /// How often each token followed the cursor's last tokens on its path: at `node` and above, and in `local`.
    fn followers(&self, node: Node, local: &Seen, cursor: &PathEnd) -> Vec<(TokenId, u32)> {
        let mut found: Vec<(TokenId, u32)> = Vec::new();
        let Some(key) = cursor.key().filter(|_| self.config.taste > 0.0) else {
            return found;
        };
        let mut add = |seen: &Seen| {
            for &(token, count) in seen.get(&key).into_iter().flatten() {
                match found.iter_mut().find(|entry| entry.0 == token) {
                    Some(entry) => entry.1 += count,
                    None => found.push((token, count)),
                }
            }
        };
        add(local);
        let mut at = Some(node);
        while let Some(held) = at.and_then(|node| self.nodes.get(&node)) {
            add(&held.seen);
            at = held.parent;
        }
        found.sort_unstable();
        found
    }

    /// Weight of each token after the cursor, and their sum.
    fn distribution(&self, node: Node, local: &Seen, cursor: &PathEnd) -> (Vec<f64>, f64) {
        let mut weights: Vec<f64> = (0..self.config.vocabulary as u64)
            .map(|token| self.weights[(mix(cursor.hash ^ mix(token + 1)) >> 56) as usize])
            .collect();
        let followers = self.followers(node, local, cursor);
        let count: u32 = followers.iter().map(|entry| entry.1).sum();
        for (token, times) in followers {
            weights[token as usize] *= 1.0 + self.config.taste * f64::from(times) / f64::from(count);
        }
        let total = weights.iter().sum();
        (weights, total)
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

    fn push(&mut self, token: TokenId, seen: &mut Seen, remember: bool) {
        if remember && let Some(key) = self.key() {
            let followers = seen.entry(key).or_default();
            match followers.iter_mut().find(|entry| entry.0 == token) {
                Some(entry) => entry.1 += 1,
                None => followers.push((token, 1)),
            }
        }
        if self.recent.len() == GRAM {
            self.recent.remove(0);
        }
        self.recent.push(token);
        self.hash = mix(self.hash ^ (u64::from(token) + 1));
        self.depth += 1;
    }
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): every input bit reaches every output bit.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl LanguageModel for FakeModel {
    fn root(&self) -> Node {
        self.root
    }

    fn extend(&mut self, parent: Node, tokens: &[TokenId]) -> Result<Node, ModelError> {
        let above = self.node(parent)?;
        self.check(above.end.depth, tokens, 0)?;
        let free = self.free_tokens();
        if tokens.len() > free {
            return Err(ModelError::OutOfSlots {
                needed: tokens.len(),
                free,
            });
        }
        let mut end = above.end.clone();
        let mut seen = Seen::new();
        for &token in tokens {
            end.push(token, &mut seen, self.config.taste > 0.0);
        }
        let node = Node(self.next);
        self.next += 1;
        self.held += tokens.len();
        self.computed += tokens.len() as u64;
        if let Some(above) = self.nodes.get_mut(&parent) {
            above.children += 1;
        }
        let held = FakeNode {
            parent: Some(parent),
            children: 0,
            own: tokens.len(),
            end,
            seen,
        };
        self.nodes.insert(node, held);
        Ok(node)
    }

    fn score_many(&mut self, jobs: &[(Node, &[TokenId])]) -> Result<Vec<Vec<TokenScore>>, ModelError> {
        let mut scores = Vec::with_capacity(jobs.len());
        for &(node, tokens) in jobs {
            let mut cursor = self.node(node)?.end.clone();
            // The last token predicts nothing, so it needs no place in the context.
            self.check(cursor.depth, tokens, 1)?;
            if cursor.depth == 0 && !tokens.is_empty() {
                return Err(ModelError::NoContext);
            }
            let mut local = Seen::new();
            let mut row = Vec::with_capacity(tokens.len());
            for &token in tokens {
                let (weights, total) = self.distribution(node, &local, &cursor);
                let weight = weights[token as usize];
                row.push(TokenScore {
                    logprob: libm::log(weight / total) as f32,
                    greedy: weights.iter().all(|&other| other <= weight),
                });
                cursor.push(token, &mut local, self.config.taste > 0.0);
            }
            self.computed += tokens.len() as u64;
            scores.push(row);
        }
        Ok(scores)
    }

    fn generate(&mut self, branches: Vec<Branch>, decoding: &Decoding) -> Result<Vec<Generation>, ModelError> {
        self.generations += 1;
        let mut generations = Vec::with_capacity(branches.len());
        for branch in branches {
            let parent = branch.parent;
            let mut cursor = self.node(parent)?.end.clone();
            let mut local = Seen::new();
            self.check(cursor.depth, &branch.prompt, 0)?;
            for &token in &branch.prompt {
                cursor.push(token, &mut local, self.config.taste > 0.0);
                self.computed += 1;
            }
            if cursor.depth == 0 {
                return Err(ModelError::NoContext);
            }
            let mut writer = Writer::new(branch);
            while !writer.is_over() {
                let (weights, total) = self.distribution(parent, &local, &cursor);
                let logprobs: Vec<f32> = weights.iter().map(|w| libm::log(w / total) as f32).collect();
                if let Some(token) = writer.step(&logprobs, decoding) {
                    self.check(cursor.depth, &[token], 0)?;
                    cursor.push(token, &mut local, self.config.taste > 0.0);
                    self.computed += 1;
                }
            }
            generations.push(writer.finish());
        }
        Ok(generations)
    }

    fn release(&mut self, node: Node) {
        let free = self.nodes.get(&node).is_some_and(|held| held.children == 0);
        if node == self.root || !free {
            return;
        }
        if let Some(held) = self.nodes.remove(&node) {
            self.held -= held.own;
            if let Some(above) = held.parent.and_then(|parent| self.nodes.get_mut(&parent)) {
                above.children -= 1;
            }
        }
    }

    fn depth(&self, node: Node) -> usize {
        self.nodes.get(&node).map_or(0, |held| held.end.depth)
    }

    fn context_length(&self) -> usize {
        self.config.context_length
    }

    fn free_tokens(&self) -> usize {
        self.config.capacity - self.held
    }

    fn computed_tokens(&self) -> u64 {
        self.computed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn bits_are_the_same_on_every_machine() {
        let mut model = FakeModel::new(FakeConfig::bytes(7));
        let tokens: Vec<TokenId> = b"indieval".iter().map(|&byte| byte.into()).collect();
        let start = model.extend(model.root(), &[256]).expect("a node");
        let row = &model.score(start, &[&tokens]).expect("scores")[0];
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
        let start = model.extend(model.root(), &[10]).expect("a node");
        let all: Vec<[TokenId; 1]> = (0..11).map(|token| [token]).collect();
        let all: Vec<&[TokenId]> = all.iter().map(|token| token.as_slice()).collect();
        let rows = model.score(start, &all).expect("scores");
        let mass: f64 = rows.iter().map(|row| libm::exp(sum(row))).sum();
        assert!((mass - 1.0).abs() < 1e-5, "{mass}");
        let greedy: Vec<usize> = (0..11).filter(|&token| rows[token][0].greedy).collect();
        let decoding = Decoding {
            temperature: 0.0,
            top_p: 1.0,
            stop: vec![],
        };
        let branch = Branch {
            parent: start,
            prompt: vec![],
            constraint: None,
            seed: 0,
            max_tokens: 1,
        };
        let generated = &model.generate(vec![branch], &decoding).expect("text")[0];
        assert_eq!(generated.tokens, [greedy[0] as TokenId]);
        assert_eq!(generated.logprobs, [rows[greedy[0]][0].logprob]);
    }

    #[test]
    fn what_a_real_model_refuses_is_refused() {
        let mut bare = model(0.0);
        assert!(matches!(bare.score(bare.root(), &[&[1]]), Err(ModelError::NoContext)));
        let node = bare.extend(bare.root(), &[1; 40]).expect("a node");
        let full = bare.extend(node, &[1]);
        assert!(matches!(full, Err(ModelError::OutOfSlots { needed: 1, free: 0 })));
        let last = bare.score(node, &[&[1; 25]]);
        assert!(last.is_ok(), "the last token is never fed");
        let long = bare.score(node, &[&[1; 26]]);
        assert!(matches!(long, Err(ModelError::ContextLength { tokens: 65, limit: 64 })));
        assert!(matches!(
            bare.score(node, &[&[11]]),
            Err(ModelError::UnknownToken { token: 11, .. })
        ));
        bare.release(node);
        assert!(matches!(bare.score(node, &[&[1]]), Err(ModelError::UnknownNode(_))));
        assert_eq!(bare.free_tokens(), 40);
    }

    proptest! {
        /// The chain rule, and sharing that does not show: however a path is cut into nodes and a continuation, the
        /// tokens' log-probabilities are the same bits.
        #[test]
        fn cuts_do_not_show(
            path in proptest::collection::vec(0u32..11, 2..30), a in 0usize..30, b in 0usize..30, taste in 0u8..2,
        ) {
            let mut model = model(f64::from(taste) * 50.0);
            let root = model.extend(model.root(), &[10]).expect("a node");
            let whole = model.score(root, &[&path]).expect("scores");
            let (a, b) = (a.min(b) % path.len(), a.max(b) % path.len());
            let (a, b) = (a.min(b), a.max(b));
            let first = model.extend(root, &path[..a]).expect("a node");
            let second = model.extend(first, &path[a..b]).expect("a node");
            let rest = model.score_many(&[(second, &path[b..]), (first, &path[a..])]).expect("scores");
            prop_assert_eq!(&whole[0][b..], &rest[0][..]);
            prop_assert_eq!(&whole[0][a..], &rest[1][..]);
            model.release(second);
            model.release(first);
            model.release(root);
            prop_assert_eq!(model.free_tokens(), 40);
        }
    }
}
