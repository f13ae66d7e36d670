//! The decoder: token ids and the slots of their paths in, hidden states out.
//!
//! One implementation for all families; what differs is in [`ModelConfig`].

pub use super::placing::{QuantizedWeights, Size};
use super::{
    LoadError, ModelConfig, TokenId, WeightSource,
    feed_forward::FeedForward,
    kernels::{AttentionPlan, Kernels, KvStore, Linear, Segment, SlotSpan},
    placing::{LinearPart, Loader, concat, named},
    rope::Rope,
    slots,
};
use candle_core::Tensor;
use rayon::prelude::*;

/// A decoder with its weights in place.
#[derive(Debug)]
pub struct Decoder {
    config: ModelConfig,
    kernels: Kernels,
    embedding: Embedding,
    layers: Vec<Layer>,
    norm: Tensor,
    head: Linear,
    rope: Rope,
    size: Size,
}

/// Where tokens' vectors come from.
#[derive(Debug)]
enum Embedding {
    /// The head, tied.
    Head,
    /// A table of its own, `(vocabulary, hidden)`.
    Table(Tensor),
}

#[derive(Debug)]
struct Layer {
    attention_norm: Tensor,
    /// Queries, keys and values: one fused layer, or three where quantised blocks are kept.
    qkv: Vec<Linear>,
    /// Norms of each query and key head.
    qk_norm: Option<(Tensor, Tensor)>,
    output: Linear,
    feed_forward_norm: Tensor,
    feed_forward: FeedForward,
}

/// Tokens that continue one path of the tree.
#[derive(Debug, Clone)]
pub struct Run {
    /// The tokens.
    pub tokens: Vec<TokenId>,
    /// Slots of everything before them on their path, in path order; their position is the number of these.
    pub before: Vec<SlotSpan>,
    /// Their own slots.
    pub own: Vec<SlotSpan>,
}

impl Decoder {
    /// Puts the weights of `source` in place.
    ///
    /// # Errors
    /// What `source` says of a missing or misshapen tensor; a tensor that doesn't fit into memory.
    pub fn load(
        config: &ModelConfig,
        source: &dyn WeightSource,
        kernels: &Kernels,
        quantized: QuantizedWeights,
    ) -> Result<Self, LoadError> {
        let loader = || Loader {
            source,
            kernels,
            quantized,
            size: Size::default(),
        };
        let layers = (0..config.layers).into_par_iter().map(|i| {
            let mut loader = loader();
            Ok((Layer::load(config, i, &mut loader)?, loader.size))
        });
        let (layers, sizes): (Vec<_>, Vec<_>) = layers.collect::<Result<Vec<_>, LoadError>>()?.into_iter().unzip();
        let mut own = loader();
        let norm = own.vector("model.norm.weight", config.hidden)?;
        let table = |own: &mut Loader<'_>, name: &str| -> Result<Linear, LoadError> {
            let part = LinearPart {
                name: name.to_owned(),
                outputs: config.vocabulary,
                bias: None,
            };
            Ok(own.linear(config.hidden, &[part])?.swap_remove(0))
        };
        // OnwardRows can be read back from a plain tied head, not from quantised blocks.
        let (head, embedding) = if config.tied {
            let head = table(&mut own, "model.embed_tokens")?;
            let embedding = match quantized {
                QuantizedWeights::Dequantize => Embedding::Head,
                QuantizedWeights::Keep => Embedding::Table(embedding(config, source, kernels)?),
            };
            (head, embedding)
        } else {
            own.count(config.vocabulary * config.hidden, 0);
            (
                table(&mut own, "lm_head")?,
                Embedding::Table(embedding(config, source, kernels)?),
            )
        };
        if let Embedding::Table(table) = &embedding {
            own.size.bytes += (table.elem_count() * table.dtype().size_in_bytes()) as u64;
        }
        let size = sizes.iter().chain([&own.size]).fold(Size::default(), |a, b| Size {
            parameters: a.parameters + b.parameters,
            bytes: a.bytes + b.bytes,
        });
        Ok(Self {
            config: config.clone(),
            kernels: kernels.clone(),
            embedding,
            layers,
            norm,
            head,
            rope: Rope::new(config),
            size,
        })
    }

    /// The numbers of the checkpoint.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Where and how it computes.
    pub fn kernels(&self) -> &Kernels {
        &self.kernels
    }

    /// What its weights amount to.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The head: normed hidden states to logits.
    pub fn head(&self) -> &Linear {
        &self.head
    }

    /// An empty store for `capacity` tokens.
    pub fn kv(&self, capacity: usize) -> candle_core::Result<KvStore> {
        let config = &self.config;
        self.kernels
            .kv(config.layers, config.kv_heads, config.head_dim, capacity)
    }

    /// Computes all tokens of `runs` in one pass, and writes their keys and values into their own slots. Runs may
    /// continue each other, so what a run's `before` names must have been written, or be own slots of a run of this
    /// pass.
    ///
    /// Returns the final-normed hidden states of the rows `wanted` (ascending numbers, counted over the tokens of all
    /// runs), `(wanted, hidden)`.
    pub fn forward(&self, runs: &[Run], wanted: &[usize], kv: &mut KvStore) -> candle_core::Result<Tensor> {
        let device = self.kernels.device();
        let (segments, positions) = segments(runs);
        let own: Vec<SlotSpan> = segments
            .iter()
            .flat_map(|segment| segment.own.iter().copied())
            .collect();
        let tokens: Vec<TokenId> = runs.iter().flat_map(|run| run.tokens.iter().copied()).collect();
        let window = self.config.sliding_window;
        let plan = self.kernels.plan(&segments, window)?;
        // After the last layer's keys and values only the wanted rows matter.
        let last = if wanted.len() < tokens.len() {
            Some(self.kernels.plan(&only(&segments, wanted), window)?)
        } else {
            None
        };
        let (cos, sin) = self.rope.tables(&positions, device)?;
        let mut x = self.embed(&tokens)?;
        for (i, layer) in self.layers.iter().enumerate() {
            let onward = match &last {
                Some(plan) if i + 1 == self.layers.len() => OnwardRows::Only(wanted, plan),
                _ => OnwardRows::All(&plan),
            };
            let turn = LayerTurn {
                decoder: self,
                layer: i,
                cos: &cos,
                sin: &sin,
                own: &own,
                onward,
            };
            x = layer.forward(&x, &turn, kv)?;
        }
        if wanted.is_empty() {
            return Ok(x);
        }
        self.kernels.rms_norm(&x, &self.norm, self.config.norm_eps)
    }

    fn embed(&self, tokens: &[TokenId]) -> candle_core::Result<Tensor> {
        match &self.embedding {
            Embedding::Head => self.head.weight_rows(tokens),
            Embedding::Table(table) => table
                .index_select(&Tensor::new(tokens, table.device())?, 0)?
                .to_dtype(self.kernels.activation_dtype()),
        }
    }
}

