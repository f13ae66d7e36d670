//! `adapter_config.json`, as peft writes it.

use onig::{Regex, SearchOptions};
use serde_json::{Map, Value};

/// A LoRA adapter's own settings.
pub(crate) const SETTINGS: &str = "adapter_config.json";

/// Rank and alpha of modules that no pattern names; peft's defaults where a file is silent.
const DEFAULT_RANK: u64 = 8;
const DEFAULT_ALPHA: f64 = 8.;

/// Keys that change nothing of what an adapter that was trained computes: notes, training, how it was begun. Which modules
/// have matrices is told by the tensors themselves.
const HARMLESS: &[&str] = &[
    "auto_mapping",
    "base_model_class",
    "base_model_name_or_path",
    "bias",
    "corda_config",
    "ensure_weight_tying",
    "eva_config",
    "exclude_modules",
    // Only modules that store their weight the other way around; linear layers of these families do not.
    "fan_in_fan_out",
    "inference_mode",
    "init_lora_weights",
    "layers_pattern",
    "layers_to_transform",
    "loftq_config",
    "lora_dropout",
    "lora_ga_config",
    "megatron_core",
    "modules_to_save",
    "parent_library",
    "peft_type",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "target_modules",
    "task_type",
    "unsloth_fixed",
    "velora_config",
];

/// Keys that are read.
const READ: [&str; 6] = [
    "alpha_pattern",
    "lora_alpha",
    "r",
    "rank_pattern",
    "use_rslora",
    "base_model_name_or_path",
];

/// Variants that compute something else than a product of two matrices, by their key.
const VARIANTS: [(&str, &str); 12] = [
    ("use_dora", "DoRA, which scales the merged rows"),
    ("use_qalora", "QA-LoRA, which pools a layer's input"),
    ("use_bdlora", "a block-diagonal LoRA"),
    (
        "alora_invocation_tokens",
        "an activated LoRA, which is off until its tokens appear",
    ),
    ("arrow_config", "Arrow, which routes tokens to several adapters"),
    ("kasa_config", "KaSA, which takes singular values off the weights"),
    ("monteclora_config", "MonteCLoRA, which draws its weights"),
    ("layer_replication", "layers that are used more than once"),
    ("lora_bias", "biases of its own (lora_bias)"),
    (
        "target_parameters",
        "matrices for parameters that are no linear layers (target_parameters)",
    ),
    (
        "trainable_token_indices",
        "single rows of the embedding (trainable_token_indices)",
    ),
    ("megatron_config", "layers of Megatron"),
];

/// Ways to begin an adapter that leave other base weights behind than those of the base checkpoint.
const REWRITES_BASE: [&str; 6] = ["pissa", "olora", "corda", "loftq", "mica", "lora_ga"];

/// What an adapter's settings say.
pub(super) struct AdapterSettings {
    /// The base it was trained on, as it was named there.
    pub(super) base: Option<String>,
    rank: u64,
    alpha: f64,
    ranks: Vec<(Pattern, f64)>,
    alphas: Vec<(Pattern, f64)>,
    rank_stabilised: bool,
    targets: Vec<String>,
    /// Whether all modules that `targets` names must have matrices.
    targets_all: bool,
    /// Whether embedding and head that are one were trained as one.
    pub(super) ties_weights: bool,
}

