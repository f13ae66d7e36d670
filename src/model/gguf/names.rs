//! llama.cpp's names of tensors (`gguf-py/gguf/constants.py`) and the canonical ones.

use super::blocks::RowOrder;
use crate::model::ModelConfig;
use crate::model::design::{ExpertNaming, LayerNorms, QkNorm};

/// What the names of a file mean depends on these.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GgufLayout {
    /// Query heads and key heads, where the file's converter interleaved their rows.
    interleaved: Option<(usize, usize)>,
    norms: LayerNorms,
    /// Whether each head of queries and keys has a norm of its own.
    own_norms: bool,
    fused_gate_up: bool,
    /// What the tensors of experts, and of what is beside them, are called.
    naming: ExpertNaming,
    shared: &'static str,
    /// And those of the one network.
    network: &'static str,
}

impl GgufLayout {
    /// That of a configuration; Llama's where there is none.
    pub(crate) fn of(config: Option<&ModelConfig>) -> Self {
        let interleaved = config.filter(|config| config.family.gguf_interleaves_heads());
        let mixture = config.and_then(|config| config.mixture);
        let naming = mixture.map_or(ExpertNaming::Mixtral, |mixture| mixture.naming);
        let shared = mixture.and_then(|mixture| mixture.shared);
        Self {
            interleaved: interleaved.map(|config| (config.heads, config.kv_heads)),
            norms: config.map_or(LayerNorms::BEFORE, |config| config.design.norms),
            own_norms: config.is_some_and(|config| config.qk_norm == Some(QkNorm::OwnNorms)),
            fused_gate_up: config.is_some_and(|config| config.design.fused_gate_up),
            naming,
            network: config.map_or("mlp", ModelConfig::network_module),
            shared: shared.map_or("shared_expert", |shared| naming.shared(shared)),
        }
    }

    /// The order of the rows of a tensor with that canonical name.
    pub(super) fn order(self, canonical: &str, rows: Option<&usize>) -> RowOrder {
        let heads = self.interleaved.and_then(|(queries, keys)| match () {
            () if canonical.contains(".q_proj.") => Some(queries),
            () if canonical.contains(".k_proj.") => Some(keys),
            () => None,
        });
        match (heads, rows) {
            // Rows that the heads cannot share have a wrong shape, which is told elsewhere.
            (Some(heads), Some(&rows)) if heads > 0 && rows > 0 && rows % (2 * heads) == 0 => {
                RowOrder::Interleaved { heads }
            }
            _ => RowOrder::Plain,
        }
    }
}

/// What a tensor of a file is.
pub(super) enum Canonical {
    /// Read elsewhere, or not needed.
    Ignored,
    Whole(String),
    /// All experts or all heads of one layer in one tensor: the name of each is the first, its number, and the second.
    Each {
        module: String,
        ending: String,
    },
}

/// What a tensor of that name is.
pub(super) fn canonical(name: &str, layout: GgufLayout) -> Canonical {
    let whole = |name: &str| Canonical::Whole(name.to_owned());
    match name {
        "token_embd.weight" => return whole("model.embed_tokens.weight"),
        "output_norm.weight" => return whole("model.norm.weight"),
        "output_norm.bias" => return whole("model.norm.bias"),
        "output.weight" => return whole("lm_head.weight"),
        // Divisors of the rotary frequencies: part of the configuration.
        "rope_freqs.weight" | "rope_factors_short.weight" | "rope_factors_long.weight" => return Canonical::Ignored,
        _ => {}
    }
    let Some((layer, part)) = name.strip_prefix("blk.").and_then(|rest| rest.split_once('.')) else {
        return whole(name);
    };
    let Some((part, kind)) = part
        .rsplit_once('.')
        .filter(|(_, kind)| matches!(*kind, "weight" | "bias"))
    else {
        return whole(name);
    };
    let in_layer = |place: &str| Canonical::Whole(format!("model.layers.{layer}.{place}.{kind}"));
    let in_network = |matrix: &str| in_layer(&format!("{}.{matrix}", layout.network));
    if let ("attn_q_norm" | "attn_k_norm", true) = (part, layout.own_norms) {
        return Canonical::Each {
            module: format!("model.layers.{layer}.self_attn.{}_layernorm.norms", &part[5..6]),
            ending: kind.to_owned(),
        };
    }
    if let Some(norm) = norm(part, layout) {
        return in_layer(norm);
    }
    match part {
        "attn_q" => in_layer("self_attn.q_proj"),
        "attn_k" => in_layer("self_attn.k_proj"),
        "attn_v" => in_layer("self_attn.v_proj"),
        "attn_qkv" => in_layer("self_attn.qkv_proj"),
        "attn_output" => in_layer("self_attn.o_proj"),
        "attn_sinks" => whole(&format!("model.layers.{layer}.self_attn.sinks")),
        // Of layers that guess further tokens.
        _ if part.starts_with("nextn.") => in_layer(part),
        "ffn_gate" => in_network("gate_proj"),
        "ffn_up" if layout.fused_gate_up => in_network("gate_up_proj"),
        "ffn_up" => in_network("up_proj"),
        "ffn_down" => in_network("down_proj"),
        _ => of_experts(part, (layer, kind), layout).unwrap_or_else(|| whole(name)),
    }
}

/// The norm of that name.
fn norm(part: &str, layout: GgufLayout) -> Option<&'static str> {
    let norms = layout.norms;
    match part {
        "attn_norm" => norms.before_attention,
        // Where attention's sum is not normed, the next norm is called by the place that it has.
        "post_attention_norm" => norms.after_attention.or(norms.before_feed_forward),
        "ffn_norm" => norms.before_feed_forward,
        "post_ffw_norm" => norms.after_feed_forward,
        "attn_q_norm" => Some("self_attn.q_norm"),
        "attn_k_norm" => Some("self_attn.k_norm"),
        _ => None,
    }
}

/// A tensor of a mixture.
fn of_experts(part: &str, (layer, kind): (&str, &str), layout: GgufLayout) -> Option<Canonical> {
    let [gate, up, down] = layout.naming.matrices();
    let module = format!("model.layers.{layer}.{}", layout.naming.module());
    let whole = |place: &str| Some(Canonical::Whole(format!("{module}.{place}.{kind}")));
    let all = |matrix: &str| {
        Some(Canonical::Each {
            module: format!("{module}.experts"),
            ending: format!("{matrix}.{kind}"),
        })
    };
    let beside = |matrix: &str| whole(&format!("{}{matrix}", layout.shared));
    match part {
        "ffn_gate_inp" => whole(layout.naming.router()),
        "exp_probs_b" => Some(Canonical::Whole(format!(
            "{module}.{}.e_score_correction_bias",
            layout.naming.router()
        ))),
        "ffn_gate_exps" => all(gate),
        "ffn_up_exps" => all(up),
        "ffn_down_exps" => all(down),
        "ffn_gate_inp_shexp" => beside("_gate"),
        "ffn_gate_shexp" => beside(".gate_proj"),
        "ffn_up_shexp" => beside(".up_proj"),
        "ffn_down_shexp" => beside(".down_proj"),
        // Older converters wrote each expert on its own: ffn_gate.3.weight.
        _ => {
            let (matrix, expert) = part.split_once('.')?;
            let matrix = match matrix {
                "ffn_gate" => gate,
                "ffn_up" => up,
                "ffn_down" => down,
                _ => return None,
            };
            whole(&format!("experts.{expert}.{matrix}"))
        }
    }
}
