//! Settings that a line of `generate` brings along.
//!
//! What a line says beside its prompt is passed through, so a setting that is not known would be lost without a word: what
//! looks like one is obeyed, or it is harmless as it stands, or the line is refused.

use serde_json::Value;

use super::line::kind;
use super::{Line, RequestError, Sampling};
use crate::scoring::{Temperature, TopP};

/// Names by which other programs know the most tokens of a text.
const MAX_TOKENS: [&str; 4] = ["max_tokens", "max_completion_tokens", "max_new_tokens", "max_gen_toks"];

/// Names of texts that end a generation.
const STOP: [&str; 2] = ["stop", "until"];

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

/// How a line is to be generated: as `usual`, unless it says something else; and its own seed, where it has one.
///
/// # Errors
/// A setting of no use, two that contradict each other, and one that is not known.
pub(super) fn of_line(line: &Line, usual: &Sampling) -> Result<(Sampling, Option<u64>), RequestError> {
    refuse_others(line)?;
    let mut sampling = usual.clone();
    if let Some(value) = set(line, "temperature")? {
        sampling.temperature = Temperature::new(number(line, "temperature", value)?)
            .map_err(|error| line.bad(format!("`temperature`: {error}")))?;
    }
    if let Some(value) = set(line, "top_p")? {
        sampling.top_p =
            TopP::new(number(line, "top_p", value)?).map_err(|error| line.bad(format!("`top_p`: {error}")))?;
    }
    sampled(line, &mut sampling)?;
    let mut given: Option<(&str, usize)> = None;
    for name in MAX_TOKENS {
        let Some(value) = set(line, name)? else { continue };
        let tokens = whole(line, name, value)?;
        let tokens = usize::try_from(tokens)
            .ok()
            .filter(|&tokens| tokens > 0)
            .ok_or_else(|| line.bad(format!("`{name}` is {value}, expected a whole number of at least 1")))?;
        if let Some((other, before)) = given.filter(|&(_, before)| before != tokens) {
            return Err(line.bad(format!("`{other}` is {before} and `{name}` is {tokens}")));
        }
        given = Some((name, tokens));
    }
    sampling.max_tokens = given.map_or(sampling.max_tokens, |(_, tokens)| tokens);
    stop(line, &mut sampling)?;
    let seed = match set(line, "seed")? {
        Some(value) => Some(whole(line, "seed", value)?),
        None => None,
    };
    Ok((sampling, seed))
}

/// `do_sample` of the transformers library: whether there is chance at all.
fn sampled(line: &Line, sampling: &mut Sampling) -> Result<(), RequestError> {
    let warm = sampling.temperature > Temperature::default();
    match set(line, "do_sample")? {
        None => Ok(()),
        Some(Value::Bool(true)) if warm => Ok(()),
        Some(Value::Bool(true)) => Err(line.bad("`do_sample` is true, and the temperature is 0")),
        Some(Value::Bool(false)) if warm && set(line, "temperature")?.is_some() => {
            Err(line.bad("`do_sample` is false, and the temperature is not 0"))
        }
        Some(Value::Bool(false)) => {
            sampling.temperature = Temperature::default();
            Ok(())
        }
        Some(other) => Err(line.bad(format!("`do_sample` is {}, expected true or false", kind(other)))),
    }
}

/// `stop` and `until`: a text or a list of texts each. They take the place of the usual ones.
fn stop(line: &Line, sampling: &mut Sampling) -> Result<(), RequestError> {
    let mut given: Option<Vec<String>> = None;
    for name in STOP {
        let Some(value) = set(line, name)? else { continue };
        let wrong = || line.bad(format!("`{name}` is neither a text nor a list of texts"));
        let texts = match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(list) => list
                .iter()
                .map(|text| text.as_str().map(str::to_owned).ok_or_else(wrong))
                .collect::<Result<_, _>>()?,
            _ => return Err(wrong()),
        };
        if texts.iter().any(String::is_empty) {
            return Err(line.bad(format!("`{name}` has an empty text, with which every text would end")));
        }
        given.get_or_insert_default().extend(texts);
    }
    if let Some(texts) = given {
        sampling.stop = texts;
    }
    Ok(())
}

/// Refuses what looks like a setting and is none that is obeyed.
fn refuse_others(line: &Line) -> Result<(), RequestError> {
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

/// A setting, unless it is `null`.
fn set<'l>(line: &'l Line, name: &str) -> Result<Option<&'l Value>, RequestError> {
    Ok(line.field(name)?.filter(|value| !value.is_null()))
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

fn number(line: &Line, name: &str, value: &Value) -> Result<f64, RequestError> {
    value
        .as_f64()
        .ok_or_else(|| line.bad(format!("`{name}` is {}, expected a number", kind(value))))
}

