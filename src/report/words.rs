//! Figures as words.

use crate::metrics::Estimate;

/// A share as a percentage with one decimal; a dash where there is none.
pub fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{:.1}", 100.0 * v))
}

/// "52.1 (50.0–54.3)"; without the bracket where there is no interval.
pub fn with_interval(estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else {
        return "–".to_owned();
    };
    match estimate.spread {
        Some(s) => format!(
            "{:.1} ({:.1}–{:.1})",
            100.0 * estimate.value,
            100.0 * s.low,
            100.0 * s.high
        ),
        None => percent(Some(estimate.value)),
    }
}

/// "+2.3 (0.1 to 4.5)", in percentage points.
pub fn difference(estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else {
        return "–".to_owned();
    };
    let value = signed(100.0 * estimate.value);
    match estimate.spread {
        Some(s) => format!("{value} ({} to {})", signed(100.0 * s.low), signed(100.0 * s.high)),
        None => value,
    }
}

/// One decimal with its sign, a true minus sign for what is below 0 after rounding.
pub fn signed(points: f64) -> String {
    let rounded = format!("{:.1}", points.abs());
    match (rounded.as_str(), points < 0.0) {
        ("0.0", _) => rounded,
        (_, true) => format!("−{rounded}"),
        (_, false) => format!("+{rounded}"),
    }
}

/// "p = 0.042" or "p < 0.001".
pub fn p_words(p: Option<f64>) -> String {
    match p {
        None => "p unknown".to_owned(),
        Some(p) if p < 0.001 => "p\u{a0}<\u{a0}0.001".to_owned(),
        Some(p) => format!("p\u{a0}=\u{a0}{}", p_value(p)),
    }
}

/// A p-value for people.
pub fn p_value(p: f64) -> String {
    match p {
        p if p < 0.001 => "< 0.001".to_owned(),
        p if p < 0.1 => format!("{p:.3}"),
        p => format!("{p:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Spread;

    #[test]
    fn figures_for_people() {
        let estimate = Estimate {
            value: 0.5214,
            spread: Some(Spread {
                se: 0.01,
                low: 0.5,
                high: 0.543,
            }),
        };
        assert_eq!(with_interval(Some(&estimate)), "52.1 (50.0–54.3)");
        assert_eq!(with_interval(None), "–");
        assert_eq!(signed(-0.04), "0.0");
        assert_eq!(signed(-2.34), "−2.3");
        assert_eq!(
            difference(Some(&Estimate {
                value: 0.01,
                spread: None
            })),
            "+1.0"
        );
        assert_eq!([0.0001, 0.0421, 0.5].map(p_value), ["< 0.001", "0.042", "0.50"]);
    }
}
