//! For x86-64 processors with AVX-512F (f32, f16) and AVX-512 BF16 (bf16).

use super::super::{
    format::HeldFormat,
    lanes,
    tile::{AHEAD, PANEL, RUN_F32, SumStart, Tile},
};
use std::arch::x86_64::*;

/// SumStart over bf16 are not cut: rounding the factors costs a thousand times as much.
const RUN_BF16: usize = usize::MAX;

lanes::compiled_for!(true, "avx512f");

/// Multiplies a strip of `rows` rows with a panel.
///
/// # Safety
/// The processor has the instructions of `format`; the rest as
/// [`Machine::multiply`](super::super::Machine::multiply).
pub unsafe fn multiply(format: HeldFormat, rows: usize, tile: Tile) {
    macro_rules! by_rows {
        ($kernel:ident, $on:literal) => {
            match rows {
                1 => $kernel::<1, $on>(tile),
                2 => $kernel::<2, $on>(tile),
                3 => $kernel::<3, $on>(tile),
                4 => $kernel::<4, $on>(tile),
                5 => $kernel::<5, $on>(tile),
                6 => $kernel::<6, $on>(tile),
                7 => $kernel::<7, $on>(tile),
                8 => $kernel::<8, $on>(tile),
                9 => $kernel::<9, $on>(tile),
                10 => $kernel::<10, $on>(tile),
                11 => $kernel::<11, $on>(tile),
                _ => $kernel::<12, $on>(tile),
            }
        };
    }
    // SAFETY: passed on from this function's contract.
    unsafe {
        match (format, tile.sums) {
            (HeldFormat::Bf16Pairs, SumStart::Apart) => by_rows!(multiply_bf16, false),
            (HeldFormat::Bf16Pairs, SumStart::GoOn) => by_rows!(multiply_bf16, true),
            (_, SumStart::Apart) => by_rows!(multiply_f32, false),
            (_, SumStart::GoOn) => by_rows!(multiply_f32, true),
        }
    }
}

/// # Safety
/// As [`multiply`].
#[target_feature(enable = "avx512f")]
unsafe fn multiply_f32<const ROWS: usize, const ON: bool>(tile: Tile) {
    // SAFETY: passed on.
    unsafe {
        multiply_by::<ROWS, RUN_F32, ON>(tile, |sum, panel, word| {
            _mm512_fmadd_ps(_mm512_castsi512_ps(panel), _mm512_castsi512_ps(word), sum)
        });
    }
}

/// # Safety
/// As [`multiply`].
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn multiply_bf16<const ROWS: usize, const ON: bool>(tile: Tile) {
    // SAFETY: passed on; `__m512bh` and `__m512i` are both 64 bytes of plain bits.
    unsafe {
        multiply_by::<ROWS, RUN_BF16, ON>(tile, |sum, panel, word| {
            _mm512_dpbf16_ps(
                sum,
                std::mem::transmute::<__m512i, __m512bh>(panel),
                std::mem::transmute::<__m512i, __m512bh>(word),
            )
        });
    }
}

