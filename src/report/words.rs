//! Figures as words.

use serde::Serialize;

use crate::metrics::{
    Beside, Contrast, Estimate, FEWEST_FOR_INTERVAL, FEWEST_FOR_WORDS, Interval, LEVEL, Resampling, smallest_p,
    tries_all,
};

/// A share as a percentage with one decimal; a dash where there is none.
pub fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{:.1}", 100.0 * v))
}

/// A share in whole percent; never 100 unless it is all, nor 0 unless it is none.
pub fn whole_percent(share: f64) -> String {
    match format!("{:.0}", 100.0 * share).as_str() {
        "100" if share < 1.0 => "over 99".to_owned(),
        "0" if share > 0.0 => "under 1".to_owned(),
        rounded => rounded.to_owned(),
    }
}

/// "52.1 (50.0–54.3)"; without the bracket where there is no interval.
pub fn with_interval(estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else {
        return "–".to_owned();
    };
    let value = percent(Some(estimate.value));
    match estimate.ends() {
        Some((low, high)) => format!("{value} ({:.1}–{:.1})", 100.0 * low, 100.0 * high),
        None => value,
    }
}

/// "+2.3 (+0.1 to +4.5)", in percentage points; "+2.3 (same for all 8 people)" where nothing varies.
pub fn difference(estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else {
        return "–".to_owned();
    };
    let value = signed(100.0 * estimate.value);
    match (estimate.ends(), estimate.interval) {
        (Some((low, high)), _) => format!("{value} ({} to {})", signed(100.0 * low), signed(100.0 * high)),
        (None, Interval::Alike) => format!("{value} (same for all {})", people(estimate.people)),
        (None, _) => value,
    }
}

/// A paired difference with unread answers wrong, as tables show it.
pub fn contrast(contrast: Option<&Contrast>) -> String {
    difference(contrast.map(|contrast| &contrast.wrong.estimate))
}

/// A paired difference in words, under every rule for unread answers. Where everything was read the rules agree, and
/// nothing is said twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContrastWords {
    /// With unread answers wrong.
    pub difference: String,
    /// On the probes that both sides could read.
    pub both_read: String,
    /// With unread answers worth a guess.
    pub guess: String,
}

impl ContrastWords {
    /// The words for it; dashes where there is none.
    pub fn of(judged: Option<&Contrast>) -> Self {
        let (both_read, guess) = match judged.map(|contrast| &contrast.otherwise) {
            None => (difference(None), difference(None)),
            Some(None) => ("same".to_owned(), "same".to_owned()),
            Some(Some(rules)) => (
                difference(rules.shared.as_ref().map(|tested| &tested.estimate)),
                difference(Some(&rules.chance.estimate)),
            ),
        };
        Self {
            difference: contrast(judged),
            both_read,
            guess,
        }
    }
}

/// "62.1 (55.0)": a system's share and people's own, in percent.
pub fn beside(share: &Beside) -> String {
    format!("{} ({})", percent(Some(share.chosen)), percent(Some(share.own)))
}

/// What so few people, or so few resamples, can show; nothing where they can show everything that is asked of them:
/// differences by category, and between `pairs` of systems.
pub fn reach(count: usize, categories: usize, pairs: usize, how: &Resampling) -> Option<String> {
    let smallest = smallest_p(count, how);
    let crowd = people(count);
    if count < 2 {
        return Some(format!("{crowd}: no interval and no test is possible."));
    }
    if count < FEWEST_FOR_WORDS {
        let intervals = if count < FEWEST_FOR_INTERVAL {
            "no interval is given and "
        } else {
            ""
        };
        return Some(format!(
            "{crowd}: {intervals}nothing is called ahead or behind, since p cannot fall below {} however they answer.",
            p_value(smallest.min(1.0))
        ));
    }
    let out_of_reach = |tests: usize| smallest * tests as f64 >= LEVEL;
    let cause = match tries_all(count, how) {
        true => crowd,
        false => format!("{} resamples", how.resamples),
    };
    let judged = [
        ("single category", categories, "categories"),
        ("two systems", pairs, "differences between systems"),
    ];
    let said = judged.iter().filter(|(_, tests, _)| out_of_reach(*tests));
    let said = said.map(|(what, tests, of)| {
        format!("no {what} can differ significantly once p is adjusted for {tests} {of} (Holm)")
    });
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| {
        let rest = if out_of_reach(pairs) {
            ""
        } else {
            "; overall differences can"
        };
        let smallest = p_value(smallest);
        format!(
            "{cause}: p cannot fall below {smallest}, so that {}{rest}.",
            said.join(", and ")
        )
    })
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
    marked(people(count), synthetic)
}

