//! Row-wise arithmetic in safe Rust, written sixteen numbers at a time so that the compiler, when it builds these
//! functions for AVX-512, puts each sixteen into a register.

use super::Avx512;

const LANES: usize = 16;

/// A softmax over a row that is seen part by part, in powers of two.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Soft {
    /// The greatest score so far.
    pub max: f32,
    /// Sum of 2^(score - max) so far.
    pub sum: f32,
}

impl Soft {
    pub const NOTHING: Self = Self {
        max: f32::NEG_INFINITY,
        sum: 0.,
    };
}

impl Avx512 {
    /// Takes a further, non-empty part of a row into its softmax: `part` becomes 2^(score - max). Returns the factor
    /// by which everything weighed before must be multiplied.
    pub fn soften(self, part: &mut [f32], soft: &mut Soft) -> f32 {
        // SAFETY: `self` exists only where AVX-512F was detected.
        unsafe { soften_avx512(part, soft) }
    }

    /// The greatest number of a non-empty `row` and the sum of exp(number - greatest).
    pub fn log_sum(self, row: &[f32]) -> (f32, f32) {
        // SAFETY: as in `soften`.
        unsafe { log_sum_avx512(row) }
    }

    /// `gate / (1 + exp(-gate)) · up`.
    pub fn swiglu(self, gate: &[f32], up: &[f32], out: &mut [f32]) {
        // SAFETY: as in `soften`.
        unsafe { swiglu_avx512(gate, up, out) }
    }

    /// Multiplies `row` by `factor`.
    pub fn scale(self, row: &mut [f32], factor: f32) {
        // SAFETY: as in `soften`.
        unsafe { scale_avx512(row, factor) }
    }
}

#[target_feature(enable = "avx512f")]
fn soften_avx512(part: &mut [f32], soft: &mut Soft) -> f32 {
    let max = larger(greatest(part), soft.max);
    let (whole, rest) = part.as_chunks_mut::<LANES>();
    let mut sums = [0f32; LANES];
    for chunk in whole {
        for (x, sum) in chunk.iter_mut().zip(&mut sums) {
            *x = exp2(*x - max);
            *sum += *x;
        }
    }
    for (x, sum) in rest.iter_mut().zip(&mut sums) {
        *x = exp2(*x - max);
        *sum += *x;
    }
    let factor = if soft.max == f32::NEG_INFINITY {
        0.
    } else {
        exp2(soft.max - max)
    };
    *soft = Soft {
        max,
        sum: soft.sum * factor + fold(sums, |a, b| a + b),
    };
    factor
}

#[target_feature(enable = "avx512f")]
fn log_sum_avx512(row: &[f32]) -> (f32, f32) {
    let max = greatest(row);
    let (whole, rest) = row.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for chunk in whole {
        for (x, sum) in chunk.iter().zip(&mut sums) {
            *sum += exp(x - max);
        }
    }
    for (x, sum) in rest.iter().zip(&mut sums) {
        *sum += exp(x - max);
    }
    (max, fold(sums, |a, b| a + b))
}

#[target_feature(enable = "avx512f")]
fn swiglu_avx512(gate: &[f32], up: &[f32], out: &mut [f32]) {
    for ((gate, up), out) in gate.iter().zip(up).zip(out) {
        *out = gate * up / (1. + exp(-gate));
    }
}

#[target_feature(enable = "avx512f")]
fn scale_avx512(row: &mut [f32], factor: f32) {
    for x in row {
        *x *= factor;
    }
}

/// The greatest of a row, minus infinity if it is empty.
#[inline(always)]
fn greatest(row: &[f32]) -> f32 {
    let (whole, rest) = row.as_chunks::<LANES>();
    let mut max = [f32::NEG_INFINITY; LANES];
    for chunk in whole {
        for (x, max) in chunk.iter().zip(&mut max) {
            *max = larger(*x, *max);
        }
    }
    rest.iter()
        .chain(&max)
        .fold(f32::NEG_INFINITY, |max, &x| larger(x, max))
}

/// Sixteen numbers become one, by halves.
#[inline(always)]
fn fold(mut lanes: [f32; LANES], join: impl Fn(f32, f32) -> f32) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] = join(lanes[i], lanes[i + half]);
        }
    }
    lanes[0]
}

