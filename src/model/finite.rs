//! Whether values are numbers at all: a NaN in one weight makes every score a NaN, hours later.

use half::{bf16, f16};
use rayon::prelude::*;

use crate::model::stored::{Storage, TableKind};
use candle_core::quantized::GgmlDType;

/// Bytes looked at by one task. A multiple of every element's size.
const STRETCH: usize = 1 << 18;

/// Index of the first element (for blocks: of its block's first element) that is NaN or infinite.
///
/// `bytes` holds whole little-endian elements of the given kind; other kinds than floats are always finite.
pub(crate) fn first_bad_value(storage: Storage, bytes: &[u8]) -> Option<usize> {
    match storage {
        Storage::F32 => scan(bytes, 4, |b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).is_finite()),
        Storage::F16 => scan(bytes, 2, |b| f16::from_le_bytes([b[0], b[1]]).is_finite()),
        Storage::BF16 => scan(bytes, 2, |b| bf16::from_le_bytes([b[0], b[1]]).is_finite()),
        Storage::F64 => scan(bytes, 8, |b| {
            b.try_into().is_ok_and(|b| f64::from_le_bytes(b).is_finite())
        }),
        // An exponent of eight bits is always a number, but for the last: not a number by its standard.
        Storage::Table(TableKind::Mxfp4) => scan(bytes, 17, |block| block[0] != u8::MAX).map(|block| block * 32),
        Storage::Table(kind) => {
            let finite = |block: &[u8]| f16::from_le_bytes([block[0], block[1]]).is_finite();
            scan(bytes, kind.type_size(), finite).map(|block| block * kind.block_size())
        }
        Storage::Blocks(kind) => {
            let scales = scales(kind);
            let finite = |block: &[u8]| match scales {
                Scales::Half(places) => places
                    .iter()
                    .all(|&at| f16::from_le_bytes([block[at], block[at + 1]]).is_finite()),
                Scales::Single => f32::from_le_bytes([block[0], block[1], block[2], block[3]]).is_finite(),
            };
            scan(bytes, kind.type_size(), finite).map(|block| block * kind.block_size())
        }
    }
}

fn scan(bytes: &[u8], size: usize, finite: impl Fn(&[u8]) -> bool + Sync) -> Option<usize> {
    let elements = (STRETCH / size).max(1);
    bytes
        .par_chunks(elements * size)
        .enumerate()
        .find_map_first(|(stretch, part)| {
            let bad = part.chunks_exact(size).position(|element| !finite(element))?;
            Some(stretch * elements + bad)
        })
}

/// Where a block keeps the floats that its whole numbers are multiplied by.
enum Scales {
    /// Half-precision numbers at these byte offsets.
    Half(&'static [usize]),
    /// One single-precision number at the start.
    Single,
}

/// Offsets by ggml's block layouts (ggml-common.h).
fn scales(kind: GgmlDType) -> Scales {
    Scales::Half(match kind {
        GgmlDType::Q4_0 | GgmlDType::Q5_0 | GgmlDType::Q8_0 => &[0],
        GgmlDType::Q4_1 | GgmlDType::Q5_1 | GgmlDType::Q8_1 | GgmlDType::Q4K | GgmlDType::Q5K => &[0, 2],
        GgmlDType::Q2K => &[80, 82],
        GgmlDType::Q3K => &[108],
        GgmlDType::Q6K => &[208],
        GgmlDType::Q8K => return Scales::Single,
        GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16 => &[],
    })
}
