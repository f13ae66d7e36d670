//! A table of words, and the forms it can be printed in.

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
    /// A word for it.
    pub name: String,
    /// What it shows and how to read it.
    pub caption: String,
    /// Column titles.
    pub columns: Vec<(String, Align)>,
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<String>>,
}

/// A column: its title, and what it says of a row.
pub(super) struct Column<'a, R> {
    title: String,
    align: Align,
    cell: Box<dyn Fn(&R) -> String + 'a>,
}

/// A column of words.
pub(super) fn left<'a, R>(title: impl Into<String>, cell: impl Fn(&R) -> String + 'a) -> Column<'a, R> {
    Column {
        title: title.into(),
        align: Align::Left,
        cell: Box::new(cell),
    }
}

/// A column of numbers.
pub(super) fn right<'a, R>(title: impl Into<String>, cell: impl Fn(&R) -> String + 'a) -> Column<'a, R> {
    Column {
        align: Align::Right,
        ..left(title, cell)
    }
}

/// Characters of a line on a terminal: a table that is wider goes on below.
const WIDTH: usize = 100;

/// Characters of a line of a caption.
const CAPTION: usize = 100;

/// Characters of a line of what stands on the left.
const WORDS: usize = 44;

/// Titles are folded to the width of what stands below them, but to no fewer characters than this.
const TITLE: usize = 12;

/// What stands between columns.
const GAP: usize = 2;