fn embedding(config: &ModelConfig, source: &dyn WeightSource, kernels: &Kernels) -> Result<Tensor, LoadError> {
    let name = "model.embed_tokens.weight";
    let table = source.get_plain(name, &[config.vocabulary, config.hidden], kernels.dtype())?;
    table.to_device(kernels.device()).map_err(named(name))
}

/// The segments of a pass and the position of each row.
fn segments(runs: &[Run]) -> (Vec<Segment>, Vec<usize>) {
    let mut row = 0;
    let mut positions = Vec::new();
    let segments = runs.iter().filter(|run| !run.tokens.is_empty()).map(|run| {
        let start: usize = run.before.iter().map(|span| span.len).sum();
        positions.extend(start..start + run.tokens.len());
        row += run.tokens.len();
        Segment {
            rows: row - run.tokens.len()..row,
            ancestors: run.before.clone(),
            own: run.own.clone(),
        }
    });
    (segments.collect(), positions)
}

/// What the rows `wanted` see, as a pass of their own.
fn only(segments: &[Segment], wanted: &[usize]) -> Vec<Segment> {
    let mut out: Vec<Segment> = Vec::with_capacity(wanted.len());
    for (row, &from) in wanted.iter().enumerate() {
        let at = segments.partition_point(|segment| segment.rows.end <= from);
        let Some(segment) = segments.get(at) else { break };
        let offset = from - segment.rows.start;
        let mut ancestors = segment.ancestors.clone();
        for span in slots::part(&segment.own, 0..offset) {
            slots::push_span(&mut ancestors, span);
        }
        out.push(Segment {
            rows: row..row + 1,
            ancestors,
            own: slots::part(&segment.own, offset..offset + 1),
        });
    }
    out
}

/// A layer's turn in a pass.
struct LayerTurn<'a> {
    decoder: &'a Decoder,
    /// The layer's number.
    layer: usize,
    /// Each row's angles, `(rows, head_dim / 2)`.
    cos: &'a Tensor,
    sin: &'a Tensor,
    /// The slots of the pass's rows.
    own: &'a [SlotSpan],
    onward: OnwardRows<'a>,
}

