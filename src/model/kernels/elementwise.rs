//! Norms, RoPE and SwiGLU: cheap arithmetic, so that on the CPU what counts is to touch memory once and from all
//! threads. Always computed in f32.

use super::{
    Kernels, Linear,
    packed::network::feed_forward,
    rows::{CpuRows, RowView, some},
};
use candle_core::{D, DType, Device, Result, Tensor, bail};
use rayon::prelude::*;

/// CpuRows one task works on.
const ROWS_PER_TASK: usize = 16;

impl Kernels {
    /// RMS norm of each run of `weight`'s length within the rows of `x`: `x / sqrt(mean(x²) + eps) · weight`. So `x`
    /// is `(rows, n)`, or `(rows, heads × n)` with each head normed by itself. Returns `(rows, width of x)`.
    pub fn rms_norm(&self, x: &Tensor, weight: &Tensor, eps: f64) -> Result<Tensor> {
        let n = weight.elem_count();
        let (rows, width) = flat_dims(x)?;
        if n == 0 || width % n != 0 {
            bail!("an RMS norm over {n} numbers was given {:?}", x.dims());
        }
        if !self.is_candle() {
            let weight = CpuRows::of(&weight.reshape((1, n))?)?;
            let (x, weight) = (CpuRows::of(x)?, weight.lock());
            let (x, weight) = (x.lock(), weight.view()?.row(0));
            return map_rows(x.view()?, width, |_, x, out| {
                for (x, out) in x.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
                    let factor = 1. / (sum_of_squares(x) / n as f32 + eps as f32).sqrt();
                    for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
                        *out = x * factor * weight;
                    }
                }
            });
        }
        let wide = x.to_dtype(DType::F32)?.reshape((rows, width / n, n))?;
        let mean = (wide.sqr()?.sum_keepdim(D::Minus1)? / n as f64)?;
        let normed = wide.broadcast_div(&(mean + eps)?.sqrt()?)?;
        let scaled = normed.broadcast_mul(&weight.to_dtype(DType::F32)?.flatten_all()?)?;
        scaled.reshape((rows, width))?.to_dtype(self.activation_dtype())
    }

    /// Rotary embedding of queries or keys `x`, `(rows, heads × head_dim)` (a slice of columns of a fused projection
    /// is fine) or `(rows, heads, head_dim)`, with each row's angles as `cos` and `sin`, `(rows, head_dim / 2)`, f32.
    /// Element `i` is turned against element `i + head_dim / 2`. Returns `(rows, heads × head_dim)`.
    pub fn rope(&self, x: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
        let (rows, width) = flat_dims(x)?;
        let (table_rows, half) = cos.dims2()?;
        if table_rows != rows || sin.dims() != cos.dims() || half == 0 || width % (2 * half) != 0 {
            bail!(
                "RoPE over {:?} with tables {:?} and {:?}",
                x.dims(),
                cos.dims(),
                sin.dims()
            );
        }
        if !self.is_candle() {
            let (x, cos, sin) = (CpuRows::of(x)?, CpuRows::of(cos)?, CpuRows::of(sin)?);
            let (x, cos, sin) = (x.lock(), cos.lock(), sin.lock());
            let (cos, sin) = (cos.view()?, sin.view()?);
            return map_rows(x.view()?, width, |row, x, out| {
                let (cos, sin) = (cos.row(row), sin.row(row));
                for (x, out) in x.chunks_exact(2 * half).zip(out.chunks_exact_mut(2 * half)) {
                    let ((a, b), (turned_a, turned_b)) = (x.split_at(half), out.split_at_mut(half));
                    let angles = cos.iter().zip(sin);
                    for (((a, b), (cos, sin)), turned) in a.iter().zip(b).zip(angles.clone()).zip(turned_a) {
                        *turned = a * cos - b * sin;
                    }
                    for (((a, b), (cos, sin)), turned) in a.iter().zip(b).zip(angles).zip(turned_b) {
                        *turned = b * cos + a * sin;
                    }
                }
            });
        }
        let wide = x.to_dtype(DType::F32)?.reshape((rows, width / (2 * half), 2 * half))?;
        let (a, b) = (wide.narrow(2, 0, half)?, wide.narrow(2, half, half)?);
        let (cos, sin) = (cos.unsqueeze(1)?, sin.unsqueeze(1)?);
        let turned_a = (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?;
        let turned_b = (b.broadcast_mul(&cos)? + a.broadcast_mul(&sin)?)?;
        let turned = Tensor::cat(&[turned_a, turned_b], 2)?;
        turned.reshape((rows, width))?.to_dtype(self.activation_dtype())
    }

    /// SwiGLU of `gate_up`, `(rows, 2 × n)` with the gates first: `gate / (1 + exp(-gate)) · up`, `(rows, n)`.
    pub fn swiglu(&self, gate_up: &Tensor) -> Result<Tensor> {
        let (_, width) = flat_dims(gate_up)?;
        if width % 2 != 0 {
            bail!("SwiGLU over an odd width of {width}");
        }
        let n = width / 2;
        if !self.is_candle() {
            let x = CpuRows::of(gate_up)?;
            let x = x.lock();
            if let Some(machine) = self.machine {
                return map_rows(x.view()?, n, |_, x, out| {
                    let (gate, up) = x.split_at(n);
                    machine.swiglu(gate, up, out);
                });
            }
            return map_rows(x.view()?, n, |_, x, out| {
                let (gate, up) = x.split_at(n);
                for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                    *out = gate / (1. + (-gate).exp()) * up;
                }
            });
        }
        let wide = gate_up.to_dtype(DType::F32)?;
        let gate = candle_nn::ops::silu(&wide.narrow(1, 0, n)?.contiguous()?)?;
        (gate * wide.narrow(1, n, n)?)?.to_dtype(self.activation_dtype())
    }
}

