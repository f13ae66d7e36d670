//! Tables with a row an answer: which columns say whose answer it is, to what, and what it is.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::columns::{ColumnKind, MOST_ANSWERS, is_demographic, is_named_id, kind, plain_name};
use super::writer::quoted;
use crate::base::text::count;
use crate::survey::error::SurveyError;
use crate::survey::file::{ColumnOverview, TableOverview};

/// Fewer questions than this are waves or conditions.
const FEWEST_QUESTIONS: usize = 3;

/// So many pairs of columns are looked at, each in a pass through the file.
const MOST_PAIRS: usize = 8;

/// What columns are called that name the question, in small letters.
const QUESTIONS: [&str; 7] = [
    "item",
    "item_id",
    "itemid",
    "question",
    "question_id",
    "variable",
    "statement",
];

/// What columns are called that hold the answer, the surest first.
const ANSWERS: [&str; 8] = [
    "answer", "response", "resp", "value", "rating", "score", "choice", "code",
];

/// What columns are called that tell repeated rows of countries, firms or people apart: neither a person nor a question.
const TIMES: [&str; 7] = ["year", "month", "day", "date", "time", "wave", "period"];

/// What rows seem to be.
pub(super) enum RowsAre {
    People,
    /// Perhaps answers: the column that says whose.
    Either(usize),
    Answers(LongGuess),
}

/// The columns of a table with a row an answer.
pub(super) struct LongGuess {
    person: usize,
    question: usize,
    answer: usize,
    /// Columns that might hold the answer as well.
    others: Vec<usize>,
    crossing: Crossing,
}

/// Rows by their values in two columns, the person's and the question's.
struct Crossing {
    /// Columns that say the same in all rows of a person, and in all of a question.
    same_of_person: Vec<bool>,
    same_of_question: Vec<bool>,
    /// Questions in the order of the file.
    questions: Vec<String>,
}

/// The rows that have one value in a column are compared with the first of them.
struct FirstRows {
    at: usize,
    known: HashMap<Box<[u8]>, usize>,
    rows: Vec<Vec<Box<[u8]>>>,
    same: Vec<bool>,
}

impl FirstRows {
    fn new(at: usize, columns: usize) -> Self {
        Self {
            at,
            known: HashMap::new(),
            rows: Vec::new(),
            same: vec![true; columns],
        }
    }

    /// The number of the row's value.
    fn meet(&mut self, row: &[&[u8]]) -> usize {
        let value = row.get(self.at).copied().unwrap_or_default();
        if let Some(&number) = self.known.get(value) {
            for ((same, cell), first) in self.same.iter_mut().zip(row).zip(&self.rows[number]) {
                *same &= **cell == **first;
            }
            return number;
        }
        self.known.insert(value.into(), self.rows.len());
        self.rows.push(row.iter().map(|cell| (*cell).into()).collect());
        self.rows.len() - 1
    }
}

impl Crossing {
    /// Nothing where two rows have the same two values.
    fn of(path: &Path, table: &TableOverview, (person, question): (usize, usize)) -> Result<Option<Self>, SurveyError> {
        let mut people = FirstRows::new(person, table.columns.len());
        let mut questions = FirstRows::new(question, table.columns.len());
        let mut pairs = HashSet::new();
        let mut once = true;
        TableOverview::each_row(path, |row| {
            once = once && pairs.insert((people.meet(row), questions.meet(row)));
        })?;
        let name = |row: &Vec<Box<[u8]>>| String::from_utf8_lossy(&row[question]).into_owned();
        Ok(once.then(|| Self {
            questions: questions.rows.iter().map(name).collect(),
            same_of_person: people.same,
            same_of_question: questions.same,
        }))
    }
}

impl RowsAre {
    /// Finds out what a row of the table at `path` is.
    ///
    /// # Errors
    /// A file that cannot be read a second time.
    pub(super) fn of(path: &Path, table: &TableOverview) -> Result<Self, SurveyError> {
        let repeats = |column: &ColumnOverview| is_named_id(column) && is_key(column, table.rows);
        let mut either = table.columns.iter().position(repeats);
        for (person, question) in pairs(table) {
            let Some(crossing) = Crossing::of(path, table, (person, question))? else {
                continue;
            };
            either = either.or(Some(person));
            let mut answers = answers(table, &crossing).into_iter();
            let is_column = |name: &String| table.columns.iter().any(|column| column.name == *name);
            if let Some(answer) = answers.next()
                && !crossing.questions.iter().any(is_column)
            {
                return Ok(Self::Answers(LongGuess {
                    person,
                    question,
                    answer,
                    others: answers.collect(),
                    crossing,
                }));
            }
        }
        Ok(either.map_or(Self::People, Self::Either))
    }

