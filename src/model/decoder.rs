//! The decoder: token ids and the pages of their paths in, hidden states out.
//!
//! One implementation for all families; what differs is in [`ModelConfig`].

pub use super::placing::{QuantizedWeights, Size};
use super::{
    LoadError, ModelConfig, TokenId, WeightSource,
    feed_forward::FeedForward,
    kernels::{AttentionPlan, Kernels, KvLayer, Linear, Segment},
    placing::{LinearPart, Loader, concat, named},
    rope::Rope,
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

/// Rows that go through the layers together: what all layers need of them.
#[derive(Debug)]
pub struct Pass {
    tokens: Vec<TokenId>,
    plan: AttentionPlan,
    /// Each row's angles, `(rows, head_dim / 2)`.
    cos: Tensor,
    sin: Tensor,
    /// Rows whose hidden states are wanted, ascending.
    wanted: Vec<usize>,
    /// What these see, unless they are all.
    last: Option<AttentionPlan>,
}

impl Pass {
    /// Rows whose hidden states are wanted, ascending.
    pub fn wanted(&self) -> &[usize] {
        &self.wanted
    }
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

    /// Room for `pages` pages of keys and values of one layer.
    pub fn kv(&self, pages: usize) -> candle_core::Result<KvLayer> {
        self.kernels.kv(self.config.kv_heads, self.config.head_dim, pages)
    }

    /// Memory of a page of one layer, in bytes.
    pub fn page_bytes(&self) -> usize {
        self.kernels.page_bytes(self.config.kv_heads, self.config.head_dim)
    }

    /// Number of layers.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Prepares `tokens` to go through the layers, a row each, as `segments` say. After the last layer only the rows
    /// `wanted` (ascending) go on.
    pub fn pass(&self, tokens: Vec<TokenId>, segments: Vec<Segment>, wanted: Vec<usize>) -> candle_core::Result<Pass> {
        let positions: Vec<usize> = segments
            .iter()
            .flat_map(|segment| (segment.position..).take(segment.rows.len()))
            .collect();
        let window = self.config.sliding_window;
        let last = if wanted.len() < tokens.len() && !wanted.is_empty() {
            Some(self.kernels.plan(only(&segments, &wanted), window)?)
        } else {
            None
        };
        let (cos, sin) = self.rope.tables(&positions, self.kernels.device())?;
        Ok(Pass {
            tokens,
            plan: self.kernels.plan(segments, window)?,
            cos,
            sin,
            wanted,
            last,
        })
    }

    /// What a pass's tokens enter the first layer as, `(rows, hidden)`.
    pub fn embed(&self, pass: &Pass) -> candle_core::Result<Tensor> {
        match &self.embedding {
            Embedding::Head => self.head.weight_rows(&pass.tokens),
            Embedding::Table(table) => table
                .index_select(&Tensor::new(pass.tokens.as_slice(), table.device())?, 0)?
                .to_dtype(self.kernels.activation_dtype()),
        }
    }

    /// One layer of one pass: `x`, `(rows, hidden)`, goes in. Writes the rows' keys and values to `kv`, where those of
    /// everything before them on their paths must be. Returns what comes out, the same shape; after the last layer
    /// `(wanted, hidden)`, or nothing where nothing is wanted.
    pub fn layer(
        &self,
        number: usize,
        x: &Tensor,
        pass: &Pass,
        kv: &mut KvLayer,
    ) -> candle_core::Result<Option<Tensor>> {
        let onward = match &pass.last {
            _ if number + 1 < self.layers.len() => OnwardRows::All(&pass.plan),
            _ if pass.wanted.is_empty() => OnwardRows::None,
            Some(last) => OnwardRows::Only(&pass.wanted, last),
            None => OnwardRows::All(&pass.plan),
        };
        self.layers[number].forward(x, self, pass, onward, kv)
    }

    /// The final norm of hidden states `x`, `(rows, hidden)`.
    pub fn finish(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.kernels.rms_norm(x, &self.norm, self.config.norm_eps)
    }
}

fn embedding(config: &ModelConfig, source: &dyn WeightSource, kernels: &Kernels) -> Result<Tensor, LoadError> {
    let name = "model.embed_tokens.weight";
    let table = source.get_plain(name, &[config.vocabulary, config.hidden], kernels.dtype())?;
    table.to_device(kernels.device()).map_err(named(name))
}

/// What the rows `wanted` see, as a pass of their own.
fn only(segments: &[Segment], wanted: &[usize]) -> Vec<Segment> {
    let mut out: Vec<Segment> = Vec::with_capacity(wanted.len());
    let mut before: Option<(usize, usize)> = None;
    for (row, &from) in wanted.iter().enumerate() {
        let at = segments.partition_point(|segment| segment.rows.end <= from);
        let Some(segment) = segments.get(at) else { break };
        match out.last_mut() {
            Some(last) if before.is_some_and(|(of, row)| of == at && row + 1 == from) => last.rows.end = row + 1,
            _ => out.push(Segment {
                rows: row..row + 1,
                position: segment.position + from - segment.rows.start,
                pages: segment.pages.clone(),
                copied: None,
            }),
        }
        before = Some((at, from));
    }
    out
}

/// Which rows go on after a layer's keys and values are written.
#[derive(Clone, Copy)]
enum OnwardRows<'a> {
    All(&'a AttentionPlan),
    Only(&'a [usize], &'a AttentionPlan),
    None,
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
    fn forward(
        &self,
        x: &Tensor,
        decoder: &Decoder,
        pass: &Pass,
        onward: OnwardRows<'_>,
        kv: &mut KvLayer,
    ) -> candle_core::Result<Option<Tensor>> {
        let (kernels, config) = (&decoder.kernels, &decoder.config);
        let (cos, sin) = (&pass.cos, &pass.sin);
        let (queries, keys, values) = self.queries_keys_values(x, decoder)?;
        kv.write(pass.plan.segments(), &kernels.rope(&keys, cos, sin)?, &values)?;
        let (plan, x, queries) = match onward {
            OnwardRows::None => return Ok(None),
            OnwardRows::All(plan) => (plan, x.clone(), kernels.rope(&queries, cos, sin)?),
            OnwardRows::Only(wanted, plan) => {
                let ids: Vec<u32> = wanted.iter().map(|&row| row as u32).collect();
                let ids = Tensor::new(ids, x.device())?;
                let pick = |tensor: &Tensor| tensor.contiguous()?.index_select(&ids, 0);
                let queries = kernels.rope(&pick(&queries)?, &pick(cos)?, &pick(sin)?)?;
                (plan, pick(x)?, queries)
            }
        };
        let scale = 1.0 / (config.head_dim as f32).sqrt();
        let attended = kernels.attend(kv, &queries, plan, scale)?;
        let x = self.output.forward_add(&attended, &x)?;
        let normed = kernels.rms_norm(&x, &self.feed_forward_norm, config.norm_eps)?;
        self.feed_forward.forward_add(kernels, &normed, &x).map(Some)
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
