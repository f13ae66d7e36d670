//! For every processor: plain Rust, in shapes that the compiler turns into whatever registers there are (SSE2 on x86-64,
//! NEON on aarch64).

use super::super::{
    lanes,
    tile::{PANEL, RUN_F32, Tile, by_parts},
};

/// Whether a product and a sum are rounded once. Every aarch64 processor has an instruction for it; elsewhere it might be a
/// call to a library.
const FUSED: bool = cfg!(target_arch = "aarch64");
/// Columns of a part: 6 rows of so many sums fill three quarters of the registers, 16 of 4 numbers on x86-64, 32 on aarch64.
const COLUMNS: usize = if cfg!(target_arch = "x86_64") { 8 } else { 16 };

lanes::compiled_for!(FUSED);

/// Multiplies a strip of `rows` rows with a panel.
///
/// # Safety
/// As [`Machine::multiply`](super::super::Machine::multiply).
pub unsafe fn multiply(rows: usize, tile: Tile) {
    // SAFETY: passed on; the parts are within the tile.
    unsafe { by_parts!(multiply_part, rows, COLUMNS, tile) }
}

/// # Safety
/// As [`multiply`], for `ROWS` rows and the first [`COLUMNS`] columns.
unsafe fn multiply_part<const ROWS: usize, const ON: bool>(tile: Tile) {
    let panel = tile.panel.cast::<f32>();
    let mut totals = [[0f32; COLUMNS]; ROWS];
    let mut first = 0;
    loop {
        let end = tile.words.min(first + RUN_F32);
        let mut sums = [[0f32; COLUMNS]; ROWS];
        if ON {
            for (row, sum) in sums.iter_mut().enumerate() {
                // SAFETY: `start` has that many numbers at each of its strides; f32 may be read from anywhere.
                *sum = unsafe { tile.start.add(row * tile.start_stride).cast::<[f32; COLUMNS]>().read() };
            }
        }
        for word in first..end {
            // SAFETY: `word` is below `words`, of which panel and strip have all; any 32 bits are an f32.
            let right = unsafe { panel.add(word * PANEL).cast::<[f32; COLUMNS]>().read() };
            for (row, sum) in sums.iter_mut().enumerate() {
                // SAFETY: likewise.
                let left = unsafe { tile.strip.add(row * tile.strip_stride + word).cast::<f32>().read() };
                for (sum, right) in sum.iter_mut().zip(&right) {
                    *sum = lanes::multiply_add::<FUSED>(left, *right, *sum);
                }
            }
        }
        if end == tile.words {
            for (row, (sum, total)) in sums.iter().zip(&totals).enumerate() {
                // SAFETY: `start` and `out` have that many numbers at each of their strides, and `out` is this call's.
                unsafe {
                    let start = tile.start.add(row * tile.start_stride).cast::<[f32; COLUMNS]>().read();
                    let all: [f32; COLUMNS] =
                        std::array::from_fn(|c| if ON { sum[c] } else { start[c] + (total[c] + sum[c]) });
                    tile.out.add(row * tile.out_stride).cast::<[f32; COLUMNS]>().write(all);
                }
            }
            return;
        }
        for (total, sum) in totals.iter_mut().zip(&sums) {
            // By number: the compiler keeps sums in registers that no iterator has taken the address of.
            for column in 0..COLUMNS {
                total[column] += sum[column];
            }
        }
        first = end;
    }
}

/// f16 to f32 words.
pub fn widen_f16(from: &[u16], to: &mut [u32]) {
    for (to, &half) in to.iter_mut().zip(from) {
        let magnitude = u32::from(half & 0x7fff) << 13;
        // The exponent's bias is 112 less; multiplying also makes numbers of what is below the smallest normal half.
        let scaled = (f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23)).to_bits();
        let endless = if magnitude >= 0x0f80_0000 { 0x7f80_0000 } else { 0 };
        *to = scaled | endless | u32::from(half & 0x8000) << 16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;

    #[test]
    fn every_half_is_widened_exactly() {
        let all: Vec<u16> = (0..=u16::MAX).collect();
        let mut wide = vec![0; all.len()];
        widen_f16(&all, &mut wide);
        for (half, wide) in all.into_iter().zip(wide) {
            let (expected, got) = (f16::from_bits(half).to_f32(), f32::from_bits(wide));
            assert!(
                expected.to_bits() == wide || expected.is_nan() && got.is_nan(),
                "{half:x}"
            );
        }
    }
}
