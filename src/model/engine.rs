//! The language model over a real decoder: nodes, passes, scores.

use super::{
    Branch, Decoding, Generation, LanguageModel, LoadError, ModelConfig, ModelError, Node, TokenId, TokenScore,
    WeightSource,
    decoder::{Decoder, Run},
    kernels::{Backend, Kernels, KvStore, SlotSpan},
    memory::{self, Room},
    placing::{QuantizedWeights, Size},
    slots::{Keep, part, push_span},
    tree::{EMPTY, TokenTree},
    trie::Trie,
};
use candle_core::{DType, Device, Tensor};

/// How a model is put to work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// Room for keys and values.
    pub room: Room,
    /// Most tokens of one pass. What a pass needs beside weights, keys and values grows with it; results do not depend
    /// on it.
    pub rows: usize,
    /// How quantised weights are held.
    pub quantized: QuantizedWeights,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            room: Room::Automatic,
            rows: DEFAULT_ROWS,
            quantized: QuantizedWeights::Dequantize,
        }
    }
}

/// Tokens of one pass unless set otherwise; docs/benchmarks.md has the measurement.
pub const DEFAULT_ROWS: usize = 512;

/// What a loaded model is and takes.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineInfo {
    /// Numbers in all weights, a tied head counted once, and the memory they take.
    pub size: Size,
    /// Dtype of weights, keys and values.
    pub dtype: DType,
    /// Which implementation of the heavy operations is used.
    pub backend: Backend,
    /// Memory of one token's keys and values over all layers.
    pub bytes_per_token: usize,
    /// Tokens the tree has room for.
    pub capacity: usize,
}

/// A decoder with a token tree: the real [`LanguageModel`].
#[derive(Debug)]
pub struct Engine {
    pub(super) decoder: Decoder,
    pub(super) kv: KvStore,
    pub(super) tree: TokenTree,
    pub(super) rows: usize,
    pub(super) computed: u64,
}

impl Engine {
    /// Puts weights in place and plans the tree's memory. Numbers are held in `dtype` (f32, bf16 or f16) on `device`.
    ///
    /// # Errors
    /// See [`Decoder::load`]; and keys and values that do not fit into memory.
    pub fn load(
        config: &ModelConfig,
        source: &dyn WeightSource,
        device: &Device,
        dtype: DType,
        settings: &EngineSettings,
    ) -> Result<Self, LoadError> {
        let started = |source| LoadError::Tensor {
            name: "keys and values".to_owned(),
            source,
        };
        let kernels = Kernels::new(device, dtype).map_err(started)?;
        let decoder = Decoder::load(config, source, &kernels, settings.quantized)?;
        Self::new(decoder, settings).map_err(|error| {
            started(match error {
                ModelError::Compute(error) => error,
                other => candle_core::Error::Msg(other.to_string()),
            })
        })
    }

    /// A tree over a decoder whose weights are in place.
    pub fn new(decoder: Decoder, settings: &EngineSettings) -> Result<Self, ModelError> {
        let bytes_per_token = decoder.kv(0)?.bytes_per_slot();
        let available = memory::available(decoder.kernels().device());
        let capacity = settings.room.tokens(bytes_per_token, available);
        let kv = decoder.kv(capacity)?;
        Ok(Self {
            decoder,
            kv,
            tree: TokenTree::new(capacity),
            rows: settings.rows.max(1),
            computed: 0,
        })
    }

    /// What the model is and takes.
    pub fn info(&self) -> EngineInfo {
        EngineInfo {
            size: self.decoder.size(),
            dtype: self.decoder.kernels().dtype(),
            backend: self.decoder.kernels().backend(),
            bytes_per_token: self.kv.bytes_per_slot(),
            capacity: self.kv.capacity(),
        }
    }

    /// The numbers of the checkpoint.
    pub fn config(&self) -> &ModelConfig {
        self.decoder.config()
    }

    /// Logits after each token of `tokens` put below `parent`, `(tokens, vocabulary)`, f32. Nothing is kept. Meant for
    /// looking closely: what only needs scores should ask for scores.
    pub fn logits(&mut self, parent: Node, tokens: &[TokenId]) -> Result<Tensor, ModelError> {
        let trie = Trie::new([(parent, tokens)]);
        self.check(&[(parent, tokens)])?;
        self.check_room(trie.longest())?;
        let mut parts = Vec::new();
        self.with_trie(
            &trie,
            Keep::WhileNeeded,
            |_| true,
            |engine, _, hidden| {
                parts.push(engine.logits_of(hidden)?);
                Ok(())
            },
        )?;
        Ok(Tensor::cat(&parts, 0)?)
    }

    /// Logits of normed hidden states, `(rows, vocabulary)`, f32.
    pub(super) fn logits_of(&self, hidden: &Tensor) -> Result<Tensor, ModelError> {
        Ok(self.decoder.head().logits(hidden)?)
    }

    /// Refuses paths that are too long, tokens that don't exist, and nodes that don't.
    pub(super) fn check(&self, jobs: &[(Node, &[TokenId])]) -> Result<(), ModelError> {
        self.check_unfed(jobs, 0)
    }

