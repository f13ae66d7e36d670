//! What a decoder is made of: the numbers of one checkpoint, whatever family it comes from.

use indieval_kernels::{LayerSizes, NormRule};

use super::{
    Family,
    design::{AttentionWindow, Design, ExpertNaming, LayerKind, Mixture, NormKind, QkNorm, RopeClass, RopeScaling},
};

/// One configurable decoder: families differ in these fields and in nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// Where it comes from; decides nothing any more.
    pub family: Family,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width of (one expert of) the feed-forward network.
    pub intermediate: usize,
    /// Number of layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Rows of the embedding.
    pub vocabulary: usize,
    /// Longest context in tokens.
    pub context: usize,
    /// What norms add to the mean square before its root is taken.
    pub norm_eps: f64,
    /// RoPE base.
    pub rope_theta: f64,
    /// RoPE scaling.
    pub rope_scaling: RopeScaling,
    /// Biases on the query, key and value projections.
    pub qkv_bias: bool,
    /// Bias on the attention output projection.
    pub output_bias: bool,
    /// Norms of queries and keys.
    pub qk_norm: Option<QkNorm>,
    /// Whether the head is the embedding itself.
    pub tied: bool,
    /// What each token of a layer with the window attends to; absent: to all before it and itself.
    pub window: Option<AttentionWindow>,
    /// Sparse mixture in place of the feed-forward network.
    pub mixture: Option<Mixture>,
    /// What is otherwise than in Llama.
    pub design: Design,
}

/// The weights of the norms of queries or of keys: one tensor, or one for each head.
pub(crate) struct QkNormWeights {
    /// Of the tensors, within a layer's attention and without `.weight`.
    pub(crate) names: Vec<String>,
    /// Of each of them.
    pub(crate) shape: Vec<usize>,
}

impl ModelConfig {
    /// The sizes on which the memory of a pass depends.
    pub(crate) fn layer_sizes(&self) -> LayerSizes {
        LayerSizes {
            hidden: self.hidden,
            intermediate: self.widest_network(),
            heads: self.heads,
            kv_heads: self.kv_heads,
            head_dim: self.head_dim,
            experts: self.mixture.map_or(0, |mixture| mixture.routing.used),
        }
    }

    /// Width of the widest feed-forward network of a layer.
    fn widest_network(&self) -> usize {
        let shared = self
            .mixture
            .and_then(|mixture| mixture.shared)
            .map(|shared| shared.width);
        let dense = (0..self.layers).filter_map(|layer| self.dense_width(layer)).max();
        [Some(self.intermediate), shared, dense]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or(0)
    }

    /// What the attention of layer `number` does.
    pub fn layer_kind(&self, number: usize) -> LayerKind {
        let alike = LayerKind {
            windowed: self.window.is_some(),
            rotated: true,
        };
        self.design.layer_kinds.get(number).copied().unwrap_or(alike)
    }

    /// Elements of each head that are turned.
    pub fn rotary_width(&self) -> usize {
        self.design.rotary_width.unwrap_or(self.head_dim)
    }

    /// How the length of a whole text, in tokens, bears on its positions.
    pub(crate) fn rope_class(&self, tokens: usize) -> RopeClass {
        let windowed = self.design.window_rope.as_ref().map(|(_, scaling)| scaling);
        let scalings = [&self.rope_scaling, windowed.unwrap_or(&self.rope_scaling)];
        RopeClass {
            long: scalings.map(|scaling| scaling.is_long(tokens)),
        }
    }

    /// Width of layer `number`'s one network; `None` where it has a mixture.
    pub(crate) fn dense_width(&self, number: usize) -> Option<usize> {
        match self.mixture {
            Some(mixture) if mixture.is_in(number) => None,
            Some(mixture) => Some(mixture.dense_width),
            None => Some(self.intermediate),
        }
    }

    /// The part of a layer that its one network is.
    pub(crate) fn network_module(&self) -> &'static str {
        match self.mixture {
            Some(mixture) if mixture.naming == ExpertNaming::Llama4 => mixture.naming.module(),
            _ => "mlp",
        }
    }

    /// What norms do beside their weights.
    pub(crate) fn norm_rule(&self) -> NormRule {
        NormRule {
            centred: self.design.norm_kind != NormKind::Rms,
            eps: self.norm_eps,
        }
    }

    /// Whether norms have biases; those of queries and keys never have.
    pub(crate) fn has_norm_bias(&self) -> bool {
        self.design.norm_kind == NormKind::BiasedLayerNorm
    }

    /// The weights of the norms of queries, and of those of keys, in layer `number`, where there are such norms: no names where
    /// they have none.
    pub(crate) fn qk_norm_weights(&self, number: usize) -> Option<[QkNormWeights; 2]> {
        let sides = [("q", self.heads), ("k", self.kv_heads)];
        let head_dim = self.head_dim;
        let of = |norm, (side, heads): (&str, usize)| {
            let one = |shape| QkNormWeights {
                names: vec![format!("{side}_norm")],
                shape,
            };
            match norm {
                QkNorm::EachHead => one(vec![head_dim]),
                QkNorm::Weightless => QkNormWeights {
                    names: Vec::new(),
                    shape: vec![head_dim],
                },
                QkNorm::OwnWeights => one(vec![heads, head_dim]),
                QkNorm::AllHeads => one(vec![heads * head_dim]),
                QkNorm::OwnNorms => QkNormWeights {
                    names: (0..heads)
                        .map(|head| format!("{side}_layernorm.norms.{head}"))
                        .collect(),
                    shape: vec![head_dim],
                },
            }
        };
        let rotated = self.layer_kind(number).rotated;
        let norm = self.qk_norm.filter(|norm| rotated || *norm != QkNorm::Weightless);
        norm.map(|norm| sides.map(|side| of(norm, side)))
    }
}