/// # Safety
/// As [`multiply`], called from a function compiled for the instructions.
#[inline(always)]
unsafe fn multiply_by<const ROWS: usize, const RUN: usize, const ON: bool>(
    tile: Tile,
    dot: impl Fn(__m512, __m512i, __m512i) -> __m512,
) {
    let (mut panel, mut steps) = (tile.panel, tile.words);
    // SAFETY: reads and writes stay within what the contract lists: step `w` reads word `w` of each of `ROWS` rows and
    // 32 words of the panel (aligned to 64 bytes); sums are read and written as two times 16 numbers (unaligned) at `ROWS`
    // strides. The last step leaves pointers one past the end. Prefetching touches nothing, wherever it points.
    unsafe {
        let mut totals = [[_mm512_setzero_ps(); 2]; ROWS];
        // One pointer for each three rows: the others are at once and twice the stride, which an address can say.
        let mut rows: [*const u32; 4] = std::array::from_fn(|i| tile.strip.wrapping_add(3 * i * tile.strip_stride));
        loop {
            let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
            if ON {
                for (row, sum) in sums.iter_mut().enumerate() {
                    let start = tile.start.add(row * tile.start_stride);
                    *sum = [_mm512_loadu_ps(start), _mm512_loadu_ps(start.add(16))];
                }
            }
            for _ in 0..steps.min(RUN) {
                let left = _mm512_load_si512(panel.cast());
                let right = _mm512_load_si512(panel.add(16).cast());
                _mm_prefetch::<_MM_HINT_T0>(panel.wrapping_add(AHEAD).cast());
                _mm_prefetch::<_MM_HINT_T0>(panel.wrapping_add(AHEAD + 16).cast());
                for (row, sum) in sums.iter_mut().enumerate() {
                    let word = _mm512_set1_epi32(rows[row / 3].add(row % 3 * tile.strip_stride).read() as i32);
                    sum[0] = dot(sum[0], left, word);
                    sum[1] = dot(sum[1], right, word);
                }
                panel = panel.add(PANEL);
                for row in &mut rows {
                    *row = row.wrapping_add(1);
                }
            }
            if steps <= RUN {
                for (row, (sum, total)) in sums.iter().zip(&totals).enumerate() {
                    let start = tile.start.add(row * tile.start_stride);
                    let out = tile.out.add(row * tile.out_stride);
                    for half in 0..2 {
                        let begin = || _mm512_loadu_ps(start.add(16 * half));
                        let sum = match RUN {
                            _ if ON => sum[half],
                            usize::MAX => _mm512_add_ps(begin(), sum[half]),
                            _ => _mm512_add_ps(begin(), _mm512_add_ps(total[half], sum[half])),
                        };
                        _mm512_storeu_ps(out.add(16 * half), sum);
                    }
                }
                break;
            }
            for (total, sum) in totals.iter_mut().zip(&sums) {
                for half in 0..2 {
                    total[half] = _mm512_add_ps(total[half], sum[half]);
                }
            }
            steps -= RUN;
        }
    }
}

/// Numbers to words: `to[w]` becomes word `w` of `from`, whose missing half, if there is one, counts as 0.
///
/// # Safety
/// The processor has AVX-512F and AVX-512 BF16.
#[target_feature(enable = "avx512f,avx512bf16")]
pub unsafe fn to_bf16(from: &[f32], to: &mut [u32]) {
    assert_eq!(to.len(), from.len().div_ceil(2));
    for (from, to) in from.chunks(32).zip(to.chunks_mut(16)) {
        // SAFETY: the masks keep the numbers and words that the chunks have; `__m512bh` and `__m512i` are both 64 bytes
        // of plain bits.
        unsafe {
            let low = _mm512_maskz_loadu_ps(first(from.len()), from.as_ptr());
            let high = _mm512_maskz_loadu_ps(first(from.len().saturating_sub(16)), from.as_ptr().wrapping_add(16));
            let words = std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low));
            _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), first(to.len()), words);
        }
    }
}

/// A mask of the first `n` of sixteen.
fn first(n: usize) -> __mmask16 {
    if n >= 16 { 0xffff } else { (1 << n) - 1 }
}

/// f16 to f32 words.
///
/// # Safety
/// The processor has AVX-512F.
#[target_feature(enable = "avx512f")]
pub unsafe fn widen_f16(from: &[u16], to: &mut [u32]) {
    let (from, to) = (from.as_chunks::<16>().0, to.as_chunks_mut::<16>().0);
    for (from, to) in from.iter().zip(to) {
        // SAFETY: reads sixteen halves and writes sixteen words, which the chunks have; neither need be aligned.
        unsafe {
            let wide = _mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast()));
            _mm512_storeu_ps(to.as_mut_ptr().cast(), wide);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::bf16;

    #[test]
    fn words_are_pairs_of_rounded_numbers_and_nothing_is_written_behind_them() {
        if !is_x86_feature_detected!("avx512f") || !is_x86_feature_detected!("avx512bf16") {
            eprintln!("skipped: this processor has no AVX-512 BF16");
            return;
        }
        for numbers in [0usize, 1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 100] {
            let from: Vec<f32> = (0..numbers).map(|i| (i as f32).sqrt() - 3.).collect();
            let mut to = vec![0xdead_beef; numbers.div_ceil(2) + 20];
            // SAFETY: the processor was asked.
            unsafe { to_bf16(&from, &mut to[..numbers.div_ceil(2)]) };
            let half = |i: usize| from.get(i).map_or(0, |&x| u32::from(bf16::from_f32(x).to_bits()));
            let expected = (0..numbers.div_ceil(2)).map(|word| half(2 * word) | half(2 * word + 1) << 16);
            assert_eq!(to[..numbers.div_ceil(2)], expected.collect::<Vec<_>>());
            assert!(to[numbers.div_ceil(2)..].iter().all(|&word| word == 0xdead_beef));
        }
    }
}
