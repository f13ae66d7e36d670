//! The sliding window as `config.json` asks for it, and which layers have it and turn queries and keys.

use serde_json::Value;

use super::config::Keys;
use crate::model::design::{AttentionWindow, LayerKind};
use crate::model::family::{Family, WindowUse};

/// What `layer_types` says of all layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kinds {
    /// All of them have the window.
    Sliding,
    /// None of them has.
    Full,
}

impl Keys<'_> {
    /// The window of the layers that have one, or their chunk.
    pub(super) fn window(&mut self, family: Family, layers: usize) -> Option<AttentionWindow> {
        const CHUNK: &str = "attention_chunk_size";
        match family.window_use() {
            WindowUse::Chunks => match self.is_given(CHUNK) {
                false => Some(AttentionWindow::Chunk(8192)),
                true => self.optional_size(CHUNK).map(AttentionWindow::Chunk),
            },
            _ => self.sliding_window(family, layers).map(AttentionWindow::Sliding),
        }
    }

    /// The window every layer has. A checkpoint whose layers differ is refused, and so is one whose keys contradict each
    /// other: transformers reads `layer_types` for Qwen alone, where it needs `use_sliding_window`, and `sliding_window`
    /// alone for the Mistral families.
    fn sliding_window(&mut self, family: Family, layers: usize) -> Option<usize> {
        let window = match self.is_given("sliding_window") {
            false => family.defaults().window,
            true => self.optional_size("sliding_window"),
        };
        // What each layer is, its list says, in families whose layers differ.
        if let WindowUse::ByLayer(_) = family.window_use() {
            return window;
        }
        let kinds = self.kinds(layers);
        let window = match family.window_use() {
            WindowUse::Never | WindowUse::Chunks | WindowUse::ByLayer(_) => return None,
            WindowUse::Always => window,
            WindowUse::IfAsked => match kinds {
                Some(Kinds::Full) => None,
                // Layers from `max_window_layers` on have the window, where no list says which.
                _ if self.flag("use_sliding_window", false) => {
                    window.filter(|_| kinds.is_some() || self.takes_first_layers(layers))
                }
                _ => None,
            },
        };
        match (kinds, window) {
            (Some(Kinds::Sliding), None) => self.refuse(
                "layer_types",
                "asks for a window in every layer, and `sliding_window` (or `use_sliding_window`) for none",
            ),
            (Some(Kinds::Full), Some(window)) => self.refuse(
                "layer_types",
                format!("asks for no window in any layer, and `sliding_window` is {window}; one of them has to go"),
            ),
            _ => {}
        }
        window
    }

    /// What each layer's attention does, where layers may differ; empty where they do not.
    pub(super) fn layer_kinds(
        &mut self,
        family: Family,
        layers: usize,
        window: Option<AttentionWindow>,
    ) -> Vec<LayerKind> {
        match family {
            Family::SmolLm3 => {
                let kind = |rotated| LayerKind {
                    windowed: false,
                    rotated,
                };
                return self.rotated_layers(family, layers).into_iter().map(kind).collect();
            }
            Family::Llama4 => return self.chunked_layers(layers, window),
            _ => {}
        }
        let WindowUse::ByLayer(every) = family.window_use() else {
            return Vec::new();
        };
        // Only where they are read: a pattern of layers that `layer_types` names is a note.
        let every = match (self.value("layer_types"), every) {
            (None, Some(every)) if family.own_keys().contains(&"sliding_window_pattern") => {
                let mut own = self.optional_size("sliding_window_pattern");
                // A note of transformers' own, which it takes for the pattern in some families and in others not.
                if family.window_pattern_is_noted() {
                    own = own.or(self.optional_size("_sliding_window_pattern"));
                }
                if own == Some(0) {
                    self.refuse("sliding_window_pattern", "is 0, expected a positive whole number");
                }
                Some(own.unwrap_or(every))
            }
            (_, every) => every,
        };
        let mut windowed: Vec<bool> = (1..=layers)
            .map(|number| window.is_some() && every.is_none_or(|every| every > 0 && !number.is_multiple_of(every)))
            .collect();
        if let Some(named) = self.named_windows("sliding_attention", layers) {
            windowed = named;
        }
        if window.is_none() && windowed.contains(&true) {
            self.refuse("layer_types", "asks for windows, and `sliding_window` for none");
        }
        // Where layers without a window have no positions, there would be none at all.
        if window.is_none() && family.leaves_full_layers_unturned(false) {
            self.refuse("sliding_window", "is missing, expected a positive whole number");
        }
        let all_rotated = !family.leaves_full_layers_unturned(window.is_some());
        let kind = |windowed| LayerKind {
            windowed,
            rotated: windowed || all_rotated,
        };
        windowed.into_iter().map(kind).collect()
    }

    /// Layers that turn queries and keys: those that `no_rope_layers` has a 1 for, or all but every so-manieth.
    fn rotated_layers(&mut self, family: Family, layers: usize) -> Vec<bool> {
        let every = self.optional_size("no_rope_layer_interval").unwrap_or(4);
        if every == 0 {
            self.refuse("no_rope_layer_interval", "is 0, expected a positive whole number");
        }
        let mut rotated: Vec<bool> = (1..=layers)
            .map(|number| every == 0 || !number.is_multiple_of(every))
            .collect();
        if let Some(named) = self.value("no_rope_layers") {
            let flags = named.as_array().into_iter().flatten().map(Value::as_u64);
            let flags: Vec<u64> = flags.collect::<Option<_>>().unwrap_or_default();
            // Transformers takes an empty list of Llama 4's for none.
            if flags.len() == layers {
                rotated = flags.into_iter().map(|flag| flag != 0).collect();
            } else if named.as_array().is_none_or(|list| !list.is_empty()) || family != Family::Llama4 {
                let what = format!("is {named}, expected 0 or 1 for each of {layers} layers");
                self.refuse("no_rope_layers", what);
            }
        }
        rotated
    }

    /// Layers of Llama 4: those that turn queries and keys are chunked, unless a list says otherwise.
    fn chunked_layers(&mut self, layers: usize, window: Option<AttentionWindow>) -> Vec<LayerKind> {
        let rotated = self.rotated_layers(Family::Llama4, layers);
        let mut chunked: Vec<bool> = rotated.iter().map(|rotated| *rotated && window.is_some()).collect();
        if let Some(named) = self.named_windows("chunked_attention", layers) {
            chunked = named;
        }
        if window.is_none() && chunked.contains(&true) {
            self.refuse("layer_types", "asks for chunks, and `attention_chunk_size` for none");
        }
        let kinds = chunked.into_iter().zip(rotated);
        kinds
            .map(|(windowed, rotated)| LayerKind { windowed, rotated })
            .collect()
    }

    /// Which layers `layer_types` calls `windowed`, where it is there; one that says anything else but `full_attention` is refused.
    fn named_windows(&mut self, windowed: &str, layers: usize) -> Option<Vec<bool>> {
        let named = self.value("layer_types")?;
        let found = windowed_layers(named, windowed, layers);
        if found.is_none() {
            let what = format!("is {named}, expected `{windowed}` or `full_attention` for each of {layers} layers");
            self.refuse("layer_types", what);
        }
        found
    }

    /// What `layer_types` says, where it is there; one that differs between layers is refused.
    fn kinds(&mut self, layers: usize) -> Option<Kinds> {
        let kinds = self.value("layer_types")?.as_array()?;
        let count = |name: &str| kinds.iter().filter(|kind| kind.as_str() == Some(name)).count();
        let (sliding, full) = (count("sliding_attention"), count("full_attention"));
        if sliding + full != layers || kinds.len() != layers || (sliding > 0 && full > 0) {
            let what = format!(
                "has {sliding} sliding and {full} full of {layers} layers; all layers must be of one of these kinds"
            );
            self.refuse("layer_types", what);
            return None;
        }
        Some(if sliding > 0 { Kinds::Sliding } else { Kinds::Full })
    }

    /// Whether the window begins with the first layer; where it begins with a later one, that is refused.
    fn takes_first_layers(&mut self, layers: usize) -> bool {
        let first = self.optional_size("max_window_layers").unwrap_or(28);
        if first > 0 && first < layers {
            let what = format!("is {first} of {layers} layers: a window in some layers only is not supported");
            self.refuse("max_window_layers", what);
        }
        first == 0
    }
}

