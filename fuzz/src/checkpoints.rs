//! Checkpoints: GGUF files, and folders with safetensors, a configuration and a tokenizer.

use std::path::Path;

use indieval::model::checkpoint::for_each_tensor;
use indieval::model::{Checkpoint, Inspection, LoadError, Markup, ModelConfig, Tokenizer, WeightSource, open_weights};

use crate::Run;
use crate::scratch::{Scratch, choose};

/// Weights with more values than this are not read: only what a small file claims is of interest.
const MOST_VALUES: usize = 1 << 20;

/// A GGUF file: its header, its configuration, its tokenizer, the values of its tensors.
pub fn gguf() -> Run {
    let scratch = Scratch::empty("gguf");
    Box::new(move |input| {
        scratch.with("model.gguf", input, |folder| {
            let path = folder.join("model.gguf");
            inspect(&path);
            read_tensors(&path);
        });
    })
}

/// Files of weights in a folder whose configuration is good: the shards, or their index.
pub fn safetensors() -> Run {
    const FILES: [&str; 3] = [
        "model-00001-of-00002.safetensors",
        "model.safetensors.index.json",
        "model.safetensors",
    ];
    let scratch = Scratch::of("shards");
    Box::new(move |input| {
        choose(input, FILES.len(), |which, content| {
            scratch.with(FILES[which], content, read_tensors);
        });
    })
}

/// One checkpoint a way in which quantisers pack weights; the last has the experts of gpt-oss. They lie in `fuzz/base`.
const PACKED: [&str; 6] = [
    "packed-awq",
    "packed-ct-int4-order",
    "packed-fp8-block",
    "packed-gptq4-order",
    "packed-nf4-nested",
    "packed-gpt-oss-mxfp4",
];

/// A checkpoint with packed weights, of which the configuration or the weights are changed.
pub fn packed() -> Run {
    const FILES: [&str; 2] = ["config.json", "model.safetensors"];
    let folders = PACKED.map(Scratch::of);
    Box::new(move |input| {
        choose(input, PACKED.len() * FILES.len(), |which, content| {
            let (folder, file) = (&folders[which / FILES.len()], FILES[which % FILES.len()]);
            folder.with(file, content, read_tensors);
        });
    })
}

/// A LoRA adapter of a good checkpoint, of which the settings or the weights are changed.
pub fn adapter() -> Run {
    const FILES: [&str; 2] = ["adapter_config.json", "adapter_model.safetensors"];
    let (base, scratch) = (Scratch::of("adapted"), Scratch::of("adapter"));
    Box::new(move |input| {
        choose(input, FILES.len(), |which, content| {
            scratch.with(FILES[which], content, |adapter| {
                match Checkpoint::open_adapted(base.folder(), adapter) {
                    Ok(checkpoint) => read_all(&checkpoint.config, &*checkpoint.weights),
                    Err(fault) => tell(&fault),
                }
            });
        });
    })
}

/// Everything in a folder that is not weights.
pub fn folder() -> Run {
    const FILES: [&str; 7] = [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "generation_config.json",
        "chat_template.jinja",
    ];
    let scratch = Scratch::of("checkpoint");
    Box::new(move |input| {
        choose(input, FILES.len(), |which, content| {
            scratch.with(FILES[which], content, inspect);
        });
    })
}

/// Looks at a checkpoint as `models check` does, and uses its tokenizer if it has one.
fn inspect(path: &Path) {
    let mut inspection = Inspection::of(path);
    inspection.check_values();
    for fault in &inspection.faults {
        let _ = fault.to_string();
    }
    if let Some(tokenizer) = &inspection.tokenizer {
        use_tokenizer(tokenizer);
    }
    let sound = inspection.faults.is_empty();
    let opened = inspection.into_checkpoint();
    assert!(!sound || opened.is_ok(), "no faults, and it does not open");
}

fn use_tokenizer(tokenizer: &Tokenizer) {
    let text = "What matters to me:\n\n  \u{e9}\u{4e2d}\u{1f600} 12345 <s></s><|im_start|>I'm";
    let vocabulary = u32::try_from(tokenizer.vocabulary()).expect("ids are 32 bits wide");
    for markup in [Markup::Text, Markup::Control] {
        if let Ok(ids) = tokenizer.encode_whole(text, markup) {
            assert!(ids.iter().all(|&id| id < vocabulary), "an id that there is not");
            let _ = tokenizer.decode(&ids);
        }
    }
    if let Ok(spans) = tokenizer.encode_with_spans(text) {
        assert!(
            spans
                .iter()
                .all(|span| span.bytes.start <= span.bytes.end && span.bytes.end <= text.len())
        );
    }
    let _ = (tokenizer.missing_bytes(), tokenizer.notes(), tokenizer.stop_tokens());
    for id in [0, 1, vocabulary.saturating_sub(1), vocabulary, u32::MAX] {
        let _ = (tokenizer.token(id), tokenizer.decode(&[id]));
    }
}

/// Reads every tensor of a checkpoint whose header is good.
fn read_tensors(path: &Path) {
    match open_weights(path) {
        Ok((config, weights)) => read_all(&config, &*weights),
        Err(fault) => tell(&fault),
    }
}

fn read_all(config: &ModelConfig, weights: &dyn WeightSource) {
    for_each_tensor(config, |name, shape| {
        if shape.iter().product::<usize>() <= MOST_VALUES {
            let _ = weights.get(name, shape);
        }
    });
}

fn tell(fault: &LoadError) {
    let _ = (fault.to_string(), fault.hint());
}
