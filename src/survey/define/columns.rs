//! What columns of a file of answers seem to be, by their names and values.

use crate::survey::file::ColumnOverview;

/// A column with so many different values at most is a question.
pub(super) const MOST_ANSWERS: usize = 12;

/// Of a cell that holds several options, at most so many different ones.
const MOST_OPTIONS: usize = 20;

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
const IDS: [&str; 21] = [
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
    "person",
    "person_id",
    "participant",
    "participant_id",
    "subject",
    "subject_id",
    "subj",
    "user",
    "user_id",
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
    &["no", "perhaps", "maybe", "yes"],
];

/// What a column seems to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ColumnKind {
    Id,
    /// Its answers, and codes that seem to mean "no answer".
    Question {
        answers: Vec<String>,
        missing: Vec<String>,
    },
    Options(Vec<String>),
    Demographic,
    /// The question or the answer of a table with a row an answer.
    Long,
    Other,
}

pub(super) fn is_id(column: &ColumnOverview, rows: u64) -> bool {
    column.blank == 0 && column.distinct as u64 == rows && (column.name.is_empty() || is_named_id(column))
}

/// Whether a column is called as those are that tell people apart.
pub(super) fn is_named_id(column: &ColumnOverview) -> bool {
    IDS.contains(&plain_name(column).as_str())
}

/// Whether a column is called as facts about people are.
pub(super) fn is_demographic(column: &ColumnOverview) -> bool {
    DEMOGRAPHIC.contains(&plain_name(column).as_str())
}

/// A column's name in small letters, without the single quotes that some files put around all.
pub(super) fn plain_name(column: &ColumnOverview) -> String {
    let name = column.name.to_lowercase();
    let bare = name.strip_prefix('\'').and_then(|name| name.strip_suffix('\''));
    bare.map_or_else(|| name.clone(), str::to_owned)
}

pub(super) fn kind(column: &ColumnOverview, rows: u64) -> ColumnKind {
    if is_demographic(column) {
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
pub(super) fn ordered(mut labels: Vec<String>) -> (Vec<String>, bool) {
    for order in ORDERS {
        let place = |label: &String| {
            let label = spaced(label).to_lowercase();
            order.iter().position(|known| *known == label)
        };
        if labels.iter().all(|label| place(label).is_some()) {
            labels.sort_by_key(place);
            return (labels, true);
        }
    }
    (labels, false)
}

/// A label as words: `StronglyAgree`, `strongly_agree` and `Strongly.agree` are two.
pub(super) fn spaced(label: &str) -> String {
    let mut words = String::with_capacity(label.len() + 2);
    let mut small = false;
    for letter in label.chars() {
        match letter {
            '_' | '.' => words.push(' '),
            _ if small && letter.is_uppercase() => words.extend([' '].into_iter().chain(letter.to_lowercase())),
            _ => words.push(letter),
        }
        small = letter.is_lowercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_without_spaces_are_in_the_order_of_those_with_them() {
        let labels = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let run_together = [
            "Agree",
            "Disagree",
            "NeitherAgreeNorDisagree",
            "StronglyAgree",
            "StronglyDisagree",
        ];
        let sorted = [
            "StronglyDisagree",
            "Disagree",
            "NeitherAgreeNorDisagree",
            "Agree",
            "StronglyAgree",
        ];
        assert_eq!(ordered(labels(&run_together)), (labels(&sorted), true));
        let joined = ["very_good", "good", "Very.poor"];
        assert_eq!(
            ordered(labels(&joined)),
            (labels(&["Very.poor", "good", "very_good"]), true)
        );
        assert!(!ordered(labels(&["AgreeStrongly", "Perhaps"])).1);
        assert_eq!(spaced("StronglyAgree"), "Strongly agree");
        assert_eq!(spaced("USA"), "USA");
    }

    #[test]
    fn quotes_around_a_name_are_no_part_of_what_it_says() {
        let column = |name: &str| ColumnOverview::named(name, false);
        assert!(is_demographic(&column("'Educ'")) && is_named_id(&column("'id'")));
        assert!(!is_demographic(&column("'educ")) && !is_demographic(&column("'")));
    }
}
