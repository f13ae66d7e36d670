//! Tables for papers: LaTeX with booktabs.

use super::table::{Align, Laid, Table};
use crate::base::quote;

/// What a document must load for these tables.
const PACKAGES: &str = "% \\usepackage{booktabs,graphicx}\n\
                        % \\usepackage[T1]{fontenc}\n\
                        % Names in other scripts than Latin want lualatex or xelatex and a font that has them.";

/// Characters of a line: those of \footnotesize, of which an article's line has about 84, are made smaller by a quarter.
const WIDTH: usize = 112;

/// Characters of a line of what stands on the left.
const WORDS: usize = 60;

/// Lines of a page, its caption aside.
const LINES: usize = 46;

/// Tables one below the other, with what they need.
pub fn document(tables: &[Table]) -> String {
    let tables: Vec<String> = tables.iter().map(Table::latex).collect();
    format!("{PACKAGES}\n\n{}", tables.join("\n"))
}

/// Some columns of some rows, which stand on one page.
struct TablePart<'a> {
    columns: Vec<&'a Laid>,
    rows: std::ops::Range<usize>,
}

impl TablePart<'_> {
    /// Lines that it takes, rules and the space below it among them.
    fn lines(&self) -> usize {
        let title = self.columns.iter().map(|column| column.title.len()).max().unwrap_or(0);
        title + 2 + self.rows.clone().map(|row| height(&self.columns, row)).sum::<usize>()
    }

    fn latex(&self) -> Vec<String> {
        let aligns = self.columns.iter().map(|column| letter(column.align));
        let row = |cells: &mut dyn Iterator<Item = String>| {
            let cells: Vec<String> = cells.collect();
            format!("{} \\\\", cells.join(" & "))
        };
        let mut titles = self
            .columns
            .iter()
            .map(|column| stacked(&column.title, column.align, 'b'));
        let mut lines = vec![
            "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%".to_owned(),
            format!("\\begin{{tabular}}{{{}}}", aligns.collect::<String>()),
            "\\toprule".to_owned(),
            row(&mut titles),
            "\\midrule".to_owned(),
        ];
        lines.extend(self.rows.clone().map(|at| {
            let mut cells = self
                .columns
                .iter()
                .map(|column| stacked(&column.cells[at], column.align, 't'));
            row(&mut cells)
        }));
        lines.extend(["\\bottomrule", "\\end{tabular}}"].map(str::to_owned));
        lines
    }
}

/// The lines of a row.
fn height(columns: &[&Laid], row: usize) -> usize {
    columns
        .iter()
        .map(|column| column.cells[row].len())
        .max()
        .unwrap_or(1)
        .max(1)
}

fn letter(align: Align) -> char {
    match align {
        Align::Left => 'l',
        Align::Right => 'r',
    }
}

/// The lines of one cell, the last (`b`) or first (`t`) of which stands in line with other cells.
fn stacked(lines: &[String], align: Align, at: char) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
    match lines.as_slice() {
        [] => String::new(),
        [line] => line.clone(),
        lines => format!(
            "\\begin{{tabular}}[{at}]{{@{{}}{}@{{}}}}{}\\end{{tabular}}",
            letter(align),
            lines.join("\\\\")
        ),
    }
}

impl Table {
    /// Columns by block, as few blocks as fit, and these about equally wide.
    fn even_blocks(&self, columns: &[Laid]) -> Vec<Vec<usize>> {
        let widest = self.blocks(columns, WIDTH);
        let mut narrower = (1..WIDTH).map(|width| self.blocks(columns, width));
        narrower.find(|blocks| blocks.len() == widest.len()).unwrap_or(widest)
    }

