//! A first definition of a survey, guessed from a file of its answers. Whatever is a guess is marked in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::error::SurveyError;
use super::file::{ColumnOverview, TableOverview, overview};

/// A column with so many different values at most is a question.
const MOST_ANSWERS: usize = 12;

/// Of a cell that holds several options, at most so many different ones.
const MOST_OPTIONS: usize = 20;

/// A category has at least so many questions; columns whose names begin alike are one.
const LEAST_OF_CATEGORY: usize = 3;

/// What columns of demographic facts are called, in small letters.
const DEMOGRAPHIC: [&str; 18] = [
    "age",
    "sex",
    "gender",
    "education",
    "educ",
    "degree",
    "country",
    "race",
    "ethnicity",
    "income",
    "marital",
    "religion",
    "relig",
    "region",
    "department",
    "party",
    "employment",
    "occupation",
];

/// What columns that tell people apart are called.
const IDS: [&str; 12] = [
    "id",
    "pid",
    "respid",
    "responseid",
    "respondent",
    "respondent_id",
    "caseid",
    "case",
    "twin_id",
    "qkey",
    "uniqid",
    "rownames",
];

/// Codes that stand for "no answer" by custom, where they lie apart from the others.
const MISSING_CODES: [i64; 14] = [77, 88, 98, 99, 777, 888, 998, 999, 7777, 8888, 9999, -9, -99, -100];

/// Orders of labels that many questionnaires share, in small letters.
const ORDERS: [&[&str]; 8] = [
    &[
        "strongly disagree",
        "disagree",
        "somewhat disagree",
        "slightly disagree",
        "neutral",
        "neither agree nor disagree",
        "neither",
        "slightly agree",
        "somewhat agree",
        "agree",
        "strongly agree",
    ],
    &[
        "disagree strongly",
        "disagree a little",
        "neither agree nor disagree",
        "agree a little",
        "agree strongly",
    ],
    &["never", "rarely", "seldom", "sometimes", "often", "usually", "always"],
    &[
        "not at all",
        "a little",
        "slightly",
        "somewhat",
        "moderately",
        "quite a bit",
        "very",
        "very much",
        "extremely",
    ],
    &[
        "not at all important",
        "not very important",
        "not important",
        "somewhat important",
        "rather important",
        "important",
        "very important",
        "extremely important",
    ],
    &[
        "very dissatisfied",
        "dissatisfied",
        "neutral",
        "satisfied",
        "very satisfied",
    ],
    &["very poor", "poor", "fair", "good", "very good", "excellent"],
    &["no", "yes"],
];

/// The definition of the survey whose answers stand in a file, as far as the file tells: columns, values, scales that
/// columns share. What it cannot tell (wording, categories, which values mean "no answer") is marked `CHECK`.
///
/// # Errors
/// A file that cannot be read as a table.
pub fn define(path: &Path) -> Result<String, SurveyError> {
    let table = overview(path)?;
    let id = table.columns.iter().find(|column| is_id(column, table.rows));
    let kinds: Vec<ColumnKind> = table
        .columns
        .iter()
        .map(|column| match id.is_some_and(|id| std::ptr::eq(id, column)) {
            true => ColumnKind::Id,
            false => kind(column, table.rows),
        })
        .collect();
    let mut text = String::new();
    let written = DefinitionWriter {
        table: &table,
        kinds: &kinds,
        scales: scales(&table, &kinds),
    };
    // Writing to a text cannot fail.
    let _ = written.write(path, &mut text);
    Ok(text)
}

/// What a column seems to be.
#[derive(Debug, Clone, PartialEq)]
enum ColumnKind {
    Id,
    /// Its answers, and codes that seem to mean "no answer".
    Question {
        answers: Vec<String>,
        missing: Vec<String>,
    },
    Options(Vec<String>),
    Demographic,
    Other,
}

fn is_id(column: &ColumnOverview, rows: u64) -> bool {
    let name = column.name.to_lowercase();
    column.blank == 0 && column.distinct as u64 == rows && (name.is_empty() || IDS.contains(&name.as_str()))
}

fn kind(column: &ColumnOverview, rows: u64) -> ColumnKind {
    let name = column.name.to_lowercase();
    if DEMOGRAPHIC.contains(&name.as_str()) {
        return ColumnKind::Demographic;
    }
    if let Some(options) = options(column) {
        return ColumnKind::Options(options);
    }
    let few = (2..=MOST_ANSWERS + 4).contains(&column.distinct) && (column.distinct as u64) < rows;
    if !few {
        return ColumnKind::Other;
    }
    let (answers, missing) = apart(column);
    match (2..=MOST_ANSWERS).contains(&answers.len()) {
        true => ColumnKind::Question { answers, missing },
        false => ColumnKind::Other,
    }
}

/// The options of a column whose cells hold several, separated by semicolons.
fn options(column: &ColumnOverview) -> Option<Vec<String>> {
    if column.values.len() < column.distinct || !column.values.keys().any(|cell| cell.contains(';')) {
        return None;
    }
    let mut options: Vec<String> = Vec::new();
    for part in column.values.keys().flat_map(|cell| cell.split(';')) {
        let part = part.trim().to_owned();
        if !part.is_empty() && !options.contains(&part) {
            options.push(part);
        }
    }
    (options.len() <= MOST_OPTIONS).then_some(options)
}