impl AdapterSettings {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// Every reason why it cannot be merged.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Vec<String>> {
        let root: Map<String, Value> =
            serde_json::from_slice(text).map_err(|error| vec![format!("{SETTINGS} is not a JSON object: {error}")])?;
        let mut problems = Vec::new();
        match root.get("peft_type").and_then(Value::as_str) {
            Some("LORA") => {}
            Some(other) => {
                return Err(vec![format!(
                    "is of the kind `{other}` (peft_type); LORA can be merged"
                )]);
            }
            None => return Err(vec![format!("{SETTINGS} has no `peft_type`, expected LORA")]),
        }
        problems.extend(root.iter().filter_map(|(key, value)| objection(key, value)));
        let mut keys = SettingKeys { root: &root, problems };
        let settings = Self {
            base: root
                .get("base_model_name_or_path")
                .and_then(Value::as_str)
                .map(str::to_owned),
            rank: keys.number("r").map_or(DEFAULT_RANK, |rank| rank as u64),
            alpha: keys.number("lora_alpha").unwrap_or(DEFAULT_ALPHA),
            ranks: keys.patterns("rank_pattern"),
            alphas: keys.patterns("alpha_pattern"),
            rank_stabilised: root.get("use_rslora") == Some(&Value::Bool(true)),
            targets: match root.get("target_modules") {
                Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                _ => Vec::new(),
            },
            targets_all: ["layers_to_transform", "layers_pattern", "exclude_modules"]
                .iter()
                .all(|key| root.get(*key).is_none_or(is_off)),
            ties_weights: root.get("ensure_weight_tying") == Some(&Value::Bool(true)),
        };
        match keys.problems.is_empty() {
            true => Ok(settings),
            false => Err(keys.problems),
        }
    }

    /// The rank of a module's matrices, and what their product is multiplied by.
    ///
    /// # Errors
    /// A pattern that takes too long.
    pub(super) fn scaling(&self, module: &str) -> Result<(u64, f64), String> {
        let rank = first(&self.ranks, module)?.map_or(self.rank, |rank| rank as u64);
        let alpha = first(&self.alphas, module)?.unwrap_or(self.alpha);
        let divisor = match self.rank_stabilised {
            true => (rank as f64).sqrt(),
            false => rank as f64,
        };
        Ok((rank, alpha / divisor))
    }

    /// Names of modules that have matrices in every layer.
    pub(super) fn targets(&self) -> &[String] {
        &self.targets
    }

    /// Whether a module of the base must have matrices.
    pub(super) fn wants(&self, module: &str) -> bool {
        let named = |target: &String| is_called(module, target);
        self.targets_all && self.targets.iter().any(named)
    }
}

/// Whether a module's path ends in that name.
pub(super) fn is_called(module: &str, name: &str) -> bool {
    module
        .strip_suffix(name)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn objection(key: &str, value: &Value) -> Option<String> {
    if let Some((_, what)) = VARIANTS.iter().find(|(name, _)| *name == key) {
        return (!is_off(value)).then(|| format!("asks for {what}"));
    }
    if key == "init_lora_weights"
        && let Some(kind) = value.as_str()
        && REWRITES_BASE.iter().any(|start| kind.to_lowercase().starts_with(start))
    {
        return Some(format!(
            "was begun by `{kind}` (init_lora_weights), which changed the weights that it is added to"
        ));
    }
    let known = READ.contains(&key) || HARMLESS.contains(&key) || is_off(value);
    (!known).then(|| format!("`{key}` is {value}, and what it changes is not known"))
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

struct SettingKeys<'a> {
    root: &'a Map<String, Value>,
    problems: Vec<String>,
}

impl SettingKeys<'_> {
    fn number(&mut self, key: &str) -> Option<f64> {
        let value = self.root.get(key).filter(|value| !value.is_null())?;
        self.positive(key, value)
    }

    /// Alpha may be any number; a rank is whole and above 0.
    fn positive(&mut self, key: &str, value: &Value) -> Option<f64> {
        let is_rank = key.starts_with('r');
        let fits = |number: &f64| number.is_finite() && (!is_rank || (*number >= 1. && number.fract() == 0.));
        let number = value.as_f64().filter(fits);
        if number.is_none() {
            let wanted = if is_rank { "a positive whole number" } else { "a number" };
            self.problems.push(format!("`{key}` is {value}, expected {wanted}"));
        }
        number
    }

    fn patterns(&mut self, key: &str) -> Vec<(Pattern, f64)> {
        let Some(value) = self.root.get(key).filter(|value| !is_off(value)) else {
            return Vec::new();
        };
        let Some(map) = value.as_object() else {
            self.problems.push(format!("`{key}` is {value}, expected an object"));
            return Vec::new();
        };
        let mut patterns = Vec::new();
        for (name, value) in map {
            match (Pattern::new(name), self.positive(key, value)) {
                (Ok(pattern), Some(number)) => patterns.push((pattern, number)),
                (Err(what), _) => self.problems.push(format!("`{key}` has the pattern {name:?}: {what}")),
                (Ok(_), None) => {}
            }
        }
        patterns
    }
}

/// The number of the first pattern that matches.
fn first(patterns: &[(Pattern, f64)], module: &str) -> Result<Option<f64>, String> {
    for (pattern, number) in patterns {
        if pattern.matches(module)? {
            return Ok(Some(*number));
        }
    }
    Ok(None)
}

/// A name, or an expression of Python's, for the end of a module's path: peft matches `(.*\.)?(PATTERN)$`.
struct Pattern {
    text: String,
    regex: Regex,
}