/// A whole number of at least 0, which may be written as text (tables lose the last digits of large ones).
fn whole(line: &Line, name: &str, value: &Value) -> Result<u64, RequestError> {
    let text = value.as_str().and_then(|text| text.parse().ok());
    // 3.0 is how some tables write 3.
    let float = value
        .as_f64()
        .filter(|number| number.fract() == 0.0 && (0.0..9e15).contains(number))
        .map(|number| number as u64);
    if value.as_f64().is_some_and(|number| number > u64::MAX as f64 / 2.0) && !value.is_u64() {
        // Its digits are lost as the line is read.
        return Err(line.bad(format!("`{name}` is larger than {}", u64::MAX)));
    }
    value
        .as_u64()
        .or(text)
        .or(float)
        .ok_or_else(|| line.bad(format!("`{name}` is {value}, expected a whole number of at least 0")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<(Sampling, Option<u64>), String> {
        let line = Line {
            place: "in:1".into(),
            number: 1,
            text: text.into(),
            content: serde_json::from_str(text).map_err(|error| error.to_string()),
        };
        of_line(&line, &Sampling::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_line_is_generated_as_it_says() {
        let (sampling, seed) = of(
            r#"{"prompt": "a", "temperature": 0.5, "top_p": 0.9, "max_new_tokens": 7, "seed": "18424035997181290152",
            "stop": "x", "until": ["y", "\n\n"], "id": 3}"#,
        )
        .unwrap();
        assert_eq!((sampling.temperature.get(), sampling.top_p.get()), (0.5, 0.9));
        assert_eq!((sampling.max_tokens, seed), (7, Some(18_424_035_997_181_290_152)));
        assert_eq!(sampling.stop, ["x", "y", "\n\n"]);
        let usual = (Sampling::default(), None);
        assert_eq!(of(r#"{"prompt": "a"}"#), Ok(usual.clone()));
        let nothing = r#"{"temperature": null, "stop": null, "seed": null, "max_tokens": null, "top_k": null}"#;
        assert_eq!(of(nothing), Ok(usual.clone()));
        let harmless = r#"{"top_k": -1, "n": 1, "repetition_penalty": 1.0, "presence_penalty": 0, "do_sample": false,
            "response_format": {"type": "text"}, "tools": [], "logit_bias": {}, "model": "gpt", "steps": 3, "user": "x",
            "options": ["A", "B"], "parameters": {"country": "x"}, "system": "", "add_generation_prompt": true,
            "stream": false, "n_tokens": 7, "tokens_out": 3}"#;
        assert_eq!(of(harmless), Ok(usual));
    }

    /// Lines and what is said of them.
    const REFUSED: &[(&str, &str)] = &[
        (
            r#"{"top_k": 40}"#,
            "`top_k` is a setting that this program does not have",
        ),
        (r#"{"repetition_penalty": 1.1}"#, "`repetition_penalty` is a setting"),
        (r#"{"n": 2}"#, "`n` is a setting"),
        (
            r#"{"response_format": {"type": "json_object"}}"#,
            "`response_format` is a setting",
        ),
        (r#"{"tools": [{}]}"#, "`tools` is a setting"),
        (r#"{"maxTokens": 5}"#, "`maxTokens` looks like the setting `max_tokens`"),
        (r#"{"Top-P": 0.5}"#, "`Top-P` looks like the setting `top_p`"),
        (
            r#"{"temprature": 1}"#,
            "`temprature` looks like the setting `temperature`",
        ),
        (r#"{"max_token": 5}"#, "`max_token` looks like the setting `max_tokens`"),
        (
            r#"{"num_predict": 5}"#,
            "`num_predict` looks like the setting `max_tokens`",
        ),
        (r#"{"options": {"temperature": 1}}"#, "`options` holds settings"),
        (r#"{"options": {"num_predict": 1}}"#, "`options` holds settings"),
        (
            r#"{"system": "Be brief."}"#,
            "`system` would not be read: put it into `messages`",
        ),
        (
            r#"{"add_generation_prompt": false}"#,
            "`add_generation_prompt` is a setting",
        ),
        (r#"{"stream": true}"#, "`stream` is a setting"),
        (
            r#"{"seed": 18446744073709551616}"#,
            "`seed` is larger than 18446744073709551615",
        ),
        (
            r#"{"temperature": 1e308}"#,
            "`temperature`: 1e308 is not a finite number of at least 0",
        ),
        (r#"{"gen_kwargs": {"until": ["x"]}}"#, "`gen_kwargs` holds settings"),
        (
            r#"{"temperature": "warm"}"#,
            "`temperature` is a text, expected a number",
        ),
        (
            r#"{"temperature": -1}"#,
            "`temperature`: -1 is not a finite number of at least 0",
        ),
        (r#"{"top_p": 0}"#, "`top_p`: 0 is not a number above 0 and at most 1"),
        (
            r#"{"max_tokens": 0}"#,
            "`max_tokens` is 0, expected a whole number of at least 1",
        ),
        (r#"{"max_tokens": 1.5}"#, "`max_tokens` is 1.5, expected a whole number"),
        (
            r#"{"max_tokens": 5, "max_gen_toks": 6}"#,
            "`max_tokens` is 5 and `max_gen_toks` is 6",
        ),
        (r#"{"stop": ["a", ""]}"#, "`stop` has an empty text"),
        (r#"{"until": 7}"#, "`until` is neither a text nor a list of texts"),
        (r#"{"seed": -1}"#, "`seed` is -1, expected a whole number of at least 0"),
        (
            r#"{"do_sample": true}"#,
            "`do_sample` is true, and the temperature is 0",
        ),
        (
            r#"{"do_sample": false, "temperature": 1}"#,
            "`do_sample` is false, and the temperature is not 0",
        ),
    ];

    #[test]
    fn settings_that_would_be_lost_are_refused_by_name() {
        for (line, says) in REFUSED {
            let said = of(line).unwrap_err();
            assert!(said.contains(says), "{line}: {said}");
        }
    }
}
