//! For x86-64 processors with AVX2, FMA and F16C.

use super::super::{
    lanes,
    tile::{AHEAD, PANEL, RUN_F32, Tile, by_parts},
};
use std::arch::x86_64::*;

/// Columns of a part: with 6 rows, 12 of the 16 registers hold sums, and 4 are left for the operands.
const COLUMNS: usize = 16;

lanes::compiled_for!(true, "avx2,fma");

/// Multiplies a strip of `rows` rows with a panel.
///
/// # Safety
/// The processor has AVX2 and FMA; the rest as [`Machine::multiply`](super::super::Machine::multiply).
pub unsafe fn multiply(rows: usize, tile: Tile) {
    // SAFETY: passed on; the parts are within the tile.
    unsafe { by_parts!(multiply_part, rows, COLUMNS, tile) }
}

/// # Safety
/// As [`multiply`], for `ROWS` rows and the first [`COLUMNS`] columns.
#[target_feature(enable = "avx2,fma")]
unsafe fn multiply_part<const ROWS: usize, const ON: bool>(tile: Tile) {
    let (strip, strip_stride) = (tile.strip, tile.strip_stride);
    let mut panel = tile.panel.cast::<f32>();
    // SAFETY: reads and writes stay within what the contract lists: step `w` reads word `w` of each of `ROWS` rows and 16
    // words of the panel (aligned to 64 bytes); sums are read and written as two times 8 numbers (unaligned) at `ROWS`
    // strides. The last step leaves pointers that are not read. Prefetching touches nothing, wherever it points.
    unsafe {
        let mut totals = [[_mm256_setzero_ps(); 2]; ROWS];
        // One pointer for each three rows: the others are at once and twice the stride, which an address can say.
        let mut rows: [*const f32; 2] = std::array::from_fn(|i| strip.wrapping_add(3 * i * strip_stride).cast());
        let mut steps = tile.words;
        loop {
            let mut sums = [[_mm256_setzero_ps(); 2]; ROWS];
            if ON {
                for (row, sum) in sums.iter_mut().enumerate() {
                    let start = tile.start.add(row * tile.start_stride);
                    *sum = [_mm256_loadu_ps(start), _mm256_loadu_ps(start.add(8))];
                }
            }
            for _ in 0..steps.min(RUN_F32) {
                let left = _mm256_load_ps(panel);
                let right = _mm256_load_ps(panel.wrapping_add(8));
                _mm_prefetch::<_MM_HINT_T0>(panel.wrapping_add(AHEAD).cast());
                for (row, sum) in sums.iter_mut().enumerate() {
                    let word = _mm256_broadcast_ss(&*rows[row / 3].add(row % 3 * strip_stride));
                    sum[0] = _mm256_fmadd_ps(left, word, sum[0]);
                    sum[1] = _mm256_fmadd_ps(right, word, sum[1]);
                }
                panel = panel.wrapping_add(PANEL);
                for row in &mut rows {
                    *row = row.wrapping_add(1);
                }
            }
            if steps <= RUN_F32 {
                for (row, (sum, total)) in sums.iter().zip(&totals).enumerate() {
                    let start = tile.start.add(row * tile.start_stride);
                    let out = tile.out.add(row * tile.out_stride);
                    for half in 0..2 {
                        let begin = || _mm256_loadu_ps(start.add(8 * half));
                        let sum = match ON {
                            true => sum[half],
                            false => _mm256_add_ps(begin(), _mm256_add_ps(total[half], sum[half])),
                        };
                        _mm256_storeu_ps(out.add(8 * half), sum);
                    }
                }
                break;
            }
            for (total, sum) in totals.iter_mut().zip(&sums) {
                for half in 0..2 {
                    total[half] = _mm256_add_ps(total[half], sum[half]);
                }
            }
            steps -= RUN_F32;
        }
    }
}

/// f16 to f32 words.
///
/// # Safety
/// The processor has AVX2 and F16C.
#[target_feature(enable = "avx2,f16c")]
pub unsafe fn widen_f16(from: &[u16], to: &mut [u32]) {
    let (from, to) = (from.as_chunks::<8>().0, to.as_chunks_mut::<8>().0);
    for (from, to) in from.iter().zip(to) {
        // SAFETY: reads eight halves and writes eight words, which the chunks have; neither need be aligned.
        unsafe {
            let wide = _mm256_cvtph_ps(_mm_loadu_si128(from.as_ptr().cast()));
            _mm256_storeu_ps(to.as_mut_ptr().cast(), wide);
        }
    }
}
