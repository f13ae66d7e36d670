//! Names in a survey's definition that its file does not have.

use std::path::PathBuf;

use crate::base::near::{near, nearest_first};

/// Columns, or questions of a table with a row an answer, that a definition names and the file does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}, {}, which the survey's definition names{}",
    path.display(), self.absence(), self.presence()
)]
pub struct UndefinedNames {
    /// The file.
    pub path: PathBuf,
    /// What they should have been.
    pub sought: NamedThing,
    /// All of them.
    pub names: Vec<String>,
    /// The names that are there; none where the reader does not know how they are spelt.
    pub known: Vec<String>,
}

/// Where a definition's name should be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedThing {
    /// In the header, whose line is this, of a table with a row a person.
    Column(u64),
    /// In the header of a table with a row an answer.
    ColumnOfLong(u64),
    /// In the header of a list of respondents.
    ColumnOfList(u64),
    /// In the column of this name, which holds the questions of a table with a row an answer.
    Question(String),
}

impl UndefinedNames {
    fn absence(&self) -> String {
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let names = listed(&names);
        match &self.sought {
            NamedThing::Column(line) | NamedThing::ColumnOfLong(line) | NamedThing::ColumnOfList(line) => {
                format!("line {line}: no column {names}")
            }
            NamedThing::Question(column) => format!("column {column}: no question {names}"),
        }
    }

    /// What is there, the nearest first.
    fn presence(&self) -> String {
        let holder = match self.sought {
            NamedThing::Question(_) => "the column has",
            _ => "the file has",
        };
        match self.known.as_slice() {
            [] => String::new(),
            known => format!("; {holder} {}", listed(&nearest_first(&self.names, known))),
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> String {
        /// So many names at once are no slips.
        const MANY: usize = 3;
        let meant = |asked: &str| {
            let name = near(asked, self.known.iter().map(String::as_str)).into_iter().next()?;
            Some(format!("is `{asked}` meant to be `{name}`? "))
        };
        let meant = match self.names.as_slice() {
            [one] => meant(one).unwrap_or_default(),
            _ => String::new(),
        };
        let hint = match self.sought {
            NamedThing::Column(_) if self.names.len() >= MANY => {
                "correct the names in the definition, or remove what names them; where a row is an answer and not a person, say \
                 `layout = \"long\"` in [file]"
            }
            NamedThing::Column(_) => {
                "correct the name in the definition, or remove what names it; a column can be named by its place, too: `#12`"
            }
            NamedThing::ColumnOfLong(_) => {
                "with `layout = \"long\"`, `question` and `answer` in [file] and `id` in [person] name columns of the file; \
                 where a row is a person and not an answer, remove `layout`"
            }
            NamedThing::ColumnOfList(_) => {
                "a list of respondents is a CSV file whose first line names the columns that `id` in [person] names; where rows \
                 are numbered, the column `id`"
            }
            NamedThing::Question(_) => {
                "a question's `column` (or its `id`) is written as it stands in that column, letter by letter: correct it, or \
                 remove the question"
            }
        };
        format!("{meant}{hint}")
    }
}

/// Names, a few of them, each between marks: names may be sentences.
fn listed(names: &[&str]) -> String {
    const MOST: usize = 8;
    let shown: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