/// Which layers have the window, where a list names `windowed` or the other kind for each of so many layers.
fn windowed_layers(named: &Value, windowed: &str, layers: usize) -> Option<Vec<bool>> {
    let kind = |kind: &Value| match kind.as_str()? {
        kind if kind == windowed => Some(true),
        "full_attention" => Some(false),
        _ => None,
    };
    let kinds: Vec<bool> = named.as_array()?.iter().map(kind).collect::<Option<_>>()?;
    (kinds.len() == layers).then_some(kinds)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::super::config::parse;
    use super::AttentionWindow;

    /// The window of a two-layer model with these keys, or what is said of them.
    fn window(model_type: &str, keys: Value) -> Result<Option<usize>, String> {
        let mut config = json!({
            "model_type": model_type, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 128, "max_position_embeddings": 128,
        });
        let keys = keys.as_object().expect("keys").clone();
        config.as_object_mut().expect("an object").extend(keys);
        let parsed = parse(Path::new("config.json"), config.to_string().as_bytes());
        parsed
            .map(|config| config.window.map(AttentionWindow::size))
            .map_err(|errors| {
                let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
                said.join("; ")
            })
    }

    /// A family, its keys (`FULL`, `SLIDING` and `MIXED` are lists for two layers), and the window or what is said.
    const CASES: &str = r#"
        llama   | "sliding_window": 8                                                         | None
        llama   | "layer_types": SLIDING                                                      | `layer_types`
        mistral |                                                                             | Some(4096)
        mistral | "sliding_window": null                                                      | None
        mistral | "sliding_window": 8, "layer_types": SLIDING                                 | Some(8)
        mistral | "sliding_window": null, "layer_types": FULL                                 | None
        mistral | "sliding_window": 8, "layer_types": FULL                                    | asks for no window
        mistral | "sliding_window": null, "layer_types": SLIDING                              | asks for a window
        mistral | "sliding_window": 8, "layer_types": MIXED                                   | has 1 sliding and 1 full
        mixtral |                                                                             | None
        mixtral | "sliding_window": 8, "layer_types": FULL                                    | asks for no window
        qwen2   | "sliding_window": 8                                                         | None
        qwen2   | "sliding_window": 8, "layer_types": FULL                                    | None
        qwen2   | "sliding_window": 8, "use_sliding_window": true, "layer_types": FULL        | None
        qwen2   | "sliding_window": 8, "use_sliding_window": true                             | None
        qwen2   | "sliding_window": 8, "use_sliding_window": true, "max_window_layers": 0     | Some(8)
        qwen3   | "sliding_window": 8, "use_sliding_window": true, "max_window_layers": 1     | in some layers only
        qwen3   | "sliding_window": 8, "use_sliding_window": true, "layer_types": SLIDING     | Some(8)
        qwen3   | "sliding_window": 8, "layer_types": SLIDING                                 | asks for a window
        qwen3   | "sliding_window": null, "use_sliding_window": true, "layer_types": SLIDING  | asks for a window
        llama4_text |                                                                         | Some(8192)
        llama4_text | "attention_chunk_size": 8                                               | Some(8)
        llama4_text | "attention_chunk_size": null                                            | None
        llama4_text | "attention_chunk_size": 8, "no_rope_layers": []                         | Some(8)
        llama4_text | "moe_layers": [], "num_local_experts": 0, "num_experts_per_tok": 0      | Some(8192)
        llama4_text | "no_rope_layers": [1]                                                   | `no_rope_layers`: is [1]
        llama4_text | "attention_chunk_size": 8, "layer_types": FULL, "moe_layers": [0, 1]    | Some(8)
        qwen3   | "layer_types": ["full_attention"]                                           | has 0 sliding and 1 full of 2
    "#;

    #[test]
    fn the_window_is_transformers_or_the_keys_contradict_each_other() {
        for case in CASES.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let [family, keys, expected] = case.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
                panic!("{case}")
            };
            let keys = keys
                .replace("FULL", r#"["full_attention", "full_attention"]"#)
                .replace("SLIDING", r#"["sliding_attention", "sliding_attention"]"#)
                .replace("MIXED", r#"["sliding_attention", "full_attention"]"#);
            let keys = serde_json::from_str(&format!("{{{keys}}}")).expect(case);
            match window(family, keys) {
                Ok(found) => assert_eq!(format!("{found:?}"), expected, "{case}"),
                Err(said) => assert!(said.contains(expected), "{case}: {said}"),
            }
        }
    }
}
