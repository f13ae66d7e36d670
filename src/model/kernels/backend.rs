//! Which implementation of the heavy operations is used.

use super::packed::InstructionSet;
use crate::model::LoadError;

crate::choices! {
    /// Which implementation of the heavy operations is used; rounding differs between them. All but candle's are our own, run
    /// on the CPU, and give a row the same bits whatever is beside it.
    pub enum Backend {
        /// Packed operands and AVX-512, with AVX-512 BF16 for bf16.
        Avx512 = "avx512",
        /// Packed operands, AVX2 with FMA.
        Avx2 = "avx2",
        /// Packed operands, on any processor.
        Portable = "portable",
        /// candle's operations, on any device.
        Candle = "candle",
    }
}

/// The variable of the environment that names a backend for the CPU.
const VARIABLE: &str = "INDIEVAL_BACKEND";

impl Backend {
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
    pub(super) fn asked() -> Result<Option<Self>, LoadError> {
        match std::env::var_os(VARIABLE) {
            Some(name) if !name.is_empty() => Self::named(&name.to_string_lossy()).map(Some),
            _ => Ok(None),
        }
    }

    /// The backend for the CPU that the environment's variable names.
    fn named(name: &str) -> Result<Self, LoadError> {
        let known = Self::PACKED.into_iter().find(|backend| backend.name() == name);
        known.ok_or_else(|| LoadError::Device {
            device: "cpu".to_owned(),
            what: format!("{VARIABLE} is `{name}`, which is not a backend for the CPU"),
            remedy: format!("set {VARIABLE} to {}, or unset it", spelled(&Self::PACKED)),
        })
    }

    /// That it was asked for and cannot be had in `dtype`, where those `others` can.
    pub(super) fn unavailable(self, dtype: &str, others: &[Self]) -> LoadError {
        LoadError::Device {
            device: "cpu".to_owned(),
            what: format!("this processor has no instructions for the backend `{self}` in {dtype}"),
            remedy: format!("set {VARIABLE} to {}, or unset it", spelled(others)),
        }
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
        for unknown in ["AVX2", "neon", "candle"] {
            let error = Backend::named(unknown).unwrap_err();
            assert!(error.to_string().contains(&format!("INDIEVAL_BACKEND is `{unknown}`")));
            assert!(error.hint().unwrap().contains("avx512 or avx2 or portable"));
        }
        let error = Backend::Avx512.unavailable("bf16", &[Backend::Portable]);
        assert_eq!(
            (error.to_string().as_str(), error.hint().unwrap().as_str()),
            (
                "device `cpu`: this processor has no instructions for the backend `avx512` in bf16",
                "set INDIEVAL_BACKEND to portable, or unset it"
            )
        );
    }
}
