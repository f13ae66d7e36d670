//! Tables for programs: what rows are made of, and the file they become.
//!
//! A row is a struct, or a tuple of structs whose fields follow one another, so that a column's name stands beside what
//! fills it.

use serde::{Serialize, Serializer};

use crate::metrics::{Contrast, Estimate, Tested};

/// One file of comma-separated values (RFC 4180), its titles first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvTable {
    /// Its name, without ending.
    pub name: String,
    /// What it holds; empty where there is no row.
    pub text: String,
}

impl CsvTable {
    /// The table of some rows, which begin with the columns of a system.
    ///
    /// # Errors
    /// Where a row is something that has no columns, such as a list of any length.
    pub(super) fn of<R: Serialize>(name: &str, rows: impl IntoIterator<Item = R>) -> Result<Self, csv::Error> {
        let mut bytes = Vec::new();
        let mut writer = csv::Writer::from_writer(&mut bytes);
        for row in rows {
            writer.serialize(row)?;
        }
        writer.flush()?;
        drop(writer);
        Ok(Self {
            name: name.to_owned(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }
}

/// A number with six decimals; nothing where there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Figure(pub Option<f64>);

impl From<f64> for Figure {
    fn from(value: f64) -> Self {
        Self(Some(value))
    }
}

impl From<Option<f64>> for Figure {
    fn from(value: Option<f64>) -> Self {
        Self(value)
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(value) => serializer.collect_str(&format_args!("{value:.6}")),
            None => serializer.serialize_none(),
        }
    }
}

/// A number with one decimal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tenth(pub f64);

impl Serialize for Tenth {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.1}", self.0))
    }
}

/// A figure, its standard error and interval as shares, and how the interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct EstimateColumns {
    value: Figure,
    se: Figure,
    low: Figure,
    high: Figure,
    interval: &'static str,
}

impl EstimateColumns {
    /// Fills them.
    pub fn of(estimate: Option<&Estimate>) -> Self {
        let ends = estimate.and_then(Estimate::ends);
        Self {
            value: estimate.map(|estimate| estimate.value).into(),
            se: estimate.and_then(|estimate| estimate.se).into(),
            low: ends.map(|(low, _)| low).into(),
            high: ends.map(|(_, high)| high).into(),
            interval: estimate.map_or("", |estimate| estimate.interval.name()),
        }
    }
}

/// A paired difference under every rule for unread answers: unread wrong, the probes that both sides could read, unread
/// worth a guess. Where everything was read, the rules agree.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct ContrastColumns {
    difference: Figure,
    se: Figure,
    low: Figure,
    high: Figure,
    interval: &'static str,
    p: Figure,
    unread: Option<usize>,
    both_read: Figure,
    both_read_low: Figure,
    both_read_high: Figure,
    both_read_p: Figure,
    as_chance: Figure,
    as_chance_low: Figure,
    as_chance_high: Figure,
    as_chance_p: Figure,
    verdict: &'static str,
}

/// p adjusted for the other comparisons of its family, by which a verdict is given; nothing where it stands alone.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct HolmColumn {
    p_holm: Figure,
}

impl ContrastColumns {
    /// Fills them for one of several comparisons, with its p adjusted for all of them. Without an adjusted p it stands
    /// alone.
    pub fn of_family(contrast: Option<&Contrast>, adjusted: Option<f64>) -> (Self, HolmColumn) {
        let mut columns = Self::of(contrast);
        if let (Some(contrast), Some(_)) = (contrast, adjusted) {
            columns.verdict = contrast.verdict_at(adjusted).name();
        }
        let holm = HolmColumn {
            p_holm: adjusted.into(),
        };
        (columns, holm)
    }

    /// Fills them for a comparison that stands alone.
    pub fn of(contrast: Option<&Contrast>) -> Self {
        let main = EstimateColumns::of(contrast.map(|contrast| &contrast.wrong.estimate));
        let both_read = contrast.and_then(|contrast| match &contrast.otherwise {
            Some(rules) => rules.shared,
            None => Some(contrast.wrong),
        });
        let as_chance = contrast.map(|contrast| match &contrast.otherwise {
            Some(rules) => rules.chance,
            None => contrast.wrong,
        });
        let [both_read, as_chance] = [both_read, as_chance].map(RuleColumns::of);
        Self {
            difference: main.value,
            se: main.se,
            low: main.low,
            high: main.high,
            interval: main.interval,
            p: contrast.and_then(|contrast| contrast.wrong.p).into(),
            unread: contrast.map(|contrast| contrast.unread),
            both_read: both_read.value,
            both_read_low: both_read.low,
            both_read_high: both_read.high,
            both_read_p: both_read.p,
            as_chance: as_chance.value,
            as_chance_low: as_chance.low,
            as_chance_high: as_chance.high,
            as_chance_p: as_chance.p,
            verdict: contrast.map_or("", |contrast| contrast.verdict().name()),
        }
    }
}

/// A difference under one rule.
struct RuleColumns {
    value: Figure,
    low: Figure,
    high: Figure,
    p: Figure,
}

impl RuleColumns {
    fn of(tested: Option<Tested>) -> Self {
        let ends = tested.and_then(|tested| tested.estimate.ends());
        Self {
            value: tested.map(|tested| tested.estimate.value).into(),
            low: ends.map(|(low, _)| low).into(),
            high: ends.map(|(_, high)| high).into(),
            p: tested.and_then(|tested| tested.p).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct NameColumn {
        name: &'static str,
    }

    #[test]
    fn rows_of_several_structs_have_one_line_of_titles_and_quote_what_must_be() {
        let rows = [("a, \"b\"", Some(0.25)), ("ü", None)];
        let rows = rows.map(|(name, share)| {
            let estimate = share.map(|share| Estimate::exact(share, 3));
            (NameColumn { name }, EstimateColumns::of(estimate.as_ref()))
        });
        let table = CsvTable::of("t", rows).expect("rows have columns");
        assert_eq!(
            table.text,
            "name,value,se,low,high,interval\n\"a, \"\"b\"\"\",0.250000,,,,exact\nü,,,,,\n"
        );
        let none: [NameColumn; 0] = [];
        assert_eq!(CsvTable::of("t", none).expect("no row").text, "");
    }
}
