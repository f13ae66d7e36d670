//! RoPE and gates: cheap arithmetic, so that on the CPU what counts is to touch memory once and from all
//! threads. Always computed in f32.

use super::{
    Kernels, Linear,
    cuda::per_row,
    packed::network::{GatedPanels, feed_forward},
    rotation::Rotation,
    rows::{CpuRows, RowView, flat_dims},
};
use crate::{Activation, Pairing};
use candle_core::{DType, Device, Result, Tensor, bail};
use rayon::prelude::*;

/// Rows one task works on.
const ROWS_PER_TASK: usize = 16;

impl Kernels {
    /// Rotary embedding of queries or keys `x`, `(rows, heads × head_dim)` (a slice of columns of a fused projection
    /// is fine) or `(rows, heads, head_dim)`. Returns `(rows, heads × head_dim)`.
    pub fn turn(&self, x: &Tensor, rotation: &Rotation<'_>) -> Result<Tensor> {
        let Rotation {
            cos,
            sin,
            head_dim,
            pairing,
        } = *rotation;
        let (rows, width) = flat_dims(x)?;
        let half = rotation.check(x)?;
        if !self.is_candle() {
            let (x, cos, sin) = (CpuRows::of(x)?, CpuRows::of(cos)?, CpuRows::of(sin)?);
            let (x, cos, sin) = (x.lock(), cos.lock(), sin.lock());
            let (cos, sin) = (cos.view()?, sin.view()?);
            return map_rows(x.view()?, width, |row, x, out| {
                let (cos, sin) = (cos.row(row), sin.row(row));
                for (x, out) in x.chunks_exact(head_dim).zip(out.chunks_exact_mut(head_dim)) {
                    let ((x, rest), (turned, kept)) = (x.split_at(2 * half), out.split_at_mut(2 * half));
                    kept.copy_from_slice(rest);
                    match pairing {
                        Pairing::Halves => turn_halves(x, (cos, sin), turned),
                        Pairing::Neighbours => turn_neighbours(x, (cos, sin), turned),
                    }
                }
            });
        }
        if self.launches
            && head_dim.is_multiple_of(2)
            && let Some(turned) = per_row::turn(x, Some(rotation), head_dim, &per_row::TurnedRows::New, self.dtype)?
        {
            return Ok(turned);
        }
        let wide = x.to_dtype(DType::F32)?.reshape((rows, width / head_dim, head_dim))?;
        let first = wide.narrow(2, 0, 2 * half)?;
        let (a, b) = match pairing {
            Pairing::Halves => (first.narrow(2, 0, half)?, first.narrow(2, half, half)?),
            Pairing::Neighbours => {
                let pairs = first.contiguous()?.reshape((rows, width / head_dim, half, 2))?;
                (pairs.narrow(3, 0, 1)?.squeeze(3)?, pairs.narrow(3, 1, 1)?.squeeze(3)?)
            }
        };
        let (cos, sin) = (cos.unsqueeze(1)?, sin.unsqueeze(1)?);
        let turned_a = (a.broadcast_mul(&cos)? - b.broadcast_mul(&sin)?)?;
        let turned_b = (b.broadcast_mul(&cos)? + a.broadcast_mul(&sin)?)?;
        let turned = match pairing {
            Pairing::Halves => Tensor::cat(&[turned_a, turned_b], 2)?,
            Pairing::Neighbours => Tensor::stack(&[turned_a, turned_b], 3)?.flatten_from(2)?,
        };
        let turned = match head_dim - 2 * half {
            0 => turned,
            rest => Tensor::cat(&[turned, wide.narrow(2, 2 * half, rest)?], 2)?,
        };
        turned.reshape((rows, width))?.to_dtype(self.activation_dtype())
    }

    /// Rows of `x`, `(rows, width)`, each times its own of `factors`, `(rows, 1)` in f32. Returns `(rows, width)`.
    pub fn scale_rows(&self, x: &Tensor, factors: &Tensor) -> Result<Tensor> {
        let scaled = x.to_dtype(DType::F32)?.broadcast_mul(factors)?;
        scaled.to_dtype(self.activation_dtype())
    }

