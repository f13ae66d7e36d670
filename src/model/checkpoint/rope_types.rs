//! The types of rotary scaling, as `config.json` gives their numbers.

use serde_json::{Map, Value};

use super::config::Keys;
use crate::model::RopeScaling;
use crate::model::design::Yarn;
use crate::model::family::Family;

/// What the settings are read for.
#[derive(Debug, Clone, Copy)]
pub(super) struct RopeUse {
    pub(super) family: Family,
    pub(super) context: usize,
}

/// Keys of an object that are read, whatever its type.
pub(super) const COMMON: [&str; 4] = ["rope_type", "type", "rope_theta", "partial_rotary_factor"];
/// Further keys of each type that is supported.
pub(super) const TYPES: [(&str, &[&str]); 6] = [
    ("default", &[]),
    ("linear", &["factor"]),
    // Changes nothing up to the context that the model was trained at, and longer ones are not taken here.
    ("dynamic", &["factor", ORIGINAL]),
    ("llama3", &["factor", "low_freq_factor", "high_freq_factor", ORIGINAL]),
    (
        "yarn",
        &[
            "factor",
            "attention_factor",
            "beta_fast",
            "beta_slow",
            "mscale",
            "mscale_all_dim",
            "truncate",
            ORIGINAL,
        ],
    ),
    (
        "longrope",
        &["factor", "attention_factor", "long_factor", "short_factor", ORIGINAL],
    ),
];

const ORIGINAL: &str = "original_max_position_embeddings";

impl Keys<'_> {
    /// The scaling of the type `kind`; `None` where numbers are missing.
    pub(super) fn scaled(
        &mut self,
        key: &str,
        kind: &str,
        object: &Map<String, Value>,
        used: RopeUse,
    ) -> Option<RopeScaling> {
        Some(match kind {
            "linear" => RopeScaling::Linear(self.inner_number(key, object, "factor")?),
            "llama3" => self.llama3(key, object)?,
            "yarn" => RopeScaling::Yarn(self.yarn(key, object, used.context)?),
            "longrope" => self.longrope(key, object, used.context)?,
            _ => RopeScaling::None,
        })
    }

    fn llama3(&mut self, key: &str, object: &Map<String, Value>) -> Option<RopeScaling> {
        let [factor, low, high] =
            ["factor", "low_freq_factor", "high_freq_factor"].map(|name| self.inner_number(key, object, name));
        let original = object.get(ORIGINAL)?.as_u64()?;
        Some(RopeScaling::Llama3 {
            factor: factor?,
            low_freq_factor: low?,
            high_freq_factor: high?,
            original_context: usize::try_from(original).ok()?,
        })
    }

    /// As transformers reads it: where a key is absent, the value of the paper.
    fn yarn(&mut self, key: &str, object: &Map<String, Value>, context: usize) -> Option<Yarn> {
        let original = self.original(object, context)?;
        let [factor, attention_factor, fast, slow, mscale, mscale_all] = [
            "factor",
            "attention_factor",
            "beta_fast",
            "beta_slow",
            "mscale",
            "mscale_all_dim",
        ]
        .map(|name| self.inner_number(key, object, name));
        let factor = factor.unwrap_or(context as f64 / original as f64);
        let stretch = |by: f64| {
            if factor <= 1.0 {
                1.0
            } else {
                0.1 * by * factor.ln() + 1.0
            }
        };
        let is_there = |number: Option<f64>| number.filter(|number| *number != 0.0);
        let by_paper = match (is_there(mscale), is_there(mscale_all)) {
            (Some(mscale), Some(all)) => stretch(mscale) / stretch(all),
            _ => stretch(1.0),
        };
        Some(Yarn {
            factor,
            beta_fast: is_there(fast).unwrap_or(32.0),
            beta_slow: is_there(slow).unwrap_or(1.0),
            original_context: original,
            truncate: object.get("truncate").and_then(Value::as_bool).unwrap_or(true),
            attention_factor: attention_factor.unwrap_or(by_paper),
        })
    }

    fn longrope(&mut self, key: &str, object: &Map<String, Value>, context: usize) -> Option<RopeScaling> {
        let original = self.original(object, context)?;
        let factors = |name: &str| -> Option<Vec<f32>> {
            let factors = object.get(name)?.as_array()?.iter();
            factors
                .map(|factor| factor.as_f64().map(|factor| factor as f32))
                .collect()
        };
        let factor = self.inner_number(key, object, "factor");
        let factor = factor.unwrap_or(context as f64 / original as f64);
        let by_paper = if factor <= 1.0 {
            1.0
        } else {
            (1.0 + factor.ln() / (original as f64).ln()).sqrt()
        };
        Some(RopeScaling::LongRope {
            short: factors("short_factor")?,
            long: factors("long_factor")?,
            original_context: original,
            attention_factor: self.inner_number(key, object, "attention_factor").unwrap_or(by_paper),
        })
    }

    /// Context the model was first trained at: what stands beside the object counts before what stands in it.
    fn original(&mut self, object: &Map<String, Value>, context: usize) -> Option<usize> {
        let outer = self.value(ORIGINAL).or(object.get(ORIGINAL));
        let Some(value) = outer.filter(|value| !value.is_null()) else {
            return Some(context);
        };
        usize::try_from(value.as_u64()?).ok().filter(|&original| original > 0)
    }
}
