//! A table of words, and the forms it can be printed in.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::base::quote;

/// Which side a column's words stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table ready to be printed. All cells are words; numbers are formatted by whoever made them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Name of its CSV file, without ending.
    pub name: String,
    /// What it shows and how to read it.
    pub caption: String,
    /// Column titles.
    pub columns: Vec<(String, Align)>,
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(name: &str, caption: impl Into<String>, columns: &[(&str, Align)]) -> Self {
        Self {
            name: name.to_owned(),
            caption: caption.into(),
            columns: columns
                .iter()
                .map(|(title, align)| ((*title).to_owned(), *align))
                .collect(),
            rows: Vec::new(),
        }
    }

    /// For a terminal: columns padded to their widest word, the caption above.
    pub fn text(&self) -> String {
        let rows: Vec<Vec<Cow<'_, str>>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| quote::line(cell)).collect())
            .collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|at| {
                let cells = rows.iter().map(|row| row[at].chars().count());
                cells.chain([self.columns[at].0.chars().count()]).max().unwrap_or(0)
            })
            .collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded: Vec<String> = cells
                .zip(&widths)
                .zip(&self.columns)
                .map(|((cell, &width), (_, align))| match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                })
                .collect();
            padded.join("  ").trim_end().to_owned()
        };
        let mut lines = folded(&self.caption, 100);
        lines.push(String::new());
        lines.push(line(&mut self.columns.iter().map(|(title, _)| title.as_str())));
        lines.push("-".repeat(widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)));
        lines.extend(rows.iter().map(|row| line(&mut row.iter().map(Cow::as_ref))));
        lines.push(String::new());
        lines.join("\n")
    }

    /// A Markdown table with the caption above.
    pub fn markdown(&self) -> String {
        let escape = |cell: &str| {
            let cell = cell.replace(['\n', '\r'], " ").replace('\\', "\\\\");
            quote::line(&cell).replace('|', "\\|").replace('<', "&lt;")
        };
        let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
        let mut lines = vec![escape(&self.caption), String::new()];
        lines.push(line(self.columns.iter().map(|(title, _)| escape(title)).collect()));
        let rule = |align: &Align| if *align == Align::Left { "---" } else { "---:" };
        lines.push(line(
            self.columns.iter().map(|(_, align)| rule(align).to_owned()).collect(),
        ));
        lines.extend(
            self.rows
                .iter()
                .map(|row| line(row.iter().map(|cell| escape(cell)).collect())),
        );
        lines.push(String::new());
        lines.join("\n")
    }

    /// Comma-separated values (RFC 4180), the titles first and without the caption.
    pub fn csv(&self) -> String {
        let field = |cell: &str| {
            if cell.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.to_owned()
            }
        };
        let mut text = String::new();
        let titles: Vec<String> = self.columns.iter().map(|(title, _)| field(title)).collect();
        for row in std::iter::once(titles).chain(self.rows.iter().map(|row| row.iter().map(|c| field(c)).collect())) {
            text.push_str(&row.join(","));
            text.push('\n');
        }
        text
    }
}

/// A text in lines of at most `width` characters, broken between words and wherever it breaks itself.
pub(super) fn folded(text: &str, width: usize) -> Vec<String> {
    text.lines().flat_map(|line| folded_line(line, width)).collect()
}

fn folded_line(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new("t", "A caption.", &[("name", Align::Left), ("share", Align::Right)]);
        table.rows.push(vec!["a|b, \"c\"".into(), "5.0".into()]);
        table.rows.push(vec!["ü".into(), "12.5".into()]);
        table
    }

    #[test]
    fn columns_line_up_in_characters() {
        let text = "A caption.\n\nname      share\n---------------\na|b, \"c\"    5.0\nü          12.5\n";
        assert_eq!(table().text(), text);
    }

    #[test]
    fn long_captions_are_folded_between_words() {
        assert_eq!(folded("one two three", 7), ["one two", "three"]);
        assert_eq!(folded("incomprehensible", 7), ["incomprehensible"]);
        assert_eq!(folded("one\ntwo three", 9), ["one", "two three"]);
    }

    #[test]
    fn markdown_and_csv_escape_their_separators() {
        assert_eq!(
            table().markdown(),
            "A caption.\n\n| name | share |\n| --- | ---: |\n| a\\|b, \"c\" | 5.0 |\n| ü | 12.5 |\n"
        );
        assert_eq!(table().csv(), "name,share\n\"a|b, \"\"c\"\"\",5.0\nü,12.5\n");
    }
}
