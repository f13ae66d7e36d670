//! Names of settings, here and in other programs. What a line says beside its prompt is passed through, so a setting that is
//! not known would be lost without a word: what looks like one is obeyed, or it is harmless as it stands, or the line is
//! refused.

use serde_json::Value;

use super::{Line, RequestError};

/// Names by which other programs know the most tokens of a text.
pub(super) const MAX_TOKENS: [&str; 4] = ["max_tokens", "max_completion_tokens", "max_new_tokens", "max_gen_toks"];

/// Names of texts that end a generation.
pub(super) const STOP: [&str; 2] = ["stop", "until"];

/// Settings that are obeyed.
const OBEYED: [&str; 10] = [
    "temperature",
    "top_p",
    "seed",
    "do_sample",
    MAX_TOKENS[0],
    MAX_TOKENS[1],
    MAX_TOKENS[2],
    MAX_TOKENS[3],
    STOP[0],
    STOP[1],
];

/// A value with which a setting changes nothing.
#[derive(Debug, Clone, Copy)]
enum Harmless {
    /// No value.
    Never,
    /// These numbers.
    Numbers(&'static [f64]),
    /// `false`, or 0.
    Off,
    /// `true`.
    On,
    /// This text, or an object whose `type` it is.
    Text(&'static str),
}

/// Settings of other programs that are not known here, and the values with which they do no harm. `null`, an empty text,
/// list or object never does.
const OTHERS: [(&str, Harmless); 56] = [
    ("top_k", Harmless::Numbers(&[0.0, -1.0])),
    ("min_p", Harmless::Off),
    ("top_a", Harmless::Off),
    ("typical_p", Harmless::Numbers(&[1.0])),
    ("tfs_z", Harmless::Numbers(&[1.0])),
    ("epsilon_cutoff", Harmless::Off),
    ("eta_cutoff", Harmless::Off),
    ("mirostat", Harmless::Off),
    ("dynatemp_range", Harmless::Off),
    ("xtc_probability", Harmless::Off),
    ("dry_multiplier", Harmless::Off),
    ("repetition_penalty", Harmless::Numbers(&[1.0])),
    ("repeat_penalty", Harmless::Numbers(&[1.0])),
    ("encoder_repetition_penalty", Harmless::Numbers(&[1.0])),
    ("frequency_penalty", Harmless::Off),
    ("presence_penalty", Harmless::Off),
    ("length_penalty", Harmless::Numbers(&[1.0])),
    ("no_repeat_ngram_size", Harmless::Off),
    ("penalty_alpha", Harmless::Off),
    ("guidance_scale", Harmless::Numbers(&[1.0])),
    ("logit_bias", Harmless::Never),
    ("bad_words", Harmless::Never),
    ("bad_words_ids", Harmless::Never),
    ("allowed_token_ids", Harmless::Never),
    ("stop_token_ids", Harmless::Never),
    ("eos_token_id", Harmless::Never),
    ("ignore_eos", Harmless::Off),
    ("include_stop_str_in_output", Harmless::Off),
    ("skip_special_tokens", Harmless::Off),
    ("truncate_prompt_tokens", Harmless::Never),
    ("n", Harmless::Numbers(&[1.0])),
    ("best_of", Harmless::Numbers(&[1.0])),
    ("num_return_sequences", Harmless::Numbers(&[1.0])),
    ("num_beams", Harmless::Numbers(&[1.0])),
    ("use_beam_search", Harmless::Off),
    ("early_stopping", Harmless::Off),
    ("min_tokens", Harmless::Off),
    ("min_new_tokens", Harmless::Off),
    ("max_length", Harmless::Never),
    ("min_length", Harmless::Off),
    ("top_logprobs", Harmless::Off),
    ("echo", Harmless::Off),
    ("suffix", Harmless::Never),
    ("response_format", Harmless::Text("text")),
    ("grammar", Harmless::Never),
    ("guided_json", Harmless::Never),
    ("guided_regex", Harmless::Never),
    ("guided_choice", Harmless::Never),
    ("tools", Harmless::Never),
    ("tool_choice", Harmless::Text("none")),
    ("reasoning_effort", Harmless::Text("none")),
    ("add_generation_prompt", Harmless::On),
    ("enable_thinking", Harmless::Never),
    ("think", Harmless::Off),
    ("stream", Harmless::Off),
    ("images", Harmless::Never),
];

/// What settings are called elsewhere, and here.
const OTHER_NAMES: [(&str, &str); 6] = [
    ("num_predict", "max_tokens"),
    ("n_predict", "max_tokens"),
    ("max_output_tokens", "max_tokens"),
    ("stop_sequences", "stop"),
    ("stop_strings", "stop"),
    ("random_seed", "seed"),
];

/// Objects that other programs keep settings in.
const NESTED: [&str; 6] = [
    "gen_kwargs",
    "generation_kwargs",
    "generation_config",
    "sampling_params",
    "extra_body",
    "chat_template_kwargs",
];

/// Objects that settings are kept in elsewhere, and that may as well be data: they are looked into.
const PERHAPS_NESTED: [&str; 5] = ["options", "parameters", "params", "settings", "sampling"];

/// Refuses what looks like a setting and is none that is obeyed.
pub(super) fn refuse_others(line: &Line) -> Result<(), RequestError> {
    for (name, value) in line.fields()? {
        if OBEYED.contains(&name.as_str()) || is_nothing(value) {
            continue;
        }
        if let Some((_, harmless)) = OTHERS.iter().find(|(other, _)| other == name) {
            if !harmless.is(value) {
                return Err(line.bad(format!("`{name}` is a setting that this program does not have")));
            }
            continue;
        }
        let inner = value.as_object().filter(|_| PERHAPS_NESTED.contains(&name.as_str()));
        let holds = inner.is_some_and(|fields| fields.keys().any(|name| is_setting(name)));
        if holds || NESTED.contains(&name.as_str()) {
            return Err(line.bad(format!("`{name}` holds settings; they belong beside the prompt")));
        }
        if name == "system" {
            let remedy = "put it into `messages`, as a first message whose role is `system`";
            return Err(line.bad(format!("`system` would not be read: {remedy}")));
        }
        if let Some(known) = otherwise_spelled(name) {
            return Err(line.bad(format!("`{name}` looks like the setting `{known}`; spell it so")));
        }
    }
    Ok(())
}

/// Whether a name is that of a setting, here or elsewhere.
fn is_setting(name: &str) -> bool {
    settings().any(|known| known == name) || otherwise_spelled(name).is_some()
}

/// All names of settings that are known.
fn settings() -> impl Iterator<Item = &'static str> {
    OBEYED.into_iter().chain(OTHERS.iter().map(|(other, _)| *other))
}

/// The setting that a name is another spelling of: `maxTokens`, `top-p`, `temprature`, `num_predict`.
fn otherwise_spelled(name: &str) -> Option<&'static str> {
    let bare = |name: &str| -> String {
        let letters = name.chars().filter(|c| c.is_ascii_alphanumeric());
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let given = bare(name);
    let elsewhere = OTHER_NAMES.iter().find(|(other, _)| bare(other) == given);
    elsewhere
        .map(|(_, known)| *known)
        .or_else(|| {
            settings()
                .filter(|known| known.len() > 1)
                .find(|known| bare(known) == given)
        })
        .or_else(|| settings().find(|known| is_slip(&given, &bare(known))))
}

/// Whether a name is a long one with a slip of the pen. Short ones have neighbours that mean something else.
fn is_slip(given: &str, known: &str) -> bool {
    let allowed = match known.len() {
        0..8 => return false,
        8..11 => 1,
        _ => 2,
    };
    given.chars().next() == known.chars().next() && strsim::osa_distance(given, known) <= allowed
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

impl Harmless {
    fn is(self, value: &Value) -> bool {
        match self {
            Self::Never => false,
            Self::Numbers(numbers) => value.as_f64().is_some_and(|number| numbers.contains(&number)),
            Self::On => value == &Value::Bool(true),
            Self::Off => value == &Value::Bool(false) || value.as_f64() == Some(0.0),
            Self::Text(text) => {
                let kind = value.get("type").unwrap_or(value);
                kind.as_str() == Some(text)
            }
        }
    }
}
