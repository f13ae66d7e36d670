//! Writes small GGUF files, as llama.cpp's converter lays them out.

use std::path::Path;

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Tensor};
use indieval::model::checkpoint::for_each_tensor;
use indieval::model::{AttentionWindow, Family, ModelConfig, RopeScaling, WeightSource};

/// A file in the making.
#[derive(Default, Clone)]
pub struct Writer {
    pairs: Vec<Vec<u8>>,
    tensors: Vec<(String, Vec<usize>, u32, Vec<u8>)>,
}

fn text(value: &str) -> Vec<u8> {
    let mut bytes = (value.len() as u64).to_le_bytes().to_vec();
    bytes.extend(value.as_bytes());
    bytes
}

impl Writer {
    fn pair(&mut self, key: &str, kind: u32, value: &[u8]) {
        let mut pair = text(key);
        pair.extend(kind.to_le_bytes());
        pair.extend(value);
        self.pairs.push(pair);
    }

    fn list(&mut self, key: &str, kind: u32, values: impl ExactSizeIterator<Item = Vec<u8>>) {
        let mut list = kind.to_le_bytes().to_vec();
        list.extend((values.len() as u64).to_le_bytes());
        list.extend(values.flatten());
        self.pair(key, 9, &list);
    }

    pub fn number(&mut self, key: &str, value: usize) {
        self.pair(key, 4, &u32::try_from(value).unwrap().to_le_bytes());
    }

    /// The file in parts, as llama.cpp's gguf-split writes them: all metadata in the first.
    pub fn split(&self, parts: usize) -> Vec<Self> {
        let size = self.tensors.len().div_ceil(parts);
        let mut chunks = self.tensors.chunks(size);
        let part = |number: usize| {
            let mut part = Self {
                pairs: if number == 0 { self.pairs.clone() } else { Vec::new() },
                tensors: chunks.next().unwrap_or_default().to_vec(),
            };
            part.pair("split.no", 2, &u16::try_from(number).unwrap().to_le_bytes());
            part.pair("split.count", 2, &u16::try_from(parts).unwrap().to_le_bytes());
            let tensors = i32::try_from(self.tensors.len()).unwrap();
            part.pair("split.tensors.count", 5, &tensors.to_le_bytes());
            part
        };
        (0..parts).map(part).collect()
    }

    pub fn float(&mut self, key: &str, value: f64) {
        self.pair(key, 6, &(value as f32).to_le_bytes());
    }

    pub fn flag(&mut self, key: &str, value: bool) {
        self.pair(key, 7, &[u8::from(value)]);
    }

    pub fn string(&mut self, key: &str, value: &str) {
        self.pair(key, 8, &text(value));
    }

    pub fn strings<S: AsRef<str>>(&mut self, key: &str, values: &[S]) {
        self.list(key, 8, values.iter().map(|value| text(value.as_ref())));
    }

    pub fn flags(&mut self, key: &str, values: &[bool]) {
        self.list(key, 7, values.iter().map(|value| vec![u8::from(*value)]));
    }

    pub fn ints(&mut self, key: &str, values: &[i32]) {
        self.list(key, 5, values.iter().map(|value| value.to_le_bytes().to_vec()));
    }

    pub fn floats(&mut self, key: &str, values: &[f32]) {
        self.list(key, 6, values.iter().map(|value| value.to_le_bytes().to_vec()));
    }

    /// Adds a tensor of f32, or quantised.
    pub fn tensor(&mut self, name: &str, tensor: &Tensor, kind: GgmlDType) {
        let number = match kind {
            GgmlDType::F32 => 0,
            GgmlDType::Q8_0 => 8,
            other => panic!("{other:?} is not written here"),
        };
        let bytes = QTensor::quantize(tensor, kind).unwrap().data().unwrap().into_owned();
        self.tensors
            .push((name.to_owned(), tensor.dims().to_vec(), number, bytes));
    }

    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(3u32.to_le_bytes());
        file.extend((self.tensors.len() as u64).to_le_bytes());
        file.extend((self.pairs.len() as u64).to_le_bytes());
        file.extend(self.pairs.concat());
        let mut data: Vec<u8> = Vec::new();
        for (name, shape, kind, bytes) in &self.tensors {
            file.extend(text(name));
            file.extend(u32::try_from(shape.len()).unwrap().to_le_bytes());
            file.extend(shape.iter().rev().flat_map(|side| (*side as u64).to_le_bytes()));
            file.extend(kind.to_le_bytes());
            data.resize(data.len().next_multiple_of(32), 0);
            file.extend((data.len() as u64).to_le_bytes());
            data.extend(bytes);
        }
        file.resize(file.len().next_multiple_of(32), 0);
        file.extend(data);
        file
    }

    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.bytes()).unwrap();
    }
}

