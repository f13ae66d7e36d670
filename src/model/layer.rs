//! One layer: attention and a feed-forward network, each with its norms, added to what goes through.

use super::{
    LoadError, ModelConfig,
    feed_forward::FeedForward,
    kernels::pick::pick_by,
    kernels::{AttentionPlan, Kernels, KvLayer, Linear, NormLayer, Rotation, ScoreRule},
    placing::{LinearPart, Loader},
};
use candle_core::Tensor;

/// One layer, packed.
#[derive(Debug)]
pub struct Layer {
    attention_norms: NormsAround,
    /// Queries, keys and values.
    qkv: Linear,
    /// Norms of queries and keys.
    qk_norm: Option<(NormLayer, NormLayer)>,
    /// Each query head's score of nothing, where there are any.
    sinks: Option<Vec<f32>>,
    output: Linear,
    feed_forward_norms: NormsAround,
    feed_forward: FeedForward,
}

/// The norms of what a part of a layer is given and of what it adds, as far as there are any.
#[derive(Debug)]
struct NormsAround {
    before: Option<NormLayer>,
    after: Option<NormLayer>,
}

/// What the rows of a pass see, and how they are turned.
#[derive(Debug)]
pub(super) struct PassView {
    pub plan: AttentionPlan,
    /// What the rows see that are wanted, unless they are all.
    pub last: Option<AttentionPlan>,
    /// Each row's cosines and sines, `(rows, half the rotated width)`.
    pub queries: (Tensor, Tensor),
    pub keys: (Tensor, Tensor),
    /// What queries that are not turned are multiplied by, `(rows, 1)`, where that is not 1.
    pub growth: Option<Tensor>,
}

/// What a layer computes with beside its weights.
pub(super) struct LayerContext<'a> {
    pub kernels: &'a Kernels,
    pub config: &'a ModelConfig,
    pub view: &'a PassView,
    /// Whether queries and keys are turned.
    pub rotated: bool,
}

/// Which rows go on after a layer's keys and values are written.
#[derive(Clone, Copy)]
pub(super) enum OnwardRows<'a> {
    All(&'a AttentionPlan),
    Only(&'a [usize], &'a AttentionPlan),
    None,
}

impl LayerContext<'_> {
    /// How queries or keys are turned by their angles, where the layer turns them.
    fn rotation<'a>(&self, (cos, sin): (&'a Tensor, &'a Tensor)) -> Option<Rotation<'a>> {
        self.rotated.then_some(Rotation {
            cos,
            sin,
            head_dim: self.config.head_dim,
            pairing: self.config.design.pairing,
        })
    }

    /// Queries turned by their angles.
    fn turned(&self, x: &Tensor, angles: (&Tensor, &Tensor)) -> candle_core::Result<Tensor> {
        match self.rotation(angles) {
            Some(rotation) => self.kernels.turn(x, &rotation),
            None => Ok(x.clone()),
        }
    }

    /// How scores of attention come from products.
    fn score_rule<'a>(&self, sinks: Option<&'a [f32]>) -> ScoreRule<'a> {
        let scalars = &self.config.design.scalars;
        let plain = 1.0 / (self.config.head_dim as f32).sqrt();
        ScoreRule {
            scale: scalars.attention.map_or(plain, |scale| scale as f32),
            cap: scalars.attention_cap.map(|cap| cap as f32),
            sinks,
        }
    }
}

impl NormsAround {
    fn load(
        config: &ModelConfig,
        layer: &str,
        names: [Option<&str>; 2],
        loader: &mut Loader<'_>,
    ) -> Result<Self, LoadError> {
        let mut load = |name: Option<&str>| {
            let norm = name.map(|name| format!("{layer}.{name}"));
            norm.map(|name| loader.norm(&name, config)).transpose()
        };
        let [before, after] = names;
        Ok(Self {
            before: load(before)?,
            after: load(after)?,
        })
    }

    /// What the part is given of `x`, `(rows, hidden)`.
    fn before(&self, x: &Tensor, context: &LayerContext<'_>) -> candle_core::Result<Tensor> {
        match &self.before {
            Some(norm) => context.kernels.norm(x, norm),
            None => Ok(x.clone()),
        }
    }

    /// `residual` and what the part adds to it, `out` gives that with what it is to be added to.
    fn add(
        &self,
        residual: &Tensor,
        context: &LayerContext<'_>,
        out: impl FnOnce(&Tensor) -> candle_core::Result<Tensor>,
    ) -> candle_core::Result<Tensor> {
        let scale = context.config.design.scalars.residual;
        if self.after.is_none() && scale == 1.0 {
            return out(residual);
        }
        let added = out(&residual.zeros_like()?)?;
        context.kernels.add(residual, &added, self.after.as_ref(), scale)
    }
}