/// "8 to 12 synthetic people" of "8 to 12 people", where they are invented.
pub fn marked(people: String, synthetic: bool) -> String {
    match people.rsplit_once(' ') {
        Some((counts, word)) if synthetic => format!("{counts} synthetic {word}"),
        _ => people,
    }
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

    fn estimate(value: f64, interval: Interval) -> Estimate {
        Estimate {
            value,
            people: 8,
            se: Some(0.01),
            interval,
        }
    }

    #[test]
    fn figures_for_people() {
        let student = Interval::Student { low: 0.5, high: 0.543 };
        assert_eq!(with_interval(Some(&estimate(0.5214, student))), "52.1 (50.0–54.3)");
        assert_eq!(with_interval(None), "–");
        assert_eq!(signed(-0.04), "0.0");
        let kappas = [Some(-0.001), Some(-0.126), Some(0.5), None].map(kappa);
        assert_eq!(kappas, ["0.00", "−0.13", "0.50", "–"]);
        assert_eq!(range([3, 1].into_iter()), "1 to 3 people");
        assert_eq!(range([1, 1].into_iter()), "1 person");
        assert_eq!(marked(range([3, 1].into_iter()), true), "1 to 3 synthetic people");
        assert_eq!(crowd(1, true), "1 synthetic person");
        assert_eq!([6.25, 200.0, 213.7, 15.96].map(mean_shown), ["6.2", "200", "214", "16"]);
        assert_eq!(signed(-2.34), "−2.3");
        assert_eq!(difference(Some(&estimate(0.01, Interval::TooFew))), "+1.0");
        assert_eq!([0.0001, 0.0421, 0.5].map(p_value), ["< 0.001", "0.042", "0.50"]);
    }

    #[test]
    fn people_who_are_all_alike_are_said_to_be_in_place_of_an_interval() {
        assert_eq!(
            difference(Some(&estimate(0.0, Interval::Alike))),
            "0.0 (same for all 8 people)"
        );
        assert_eq!(
            difference(Some(&estimate(0.025, Interval::Alike))),
            "+2.5 (same for all 8 people)"
        );
    }

    #[test]
    fn what_few_people_can_show_is_said() {
        let how = Resampling::default();
        let said = |people| reach(people, 13, 1, &how).unwrap_or_default();
        assert!(
            said(4).contains("no interval") && said(4).contains("cannot fall below 0.12"),
            "{}",
            said(4)
        );
        assert!(
            !said(5).contains("no interval") && said(5).contains("0.062"),
            "{}",
            said(5)
        );
        assert!(said(8).starts_with("8 people: p cannot fall below 0.008, so that no single category"));
        // 2 / 2^9 times 13 is 0.051, 2 / 2^10 times 13 is 0.025.
        assert!(!said(9).is_empty() && said(10).is_empty());
        // Eight systems have 28 differences: 2 / 2^10 times 28 is 0.055, 2 / 2^11 times 28 is 0.027.
        let said = |people| reach(people, 13, 28, &how).unwrap_or_default();
        assert_eq!(
            said(10),
            "10 people: p cannot fall below 0.002, so that no two systems can differ significantly once p is adjusted for 28 \
             differences between systems (Holm)."
        );
        assert!(
            said(8).contains("13 categories (Holm), and no two systems can differ"),
            "{}",
            said(8)
        );
        assert!(said(11).is_empty());
        // With many people it is the number of resamples that bounds p.
        let few = Resampling { resamples: 100, ..how };
        let said = reach(40, 13, 1, &few).unwrap_or_default();
        assert!(
            said.starts_with("100 resamples: p cannot fall below 0.010, so that no single category"),
            "{said}"
        );
    }
}
