//! Whether values are numbers at all, whatever a file stores them as.

use candle_core::quantized::GgmlDType;
use indieval_kernels::{Floats, first_not_finite};

use crate::model::stored::{Storage, TableKind};

/// Index of the first element (for blocks: of its block's first element) that is NaN or infinite.
///
/// `bytes` holds whole little-endian elements of the given kind; other kinds than floats are always finite.
pub(crate) fn first_bad_value(storage: Storage, bytes: &[u8]) -> Option<usize> {
    let (floats, each) = match storage {
        Storage::F32 => (Floats::F32, 1),
        Storage::F16 => (Floats::F16, 1),
        Storage::BF16 => (Floats::Bf16, 1),
        Storage::F64 => (Floats::F64, 1),
        Storage::Table(TableKind::Mxfp4) => (Floats::BlocksWithExponent(17), 32),
        Storage::Table(kind) => (Floats::BlocksWithF16(kind.type_size(), &[0]), kind.block_size()),
        Storage::Blocks(kind) => (scales(kind), kind.block_size()),
    };
    first_not_finite(floats, bytes).map(|first| first * each)
}

/// The floats that a block's whole numbers are multiplied by, by ggml's block layouts (ggml-common.h).
fn scales(kind: GgmlDType) -> Floats<'static> {
    let places: &[usize] = match kind {
        GgmlDType::Q4_0 | GgmlDType::Q5_0 | GgmlDType::Q8_0 => &[0],
        GgmlDType::Q4_1 | GgmlDType::Q5_1 | GgmlDType::Q8_1 | GgmlDType::Q4K | GgmlDType::Q5K => &[0, 2],
        GgmlDType::Q2K => &[80, 82],
        GgmlDType::Q3K => &[108],
        GgmlDType::Q6K => &[208],
        GgmlDType::Q8K => return Floats::BlocksWithF32(kind.type_size()),
        GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16 => &[],
    };
    Floats::BlocksWithF16(kind.type_size(), places)
}
