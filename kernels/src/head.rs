//! Log-probabilities of given tokens, streamed over positions and vocabulary.

use super::cuda::per_row::softmax_parts;
use super::linear::{Linear, Operand};
use super::packed::linear::LogitTail;
use super::products::product;
use super::rows::CpuRows;
use super::running::{Reduced, Running};
use crate::{TokenId, TokenScore, pick::pick};
use candle_core::{DType, Device, Result, Tensor, bail};
use rayon::prelude::*;

/// Rows whose logits are held at a time on the CPU.
const ROWS: usize = 256;
/// Likewise on a GPU.
const ROWS_GPU: usize = 2048;
/// Vocabulary entries whose logits are held at a time on the CPU.
const COLUMNS: usize = 4096;
/// Likewise on a GPU, where few large operations are what counts.
const COLUMNS_GPU: usize = 1 << 15;

/// Rows and vocabulary entries whose logits are held at a time.
pub(super) fn logits_at_once(device: &Device) -> (usize, usize) {
    match device.is_cpu() {
        true => (ROWS, COLUMNS),
        false => (ROWS_GPU, COLUMNS_GPU),
    }
}

impl Linear {
    /// Log-probabilities of tokens under the softmax of this layer's outputs, in f32: for each `(row, token)` of
    /// `targets`, in their order, how `token` fares after `hidden`'s row. `hidden` is `(rows, in)`, already normed.
    /// A row may have any number of targets at the cost of one. Of equal logits the lowest token counts as greedy.
    pub fn token_scores(&self, hidden: &Tensor, targets: &[(usize, TokenId)]) -> Result<Vec<TokenScore>> {
        self.check(hidden)?;
        let rows = hidden.dim(0)?;
        for &(row, token) in targets {
            if row >= rows || token as usize >= self.outputs {
                bail!(
                    "token {token} at row {row}: there are {rows} rows and {} tokens",
                    self.outputs
                );
            }
        }
        // Targets by row, then token: each chunk of rows and vocabulary finds its own in one run.
        let mut order: Vec<usize> = (0..targets.len()).collect();
        order.sort_unstable_by_key(|&i| targets[i]);
        let sorted: Vec<(usize, TokenId)> = order.iter().map(|&i| targets[i]).collect();
        let scores = self.sorted_scores(hidden, &sorted)?;
        let mut out = vec![
            TokenScore {
                logprob: 0.,
                greedy: false
            };
            targets.len()
        ];
        for (i, score) in order.into_iter().zip(scores) {
            out[i] = score;
        }
        Ok(out)
    }