/// `f32::max` without its care for NaN, which one instruction does: where `a` or `b` is not a number, `b`.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Adding it rounds to a whole number and leaves that in the low bits: 1.5 · 2^23.
const ROUND: f32 = 12_582_912.;

/// 2^x for x up to 127, to 1e-7 of itself and right on average; what is below -125 counts as -125. What is not a number
/// stays so: an overflow must not pass for a weight of nothing.
#[inline(always)]
fn exp2(x: f32) -> f32 {
    let x = larger(-125., x);
    let rounded = x + ROUND;
    power(rounded, x - (rounded - ROUND))
}

/// e^x for x from -86 to 88, to 2e-7 of itself; what is outside counts as the nearer end, and what is not a number stays
/// so.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // What log2(e) has beyond its f32: without it, rounding x · log2(e) alone would put e^-20 off by 1e-6 of itself.
    const MORE: f32 = (std::f64::consts::LOG2_E - std::f32::consts::LOG2_E as f64) as f32;
    let x = larger(-86., x);
    let x = if 88. < x { 88. } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let fraction = x.mul_add(std::f32::consts::LOG2_E, -(rounded - ROUND));
    power(rounded, x.mul_add(MORE, fraction))
}

/// 2^(whole + fraction), where `rounded` is the whole number with [`ROUND`] added, and the fraction at most 1/2.
#[inline(always)]
fn power(rounded: f32, fraction: f32) -> f32 {
    // The polynomial through 2^fraction at the seven Chebyshev nodes of ±1/2.
    let mut p = 1.546_144_4e-4_f32;
    for c in [
        1.340_042_8e-3,
        9.618_057e-3,
        5.550_327e-2,
        2.402_265e-1,
        6.931_472e-1,
        1.,
    ] {
        p = p.mul_add(fraction, c);
    }
    // Times 2^whole, by adding to the exponent.
    f32::from_bits(p.to_bits().wrapping_add(rounded.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_are_exact_to_a_few_units_of_the_last_place() {
        for i in -125_000..127_000 {
            let x = i as f32 / 1000.;
            let (got, expected) = (f64::from(exp2(x)), f64::from(x).exp2());
            assert!((got / expected - 1.).abs() < 1e-7, "2^{x}: {got} {expected}");
        }
        for i in -86_000..88_000 {
            let x = i as f32 / 1000.;
            let (got, expected) = (f64::from(exp(x)), f64::from(x).exp());
            assert!((got / expected - 1.).abs() < 2e-7, "e^{x}: {got} {expected}");
        }
        let off = |f: fn(f32) -> f32, exact: fn(f64) -> f64| {
            let each = (-1000..1000).map(|i| i as f32 / 173.);
            let off = each.map(|x| f64::from(f(x)) / exact(f64::from(x)) - 1.);
            off.sum::<f64>() / 2000.
        };
        // An error of one sign would add up over layers.
        assert!(off(exp2, f64::exp2).abs() < 1e-8 && off(exp, f64::exp).abs() < 1e-8);
        assert!(exp2(-1e30) < 1e-37);
        assert!(exp(-1e30) < 1e-37 && exp(1e30).is_finite());
        for not_a_number in [f32::NAN, -f32::NAN] {
            assert!(exp2(not_a_number).is_nan() && exp(not_a_number).is_nan());
        }
    }

    #[test]
    fn an_overflow_is_not_swallowed() {
        if !is_x86_feature_detected!("avx512f") {
            eprintln!("skipped: this processor has no AVX-512");
            return;
        }
        for bad in [f32::INFINITY, f32::NAN] {
            for place in [0, 20, 34] {
                let mut row: Vec<f32> = (0..35).map(|i| i as f32).collect();
                row[place] = bad;
                // SAFETY: the processor was asked.
                let (_, sum) = unsafe { log_sum_avx512(&row) };
                assert!(sum.is_nan());
                let mut soft = Soft::NOTHING;
                // SAFETY: likewise.
                unsafe { soften_avx512(&mut row, &mut soft) };
                assert!(soft.sum.is_nan());
            }
        }
    }
}