    /// The same, where the last `unfed` tokens of each path are not fed to the model and need no place in its context.
    pub(super) fn check_unfed(&self, jobs: &[(Node, &[TokenId])], unfed: usize) -> Result<(), ModelError> {
        let (limit, vocabulary) = (self.context_length(), self.config().vocabulary);
        for (node, tokens) in jobs {
            let length = self.tree.depth(*node)? + tokens.len().saturating_sub(unfed);
            if length > limit {
                return Err(ModelError::ContextLength { tokens: length, limit });
            }
            if let Some(&token) = tokens.iter().find(|&&token| token as usize >= vocabulary) {
                return Err(ModelError::UnknownToken { token, vocabulary });
            }
        }
        Ok(())
    }

    pub(super) fn check_room(&self, needed: usize) -> Result<(), ModelError> {
        let free = self.tree.slots.free();
        if needed > free {
            return Err(ModelError::OutOfSlots { needed, free });
        }
        Ok(())
    }

    /// Takes slots that `check_room` has found.
    pub(super) fn take(&mut self, needed: usize) -> Result<Vec<SlotSpan>, ModelError> {
        let free = self.tree.slots.free();
        self.tree
            .slots
            .take(needed)
            .ok_or(ModelError::OutOfSlots { needed, free })
    }
}

impl LanguageModel for Engine {
    fn root(&self) -> Node {
        EMPTY
    }

    fn extend(&mut self, parent: Node, tokens: &[TokenId]) -> Result<Node, ModelError> {
        self.check(&[(parent, tokens)])?;
        let before = self.tree.path(parent)?;
        let own = self.take(tokens.len())?;
        let mut hidden = self.tree.hidden(parent)?;
        let size = self.pass_size(tokens.len());
        for (i, chunk) in tokens.chunks(size).enumerate() {
            let first = i * size;
            let mut so_far = before.clone();
            for span in part(&own, 0..first) {
                push_span(&mut so_far, span);
            }
            let run = Run {
                tokens: chunk.to_vec(),
                before: so_far,
                own: part(&own, first..first + chunk.len()),
            };
            let wanted: &[usize] = if first + chunk.len() == tokens.len() {
                &[chunk.len() - 1]
            } else {
                &[]
            };
            match self.pass(&[run], wanted) {
                Ok(last) => hidden = Some(last),
                Err(error) => {
                    self.tree.slots.give_back(own);
                    return Err(error);
                }
            }
        }
        self.tree.add(parent, own, hidden)
    }

    fn extend_many(&mut self, jobs: &[(Node, &[TokenId])]) -> Result<Vec<Node>, ModelError> {
        self.extend_packed(jobs)
    }

    fn score_many(&mut self, jobs: &[(Node, &[TokenId])]) -> Result<Vec<Vec<TokenScore>>, ModelError> {
        self.score_packed(jobs)
    }

    fn generate(&mut self, branches: Vec<Branch>, decoding: &Decoding) -> Result<Vec<Generation>, ModelError> {
        self.generate_branches(branches, decoding)
    }

    fn release(&mut self, node: Node) {
        self.tree.release(node);
    }

    fn depth(&self, node: Node) -> usize {
        self.tree.depth(node).unwrap_or(0)
    }

    fn context_length(&self) -> usize {
        self.config().context
    }

    fn free_tokens(&self) -> usize {
        self.tree.slots.free()
    }

    fn computed_tokens(&self) -> u64 {
        self.computed
    }
}

/// Refuses a result that is not a number: weights or activations that overflowed.
pub(super) fn finite(logprob: f32) -> Result<(), ModelError> {
    if !logprob.is_finite() {
        let what = "a log-probability is not a finite number: the weights or their activations overflow in this dtype";
        return Err(ModelError::Compute(candle_core::Error::Msg(what.to_owned())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Family, Weight,
        testing::{RandomWeights, begin, config},
    };

    /// Queries and keys so large that the scores of attention overflow.
    struct Overflowing;

    impl WeightSource for Overflowing {
        fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
            RandomWeights.get(name, shape).map(|weight| match weight {
                Weight::Plain(tensor) if name.contains("q_proj") || name.contains("k_proj") => {
                    Weight::Plain((tensor * 1e30).expect("a tensor"))
                }
                other => other,
            })
        }
    }

    #[test]
    fn activations_that_overflow_are_an_error_and_no_score() {
        for dtype in [DType::F32, DType::BF16] {
            let portable = Kernels::portable(&Device::Cpu, dtype).expect("kernels");
            for kernels in [Kernels::new(&Device::Cpu, dtype).expect("kernels"), portable] {
                let plain = QuantizedWeights::Dequantize;
                let decoder = Decoder::load(&config(Family::Llama), &Overflowing, &kernels, plain).expect("a decoder");
                let settings = EngineSettings {
                    room: Room::Tokens(100),
                    ..EngineSettings::default()
                };
                let mut engine = Engine::new(decoder, &settings).expect("an engine");
                let root = begin(&mut engine);
                let error = engine.score(root, &[&[1, 2, 3, 4, 5, 6]]).expect_err("an overflow");
                assert!(error.to_string().contains("overflow"), "{error}");
            }
        }
    }
}