impl Layer {
    pub(super) fn load(config: &ModelConfig, number: usize, loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let layer = format!("model.layers.{number}");
        let part = |which: &str, outputs, bias: bool| LinearPart {
            name: format!("{layer}.self_attn.{which}"),
            outputs,
            bias: bias.then_some("bias"),
        };
        let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        let qkv = if config.design.fused_qkv {
            vec![part("qkv_proj", queries + 2 * keys, config.qkv_bias)]
        } else {
            vec![
                part("q_proj", queries, config.qkv_bias),
                part("k_proj", keys, config.qkv_bias),
                part("v_proj", keys, config.qkv_bias),
            ]
        };
        let output = part("o_proj", config.hidden, config.output_bias);
        let norms = config.design.norms;
        let qk_norm = match config.qk_norm_weights(number) {
            Some([queries, keys]) => {
                let attention = format!("{layer}.self_attn");
                let mut norm = |weights| loader.qk_norm(&attention, weights, config);
                Some((norm(&queries)?, norm(&keys)?))
            }
            None => None,
        };
        let sinks = config.design.attention_sinks;
        let sinks = sinks.then(|| loader.numbers(&format!("{layer}.self_attn.sinks"), config.heads));
        let around = [norms.before_attention, norms.after_attention];
        let around_feed_forward = [norms.before_feed_forward, norms.after_feed_forward];
        Ok(Self {
            attention_norms: NormsAround::load(config, &layer, around, loader)?,
            qkv: loader.linear(config.hidden, &qkv)?,
            qk_norm,
            sinks: sinks.transpose()?,
            output: loader.linear(queries, &[output])?,
            feed_forward_norms: NormsAround::load(config, &layer, around_feed_forward, loader)?,
            feed_forward: FeedForward::load(config, number, loader)?,
        })
    }

    /// Of `x`, `(rows, hidden)`. Returns the rows that go on, `(rows onward, hidden)`.
    pub(super) fn forward(
        &self,
        x: &Tensor,
        context: &LayerContext<'_>,
        onward: OnwardRows<'_>,
        kv: &mut KvLayer,
    ) -> candle_core::Result<Option<Tensor>> {
        let (kernels, view) = (context.kernels, context.view);
        let given = self.attention_norms.before(x, context)?;
        let (queries, keys, values) = self.queries_keys_values(&given, context)?;
        let angles = (&view.keys.0, &view.keys.1);
        match &self.qk_norm {
            Some((_, norm)) if context.config.design.qk_norm_after_rope => {
                let keys = kernels.norm(&context.turned(&keys, angles)?, norm)?;
                kernels.keep(kv, &view.plan, &keys, None, &values)?;
            }
            _ => kernels.keep(kv, &view.plan, &keys, context.rotation(angles).as_ref(), &values)?,
        }
        let ((cos, sin), growth) = (&view.queries, view.growth.as_ref());
        let (plan, x, given, queries) = match onward {
            OnwardRows::None => return Ok(None),
            OnwardRows::All(plan) => {
                let queries = self.placed_queries(&queries, (cos, sin), growth, context)?;
                (plan, x.clone(), given, queries)
            }
            OnwardRows::Only(wanted, plan) => {
                let ids: Vec<u32> = wanted.iter().map(|&row| row as u32).collect();
                let ids = Tensor::new(ids, x.device())?;
                let pick = |tensor: &Tensor| pick_by(tensor, &ids);
                let growth = growth.map(pick).transpose()?;
                let angles = (&pick(cos)?, &pick(sin)?);
                let queries = self.placed_queries(&pick(&queries)?, angles, growth.as_ref(), context)?;
                (plan, pick(x)?, pick(&given)?, queries)
            }
        };
        let attended = kernels.attend(kv, &queries, plan, context.score_rule(self.sinks.as_deref()))?;
        let x = self
            .attention_norms
            .add(&x, context, |residual| self.output.forward_add(&attended, residual))?;
        let given = match context.config.design.parallel {
            true => given,
            false => self.feed_forward_norms.before(&x, context)?,
        };
        let add = |residual: &Tensor| self.feed_forward.forward_add(kernels, &given, residual);
        self.feed_forward_norms.add(&x, context, add).map(Some)
    }

    /// Queries as they meet keys: turned by their angles, normed if that comes after it, or grown where they are not turned.
    fn placed_queries(
        &self,
        queries: &Tensor,
        angles: (&Tensor, &Tensor),
        growth: Option<&Tensor>,
        context: &LayerContext<'_>,
    ) -> candle_core::Result<Tensor> {
        let turned = context.turned(queries, angles)?;
        let placed = match &self.qk_norm {
            Some((norm, _)) if context.config.design.qk_norm_after_rope => context.kernels.norm(&turned, norm)?,
            _ => turned,
        };
        match growth {
            Some(growth) if !context.rotated => context.kernels.scale_rows(&placed, growth),
            _ => Ok(placed),
        }
    }

    /// Of what attention is `given`, `(rows, hidden)`: queries and keys, normed where the family norms them before they are turned,
    /// and values, each `(rows, heads × head_dim)`.
    fn queries_keys_values(
        &self,
        given: &Tensor,
        context: &LayerContext<'_>,
    ) -> candle_core::Result<(Tensor, Tensor, Tensor)> {
        let (kernels, config) = (context.kernels, context.config);
        let (query_width, key_width) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        let qkv = self.qkv.forward(given)?;
        let mut queries = qkv.narrow(1, 0, query_width)?;
        let mut keys = qkv.narrow(1, query_width, key_width)?;
        let values = qkv.narrow(1, query_width + key_width, key_width)?;
        if let Some((query_norm, key_norm)) = &self.qk_norm
            && !config.design.qk_norm_after_rope
        {
            queries = kernels.norm(&queries, query_norm)?;
            keys = kernels.norm(&keys, key_norm)?;
        }
        Ok((queries, keys, values))
    }
}