    /// Gates through their activation, times their partners: of `gate_up`, `(rows, 2 × n)` with the gates first,
    /// `(rows, n)`.
    pub fn gated(&self, gate_up: &Tensor, activation: Activation) -> Result<Tensor> {
        let (rows, width) = flat_dims(gate_up)?;
        if width % 2 != 0 {
            bail!("gates and their partners over an odd width of {width}");
        }
        let n = width / 2;
        if !self.is_candle() {
            let x = CpuRows::of(gate_up)?;
            let x = x.lock();
            if let Some(machine) = self.machine {
                return map_rows(x.view()?, n, |_, x, out| {
                    let (gate, up) = x.split_at(n);
                    machine.gated(activation, gate, up, out);
                });
            }
            return map_rows(x.view()?, n, |_, x, out| {
                let (gate, up) = x.split_at(n);
                for ((out, gate), up) in out.iter_mut().zip(gate).zip(up) {
                    *out = activated(activation, *gate, *up);
                }
            });
        }
        if self.launches
            && let Some(gated) = per_row::gated(gate_up, activation, (rows, n), self.dtype)?
        {
            return Ok(gated);
        }
        let wide = gate_up.to_dtype(DType::F32)?;
        let (gate, mut up) = (wide.narrow(1, 0, n)?.contiguous()?, wide.narrow(1, n, n)?);
        let gate = match activation {
            Activation::Silu => candle_nn::ops::silu(&gate)?,
            // candle's `gelu` is the one with a tanh.
            Activation::GeluTanh => gate.gelu()?,
            Activation::Clamped { gain, limit } => {
                let (gain, limit) = (f64::from(gain), f64::from(limit));
                up = (up.clamp(-limit, limit)? + 1.)?;
                let gate = gate.minimum(limit)?;
                (&gate * candle_nn::ops::sigmoid(&(&gate * gain)?)?)?
            }
        };
        (gate * up)?.to_dtype(self.activation_dtype())
    }
}

/// Element `i` of `x` against element `i + half`.
fn turn_halves(x: &[f32], (cos, sin): (&[f32], &[f32]), out: &mut [f32]) {
    let half = cos.len();
    let ((a, b), (turned_a, turned_b)) = (x.split_at(half), out.split_at_mut(half));
    let angles = cos.iter().zip(sin);
    for (((a, b), (cos, sin)), turned) in a.iter().zip(b).zip(angles.clone()).zip(turned_a) {
        *turned = a * cos - b * sin;
    }
    for (((a, b), (cos, sin)), turned) in a.iter().zip(b).zip(angles).zip(turned_b) {
        *turned = b * cos + a * sin;
    }
}

/// Element `2 i` of `x` against element `2 i + 1`.
fn turn_neighbours(x: &[f32], (cos, sin): (&[f32], &[f32]), out: &mut [f32]) {
    let ((pairs, _), (turned, _)) = (x.as_chunks::<2>(), out.as_chunks_mut::<2>());
    for (([a, b], (cos, sin)), turned) in pairs.iter().zip(cos.iter().zip(sin)).zip(turned) {
        *turned = [a * cos - b * sin, b * cos + a * sin];
    }
}

/// A gate through its activation, times its partner.
fn activated(activation: Activation, gate: f32, up: f32) -> f32 {
    match activation {
        Activation::Silu => gate / (1. + (-gate).exp()) * up,
        Activation::Clamped { gain, limit } => {
            let (gate, up) = (gate.clamp(f32::NEG_INFINITY, limit), up.clamp(-limit, limit));
            gate / (1. + (-gain * gate).exp()) * (1. + up)
        }
        Activation::GeluTanh => {
            let inner = (2. / std::f32::consts::PI).sqrt() * (gate + 0.044_715 * gate * gate * gate);
            0.5 * gate * (1. + inner.tanh()) * up
        }
    }
}

impl Kernels {
    /// A whole gated network around its norm's output `x`, `(rows, hidden)`: `gate_up` (fused, gates first), the gates'
    /// activation, `down`, added to `residual`, `(rows, hidden)`. What the three operations give one after the other,
    /// with less traffic between them where an implementation knows how.
    pub fn feed_forward(
        &self,
        x: &Tensor,
        gate_up: &Linear,
        activation: Activation,
        down: &Linear,
        residual: &Tensor,
    ) -> Result<Tensor> {
        gate_up.check(x)?;
        if let (Some(first), Some(second)) = (gate_up.unbiased(), down.unbiased()) {
            let fits = gate_up.outputs() == 2 * down.inputs() && residual.dims() == [x.dim(0)?, down.outputs()];
            let (x, residual) = (CpuRows::of(x)?, CpuRows::of(residual)?);
            let (x, residual) = (x.lock(), residual.lock());
            let (x, residual) = (x.view()?, residual.view()?);
            let network = GatedPanels {
                gate_up: first,
                activation,
                down: second,
            };
            if let Some(out) = fits.then(|| feed_forward(network, x, residual)).flatten() {
                return Tensor::from_vec(out, (x.rows, second.columns), &Device::Cpu);
            }
        }
        down.forward_add(&self.gated(&gate_up.forward(x)?, activation)?, residual)
    }
}

/// A tensor `(rows, width)` whose rows `each` fills, given a row's number and the row of `x`.
pub(super) fn map_rows(
    x: RowView<'_>,
    width: usize,
    each: impl Fn(usize, &[f32], &mut [f32]) + Sync,
) -> Result<Tensor> {
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
