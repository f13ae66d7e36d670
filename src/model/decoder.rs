//! The decoder: token ids and the pages of their paths in, hidden states out.
//!
//! One implementation for all families; what differs is in [`ModelConfig`].

pub use super::placing::{QuantizedWeights, Size};
use super::{
    LoadError, ModelConfig, TokenId, WeightSource,
    checkpoint::parameters,
    design::RopeClass,
    held::HeldWeights,
    kernels::{Kernels, KvLayer, Linear, Segment},
    layer::{Layer, LayerContext, OnwardRows, PassView},
    pick::pick,
    placing::{LinearPart, Loader},
    rope::Rope,
};
use candle_core::{DType, Device, Tensor};
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
    /// Of layers without a window, and of those with one.
    ropes: [Rope; 2],
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

/// Rows that go through the layers together: what all layers need of them.
#[derive(Debug)]
pub struct Pass {
    tokens: Vec<TokenId>,
    /// What rows see, and how they are turned, in layers without a window and in those with one, as far as there are any.
    views: [Option<PassView>; 2],
    /// Rows whose hidden states are wanted, ascending.
    wanted: Vec<usize>,
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
        let norm = own.norm("model.norm", config.hidden, config.design.norm_offset)?;
        let scaled = config.design.scalars.logits;
        let norm = if scaled == 1.0 {
            norm
        } else {
            (norm * scaled).map_err(LoadError::tensor("model.norm.weight"))?
        };
        let mut decoder = Self {
            config: config.clone(),
            kernels: kernels.clone(),
            embedding: Embedding::Source,
            layers: Layers::Source,
            norm,
            head: Head::Source,
            ropes: ropes(config),
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
        kernels.hand_over().map_err(LoadError::tensor("model"))?;
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
            .map_err(LoadError::tensor(&format!("model.layers.{number}")))?;
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
        let cap = self.config.design.scalars.logit_cap.map(|cap| cap as f32);
        Ok((loader.linear(self.config.hidden, &[part])?.capped(cap), loader.size))
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

    /// Prepares `tokens` of texts of one class to go through the layers, a row each, as `segments` say. After the last layer
    /// only the rows `wanted` (ascending) go on.
    pub fn pass(
        &self,
        tokens: Vec<TokenId>,
        segments: Vec<Segment>,
        wanted: Vec<usize>,
        class: RopeClass,
    ) -> candle_core::Result<Pass> {
        let mut views = [None, None];
        for (windowed, view) in views.iter_mut().enumerate() {
            if (0..self.layers()).any(|layer| usize::from(self.config.layer_kind(layer).windowed) == windowed) {
                let window = self.config.sliding_window.filter(|_| windowed == 1);
                let rope = (&self.ropes[windowed], class.long[windowed]);
                *view = Some(self.view(&segments, &wanted, window, rope)?);
            }
        }
        Ok(Pass { tokens, views, wanted })
    }

    /// What rows see through a window, or without one.
    fn view(
        &self,
        segments: &[Segment],
        wanted: &[usize],
        window: Option<usize>,
        (rope, long): (&Rope, bool),
    ) -> candle_core::Result<PassView> {
        let positions: Vec<usize> = segments
            .iter()
            .flat_map(|segment| (segment.position..).take(segment.rows.len()))
            .collect();
        let last = if wanted.len() < positions.len() && !wanted.is_empty() {
            Some(self.kernels.plan(only(segments, wanted), window)?)
        } else {
            None
        };
        let device = self.kernels.device();
        let keys = rope.tables(&positions, long, |_| 1.0, device)?;
        let queries = match self.config.design.scalars.query_growth {
            Some(growth) => rope.tables(&positions, long, |position| growth.at(position), device)?,
            None => keys.clone(),
        };
        Ok(PassView {
            plan: self.kernels.plan(segments.to_vec(), window)?,
            last,
            queries,
            keys,
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
        let scale = self.config.design.scalars.embedding;
        let scaled = match scale {
            1.0 => rows,
            _ => rows.and_then(|rows| rows * rounded(scale, self.kernels.dtype())?),
        };
        scaled.map_err(LoadError::tensor(name))
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
        let kind = self.config.layer_kind(number);
        let Some(view) = &pass.views[usize::from(kind.windowed)] else {
            candle_core::bail!("layer {number} is of a kind that the pass was not prepared for");
        };
        let onward = match &view.last {
            _ if number + 1 < self.layers() => OnwardRows::All(&view.plan),
            _ if pass.wanted.is_empty() => OnwardRows::None,
            Some(last) => OnwardRows::Only(&pass.wanted, last),
            None => OnwardRows::All(&view.plan),
        };
        let context = LayerContext {
            kernels: &self.kernels,
            config: &self.config,
            view,
            rotated: kind.rotated,
        };
        layer.forward(x, &context, onward, kv)
    }

    /// The final norm of hidden states `x`, `(rows, hidden)`.
    pub fn finish(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.kernels.rms_norm(x, &self.norm, self.config.norm_eps)
    }
}

fn embedding(config: &ModelConfig, source: &dyn WeightSource, kernels: &Kernels) -> Result<Tensor, LoadError> {
    let name = "model.embed_tokens.weight";
    let table = source.get_plain(name, &[config.vocabulary, config.hidden], kernels.dtype())?;
    table.to_device(kernels.device()).map_err(LoadError::tensor(name))
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

/// How layers without a window, and those with one, turn queries and keys.
fn ropes(config: &ModelConfig) -> [Rope; 2] {
    let width = config.rotary_width();
    let plain = Rope::new(config.rope_theta, &config.rope_scaling, width);
    let windowed = config.design.window_rope.as_ref();
    let windowed = windowed.map(|(theta, scaling)| Rope::new(*theta, scaling, width));
    [plain.clone(), windowed.unwrap_or(plain)]
}

/// A multiplier as it is in `dtype`: transformers rounds what it multiplies embeddings by to the weights' type.
fn rounded(scale: f64, dtype: DType) -> candle_core::Result<f64> {
    Tensor::new(scale, &Device::Cpu)?
        .to_dtype(dtype)?
        .to_dtype(DType::F64)?
        .to_scalar()
}