    /// A floating table with a caption and a label, `tab:` and its name. What is too wide goes on below, what is too long
    /// in further tables of the same number; a line of the caption below its first is a remark behind the table.
    pub fn latex(&self) -> String {
        let columns = self.laid_out(WORDS);
        let blocks = self.even_blocks(&columns);
        let parts = blocks.iter().flat_map(|block| {
            let columns: Vec<&Laid> = block.iter().map(|&at| &columns[at]).collect();
            pages(&columns, self.rows.len()).into_iter().map(move |rows| TablePart {
                columns: columns.clone(),
                rows,
            })
        });
        let mut floats: Vec<(usize, Vec<TablePart<'_>>)> = Vec::new();
        for part in parts {
            let lines = part.lines();
            match floats.last_mut() {
                Some((used, parts)) if *used + lines <= LINES => {
                    *used += lines;
                    parts.push(part);
                }
                _ => floats.push((lines, vec![part])),
            }
        }
        let mut remarks = self.caption.lines();
        let caption = remarks.next().unwrap_or_default();
        let mut lines = Vec::new();
        for (at, (_, parts)) in floats.iter().enumerate() {
            lines.extend(["\\begin{table}[htbp]", "\\centering"].map(str::to_owned));
            lines.extend(match at {
                0 => [
                    format!("\\caption{{{}}}", escaped(caption)),
                    format!("\\label{{tab:{}}}", self.name),
                ],
                _ => ["Table~\\thetable{} (continued)".to_owned(), "\\par".to_owned()],
            });
            lines.push("\\par\\smallskip\\footnotesize\\setlength{\\tabcolsep}{4pt}".to_owned());
            for (at, part) in parts.iter().enumerate() {
                lines.extend((at > 0).then(|| "\\par\\medskip".to_owned()));
                lines.extend(part.latex());
            }
            lines.extend(["\\end{table}", ""].map(str::to_owned));
        }
        for remark in remarks {
            lines.push(format!(
                "{{\\footnotesize\\noindent Table~\\ref{{tab:{}}}: {}\\par}}",
                self.name,
                escaped(remark)
            ));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// The rows of each page, as even as can be.
fn pages(columns: &[&Laid], rows: usize) -> Vec<std::ops::Range<usize>> {
    let title = columns.iter().map(|column| column.title.len()).max().unwrap_or(0);
    let most = LINES.saturating_sub(title + 2).max(1);
    let all: usize = (0..rows).map(|row| height(columns, row)).sum();
    let even = all.div_ceil(all.div_ceil(most).max(1));
    let mut pages: Vec<std::ops::Range<usize>> = Vec::new();
    let mut used = 0;
    for row in 0..rows {
        match pages.last_mut() {
            Some(page) if used < even => page.end = row + 1,
            _ => {
                pages.push(row..row + 1);
                used = 0;
            }
        }
        used += height(columns, row);
    }
    if pages.is_empty() {
        pages.push(0..0);
    }
    pages
}

/// A text as LaTeX prints it. What cannot be seen is written out.
fn escaped(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let mut safe = String::with_capacity(text.len());
    let mut opens = true;
    for character in quote::line(&text).chars() {
        match character {
            '\\' => safe.push_str("\\textbackslash{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                safe.push('\\');
                safe.push(character);
            }
            '"' => safe.push_str(if opens { "``" } else { "''" }),
            other => match spelt(other) {
                Some(command) => safe.push_str(command),
                None => safe.push(other),
            },
        }
        opens = character.is_whitespace() || matches!(character, '(' | '[' | '·');
    }
    // A bracket that begins a row would be taken for the optional argument of the line's end before it.
    match safe.starts_with(['[', '*']) {
        true => format!("{{}}{safe}"),
        false => safe,
    }
}

/// What prints a character that LaTeX takes for something else, or that its fonts do not have.
fn spelt(character: char) -> Option<&'static str> {
    Some(match character {
        '~' => "\\textasciitilde{}",
        '^' => "\\textasciicircum{}",
        '<' => "\\textless{}",
        '>' => "\\textgreater{}",
        '|' => "\\textbar{}",
        '\u{a0}' => "~",
        '−' => "$-$",
        '–' => "--",
        '…' => "\\ldots{}",
        '·' => "\\textperiodcentered{}",
        '×' => "$\\times$",
        '≤' => "$\\le$",
        '≥' => "$\\ge$",
        '≠' => "$\\ne$",
        '≈' => "$\\approx$",
        '→' => "$\\to$",
        'Δ' => "$\\Delta$",
        'Σ' => "$\\Sigma$",
        'κ' => "$\\kappa$",
        'ρ' => "$\\rho$",
        'σ' => "$\\sigma$",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::{left, right};
    use super::*;

    fn table() -> Table {
        let rows = [
            ("a_b & 50 % of $x {y}", "+2.3 (−0.1 to +4.5)"),
            ("[M] · é~\\^", "52.1 (50.0–54.3)"),
        ];
        let columns = [
            left("system", |row: &(&str, &str)| row.0.to_owned()),
            right("difference <1", |row: &(&str, &str)| row.1.to_owned()),
        ];
        Table::of(
            "t",
            "A caption: 95 % intervals.\nκ is \"beyond chance\".",
            rows,
            &columns,
        )
    }

    #[test]
    fn every_character_is_printed_and_none_is_a_command() {
        let latex = table().latex();
        for line in [
            "\\caption{A caption: 95 \\% intervals.}",
            "{\\footnotesize\\noindent Table~\\ref{tab:t}: $\\kappa$ is ``beyond chance''.\\par}",
            "\\label{tab:t}",
            "\\begin{tabular}{lr}",
            "system & difference \\textless{}1 \\\\",
            "a\\_b \\& 50 \\% of \\$x \\{y\\} & +2.3 ($-$0.1 to +4.5) \\\\",
            "{}[M] \\textperiodcentered{} é\\textasciitilde{}\\textbackslash{}\\textasciicircum{} & 52.1 (50.0--54.3) \\\\",
        ] {
            assert!(latex.lines().any(|found| found == line), "{line} is not in:\n{latex}");
        }
    }

    #[test]
    fn braces_and_environments_balance() {
        let latex = table().latex();
        let mut depth = 0;
        let mut escape = false;
        for character in latex.chars() {
            match character {
                '{' if !escape => depth += 1,
                '}' if !escape => depth -= 1,
                _ => {}
            }
            assert!(depth >= 0, "{latex}");
            escape = character == '\\' && !escape;
        }
        assert_eq!(depth, 0, "{latex}");
        for environment in ["table", "tabular"] {
            let count = |word: &str| latex.matches(&format!("\\{word}{{{environment}}}")).count();
            assert_eq!((count("begin"), count("end")), (1, 1));
        }
    }
}
