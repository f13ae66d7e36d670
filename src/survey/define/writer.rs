//! The definition as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::columns::{ColumnKind, MOST_ANSWERS, ordered, spaced};
use super::scales::Scales;
use crate::survey::file::{ColumnOverview, TableOverview};

/// A category has at least so many questions; columns whose names begin alike are one.
const LEAST_OF_CATEGORY: usize = 3;

/// Writes a definition.
pub(super) struct DefinitionWriter<'a> {
    pub table: &'a TableOverview,
    /// What each column is.
    pub kinds: &'a [ColumnKind],
    pub scales: Scales,
    /// Lines of `[file]` on what a row is.
    pub layout: String,
}

impl DefinitionWriter<'_> {
    pub fn write(&self, path: &Path, out: &mut String) -> std::fmt::Result {
        self.head(path, out)?;
        self.missing(out)?;
        writeln!(out, "[probes]\nper_category = {}", self.per_category())?;
        writeln!(out, "wrap = false")?;
        if self.columns().any(|(column, _)| column.blank * 4 > self.table.rows) {
            writeln!(
                out,
                "of = \"answered\"        # CHECK: more than a quarter of some questions is blank"
            )?;
        }
        for (at, answers) in self.scales.sets.iter().enumerate() {
            self.scale(at, answers, out)?;
        }
        self.questions(out)?;
        for (column, kind) in self.table.columns.iter().zip(self.kinds) {
            match kind {
                ColumnKind::Demographic => self.demographic(column, out)?,
                ColumnKind::Other => {
                    let (name, distinct) = (&column.name, column.distinct);
                    writeln!(
                        out,
                        "\n# not used: column {}, {distinct} different values",
                        quoted(name)
                    )?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Columns of questions.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&ColumnOverview, &ColumnKind)> {
        let all = self.table.columns.iter().zip(self.kinds);
        all.filter(|(_, kind)| matches!(kind, ColumnKind::Question { .. } | ColumnKind::Options(_)))
    }

    fn head(&self, path: &Path, out: &mut String) -> std::fmt::Result {
        let stem = path
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let name = path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        writeln!(
            out,
            "# Written by `indieval survey define {name}`; lines with CHECK are guesses."
        )?;
        writeln!(out, "# GUIDE.md, \"Your own survey\", describes every key.\n")?;
        writeln!(out, "name = {}", quoted(&stem))?;
        writeln!(
            out,
            "words = \"a survey\"        # CHECK: as in \"One person took part in a survey\""
        )?;
        writeln!(out, "# citation = \"\"\n# licence = \"\"\n")?;
        writeln!(out, "[file]\ndelimiter = {}", quoted(&self.table.separator.to_string()))?;
        if self.table.header_rows != 1 {
            writeln!(out, "header_rows = {}", self.table.header_rows)?;
        }
        out.push_str(&self.layout);
        writeln!(out, "\n[person]")?;
        let id = self.kinds.iter().position(|kind| *kind == ColumnKind::Id);
        match id.map(|at| self.table.columns[at].name.as_str()) {
            Some("") => writeln!(
                out,
                "id = \"#{}\"        # a column without a name, told by its place\n",
                id.unwrap_or(0) + 1
            )?,
            Some(name) => writeln!(out, "id = {}\n", quoted(name))?,
            None => writeln!(
                out,
                "# id = \"...\"   # CHECK: no column tells people apart; they are numbered by their rows\n"
            )?,
        }
        Ok(())
    }

    fn missing(&self, out: &mut String) -> std::fmt::Result {
        let mut codes: Vec<&String> = Vec::new();
        for kind in self.kinds {
            if let ColumnKind::Question { missing, .. } = kind {
                codes.extend(missing);
            }
        }
        codes.sort_unstable();
        codes.dedup();
        writeln!(out, "[missing]")?;
        if !codes.is_empty() {
            let codes: Vec<&str> = codes.into_iter().map(String::as_str).collect();
            writeln!(
                out,
                "codes = [{}]        # CHECK: or `not_asked`, where a question was not put",
                codes.join(", ")
            )?;
        }
        writeln!(out, "texts = [\"\", \"NA\"]\n")
    }

    /// As many probes of a category as leave others to be shown, at most three.
    fn per_category(&self) -> usize {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (column, _) in self.columns() {
            *counts.entry(self.category(column)).or_default() += 1;
        }
        let fewest = counts.values().min().copied().unwrap_or(0);
        (fewest / 3).clamp(1, 3)
    }

    fn scale(&self, at: usize, answers: &[String], out: &mut String) -> std::fmt::Result {
        writeln!(out, "\n[scale.{}]", scale_name(at))?;
        let numeric = answers.iter().all(|answer| answer.parse::<f64>().is_ok());
        if numeric {
            writeln!(out, "answers = [        # CHECK: labels, and which way the scale runs")?;
            for answer in answers {
                writeln!(out, "    {{ code = {}, label = {} }},", number(answer), quoted(answer))?;
            }
            writeln!(out, "]")?;
            return Ok(());
        }
        let (labels, known) = ordered(answers.to_vec());
        let labels: Vec<String> = labels
            .iter()
            .map(|label| match (known, spaced(label)) {
                (true, words) if words != *label => {
                    format!("{{ text = {}, label = {} }}", quoted(label), quoted(&words))
                }
                _ => format!("{{ text = {} }}", quoted(label)),
            })
            .collect();
        writeln!(out, "answers = [{}]", labels.join(", "))?;
        match known {
            true => Ok(()),
            false => writeln!(
                out,
                "nominal = true        # CHECK: put the answers in order and remove this, if they have one"
            ),
        }
    }

    /// The letters that a name begins with, where several columns begin alike; else all questions are one category.
    pub(super) fn category(&self, column: &ColumnOverview) -> String {
        let begin = beginning(&column.name);
        let alike = self
            .columns()
            .filter(|(other, _)| beginning(&other.name) == begin)
            .count();
        match !begin.is_empty() && alike >= LEAST_OF_CATEGORY {
            true => begin.to_owned(),
            false => "All".to_owned(),
        }
    }

    fn demographic(&self, column: &ColumnOverview, out: &mut String) -> std::fmt::Result {
        let name = &column.name;
        writeln!(out, "\n[[demographic]]\ncolumn = {}", quoted(name))?;
        writeln!(
            out,
            "# template = \"...{{label}}\"        # CHECK: a sentence; without one it reads \"{name}: {{label}}\""
        )?;
        let numeric = column.values.keys().all(|value| value.parse::<f64>().is_ok());
        if numeric && column.distinct > MOST_ANSWERS {
            writeln!(
                out,
                "bands = [[-inf, 29], [30, 44], [45, 59], [60, inf]]        # CHECK"
            )
        } else {
            let values = ordered(column.values.keys().cloned().collect()).0;
            writeln!(out, "answers = [        # CHECK: labels")?;
            for value in &values {
                let (key, shown) = match numeric {
                    true => ("code", number(value)),
                    false => ("text", quoted(value)),
                };
                writeln!(out, "    {{ {key} = {shown}, label = {} }},", quoted(value))?;
            }
            writeln!(out, "]")
        }
    }
}

/// Letters up to the first digit or mark.
fn beginning(name: &str) -> &str {
    let end = name.find(|letter: char| !letter.is_alphabetic()).unwrap_or(0);
    &name[..end]
}

pub(super) fn scale_name(at: usize) -> String {
    format!("scale{}", at + 1)
}

/// A text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A key as TOML writes it.
pub(super) fn key(name: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// A number as TOML writes it: without the zero or plus in front that files may have.
fn number(text: &str) -> String {
    text.parse::<f64>()
        .map_or_else(|_| quoted(text), |number| number.to_string())
}
