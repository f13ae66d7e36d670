//! The decoder: token ids and the pages of their paths in, hidden states out.
//!
//! One implementation for all families; what differs is in [`ModelConfig`].

pub use super::placing::{QuantizedWeights, Size};
use super::{
    LoadError, ModelConfig, TokenId, WeightSource,
    checkpoint::parameters,
    feed_forward::FeedForward,
    held::HeldWeights,
    kernels::{AttentionPlan, Kernels, KvLayer, Linear, Segment},
    pick::{pick, pick_by},
    placing::{LinearPart, Loader, named},
    rope::Rope,
};
use candle_core::Tensor;
use rayon::prelude::*;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// A decoder, its weights in place or ready to be read.
pub struct Decoder {
    config: ModelConfig,
    kernels: Kernels,
    embedding: Embedding,
    layers: Layers,
    norm: Tensor,
    head: Head,
    rope: Rope,
    size: Size,
    /// Where weights that are not in place come from.
    source: Arc<dyn WeightSource>,
    /// Microseconds that reading and packing all layers took the last time.
    read: AtomicU64,
}

/// Where a decoder's weights are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// In memory, packed.
    Resident,
    /// In memory as the file has them; a layer is packed for each batch, while the one before it is computed.
    Blocks,
    /// In their files; a layer is read and packed for each batch, while the one before it is computed.
    Streamed,
}

/// Where tokens' vectors come from.
#[derive(Debug)]
enum Embedding {
    /// The head, tied.
    Head,
    /// A table of its own, `(vocabulary, hidden)`.
    Table(Tensor),
    /// Row by row from the source.
    Source,
}

/// The layers' weights.
#[derive(Debug)]
enum Layers {
    Resident(Vec<Layer>),
    /// Read and packed each time.
    Source,
}

/// The head's weight.
#[derive(Debug)]
enum Head {
    Resident(Arc<Linear>),
    /// Read and packed each time.
    Source,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = out.debug_struct("Decoder");
        out.field("config", &self.config).field("kernels", &self.kernels);
        out.field("size", &self.size).finish_non_exhaustive()
    }
}

/// One layer, packed.
#[derive(Debug)]
pub struct Layer {
    attention_norm: Tensor,
    /// Queries, keys and values.
    qkv: Linear,
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

impl Decoder {
    /// Puts the weights of `source` in place, as far as `placement` says.
    ///
    /// # Errors
    /// What `source` says of a missing or misshapen tensor; a tensor that doesn't fit into memory.
    pub fn load(
        config: &ModelConfig,
        source: &Arc<dyn WeightSource>,
        kernels: &Kernels,
        placement: Placement,
    ) -> Result<Self, LoadError> {
        let mut own = Loader::new(&**source, kernels);
        let norm = own.vector("model.norm.weight", config.hidden)?;
        let mut decoder = Self {
            config: config.clone(),
            kernels: kernels.clone(),
            embedding: Embedding::Source,
            layers: Layers::Source,
            norm,
            head: Head::Source,
            rope: Rope::new(config),
            size: own.size,
            source: Arc::clone(source),
            read: AtomicU64::new(0),
        };
        match placement {
            Placement::Resident => decoder.place()?,
            Placement::Blocks => {
                let held = HeldWeights::read(config, &**source)?;
                decoder.size.bytes += held.bytes();
                decoder.size.parameters = parameters(config);
                decoder.source = Arc::new(held);
            }
            Placement::Streamed => decoder.size.parameters = parameters(config),
        }
        kernels.hand_over().map_err(named("model"))?;
        Ok(decoder)
    }

    /// Puts all weights in place.
    fn place(&mut self) -> Result<(), LoadError> {
        let layers = (0..self.config.layers)
            .into_par_iter()
            .map(|number| self.read_layer(number));
        let (layers, sizes): (Vec<_>, Vec<_>) = layers.collect::<Result<Vec<_>, LoadError>>()?.into_iter().unzip();
        let (head, size) = self.read_head()?;
        self.size += size;
        sizes.into_iter().for_each(|size| self.size += size);
        self.embedding = if self.config.tied {
            Embedding::Head
        } else {
            let table = embedding(&self.config, &*self.source, &self.kernels)?;
            self.size += Size {
                parameters: table.elem_count() as u64,
                bytes: (table.elem_count() * table.dtype().size_in_bytes()) as u64,
            };
            Embedding::Table(table)
        };
        self.head = Head::Resident(Arc::new(head));
        self.layers = Layers::Resident(layers);
        Ok(())
    }

    fn read_layer(&self, number: usize) -> Result<(Layer, Size), LoadError> {
        let mut loader = Loader::new(&*self.source, &self.kernels);
        let layer = Layer::load(&self.config, number, &mut loader)?;
        self.kernels
            .hand_over()
            .map_err(named(&format!("model.layers.{number}")))?;
        Ok((layer, loader.size))
    }

