//! A tensor seen as rows of f32 numbers on the CPU, without copying where it already lies so.

use candle_core::{CpuStorage, DType, Layout, Result, Storage, Tensor, bail};
use std::ops::Deref;

/// Refuses an operation over nothing, on every device: a GPU cannot launch it, and a CPU must not hide that.
pub(super) fn some(rows: usize, what: &str) -> Result<()> {
    if rows == 0 {
        bail!("no rows of {what}: a GPU cannot compute over nothing");
    }
    Ok(())
}

/// A tensor `(rows, ...)` whose rows are dense; the rows themselves may lie further apart (a slice of columns).
pub(super) struct CpuRows {
    tensor: Tensor,
    rows: usize,
    width: usize,
    stride: usize,
}

/// The numbers of [`CpuRows`], borrowed.
pub(super) struct CpuRowsGuard<G> {
    storage: G,
    start: usize,
    rows: usize,
    width: usize,
    stride: usize,
}

impl CpuRows {
    /// Views `tensor` on the CPU as rows of f32; it is copied only where its dtype or layout demands it.
    pub fn of(tensor: &Tensor) -> Result<Self> {
        if !tensor.device().is_cpu() {
            bail!(
                "expected a tensor on the CPU, this one is on {:?}",
                tensor.device().location()
            );
        }
        if tensor.rank() == 0 {
            bail!("expected rows, got a single number");
        }
        let tensor = tensor.to_dtype(DType::F32)?;
        let tensor = if row_stride(tensor.layout()).is_some() {
            tensor
        } else {
            tensor.contiguous()?
        };
        let rows = tensor.dim(0)?;
        let width = tensor.dims()[1..].iter().product();
        let stride = row_stride(tensor.layout()).unwrap_or(width);
        Ok(Self {
            tensor,
            rows,
            width,
            stride,
        })
    }

    /// Locks the storage for reading.
    pub fn lock(&self) -> CpuRowsGuard<impl Deref<Target = Storage> + '_> {
        let (storage, layout) = self.tensor.storage_and_layout();
        CpuRowsGuard {
            storage,
            start: layout.start_offset(),
            rows: self.rows,
            width: self.width,
            stride: self.stride,
        }
    }
}

impl<G: Deref<Target = Storage>> CpuRowsGuard<G> {
    /// The numbers: row `r` is at `r * stride` and `width` long.
    pub fn view(&self) -> Result<RowView<'_>> {
        let Storage::Cpu(CpuStorage::F32(data)) = &*self.storage else {
            bail!("expected f32 numbers on the CPU");
        };
        let len = match self.rows {
            0 => 0,
            rows => (rows - 1) * self.stride + self.width,
        };
        Ok(RowView {
            data: &data[self.start..self.start + len],
            rows: self.rows,
            width: self.width,
            stride: self.stride,
        })
    }
}

/// CpuRows of numbers, `stride` apart and `width` long.
#[derive(Clone, Copy)]
pub(super) struct RowView<'a> {
    pub data: &'a [f32],
    pub rows: usize,
    pub width: usize,
    pub stride: usize,
}

impl<'a> RowView<'a> {
    /// Row `r`.
    pub fn row(&self, r: usize) -> &'a [f32] {
        &self.data[r * self.stride..][..self.width]
    }

    /// Some of the rows.
    pub fn slice(&self, rows: std::ops::Range<usize>) -> RowView<'a> {
        let rest = &self.data[(rows.start * self.stride).min(self.data.len())..];
        RowView {
            data: rest,
            rows: rows.len(),
            ..*self
        }
    }
}

/// How far rows lie apart, where each of them is dense.
pub(super) fn row_stride(layout: &Layout) -> Option<usize> {
    let (dims, strides) = (layout.dims(), layout.stride());
    let mut dense = 1;
    for (&dim, &stride) in dims[1..].iter().zip(&strides[1..]).rev() {
        if dim != 1 && stride != dense {
            return None;
        }
        dense *= dim;
    }
    (strides[0] >= dense || dims[0] <= 1).then_some(strides[0])
}

/// Rows, and numbers in each.
pub(super) fn flat_dims(x: &Tensor) -> Result<(usize, usize)> {
    match x.dims() {
        [rows, rest @ ..] if !rest.is_empty() => {
            some(*rows, "numbers")?;
            Ok((*rows, rest.iter().product()))
        }
        dims => bail!("expected rows of numbers, got {dims:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn columns_are_seen_in_place_and_a_transposed_tensor_through_a_copy() {
        let tensor = Tensor::arange(0f32, 12., &Device::Cpu)
            .unwrap()
            .reshape((3, 4))
            .unwrap();
        let columns = CpuRows::of(&tensor.narrow(1, 1, 2).unwrap()).unwrap();
        assert_eq!((columns.rows, columns.width, columns.stride), (3, 2, 4));
        assert_eq!(columns.lock().view().unwrap().row(2), &[9., 10.]);
        let across = CpuRows::of(&tensor.t().unwrap()).unwrap();
        assert_eq!(across.lock().view().unwrap().row(1), &[1., 5., 9.]);
    }
}