impl Table {
    /// A table of some rows.
    pub(super) fn of<R>(
        name: &str,
        caption: impl Into<String>,
        rows: impl IntoIterator<Item = R>,
        columns: &[Column<'_, R>],
    ) -> Self {
        let titles = columns.iter().map(|column| (column.title.clone(), column.align));
        let cells = |row: R| columns.iter().map(|column| (column.cell)(&row)).collect();
        Self {
            name: name.to_owned(),
            caption: caption.into(),
            columns: titles.collect(),
            rows: rows.into_iter().map(cells).collect(),
        }
    }

    /// For a terminal: the caption above, columns padded to their widest word. A table wider than a terminal goes on below
    /// with its first words repeated.
    pub fn text(&self) -> String {
        let columns = self.laid_out(WORDS);
        let mut lines = folded(&self.caption, CAPTION);
        lines.push(String::new());
        for block in self.blocks(&columns, WIDTH) {
            let block: Vec<&Laid> = block.into_iter().map(|at| &columns[at]).collect();
            lines.extend(self.block(&block));
            lines.push(String::new());
        }
        lines.join("\n")
    }

    /// The columns in lines, those of what stands on the left at most so many characters long.
    pub(super) fn laid_out(&self, words: usize) -> Vec<Laid> {
        (0..self.columns.len()).map(|at| self.laid(at, words)).collect()
    }

    /// Positions of columns by block, none wider than `width` where that can be; what stands on the left stands in each.
    pub(super) fn blocks(&self, columns: &[Laid], width: usize) -> Vec<Vec<usize>> {
        let is_left = |(_, align): &&(String, Align)| *align == Align::Left;
        let words = self.columns.iter().take_while(is_left).count();
        blocks(columns, words, width)
    }

    /// One column as a terminal shows it.
    fn laid(&self, at: usize, words: usize) -> Laid {
        let (title, align) = &self.columns[at];
        let cells = self.rows.iter().map(|row| match align {
            Align::Left => folded(&quote::line(&row[at]), words),
            Align::Right => vec![quote::line(&row[at]).into_owned()],
        });
        let cells: Vec<Vec<String>> = cells.collect();
        let widest = |lines: &[String]| lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        let below = cells.iter().map(|lines| widest(lines)).max().unwrap_or(0);
        // "k = 9" stays together.
        let title = quote::line(title).replace(" = ", "\u{a0}=\u{a0}");
        let title = folded(&title, below.max(TITLE)).into_iter();
        let title: Vec<String> = title.map(|line| line.replace('\u{a0}', " ")).collect();
        Laid {
            width: below.max(widest(&title)),
            align: *align,
            title,
            cells,
        }
    }

    /// Columns side by side: titles, which end at the rule, and rows, which begin in line.
    fn block(&self, columns: &[&Laid]) -> Vec<String> {
        let height = columns.iter().map(|column| column.title.len()).max().unwrap_or(0);
        let title = |column: &Laid, line: usize| {
            let above = height - column.title.len();
            line.checked_sub(above)
                .map_or(String::new(), |at| column.title[at].clone())
        };
        let mut lines: Vec<String> = (0..height)
            .map(|line| padded(columns, |column| title(column, line)))
            .collect();
        let width: usize = columns.iter().map(|column| column.width).sum();
        lines.push("-".repeat(width + GAP * columns.len().saturating_sub(1)));
        for row in 0..self.rows.len() {
            let height = columns.iter().map(|column| column.cells[row].len()).max().unwrap_or(0);
            let cell = |column: &Laid, line: usize| column.cells[row].get(line).cloned().unwrap_or_default();
            lines.extend((0..height).map(|line| padded(columns, |column| cell(column, line))));
        }
        lines
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
}

/// A column in lines.
pub(super) struct Laid {
    width: usize,
    pub(super) align: Align,
    /// Lines of the title.
    pub(super) title: Vec<String>,
    /// Lines of each cell.
    pub(super) cells: Vec<Vec<String>>,
}

/// One line of some columns.
fn padded(columns: &[&Laid], word: impl Fn(&Laid) -> String) -> String {
    let words = columns.iter().map(|column| {
        let (word, width) = (word(column), column.width);
        match column.align {
            Align::Left => format!("{word:<width$}"),
            Align::Right => format!("{word:>width$}"),
        }
    });
    let words: Vec<String> = words.collect();
    words.join(&" ".repeat(GAP)).trim_end().to_owned()
}

/// Positions of columns by block, none wider than `most` where that can be; the first `words` stand in each.
fn blocks(columns: &[Laid], words: usize, most: usize) -> Vec<Vec<usize>> {
    let first: Vec<usize> = (0..words).collect();
    let width = |at: &usize| columns[*at].width + GAP;
    let taken: usize = first.iter().map(width).sum();
    let mut blocks = vec![first.clone()];
    let mut used = taken;
    for at in words..columns.len() {
        let has_more = blocks.last().is_some_and(|last| last.len() > words);
        if has_more && used + width(&at) > most + GAP {
            used = taken;
            blocks.push(first.clone());
        }
        used += width(&at);
        if let Some(last) = blocks.last_mut() {
            last.push(at);
        }
    }
    blocks
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
        Table::of(
            "t",
            "A caption.",
            [("a|b, \"c\"", 5.0), ("ü", 12.5)],
            &[
                left("name", |row: &(&str, f64)| row.0.to_owned()),
                right("share", |row: &(&str, f64)| format!("{:.1}", row.1)),
            ],
        )
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
    fn what_is_wider_than_a_terminal_goes_on_below_and_titles_are_folded() {
        let numbers: Vec<Column<'_, &str>> = (0..9)
            .map(|at| {
                right(format!("a system of name {at}"), |_: &&str| {
                    "52.1 (50.0–54.3)".to_owned()
                })
            })
            .collect();
        let mut columns = vec![left("category", |row: &&str| (*row).to_owned())];
        columns.extend(numbers);
        let long = "a label of so many words that it needs two lines of the terminal";
        let text = Table::of("t", "Caption.", ["Overall", long], &columns).text();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.matches("Overall").count(), 3, "{text}");
        for at in 0..9 {
            assert_eq!(
                text.matches(&format!(" {at}\n")).count() + text.matches(&format!(" {at}  ")).count(),
                1,
                "{text}"
            );
        }
    }

    #[test]
    fn markdown_escapes_its_separators() {
        assert_eq!(
            table().markdown(),
            "A caption.\n\n| name | share |\n| --- | ---: |\n| a\\|b, \"c\" | 5.0 |\n| ü | 12.5 |\n"
        );
    }
}
