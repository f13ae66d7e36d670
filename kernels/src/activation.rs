//! What the gate of a feed-forward network goes through.

/// What the gate of a feed-forward network goes through, and what it is multiplied with.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Activation {
    /// `x / (1 + exp(-x))`.
    #[default]
    Silu,
    /// GELU, approximated by a tanh as PyTorch does.
    GeluTanh,
    /// `x / (1 + exp(-gain · x))` of a gate of at most `limit`, times 1 + a partner within plus and minus `limit`.
    Clamped {
        /// How steep it is.
        gain: f32,
        /// What gates and their partners are kept to.
        limit: f32,
    },
}
