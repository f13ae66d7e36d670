//! Tables for papers: LaTeX with booktabs.

use super::table::{Align, Table};
use crate::base::quote;

/// What a document must load for these tables.
const PACKAGES: &str = "% \\usepackage{booktabs,graphicx}";

/// Tables one below the other, with what they need.
pub fn document(tables: &[Table]) -> String {
    let tables: Vec<String> = tables.iter().map(Table::latex).collect();
    format!("{PACKAGES}\n\n{}", tables.join("\n"))
}

impl Table {
    /// A floating table with a caption and a label, `tab:` and its name. What is wider than the line is made as wide.
    pub fn latex(&self) -> String {
        let aligns = self.columns.iter().map(|(_, align)| match align {
            Align::Left => 'l',
            Align::Right => 'r',
        });
        let row = |cells: &mut dyn Iterator<Item = &str>| {
            let cells: Vec<String> = cells.map(escaped).collect();
            format!("{} \\\\", cells.join(" & "))
        };
        let titles = self.columns.iter().map(|(title, _)| title.as_str());
        let mut lines = vec![
            "\\begin{table}[htbp]".to_owned(),
            "\\centering".to_owned(),
            format!("\\caption{{{}}}", escaped(&self.caption)),
            format!("\\label{{tab:{}}}", self.name),
            "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%".to_owned(),
            format!("\\begin{{tabular}}{{{}}}", aligns.collect::<String>()),
            "\\toprule".to_owned(),
            row(&mut titles.into_iter()),
            "\\midrule".to_owned(),
        ];
        let rows = self.rows.iter().map(|cells| row(&mut cells.iter().map(String::as_str)));
        lines.extend(rows);
        lines.extend(["\\bottomrule", "\\end{tabular}}", "\\end{table}", ""].map(str::to_owned));
        lines.join("\n")
    }
}

/// A text as LaTeX prints it. Lines are joined, and what cannot be seen is written out.
fn escaped(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let mut safe = String::with_capacity(text.len());
    for character in quote::line(&text).chars() {
        match character {
            '\\' => safe.push_str("\\textbackslash{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                safe.push('\\');
                safe.push(character);
            }
            '~' => safe.push_str("\\textasciitilde{}"),
            '^' => safe.push_str("\\textasciicircum{}"),
            '<' => safe.push_str("\\textless{}"),
            '>' => safe.push_str("\\textgreater{}"),
            '|' => safe.push_str("\\textbar{}"),
            '"' => safe.push_str("''"),
            '\u{a0}' => safe.push('~'),
            '−' => safe.push_str("$-$"),
            '–' => safe.push_str("--"),
            '…' => safe.push_str("\\ldots{}"),
            '·' => safe.push_str("\\textperiodcentered{}"),
            'κ' => safe.push_str("$\\kappa$"),
            'σ' => safe.push_str("$\\sigma$"),
            other => safe.push(other),
        }
    }
    // A bracket that begins a row would be taken for the optional argument of the line's end before it.
    match safe.starts_with(['[', '*']) {
        true => format!("{{}}{safe}"),
        false => safe,
    }
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
            "\\caption{A caption: 95 \\% intervals. $\\kappa$ is ''beyond chance''.}",
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
