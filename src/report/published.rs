//! The paper's published figures, shown beside ours and always marked as published.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::charts::PublishedPoint;
use crate::metrics::SPLITS;

/// `data/paper-figures.json`: figures of the paper's tables and pictures, in percent.
const FIGURES: &str = include_str!("../../data/paper-figures.json");

/// What the report shows of them.
#[derive(Debug, Deserialize)]
pub struct Published {
    figure2: Figure2,
    figure4_gpt4o_0806: Figure4,
    table2: Table2,
}

#[derive(Debug, Deserialize)]
struct Figure2 {
    columns: Vec<String>,
    rows: BTreeMap<String, Vec<f64>>,
}

#[derive(Debug, Deserialize)]
struct Figure4 {
    demonstrations_0_no_demographics: f64,
    demonstrations_50: f64,
    demographics_only: f64,
    demonstrations_200: f64,
}

#[derive(Debug, Deserialize)]
struct Table2 {
    model: String,
    refined: [f64; SPLITS + 1],
    polar: [f64; SPLITS + 1],
}

/// One published result with something changed and without: shares.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedPair {
    /// What it is of.
    pub label: String,
    /// Overall accuracy of both.
    pub overall: (f64, f64),
    /// Accuracy of both by split; empty where none was published.
    pub splits: Vec<(f64, f64)>,
}

/// One published column of Figure 2.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedColumn {
    /// The model.
    pub name: String,
    /// Accuracy by category, in our order, as a share.
    pub categories: Vec<f64>,
    /// Overall accuracy as a share.
    pub overall: f64,
}

impl Published {
    /// Reads the embedded figures.
    ///
    /// # Errors
    /// Where the embedded file is not what it should be, which a test rules out.
    pub fn read() -> Result<Self, serde_json::Error> {
        serde_json::from_str(FIGURES)
    }

    /// The models of Figure 2 (200 demonstrations unless the name says otherwise), or nothing where these categories
    /// are not the paper's.
    pub fn columns(&self, categories: &[String]) -> Vec<PublishedColumn> {
        let column = |at: usize, name: &String| {
            let figure = |row: &str| {
                self.figure2
                    .rows
                    .get(row)
                    .and_then(|row| row.get(at))
                    .map(|f| f / 100.0)
            };
            Some(PublishedColumn {
                name: name.clone(),
                categories: categories
                    .iter()
                    .map(|category| figure(category))
                    .collect::<Option<_>>()?,
                overall: figure("Overall")?,
            })
        };
        // The first column is chance, which every report computes from its own probes.
        self.figure2
            .columns
            .iter()
            .enumerate()
            .skip(1)
            .filter_map(|(at, name)| column(at, name))
            .collect()
    }

    /// Table 2: refined and polar statements, or nothing where these categories are not the paper's.
    pub fn forms(&self, categories: &[String]) -> Vec<PublishedPair> {
        if self.columns(categories).is_empty() {
            return Vec::new();
        }
        let table = &self.table2;
        let both = |at: usize| (table.refined[at] / 100.0, table.polar[at] / 100.0);
        vec![PublishedPair {
            label: format!("published: {}, 200 demonstrations (Table 2)", table.model),
            overall: both(SPLITS),
            splits: (0..SPLITS).map(both).collect(),
        }]
    }

    /// What Figure 4 has with demographics and without, or nothing where these categories are not the paper's.
    pub fn demographics(&self, categories: &[String]) -> Vec<PublishedPair> {
        if self.columns(categories).is_empty() {
            return Vec::new();
        }
        let figures = &self.figure4_gpt4o_0806;
        let (with, without) = (figures.demographics_only, figures.demonstrations_0_no_demographics);
        vec![PublishedPair {
            label: "published: GPT-4o (0806), no demonstrations (Figure 4)".to_owned(),
            overall: (with / 100.0, without / 100.0),
            splits: Vec::new(),
        }]
    }

    /// Figure 4's points, or nothing where these categories are not the paper's.
    pub fn curve(&self, categories: &[String]) -> Vec<PublishedPoint> {
        if self.columns(categories).is_empty() {
            return Vec::new();
        }
        let figures = &self.figure4_gpt4o_0806;
        [
            (0, figures.demonstrations_0_no_demographics, "GPT-4o, none"),
            (0, figures.demographics_only, "GPT-4o, demographics alone"),
            (50, figures.demonstrations_50, "GPT-4o, 50"),
            (200, figures.demonstrations_200, "GPT-4o, 200"),
        ]
        .map(|(demonstrations, value, label)| PublishedPoint {
            demonstrations,
            value: value / 100.0,
            label: label.to_owned(),
        })
        .to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_figures_are_read() {
        let published = Published::read().expect("the file is embedded");
        let categories: Vec<String> = published
            .figure2
            .rows
            .keys()
            .filter(|name| *name != "Overall")
            .cloned()
            .collect();
        let columns = published.columns(&categories);
        assert_eq!(columns.len(), 10);
        let llama = columns
            .iter()
            .find(|c| c.name == "Llama-3.1-8B")
            .expect("the paper has it");
        assert!((llama.overall - 0.582).abs() < 1e-12);
        assert!(published.columns(&["another category".to_owned()]).is_empty());
        assert_eq!(published.curve(&categories).len(), 4);
        assert!(published.curve(&["another category".to_owned()]).is_empty());
        // Table 2's averages, and the two ends of Figure 4 that differ in demographics alone.
        let [forms] = published.forms(&categories).try_into().expect("one row");
        let near = |found: (f64, f64), expected: (f64, f64)| {
            (found.0 - expected.0).abs() < 1e-12 && (found.1 - expected.1).abs() < 1e-12
        };
        assert!(
            near(forms.overall, (0.6361, 0.6346)) && forms.splits.len() == 3,
            "{forms:?}"
        );
        let [demographics] = published.demographics(&categories).try_into().expect("one row");
        assert!(near(demographics.overall, (0.6031, 0.5479)), "{demographics:?}");
        assert!(published.forms(&["another category".to_owned()]).is_empty());
        assert!(published.demographics(&["another category".to_owned()]).is_empty());
    }
}
