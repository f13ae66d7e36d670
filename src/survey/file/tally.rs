//! What all readers share: group tables by code, unique ids, counts of missing and unknown codes.

use std::collections::{BTreeMap, HashMap};

use super::super::builtin::BuiltinSurvey;
use super::super::demographics::Demographics;
use super::super::respondents::{MISSING, MISSING_CODE};
use super::super::types::{Catalogue, Form, Question};
use super::code::Code;
use super::report::{RepeatedIds, RepeatedInCountry, SEVERAL_COUNTRIES};

/// Codes of answers are small; a table by code beats a search.
const TABLE: usize = 16;

/// Groups of one question by answer code.
pub(super) struct GroupTable {
    refined: [u8; TABLE],
    polar: [u8; TABLE],
}

impl GroupTable {
    fn new(question: &Question) -> Self {
        let fill = |form| {
            let mut table = [MISSING; TABLE];
            for (group, statement) in question.statements(form).iter().enumerate() {
                for &code in &statement.codes {
                    // A catalogue of the user's may have codes beyond the table; `get` below answers for those.
                    if let Some(entry) = usize::try_from(code).ok().and_then(|code| table.get_mut(code)) {
                        *entry = group as u8;
                    }
                }
            }
            table
        };
        Self {
            refined: fill(Form::Refined),
            polar: fill(Form::Polar),
        }
    }

    /// The (refined, polar) groups of a code; absent where the catalogue does not know the code.
    pub(super) fn groups(&self, question: &Question, code: i64) -> Option<(u8, u8)> {
        let (refined, polar) = match usize::try_from(code).ok().filter(|&code| code < TABLE) {
            Some(code) => (self.refined[code], self.polar[code]),
            None => {
                let code = i16::try_from(code).ok()?;
                let group = |form| question.group_of_code(form, code).map_or(MISSING, |group| group as u8);
                (group(Form::Refined), group(Form::Polar))
            }
        };
        (polar != MISSING).then_some((refined, polar))
    }
}

/// The tables of all questions, in the catalogue's order.
pub(super) fn group_tables(catalogue: &Catalogue) -> Vec<GroupTable> {
    catalogue.questions.iter().map(GroupTable::new).collect()
}

/// Counts what is missing or unknown while a file is read.
pub(super) struct ReadTally {
    survey: &'static BuiltinSurvey,
    /// Blank, then the survey's codes for no answer.
    missing: Vec<u64>,
    /// What is missing in a file of a survey of one's own, by why.
    named: BTreeMap<&'static str, u64>,
    texts: BTreeMap<String, BTreeMap<String, u64>>,
    /// Answers of a survey of one's own.
    given: u64,
    answers: Unknown,
    demographics: Unknown,
}

/// Codes without a meaning, by column, and how often each was met.
type Unknown = BTreeMap<String, BTreeMap<i64, u64>>;

fn count(unknown: &mut Unknown, column: &str, code: i64) {
    // Looked up before inserted: the name is copied once a column, not once a row.
    if !unknown.contains_key(column) {
        unknown.insert(column.to_owned(), BTreeMap::new());
    }
    if let Some(codes) = unknown.get_mut(column) {
        *codes.entry(code).or_default() += 1;
    }
}

/// What a [`ReadTally`] comes to.
pub(super) struct Counted {
    /// Answers, where a definition says which there are.
    pub(super) given: u64,
    /// Missing answers by code.
    pub(super) missing: BTreeMap<String, u64>,
    /// Codes of answers without a meaning.
    pub(super) answers: Unknown,
    /// Answers that a definition does not cover.
    pub(super) texts: BTreeMap<String, BTreeMap<String, u64>>,
    /// Demographic codes without a meaning.
    pub(super) demographics: Unknown,
}

impl ReadTally {
    /// Nothing counted yet.
    pub(super) fn new(survey: &'static BuiltinSurvey) -> Self {
        Self {
            survey,
            missing: vec![0; 1 + survey.missing_codes().len()],
            named: BTreeMap::new(),
            texts: BTreeMap::new(),
            given: 0,
            answers: Unknown::new(),
            demographics: Unknown::new(),
        }
    }

