//! Norms of rows, always computed in f32.

use super::{
    Kernels, NormLayer, NormRule,
    cuda::per_row,
    elementwise::map_rows,
    rows::{CpuRows, CpuRowsGuard, flat_dims},
};
use candle_core::{D, DType, Result, Storage, Tensor, bail};
use std::ops::Deref;

/// A norm whose weights lie on the CPU.
struct CpuNorm {
    weight: CpuRows,
    bias: Option<CpuRows>,
    run: usize,
    rule: NormRule,
}

/// The same, to compute with.
struct RowNorm<'a> {
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    run: usize,
    rule: NormRule,
}

impl CpuNorm {
    fn of(norm: &NormLayer) -> Result<Self> {
        let of = |tensor: &Tensor| CpuRows::of(&tensor.reshape((1, ()))?);
        let (weight, bias) = norm.tensors();
        Ok(Self {
            weight: of(weight)?,
            bias: bias.map(of).transpose()?,
            run: norm.run(),
            rule: norm.rule(),
        })
    }

    /// Calls `with` with the norm of a row.
    fn lend<T>(&self, with: impl FnOnce(&RowNorm<'_>) -> Result<T>) -> Result<T> {
        let (weight, bias) = (self.weight.lock(), self.bias.as_ref().map(CpuRows::lock));
        with(&RowNorm {
            weight: only(&weight)?,
            bias: bias.as_ref().map(only).transpose()?,
            run: self.run,
            rule: self.rule,
        })
    }
}

/// The one row there is.
fn only<G: Deref<Target = Storage>>(rows: &CpuRowsGuard<G>) -> Result<&[f32]> {
    rows.view().map(|view| view.row(0))
}

impl RowNorm<'_> {
    /// Of the runs of a row, `x`; `out` has as many numbers.
    fn apply(&self, x: &[f32], out: &mut [f32]) {
        let runs = x.chunks_exact(self.run).zip(out.chunks_exact_mut(self.run));
        for (at, (x, out)) in runs.enumerate() {
            let first = at * self.run % self.weight.len();
            let (mean, factor) = self.rule.mean_and_factor(x);
            let weight = &self.weight[first..][..self.run];
            for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
                *out = (x - mean) * factor * weight;
            }
            if let Some(bias) = self.bias {
                for (out, bias) in out.iter_mut().zip(&bias[first..]) {
                    *out += bias;
                }
            }
        }
    }
}

impl NormRule {
    /// What is taken off `x`, and what the rest is multiplied by.
    fn mean_and_factor(self, x: &[f32]) -> (f32, f32) {
        let count = x.len() as f32;
        let mean = if self.centred { summed(x, |x| x) / count } else { 0. };
        let squares = summed(x, |x| (x - mean) * (x - mean));
        (mean, 1. / (squares / count + self.eps as f32).sqrt())
    }
}

/// Sum of what `of` gives of each number, in sixteen partial sums, whatever the processor.
fn summed(x: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0f32; 16];
    let (whole, rest) = x.as_chunks::<16>();
    for chunk in whole {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum += of(x);
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|&x| of(x)).sum::<f32>()
}

impl Kernels {
    /// Norms `x`, rows of one or several times as many numbers as `norm` has. Returns `(rows, width of x)`.
    ///
    /// # Errors
    /// Another width; what candle says.
    pub fn norm(&self, x: &Tensor, norm: &NormLayer) -> Result<Tensor> {
        let (rows, width) = flat_dims(x)?;
        norm.check(width)?;
        if !self.is_candle() {
            let (norm, x) = (CpuNorm::of(norm)?, CpuRows::of(x)?);
            let x = x.lock();
            return norm.lend(|norm| map_rows(x.view()?, width, |_, x, out| norm.apply(x, out)));
        }
        if self.launches
            && let Some(normed) = per_row::norm(x, norm, (rows, width), self.dtype)?
        {
            return Ok(normed);
        }
        let ((weight, bias), run) = (norm.tensors(), norm.run());
        let wide = x.to_dtype(DType::F32)?.reshape((rows, (), weight.dim(0)?, run))?;
        let mean = |x: &Tensor| x.sum_keepdim(D::Minus1)? / run as f64;
        let wide = if norm.rule().centred {
            wide.broadcast_sub(&mean(&wide)?)?
        } else {
            wide
        };
        let root = (mean(&wide.sqr()?)? + norm.rule().eps)?.sqrt()?;
        let scaled = wide.broadcast_div(&root)?.broadcast_mul(weight)?;
        let out = match bias {
            Some(bias) => scaled.broadcast_add(bias)?,
            None => scaled,
        };
        out.reshape((rows, width))?.to_dtype(self.activation_dtype())
    }

    /// `residual + scale · x`, both `(rows, width)`, `x` being normed before where there is a norm, as in [`norm`](Self::norm).
    ///
    /// # Errors
    /// Other widths; what candle says.
    pub fn add(&self, residual: &Tensor, x: &Tensor, norm: Option<&NormLayer>, scale: f64) -> Result<Tensor> {
        let (rows, width) = flat_dims(x)?;
        if flat_dims(residual)? != (rows, width) {
            bail!("{:?} and what is added, {:?}, differ", residual.dims(), x.dims());
        }
        if self.is_candle() {
            let normed = norm.map(|norm| self.norm(x, norm)).transpose()?;
            let x = normed.as_ref().unwrap_or(x);
            return residual + if scale == 1.0 { x.clone() } else { (x * scale)? };
        }
        let (x, residual) = (CpuRows::of(x)?, CpuRows::of(residual)?);
        let (x, residual) = (x.lock(), residual.lock());
        let (x, residual, scale) = (x.view()?, residual.view()?, scale as f32);
        let Some(norm) = norm else {
            return map_rows(x, width, |row, x, out| {
                let both = residual.row(row).iter().zip(x);
                let each = out.iter_mut().zip(both);
                each.for_each(|(out, (residual, x))| *out = residual + x * scale);
            });
        };
        norm.check(width)?;
        CpuNorm::of(norm)?.lend(|norm| {
            map_rows(x, width, |row, x, out| {
                norm.apply(x, out);
                let each = out.iter_mut().zip(residual.row(row));
                each.for_each(|(out, residual)| *out = residual + *out * scale);
            })
        })
    }
}
