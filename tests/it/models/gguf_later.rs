//! GGUF files of the families beyond Llama's nearest relatives: laid out as llama.cpp's converter lays them out
//! (`convert_hf_to_gguf.py`; names are those that gguf-py's `get_tensor_name_map` gives), they say of the decoder what the
//! folder says, and hold the same tensors.

use std::collections::BTreeMap;

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device, Tensor};
use indieval::model::checkpoint::for_each_tensor;
use indieval::model::{
    AttentionWindow, Checkpoint, Family, LayerKind, LayerNorms, LoadError, Mixture, ModelConfig, QkNorm, RopeScaling,
    Weight, WeightSource, open_weights,
};

use super::gguf_writer::{Writer, add_shape, add_tokenizer, interleave};
use super::golden;

/// The architecture's name, and a golden checkpoint whose configuration is written.
const FILES: [(&str, &str); 20] = [
    ("gemma", "gemma-bf16"),
    ("gemma2", "gemma2-f32"),
    ("gemma3", "gemma3-bf16"),
    ("phi3", "phi3-f32"),
    ("qwen2moe", "qwen2-moe-bf16"),
    ("qwen3moe", "qwen3-moe-f32"),
    ("olmo2", "olmo2-f32"),
    ("olmo2", "olmo3-bf16"),
    ("olmoe", "olmoe-f32"),
    ("smollm3", "smollm3-f32"),
    ("granite", "granite-f32"),
    ("granitemoe", "granitemoe-f32"),
    ("glm4", "glm4-f32"),
    ("seed_oss", "seed-oss-bf16"),
    ("ernie4_5", "ernie4-5-bf16"),
    ("exaone4", "exaone4-f32"),
    ("gpt-oss", "gpt-oss-bf16"),
    ("glm4moe", "glm4-moe-bf16"),
    ("mistral3", "mistral3-bf16"),
    ("mistral3", "ministral3-bf16"),
];

/// Any tensor that is asked for, told apart by its name.
struct ByName;

impl WeightSource for ByName {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
        let start = name
            .bytes()
            .fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let values: Vec<f32> = (0..shape.iter().product::<usize>() as u32)
            .map(|at| (start.wrapping_add(at).wrapping_mul(2_654_435_761) >> 12) as f32 / 1_048_576.0)
            .collect();
        Ok(Weight::Plain(Tensor::from_vec(values, shape, &Device::Cpu).unwrap()))
    }
}

fn is_gemma(config: &ModelConfig) -> bool {
    matches!(config.family, Family::Gemma | Family::Gemma2 | Family::Gemma3)
}

/// The tensor's values as the file has them, apart from the order of rows: Gemma's norms with their 1.
fn values(config: &ModelConfig, name: &str, shape: &[usize]) -> Tensor {
    let tensor = ByName.get_plain(name, shape, DType::F32).unwrap();
    match is_gemma(config) && name.ends_with("norm.weight") {
        true => (tensor + 1.0).unwrap(),
        false => tensor,
    }
}

/// What the file can say of a configuration: the rest is as llama.cpp takes it for granted.
fn as_said(architecture: &str, config: &ModelConfig) -> ModelConfig {
    let narrow = |value: f64| f64::from(value as f32);
    let mut said = config.clone();
    said.norm_eps = narrow(said.norm_eps);
    said.rope_theta = narrow(said.rope_theta);
    said.design.norm_offset = false;
    let scalars = &mut said.design.scalars;
    scalars.residual = narrow(scalars.residual);
    if let Some(growth) = &mut scalars.query_growth {
        growth.beta = narrow(growth.beta);
    }
    scalars.attention = match is_gemma(config) && architecture != "gemma" {
        true => Some((config.head_dim as f64).powf(-0.5)),
        false => scalars.attention.map(narrow),
    };
    let kind = |windowed, rotated| LayerKind { windowed, rotated };
    match architecture {
        // Every fourth and every sixth layer are others.
        "smollm3" => said.design.layer_kinds = (1..=4).map(|number| kind(false, number != 4)).collect(),
        "gemma3" => said.design.layer_kinds = vec![kind(true, true); 3],
        "gpt-oss" => {
            said.design.activation = indieval::model::Activation::Clamped {
                gain: 1.702,
                limit: 7.0,
            }
        }
        _ => {}
    }
    if let RopeScaling::LongRope { attention_factor, .. } = &mut said.rope_scaling {
        *attention_factor = narrow(*attention_factor);
    }
    match &mut said.mixture {
        Some(mixture) if architecture == "glm4moe" => {
            mixture.routing.scale = narrow(mixture.routing.scale);
            // The published ones have such a layer.
            said.design.later_layers = 1;
        }
        Some(mixture) => (mixture.every, mixture.dense_width) = (1, 0),
        None => {}
    }
    said
}