/// Which rows go on after a layer's keys and values are written.
#[derive(Clone, Copy)]
enum OnwardRows<'a> {
    All(&'a AttentionPlan),
    Only(&'a [usize], &'a AttentionPlan),
}

impl Layer {
    fn load(config: &ModelConfig, number: usize, loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let name = |part: &str| format!("model.layers.{number}.{part}");
        let part = |which: &str, outputs, bias: bool| LinearPart {
            name: name(which),
            outputs,
            bias: bias.then_some("bias"),
        };
        let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        let qkv = [
            part("self_attn.q_proj", queries, config.qkv_bias),
            part("self_attn.k_proj", keys, config.qkv_bias),
            part("self_attn.v_proj", keys, config.qkv_bias),
        ];
        let output = part("self_attn.o_proj", config.hidden, config.output_bias);
        Ok(Self {
            attention_norm: loader.vector(&name("input_layernorm.weight"), config.hidden)?,
            qkv: loader.linear(config.hidden, &qkv)?,
            qk_norm: if config.qk_norm {
                let queries = loader.vector(&name("self_attn.q_norm.weight"), config.head_dim)?;
                Some((
                    queries,
                    loader.vector(&name("self_attn.k_norm.weight"), config.head_dim)?,
                ))
            } else {
                None
            },
            output: loader.linear(queries, &[output])?.swap_remove(0),
            feed_forward_norm: loader.vector(&name("post_attention_layernorm.weight"), config.hidden)?,
            feed_forward: FeedForward::load(config, number, loader)?,
        })
    }

    /// Of `x`, `(rows, hidden)`. Returns the rows that go on, `(rows onward, hidden)`.
    fn forward(&self, x: &Tensor, turn: &LayerTurn<'_>, kv: &mut KvStore) -> candle_core::Result<Tensor> {
        let (kernels, config) = (&turn.decoder.kernels, &turn.decoder.config);
        let (cos, sin) = (turn.cos, turn.sin);
        let (queries, keys, values) = self.queries_keys_values(x, turn.decoder)?;
        kv.write(turn.layer, turn.own, &kernels.rope(&keys, cos, sin)?, &values)?;
        let (plan, x, queries) = match turn.onward {
            OnwardRows::All(plan) => (plan, x.clone(), kernels.rope(&queries, cos, sin)?),
            OnwardRows::Only(wanted, plan) => {
                let ids: Vec<u32> = wanted.iter().map(|&row| row as u32).collect();
                let ids = Tensor::new(ids, x.device())?;
                let pick = |tensor: &Tensor| tensor.contiguous()?.index_select(&ids, 0);
                if wanted.is_empty() {
                    return pick(x);
                }
                let queries = kernels.rope(&pick(&queries)?, &pick(cos)?, &pick(sin)?)?;
                (plan, pick(x)?, queries)
            }
        };
        let scale = 1.0 / (config.head_dim as f32).sqrt();
        let attended = kernels.attend(kv, turn.layer, &queries, plan, scale)?;
        let x = self.output.forward_add(&attended, &x)?;
        let normed = kernels.rms_norm(&x, &self.feed_forward_norm, config.norm_eps)?;
        self.feed_forward.forward_add(kernels, &normed, &x)
    }

    /// Queries and keys, normed where the family norms them but not yet turned, and values: each `(rows, heads ×
    /// head_dim)`.
    fn queries_keys_values(&self, x: &Tensor, decoder: &Decoder) -> candle_core::Result<(Tensor, Tensor, Tensor)> {
        let (kernels, config) = (&decoder.kernels, &decoder.config);
        let (query_width, key_width) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        let normed = kernels.rms_norm(x, &self.attention_norm, config.norm_eps)?;
        let qkv = concat(&self.qkv, &normed)?;
        let mut queries = qkv.narrow(1, 0, query_width)?;
        let mut keys = qkv.narrow(1, query_width, key_width)?;
        let values = qkv.narrow(1, query_width + key_width, key_width)?;
        if let Some((query_norm, key_norm)) = &self.qk_norm {
            queries = kernels.rms_norm(&queries, query_norm, config.norm_eps)?;
            keys = kernels.rms_norm(&keys, key_norm, config.norm_eps)?;
        }
        Ok((queries, keys, values))
    }
}
