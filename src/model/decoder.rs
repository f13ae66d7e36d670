//! The decoder: token ids and the pages of their paths in, hidden states out.
//!
//! One implementation for all families; what differs is in [`ModelConfig`].

pub use super::placing::{QuantizedWeights, Size};
use super::{
    LoadError, ModelConfig, TokenId, WeightSource,
    checkpoint::parameters,
    design::RopeClass,
    held::HeldWeights,
    kernels::pick::pick,
    kernels::{Kernels, KvLayer, Linear, NormLayer, Segment, release_freed},
    layer::{Layer, LayerContext, OnwardRows},
    pass::{Pass, SeenRows},
    placing::{LinearPart, Loader},
    rope::Rope,
    stage::Stage,
};
use crate::base::waiting::waiting_for;
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
    /// Where tokens enter, and the first layers are.
    kernels: Kernels,
    /// Where the final norm and the head are.
    last: Kernels,
    stages: Vec<Stage>,
    embedding: Embedding,
    layers: Layers,
    norm: NormLayer,
    head: Head,
    /// Of layers without a window, and of those with one.
    ropes: [Rope; 2],
    size: Size,
    /// Where weights that are not in place come from.
    source: Arc<dyn WeightSource>,
    /// Microseconds that reading and packing all layers took the last time.
    read: AtomicU64,
    /// Microseconds that computing has waited for weights.
    waited: AtomicU64,
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
        Self::load_over(config, source, (kernels, &[]), placement)
    }

    /// The same with the layers spread over several devices: a first one and others.
    ///
    /// # Errors
    /// As [`load`](Self::load); more devices than layers.
    pub fn load_over(
        config: &ModelConfig,
        source: &Arc<dyn WeightSource>,
        (kernels, others): (&Kernels, &[Kernels]),
        placement: Placement,
    ) -> Result<Self, LoadError> {
        let all: Vec<Kernels> = std::iter::once(kernels).chain(others).cloned().collect();
        if all.len() > config.layers.max(1) {
            return Err(LoadError::Device {
                device: format!("{} devices", all.len()),
                what: format!("the model has {} layers", config.layers),
                remedy: "name no more devices than it has layers".to_owned(),
            });
        }
        let last = all.last().unwrap_or(kernels).clone();
        let mut own = Loader::new(&**source, &last);
        let norm = own.norm("model.norm", config)?;
        let norm = match config.design.scalars.logits {
            1.0 => norm,
            scaled => norm.times(scaled).map_err(LoadError::tensor("model.norm.weight"))?,
        };
        let mut decoder = Self {
            config: config.clone(),
            kernels: kernels.clone(),
            stages: Stage::over(&all, config.layers),
            last: last.clone(),
            embedding: Embedding::Source,
            layers: Layers::Source,
            norm,
            head: Head::Source,
            ropes: ropes(config),
            size: own.size,
            source: Arc::clone(source),
            read: AtomicU64::new(0),
            waited: AtomicU64::new(0),
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
        for kernels in &all {
            kernels.hand_over().map_err(LoadError::tensor("model"))?;
        }
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

    pub(super) fn read_layer(&self, number: usize) -> Result<(Layer, Size), LoadError> {
        let (_, kernels) = self.stage(number);
        let mut loader = Loader::new(&*self.source, kernels);
        let layer = Layer::load(&self.config, number, &mut loader)?;
        kernels
            .hand_over()
            .map_err(LoadError::tensor(&format!("model.layers.{number}")))?;
        Ok((layer, loader.size))
    }

    fn read_head(&self) -> Result<(Linear, Size), LoadError> {
        let mut loader = Loader::new(&*self.source, &self.last);
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

    /// Its layers, where they are in place.
    pub(super) fn placed_layers(&self) -> Option<&[Layer]> {
        match &self.layers {
            Layers::Resident(layers) => Some(layers),
            Layers::Source => None,
        }
    }

    /// Notes how long reading and packing all layers took.
    pub(super) fn note_read(&self, took: Duration) {
        self.read.store(took.as_micros() as u64, Ordering::Relaxed);
    }

    /// Seconds that reading and packing all layers took the last time; 0 where they are in place.
    pub(super) fn read_seconds(&self) -> f64 {
        self.read.load(Ordering::Relaxed) as f64 / 1e6
    }

    /// Notes that computing has waited for weights.
    pub(super) fn note_wait(&self, took: Duration) {
        self.waited.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
    }

    /// Seconds that computing has waited for weights so far.
    pub(super) fn waited_seconds(&self) -> f64 {
        self.waited.load(Ordering::Relaxed) as f64 / 1e6
    }

    /// Whether all weights are in place.
    pub fn is_resident(&self) -> bool {
        matches!(self.layers, Layers::Resident(_))
    }

    /// The numbers of the checkpoint.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Where tokens enter, and how it computes.
    pub fn kernels(&self) -> &Kernels {
        &self.kernels
    }

    /// Its layers by device, in order.
    pub(super) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The stage that has layer `number`: its place, and where it computes.
    pub(super) fn stage(&self, number: usize) -> (usize, &Kernels) {
        let mut stages = self.stages.iter().enumerate();
        let found = stages.find(|(_, stage)| stage.layers.contains(&number));
        found.map_or((0, &self.kernels), |(at, stage)| (at, &stage.kernels))
    }

    /// Whether passes flow through several stages, each of which is at work at the same time.
    pub(super) fn flows(&self) -> bool {
        self.stages.len() > 1 && self.is_resident()
    }

    /// For each layer, which store has its keys and values while a forest is computed: layers that are computed one after
    /// the other on one device share one.
    pub(super) fn store_of(&self, layer: usize) -> usize {
        match self.flows() {
            true => layer,
            false => self.stage(layer).0,
        }
    }

    /// Stores that a forest needs: for each a layer that uses it.
    pub(super) fn stores(&self) -> Vec<usize> {
        match self.flows() {
            true => (0..self.layers()).collect(),
            false => self.stages.iter().map(|stage| stage.layers.start).collect(),
        }
    }

    /// The largest number of something that one memory has to hold, given how many a stage has.
    pub(super) fn in_one_memory(&self, of: impl Fn(&Stage) -> usize) -> usize {
        let each = self.stages.iter().map(of);
        match self.kernels.device().is_cpu() {
            true => each.sum(),
            false => each.max().unwrap_or(0),
        }
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
            Head::Source => {
                // It is larger than any room that layers have left between what is in use.
                release_freed();
                let _waiting = waiting_for("the weights of the head".to_owned());
                let begun = Instant::now();
                let (head, _) = self.read_head()?;
                self.note_wait(begun.elapsed());
                Ok(Arc::new(head))
            }
        }
    }

    /// Room for `pages` pages of keys and values of layer `number`.
    pub fn kv(&self, number: usize, pages: usize) -> candle_core::Result<KvLayer> {
        self.stage(number)
            .1
            .kv(self.config.kv_heads, self.config.head_dim, pages)
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
        let mut views = Vec::with_capacity(self.stages.len());
        for stage in &self.stages {
            let wanted = if stage.layers.end == self.layers() {
                &wanted[..]
            } else {
                &[]
            };
            let seen = SeenRows {
                segments: &segments,
                wanted,
                class,
            };
            views.push(seen.views(&self.config, stage, &self.ropes)?);
        }
        Ok(Pass { tokens, views, wanted })
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
            (Embedding::Table(table), _) => pick(table, &pass.tokens),
            (Embedding::Source | Embedding::Head, _) => {
                let _waiting = waiting_for("the embedding".to_owned());
                Ok(self.source.rows(name, &shape, &pass.tokens, self.kernels.dtype())?)
            }
        };
        let rows = rows
            .and_then(|rows| rows.to_device(self.kernels.device()))
            .and_then(|rows| rows.to_dtype(activation));
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
        let (stage, kernels) = self.stage(number);
        let view = pass.views.get(stage).map(|views| &views[usize::from(kind.windowed)]);
        let Some(Some(view)) = view else {
            candle_core::bail!("layer {number} is of a kind that the pass was not prepared for");
        };
        let onward = match &view.last {
            _ if number + 1 < self.layers() => OnwardRows::All(&view.plan),
            _ if pass.wanted.is_empty() => OnwardRows::None,
            Some(last) => OnwardRows::Only(&pass.wanted, last),
            None => OnwardRows::All(&view.plan),
        };
        let context = LayerContext {
            kernels,
            config: &self.config,
            view,
            rotated: kind.rotated,
        };
        layer.forward(&x.to_device(kernels.device())?, &context, onward, kv)
    }

    /// The same of a layer that is in place.
    pub(super) fn placed_layer(
        &self,
        number: usize,
        x: &Tensor,
        pass: &Pass,
        kv: &mut KvLayer,
    ) -> candle_core::Result<Option<Tensor>> {
        match &self.layers {
            Layers::Resident(layers) if number < layers.len() => self.layer((number, &layers[number]), x, pass, kv),
            _ => candle_core::bail!("layer {number} is not in place"),
        }
    }

    /// The final norm of hidden states `x`, `(rows, hidden)`.
    pub fn finish(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.last.norm(x, &self.norm)
    }
}

fn embedding(config: &ModelConfig, source: &dyn WeightSource, kernels: &Kernels) -> Result<Tensor, LoadError> {
    let (name, shape) = ("model.embed_tokens.weight", (config.vocabulary, config.hidden));
    if !kernels.device().is_cpu() {
        let table = source.get_plain(name, &[shape.0, shape.1], kernels.dtype())?;
        return table.to_device(kernels.device()).map_err(LoadError::tensor(name));
    }
    // Some rows at a time: as a whole it would be there twice for a moment, as it was read and as it is held.
    let table = Tensor::zeros(shape, kernels.dtype(), kernels.device()).map_err(LoadError::tensor(name))?;
    let mut put = |first: usize, rows: &Tensor| table.slice_set(&rows.contiguous()?, 0, first);
    source.each_rows(name, shape, 0..config.vocabulary, kernels.dtype(), &mut put)?;
    Ok(table)
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
