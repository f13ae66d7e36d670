//! What is done row by row: norms, RoPE with the write of keys and values, gates, sums of experts, parts of a softmax.

use super::grid::KernelGrid;
use super::launch::{
    KernelArgument::{Maybe, Real, Tensor as Of, Whole},
    KernelLaunch, of_dtype, whole,
};
use crate::{Activation, NormLayer, Pairing, rotation::Rotation, rows::row_stride};
use candle_core::{DType, Result, Tensor, bail};

/// Numbers that a thread takes at a time.
const EIGHT: usize = 8;
/// Threads of a block, where there is enough for them.
const THREADS: usize = 256;
const WARP: usize = 32;

/// A block a row.
fn a_row_each(rows: usize, threads: usize) -> Result<KernelGrid> {
    Ok(KernelGrid {
        x: whole(rows)?,
        y: 1,
        threads: whole(threads)?,
        // What warps tell each other.
        shared: threads / WARP * 4,
    })
}

/// Whole warps for so many numbers, eight a thread, at most [`THREADS`].
fn threads_for(numbers: usize) -> usize {
    numbers.div_ceil(EIGHT).next_multiple_of(WARP).min(THREADS)
}

/// `x` in `dtype` as rows that are dense, with how many numbers these lie apart; copied where it lies otherwise, or where
/// eight numbers `at_once` would not lie at multiples of as many.
fn dense(x: &Tensor, dtype: DType, at_once: bool) -> Result<(Tensor, usize)> {
    let x = x.to_dtype(dtype)?;
    let even =
        |stride: &usize| !at_once || stride.is_multiple_of(EIGHT) && x.layout().start_offset().is_multiple_of(EIGHT);
    if let Some(stride) = row_stride(x.layout()).filter(even) {
        return Ok((x, stride));
    }
    let x = x.force_contiguous()?;
    let width = x.dims()[1..].iter().product();
    Ok((x, width))
}

/// [`dense`] rows of `width` numbers without a gap between them, eight numbers at once.
pub(super) fn gapless(x: &Tensor, dtype: DType, width: usize) -> Result<Tensor> {
    let (x, stride) = dense(x, dtype, true)?;
    match stride == width {
        true => Ok(x),
        false => x.force_contiguous(),
    }
}

/// As [`Kernels::norm`](super::super::Kernels::norm): of `x` in `rows` of `width` numbers.
pub(in super::super) fn norm(
    x: &Tensor,
    norm: &NormLayer,
    (rows, width): (usize, usize),
    dtype: DType,
) -> Result<Option<Tensor>> {
    let n = norm.run();
    if !n.is_multiple_of(EIGHT) {
        return Ok(None);
    }
    let (x, stride) = dense(x, dtype, true)?;
    let (weight, bias) = norm.tensors();
    let (weight, bias) = (weight.contiguous()?, bias.map(Tensor::contiguous).transpose()?);
    let launch = KernelLaunch {
        name: of_dtype("norm", dtype),
        grid: a_row_each(rows * (width / n), threads_for(n))?,
        arguments: vec![
            Of(&x),
            Of(&weight),
            Maybe(bias.as_ref()),
            Whole(whole(n)?),
            Whole(whole(width / n)?),
            Whole(whole(weight.dim(0)?)?),
            Whole(whole(stride)?),
            Real(norm.rule().eps as f32),
            Whole(u32::from(norm.rule().centred)),
        ],
    };
    launch.make((rows, width), dtype, x.device()).map(Some)
}

/// Where [`turn`] writes rows.
pub(in super::super) enum TurnedRows<'a> {
    /// To a new tensor `(rows, width)`.
    New,
    /// To rows of a tensor: which, `(rows)`, u32.
    Slots(&'a Tensor, &'a Tensor),
}

/// As [`Kernels::turn`](super::super::Kernels::turn): of `x` in heads of `head_dim`, in `rows` of `width` numbers; without
/// a rotation rows are copied. Returns what is new.
pub(in super::super) fn turn(
    x: &Tensor,
    rotation: Option<&Rotation<'_>>,
    head_dim: usize,
    to: &TurnedRows<'_>,
    dtype: DType,
) -> Result<Option<Tensor>> {
    let (rows, width) = (x.dim(0)?, x.dims()[1..].iter().product::<usize>());
    if !head_dim.is_multiple_of(2) {
        bail!("heads of {head_dim} numbers are turned two numbers at a time");
    }
    let (x, stride) = dense(x, dtype, false)?;
    let tables = match rotation {
        Some(rotation) => Some((rotation.cos.contiguous()?, rotation.sin.contiguous()?)),
        None => None,
    };
    let half = tables.as_ref().map_or(Ok(0), |(cos, _)| cos.dim(1))?;
    let slots = match to {
        TurnedRows::New => None,
        TurnedRows::Slots(_, slots) => Some(*slots),
    };
    let neighbours = rotation.is_some_and(|rotation| rotation.pairing == Pairing::Neighbours);
    let launch = KernelLaunch {
        name: of_dtype("turn", dtype),
        grid: a_row_each(rows, (width / 2).next_multiple_of(WARP).min(THREADS))?,
        arguments: vec![
            Of(&x),
            Maybe(tables.as_ref().map(|(cos, _)| cos)),
            Maybe(tables.as_ref().map(|(_, sin)| sin)),
            Maybe(slots),
            Whole(whole(width / head_dim)?),
            Whole(whole(head_dim)?),
            Whole(whole(half)?),
            Whole(whole(stride)?),
            Whole(u32::from(neighbours)),
        ],
    };
    match to {
        TurnedRows::New => launch.make((rows, width), dtype, x.device()).map(Some),
        TurnedRows::Slots(held, _) => launch.write(held).map(|()| None),
    }
}

