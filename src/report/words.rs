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

/// "1 person", "12 people".
pub fn people(count: usize) -> String {
    match count {
        1 => "1 person".to_owned(),
        n => format!("{n} people"),
    }
}

/// "12 people" or "12 synthetic people".
pub fn crowd(count: usize, synthetic: bool) -> String {
    let word = if synthetic { " synthetic " } else { " " };
    people(count).replace(' ', word)
}

/// "12 people", or "8 to 12 people" where counts differ.
pub fn range(counts: impl Iterator<Item = usize> + Clone) -> String {
    let least = counts.clone().min().unwrap_or(0);
    match counts.max().unwrap_or(0) {
        most if most == least => people(most),
        most => format!("{least} to {most} people"),
    }
}

/// A mean number of demonstrations: whole where it is, with a decimal where that matters.
pub fn mean_shown(mean: f64) -> String {
    if (mean - mean.round()).abs() < 0.05 || mean >= 100.0 {
        format!("{mean:.0}")
    } else {
        format!("{mean:.1}")
    }
}

/// Two decimals with a true minus sign, none on zero; a dash where there is nothing.
pub fn kappa(value: Option<f64>) -> String {
    let Some(value) = value else {
        return "–".to_owned();
    };
    match format!("{:.2}", value.abs()) {
        zero if zero == "0.00" => zero,
        rounded if value < 0.0 => format!("−{rounded}"),
        rounded => rounded,
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
        let kappas = [Some(-0.001), Some(-0.126), Some(0.5), None].map(kappa);
        assert_eq!(kappas, ["0.00", "−0.13", "0.50", "–"]);
        assert_eq!(range([3, 1].into_iter()), "1 to 3 people");
        assert_eq!(range([1, 1].into_iter()), "1 person");
        assert_eq!([6.25, 200.0, 213.7, 15.96].map(mean_shown), ["6.2", "200", "214", "16"]);
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
