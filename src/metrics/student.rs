//! Quantiles behind intervals: Student's t for any degrees of freedom, the normal distribution, Wilson's interval.

/// Two-sided level of every interval: 95 %.
const UPPER: f64 = 0.975;

/// Φ(x), the normal distribution function.
pub fn normal(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

/// t with P(T ≤ t) = 0.975 for Student's distribution with `degrees` (above 0, not necessarily whole) of freedom.
pub fn t_975(degrees: f64) -> f64 {
    // P(|T| > t) = I_x(ν/2, 1/2) with x = ν / (ν + t²) falls in t, so bisection cannot miss.
    let tail = |t: f64| 0.5 * incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + t * t));
    let (mut low, mut high) = (0.0, 2.0);
    while tail(high) > 1.0 - UPPER && high < 1e9 {
        high *= 2.0;
    }
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if tail(middle) > 1.0 - UPPER {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The regularised incomplete beta function Iₓ(a, b) by Lentz's continued fraction (DLMF 8.17.22).
fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, 1.0 - x);
    }
    let ln_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (1.0 - x).ln();
    /// Keeps Lentz's divisions away from 0.
    const TINY: f64 = 1e-300;
    let kept = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut c, mut d) = (1.0, 1.0 / kept(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for m in 1..1000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for term in [even, odd] {
            d = 1.0 / kept(1.0 + term * d);
            c = kept(1.0 + term / c);
            step *= c * d;
        }
        fraction *= step;
        if (step - 1.0).abs() < 1e-15 {
            break;
        }
    }
    ln_front.exp() * fraction / a
}

/// Wilson's score interval at 95 % for a share of `n` (*Journal of the American Statistical Association* 22, 1927).
pub fn wilson(share: f64, n: usize) -> (f64, f64) {
    /// The 97.5 % quantile of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    let n = n as f64;
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let below = 1.0 + Z * Z / n;
    (
        ((middle - half) / below).clamp(0.0, 1.0),
        ((middle + half) / below).clamp(0.0, 1.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Double precision, but for a few roundings of the continued fraction and lgamma.
    const TOLERANCE: f64 = 1e-9;

    #[test]
    fn quantiles_are_scipys() {
        // scipy 1.17.1: stats.t.ppf(0.975, df)
        for (degrees, t) in [
            (1.0, 12.706_204_736_174_694),
            (4.0, 2.776_445_105_197_793),
            (7.0, 2.364_624_251_592_784),
            (11.37, 2.192_278_057_126_499),
            (28.0, 2.048_407_141_795_245),
            (99.0, 1.984_216_951_586_417),
            (799.0, 1.962_937_461_105_608),
        ] {
            assert!(
                (t_975(degrees) - t).abs() < TOLERANCE * t,
                "{degrees}: {} {t}",
                t_975(degrees)
            );
        }
        // scipy 1.17.1: stats.norm.cdf
        for (x, p) in [
            (-2.08, 0.018_762_766_434_937_75),
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_543),
        ] {
            assert!((normal(x) - p).abs() < TOLERANCE);
        }
    }

    #[test]
    fn wilson_is_statsmodels() {
        // statsmodels 0.15.0: stats.proportion.proportion_confint(n * share, n, method="wilson")
        for (share, n, low, high) in [
            (1.0, 8, 0.675_592_435_116_12, 1.0),
            (0.0, 5, 0.0, 0.434_482_464_783_174_87),
            (2.0 / 3.0, 30, 0.487_800_516_445_438, 0.807_695_019_163_239),
        ] {
            let ours = wilson(share, n);
            assert!(
                (ours.0 - low).abs() < TOLERANCE && (ours.1 - high).abs() < TOLERANCE,
                "{ours:?}"
            );
        }
    }
}
