//! The innermost loop: a strip of rows times a panel of columns; and how numbers become words.

use super::{WordFormat, memory::CacheLine};
use std::arch::x86_64::*;

/// Most rows of a strip: 12 rows × 2 registers of sums, and 3 registers left for the operands.
pub(in super::super) const STRIP: usize = 12;
/// Columns of a panel: two registers.
pub(in super::super) const PANEL: usize = 32;

/// Where a tile's sums begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum SumStart {
    /// At nothing; the start is added at the end: a residual stream has numbers of some thousands, and every step of a sum
    /// that began with one would be rounded to its last place.
    Apart,
    /// At the start: the sum goes on, to the bit, as if its earlier words had been multiplied in the same call. At most
    /// [`RUN_F32`] words of f32.
    GoOn,
}

/// One tile to be computed: `out[r][c] = start[r][c] + Σ rows[r][w] · panel[w][c]` over `words` words.
#[derive(Clone, Copy)]
pub(in super::super) struct Tile {
    /// The strip: `words` words of each row, `strip_stride` apart.
    pub strip: *const u32,
    pub strip_stride: usize,
    /// The panel: `words` times two lines.
    pub panel: *const CacheLine,
    pub words: usize,
    /// 32 numbers for each row, `start_stride` apart; may be `out` itself.
    pub start: *const f32,
    pub start_stride: usize,
    /// Likewise, `out_stride` apart.
    pub out: *mut f32,
    pub out_stride: usize,
    pub sums: SumStart,
}

/// Multiplies a strip of `rows` rows with a panel.
///
/// # Safety
/// The processor has the instructions of `format`; `rows` is 1 to 12; the tile's pointers are good for reading
/// `words` words at each of `rows` strides of `strip`, `2 × words` lines, and 32 numbers at each of `rows` strides of
/// `start`, and for writing 32 at each of `rows` strides of `out`, which nobody else touches meanwhile.
pub(in super::super) unsafe fn multiply(format: WordFormat, rows: usize, tile: Tile) {
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
            (WordFormat::F32, SumStart::Apart) => by_rows!(multiply_f32, false),
            (WordFormat::F32, SumStart::GoOn) => by_rows!(multiply_f32, true),
            (WordFormat::Bf16, SumStart::Apart) => by_rows!(multiply_bf16, false),
            (WordFormat::Bf16, SumStart::GoOn) => by_rows!(multiply_bf16, true),
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
    let (strip, strip_stride) = (tile.strip, tile.strip_stride);
    let mut panel = tile.panel.cast::<u32>();
    // SAFETY: reads and writes stay within what the contract lists: step `w` reads word `w` of each of `ROWS` rows and
    // two lines (32 words, aligned to 64 bytes); sums are read and written as two times 16 numbers (unaligned) at `ROWS`
    // strides. The last step leaves pointers one past the end. Prefetching touches nothing, wherever it points.
    unsafe {
        let mut totals = [[_mm512_setzero_ps(); 2]; ROWS];
        // One pointer for each three rows: the others are at once and twice the stride, which an address can say.
        let mut rows: [*const u32; 4] = std::array::from_fn(|i| strip.wrapping_add(3 * i * strip_stride));
        let mut steps = tile.words;
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
                    let word = _mm512_set1_epi32(rows[row / 3].add(row % 3 * strip_stride).read() as i32);
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

/// Steps that one running sum of f32 takes before it is added to the total. Each step rounds the sum to its last place, so
/// short sums, whose numbers are smaller, are closer to the exact one: see "How exact it is" in docs/benchmarks.md.
pub(in super::super) const RUN_F32: usize = 96;
/// Sums over bf16 are not cut: rounding the factors costs a thousand times as much.
const RUN_BF16: usize = usize::MAX;

/// How far ahead a panel is fetched, in words: six steps of at least a dozen cycles hide the second-level cache.
const AHEAD: usize = 6 * PANEL;

/// Numbers to words: `to[w]` becomes word `w` of `from`, whose missing half, if there is one, counts as 0.
///
/// # Safety
/// The processor has AVX-512F and AVX-512 BF16.
#[target_feature(enable = "avx512f,avx512bf16")]
pub(in super::super) unsafe fn to_bf16(from: &[f32], to: &mut [u32]) {
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
