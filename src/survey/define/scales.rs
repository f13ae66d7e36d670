//! Scales that columns share.

use super::columns::ColumnKind;

/// A question may lack one answer of a scale that has at least so many. On a shorter one the answer that nobody gave
/// makes another scale of it: 0 and 1 are no part of 0, 1 and 2.
const LEAST_TO_LACK: usize = 4;

/// The scales of a table. Columns with the same answers have one; so has a column that lacks a single answer of many,
/// where more columns have them all than lack that one.
pub(super) struct Scales {
    /// Answers by scale, in the order in which the file first has them.
    pub(super) sets: Vec<Vec<String>>,
}

impl Scales {
    pub(super) fn of(kinds: &[ColumnKind]) -> Self {
        let mut counts: Vec<(&Vec<String>, usize)> = Vec::new();
        for kind in kinds {
            if let ColumnKind::Question { answers, .. } = kind {
                match counts.iter_mut().find(|(set, _)| *set == answers) {
                    Some((_, columns)) => *columns += 1,
                    None => counts.push((answers, 1)),
                }
            }
        }
        // The longest first: a set that is taken into a longer one takes none in itself.
        let mut by_length = counts.clone();
        by_length.sort_by_key(|(set, _)| std::cmp::Reverse(set.len()));
        let mut own: Vec<(&Vec<String>, usize)> = Vec::new();
        for (set, columns) in by_length {
            let taken = own.iter().any(|(scale, more)| lacks_one(set, scale) && *more > columns);
            if !taken {
                own.push((set, columns));
            }
        }
        let sets = counts
            .iter()
            .filter(|(set, _)| own.iter().any(|(scale, _)| scale == set));
        Self {
            sets: sets.map(|(set, _)| (*set).clone()).collect(),
        }
    }

    /// The place of the scale that has a column's answers: exactly these, or one more.
    pub(super) fn place(&self, answers: &[String]) -> usize {
        let exact = self.sets.iter().position(|scale| scale == answers);
        let near = || self.sets.iter().position(|scale| lacks_one(answers, scale));
        exact.or_else(near).unwrap_or(0)
    }
}

/// Whether a column has all answers of a scale but one.
fn lacks_one(answers: &[String], scale: &[String]) -> bool {
    scale.len() >= LEAST_TO_LACK
        && answers.len() + 1 == scale.len()
        && answers.iter().all(|answer| scale.contains(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns by their answers, letter by letter.
    fn questions(columns: &[&str]) -> Vec<ColumnKind> {
        let question = |answers: &&str| ColumnKind::Question {
            answers: answers.chars().map(String::from).collect(),
            missing: Vec::new(),
        };
        columns.iter().map(question).collect()
    }

    fn sets(columns: &[&str]) -> Vec<String> {
        Scales::of(&questions(columns))
            .sets
            .iter()
            .map(|set| set.concat())
            .collect()
    }

    #[test]
    fn a_column_with_few_answers_is_on_a_scale_of_its_own() {
        assert_eq!(sets(&["01234567", "01"]), ["01234567", "01"]);
        assert_eq!(
            sets(&["012", "012", "01"]),
            ["012", "01"],
            "yes and no are no part of three"
        );
        assert_eq!(sets(&["ABCDE", "ABCDE", "AB"]), ["ABCDE", "AB"]);
    }

    #[test]
    fn a_column_that_lacks_one_of_many_answers_shares_the_scale_of_most() {
        assert_eq!(sets(&["1234", "12345", "12345"]), ["12345"]);
        // As in anes96: one question from 0 to 7, three from 1 to 7.
        assert_eq!(
            sets(&["01234567", "1234567", "1234567", "1234567"]),
            ["01234567", "1234567"]
        );
        // Two answers fewer than the longest, one fewer than one that is no scale itself.
        let columns = ["12345", "12345", "12345", "1234", "1234", "123"];
        assert_eq!(sets(&columns), ["12345", "123"]);
        let scales = Scales::of(&questions(&columns));
        let place = |letters: &str| scales.place(&letters.chars().map(String::from).collect::<Vec<_>>());
        assert_eq!([place("12345"), place("1234"), place("123")], [0, 0, 1]);
    }
}