/// The answers of a column in order, and apart from them the codes that by custom mean none.
fn apart(column: &ColumnOverview) -> (Vec<String>, Vec<String>) {
    let codes: Option<Vec<(i64, &String)>> = column
        .values
        .keys()
        .map(|value| Some((value.parse::<f64>().ok().and_then(whole)?, value)))
        .collect();
    let Some(mut codes) = codes else {
        return (ordered(column.values.keys().cloned().collect()).0, Vec::new());
    };
    codes.sort_unstable();
    let is_missing = |code: i64| {
        MISSING_CODES.contains(&code) && !codes.iter().any(|(other, _)| *other == code - 1 || *other == code + 1)
            || code < -20
            || (code > 50 && MISSING_CODES.contains(&code))
    };
    let (missing, answers): (Vec<_>, Vec<_>) = codes.iter().partition(|(code, _)| is_missing(*code));
    let texts = |codes: Vec<&(i64, &String)>| codes.into_iter().map(|(_, text)| (*text).clone()).collect();
    (texts(answers), texts(missing))
}

fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 1e9).then_some(number as i64)
}

/// Labels in the order that questionnaires give them; whether that order is known.
fn ordered(mut labels: Vec<String>) -> (Vec<String>, bool) {
    for order in ORDERS {
        let place = |label: &String| order.iter().position(|known| *known == label.to_lowercase());
        if labels.iter().all(|label| place(label).is_some()) {
            labels.sort_by_key(place);
            return (labels, true);
        }
    }
    (labels, false)
}

/// Scales by the answers that they have: columns whose answers are among those of another share its scale.
fn scales(table: &TableOverview, kinds: &[ColumnKind]) -> Vec<Vec<String>> {
    let mut sets: Vec<Vec<String>> = Vec::new();
    for kind in kinds {
        if let ColumnKind::Question { answers, .. } = kind
            && !sets.contains(answers)
        {
            sets.push(answers.clone());
        }
    }
    debug_assert_eq!(table.columns.len(), kinds.len());
    let within =
        |small: &[String], large: &[String]| small.len() < large.len() && small.iter().all(|one| large.contains(one));
    let largest = |set: &&Vec<String>| !sets.iter().any(|other| within(set, other));
    sets.iter().filter(largest).cloned().collect()
}

struct DefinitionWriter<'a> {
    table: &'a TableOverview,
    kinds: &'a [ColumnKind],
    scales: Vec<Vec<String>>,
}

impl DefinitionWriter<'_> {
    fn write(&self, path: &Path, out: &mut String) -> std::fmt::Result {
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
        for (at, answers) in self.scales.iter().enumerate() {
            self.scale(at, answers, out)?;
        }
        for (column, kind) in self.columns() {
            self.question(column, kind, out)?;
        }
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
    fn columns(&self) -> impl Iterator<Item = (&ColumnOverview, &ColumnKind)> {
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
            .map(|label| format!("{{ text = {} }}", quoted(label)))
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

    fn question(&self, column: &ColumnOverview, kind: &ColumnKind, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\n[[question]]\nid = {}", quoted(&self.id(column)))?;
        if column.repeated {
            let place = self.place(column);
            writeln!(
                out,
                "column = \"#{place}\"        # several columns are called {}",
                quoted(&column.name)
            )?;
        }
        writeln!(out, "category = {}        # CHECK", quoted(&self.category(column)))?;
        let text = if column.text.is_empty() {
            &column.name
        } else {
            &column.text
        };
        writeln!(out, "text = {}        # CHECK: the wording", quoted(text.trim()))?;
        match kind {
            ColumnKind::Options(options) => {
                let options: Vec<String> = options.iter().map(|option| quoted(option)).collect();
                writeln!(
                    out,
                    "type = \"multi\"\nseparator = \";\"\noptions = [{}]",
                    options.join(", ")
                )
            }
            ColumnKind::Question { answers, .. } => {
                let has_all = |scale: &Vec<String>| answers.iter().all(|answer| scale.contains(answer));
                let at = self.scales.iter().position(has_all).unwrap_or(0);
                writeln!(out, "scale = {}", quoted(&scale_name(at)))
            }
            _ => Ok(()),
        }
    }

    /// The column's number in the file, from 1.
    fn place(&self, column: &ColumnOverview) -> usize {
        let columns = &self.table.columns;
        columns
            .iter()
            .position(|other| std::ptr::eq(other, column))
            .unwrap_or(0)
            + 1
    }

    fn id(&self, column: &ColumnOverview) -> String {
        let place = self.place(column);
        match column.repeated || column.name.is_empty() {
            true => format!("{} ({place})", column.name).trim().to_owned(),
            false => column.name.clone(),
        }
    }

    /// The letters that a name begins with, where several columns begin alike; else all questions are one category.
    fn category(&self, column: &ColumnOverview) -> String {
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

fn scale_name(at: usize) -> String {
    format!("scale{}", at + 1)
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A number as TOML writes it: without the zero or plus in front that files may have.
fn number(text: &str) -> String {
    text.parse::<f64>()
        .map_or_else(|_| quoted(text), |number| number.to_string())
}
