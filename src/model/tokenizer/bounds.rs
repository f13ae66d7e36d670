//! What a tokenizer may do to a text is bounded before any text is given to it.

use serde_json::Value;
use tokenizers::{ModelWrapper, Tokenizer};

/// Most times that normalizing or decoding may lengthen a text. A space for SentencePiece takes three bytes, and
/// Unicode's own forms at most 18 times a character's.
const MOST_GROWTH: f64 = 4096.0;
/// Most tokens that may be put around a text.
const MOST_AROUND: usize = 64;
/// Longest expression; those in use stay below 500 bytes.
const LONGEST_EXPRESSION: usize = 1 << 14;

/// Says what about a tokenizer is without bounds, or gives other tokens every time.
pub(super) fn check(library: &Tokenizer) -> Result<(), String> {
    if let ModelWrapper::BPE(model) = library.get_model()
        && let Some(dropout) = model.dropout
        && dropout > 0.0
    {
        return Err(format!(
            "`model.dropout` is {dropout}: merges left out at random give other tokens every time; set it to null"
        ));
    }
    let json = |part: Result<Value, serde_json::Error>| part.map_err(|error| error.to_string());
    if let Some(normalizer) = library.get_normalizer() {
        bounded("normalizer", growth(&json(serde_json::to_value(normalizer))?))?;
    }
    if let Some(decoder) = library.get_decoder() {
        bounded("decoder", growth(&json(serde_json::to_value(decoder))?))?;
    }
    if let Some(steps) = library.get_pre_tokenizer() {
        expressions(&json(serde_json::to_value(steps))?)?;
    }
    if let Some(processor) = library.get_post_processor() {
        let around = around(&json(serde_json::to_value(processor))?);
        if around > MOST_AROUND {
            return Err(format!("its `post_processor` puts {around} tokens around every text"));
        }
    }
    Ok(())
}

fn bounded(part: &str, growth: f64) -> Result<(), String> {
    match growth <= MOST_GROWTH {
        true => Ok(()),
        false => Err(format!(
            "its `{part}` can make a text {growth:.0} times as long; up to {MOST_GROWTH:.0} times is read"
        )),
    }
}

/// How many times longer a step, or all steps of a sequence one after the other, can make a text.
fn growth(step: &Value) -> f64 {
    let inserted = |text: &Value| 1.0 + text.as_str().map_or(0, str::len) as f64;
    let sequence = ["normalizers", "decoders"].iter().find_map(|key| step[key].as_array());
    if let Some(steps) = sequence {
        return steps.iter().map(growth).product();
    }
    match step["type"].as_str() {
        // What is put before a text is put there once, but before every piece between added tokens.
        Some("Replace" | "Prepend") => inserted(&step["content"]).max(inserted(&step["prepend"])),
        Some("NFKC" | "NFKD" | "NFC" | "NFD") => 18.0,
        Some("Lowercase" | "BertNormalizer" | "Nmt" | "ByteLevel") => 3.0,
        Some("Precompiled") => longest_replacement(&step["precompiled_charsmap"]),
        _ => 1.0,
    }
}

/// The longest text in a table of precompiled characters, which is base64: a run of bytes without a zero. A character
/// of base64 stands for three quarters of a byte; `A` is six zero bits, and eight zero bits have at least one.
fn longest_replacement(table: &Value) -> f64 {
    let table = table.as_str().unwrap_or_default();
    let longest = table.split('A').map(str::len).max().unwrap_or(0);
    longest as f64
}

/// Refuses expressions beyond the size of any in use.
fn expressions(step: &Value) -> Result<(), String> {
    if let Some(steps) = step["pretokenizers"].as_array() {
        return steps.iter().try_for_each(expressions);
    }
    match step["pattern"]["Regex"].as_str() {
        Some(expression) if expression.len() > LONGEST_EXPRESSION => Err(format!(
            "an expression of its `pre_tokenizer` has {} bytes; up to {LONGEST_EXPRESSION} are read",
            expression.len()
        )),
        _ => Ok(()),
    }
}

/// Tokens that a post-processor puts around one text.
fn around(processor: &Value) -> usize {
    if let Some(steps) = processor["processors"].as_array() {
        return steps.iter().map(around).fold(0, usize::saturating_add);
    }
    let pieces = processor["single"].as_array().map_or(&[][..], Vec::as_slice);
    pieces
        .iter()
        .filter_map(|piece| piece["SpecialToken"]["id"].as_str())
        .map(|name| processor["special_tokens"][name]["ids"].as_array().map_or(1, Vec::len))
        .fold(0, usize::saturating_add)
}
