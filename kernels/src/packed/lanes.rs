//! Row-wise arithmetic in safe Rust, written sixteen numbers at a time so that the compiler puts them into as few registers
//! as the instruction set has that it builds these functions for: see [`compiled_for`].

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

/// The functions of this module, compiled for some instructions, fused or not: see [`multiply_add`].
macro_rules! compiled_for {
    ($fused:expr $(, $instructions:literal)?) => {
        lanes::compiled_for!(
            $fused, [$($instructions)?],
            soften(part: &mut [f32], soft: &mut lanes::Soft) -> f32,
            log_sum(row: &[f32]) -> (f32, f32),
            swiglu(gate: &[f32], up: &[f32], out: &mut [f32]) -> (),
            geglu(gate: &[f32], up: &[f32], out: &mut [f32]) -> (),
            clamped(gate: &[f32], up: &[f32], bounds: (f32, f32), out: &mut [f32]) -> (),
            soft_cap(row: &mut [f32], cap: f32) -> (),
        );

        /// Multiplies `row` by `factor`.
        $(#[target_feature(enable = $instructions)])?
        pub fn scale(row: &mut [f32], factor: f32) {
            lanes::scale(row, factor)
        }

        /// bf16 to f32 words.
        $(#[target_feature(enable = $instructions)])?
        pub fn widen_bf16(from: &[u16], to: &mut [u32]) {
            lanes::widen_bf16(from, to)
        }
    };
    ($fused:expr, $instructions:tt, $($function:ident($($argument:ident: $type:ty),*) -> $result:ty,)*) => {
        $(lanes::compiled_for!(@ $fused, $instructions, $function($($argument: $type),*) -> $result);)*
    };
    (@ $fused:expr, [$($instructions:literal)?], $function:ident($($argument:ident: $type:ty),*) -> $result:ty) => {
        /// See the function of this name in [`lanes`].
        $(#[target_feature(enable = $instructions)])?
        pub fn $function($($argument: $type),*) -> $result {
            lanes::$function::<{ $fused }>($($argument),*)
        }
    };
}
pub(super) use compiled_for;

/// Takes a further, non-empty part of a row into its softmax: `part` becomes 2^(score - max). Returns the factor by which
/// everything weighed before must be multiplied.
#[inline(always)]
pub(super) fn soften<const FUSED: bool>(part: &mut [f32], soft: &mut Soft) -> f32 {
    let max = larger(greatest(part), soft.max);
    let (whole, rest) = part.as_chunks_mut::<LANES>();
    let mut sums = [0f32; LANES];
    for chunk in whole {
        for (x, sum) in chunk.iter_mut().zip(&mut sums) {
            *x = exp2::<FUSED>(*x - max);
            *sum += *x;
        }
    }
    for (x, sum) in rest.iter_mut().zip(&mut sums) {
        *x = exp2::<FUSED>(*x - max);
        *sum += *x;
    }
    let factor = if soft.max == f32::NEG_INFINITY {
        0.
    } else {
        exp2::<FUSED>(soft.max - max)
    };
    *soft = Soft {
        max,
        sum: soft.sum * factor + fold(sums, |a, b| a + b),
    };
    factor
}

/// The greatest number of a non-empty `row` and the sum of exp(number - greatest).
#[inline(always)]
pub(super) fn log_sum<const FUSED: bool>(row: &[f32]) -> (f32, f32) {
    let max = greatest(row);
    let (whole, rest) = row.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for chunk in whole {
        for (x, sum) in chunk.iter().zip(&mut sums) {
            *sum += exp::<FUSED>(x - max);
        }
    }
    for (x, sum) in rest.iter().zip(&mut sums) {
        *sum += exp::<FUSED>(x - max);
    }
    (max, fold(sums, |a, b| a + b))
}

/// `gate / (1 + exp::<FUSED>(-gate)) · up`.
#[inline(always)]
pub(super) fn swiglu<const FUSED: bool>(gate: &[f32], up: &[f32], out: &mut [f32]) {
    for ((gate, up), out) in gate.iter().zip(up).zip(out) {
        *out = gate * up / (1. + exp::<FUSED>(-gate));
    }
}

/// `gelu(gate) · up`, where gelu is the one with a tanh: `x / (1 + exp(-2 u))` with `u = √(2/π) (x + 0.044715 x³)`.
#[inline(always)]
pub(super) fn geglu<const FUSED: bool>(gate: &[f32], up: &[f32], out: &mut [f32]) {
    const LINEAR: f32 = -1.595_769;
    const CUBIC: f32 = LINEAR * 0.044_715;
    for ((gate, up), out) in gate.iter().zip(up).zip(out) {
        let inner = gate * multiply_add::<FUSED>(CUBIC, gate * gate, LINEAR);
        *out = gate * up / (1. + exp::<FUSED>(inner));
    }
}

/// `gate / (1 + exp(-gain · gate)) · (1 + up)` of gates of at most `limit` and partners within plus and minus that. What is not
/// a number stays so.
#[inline(always)]
pub(super) fn clamped<const FUSED: bool>(gate: &[f32], up: &[f32], (gain, limit): (f32, f32), out: &mut [f32]) {
    for ((&gate, &up), out) in gate.iter().zip(up).zip(out) {
        let gate = smaller(limit, gate);
        let up = larger(-limit, smaller(limit, up));
        *out = gate * (up + 1.) / (1. + exp::<FUSED>(-gain * gate));
    }
}

/// `cap · tanh(x / cap)` of each number of `row`.
#[inline(always)]
pub(super) fn soft_cap<const FUSED: bool>(row: &mut [f32], cap: f32) {
    // One division a number is enough: tanh has one.
    let part = 1. / cap;
    for x in row {
        *x = cap * tanh::<FUSED>(*x * part);
    }
}

/// Multiplies `row` by `factor`.
#[inline(always)]
pub(super) fn scale(row: &mut [f32], factor: f32) {
    for x in row {
        *x *= factor;
    }
}

/// bf16 to f32 words.
#[inline(always)]
pub(super) fn widen_bf16(from: &[u16], to: &mut [u32]) {
    for (to, &half) in to.iter_mut().zip(from) {
        *to = u32::from(half) << 16;
    }
}

/// `a · b + c`, rounded once if `FUSED` (where that is one instruction), else twice.
#[inline(always)]
pub(super) fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
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

/// The smaller one; where `a` or `b` is not a number, `b`.
#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Adding it rounds to a whole number and leaves that in the low bits: 1.5 · 2^23.
const ROUND: f32 = 12_582_912.;

/// 2^x for x up to 127, to 1e-7 of itself (unfused, 1.5e-7) and right on average; what is below -125 counts as -125. What is not a number
/// stays so: an overflow must not pass for a weight of nothing.
#[inline(always)]
fn exp2<const FUSED: bool>(x: f32) -> f32 {
    let x = larger(-125., x);
    let rounded = x + ROUND;
    power::<FUSED>(rounded, x - (rounded - ROUND))
}

/// e^x for x from -86 to 88, to 2e-7 of itself; what is outside counts as the nearer end, and what is not a number stays
/// so.
#[inline(always)]
fn exp<const FUSED: bool>(x: f32) -> f32 {
    // What log2(e) has beyond its f32: without it, rounding x · log2(e) alone would put e^-20 off by 1e-6 of itself.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = (std::f64::consts::LN_2 - LN_2_HIGH as f64) as f32;
    const MORE: f32 = (std::f64::consts::LOG2_E - std::f32::consts::LOG2_E as f64) as f32;
    let x = larger(-86., x);
    let x = if 88. < x { 88. } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let whole = rounded - ROUND;
    let fraction = if FUSED {
        let fraction = x.mul_add(std::f32::consts::LOG2_E, -whole);
        x.mul_add(MORE, fraction)
    } else {
        // What is left of x beyond whole · ln 2, whose upper part has so few bits that the product is exact.
        (x - whole * LN_2_HIGH - whole * LN_2_LOW) * std::f32::consts::LOG2_E
    };
    power::<FUSED>(rounded, fraction)
}

/// tanh to 5e-7 of itself, by the rational function that Eigen takes; beyond ±7.9 it is ±1 to f32.
#[inline(always)]
fn tanh<const FUSED: bool>(x: f32) -> f32 {
    const END: f32 = 7.905_311;
    let x = larger(-END, x);
    let x = if END < x { END } else { x };
    let square = x * x;
    let mut above = -2.760_768_5e-16_f32;
    for c in [
        2.000_188e-13,
        -8.604_672e-11,
        5.122_297e-8,
        1.485_722_3e-5,
        6.372_619_3e-4,
        4.893_524_6e-3,
    ] {
        above = multiply_add::<FUSED>(above, square, c);
    }
    let mut below = 1.198_258_4e-6_f32;
    for c in [1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3] {
        below = multiply_add::<FUSED>(below, square, c);
    }
    x * above / below
}

/// 2^(whole + fraction), where `rounded` is the whole number with [`ROUND`] added, and the fraction at most 1/2.
#[inline(always)]
fn power<const FUSED: bool>(rounded: f32, fraction: f32) -> f32 {
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
        p = multiply_add::<FUSED>(p, fraction, c);
    }
    // Times 2^whole, by adding to the exponent.
    f32::from_bits(p.to_bits().wrapping_add(rounded.to_bits() << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const FUSED: bool>(exp2_off: f64, exp_off: f64) {
        for i in -125_000..127_000 {
            let x = i as f32 / 1000.;
            let (got, expected) = (f64::from(exp2::<FUSED>(x)), f64::from(x).exp2());
            assert!((got / expected - 1.).abs() < exp2_off, "2^{x}: {got} {expected}");
        }
        for i in -86_000..88_000 {
            let x = i as f32 / 1000.;
            let (got, expected) = (f64::from(exp::<FUSED>(x)), f64::from(x).exp());
            assert!((got / expected - 1.).abs() < exp_off, "e^{x}: {got} {expected}");
        }
        let off = |f: fn(f32) -> f32, exact: fn(f64) -> f64| {
            let each = (-1000..1000).map(|i| i as f32 / 173.);
            let off = each.map(|x| f64::from(f(x)) / exact(f64::from(x)) - 1.);
            off.sum::<f64>() / 2000.
        };
        // An error of one sign would add up over layers.
        assert!(off(exp2::<FUSED>, f64::exp2).abs() < 1e-8 && off(exp::<FUSED>, f64::exp).abs() < 1e-8);
        assert!(exp2::<FUSED>(-1e30) < 1e-37);
        assert!(exp::<FUSED>(-1e30) < 1e-37 && exp::<FUSED>(1e30).is_finite());
        for not_a_number in [f32::NAN, -f32::NAN] {
            assert!(exp2::<FUSED>(not_a_number).is_nan() && exp::<FUSED>(not_a_number).is_nan());
        }
    }

    #[test]
    fn powers_are_exact_to_a_few_units_of_the_last_place() {
        check::<true>(1e-7, 2e-7);
        check::<false>(1.5e-7, 2e-7);
    }

    fn check_gates<const FUSED: bool>() {
        for i in -40_000..40_000 {
            let x = i as f32 / 2000.;
            let exact = f64::from(x);
            let got = f64::from(tanh::<FUSED>(x));
            assert!(
                (got - exact.tanh()).abs() <= 5e-7 * exact.tanh().abs(),
                "tanh {x}: {got}"
            );
            let mut out = [0.];
            geglu::<FUSED>(&[x], &[2.], &mut out);
            let inner = (2. / std::f64::consts::PI).sqrt() * (exact + 0.044715 * exact.powi(3));
            let gelu = exact * (1. + inner.tanh());
            clamped::<FUSED>(&[x], &[2. * x], (1.702, 7.), &mut out);
            let (gate, up) = (exact.min(7.), (2. * exact).clamp(-7., 7.));
            let exact_gate = gate * (up + 1.) / (1. + (-f64::from(1.702f32) * gate).exp());
            assert!(
                (f64::from(out[0]) - exact_gate).abs() <= 2e-6 * exact_gate.abs() + 1e-9,
                "clamped {x}: {out:?} {exact_gate}"
            );
            geglu::<FUSED>(&[x], &[2.], &mut out);
            // Far below 0 what is left of the gate is smaller than f32 tells from 1 - 1.
            assert!(
                (f64::from(out[0]) - gelu).abs() <= 1e-6 * gelu.abs() + 1e-7,
                "gelu {x}: {out:?} {gelu}"
            );
        }
        for not_a_number in [f32::NAN, -f32::NAN] {
            assert!(tanh::<FUSED>(not_a_number).is_nan());
            for (gate, up) in [(not_a_number, 1.), (1., not_a_number)] {
                let mut out = [0.];
                clamped::<FUSED>(&[gate], &[up], (1.702, 7.), &mut out);
                assert!(out[0].is_nan());
            }
        }
    }

    #[test]
    fn gates_and_caps_are_exact_to_a_few_units_of_the_last_place() {
        check_gates::<true>();
        check_gates::<false>();
        let mut row: Vec<f32> = (-50..50).map(|i| i as f32).collect();
        soft_cap::<false>(&mut row, 5.);
        assert!(row.iter().all(|x| x.abs() <= 5.) && (row[51] - 5. * 0.2f32.tanh()).abs() < 1e-6);
    }

    #[test]
    fn an_overflow_is_not_swallowed() {
        for bad in [f32::INFINITY, f32::NAN] {
            for place in [0, 20, 34] {
                let mut row: Vec<f32> = (0..35).map(|i| i as f32).collect();
                row[place] = bad;
                let (_, sum) = log_sum::<false>(&row);
                assert!(sum.is_nan());
                let mut soft = Soft::NOTHING;
                soften::<false>(&mut row, &mut soft);
                assert!(soft.sum.is_nan());
            }
        }
    }
}
