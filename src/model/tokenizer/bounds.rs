//! What a tokenizer may do to a text is bounded before any text is given to it.

use serde_json::Value;
use tokenizers::{AddedToken, ModelWrapper, Tokenizer};

/// Most times that normalizing or decoding may lengthen a text. A space for SentencePiece takes three bytes, and
/// Unicode's own forms at most 18 times a character's.
const MOST_GROWTH: f64 = 4096.0;
/// Most tokens that may be put around a text.
const MOST_AROUND: usize = 64;
/// Most added tokens, and most bytes of all of them together: each is looked for in every text by a table whose size
/// grows with both. Vocabularies in use have up to a few thousand.
const MOST_ADDED: usize = 1 << 16;
const MOST_ADDED_BYTES: usize = 1 << 22;

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
    let parts = [
        ("normalizer", library.get_normalizer().map(serde_json::to_value)),
        ("pre_tokenizer", library.get_pre_tokenizer().map(serde_json::to_value)),
        ("decoder", library.get_decoder().map(serde_json::to_value)),
    ];
    for (name, part) in parts {
        let Some(part) = part else { continue };
        let part = json(part)?;
        bounded(name, growth(&part))?;
        expressions(name, &part)?;
    }
    if let Some(processor) = library.get_post_processor() {
        let around = around(&json(serde_json::to_value(processor))?);
        if around > MOST_AROUND {
            return Err(format!("its `post_processor` puts {around} tokens around every text"));
        }
    }
    Ok(())
}

/// Says whether there are more tokens to be found in every text than can be looked for.
pub(super) fn check_added<'a>(tokens: impl Iterator<Item = &'a AddedToken>) -> Result<(), String> {
    let (mut count, mut bytes) = (0, 0usize);
    for token in tokens {
        count += 1;
        bytes = bytes.saturating_add(token.content.len());
    }
    match count > MOST_ADDED || bytes > MOST_ADDED_BYTES {
        true => Err(format!(
            "has {count} added tokens of {bytes} bytes; up to {MOST_ADDED} of {MOST_ADDED_BYTES} bytes together are read"
        )),
        false => Ok(()),
    }
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
    let sequence = ["normalizers", "pretokenizers", "decoders"]
        .iter()
        .find_map(|key| step[key].as_array());
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

/// Tries out every expression of a step, or of all steps of a sequence.
fn expressions(part: &str, step: &Value) -> Result<(), String> {
    let sequence = ["normalizers", "pretokenizers", "decoders"]
        .iter()
        .find_map(|key| step[key].as_array());
    if let Some(steps) = sequence {
        return steps.iter().try_for_each(|step| expressions(part, step));
    }
    match step["pattern"]["Regex"].as_str() {
        Some(expression) => super::expressions::check(part, expression),
        None => Ok(()),
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
