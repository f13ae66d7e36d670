//! Writes a checkpoint of random bf16 weights: the shape of a real one, nothing learnt. For measuring speed and memory
//! where the real one is not at hand.
//!
//!     cargo run --release --example random_checkpoint -- FOLDER [SHAPE [LAYERS [zero]]]
//!
//! Shapes: llama-3.1-8b (16 GB; the default), qwen2-72b (145 GB), mixtral-8x7b (93 GB), mixtral-8x22b (281 GB), narrow
//! (15 MB), tiny. LAYERS puts
//! another number of layers in place of the shape's own. With `zero` all weights are 0 and the file is sparse: it takes no
//! room on a disk, and every token is as likely as any other. The folder gets config.json, model.safetensors and a small
//! tokenizer.

#[path = "shapes/mod.rs"]
mod shapes;

use indieval::model::{Mixture, ModelConfig, RopeScaling, checkpoint};
use std::{
    error::Error,
    fs::{self, File},
    io::{BufWriter, Seek, Write},
    path::Path,
};

/// Numbers that are drawn; longer tensors repeat them, each from another place on.
const DRAWN: usize = (1 << 24) + 12_343;

fn config_json(config: &ModelConfig) -> serde_json::Value {
    let mut json = serde_json::json!({
        "model_type": config.family.name(),
        "hidden_act": "silu",
        "hidden_size": config.hidden,
        "intermediate_size": config.intermediate,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "vocab_size": config.vocabulary,
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope_theta,
        "tie_word_embeddings": config.tied,
        "torch_dtype": "bfloat16",
        "bos_token_id": 0,
        "eos_token_id": 1
    });
    if let RopeScaling::Llama3 { .. } = config.rope_scaling {
        json["rope_scaling"] = serde_json::json!({
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192
        });
    }
    if let Some(Mixture { experts, routing, .. }) = config.mixture {
        json["num_local_experts"] = experts.into();
        json["num_experts_per_tok"] = routing.used.into();
        json["sliding_window"] = serde_json::Value::Null;
    }
    json
}

/// Random bf16 numbers around `middle`, as bytes.
fn numbers(middle: f32, spread: f32) -> Vec<u8> {
    let drawn = shapes::drawn(middle, spread, DRAWN).into_iter();
    drawn.flat_map(half::bf16::to_le_bytes).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let folder = Path::new(args.first().ok_or("which folder?")?);
    let mut config = shapes::shape(args.get(1).map_or("llama-3.1-8b", String::as_str))?;
    if let Some(layers) = args.get(2) {
        config.layers = layers.parse()?;
    }
    let zero = args.get(3).is_some_and(|word| word == "zero");
    fs::create_dir_all(folder)?;

    let mut header = serde_json::Map::new();
    let mut tensors = Vec::new();
    let mut end = 0;
    checkpoint::for_each_tensor(&config, |name, shape| {
        let bytes = 2 * shape.iter().product::<usize>();
        let entry = serde_json::json!({"dtype": "BF16", "shape": shape, "data_offsets": [end, end + bytes]});
        header.insert(name.to_owned(), entry);
        tensors.push((name.ends_with("norm.weight"), bytes));
        end += bytes;
    });
    let mut header = serde_json::to_vec(&header)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = BufWriter::with_capacity(1 << 22, File::create(folder.join("model.safetensors"))?);
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(&header)?;
    let (matrices, norms) = (numbers(0., 0.035), numbers(1., 0.1));
    for (i, (norm, mut bytes)) in tensors.into_iter().enumerate() {
        if zero {
            continue;
        }
        let drawn = if norm { &norms } else { &matrices };
        let mut from = 2 * (i * 7_919_777 % DRAWN);
        while bytes > 0 {
            let n = bytes.min(drawn.len() - from);
            file.write_all(&drawn[from..from + n])?;
            bytes -= n;
            from = 0;
        }
    }
    file.flush()?;
    if zero {
        // Where nothing was written a file reads as zeros.
        let length = file.stream_position()? + end as u64;
        file.get_ref().set_len(length)?;
    }
    fs::write(
        folder.join("config.json"),
        serde_json::to_string_pretty(&config_json(&config))?,
    )?;
    let source = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        fs::copy(
            Path::new(&source).join("tests/golden/llama3-tied-f32").join(name),
            folder.join(name),
        )?;
    }
    println!(
        "{}: {} parameters, {end} bytes",
        folder.display(),
        checkpoint::parameters(&config)
    );
    Ok(())
}