    /// This layer's outputs as logits, `(rows, out)`, in f32: never rounded to a half-precision activation dtype on the
    /// way, as [`Linear::forward`]'s are on a GPU. `hidden` is `(rows, in)`, already normed.
    pub fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        self.check(hidden)?;
        if !matches!(self.operand, Operand::Plain(_)) {
            return self.within_cap(self.forward(hidden)?.to_dtype(DType::F32)?);
        }
        let mut parts = Vec::new();
        self.chunks(hidden, |_, part| {
            parts.push(part.clone());
            Ok(())
        })?;
        Tensor::cat(&parts, 1)
    }

    /// Log-probabilities of all tokens after each of `hidden`'s rows, to the bit as [`Linear::token_scores`] has them.
    /// `hidden` is `(rows, in)`, already normed.
    pub fn log_softmax(&self, hidden: &Tensor) -> Result<Vec<Vec<f32>>> {
        let logits = self.logits(hidden)?;
        let running = match &self.operand {
            Operand::Packed(_) => Vec::new(),
            Operand::Plain(_) => self.running(&logits)?,
        };
        let rows = logits.to_vec2::<f32>()?.into_par_iter().enumerate();
        let of_row = |(row, mut logits): (usize, Vec<f32>)| {
            let running = match &self.operand {
                Operand::Packed(panels) => panels.running(&logits),
                Operand::Plain(_) => running[row],
            };
            for logit in &mut logits {
                *logit = running.score(0, *logit).logprob;
            }
            logits
        };
        Ok(rows.map(of_row).collect())
    }

    /// What each row of logits, `(rows, out)`, comes to, cut and joined as everywhere.
    fn running(&self, logits: &Tensor) -> Result<Vec<Running>> {
        let (rows, all) = logits.dims2()?;
        let (_, columns) = logits_at_once(logits.device());
        let mut running = vec![Running::NOTHING; rows];
        for first in (0..all).step_by(columns) {
            let chunk = logits.narrow(1, first, columns.min(all - first))?.contiguous()?;
            let (found, _) = self.reduce(&chunk, first, 0, &[])?;
            for (all, part) in running.iter_mut().zip(found) {
                *all = all.join(part);
            }
        }
        Ok(running)
    }

    /// [`Linear::token_scores`] of targets sorted by row.
    fn sorted_scores(&self, hidden: &Tensor, targets: &[(usize, TokenId)]) -> Result<Vec<TokenScore>> {
        if let Operand::Packed(panels) = &self.operand {
            let bias = self.bias().map(|bias| bias.to_vec1::<f32>()).transpose()?;
            let hidden = CpuRows::of(hidden)?;
            let tail = LogitTail {
                bias: bias.as_deref(),
                cap: self.cap,
            };
            let (running, logits) = panels.reduce(hidden.lock().view()?, tail, targets);
            let score = |(&(row, token), logit): (&(usize, TokenId), f32)| running[row].score(token, logit);
            return Ok(targets.iter().zip(logits).map(score).collect());
        }
        self.candle_scores(hidden, targets)
    }

    fn candle_scores(&self, hidden: &Tensor, targets: &[(usize, TokenId)]) -> Result<Vec<TokenScore>> {
        let rows = hidden.dim(0)?;
        let mut scores = Vec::with_capacity(targets.len());
        let mut rest = targets;
        let (at_once, _) = logits_at_once(hidden.device());
        for first in (0..rows).step_by(at_once) {
            let n = at_once.min(rows - first);
            let (mine, later) = rest.split_at(rest.partition_point(|&(row, _)| row < first + n));
            rest = later;
            if mine.is_empty() {
                continue;
            }
            let mut running = vec![Running::NOTHING; n];
            let mut logits = vec![0f32; mine.len()];
            self.chunks(&hidden.narrow(0, first, n)?, |column, chunk| {
                let (part, wanted) = self.reduce(chunk, column, first, mine)?;
                for (all, part) in running.iter_mut().zip(part) {
                    *all = all.join(part);
                }
                for (i, logit) in wanted {
                    logits[i] = logit;
                }
                Ok(())
            })?;
            let score = |(&(row, token), &logit): (&(usize, TokenId), &f32)| running[row - first].score(token, logit);
            scores.extend(mine.iter().zip(&logits).map(score));
        }
        Ok(scores)
    }

    /// Calls `each` with the first column and the f32 logits `(rows, columns)` of every part of the vocabulary.
    fn chunks(&self, hidden: &Tensor, mut each: impl FnMut(usize, &Tensor) -> Result<()>) -> Result<()> {
        let Operand::Plain(weight) = &self.operand else {
            return each(0, &self.logits(hidden)?);
        };
        let (_, columns) = logits_at_once(hidden.device());
        for first in (0..self.outputs).step_by(columns) {
            let n = columns.min(self.outputs - first);
            let mut logits = product_in_f32(hidden, &weight.narrow(0, first, n)?)?;
            if let Some(bias) = self.bias() {
                logits = logits.broadcast_add(&bias.narrow(0, first, n)?.to_dtype(DType::F32)?)?;
            }
            each(first, &self.within_cap(logits)?)?;
        }
        Ok(())
    }

    /// Logits, `(rows, some)` in f32, within the cap, if there is one.
    fn within_cap(&self, logits: Tensor) -> Result<Tensor> {
        let Some(cap) = self.cap else {
            return Ok(logits);
        };
        let Some(machine) = self.kernels.machine else {
            return (logits / f64::from(cap))?.tanh()? * f64::from(cap);
        };
        let shape = logits.dims2()?;
        let mut numbers = logits.flatten_all()?.to_vec1::<f32>()?;
        machine.soft_cap(&mut numbers, cap);
        Tensor::from_vec(numbers, shape, logits.device())
    }

    /// Each row's share of the log-sum-exp of `logits`, `(rows, columns)`, whose first column is token `column` and whose
    /// first row is `row`; and the logits of those targets that lie within, by their number in `targets`.
    fn reduce(&self, logits: &Tensor, column: usize, row: usize, targets: &[(usize, TokenId)]) -> Result<Reduced> {
        let running = match self.kernels.launches {
            true => softmax_parts(logits)?.to_vec2::<f32>()?,
            false => softmax_parts_by_candle(logits)?,
        };
        let running = running.into_iter().map(|parts| Running {
            max: parts[0],
            best: (column + parts[1] as usize) as TokenId,
            sum: parts[2],
        });
        let (_, columns) = logits.dims2()?;
        let here = |token: TokenId| (token as usize).checked_sub(column).filter(|&at| at < columns);
        let (numbers, places): (Vec<usize>, Vec<u32>) = targets
            .iter()
            .enumerate()
            .filter_map(|(i, &(r, token))| Some((i, ((r - row) * columns + here(token)?) as u32)))
            .unzip();
        let wanted = if places.is_empty() {
            Vec::new()
        } else {
            pick(&logits.flatten_all()?, &places)?.to_vec1::<f32>()?
        };
        Ok((running.collect(), numbers.into_iter().zip(wanted).collect()))
    }
}

/// `x · weightᵀ` in f32 throughout: logits rounded to half precision would cost more than the whole network loses.
fn product_in_f32(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    #[cfg(feature = "cuda")]
    if x.device().is_cuda() && weight.dtype() != DType::F32 {
        return super::cuda::product::product_in_f32(&x.to_dtype(weight.dtype())?, weight);
    }
    let (x, weight) = (x.to_dtype(DType::F32)?.contiguous()?, weight.to_dtype(DType::F32)?);
    match x.device().is_cpu() {
        true => product(&x, &weight),
        false => x.matmul(&weight.t()?),
    }
}

/// As [`softmax_parts`], out of candle's operations.
fn softmax_parts_by_candle(logits: &Tensor) -> Result<Vec<Vec<f32>>> {
    let (_, columns) = logits.dims2()?;
    let max = logits.max_keepdim(1)?;
    let sum = logits.broadcast_sub(&max)?.exp()?.sum(1)?.to_vec1::<f32>()?;
    // The lowest of equals: what an argmax kernel returns there is nobody's promise. Numbers below 2^24 are exact.
    let numbers = Tensor::arange(0f32, columns as f32, logits.device())?.broadcast_as(logits.shape())?;
    let none = Tensor::full(columns as f32, logits.shape(), logits.device())?;
    let best = logits
        .broadcast_ge(&max)?
        .where_cond(&numbers, &none)?
        .min(1)?
        .to_vec1::<f32>()?;
    let max = max.flatten_all()?.to_vec1::<f32>()?;
    let parts = max.into_iter().zip(best).zip(sum);
    Ok(parts.map(|((max, best), sum)| vec![max, best, sum]).collect())
}
