//! What a norm of rows is: by the root of the mean square (RMS norm), or by mean and variance (LayerNorm).

use candle_core::{DType, Result, Tensor, bail};

/// What a norm does beside its weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormRule {
    /// Whether the mean is taken off first, as LayerNorm does.
    pub centred: bool,
    /// What is added to the mean square before its root is taken.
    pub eps: f64,
}

/// A norm of runs of numbers: `x / sqrt(mean(x²) + eps) · weight + bias`, `x` being what is left of each run without its
/// mean where the rule says so.
#[derive(Debug, Clone)]
pub struct NormLayer {
    /// `(runs, numbers of a run)`: of the first run of a row, of the second, and so on, and over again.
    weight: Tensor,
    /// The same shape.
    bias: Option<Tensor>,
    rule: NormRule,
}

impl NormLayer {
    /// One of runs of as many numbers as `weight` has columns, `(runs, numbers)`, or as it has numbers where it is a vector.
    ///
    /// # Errors
    /// No numbers; a bias of another shape.
    pub fn new(weight: &Tensor, bias: Option<&Tensor>, rule: NormRule) -> Result<Self> {
        let run = weight.dims().last().copied().unwrap_or(0);
        if weight.elem_count() == 0 || bias.is_some_and(|bias| bias.dims() != weight.dims()) {
            let bias = bias.map(Tensor::dims);
            bail!(
                "a norm's weight is of shape {:?} and its bias of {bias:?}",
                weight.dims()
            );
        }
        let shaped = |tensor: &Tensor| tensor.to_dtype(DType::F32)?.reshape(((), run));
        Ok(Self {
            weight: shaped(weight)?,
            bias: bias.map(shaped).transpose()?,
            rule,
        })
    }

    /// The same, what comes out being multiplied by `factor`.
    ///
    /// # Errors
    /// What candle says of the product.
    pub fn times(&self, factor: f64) -> Result<Self> {
        Ok(Self {
            weight: (&self.weight * factor)?,
            bias: self.bias.as_ref().map(|bias| bias * factor).transpose()?,
            rule: self.rule,
        })
    }

    /// Numbers that are normed together.
    pub(super) fn run(&self) -> usize {
        self.weight.dims()[1]
    }

    /// Its weight and its bias, `(runs, numbers of a run)`.
    pub(super) fn tensors(&self) -> (&Tensor, Option<&Tensor>) {
        (&self.weight, self.bias.as_ref())
    }

    /// What it does beside them.
    pub(super) fn rule(&self) -> NormRule {
        self.rule
    }

    /// Refuses rows of a width that its runs do not fill.
    pub(super) fn check(&self, width: usize) -> Result<()> {
        let all = self.weight.elem_count();
        if !width.is_multiple_of(all) {
            bail!("a norm of {all} numbers was given rows of {width}");
        }
        Ok(())
    }
}
