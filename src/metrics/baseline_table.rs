//! Baselines by column: a run has one row a probe, and whole rows take hundreds of bytes each.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::met::{Met, NOWHERE, small};
use crate::survey::QuestionId;

/// What the baselines without a model said of one probe: positions among the probe's candidates, as in
/// [`Outcome::prediction`](crate::scoring::Outcome::prediction).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineRow {
    /// The respondent's id.
    pub respondent: String,
    /// 1, 2 or 3.
    pub split: u8,
    /// The probed question.
    pub question: QuestionId,
    /// The most common answer of the others; absent where nobody else answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub majority: Option<usize>,
    /// Whether the two commonest answers of everyone are at most one answer apart: leaving out the person's own then
    /// decides which of them is the majority.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub near_tie: bool,
    /// The answer most common among the k most similar others, by k.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resemblance: BTreeMap<usize, usize>,
    /// What naive Bayes says; absent where nobody else answered, and in runs that were made before it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub naive_bayes: Option<usize>,
}

/// What the baselines say of a run's probes, in the order in which it was added. In JSON a list of [`BaselineRow`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BaselineTable {
    respondents: Met<String>,
    questions: Met<QuestionId>,
    rows: Vec<BaselineEntry>,
    /// Numbers of similar others, ascending within a row, and what these say.
    votes: Vec<(u32, u32)>,
}

/// One row in 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct BaselineEntry {
    respondent: u32,
    question: u32,
    majority: u32,
    naive_bayes: u32,
    /// Where its votes end; they begin where those of the row before do.
    end: u32,
    split: u8,
    near_tie: bool,
}

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub struct TabledBaseline<'a> {
    /// Number of the respondent in [`BaselineTable::respondents`].
    pub person: usize,
    /// 1, 2 or 3.
    pub split: u8,
    /// The probed question.
    pub question: QuestionId,
    /// The most common answer of the others.
    pub majority: Option<usize>,
    /// Whether leaving out the person's own answer decides which is the commonest.
    pub near_tie: bool,
    /// What naive Bayes says.
    pub naive_bayes: Option<usize>,
    votes: &'a [(u32, u32)],
}

impl TabledBaseline<'_> {
    /// The answer most common among the k most similar others.
    pub fn resemblance(&self, k: usize) -> Option<usize> {
        let vote = self.votes.iter().find(|(others, _)| *others as usize == k);
        vote.map(|(_, answer)| *answer as usize)
    }

    /// The same among the most others that were asked.
    pub fn widest_resemblance(&self) -> Option<usize> {
        self.votes.last().map(|(_, answer)| *answer as usize)
    }
}

impl BaselineTable {
    /// Adds a row.
    pub fn push(&mut self, row: &BaselineRow) {
        let votes = row.resemblance.iter();
        self.votes.extend(votes.map(|(&k, &answer)| (small(k), small(answer))));
        self.rows.push(BaselineEntry {
            respondent: self.respondents.number(&row.respondent),
            question: self.questions.number(&row.question),
            majority: row.majority.map_or(NOWHERE, small),
            naive_bayes: row.naive_bayes.map_or(NOWHERE, small),
            end: small(self.votes.len()),
            split: row.split,
            near_tie: row.near_tie,
        });
    }

    /// Whoever has a row.
    pub fn respondents(&self) -> &[String] {
        self.respondents.all()
    }