/// Copies rows of `held`, `(slots, width)`, to others: `pairs`, `(copies, 2)`, u32, says from where to where. No row is
/// written that another copy reads.
pub(in super::super) fn copy_slots(held: &Tensor, pairs: &Tensor) -> Result<()> {
    let width: usize = held.dims()[1..].iter().product();
    if !width.is_multiple_of(EIGHT) {
        bail!("keys or values of {width} numbers a row are copied eight at a time");
    }
    let launch = KernelLaunch {
        name: of_dtype("copy_slots", held.dtype()),
        grid: a_row_each(pairs.dim(0)?, threads_for(width))?,
        arguments: vec![Of(pairs), Whole(whole(width)?)],
    };
    launch.write(held)
}

/// As [`Kernels::gated`](super::super::Kernels::gated): of `gate_up`, `rows` of twice `n` numbers.
pub(in super::super) fn gated(
    gate_up: &Tensor,
    activation: Activation,
    (rows, n): (usize, usize),
    dtype: DType,
) -> Result<Option<Tensor>> {
    if !n.is_multiple_of(EIGHT) {
        return Ok(None);
    }
    let gate_up = gapless(gate_up, dtype, 2 * n)?;
    let (kind, gain, limit) = match activation {
        Activation::Silu => (0, 0., 0.),
        Activation::GeluTanh => (1, 0., 0.),
        Activation::Clamped { gain, limit } => (2, gain, limit),
    };
    let launch = KernelLaunch {
        name: of_dtype("gated", dtype),
        grid: a_row_each((rows * n / EIGHT).div_ceil(THREADS), THREADS)?,
        arguments: vec![
            Of(&gate_up),
            Whole(whole(rows)?),
            Whole(whole(n)?),
            Whole(kind),
            Real(gain),
            Real(limit),
        ],
    };
    launch.make((rows, n), dtype, gate_up.device()).map(Some)
}

/// `residual`, `(rows, n)`, and to each row its shares of some rows of `parts`, `(any, n)`, in their order: which,
/// `places`, and how much of each, `shares`, as many for each row.
pub(in super::super) fn add_shares(
    residual: &Tensor,
    parts: &Tensor,
    places: &[u32],
    shares: &[f32],
) -> Result<Option<Tensor>> {
    let ((rows, n), (there, _)) = (residual.dims2()?, parts.dims2()?);
    if !n.is_multiple_of(EIGHT) {
        return Ok(None);
    }
    let used = places.len() / rows.max(1);
    if places.len() != used * rows
        || shares.len() != places.len()
        || places.iter().any(|&place| place as usize >= there)
    {
        bail!(
            "{} places of {there} rows with {} shares for {rows} rows",
            places.len(),
            shares.len()
        );
    }
    let (dtype, device) = (residual.dtype(), residual.device());
    let (places, shares) = (Tensor::new(places, device)?, Tensor::new(shares, device)?);
    let (residual, parts) = (residual.contiguous()?, parts.to_dtype(dtype)?.contiguous()?);
    let launch = KernelLaunch {
        name: of_dtype("add_shares", dtype),
        grid: a_row_each(rows, threads_for(n))?,
        arguments: vec![
            Of(&residual),
            Of(&parts),
            Of(&places),
            Of(&shares),
            Whole(whole(n)?),
            Whole(whole(used)?),
        ],
    };
    launch.make((rows, n), dtype, device).map(Some)
}

/// Of each row of `logits`, `(rows, columns)` in f32: the greatest, the lowest column that has it, and the sum of
/// exp(logit - greatest), `(rows, 3)` in f32.
pub(in super::super) fn softmax_parts(logits: &Tensor) -> Result<Tensor> {
    let (rows, columns) = logits.dims2()?;
    let logits = logits.contiguous()?;
    let launch = KernelLaunch {
        name: "softmax_parts".to_owned(),
        grid: a_row_each(rows, THREADS)?,
        arguments: vec![Of(&logits), Whole(whole(columns)?)],
    };
    launch.make((rows, 3), DType::F32, logits.device())
}
