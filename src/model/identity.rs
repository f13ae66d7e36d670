//! What a model is, as far as a result depends on it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::text;

use super::{Backend, DeviceId, Dtype, Family, QuantizedWeights};

/// The model as it was loaded: two results may be compared bit by bit only where all but the name and the device are
/// equal.
///
/// In files every field is there: `family` of the stand-in is `fake`, its `backend` is `none`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// Name for people.
    pub name: String,
    /// What computes: a decoder of a family, the stand-in, or somebody else's program.
    pub family: Speaker,
    /// Number of parameters, a tied head counted once.
    pub parameters: u64,
    /// Numbers that are computed with.
    pub dtype: Dtype,
    /// How quantised weights are held.
    pub weights: QuantizedWeights,
    /// Where it is computed.
    pub device: DeviceId,
    /// Which implementation of the kernels computes; `None` for the stand-in.
    #[serde(with = "or_none")]
    pub backend: Option<Backend>,
    /// Longest context in tokens.
    pub context: usize,
}

/// What gives a run's answers. Written as a word: the family's name, `fake`, or `elsewhere`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A decoder that runs here.
    Decoder(Family),
    /// The deterministic stand-in, which is no language model.
    StandIn,
    /// A model that ran elsewhere; of it nothing is known but its name and its texts.
    Elsewhere,
}

impl Speaker {
    /// How it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Decoder(family) => family.name(),
            Self::StandIn => FAKE,
            Self::Elsewhere => ELSEWHERE,
        }
    }
}

impl Serialize for Speaker {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Speaker {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = std::borrow::Cow::<'de, str>::deserialize(from)?;
        match word.as_ref() {
            FAKE => Ok(Self::StandIn),
            ELSEWHERE => Ok(Self::Elsewhere),
            name => name.parse().map(Self::Decoder).map_err(serde::de::Error::custom),
        }
    }
}

impl ModelIdentity {
    /// A model that ran elsewhere, of which nothing is known but its name.
    pub(crate) fn elsewhere(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            family: Speaker::Elsewhere,
            parameters: 0,
            dtype: Dtype::F32,
            weights: QuantizedWeights::Dequantize,
            device: DeviceId::Cpu,
            backend: None,
            context: 0,
        }
    }

    /// The dtype for people: `bf16`, or `bf16, quantised weights`.
    pub(crate) fn numbers(&self) -> String {
        if self.family == Speaker::Elsewhere {
            return UNKNOWN.to_owned();
        }
        match self.weights {
            QuantizedWeights::Dequantize => self.dtype.to_string(),
            QuantizedWeights::Keep => format!("{}{KEPT}", self.dtype),
        }
    }

    /// The family's name, `fake` for the stand-in, `elsewhere`.
    pub(crate) fn family_name(&self) -> &'static str {
        self.family.name()
    }

    /// The kind of kernel for people: `AVX-512 bf16`, `portable f32`, `none` for the stand-in.
    pub fn kernels(&self) -> String {
        match self.backend {
            None => NONE.to_owned(),
            Some(backend) => format!("{} {}", spelled(backend), self.dtype),
        }
    }
}

/// What a user is told when the model is ready.
impl fmt::Display for ModelIdentity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family {
            Speaker::Decoder(_) => {}
            Speaker::StandIn => {
                return write!(out, "{}: a deterministic stand-in; its numbers mean nothing", self.name);
            }
            Speaker::Elsewhere => return write!(out, "{}, which answered elsewhere", self.name),
        }
        write!(
            out,
            "{}: {} {} parameters, {}, {} on {}",
            self.name,
            text::parameters(self.parameters),
            self.family_name(),
            self.numbers(),
            self.kernels(),
            self.device
        )
    }
}

const KEPT: &str = ", quantised weights";
const FAKE: &str = "fake";
const ELSEWHERE: &str = "elsewhere";
const UNKNOWN: &str = "unknown";
const NONE: &str = "none";

fn spelled(backend: Backend) -> &'static str {
    match backend {
        Backend::Avx512 => "AVX-512",
        Backend::Avx2 => "AVX2",
        Backend::Portable => "portable",
        Backend::Candle => "candle",
    }
}

/// A choice that may be absent is written as a word of its own: table tools lose fields that are null.
macro_rules! or_word {
    ($module:ident, $type:ty, $word:literal) => {
        mod $module {
            use serde::{Deserialize, Deserializer, Serializer, de::Error};

            pub(crate) fn serialize<S: Serializer>(value: &Option<$type>, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(value.map_or($word, |value| value.name()))
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<$type>, D::Error> {
                let word = std::borrow::Cow::<'de, str>::deserialize(from)?;
                match word.as_ref() {
                    $word => Ok(None),
                    name => name.parse().map(Some).map_err(D::Error::custom),
                }
            }
        }
    };
}

or_word!(or_none, crate::model::Backend, "none");

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> ModelIdentity {
        ModelIdentity {
            name: "SmolLM2-135M-Instruct".into(),
            family: Speaker::Decoder(Family::Llama),
            parameters: 134_515_008,
            dtype: Dtype::Bf16,
            weights: QuantizedWeights::Keep,
            device: DeviceId::Cuda(1),
            backend: Some(Backend::Avx512),
            context: 8192,
        }
    }

    #[test]
    fn every_field_of_a_file_is_there_and_says_one_thing() {
        let written = concat!(
            r#"{"name":"SmolLM2-135M-Instruct","family":"llama","parameters":134515008,"dtype":"bf16","#,
            r#""weights":"quantized","device":"cuda:1","backend":"avx512","context":8192}"#
        );
        assert_eq!(serde_json::to_string(&identity()).unwrap(), written);
        assert_eq!(serde_json::from_str::<ModelIdentity>(written).unwrap(), identity());
        let stand_in = ModelIdentity {
            family: Speaker::StandIn,
            backend: None,
            ..identity()
        };
        let text = serde_json::to_string(&stand_in).unwrap();
        assert!(
            text.contains(r#""family":"fake""#) && text.contains(r#""backend":"none""#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<ModelIdentity>(&text).unwrap(), stand_in);
        let elsewhere = ModelIdentity::elsewhere("gpt-x");
        let said = serde_json::to_string(&elsewhere).unwrap();
        assert!(said.contains(r#""family":"elsewhere""#), "{said}");
        assert_eq!(serde_json::from_str::<ModelIdentity>(&said).unwrap(), elsewhere);
        assert_eq!(elsewhere.numbers(), "unknown");
        let error = serde_json::from_str::<ModelIdentity>(&text.replace("fake", "gpt5")).unwrap_err();
        assert!(error.to_string().contains("`gpt5`"), "{error}");
    }

    #[test]
    fn a_user_is_told_what_was_loaded() {
        let text =
            "SmolLM2-135M-Instruct: 135 million llama parameters, bf16, quantised weights, AVX-512 bf16 on cuda:1";
        assert_eq!(identity().to_string(), text);
    }
}