impl Kernels {
    /// A whole SwiGLU network around its norm's output `x`, `(rows, hidden)`: `gate_up` (fused, gates first), SwiGLU,
    /// `down`, added to `residual`, `(rows, hidden)`. What the three operations give one after the other, with less
    /// traffic between them where an implementation knows how.
    pub fn feed_forward(&self, x: &Tensor, gate_up: &Linear, down: &Linear, residual: &Tensor) -> Result<Tensor> {
        gate_up.check(x)?;
        if let (Some(first), Some(second)) = (gate_up.unbiased(), down.unbiased()) {
            let fits = gate_up.outputs() == 2 * down.inputs() && residual.dims() == [x.dim(0)?, down.outputs()];
            let (x, residual) = (CpuRows::of(x)?, CpuRows::of(residual)?);
            let (x, residual) = (x.lock(), residual.lock());
            let (x, residual) = (x.view()?, residual.view()?);
            if let Some(out) = fits.then(|| feed_forward(first, second, x, residual)).flatten() {
                return Tensor::from_vec(out, (x.rows, second.columns), &Device::Cpu);
            }
        }
        down.forward_add(&self.swiglu(&gate_up.forward(x)?)?, residual)
    }
}

/// CpuRows, and numbers in each.
fn flat_dims(x: &Tensor) -> Result<(usize, usize)> {
    match x.dims() {
        [rows, rest @ ..] if !rest.is_empty() => {
            some(*rows, "numbers")?;
            Ok((*rows, rest.iter().product()))
        }
        dims => bail!("expected rows of numbers, got {dims:?}"),
    }
}

/// A tensor `(rows, width)` whose rows `each` fills, given a row's number and the row of `x`.
fn map_rows(x: RowView<'_>, width: usize, each: impl Fn(usize, &[f32], &mut [f32]) + Sync) -> Result<Tensor> {
    let mut out = vec![0f32; x.rows * width];
    if !out.is_empty() {
        out.par_chunks_mut(ROWS_PER_TASK * width)
            .enumerate()
            .for_each(|(task, rows)| {
                for (i, out) in rows.chunks_exact_mut(width).enumerate() {
                    let row = task * ROWS_PER_TASK + i;
                    each(row, x.row(row), out);
                }
            });
    }
    Tensor::from_vec(out, (x.rows, width), &Device::Cpu)
}

/// Sum of squares in sixteen partial sums, whatever the processor.
fn sum_of_squares(x: &[f32]) -> f32 {
    let mut sums = [0f32; 16];
    let (whole, rest) = x.as_chunks::<16>();
    for chunk in whole {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += x * x;
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|x| x * x).sum::<f32>()
}
