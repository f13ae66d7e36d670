//! A GGUF file gives the decoder the same tensors as the folder it was converted from.

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Tensor};
use indieval::model::checkpoint::for_each_tensor;
use indieval::model::{Checkpoint, Family, LoadError, ModelConfig, RopeScaling, Weight, WeightSource, open_weights};

use super::gguf_writer::converted;
use super::{GOLDEN, golden, numbers};

fn values(source: &dyn WeightSource, name: &str, shape: &[usize], dtype: DType) -> Vec<f32> {
    let tensor = source.get_plain(name, shape, dtype).unwrap();
    assert_eq!(tensor.dtype(), dtype);
    numbers(&tensor)
}

/// What the format cannot say is not compared: llama3's scaling comes as factors, Mistral is called llama.
fn as_converted(config: &ModelConfig) -> ModelConfig {
    let mut config = config.clone();
    if config.family == Family::Mistral {
        config.family = Family::Llama;
    }
    config.norm_eps = f64::from(config.norm_eps as f32);
    config.rope_theta = f64::from(config.rope_theta as f32);
    config
}

#[test]
fn a_converted_file_has_the_folders_tensors() {
    for name in GOLDEN {
        let (mut config, weights) = open_weights(&golden(name)).unwrap();
        if config.rope_scaling != RopeScaling::None {
            config.rope_scaling = RopeScaling::Factors((1..=config.head_dim / 2).map(|f| f as f32).collect());
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        converted(&config, weights.as_ref(), GgmlDType::F32).write(&path);
        let checkpoint = Checkpoint::open(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(checkpoint.config, as_converted(&config), "{name}");
        for_each_tensor(&config, |tensor, shape| {
            let folder = values(weights.as_ref(), tensor, shape, DType::F32);
            let file = values(&*checkpoint.weights, tensor, shape, DType::F32);
            assert_eq!(folder, file, "{name}: {tensor}");
        });
    }
}

/// Weights whose head is the embedding times a factor.
struct WithHead<'a>(&'a dyn WeightSource, f64);

impl WeightSource for WithHead<'_> {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
        if name != "lm_head.weight" {
            return self.0.get(name, shape);
        }
        let embedding = self.0.get_plain("model.embed_tokens.weight", shape, DType::F32)?;
        Ok(Weight::Plain((embedding * self.1).unwrap()))
    }
}

#[test]
fn a_head_with_the_embeddings_bytes_is_redundant_and_another_is_used() {
    let (mut config, weights) = open_weights(&golden("llama3-tied-f32")).unwrap();
    assert!(config.tied);
    config.rope_scaling = RopeScaling::None;
    config.tied = false;
    let folder = tempfile::tempdir().unwrap();
    for (factor, tied) in [(1.0, true), (2.0, false)] {
        let path = folder.path().join(format!("{factor}.gguf"));
        converted(&config, &WithHead(weights.as_ref(), factor), GgmlDType::Q8_0).write(&path);
        assert_eq!(Checkpoint::open(&path).unwrap().config.tied, tied, "{factor}");
    }
}

