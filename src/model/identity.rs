//! What a model is, as far as a result depends on it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::text;

use super::{Backend, DeviceId, Dtype, Family, QuantizedWeights};

/// The model as it was loaded: two results may be compared bit by bit only where all but the name and the device are
/// equal.
///
/// In records of format 1 it is written as `FlatIdentity`, whose texts say two things at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "FlatIdentity", try_from = "FlatIdentity")]
pub struct ModelIdentity {
    /// Name for people.
    pub name: String,
    /// The decoder's family; `None` for the deterministic stand-in, which is no language model.
    pub family: Option<Family>,
    /// Number of parameters, a tied head counted once.
    pub parameters: u64,
    /// Numbers that are computed with.
    pub dtype: Dtype,
    /// How quantised weights are held.
    pub weights: QuantizedWeights,
    /// Where it is computed.
    pub device: DeviceId,
    /// Which implementation of the kernels computes; `None` for the stand-in.
    pub backend: Option<Backend>,
    /// Longest context in tokens.
    pub context: usize,
}

impl ModelIdentity {
    /// The dtype for people: `bf16`, or `bf16, quantised weights`.
    pub fn numbers(&self) -> String {
        match self.weights {
            QuantizedWeights::Dequantize => self.dtype.to_string(),
            QuantizedWeights::Keep => format!("{}{KEPT}", self.dtype),
        }
    }

    /// The family's name, `fake` for the stand-in.
    pub fn family_name(&self) -> &'static str {
        self.family.map_or(FAKE, Family::name)
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
        if self.family.is_none() {
            return write!(out, "{}: a deterministic stand-in; its numbers mean nothing", self.name);
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
const NONE: &str = "none";

fn spelled(backend: Backend) -> &'static str {
    match backend {
        Backend::Portable => "portable",
        Backend::Avx512 => "AVX-512",
    }
}

/// A [`ModelIdentity`] in records of format 1: `dtype` also says whether quantised weights were kept, `kernels` is the
/// backend with the dtype.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlatIdentity {
    name: String,
    family: String,
    parameters: u64,
    dtype: String,
    device: DeviceId,
    kernels: String,
    context: usize,
}

impl From<ModelIdentity> for FlatIdentity {
    fn from(model: ModelIdentity) -> Self {
        Self {
            family: model.family_name().to_owned(),
            parameters: model.parameters,
            dtype: model.numbers(),
            device: model.device,
            kernels: model.kernels(),
            context: model.context,
            name: model.name,
        }
    }
}

impl TryFrom<FlatIdentity> for ModelIdentity {
    type Error = String;

    fn try_from(recorded: FlatIdentity) -> Result<Self, String> {
        let (dtype, weights) = match recorded.dtype.strip_suffix(KEPT) {
            Some(dtype) => (dtype, QuantizedWeights::Keep),
            None => (recorded.dtype.as_str(), QuantizedWeights::Dequantize),
        };
        let dtype: Dtype = dtype.parse().map_err(|error| format!("dtype: {error}"))?;
        let family = match recorded.family.as_str() {
            FAKE => None,
            name => Some(name.parse().map_err(|error| format!("family: {error}"))?),
        };
        let backend = Backend::ALL
            .into_iter()
            .find(|&backend| recorded.kernels == format!("{} {dtype}", spelled(backend)));
        if backend.is_none() && recorded.kernels != NONE {
            return Err(format!("kernels: `{}` are not known", recorded.kernels));
        }
        Ok(Self {
            name: recorded.name,
            family,
            parameters: recorded.parameters,
            dtype,
            weights,
            device: recorded.device,
            backend,
            context: recorded.context,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> ModelIdentity {
        ModelIdentity {
            name: "SmolLM2-135M-Instruct".into(),
            family: Some(Family::Llama),
            parameters: 134_515_008,
            dtype: Dtype::Bf16,
            weights: QuantizedWeights::Keep,
            device: DeviceId::Cuda(1),
            backend: Some(Backend::Avx512),
            context: 8192,
        }
    }

    #[test]
    fn records_of_format_1_say_it_as_they_always_did() {
        let recorded = concat!(
            r#"{"name":"SmolLM2-135M-Instruct","family":"llama","parameters":134515008,"#,
            r#""dtype":"bf16, quantised weights","device":"cuda:1","kernels":"AVX-512 bf16","context":8192}"#
        );
        assert_eq!(serde_json::to_string(&identity()).unwrap(), recorded);
        assert_eq!(serde_json::from_str::<ModelIdentity>(recorded).unwrap(), identity());
        let fake = concat!(
            r#"{"name":"fake:1 (no language model)","family":"fake","parameters":0,"dtype":"f32","device":"cpu","#,
            r#""kernels":"none","context":65536}"#
        );
        let read: ModelIdentity = serde_json::from_str(fake).unwrap();
        assert_eq!((read.family, read.backend), (None, None));
        assert_eq!(serde_json::to_string(&read).unwrap(), fake);
    }

    #[test]
    fn a_word_that_is_not_known_is_named() {
        let mut recorded = FlatIdentity::from(identity());
        recorded.kernels = "AVX-512 f32".into();
        let error = ModelIdentity::try_from(recorded.clone()).unwrap_err();
        assert_eq!(error, "kernels: `AVX-512 f32` are not known");
        recorded.dtype = "f8".into();
        let error = ModelIdentity::try_from(recorded).unwrap_err();
        assert_eq!(error, "dtype: `f8` is not one of f32, bf16, f16");
    }

    #[test]
    fn a_user_is_told_what_was_loaded() {
        let text = "SmolLM2-135M-Instruct: 135 M llama parameters, bf16, quantised weights, AVX-512 bf16 on cuda:1";
        assert_eq!(identity().to_string(), text);
    }
}
