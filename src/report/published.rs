//! The paper's published figures, shown beside ours and always marked as published.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::charts::PublishedPoint;

/// `data/paper-figures.json`: figures of the paper's tables and pictures, in percent.
const FIGURES: &str = include_str!("../../data/paper-figures.json");

/// What the report shows of them.
#[derive(Debug, Deserialize)]
pub struct Published {
    figure2: Figure2,
    figure4_gpt4o_0806: Figure4,
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
    }
}