    /// The row at a position.
    pub fn get(&self, at: usize) -> Option<TabledBaseline<'_>> {
        let row = self.rows.get(at)?;
        let from = at.checked_sub(1).map_or(0, |before| self.rows[before].end);
        Some(TabledBaseline {
            person: row.respondent as usize,
            split: row.split,
            question: self.questions.all()[row.question as usize],
            majority: somewhere(row.majority),
            near_tie: row.near_tie,
            naive_bayes: somewhere(row.naive_bayes),
            votes: &self.votes[from as usize..row.end as usize],
        })
    }

    /// All rows.
    pub fn iter(&self) -> impl Iterator<Item = TabledBaseline<'_>> {
        (0..self.rows.len()).filter_map(|at| self.get(at))
    }

    /// The same, each on its own.
    pub fn rows(&self) -> impl Iterator<Item = BaselineRow> {
        self.iter().map(|row| BaselineRow {
            respondent: self.respondents()[row.person].clone(),
            split: row.split,
            question: row.question,
            majority: row.majority,
            near_tie: row.near_tie,
            resemblance: row
                .votes
                .iter()
                .map(|&(k, answer)| (k as usize, answer as usize))
                .collect(),
            naive_bayes: row.naive_bayes,
        })
    }

    /// Adds the rows of another table from a position on that are about this respondent; gives the position behind them.
    pub fn take_of(&mut self, respondent: &str, other: &Self, mut at: usize) -> usize {
        while let Some(row) = other
            .get(at)
            .filter(|row| other.respondents()[row.person] == respondent)
        {
            self.votes.extend(row.votes);
            self.rows.push(BaselineEntry {
                respondent: self.respondents.number(&other.respondents()[row.person]),
                question: self.questions.number(&row.question),
                end: small(self.votes.len()),
                ..other.rows[at]
            });
            at += 1;
        }
        at
    }

    /// The numbers of similar others that were asked, ascending.
    pub fn neighbours(&self) -> BTreeSet<usize> {
        self.votes.iter().map(|(k, _)| *k as usize).collect()
    }
}

/// A position, where it is one.
fn somewhere(position: u32) -> Option<usize> {
    (position != NOWHERE).then_some(position as usize)
}

impl Extend<BaselineRow> for BaselineTable {
    fn extend<I: IntoIterator<Item = BaselineRow>>(&mut self, rows: I) {
        rows.into_iter().for_each(|row| self.push(&row));
    }
}

impl FromIterator<BaselineRow> for BaselineTable {
    fn from_iter<I: IntoIterator<Item = BaselineRow>>(rows: I) -> Self {
        let mut table = Self::default();
        table.extend(rows);
        table
    }
}

impl Serialize for BaselineTable {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.rows())
    }
}

impl<'de> Deserialize<'de> for BaselineTable {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(RowByRow)
    }
}

/// Takes a list up row by row; none is kept as it came.
struct RowByRow;

impl<'de> serde::de::Visitor<'de> for RowByRow {
    type Value = BaselineTable;

    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("a list of what baselines say")
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<BaselineTable, A::Error> {
        let mut table = BaselineTable::default();
        while let Some(row) = list.next_element::<BaselineRow>()? {
            table.push(&row);
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_and_written_as_the_list_that_it_is() {
        let list = concat!(
            r#"[{"respondent":"b","split":1,"question":"Q9","majority":2,"resemblance":{"1":0,"20":3},"naive_bayes":1},"#,
            r#"{"respondent":"b","split":2,"question":"Q7","near_tie":true},"#,
            r#"{"respondent":"a","split":1,"question":"Q9","majority":0,"resemblance":{"5":1}}]"#
        );
        let table: BaselineTable = serde_json::from_str(list).expect("a list");
        assert_eq!(serde_json::to_string(&table).expect("JSON"), list);
        assert_eq!(table.respondents(), ["b", "a"]);
        assert_eq!(table.neighbours(), BTreeSet::from([1, 5, 20]));
        let told: Vec<_> = table
            .iter()
            .map(|row| (row.person, row.majority, row.resemblance(1), row.naive_bayes))
            .collect();
        let expected = [
            (0, Some(2), Some(0), Some(1)),
            (0, None, None, None),
            (1, Some(0), None, None),
        ];
        assert_eq!(told, expected);
        assert_eq!(table.iter().next().and_then(|row| row.widest_resemblance()), Some(3));
        assert_eq!(table.rows().collect::<BaselineTable>(), table);
        assert!(serde_json::from_str::<BaselineTable>(r#"[{"respondent":"b"}]"#).is_err());
        let mut both = BaselineTable::default();
        assert_eq!((both.take_of("a", &table, 0), both.take_of("b", &table, 0)), (0, 2));
        assert_eq!((both.take_of("a", &table, 2), both.take_of("a", &table, 3)), (3, 3));
        assert_eq!(both, table);
    }
}
