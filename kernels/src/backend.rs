//! Which implementation of the heavy operations is used.

use super::{Unavailable, packed::InstructionSet};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Which implementation of the heavy operations is used; rounding differs between them. All but candle's are our own, run
/// on the CPU, and give a row the same bits whatever is beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Packed operands and AVX-512, with AVX-512 BF16 for bf16.
    Avx512,
    /// Packed operands, AVX2 with FMA.
    Avx2,
    /// Packed operands, on any processor.
    Portable,
    /// candle's operations, on any device.
    Candle,
}

/// The variable of the environment that names a backend for the CPU.
const VARIABLE: &str = "INDIEVAL_BACKEND";

/// A name that is no backend's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of avx512, avx2, portable, candle")]
pub struct UnknownBackend(String);

impl FromStr for Backend {
    type Err = UnknownBackend;

    fn from_str(name: &str) -> Result<Self, UnknownBackend> {
        let found = Self::ALL.into_iter().find(|backend| backend.name() == name);
        found.ok_or_else(|| UnknownBackend(name.to_owned()))
    }
}

impl Backend {
    /// All of them, the fastest first.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::Avx2, Self::Portable, Self::Candle];

    /// How it is spelled, in the environment and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Portable => "portable",
            Self::Candle => "candle",
        }
    }

    /// Whether its results are the same bits whatever else is computed with them.
    pub fn is_exact(self) -> bool {
        self != Self::Candle
    }

    /// Those for the CPU, the fastest first.
    pub(super) const PACKED: [Self; 3] = [Self::Avx512, Self::Avx2, Self::Portable];

    /// The instructions that it is compiled for; none where these belong to another kind of processor.
    pub(super) fn instructions(self) -> Option<InstructionSet> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Some(InstructionSet::Avx512),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Some(InstructionSet::Avx2),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => None,
            Self::Portable => Some(InstructionSet::Portable),
            Self::Candle => None,
        }
    }

    /// What the environment asks for, if anything.
    pub(super) fn asked() -> Result<Option<Self>, Unavailable> {
        match std::env::var_os(VARIABLE) {
            Some(name) if !name.is_empty() => Self::named(&name.to_string_lossy()).map(Some),
            _ => Ok(None),
        }
    }

    /// The backend for the CPU that the environment's variable names.
    fn named(name: &str) -> Result<Self, Unavailable> {
        let known = Self::PACKED.into_iter().find(|backend| backend.name() == name);
        known.ok_or_else(|| Unavailable {
            device: "cpu".to_owned(),
            what: format!("{VARIABLE} is `{name}`, which is not a backend for the CPU"),
            remedy: format!("set {VARIABLE} to {}, or unset it", spelled(&Self::PACKED)),
        })
    }

    /// That it was asked for and cannot be had in `dtype`, where those `others` can.
    pub(super) fn unavailable(self, dtype: &str, others: &[Self]) -> Unavailable {
        Unavailable {
            device: "cpu".to_owned(),
            what: format!("this processor has no instructions for the backend `{self}` in {dtype}"),
            remedy: format!("set {VARIABLE} to {}, or unset it", spelled(others)),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

fn spelled(backends: &[Backend]) -> String {
    let names: Vec<&str> = backends.iter().map(|backend| backend.name()).collect();
    names.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_is_unknown_or_not_there_is_named_with_those_that_are() {
        assert_eq!(Backend::named("avx2").unwrap(), Backend::Avx2);
        for backend in Backend::ALL {
            assert_eq!(backend.to_string().parse(), Ok(backend));
        }
        let error = "neon".parse::<Backend>().unwrap_err().to_string();
        assert!(
            Backend::ALL.iter().all(|backend| error.contains(backend.name())),
            "{error}"
        );
        for unknown in ["AVX2", "neon", "candle"] {
            let error = Backend::named(unknown).unwrap_err();
            assert!(error.to_string().contains(&format!("INDIEVAL_BACKEND is `{unknown}`")));
            assert!(error.remedy.contains("avx512 or avx2 or portable"));
        }
        let error = Backend::Avx512.unavailable("bf16", &[Backend::Portable]);
        assert_eq!(
            (error.to_string().as_str(), error.remedy.as_str()),
            (
                "device `cpu`: this processor has no instructions for the backend `avx512` in bf16",
                "set INDIEVAL_BACKEND to portable, or unset it"
            )
        );
    }
}