#[test]
fn quantised_rows_are_put_right_and_dequantised_alike_on_every_way() {
    let (config, weights) = open_weights(&golden("llama3-tied-f32")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    converted(&config, weights.as_ref(), GgmlDType::Q8_0).write(&path);
    let (_, quantized) = open_weights(&path).unwrap();
    let mut blocks = 0;
    for_each_tensor(&config, |name, shape| {
        let direct = values(quantized.as_ref(), name, shape, DType::F32);
        let Weight::Quantized(kept) = quantized.get(name, shape).unwrap() else {
            assert_eq!(direct, values(weights.as_ref(), name, shape, DType::F32), "{name}");
            return;
        };
        blocks += 1;
        let kept = numbers(&kept.dequantize(&Device::Cpu).unwrap());
        assert_eq!(direct, kept, "{name}");
        // Rows are quantised on their own, so moving them and quantising them can be done in either order.
        let original = weights.get_plain(name, shape, DType::F32).unwrap();
        let expected = QTensor::quantize(&original, GgmlDType::Q8_0)
            .unwrap()
            .dequantize(&Device::Cpu)
            .unwrap();
        assert_eq!(direct, numbers(&expected), "{name}");
        let narrow: Vec<f32> = direct
            .iter()
            .map(|value| half::bf16::from_f32(*value).to_f32())
            .collect();
        assert_eq!(values(quantized.as_ref(), name, shape, DType::BF16), narrow, "{name}");
    });
    assert!(blocks > config.layers, "the matrices are quantised");
}

#[test]
fn every_tensor_that_is_wrong_is_named_in_one_error() {
    let (config, weights) = open_weights(&golden("qwen2-tied-bf16")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let mut narrower = config.clone();
    narrower.qkv_bias = false;
    let mut file = converted(&narrower, weights.as_ref(), GgmlDType::F32);
    let odd = Tensor::zeros((3, 5), DType::F32, &Device::Cpu).unwrap();
    file.tensor("blk.0.attn_q.bias", &odd, GgmlDType::F32);
    file.tensor("blk.0.something.weight", &odd, GgmlDType::F32);
    file.write(&path);
    let error = Checkpoint::open(&path).err().unwrap().to_string();
    for part in [
        "`model.layers.0.self_attn.k_proj.bias` is missing",
        "`model.layers.1.self_attn.q_proj.bias` is missing",
        "`model.layers.0.self_attn.q_proj.bias` has the shape [3, 5], expected [",
        "`blk.0.something.weight` has no place in what the configuration says",
    ] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
}

#[test]
fn other_families_and_tokenizers_are_refused_by_name() {
    let (config, weights) = open_weights(&golden("llama3-tied-f32")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let good = converted(&config, weights.as_ref(), GgmlDType::F32).bytes();
    for (from, to, said) in [
        (
            "general.architecture\u{8}\0\0\0\u{5}\0\0\0\0\0\0\0llama",
            "bloom",
            "the model family `bloom` is not supported (supported: llama,",
        ),
        (
            "tokenizer.ggml.pre\u{8}\0\0\0\u{5}\0\0\0\0\0\0\0gpt-2",
            "gpt-9",
            "the pre-tokenizer `gpt-9` is not known (known: gpt-2,",
        ),
        (
            "tokenizer.ggml.model\u{8}\0\0\0\u{4}\0\0\0\0\0\0\0gpt2",
            "rwkv",
            "is `rwkv`; `gpt2` (byte-level BPE) and `llama`",
        ),
    ] {
        let mut bytes = good.clone();
        let at = bytes
            .windows(from.len())
            .position(|window| window == from.as_bytes())
            .unwrap()
            + from.len()
            - to.len();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        std::fs::write(&path, bytes).unwrap();
        let error = Checkpoint::open(&path).err().unwrap();
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn a_model_in_parts_is_one_whichever_part_is_named_and_what_is_wrong_with_them_is_said() {
    let (config, weights) = open_weights(&golden("mixtral-f32")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let whole = converted(&config, weights.as_ref(), GgmlDType::F32);
    let name = |part: usize| folder.path().join(format!("m-{part:05}-of-00003.gguf"));
    let parts = whole.split(3);
    let write = || {
        parts
            .iter()
            .zip(1..)
            .for_each(|(part, number)| part.write(&name(number)))
    };
    write();
    for part in 1..=3 {
        let checkpoint = Checkpoint::open(&name(part)).unwrap_or_else(|error| panic!("{error}"));
        let files: Vec<&str> = checkpoint.identity.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(
            files,
            [
                "m-00001-of-00003.gguf",
                "m-00002-of-00003.gguf",
                "m-00003-of-00003.gguf"
            ]
        );
        for_each_tensor(&config, |tensor, shape| {
            let folder = values(weights.as_ref(), tensor, shape, DType::F32);
            assert_eq!(
                folder,
                values(&*checkpoint.weights, tensor, shape, DType::F32),
                "{tensor}"
            );
        });
    }
    let said = |part: usize| Checkpoint::open(&name(part)).err().unwrap().to_string();
    // The second is the third as well: its own tensors are there twice, or its number is wrong.
    std::fs::copy(name(2), name(3)).unwrap();
    assert!(
        said(1).contains("says that it is part 2 of 3, and its name part 3 of 3"),
        "{}",
        said(1)
    );
    std::fs::remove_file(name(3)).unwrap();
    assert!(said(1).contains("part 3 of 3 is missing"), "{}", said(1));
    write();
    let alone = folder.path().join("renamed.gguf");
    std::fs::rename(name(2), &alone).unwrap();
    let error = Checkpoint::open(&alone).err().unwrap();
    assert!(error.to_string().contains("is one of 3 parts"), "{error}");
    assert!(error.hint().unwrap().contains("-00001-of-00003.gguf"), "{error}");
}
