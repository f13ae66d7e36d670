//! How numbers are held, and what a word of a product is.

/// How the numbers of panels are held and multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum HeldFormat {
    /// Words of one f32.
    F32,
    /// Words of two bf16, the first in the low half, multiplied as pairs with activations rounded to bf16.
    Bf16Pairs,
    /// bf16, widened to f32 words where they are multiplied.
    Bf16,
    /// f16, likewise.
    F16,
}

impl HeldFormat {
    /// Numbers in a word.
    pub const fn per_word(self) -> usize {
        match self {
            Self::Bf16Pairs => 2,
            Self::F32 | Self::Bf16 | Self::F16 => 1,
        }
    }

    /// Words for `numbers` neighbours of the summed dimension, the last one filled up with 0.
    pub const fn words(self, numbers: usize) -> usize {
        numbers.div_ceil(self.per_word())
    }

    /// Whether panels hold halves, which are widened to words.
    pub const fn is_widened(self) -> bool {
        matches!(self, Self::Bf16 | Self::F16)
    }

    /// Cache lines that a panel takes for each word of the summed dimension: 32 words, or 32 halves.
    pub const fn step_lines(self) -> usize {
        if self.is_widened() { 1 } else { 2 }
    }
}