/// Longest pattern in bytes.
const LONGEST: usize = 1000;

impl Pattern {
    fn new(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("has {} bytes; up to {LONGEST} are read", text.len()));
        }
        let regex = Regex::new(&format!(r"\A(?:.*\.)?(?:{text})\z")).map_err(|error| error.description().to_owned())?;
        Ok(Self {
            text: text.to_owned(),
            regex,
        })
    }

    fn matches(&self, module: &str) -> Result<bool, String> {
        let found = self.regex.match_with_param(
            module,
            0,
            SearchOptions::SEARCH_OPTION_NONE,
            None,
            onig::MatchParam::default(),
        );
        found
            .map(|length| length.is_some())
            .map_err(|error| format!("the pattern {:?}: {}", self.text, error.description()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(more: Value) -> Result<AdapterSettings, Vec<String>> {
        let mut all = json!({"peft_type": "LORA", "r": 4, "lora_alpha": 16});
        for (key, value) in more.as_object().unwrap() {
            all[key] = value.clone();
        }
        AdapterSettings::parse(all.to_string().as_bytes())
    }

    /// Ranks and alphas as peft 0.21's `get_pattern_key` finds them.
    #[test]
    fn the_first_pattern_that_matches_the_end_of_a_path_counts() {
        let settings = settings(json!({
            "rank_pattern": {"layers.1.self_attn.q_proj": 8, "q_proj": 2, r".*\.mlp\.(up|down)_proj": 1},
            "alpha_pattern": {"^model.layers.0.mlp.up_proj": 3, "k_proj": 1},
        }))
        .unwrap();
        let of = |module: &str| settings.scaling(module).unwrap();
        assert_eq!(of("model.layers.1.self_attn.q_proj"), (8, 2.));
        assert_eq!(of("model.layers.0.self_attn.q_proj"), (2, 8.));
        assert_eq!(of("model.layers.11.self_attn.q_proj"), (2, 8.));
        assert_eq!(of("model.layers.0.self_attn.k_proj"), (4, 0.25));
        assert_eq!(of("model.layers.0.mlp.up_proj"), (1, 3.));
        assert_eq!(of("model.layers.1.mlp.up_proj"), (1, 16.));
        assert_eq!(of("model.layers.0.mlp.gate_proj"), (4, 4.));
        assert_eq!(of("model.layers.0.self_attn.xq_proj"), (4, 4.));
    }

    #[test]
    fn rank_stabilised_adapters_are_divided_by_the_root() {
        let settings = settings(json!({"use_rslora": true, "init_lora_weights": "gaussian"})).unwrap();
        assert_eq!(settings.scaling("lm_head").unwrap(), (4, 8.));
    }

    #[test]
    fn what_is_no_plain_lora_is_refused_by_name() {
        for (more, said) in [
            (json!({"peft_type": "LOHA"}), "`LOHA` (peft_type)"),
            (json!({"use_dora": true}), "DoRA"),
            (json!({"lora_bias": true}), "lora_bias"),
            (json!({"alora_invocation_tokens": [1, 2]}), "activated LoRA"),
            (
                json!({"target_parameters": ["mlp.experts.gate_up_proj"]}),
                "target_parameters",
            ),
            (json!({"trainable_token_indices": [5]}), "trainable_token_indices"),
            (json!({"layer_replication": [[0, 1]]}), "more than once"),
            (
                json!({"init_lora_weights": "pissa_niter_4"}),
                "`pissa_niter_4` (init_lora_weights)",
            ),
            (json!({"newer_thing": 3}), "`newer_thing` is 3"),
            (json!({"r": 0}), "`r` is 0"),
            (json!({"rank_pattern": {"q_proj": 1.5}}), "`rank_pattern` is 1.5"),
            (json!({"alpha_pattern": {"(": 1}}), "the pattern \"(\""),
        ] {
            let problems = settings(more.clone())
                .err()
                .unwrap_or_else(|| panic!("{more} was accepted"));
            assert!(problems.iter().any(|problem| problem.contains(said)), "{problems:?}");
        }
        assert!(settings(json!({"newer_thing": null, "other": [], "use_dora": false})).is_ok());
    }

    #[test]
    fn a_pattern_that_takes_too_long_is_an_error() {
        let settings = settings(json!({"rank_pattern": {"(a*)*(a*)*(a*)*b": 2}})).unwrap();
        assert!(settings.scaling(&"a".repeat(60)).unwrap_err().contains("the pattern"));
    }
}
