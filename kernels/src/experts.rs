//! What experts add to rows.

use super::{Kernels, cuda::per_row::add_shares};
use candle_core::{Result, Tensor};

/// What an expert made of some rows.
#[derive(Debug)]
pub struct ExpertOutput {
    /// Which rows, ascending.
    pub rows: Vec<u32>,
    /// How much of it is added to each.
    pub shares: Vec<f32>,
    /// `(rows, hidden)`.
    pub out: Tensor,
}

impl Kernels {
    /// `residual`, `(rows, hidden)`, and to each row its shares of what experts made of it, in their order.
    pub fn add_experts(&self, residual: &Tensor, experts: Vec<ExpertOutput>) -> Result<Tensor> {
        if self.launches
            && let Some((places, shares)) = by_row(residual.dim(0)?, &experts)
        {
            let outs: Vec<&Tensor> = experts.iter().map(|expert| &expert.out).collect();
            if let Some(sum) = add_shares(residual, &Tensor::cat(&outs, 0)?, &places, &shares)? {
                return Ok(sum);
            }
        }
        let mut sum = residual.clone();
        for ExpertOutput { rows, shares, out } in experts {
            let n = rows.len();
            let rows = Tensor::from_vec(rows, n, out.device())?;
            let shares = Tensor::from_vec(shares, (n, 1), out.device())?;
            let weighed = out.broadcast_mul(&shares.to_dtype(out.dtype())?)?;
            sum = sum.index_add(&rows, &weighed, 0)?;
        }
        Ok(sum)
    }
}

/// For each of `rows` rows, one after the other, where in the experts' outputs, taken as one, what was made of it lies, and
/// its shares; nothing unless all rows have as many.
fn by_row(rows: usize, experts: &[ExpertOutput]) -> Option<(Vec<u32>, Vec<f32>)> {
    let mut of_row = vec![Vec::new(); rows];
    let sent = experts.iter().flat_map(|expert| expert.rows.iter().zip(&expert.shares));
    for (place, (&row, &share)) in (0u32..).zip(sent) {
        of_row.get_mut(row as usize)?.push((place, share));
    }
    let used = of_row.first()?.len();
    of_row
        .iter()
        .all(|row| row.len() == used)
        .then(|| of_row.into_iter().flatten().unzip())
}