/// The file of a configuration.
fn converted(architecture: &str, config: &ModelConfig) -> Writer {
    let mut file = Writer::default();
    add_shape(&mut file, architecture, config);
    let key = |name: &str| format!("{architecture}.{name}");
    file.number(&key("rope.dimension_count"), config.rotary_width());
    add_rope(&mut file, architecture, config);
    if matches!(config.family, Family::Olmo3 | Family::Exaone4) {
        let flags = config.design.layer_kinds.iter().map(|kind| kind.windowed);
        file.flags(&key("attention.sliding_window_pattern"), &flags.collect::<Vec<_>>());
    }
    let scalars = config.design.scalars;
    let caps = [("attn", scalars.attention_cap), ("final", scalars.logit_cap)];
    for (name, cap) in caps.into_iter().filter_map(|(name, cap)| Some((name, cap?))) {
        file.float(&key(&format!("{name}_logit_softcapping")), cap);
    }
    if architecture.starts_with("granite") {
        file.float(&key("embedding_scale"), scalars.embedding);
        file.float(&key("attention.scale"), scalars.attention.unwrap());
        file.float(&key("residual_scale"), scalars.residual);
        file.float(&key("logit_scale"), 1.0 / scalars.logits);
    }
    let own_width = ["qwen2moe", "qwen3moe", "gpt-oss", "glm4moe"].contains(&architecture);
    let width = if own_width {
        "expert_feed_forward_length"
    } else {
        "feed_forward_length"
    };
    file.number(&key(width), config.intermediate);
    if let Some(mixture) = config.mixture {
        file.number(&key("expert_count"), mixture.experts);
        file.number(&key("expert_used_count"), mixture.routing.used);
        match mixture.shared {
            Some(_) if architecture == "glm4moe" => add_glm_mixture(&mut file, config, &mixture),
            Some(shared) => file.number(&key("expert_shared_feed_forward_length"), shared.width),
            None => {}
        }
    }
    add_tokenizer(&mut file, config.vocabulary);
    add_tensors(&mut file, architecture, config);
    file
}

/// What the converter writes of GLM-4.5's experts, and the tensors of a layer that guesses further tokens.
fn add_glm_mixture(file: &mut Writer, config: &ModelConfig, mixture: &Mixture) {
    let key = |name: &str| format!("glm4moe.{name}");
    let (groups, used_groups) = mixture.routing.groups;
    for (name, value) in [
        ("feed_forward_length", mixture.dense_width),
        (
            "expert_shared_count",
            mixture.shared.unwrap().width / config.intermediate,
        ),
        ("leading_dense_block_count", mixture.first_dense),
        ("expert_gating_func", 2),
        ("expert_group_count", groups),
        ("expert_group_used_count", used_groups),
        ("nextn_predict_layers", config.design.later_layers),
    ] {
        file.number(&key(name), value);
    }
    file.float(&key("expert_weights_scale"), mixture.routing.scale);
    file.flag(&key("expert_weights_norm"), mixture.routing.renormalised);
    for name in ["nextn.eh_proj", "nextn.enorm", "attn_norm", "attn_q"] {
        let anything = Tensor::ones((2, 32), DType::F32, &Device::Cpu).unwrap();
        file.tensor(
            &format!("blk.{}.{name}.weight", config.layers),
            &anything,
            GgmlDType::F32,
        );
    }
}

fn add_rope(file: &mut Writer, architecture: &str, config: &ModelConfig) {
    let key = |name: &str| format!("{architecture}.{name}");
    match &config.rope_scaling {
        RopeScaling::Linear(factor) => {
            file.string(&key("rope.scaling.type"), "linear");
            file.float(&key("rope.scaling.factor"), *factor);
        }
        RopeScaling::Yarn(yarn) => {
            file.string(&key("rope.scaling.type"), "yarn");
            file.float(&key("rope.scaling.factor"), yarn.factor);
            file.number(&key("rope.scaling.original_context_length"), yarn.original_context);
            // Newer converters write what older ones took for granted.
            if architecture != "olmo2" {
                file.float(&key("rope.scaling.yarn_beta_fast"), yarn.beta_fast);
                file.float(&key("rope.scaling.yarn_beta_slow"), yarn.beta_slow);
            }
            if let Some(growth) = config.design.scalars.query_growth {
                file.float(&key("rope.scaling.yarn_log_multiplier"), 1.0);
                file.float(&key("attention.temperature_scale"), growth.beta);
            }
        }
        RopeScaling::LongRope {
            short,
            long,
            original_context,
            attention_factor,
        } => {
            file.float(&key("rope.scaling.attn_factor"), *attention_factor);
            file.number(&key("rope.scaling.original_context_length"), *original_context);
            for (length, factors) in [("short", short), ("long", long)] {
                let factors = Tensor::new(factors.as_slice(), &Device::Cpu).unwrap();
                file.tensor(&format!("rope_factors_{length}.weight"), &factors, GgmlDType::F32);
            }
        }
        _ => {}
    }
    file.number(&key("context_length"), config.context);
}