    /// Counts an answer that is missing.
    pub(super) fn missing(&mut self, code: Code) {
        let mut codes = self.survey.missing_codes().iter();
        let at = codes.position(|&known| code == Code::Number(known));
        self.missing[at.map_or(0, |at| at + 1)] += 1;
    }

    /// Counts an answer that is missing for a reason that has a name.
    pub(super) fn named(&mut self, why: &'static str) {
        *self.named.entry(why).or_default() += 1;
    }

    /// Counts an answer of a survey of one's own.
    pub(super) fn given(&mut self) {
        self.given += 1;
    }

    /// Counts an answer that no answer of a definition covers.
    pub(super) fn unknown_text(&mut self, question: &str, answer: &str) {
        let answers = self.texts.entry(question.to_owned()).or_default();
        *answers.entry(answer.to_owned()).or_default() += 1;
    }

    /// Counts an answer whose code has no meaning.
    pub(super) fn unknown(&mut self, question: &str, code: i64) {
        count(&mut self.answers, question, code);
    }

    /// The value to store for a demographic code, which is counted where it has no meaning.
    pub(super) fn demographic(&mut self, demographics: &Demographics, dimension: usize, code: Code) -> i32 {
        let Code::Number(number) = code else {
            return MISSING_CODE;
        };
        if code.is_missing(self.survey) {
            return MISSING_CODE;
        }
        let dimension = &demographics.dimensions[dimension];
        match i32::try_from(number) {
            Ok(known) if dimension.group_of_code(known).is_some() => known,
            _ => {
                count(&mut self.demographics, &dimension.column, number);
                MISSING_CODE
            }
        }
    }

    /// For the report. A survey of one's own has reasons in place of codes (`by_reason`).
    pub(super) fn finish(self, by_reason: bool) -> Counted {
        let codes = self.survey.missing_codes().iter().map(i64::to_string);
        let names = std::iter::once("blank".to_owned()).chain(codes);
        let missing = match by_reason {
            false => names.zip(self.missing).collect(),
            true => self
                .named
                .into_iter()
                .map(|(why, times)| (why.to_owned(), times))
                .collect(),
        };
        Counted {
            given: self.given,
            missing,
            texts: self.texts,
            answers: self.answers,
            demographics: self.demographics,
        }
    }
}

/// What is known of an id.
struct MetId {
    /// The last number that was put behind it.
    number: u64,
    /// Rows with it, and people kept of them.
    rows: u64,
    kept: u64,
    /// The country of the first row with it, and others in which it was met.
    country: i32,
    elsewhere: Vec<i32>,
}

impl MetId {
    /// An id met for the first time, or made up.
    fn new(country: i32, rows: u64) -> Self {
        Self {
            number: 1,
            rows,
            kept: rows,
            country,
            elsewhere: Vec::new(),
        }
    }

    /// Notes a country; whether the id is new there.
    fn is_new_in(&mut self, country: i32) -> bool {
        let known = self.country == country || self.elsewhere.contains(&country);
        if !known {
            self.elsewhere.push(country);
        }
        !known
    }
}

/// Gives every kept person an id of their own.
pub(super) struct IdBook {
    rule: RepeatedIds,
    /// Every id, given or made.
    seen: HashMap<Box<str>, MetId>,
    /// By country code: rows, different ids, people kept.
    countries: BTreeMap<i32, [u64; 3]>,
}

impl IdBook {
    pub(super) fn new(rule: RepeatedIds) -> Self {
        Self {
            rule,
            seen: HashMap::new(),
            countries: BTreeMap::new(),
        }
    }

