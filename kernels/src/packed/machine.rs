//! An instruction set that this processor has, with the format that it multiplies.

#[cfg(target_arch = "x86_64")]
use super::sets::{avx2, avx512};
use super::{
    format::HeldFormat,
    lanes::Soft,
    memory::{CacheLine, halves, words_mut},
    sets::portable,
    tile::Tile,
};
use crate::Activation;
use candle_core::DType;

/// Instructions that the kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum InstructionSet {
    /// AVX-512F; for bf16 AVX-512 BF16 too.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with FMA and F16C.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What every processor of this architecture has.
    Portable,
}

/// Proof that this processor has the instructions for a format: there is no other way to one than [`Machine::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Machine {
    set: InstructionSet,
    format: HeldFormat,
}

/// A function of lanes as the machine's instruction set has it.
macro_rules! by_set {
    ($machine:ident, $function:ident($($argument:expr),*)) => {
        match $machine.set {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the machine exists only where the instructions were detected.
            InstructionSet::Avx512 => unsafe { avx512::$function($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: likewise.
            InstructionSet::Avx2 => unsafe { avx2::$function($($argument),*) },
            InstructionSet::Portable => portable::$function($($argument),*),
        }
    };
}

impl Machine {
    /// Looks for the instructions of `set` that `dtype` needs.
    pub fn new(set: InstructionSet, dtype: DType) -> Option<Self> {
        let format = match dtype {
            DType::F32 => HeldFormat::F32,
            #[cfg(target_arch = "x86_64")]
            DType::BF16 if set == InstructionSet::Avx512 => HeldFormat::Bf16Pairs,
            DType::BF16 => HeldFormat::Bf16,
            DType::F16 => HeldFormat::F16,
            _ => return None,
        };
        let there = match set {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && (format != HeldFormat::Bf16Pairs || is_x86_feature_detected!("avx512bf16"))
            }
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => {
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
            }
            InstructionSet::Portable => true,
        };
        there.then_some(Self { set, format })
    }

    /// What is multiplied.
    pub fn format(self) -> HeldFormat {
        self.format
    }

    /// Multiplies a strip of `rows` rows with a panel.
    ///
    /// # Safety
    /// `rows` is 1 to 12; the tile's pointers are good for reading `words` words at each of `rows` strides of `strip`,
    /// `32 × words` words of `panel`, and 32 numbers at each of `rows` strides of `start`, and for writing 32 at each of
    /// `rows` strides of `out`, which nobody else touches meanwhile.
    pub unsafe fn multiply(self, rows: usize, tile: Tile) {
        // SAFETY: `self` exists only where the instructions were detected; the rest is passed on.
        unsafe {
            match self.set {
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx512 => avx512::multiply(self.format, rows, tile),
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx2 => avx2::multiply(rows, tile),
                InstructionSet::Portable => portable::multiply(rows, tile),
            }
        }
    }

    /// Activations to words of the format: `to` takes `words(from.len())`.
    pub fn to_words(self, from: &[f32], to: &mut [u32]) {
        match self.format {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a machine of this format exists only where the instructions were detected.
            HeldFormat::Bf16Pairs => unsafe { avx512::to_bf16(from, to) },
            _ => {
                for (to, from) in to.iter_mut().zip(from) {
                    *to = from.to_bits();
                }
            }
        }
    }

    /// Lines of halves to twice as many lines of f32 words.
    pub fn widen(self, from: &[CacheLine], to: &mut [CacheLine]) {
        let (from, to) = (halves(from), words_mut(to));
        assert_eq!(from.len(), to.len());
        match self.format {
            HeldFormat::F16 => by_set!(self, widen_f16(from, to)),
            _ => by_set!(self, widen_bf16(from, to)),
        }
    }

    /// Takes a further, non-empty part of a row into its softmax: `part` becomes 2^(score - max). Returns the factor
    /// by which everything weighed before must be multiplied.
    pub fn soften(self, part: &mut [f32], soft: &mut Soft) -> f32 {
        by_set!(self, soften(part, soft))
    }

    /// The greatest number of a non-empty `row` and the sum of exp(number - greatest).
    pub fn log_sum(self, row: &[f32]) -> (f32, f32) {
        by_set!(self, log_sum(row))
    }

    /// Gates through their activation, times `up`.
    pub fn gated(self, activation: Activation, gate: &[f32], up: &[f32], out: &mut [f32]) {
        match activation {
            Activation::Silu => by_set!(self, swiglu(gate, up, out)),
            Activation::GeluTanh => by_set!(self, geglu(gate, up, out)),
            Activation::Clamped { gain, limit } => by_set!(self, clamped(gate, up, (gain, limit), out)),
        }
    }

    /// `cap · tanh(x / cap)` of each number of `row`.
    pub fn soft_cap(self, row: &mut [f32], cap: f32) {
        by_set!(self, soft_cap(row, cap))
    }

    /// Multiplies `row` by `factor`.
    pub fn scale(self, row: &mut [f32], factor: f32) {
        by_set!(self, scale(row, factor))
    }
}