    /// Lines of `[file]`.
    pub(super) fn lines(&self, table: &TableOverview) -> String {
        let name = |at: usize| quoted(&table.columns[at].name);
        let distinct = |at: usize| count(table.columns[at].distinct as u64);
        let rows = count(table.rows);
        match self {
            Self::People => String::new(),
            Self::Either(person) => format!(
                "# CHECK: {rows} rows have {} different values of {}: if a row is an answer, add layout = \"long\" (GUIDE, \
                 \"Your own survey\")\n",
                distinct(*person),
                table.columns[*person].name
            ),
            Self::Answers(long) => {
                let others: Vec<String> = long.others.iter().map(|&at| name(at)).collect();
                let or = match others.is_empty() {
                    true => String::new(),
                    false => format!(": or {}", others.join(", ")),
                };
                format!(
                    "layout = \"long\"        # CHECK: a row is an answer; {rows} rows have {} different values of {} and {} of {}\n\
                     question = {}\nanswer = {}        # CHECK{or}\n",
                    distinct(long.person),
                    table.columns[long.person].name,
                    distinct(long.question),
                    table.columns[long.question].name,
                    name(long.question),
                    name(long.answer),
                )
            }
        }
    }
}

impl LongGuess {
    /// The table with a row a person: behind the columns of the file stands one for each question.
    ///
    /// # Errors
    /// A file that cannot be read again.
    pub(super) fn spread(
        &self,
        path: &Path,
        mut table: TableOverview,
    ) -> Result<(TableOverview, Vec<ColumnKind>), SurveyError> {
        let names = &self.crossing.questions;
        let places: HashMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (&**name, at)).collect();
        let named = names.iter().map(|name| ColumnOverview::named(name, false));
        let mut questions: Vec<ColumnOverview> = named.collect();
        let mut asked = vec![0; questions.len()];
        TableOverview::each_row(path, |row| {
            let cell = |at: usize| row.get(at).copied().unwrap_or_default();
            if let Some(&at) = places.get(&*String::from_utf8_lossy(cell(self.question))) {
                questions[at].meet(cell(self.answer));
                asked[at] += 1;
            }
        })?;
        let people = table.columns[self.person].distinct as u64;
        for (question, asked) in questions.iter_mut().zip(asked) {
            question.blank += people.saturating_sub(asked);
        }
        let about = |(at, column): (usize, &ColumnOverview)| match kind(column, people) {
            _ if at == self.person => ColumnKind::Id,
            _ if at == self.question || at == self.answer => ColumnKind::Long,
            ColumnKind::Demographic | ColumnKind::Question { .. } if self.crossing.same_of_person[at] => {
                ColumnKind::Demographic
            }
            _ => ColumnKind::Other,
        };
        let mut kinds: Vec<ColumnKind> = table.columns.iter().enumerate().map(about).collect();
        kinds.extend(questions.iter().map(|question| kind(question, people)));
        table.columns.append(&mut questions);
        table.rows = people;
        Ok((table, kinds))
    }
}

/// Whether a definition can name a column that has a value in every row, and no more than half as many as rows.
fn is_key(column: &ColumnOverview, rows: u64) -> bool {
    let distinct = column.distinct as u64;
    !column.name.is_empty() && !column.repeated && column.blank == 0 && distinct > 2 && 2 * distinct <= rows
}

/// Columns that may say whose answer a row is, and to which question; those that are called so first.
fn pairs(table: &TableOverview) -> Vec<(usize, usize)> {
    let rows = table.rows;
    let columns = || {
        table
            .columns
            .iter()
            .enumerate()
            .filter(|(_, column)| is_key(column, rows))
    };
    let is_named = |column: &ColumnOverview| QUESTIONS.contains(&plain_name(column).as_str());
    let is_time = |column: &ColumnOverview| TIMES.contains(&plain_name(column).as_str());
    let is_text = |column: &ColumnOverview| column.values.keys().all(|value| value.parse::<f64>().is_err());
    let mut found = Vec::new();
    for (person, who) in columns() {
        for (question, what) in columns() {
            let cells = who.distinct as u64 * what.distinct as u64;
            // By its name a column tells people apart even where some skipped questions; otherwise all answered all.
            let fits = match is_named_id(who) {
                true => (rows..=2 * rows).contains(&cells),
                false => {
                    let many = who.distinct > MOST_ANSWERS.max(what.distinct);
                    many && !is_time(who) && cells == rows && who.is_even() && what.is_even()
                }
            };
            let asks = is_named(what) || is_text(what) && !is_time(what) && !is_demographic(what);
            if fits && asks && person != question && what.distinct >= FEWEST_QUESTIONS {
                found.push((!is_named(what), person, question));
            }
        }
    }
    found.sort_unstable();
    found.truncate(MOST_PAIRS);
    found
        .into_iter()
        .map(|(_, person, question)| (person, question))
        .collect()
}

/// Columns that may hold the answers, the likeliest first: none where several may and none is called so.
fn answers(table: &TableOverview, crossing: &Crossing) -> Vec<usize> {
    let holds = |at: &usize| {
        let column = &table.columns[*at];
        let fixed = crossing.same_of_person[*at] || crossing.same_of_question[*at];
        let can_be_named = !column.repeated && !column.name.is_empty();
        !fixed && can_be_named && matches!(kind(column, table.rows), ColumnKind::Question { .. })
    };
    let rank = |at: usize| {
        let name = plain_name(&table.columns[at]);
        ANSWERS.iter().position(|known| *known == name).unwrap_or(ANSWERS.len())
    };
    let mut found: Vec<usize> = (0..table.columns.len()).filter(holds).collect();
    found.sort_by_key(|&at| rank(at));
    match found.first() {
        Some(&first) if found.len() > 1 && rank(first) == ANSWERS.len() => Vec::new(),
        _ => found,
    }
}
