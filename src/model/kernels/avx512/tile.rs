//! The innermost loops: a strip of rows times a panel of columns, and how rows become strips.

use super::{Format, memory::Line};
use std::arch::x86_64::*;

/// Most rows of a strip: 12 rows × 2 registers of sums, and 3 registers left for the operands.
pub(in super::super) const STRIP: usize = 12;
/// Columns of a panel: two registers.
pub(in super::super) const PANEL: usize = 32;

/// One tile to be computed: `out[r][c] = start[r][c] + Σ rows[r][w] · panel[w][c]` over `words` words.
#[derive(Clone, Copy)]
pub(in super::super) struct Tile {
    /// The strip: `words` times one word of each of the strip's rows.
    pub strip: *const u32,
    /// The panel: `words` times two lines.
    pub panel: *const Line,
    pub words: usize,
    /// 32 numbers for each row, `start_stride` apart; may be `out` itself.
    pub start: *const f32,
    pub start_stride: usize,
    /// Likewise, `out_stride` apart.
    pub out: *mut f32,
    pub out_stride: usize,
}

/// Multiplies a strip of `rows` rows with a panel.
///
/// # Safety
/// The processor has the instructions of `format`; `rows` is 1 to 12; the tile's pointers are good for reading
/// `words × rows` words and `2 × words` lines, for reading 32 numbers at each of `rows` strides of `start` and for
/// writing them at each of `rows` strides of `out`, and nobody else writes or reads the latter meanwhile.
pub(in super::super) unsafe fn multiply(format: Format, rows: usize, tile: Tile) {
    macro_rules! by_rows {
        ($kernel:ident) => {
            match rows {
                1 => $kernel::<1>(tile),
                2 => $kernel::<2>(tile),
                3 => $kernel::<3>(tile),
                4 => $kernel::<4>(tile),
                5 => $kernel::<5>(tile),
                6 => $kernel::<6>(tile),
                7 => $kernel::<7>(tile),
                8 => $kernel::<8>(tile),
                9 => $kernel::<9>(tile),
                10 => $kernel::<10>(tile),
                11 => $kernel::<11>(tile),
                _ => $kernel::<12>(tile),
            }
        };
    }
    // SAFETY: passed on from this function's contract.
    unsafe {
        match format {
            Format::F32 => by_rows!(multiply_f32),
            Format::Bf16 => by_rows!(multiply_bf16),
        }
    }
}

/// # Safety
/// As [`multiply`].
#[target_feature(enable = "avx512f")]
unsafe fn multiply_f32<const ROWS: usize>(tile: Tile) {
    // SAFETY: passed on.
    unsafe {
        multiply_by::<ROWS>(tile, |sum, panel, word| {
            _mm512_fmadd_ps(_mm512_castsi512_ps(panel), _mm512_castsi512_ps(word), sum)
        });
    }
}

