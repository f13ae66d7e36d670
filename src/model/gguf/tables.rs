//! Blocks whose numbers stand for entries of a table: IQ4_NL, IQ4_XS and MXFP4, as llama.cpp lays them out
//! (ggml-common.h; gguf-py's `quants.py` is the same in numpy).

use candle_core::{DType, Device, Result, Tensor};
use half::f16;
use rayon::prelude::*;

use crate::model::kernels::{RowChoice, WeightRows};
use crate::model::stored::TableKind;

/// What four bits of IQ4 stand for, before the scale.
const IQ4: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
/// Those of MXFP4, doubled.
const MXFP4: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];
/// Numbers that share a scale.
const SHARING: usize = 32;
/// Blocks that one task takes.
const BLOCKS: usize = 256;

/// The values of whole blocks, f32.
pub(super) fn values(kind: TableKind, bytes: &[u8]) -> Vec<f32> {
    let (size, count) = (kind.type_size(), kind.block_size());
    let mut values = vec![0.; bytes.len() / size * count];
    values
        .par_chunks_mut(BLOCKS * count)
        .zip(bytes.par_chunks(BLOCKS * size))
        .for_each(|(values, bytes)| {
            for (values, block) in values.chunks_exact_mut(count).zip(bytes.chunks_exact(size)) {
                unpack(kind, block, values);
            }
        });
    values
}

fn unpack(kind: TableKind, block: &[u8], values: &mut [f32]) {
    let half = || f16::from_le_bytes([block[0], block[1]]).to_f32();
    match kind {
        TableKind::Iq4Nl => nibbles(&block[2..], values, &IQ4, half()),
        TableKind::Mxfp4 => nibbles(&block[1..], values, &MXFP4, half_exponent(block[0])),
        TableKind::Iq4Xs => {
            let upper = u16::from_le_bytes([block[2], block[3]]);
            let parts = values
                .chunks_exact_mut(SHARING)
                .zip(block[8..].chunks_exact(SHARING / 2));
            for (part, (values, bytes)) in parts.enumerate() {
                let lower = block[4 + part / 2] >> (4 * (part % 2)) & 15;
                let scale = i16::from(lower) | ((upper >> (2 * part) & 3) << 4) as i16;
                nibbles(bytes, values, &IQ4, half() * f32::from(scale - 32));
            }
        }
    }
}

/// The lower halves of 16 bytes, and then the upper ones.
fn nibbles(bytes: &[u8], values: &mut [f32], table: &[i8; 16], scale: f32) {
    let (first, second) = values.split_at_mut(SHARING / 2);
    for ((&byte, low), high) in bytes.iter().zip(first).zip(second) {
        *low = scale * f32::from(table[usize::from(byte & 15)]);
        *high = scale * f32::from(table[usize::from(byte >> 4)]);
    }
}

/// Half of two to the power of an exponent that 127 is taken off from: the table is doubled.
fn half_exponent(byte: u8) -> f32 {
    match byte {
        0 | 1 => f32::from_bits(1 << (21 + byte)),
        _ => f32::from_bits(u32::from(byte - 1) << 23),
    }
}

/// The values of whole blocks as a tensor.
pub(super) fn dequantize(kind: TableKind, bytes: &[u8], shape: &[usize], dtype: DType) -> Result<Tensor> {
    Tensor::from_vec(values(kind, bytes), shape, &Device::Cpu)?.to_dtype(dtype)
}

/// A matrix of such blocks in memory; each row is whole blocks.
pub(super) struct BlockRows {
    pub(super) kind: TableKind,
    pub(super) bytes: Vec<u8>,
    pub(super) shape: (usize, usize),
}

impl WeightRows for BlockRows {
    fn shape(&self) -> (usize, usize) {
        self.shape
    }

    fn some(&self, rows: RowChoice<'_>) -> Result<Tensor> {
        let bytes = rows.of(&self.bytes, self.bytes.len() / self.shape.0.max(1));
        dequantize(self.kind, &bytes, &[rows.count(), self.shape.1], DType::F32)
    }

    fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn is_compact(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hex::sha256_hex;

    /// scripts/gguf_blocks.py says how the bytes are made, and prints gguf-py's numbers.
    #[test]
    fn blocks_are_unpacked_as_gguf_py_does_to_the_bit() {
        for (kind, scale, mask, hash) in [
            (
                TableKind::Iq4Nl,
                1,
                0x3b,
                "18516c597e21dcea03fadeef38f56e979c5c5803a8d92262f84d12fa11fe0fd0",
            ),
            (
                TableKind::Iq4Xs,
                1,
                0x3b,
                "c1857e88fe36e3c9d831ca1faa033c0f9d237591fb57dc39e6b2b44a1adc441e",
            ),
            (
                TableKind::Mxfp4,
                0,
                0x7f,
                "134060e2b97772406db19ece65693463c5826e6dddff70024279dbb2e1089ceb",
            ),
        ] {
            let size = kind.type_size();
            let byte = |i: usize| {
                let byte = (i * i * 7 + i * 13 + i / 256 * 29 + 5) as u8;
                if i % size == scale { byte & mask } else { byte }
            };
            let bytes: Vec<u8> = (0..96 * size).map(byte).collect();
            let values = values(kind, &bytes);
            let little: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            assert_eq!(sha256_hex(&little), hash, "{kind:?}");
            let (rows, columns) = (96 * kind.block_size() / 512, 512);
            let matrix = BlockRows {
                kind,
                bytes,
                shape: (rows, columns),
            };
            let ids = [5, 0, 3];
            let some = matrix
                .some(RowChoice::Ids(&ids))
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
                .unwrap();
            let chosen = ids.iter().flat_map(|&id| &values[id as usize * columns..][..columns]);
            assert!(some.iter().eq(chosen), "{kind:?}");
        }
    }
}
