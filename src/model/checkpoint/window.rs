//! The sliding window as `config.json` asks for it, in every layer or in none.

use super::config::Keys;
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
    /// The window every layer has. A checkpoint whose layers differ is refused, and so is one whose keys contradict each
    /// other: transformers reads `layer_types` for Qwen alone, where it needs `use_sliding_window`, and `sliding_window`
    /// alone for the Mistral families.
    pub(super) fn sliding_window(&mut self, family: Family, layers: usize) -> Option<usize> {
        let window = match self.is_given("sliding_window") {
            false => family.defaults().window,
            true => self.optional_size("sliding_window"),
        };
        let kinds = self.kinds(layers);
        let window = match family.window_use() {
            WindowUse::Never => return None,
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::super::config::parse;

    /// The window of a two-layer model with these keys, or what is said of them.
    fn window(model_type: &str, keys: Value) -> Result<Option<usize>, String> {
        let mut config = json!({
            "model_type": model_type, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 128, "max_position_embeddings": 128,
        });
        let keys = keys.as_object().expect("keys").clone();
        config.as_object_mut().expect("an object").extend(keys);
        let parsed = parse(Path::new("config.json"), config.to_string().as_bytes());
        parsed.map(|config| config.sliding_window).map_err(|errors| {
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