/// # Safety
/// As [`multiply`].
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn multiply_bf16<const ROWS: usize>(tile: Tile) {
    // SAFETY: passed on; `__m512bh` and `__m512i` are both 64 bytes of plain bits.
    unsafe {
        multiply_by::<ROWS>(tile, |sum, panel, word| {
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
unsafe fn multiply_by<const ROWS: usize>(tile: Tile, dot: impl Fn(__m512, __m512i, __m512i) -> __m512) {
    let Tile {
        mut strip,
        panel,
        words,
        start,
        start_stride,
        out,
        out_stride,
    } = tile;
    let mut panel = panel.cast::<u32>();
    // SAFETY: reads and writes stay within what the contract lists: in turn `words` times `ROWS` words and two lines
    // (32 words, aligned to 64 bytes), and two times 16 numbers (unaligned) at `ROWS` strides. The last steps leave
    // the pointers one past the end, and prefetching touches nothing (an address outside is ignored).
    unsafe {
        let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
        for (row, sum) in sums.iter_mut().enumerate() {
            let start = start.add(row * start_stride);
            *sum = [_mm512_loadu_ps(start), _mm512_loadu_ps(start.add(16))];
        }
        for _ in 0..words {
            let left = _mm512_load_si512(panel.cast());
            let right = _mm512_load_si512(panel.add(16).cast());
            _mm_prefetch::<_MM_HINT_T0>(panel.wrapping_add(AHEAD).cast());
            _mm_prefetch::<_MM_HINT_T0>(panel.wrapping_add(AHEAD + 16).cast());
            for (row, sum) in sums.iter_mut().enumerate() {
                let word = _mm512_set1_epi32(strip.add(row).read() as i32);
                sum[0] = dot(sum[0], left, word);
                sum[1] = dot(sum[1], right, word);
            }
            panel = panel.add(PANEL);
            strip = strip.add(ROWS);
        }
        for (row, sum) in sums.iter().enumerate() {
            let out = out.add(row * out_stride);
            _mm512_storeu_ps(out, sum[0]);
            _mm512_storeu_ps(out.add(16), sum[1]);
        }
    }
}

/// How far ahead a panel is fetched, in words: six steps of at least a dozen cycles hide the second-level cache.
const AHEAD: usize = 6 * PANEL;

/// Packs rows of f32 into a strip: for each word of the summed dimension, that word of each row; numbers past the end
/// of a row count as 0.
///
/// # Safety
/// The processor has the instructions of `format`; `rows` is 1 to 12; `from` is good for reading `numbers` f32 at each
/// of `rows` strides, and `strip` for writing `format.words(numbers) × rows` words.
pub(in super::super) unsafe fn pack(
    format: Format,
    rows: usize,
    numbers: usize,
    from: *const f32,
    stride: usize,
    strip: *mut u32,
) {
    // SAFETY: passed on.
    unsafe {
        match format {
            Format::F32 => pack_f32(rows, numbers, from, stride, strip),
            Format::Bf16 => pack_bf16(rows, numbers, from, stride, strip),
        }
    }
}

/// # Safety
/// As [`pack`].
#[target_feature(enable = "avx512f")]
unsafe fn pack_f32(rows: usize, numbers: usize, from: *const f32, stride: usize, strip: *mut u32) {
    // SAFETY: passed on; sixteen words are sixteen numbers, of which the mask keeps those below `numbers`.
    unsafe {
        pack_by(
            rows,
            numbers,
            from,
            stride,
            strip,
            |from, left| _mm512_castps_si512(_mm512_maskz_loadu_ps(first(left), from)),
            16,
        );
    }
}

/// # Safety
/// As [`pack`].
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn pack_bf16(rows: usize, numbers: usize, from: *const f32, stride: usize, strip: *mut u32) {
    // SAFETY: passed on; sixteen words are 32 numbers, of which the masks keep those below `numbers`; `__m512bh` and
    // `__m512i` are both 64 bytes of plain bits.
    unsafe {
        pack_by(
            rows,
            numbers,
            from,
            stride,
            strip,
            |from, left| {
                let low = _mm512_maskz_loadu_ps(first(left), from);
                let high = _mm512_maskz_loadu_ps(first(left.saturating_sub(16)), from.wrapping_add(16));
                std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low))
            },
            32,
        );
    }
}

/// A mask of the first `n` of sixteen.
#[inline(always)]
fn first(n: usize) -> __mmask16 {
    if n >= 16 { 0xffff } else { (1 << n) - 1 }
}

/// Packs sixteen words of all rows at a time; `load` gives the words of the next `chunk` numbers, of which so many are
/// left.
///
/// # Safety
/// As [`pack`], called from a function compiled for the instructions.
#[inline(always)]
unsafe fn pack_by(
    rows: usize,
    numbers: usize,
    from: *const f32,
    stride: usize,
    strip: *mut u32,
    load: impl Fn(*const f32, usize) -> __m512i,
    chunk: usize,
) {
    let words = numbers.div_ceil(chunk / 16);
    for (at, word) in (0..numbers).step_by(chunk).zip((0..words).step_by(16)) {
        // SAFETY: row `r` is read from number `at` on, `numbers - at` at most; word `w` is written to `rows` words from
        // `w · rows` on. A whole register is written only where as many words are still to come, so that what follows
        // overwrites the rest and nothing lies outside.
        unsafe {
            let mut square = [_mm512_setzero_si512(); 16];
            for (row, line) in square.iter_mut().enumerate().take(rows) {
                *line = load(from.add(row * stride + at), numbers - at);
            }
            let square = transpose(square);
            for (i, line) in square.iter().enumerate().take(words - word) {
                let to = strip.add((word + i) * rows).cast::<i32>();
                if (words - word - i) * rows >= 16 {
                    _mm512_storeu_si512(to.cast(), *line);
                } else {
                    _mm512_mask_storeu_epi32(to, first(rows), *line);
                }
            }
        }
    }
}

/// Rows of 16 × 16 words become columns.
///
/// # Safety
/// Called from a function compiled for AVX-512F.
#[inline(always)]
unsafe fn transpose(rows: [__m512i; 16]) -> [__m512i; 16] {
    // SAFETY: these intrinsics only need the instructions.
    unsafe {
        let mut a = [_mm512_setzero_si512(); 16];
        let mut b = a;
        // Within each quarter of the registers: 4 × 4 blocks of four rows at a time.
        for i in 0..8 {
            a[2 * i] = _mm512_unpacklo_epi32(rows[2 * i], rows[2 * i + 1]);
            a[2 * i + 1] = _mm512_unpackhi_epi32(rows[2 * i], rows[2 * i + 1]);
        }
        for i in 0..4 {
            b[4 * i] = _mm512_unpacklo_epi64(a[4 * i], a[4 * i + 2]);
            b[4 * i + 1] = _mm512_unpackhi_epi64(a[4 * i], a[4 * i + 2]);
            b[4 * i + 2] = _mm512_unpacklo_epi64(a[4 * i + 1], a[4 * i + 3]);
            b[4 * i + 3] = _mm512_unpackhi_epi64(a[4 * i + 1], a[4 * i + 3]);
        }
        // b[4i + c] has, in quarter q, column 4q + c of rows 4i..4i+4: gather the quarters of all four i.
        for c in 0..4 {
            let even_low = _mm512_shuffle_i32x4::<0x88>(b[c], b[4 + c]);
            let odd_low = _mm512_shuffle_i32x4::<0xdd>(b[c], b[4 + c]);
            let even_high = _mm512_shuffle_i32x4::<0x88>(b[8 + c], b[12 + c]);
            let odd_high = _mm512_shuffle_i32x4::<0xdd>(b[8 + c], b[12 + c]);
            a[c] = _mm512_shuffle_i32x4::<0x88>(even_low, even_high);
            a[8 + c] = _mm512_shuffle_i32x4::<0xdd>(even_low, even_high);
            a[4 + c] = _mm512_shuffle_i32x4::<0x88>(odd_low, odd_high);
            a[12 + c] = _mm512_shuffle_i32x4::<0xdd>(odd_low, odd_high);
        }
        a
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_hold_each_word_of_each_row_and_nothing_is_written_behind_them() {
        if !is_x86_feature_detected!("avx512f") || !is_x86_feature_detected!("avx512bf16") {
            eprintln!("skipped: this processor has no AVX-512 BF16");
            return;
        }
        for rows in 1..=STRIP {
            for numbers in [1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 100] {
                let stride = numbers + 3;
                let from: Vec<f32> = (0..rows * stride).map(|i| i as f32).collect();
                for format in [Format::F32, Format::Bf16] {
                    let words = format.words(numbers);
                    let mut strip = vec![0xdead_beef_u32; words * rows + 16];
                    // SAFETY: the processor was asked; the buffers have the sizes `pack` wants.
                    unsafe { pack(format, rows, numbers, from.as_ptr(), stride, strip.as_mut_ptr()) };
                    let number = |row: usize, i: usize| if i < numbers { from[row * stride + i] } else { 0. };
                    for word in 0..words {
                        for row in 0..rows {
                            let half = |i| u32::from(half::bf16::from_f32(number(row, i)).to_bits());
                            let expected = match format {
                                Format::F32 => number(row, word).to_bits(),
                                Format::Bf16 => half(2 * word) | half(2 * word + 1) << 16,
                            };
                            assert_eq!(strip[word * rows + row], expected, "{format:?} {rows} x {numbers}");
                        }
                    }
                    assert!(strip[words * rows..].iter().all(|&word| word == 0xdead_beef));
                }
            }
        }
    }
}
