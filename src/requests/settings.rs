//! Settings that a line of `generate` brings along.

use serde_json::Value;

use super::line::kind;
use super::setting_names::{MAX_TOKENS, STOP, refuse_others};
use super::{Line, RequestError, Sampling};
use crate::scoring::{Temperature, TopP};

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

/// A setting, unless it is `null`.
fn set<'l>(line: &'l Line, name: &str) -> Result<Option<&'l Value>, RequestError> {
    Ok(line.field(name)?.filter(|value| !value.is_null()))
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
