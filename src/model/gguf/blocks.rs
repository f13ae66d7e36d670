//! Quantised blocks: their rows put in another order, and their values as floats.

use std::borrow::Cow;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{CpuStorage, DType, Device, Result, Tensor};
use half::{bf16, f16};
use rayon::prelude::*;

/// Values dequantised by one task: large enough that handing it out costs nothing, small enough for the cache.
const STRETCH: usize = 1 << 15;
/// Every block's layout is satisfied by this.
const ALIGNMENT: usize = 32;

/// How the rows of a matrix lie in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowOrder {
    /// As the decoder wants them.
    Plain,
    /// Llama's converter lays the two halves of each of `heads` heads alternately.
    Interleaved {
        /// Heads in the matrix.
        heads: usize,
    },
}

impl RowOrder {
    /// Where in the file the row lies that the decoder wants as number `row` of `rows`.
    pub(crate) fn place(self, rows: usize, row: usize) -> usize {
        match self {
            Self::Plain => row,
            Self::Interleaved { heads } => {
                let width = rows / heads;
                let half = width / 2;
                let (head, within) = (row / width, row % width);
                head * width + 2 * (within % half) + within / half
            }
        }
    }

    /// `bytes` of `rows` rows in the order the decoder wants.
    ///
    /// The copy, where there is one, is aligned like the file's own tensors.
    pub(crate) fn arrange<R>(self, bytes: &[u8], rows: usize, then: impl FnOnce(&[u8]) -> R) -> R {
        if self == Self::Plain {
            return then(bytes);
        }
        let row = bytes.len() / rows;
        let mut copy = vec![0; bytes.len() + ALIGNMENT];
        let offset = copy.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        let target = &mut copy[offset..offset + bytes.len()];
        for (number, target) in target.chunks_exact_mut(row).enumerate() {
            target.copy_from_slice(&bytes[self.place(rows, number) * row..][..row]);
        }
        then(target)
    }
}

/// The blocks as candle's quantised tensor; copies them.
///
/// `bytes` are whole blocks of `kind`, aligned to 4, and as many as `shape` takes.
pub(crate) fn quantized(kind: GgmlDType, bytes: &[u8], shape: &[usize]) -> Result<QTensor> {
    QTensor::new(QStorage::from_data(Cow::Borrowed(bytes), &Device::Cpu, kind)?, shape)
}

/// The values of the blocks as a float tensor on the CPU, computed in f32 by all threads and then rounded to `dtype`.
///
/// `bytes` are whole blocks of `kind`, aligned to 4, and as many as `shape` takes.
pub(crate) fn dequantize(kind: GgmlDType, bytes: &[u8], shape: &[usize], dtype: DType) -> Result<Tensor> {
    match dtype {
        DType::F32 => Tensor::from_vec(convert(kind, bytes, |value| value)?, shape, &Device::Cpu),
        DType::BF16 => Tensor::from_vec(convert(kind, bytes, bf16::from_f32)?, shape, &Device::Cpu),
        DType::F16 => Tensor::from_vec(convert(kind, bytes, f16::from_f32)?, shape, &Device::Cpu),
        other => Tensor::from_vec(convert(kind, bytes, |value| value)?, shape, &Device::Cpu)?.to_dtype(other),
    }
}

fn convert<T: Default + Clone + Send>(
    kind: GgmlDType,
    bytes: &[u8],
    round: impl Fn(f32) -> T + Sync,
) -> Result<Vec<T>> {
    let (block, size) = (kind.block_size(), kind.type_size());
    let blocks = STRETCH / block;
    let mut values = vec![T::default(); bytes.len() / size * block];
    values
        .par_chunks_mut(blocks * block)
        .zip(bytes.par_chunks(blocks * size))
        .try_for_each(
            |(values, bytes)| match kind.from_data(Cow::Borrowed(bytes)).dequantize(values.len())? {
                CpuStorage::F32(floats) => {
                    for (value, float) in values.iter_mut().zip(floats) {
                        *value = round(float);
                    }
                    Ok(())
                }
                _ => candle_core::bail!("dequantised blocks are not f32"),
            },
        )?;
    Ok(values)
}