    /// The id under which a person is kept; absent where they are left out.
    pub(super) fn admit(&mut self, id: &str, country: i32) -> Option<String> {
        let counts = self.countries.entry(country).or_default();
        counts[0] += 1;
        let Some(met) = self.seen.get_mut(id) else {
            self.seen.insert(id.into(), MetId::new(country, 1));
            counts[1] += 1;
            counts[2] += 1;
            return Some(id.to_owned());
        };
        met.rows += 1;
        counts[1] += u64::from(met.is_new_in(country));
        if self.rule == RepeatedIds::FirstOnly {
            return None;
        }
        met.kept += 1;
        counts[2] += 1;
        let mut number = met.number;
        let unique = loop {
            number += 1;
            let candidate = format!("{id}-{number}");
            if !self.seen.contains_key(candidate.as_str()) {
                break candidate;
            }
        };
        if let Some(met) = self.seen.get_mut(id) {
            met.number = number;
        }
        self.seen.insert(unique.as_str().into(), MetId::new(country, 0));
        Some(unique)
    }

    /// What ids have in common that were met in several countries; absent where none was.
    fn across(&self) -> Option<RepeatedInCountry> {
        let shared = self.seen.values().filter(|met| !met.elsewhere.is_empty());
        let sums = shared.fold([0; 3], |[rows, ids, kept], met| {
            [rows + met.rows, ids + 1, kept + met.kept]
        });
        (sums[1] > 0).then(|| RepeatedInCountry {
            country: SEVERAL_COUNTRIES.to_owned(),
            rows: sums[0],
            ids: sums[1],
            kept: sums[2],
        })
    }

    /// The countries in which ids repeat, and what repeats from country to country.
    pub(super) fn finish(self, demographics: &Demographics) -> Vec<RepeatedInCountry> {
        let across = self.across();
        let country = demographics.country;
        let name = |code: i32| -> String {
            let dimension = country.map(|at| &demographics.dimensions[at]);
            let group = dimension.and_then(|dimension| Some(&dimension.groups()[dimension.group_of_code(code)?]));
            match (group, code) {
                (Some(group), _) => group.name.clone(),
                (None, MISSING_CODE) => "no country".to_owned(),
                (None, code) => format!("country {code}"),
            }
        };
        self.countries
            .into_iter()
            .filter(|(_, [rows, ids, _])| rows > ids)
            .map(|(code, [rows, ids, kept])| RepeatedInCountry {
                country: name(code),
                rows,
                ids,
                kept,
            })
            .chain(across)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::demographics::IncomeGrouping;
    use super::*;

    #[test]
    fn repeated_ids_become_unique_and_are_reported_by_country() {
        let mut book = IdBook::new(RepeatedIds::KeepAll);
        let mut ids = Vec::new();
        for (id, country) in [("7", 858), ("7", 858), ("7-3", 858), ("7", 858), ("8", 840), ("7", 858)] {
            ids.push(book.admit(id, country).unwrap());
        }
        assert_eq!(ids, ["7", "7-2", "7-3", "7-4", "8", "7-5"]);
        let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
        let report = book.finish(demographics);
        assert_eq!(report.len(), 1);
        assert_eq!(report[0].country, "Uruguay");
        assert_eq!((report[0].rows, report[0].ids, report[0].kept), (5, 2, 5));
    }

    #[test]
    fn a_number_that_countries_share_is_told_once() {
        for (rule, kept) in [(RepeatedIds::KeepAll, 4), (RepeatedIds::FirstOnly, 1)] {
            let mut book = IdBook::new(rule);
            for (id, country) in [("7", 858), ("7", 32), ("8", 32), ("7", 840), ("7", 32)] {
                book.admit(id, country);
            }
            let report = book.finish(Demographics::builtin(IncomeGrouping::Thirds).unwrap());
            let told: Vec<_> = report.iter().map(|r| (r.country.as_str(), r.rows, r.ids)).collect();
            assert_eq!(told, [("Argentina", 3, 2), (SEVERAL_COUNTRIES, 4, 1)]);
            assert_eq!(report[1].kept, kept);
        }
    }

    #[test]
    fn the_papers_rule_keeps_the_first_only() {
        let mut book = IdBook::new(RepeatedIds::FirstOnly);
        assert_eq!(book.admit("7", 858).as_deref(), Some("7"));
        assert_eq!(book.admit("7", 858), None);
        let report = book.finish(Demographics::builtin(IncomeGrouping::Thirds).unwrap());
        assert_eq!((report[0].rows, report[0].ids, report[0].kept), (2, 1, 1));
    }
}