/// A byte-level tokenizer of the 256 bytes, BOS and EOS.
pub fn add_tokenizer(file: &mut Writer, vocabulary: usize) {
    file.string("tokenizer.ggml.model", "gpt2");
    file.string("tokenizer.ggml.pre", "gpt-2");
    let mut tokens = vec!["<s>".to_owned(), "</s>".to_owned()];
    tokens.extend((2..vocabulary).map(|id| char::from_u32(0x20 + id as u32).unwrap().to_string()));
    let mut kinds = vec![1; vocabulary];
    kinds[..2].fill(3);
    file.strings("tokenizer.ggml.tokens", &tokens);
    file.ints("tokenizer.ggml.token_type", &kinds);
    file.strings::<&str>("tokenizer.ggml.merges", &[]);
    file.number("tokenizer.ggml.bos_token_id", 0);
    file.number("tokenizer.ggml.eos_token_id", 1);
    file.flag("tokenizer.ggml.add_bos_token", true);
}

/// What every architecture's file says of a configuration.
pub fn add_shape(file: &mut Writer, architecture: &str, config: &ModelConfig) {
    file.string("general.architecture", architecture);
    let key = |name: &str| format!("{architecture}.{name}");
    for (name, value) in [
        ("block_count", config.layers + config.design.later_layers),
        ("embedding_length", config.hidden),
        ("attention.head_count", config.heads),
        ("attention.head_count_kv", config.kv_heads),
        ("attention.key_length", config.head_dim),
        ("attention.value_length", config.head_dim),
    ] {
        file.number(&key(name), value);
    }
    file.float(&key("rope.freq_base"), config.rope_theta);
    file.float(&key("attention.layer_norm_rms_epsilon"), config.norm_eps);
    if let Some(AttentionWindow::Sliding(window)) = config.window {
        file.number(&key("attention.sliding_window"), window);
    }
}

/// The checkpoint as llama.cpp's converter writes it, matrices as `kind`.
pub fn converted(config: &ModelConfig, weights: &dyn WeightSource, kind: GgmlDType) -> Writer {
    let mut file = Writer::default();
    let llama = matches!(config.family, Family::Llama | Family::Mistral | Family::Mixtral);
    let architecture = if llama { "llama" } else { config.family.name() };
    add_shape(&mut file, architecture, config);
    file.number(&format!("{architecture}.context_length"), config.context);
    file.number(&format!("{architecture}.feed_forward_length"), config.intermediate);
    if let Some(mixture) = config.mixture {
        file.number("llama.expert_count", mixture.experts);
        file.number("llama.expert_used_count", mixture.routing.used);
    }
    if let RopeScaling::Factors(factors) = &config.rope_scaling {
        let factors = Tensor::new(factors.as_slice(), &candle_core::Device::Cpu).unwrap();
        file.tensor("rope_freqs.weight", &factors, GgmlDType::F32);
    }
    add_tokenizer(&mut file, config.vocabulary);

    let get = |name: &str, shape: &[usize]| weights.get_plain(name, shape, DType::F32).unwrap();
    for_each_tensor(config, |name, shape| {
        if name.contains(".experts.") {
            return;
        }
        let mut tensor = get(name, shape);
        if llama && (name.contains("q_proj") || name.contains("k_proj")) {
            tensor = interleave(&tensor, config.head_dim);
        }
        let matrix = shape.len() == 2 && !name.contains("moe.gate");
        file.tensor(
            &converted_name(name),
            &tensor,
            if matrix { kind } else { GgmlDType::F32 },
        );
    });
    if let Some(mixture) = config.mixture {
        let (wide, narrow) = (
            [config.intermediate, config.hidden],
            [config.hidden, config.intermediate],
        );
        for layer in 0..config.layers {
            for (matrix, name, shape) in [("w1", "gate", wide), ("w2", "down", narrow), ("w3", "up", wide)] {
                let experts: Vec<Tensor> = (0..mixture.experts)
                    .map(|e| {
                        get(
                            &format!("model.layers.{layer}.block_sparse_moe.experts.{e}.{matrix}.weight"),
                            &shape,
                        )
                    })
                    .collect();
                let merged = Tensor::stack(&experts, 0).unwrap();
                file.tensor(&format!("blk.{layer}.ffn_{name}_exps.weight"), &merged, kind);
            }
        }
    }
    file
}

/// Rows as llama.cpp's converter permutes them: `reshape(heads, 2, half, ...).swapaxes(1, 2)`.
pub(super) fn interleave(tensor: &Tensor, head_dim: usize) -> Tensor {
    let rows = tensor.dim(0).unwrap();
    let shape = (rows / head_dim, 2, head_dim / 2, tensor.elem_count() / rows);
    let permuted = tensor
        .reshape(shape)
        .unwrap()
        .transpose(1, 2)
        .unwrap()
        .contiguous()
        .unwrap();
    permuted.reshape(tensor.shape()).unwrap()
}

fn converted_name(name: &str) -> String {
    let mut name = name.replace("model.layers.", "blk.");
    for (from, to) in [
        ("model.embed_tokens", "token_embd"),
        ("model.norm", "output_norm"),
        ("lm_head", "output"),
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("self_attn.q_norm", "attn_q_norm"),
        ("self_attn.k_norm", "attn_k_norm"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
        ("block_sparse_moe.gate", "ffn_gate_inp"),
    ] {
        name = name.replace(from, to);
    }
    name
}
