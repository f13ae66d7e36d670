//! Tail probabilities and the correction for asking many questions at once.

/// The two-sided p-value of McNemar's test from the two discordant counts.
///
/// Under the null hypothesis each discordant probe falls on either side with probability 1/2. Up to
/// [`EXACT_UP_TO`] discordant probes the binomial distribution is summed exactly (p = min(1, 2 P(X ≤ min(b, c)))), above
/// it Edwards' continuity-corrected statistic (|b − c| − 1)² / (b + c) is held against χ² with one degree of freedom.
/// Source: McNemar, *Psychometrika* 12, 1947; Edwards, *Psychometrika* 13, 1948. It takes probes as independent; that
/// those of one person are not is what [`super::flips::sign_flip`] accounts for.
pub fn mcnemar(b: usize, c: usize) -> f64 {
    let n = b + c;
    if n == 0 {
        return 1.0;
    }
    if n <= EXACT_UP_TO {
        let tail: f64 = (0..=b.min(c))
            .map(|k| (ln_choose(n, k) - n as f64 * std::f64::consts::LN_2).exp())
            .sum();
        return (2.0 * tail).min(1.0);
    }
    let statistic = (b.abs_diff(c) as f64 - 1.0).max(0.0).powi(2) / n as f64;
    chi_square_1(statistic)
}

/// Discordant probes up to which McNemar's test is exact.
pub const EXACT_UP_TO: usize = 1000;

/// P(χ² with one degree of freedom > x).
fn chi_square_1(x: f64) -> f64 {
    libm::erfc((x / 2.0).sqrt())
}

fn ln_choose(n: usize, k: usize) -> f64 {
    libm::lgamma(n as f64 + 1.0) - libm::lgamma(k as f64 + 1.0) - libm::lgamma((n - k) as f64 + 1.0)
}

/// Holm's step-down adjustment (*Scandinavian Journal of Statistics* 6, 1979): the i-th smallest of m p-values is
/// multiplied by m − i + 1, made monotone, and capped at 1. It bounds the chance of any false claim in the family,
/// whatever the dependence. The result is in the order of the input.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut adjusted = vec![0.0; p.len()];
    let mut highest: f64 = 0.0;
    for (rank, &at) in order.iter().enumerate() {
        highest = highest.max((p[at] * (p.len() - rank) as f64).min(1.0));
        adjusted[at] = highest;
    }
    adjusted
}

/// The smallest true difference that a two-sided test at 5 % finds with a power of 80 %, from the standard error of the
/// difference: (z₀.₉₇₅ + z₀.₈₀) · se = 2.8016 · se.
pub fn minimum_detectable(se: f64) -> f64 {
    (1.959_963_985 + 0.841_621_234) * se
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-3), "{a} against {b}");
    }

    #[test]
    fn mcnemar_is_statsmodels() {
        // statsmodels.stats.contingency_tables.mcnemar([[0, b], [c, 0]], exact=b + c <= 1000, correction=True),
        // version 0.15.0.
        for (b, c, p) in [
            (3, 12, 0.035_156_25),
            (10, 25, 0.016_673_847_800_120_715),
            (400, 460, 0.044_169_548_194_589_14),
            (700, 800, 0.010_583_170_238_765_134),
            (5200, 5500, 0.003_845_780_136_393_666_5),
        ] {
            close(mcnemar(b, c), p);
        }
        assert_eq!(mcnemar(0, 0), 1.0);
        close(mcnemar(5, 5), 1.0);
    }

    #[test]
    fn holm_is_statsmodels() {
        // statsmodels.stats.multitest.multipletests([0.01, 0.04, 0.03, 0.005, 0.5], method="holm")[1]
        for (ours, theirs) in holm(&[0.01, 0.04, 0.03, 0.005, 0.5])
            .into_iter()
            .zip([0.04, 0.09, 0.09, 0.025, 0.5])
        {
            close(ours, theirs);
        }
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn minimum_detectable_is_two_point_eight_standard_errors() {
        // scipy.stats.norm.ppf(0.975) + scipy.stats.norm.ppf(0.8)
        close(minimum_detectable(1.0), 2.801_585_218_112_969);
    }
}
