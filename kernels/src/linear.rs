//! Linear layers.

use super::{
    Kernels,
    packed::{multiply::Start, panels::Panels},
    products::product,
    rows::{CpuRows, some},
};
use crate::{
    TokenId,
    pick::pick,
    weight::{RowChoice, Weight, rows_at_once},
};
use candle_core::{DType, Device, Result, Tensor, bail};
use std::sync::Arc;

/// Columns of a half-precision weight that are widened at a time on the CPU.
const WIDENED_ROWS: usize = 1024;

/// A linear layer `x · weightᵀ + bias`, with its weight put in place once.
#[derive(Debug, Clone)]
pub struct Linear {
    pub(super) kernels: Kernels,
    pub(super) operand: Operand,
    /// `(out)`, activation dtype.
    bias: Option<Tensor>,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// What logits stay within, plus and minus, by a tanh.
    pub(super) cap: Option<f32>,
}

/// How the weight is held.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    /// `(out, in)` in the compute dtype, on the device.
    Plain(Tensor),
    /// Packed.
    Packed(Arc<Panels>),
}

impl Kernels {
    /// A layer with a weight `(out, in)` held in the compute dtype (quantised blocks are dequantised) and a bias
    /// `(out)`.
    pub fn linear(&self, weight: Weight, bias: Option<Tensor>) -> Result<Linear> {
        self.linear_concat(vec![weight], vec![bias])
    }

    /// Several layers of the same input as one; their outputs follow each other: `(rows, out₁ + out₂ + ...)`. A
    /// missing bias counts as 0 where another layer has one.
    pub fn linear_concat(&self, weights: Vec<Weight>, biases: Vec<Option<Tensor>>) -> Result<Linear> {
        let shapes: Vec<(usize, usize)> = weights.iter().map(Weight::dims2).collect::<Result<_>>()?;
        let inputs = shapes.first().map_or(0, |&(_, inputs)| inputs);
        if shapes.iter().any(|shape| shape.1 != inputs) {
            bail!("layers of one input have weights {shapes:?}");
        }
        let outputs: Vec<usize> = shapes.iter().map(|shape| shape.0).collect();
        Ok(Linear {
            kernels: self.clone(),
            bias: self.bias(&biases, &outputs)?,
            inputs,
            outputs: outputs.iter().sum(),
            cap: None,
            operand: self.operand(weights, inputs)?,
        })
    }

    /// Puts weights of `inputs` columns in place, one below the other.
    fn operand(&self, weights: Vec<Weight>, inputs: usize) -> Result<Operand> {
        let rows = |weight: &Weight| weight.dims2().map(|shape| shape.0);
        let outputs: Vec<usize> = weights.iter().map(rows).collect::<Result<_>>()?;
        let mut unfinished = self.packing(outputs.iter().sum(), inputs)?;
        let mut first = 0;
        for (weight, outputs) in weights.into_iter().zip(outputs) {
            for rows in rows_at_once(0..outputs, inputs) {
                let start = first + rows.start;
                unfinished.put(start, &weight.some(RowChoice::Range(rows), self.dtype)?)?;
            }
            first += outputs;
        }
        Ok(unfinished.operand())
    }

    /// A layer whose weight `(outputs, inputs)` is put in place row by row.
    pub fn packing(&self, outputs: usize, inputs: usize) -> Result<LinearPacking> {
        let unfinished = match self.machine {
            Some(machine) => UnfinishedOperand::Packed(Panels::zero(machine, outputs, inputs)),
            None => UnfinishedOperand::Plain(PlainRows::new((outputs, inputs), self.dtype, &self.device)?),
        };
        Ok(LinearPacking {
            kernels: self.clone(),
            unfinished,
            outputs,
            inputs,
        })
    }

