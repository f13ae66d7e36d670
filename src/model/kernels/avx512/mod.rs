//! The heavy operations on x86-64 processors with AVX-512 (f32) and AVX-512 BF16 (bf16).
//!
//! Both dtypes are multiplied by one scheme over 32-bit **words**: a word is one f32, or two neighbouring bf16 of the
//! summed dimension, which `vdpbf16ps` multiplies and adds in one go. The right operand (a weight, or the keys and
//! values of the store) lies in **panels** of 32 columns; the left one (activations, queries, attention weights: f32 in
//! memory) becomes rows of words on the way and is taken in **strips** of at most 12 rows; [`tile`] multiplies a strip
//! with a panel in 24 registers of f32 sums. Each number of a result is summed over the inner dimension in ascending order by one
//! register, so it depends neither on the rows beside it nor on which thread had it.
//!
//! `unsafe` is in [`tile`] (intrinsics over raw pointers), [`memory`] (aligned words, results written in parts from
//! several threads), and in the calls to functions compiled for AVX-512, which an [`Avx512`] vouches for.

pub(super) mod attend;
pub(super) mod lanes;
pub(super) mod linear;
pub(super) mod memory;
pub(super) mod multiply;
pub(super) mod network;
pub(super) mod pages;
pub(super) mod panels;
pub(super) mod tile;

use candle_core::DType;

/// What a 32-bit word holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordFormat {
    /// One f32.
    F32,
    /// Two bf16, the first in the low half.
    Bf16,
}

impl WordFormat {
    /// Numbers in a word.
    pub const fn per_word(self) -> usize {
        match self {
            WordFormat::F32 => 1,
            WordFormat::Bf16 => 2,
        }
    }

    /// Words for `numbers` neighbours of the summed dimension, the last one filled up with 0.
    pub const fn words(self, numbers: usize) -> usize {
        numbers.div_ceil(self.per_word())
    }
}

/// Proof that this processor has the instructions for a format: there is no other way to one than [`Avx512::detect`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Avx512 {
    format: WordFormat,
}

impl Avx512 {
    /// Looks for the instructions that `dtype` needs.
    pub fn detect(dtype: DType) -> Option<Self> {
        let base = is_x86_feature_detected!("avx512f");
        match dtype {
            DType::F32 if base => Some(Self {
                format: WordFormat::F32,
            }),
            DType::BF16 if base && is_x86_feature_detected!("avx512bf16") => Some(Self {
                format: WordFormat::Bf16,
            }),
            _ => None,
        }
    }

    /// What is multiplied.
    pub fn format(self) -> WordFormat {
        self.format
    }
}