fn add_tensors(file: &mut Writer, architecture: &str, config: &ModelConfig) {
    let permuted = matches!(architecture, "smollm3" | "granite" | "granitemoe" | "mistral3");
    let mut experts: BTreeMap<String, Vec<Tensor>> = BTreeMap::new();
    for_each_tensor(config, |name, shape| {
        let mut tensor = values(config, name, shape);
        if let Some((module, rest)) = name.split_once(".experts.") {
            let (_, matrix) = rest.split_once('.').unwrap();
            experts
                .entry(format!("{module}.experts.{matrix}"))
                .or_default()
                .push(tensor);
            return;
        }
        if permuted && (name.contains("q_proj") || name.contains("k_proj")) {
            tensor = interleave(&tensor, config.head_dim);
        }
        if name.contains("shared_expert_gate") {
            tensor = tensor.flatten_all().unwrap();
        }
        file.tensor(&converted_name(architecture, config, name), &tensor, GgmlDType::F32);
    });
    for (name, experts) in experts {
        let merged = Tensor::stack(&experts, 0).unwrap();
        file.tensor(&converted_name(architecture, config, &name), &merged, GgmlDType::F32);
    }
}

fn converted_name(architecture: &str, config: &ModelConfig, name: &str) -> String {
    let after_attention = match config.design.norms {
        LayerNorms::BEFORE if !matches!(architecture, "seed_oss" | "gpt-oss" | "glm4moe") => "ffn_norm",
        LayerNorms::AROUND_GLM => "ffn_norm",
        _ => "post_attention_norm",
    };
    let mut name = name.replace("model.layers.", "blk.");
    for (from, to) in [
        (".feed_forward.", ".mlp."),
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("lm_head", "output"),
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", after_attention),
        ("post_self_attn_layernorm", "post_attention_norm"),
        ("pre_feedforward_layernorm", "ffn_norm"),
        ("post_feedforward_layernorm", "post_ffw_norm"),
        ("post_mlp_layernorm", "post_ffw_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.qkv_proj", "attn_qkv"),
        ("self_attn.o_proj", "attn_output"),
        ("self_attn.q_norm", "attn_q_norm"),
        ("self_attn.k_norm", "attn_k_norm"),
        ("self_attn.sinks", "attn_sinks.weight"),
        ("mlp.gate.e_score_correction_bias", "exp_probs_b.bias"),
        ("mlp.shared_experts.", "mlp.shared_expert."),
        ("mlp.shared_expert_gate", "ffn_gate_inp_shexp"),
        ("mlp.shared_expert.gate_proj", "ffn_gate_shexp"),
        ("mlp.shared_expert.up_proj", "ffn_up_shexp"),
        ("mlp.shared_expert.down_proj", "ffn_down_shexp"),
        ("block_sparse_moe.experts", "mlp.experts"),
        ("mlp.experts.gate_proj", "ffn_gate_exps"),
        ("mlp.experts.up_proj", "ffn_up_exps"),
        ("mlp.experts.down_proj", "ffn_down_exps"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.gate_up_proj", "ffn_up"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
        ("mlp.router", "ffn_gate_inp"),
        ("mlp.gate", "ffn_gate_inp"),
        ("block_sparse_moe.router.layer", "ffn_gate_inp"),
    ] {
        name = name.replace(from, to);
    }
    name
}

#[test]
fn files_of_later_families_say_and_hold_what_the_folders_do() {
    let folder = tempfile::tempdir().unwrap();
    for (architecture, name) in FILES {
        let (config, _) = open_weights(&golden(name)).unwrap();
        let config = as_said(architecture, &config);
        let path = folder.path().join(format!("{name}.gguf"));
        converted(architecture, &config).write(&path);
        let checkpoint = Checkpoint::open(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(checkpoint.config, config, "{name}");
        for_each_tensor(&config, |tensor, shape| {
            let of = |values: Tensor| values.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let file = of(checkpoint.weights.get_plain(tensor, shape, DType::F32).unwrap());
            assert_eq!(file, of(values(&config, tensor, shape)), "{name}: {tensor}");
        });
    }
}

/// What a file of a golden checkpoint's tensors is read as, or what is said of it; `more` adds what it says beside its sizes.
fn reopened(architecture: &str, config: &ModelConfig, more: impl Fn(&mut Writer)) -> Result<ModelConfig, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let mut file = Writer::default();
    file.string("general.architecture", architecture);
    for (key, value) in [
        ("block_count", config.layers),
        ("context_length", config.context),
        ("embedding_length", config.hidden),
        ("attention.head_count", config.heads),
        ("attention.head_count_kv", config.kv_heads),
    ] {
        file.number(&format!("{architecture}.{key}"), value);
    }
    more(&mut file);
    add_tokenizer(&mut file, config.vocabulary);
    add_tensors(&mut file, architecture, config);
    file.write(&path);
    let opened = Checkpoint::open(&path).map_err(|error| error.to_string())?;
    Ok(opened.config.clone())
}

/// Which layers of a cohere2 file are windowed, or what is said of it; `more` adds what it says of windows.
fn cohere2_windows(more: impl Fn(&mut Writer)) -> Result<Vec<bool>, String> {
    let (config, _) = open_weights(&golden("cohere2-bf16")).unwrap();
    let opened = reopened("cohere2", &config, |file| {
        file.number("cohere2.feed_forward_length", config.intermediate);
        file.float("cohere2.attention.layer_norm_epsilon", config.norm_eps);
        file.float("cohere2.logit_scale", 0.25);
        more(file);
    })?;
    Ok((0..config.layers)
        .map(|layer| {
            let kind = opened.layer_kind(layer);
            assert_eq!(kind.windowed, kind.rotated);
            kind.windowed
        })
        .collect())
}

/// A llama4 file with so many experts; `more` adds what it says of windows.
fn llama4(experts: usize, more: impl Fn(&mut Writer)) -> Result<ModelConfig, String> {
    let (mut config, _) = open_weights(&golden("llama4-defaults-bf16")).unwrap();
    let mixture = config.mixture.as_mut().unwrap();
    mixture.experts = experts;
    let (every, dense_width) = (mixture.every, mixture.dense_width);
    reopened("llama4", &config, |file| {
        for (key, value) in [
            ("feed_forward_length", dense_width),
            ("expert_feed_forward_length", config.intermediate),
            ("expert_count", experts),
            ("expert_used_count", 1),
            ("interleave_moe_layer_step", every),
        ] {
            file.number(&format!("llama4.{key}"), value);
        }
        file.float("llama4.attention.layer_norm_rms_epsilon", config.norm_eps);
        more(file);
    })
}

#[test]
fn llama_4_has_llama_cpps_chunks_or_none_and_normed_heads_unless_it_has_128_experts() {
    const WINDOW: &str = "llama4.attention.sliding_window";
    let plain = llama4(4, |_| {}).unwrap();
    assert_eq!(
        (plain.window, plain.qk_norm),
        (Some(AttentionWindow::Chunk(8192)), Some(QkNorm::Weightless))
    );
    let chunked = |config: &ModelConfig| {
        (0..4)
            .map(|layer| config.layer_kind(layer).windowed)
            .collect::<Vec<_>>()
    };
    assert_eq!(chunked(&plain), [true, true, true, false]);
    assert_eq!(llama4(4, |file| file.number(WINDOW, 8192)).unwrap(), plain);
    let whole = llama4(4, |file| file.number(WINDOW, 0)).unwrap();
    assert_eq!((whole.window, chunked(&whole)), (None, vec![false; 4]));
    assert!((0..4).all(|layer| whole.layer_kind(layer).rotated));
    assert_eq!(llama4(128, |_| {}).unwrap().qk_norm, None);
    let error = llama4(4, |file| file.number(WINDOW, 100)).unwrap_err();
    assert!(
        error.contains("attention.sliding_window`: is 100; only 8192"),
        "{error}"
    );
}

#[test]
fn windows_by_layer_are_llama_cpps_own_a_list_or_a_number_and_need_a_window() {
    const PATTERN: &str = "cohere2.attention.sliding_window_pattern";
    let windowed = |file: &mut Writer| file.number("cohere2.attention.sliding_window", 8);
    assert_eq!(cohere2_windows(windowed).unwrap(), [true, true, true, false]);
    let with = |more: &dyn Fn(&mut Writer)| {
        cohere2_windows(|file| {
            windowed(file);
            more(file);
        })
    };
    let every_other = with(&|file| file.number(PATTERN, 2)).unwrap();
    assert_eq!(every_other, [true, false, true, false]);
    let listed = with(&|file| file.flags(PATTERN, &[false, true, true, false])).unwrap();
    assert_eq!(listed, [false, true, true, false]);
    for (said, error) in [
        ("sliding_window_pattern`: is 0", with(&|file| file.number(PATTERN, 0))),
        ("attention.sliding_window`: is missing", cohere2_windows(|_| {})),
        (
            "attention.sliding_window`: is missing",
            cohere2_windows(|file| file.number(PATTERN, 2)),
        ),
    ] {
        let error = error.unwrap_err();
        assert!(error.contains(said), "{said}: {error}");
    }
}
