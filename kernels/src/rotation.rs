//! How queries and keys are turned.

use super::rows::flat_dims;
use candle_core::{Result, Tensor, bail};

/// Which elements of a head are turned against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pairing {
    /// Each of the first half against the one of the same place in the second.
    #[default]
    Halves,
    /// Each even one against the odd one after it.
    Neighbours,
}

/// How queries or keys are turned by their positions.
#[derive(Debug, Clone, Copy)]
pub struct Rotation<'a> {
    /// Each row's cosines, `(rows, half)`, f32: the first `2 × half` elements of each head are turned.
    pub cos: &'a Tensor,
    /// Each row's sines, the same shape.
    pub sin: &'a Tensor,
    /// Width of a head.
    pub head_dim: usize,
    /// Which elements are turned against each other.
    pub pairing: Pairing,
}

impl Rotation<'_> {
    /// Refuses tables that do not fit `x`; elements that are turned, in pairs.
    pub(super) fn check(&self, x: &Tensor) -> Result<usize> {
        let (rows, width) = flat_dims(x)?;
        let (table_rows, half) = self.cos.dims2()?;
        let fits = half > 0 && 2 * half <= self.head_dim && width.is_multiple_of(self.head_dim);
        if table_rows != rows || self.sin.dims() != self.cos.dims() || !fits {
            bail!(
                "RoPE over {:?} in heads of {} with tables {:?} and {:?}",
                x.dims(),
                self.head_dim,
                self.cos.dims(),
                self.sin.dims()
            );
        }
        Ok(half)
    }
}