    fn read_head(&self) -> Result<(Linear, Size), LoadError> {
        let mut loader = Loader::new(&*self.source, &self.kernels);
        let part = LinearPart {
            name: if self.config.tied {
                "model.embed_tokens"
            } else {
                "lm_head"
            }
            .to_owned(),
            outputs: self.config.vocabulary,
            bias: None,
        };
        Ok((loader.linear(self.config.hidden, &[part])?, loader.size))
    }

    /// Calls `each` with every layer and its number, in order. A layer that is not in place is read and packed while the one
    /// before it is at work.
    ///
    /// # Errors
    /// What the source says of a tensor; what `each` returns.
    pub(super) fn each_layer<E: From<LoadError>>(
        &self,
        mut each: impl FnMut(usize, &Layer) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Layers::Resident(layers) = &self.layers {
            return layers
                .iter()
                .enumerate()
                .try_for_each(|(number, layer)| each(number, layer));
        }
        let read = |number: usize| {
            let begun = Instant::now();
            (self.read_layer(number).map(|(layer, _)| layer), begun.elapsed())
        };
        let read = &read;
        let mut took = Duration::ZERO;
        std::thread::scope(|scope| {
            let mut next = (self.layers() > 0).then(|| scope.spawn(move || read(0)));
            for number in 0..self.layers() {
                let (layer, seconds) = match next.take().map(|reading| reading.join()) {
                    Some(Ok(layer)) => layer,
                    // It panicked, or was never begun: what is wrong shows again, here.
                    Some(Err(_)) | None => read(number),
                };
                took += seconds;
                let layer = layer?;
                next = (number + 1 < self.layers()).then(|| scope.spawn(move || read(number + 1)));
                each(number, &layer)?;
            }
            Ok::<(), E>(())
        })?;
        self.read.store(took.as_micros() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Seconds that reading and packing all layers took the last time; 0 where they are in place.
    pub(super) fn read_seconds(&self) -> f64 {
        self.read.load(Ordering::Relaxed) as f64 / 1e6
    }

    /// Whether all weights are in place.
    pub fn is_resident(&self) -> bool {
        matches!(self.layers, Layers::Resident(_))
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
    ///
    /// # Errors
    /// What the source says of its tensor, where it is not in place.
    pub fn head(&self) -> Result<Arc<Linear>, LoadError> {
        match &self.head {
            Head::Resident(head) => Ok(Arc::clone(head)),
            Head::Source => self.read_head().map(|(head, _)| Arc::new(head)),
        }
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
        self.config.layers
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
    ///
    /// # Errors
    /// What the source says of the embedding, where it is not in place.
    pub fn embed(&self, pass: &Pass) -> Result<Tensor, LoadError> {
        let (name, shape) = (
            "model.embed_tokens.weight",
            [self.config.vocabulary, self.config.hidden],
        );
        let activation = self.kernels.activation_dtype();
        let rows = match (&self.embedding, &self.head) {
            (Embedding::Head, Head::Resident(head)) => head.weight_rows(&pass.tokens),
            (Embedding::Table(table), _) => pick(table, &pass.tokens).and_then(|rows| rows.to_dtype(activation)),
            (Embedding::Source | Embedding::Head, _) => {
                let rows = self.source.rows(name, &shape, &pass.tokens, self.kernels.dtype())?;
                rows.to_device(self.kernels.device())
                    .and_then(|rows| rows.to_dtype(activation))
            }
        };
        rows.map_err(named(name))
    }

    /// One layer of one pass: `x`, `(rows, hidden)`, goes in. Writes the rows' keys and values to `kv`, where those of
    /// everything before them on their paths must be. Returns what comes out, the same shape; after the last layer
    /// `(wanted, hidden)`, or nothing where nothing is wanted.
    pub(super) fn layer(
        &self,
        (number, layer): (usize, &Layer),
        x: &Tensor,
        pass: &Pass,
        kv: &mut KvLayer,
    ) -> candle_core::Result<Option<Tensor>> {
        let onward = match &pass.last {
            _ if number + 1 < self.layers() => OnwardRows::All(&pass.plan),
            _ if pass.wanted.is_empty() => OnwardRows::None,
            Some(last) => OnwardRows::Only(&pass.wanted, last),
            None => OnwardRows::All(&pass.plan),
        };
        layer.forward(x, self, pass, onward, kv)
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
            output: loader.linear(queries, &[output])?,
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
                let pick = |tensor: &Tensor| pick_by(tensor, &ids);
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
        let qkv = self.qkv.forward(&normed)?;
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