    /// The biases of layers with so many outputs, one after the other.
    fn bias(&self, biases: &[Option<Tensor>], outputs: &[usize]) -> Result<Option<Tensor>> {
        if biases.len() != outputs.len() {
            bail!("{} biases for {} weights", biases.len(), outputs.len());
        }
        if biases.iter().all(Option::is_none) {
            return Ok(None);
        }
        let parts = biases.iter().zip(outputs).map(|(bias, &outputs)| match bias {
            Some(bias) if bias.dims() == [outputs] => bias.to_dtype(self.activation_dtype())?.to_device(&self.device),
            Some(bias) => bail!("a bias {:?} beside a weight of {outputs} outputs", bias.dims()),
            None => Tensor::zeros(outputs, self.activation_dtype(), &self.device),
        });
        Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0).map(Some)
    }
}

/// A layer on its way into memory.
pub struct LinearPacking {
    kernels: Kernels,
    unfinished: UnfinishedOperand,
    outputs: usize,
    inputs: usize,
}

enum UnfinishedOperand {
    Packed(Panels),
    Plain(PlainRows),
}

/// A weight `(out, in)` in the compute dtype on its device, into which several threads may put rows, each others. What a
/// thread put there others may use when it has handed it over ([`Kernels::hand_over`]).
pub struct PlainRows(Tensor);

impl PlainRows {
    /// Room, all of which is put in place before it is used.
    fn new(shape: (usize, usize), dtype: DType, device: &Device) -> Result<Self> {
        if device.is_cpu() {
            return Tensor::zeros(shape, dtype, device).map(Self);
        }
        // Not zeros, which would wait for what the GPU computes meanwhile.
        // SAFETY: a layer is put in place as a whole, row by row, before it is used.
        unsafe { Tensor::empty(shape, dtype, device) }.map(Self)
    }

    /// Puts rows, `(rows, in)` on the CPU in the compute dtype, in place from number `first` on.
    pub fn put(&self, first: usize, rows: &Tensor) -> Result<()> {
        #[cfg(feature = "cuda")]
        if self.0.device().is_cuda() {
            return super::cuda::upload::put_rows(&self.0, first, rows);
        }
        self.0.slice_set(rows, 0, first)
    }
}

impl LinearPacking {
    /// Puts rows of the weight, `(rows, in)` in the compute dtype, in place from number `first` on.
    pub fn put(&mut self, first: usize, rows: &Tensor) -> Result<()> {
        match &mut self.unfinished {
            UnfinishedOperand::Packed(panels) => panels.put(first, rows),
            UnfinishedOperand::Plain(plain) => plain.put(first, rows),
        }
    }

    /// The weight, where several threads may put rows into it.
    pub fn plain(&self) -> Option<&PlainRows> {
        match &self.unfinished {
            UnfinishedOperand::Plain(plain) => Some(plain),
            UnfinishedOperand::Packed(_) => None,
        }
    }

    /// The layer, with the biases of its parts, each of which has so many outputs.
    pub fn finish(self, biases: &[Option<Tensor>], outputs: &[usize]) -> Result<Linear> {
        Ok(Linear {
            bias: self.kernels.bias(biases, outputs)?,
            inputs: self.inputs,
            outputs: self.outputs,
            cap: None,
            kernels: self.kernels.clone(),
            operand: self.operand(),
        })
    }

    fn operand(self) -> Operand {
        match self.unfinished {
            UnfinishedOperand::Packed(panels) => Operand::Packed(Arc::new(panels)),
            UnfinishedOperand::Plain(PlainRows(weight)) => Operand::Plain(weight),
        }
    }
}

impl Linear {
    /// The same layer as a head whose logits stay within plus and minus `cap`, by a tanh; [`Linear::forward`] knows
    /// nothing of it.
    pub fn capped(self, cap: Option<f32>) -> Self {
        Self { cap, ..self }
    }

    /// Applies the layer to `x`, `(rows, in)`. Returns `(rows, out)` in the activation dtype.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.check(x)?;
        if let Operand::Packed(panels) = &self.operand {
            return match &self.bias {
                Some(bias) => {
                    let bias = CpuRows::of(&bias.unsqueeze(0)?)?;
                    let bias = bias.lock();
                    packed(panels, x, Start::Row(bias.view()?.row(0)))
                }
                None => packed(panels, x, Start::Zero),
            };
        }
        let product = match &self.operand {
            Operand::Plain(weight) if x.device().is_cpu() => widened(x, weight)?,
            Operand::Plain(weight) => x.to_dtype(weight.dtype())?.contiguous()?.matmul(&weight.t()?)?,
            Operand::Packed(_) => bail!("packed weights were multiplied above"),
        };
        let product = product.to_dtype(self.kernels.activation_dtype())?;
        match &self.bias {
            Some(bias) => product.broadcast_add(bias),
            None => Ok(product),
        }
    }

    /// Applies the layer to `x`, `(rows, in)`, and adds the result to `residual`, `(rows, out)`.
    pub fn forward_add(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor> {
        if let Some(panels) = self.unbiased() {
            self.check(x)?;
            if residual.dims() != [x.dim(0)?, self.outputs] {
                bail!(
                    "a residual {:?} for {:?} through {} outputs",
                    residual.dims(),
                    x.dims(),
                    self.outputs
                );
            }
            let residual = CpuRows::of(residual)?;
            let residual = residual.lock();
            return packed(panels, x, Start::Matrix(residual.view()?));
        }
        residual + self.forward(x)?
    }

    /// Rows of the weight by number, `(ids, in)` in the activation dtype: with a tied head, the embedding of `ids`.
    pub fn weight_rows(&self, ids: &[TokenId]) -> Result<Tensor> {
        if let Some(id) = ids.iter().find(|&&id| id as usize >= self.outputs) {
            bail!("row {id} of a weight with {} rows", self.outputs);
        }
        let dtype = self.kernels.activation_dtype();
        match &self.operand {
            Operand::Plain(weight) => pick(weight, ids)?.to_dtype(dtype),
            Operand::Packed(panels) => {
                let mut out = vec![0f32; ids.len() * self.inputs];
                for (&id, row) in ids.iter().zip(out.chunks_exact_mut(self.inputs.max(1))) {
                    panels.column(id as usize, row);
                }
                Tensor::from_vec(out, (ids.len(), self.inputs), &Device::Cpu)
            }
        }
    }

    /// `(out)`, activation dtype.
    pub(super) fn bias(&self) -> Option<&Tensor> {
        self.bias.as_ref()
    }

    /// The packed weight of a layer without bias.
    pub(super) fn unbiased(&self) -> Option<&Panels> {
        match (&self.operand, &self.bias) {
            (Operand::Packed(panels), None) => Some(panels),
            _ => None,
        }
    }

    /// Width of the input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Width of the output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Refuses an input that is not `(rows, in)`.
    pub(super) fn check(&self, x: &Tensor) -> Result<()> {
        match x.dims() {
            &[rows, inputs] if inputs == self.inputs => some(rows, "a linear layer's input"),
            dims => bail!("a linear layer of {} inputs was given {dims:?}", self.inputs),
        }
    }
}

/// `x · weightᵀ + start` with a packed weight.
fn packed(panels: &Panels, x: &Tensor, start: Start<'_>) -> Result<Tensor> {
    let x = CpuRows::of(x)?;
    let x = x.lock();
    let x = x.view()?;
    Tensor::from_vec(panels.multiply(x, start), (x.rows, panels.columns), &Device::Cpu)
}

/// `x · weightᵀ` in f32 on the CPU. A weight of half precision is widened piece by piece: candle would round the
/// activations to the weight's dtype, and widen both whole.
fn widened(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    if weight.dtype() == DType::F32 {
        return product(x, weight);
    }
    let x = x.to_dtype(DType::F32)?;
    let outputs = weight.dim(0)?;
    let mut pieces = Vec::new();
    for first in (0..outputs).step_by(WIDENED_ROWS) {
        let piece = weight.narrow(0, first, WIDENED_ROWS.min(outputs - first))?;
        pieces.push(product(&x, &piece.to_dtype(DType::F32)?)?);
    }
    Tensor::cat(&pieces, 1)
}
