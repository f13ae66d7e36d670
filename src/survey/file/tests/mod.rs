//! Files of every kind, good and bad.

use std::fmt::Write as _;
use std::io::Write as _;

use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::super::demographics::{Demographics, IncomeGrouping};
use super::super::question_id::QuestionId;
use super::super::synth::{SyntheticOptions, SyntheticProfile, write_synthetic};
use super::super::types::{DemographicValue, Form};
use super::report::{FileKind, Separator};
use super::*;

mod labels;
mod refused;
mod shapes;
mod spellings;

/// Synthetic people as the official CSV.
fn csv(respondents: usize) -> String {
    let options = SyntheticOptions {
        respondents,
        seed: 11,
        profile: SyntheticProfile::Surveyed,
    };
    let mut bytes = Vec::new();
    write_synthetic(&options, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn written(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn read_as(bytes: &[u8], income: IncomeGrouping, rule: RepeatedIds) -> Result<SurveyFile, SurveyError> {
    let demographics = Demographics::builtin(income).unwrap();
    SurveyFile::read(written(bytes).path(), Catalogue::builtin().unwrap(), demographics, rule)
}

fn read(text: &str) -> Result<SurveyFile, SurveyError> {
    read_as(text.as_bytes(), IncomeGrouping::Thirds, RepeatedIds::KeepAll)
}

fn fault(text: &str) -> FileError {
    match read(text) {
        Err(SurveyError::File(error)) => error,
        other => panic!("expected a fault of the file, got {other:?}"),
    }
}

/// A table that tests can change cell by cell.
#[derive(Clone)]
struct WideTable(Vec<Vec<String>>);

impl WideTable {
    fn new(text: &str) -> Self {
        Self(
            text.lines()
                .map(|line| line.split(',').map(str::to_owned).collect())
                .collect(),
        )
    }

    fn column(&self, name: &str) -> usize {
        self.0[0].iter().position(|column| column == name).unwrap()
    }

    fn set(&mut self, row: usize, column: &str, value: &str) {
        let at = self.column(column);
        self.0[row][at] = value.to_owned();
    }

    fn remove(&mut self, column: &str) {
        let at = self.column(column);
        for row in &mut self.0 {
            row.remove(at);
        }
    }

    fn text(&self, separator: &str) -> String {
        self.0.iter().map(|row| row.join(separator) + "\n").collect()
    }
}

fn code(file: &SurveyFile, person: usize, id: &str) -> Option<i32> {
    let at = Demographics::builtin(IncomeGrouping::Thirds)
        .unwrap()
        .index_of(id)
        .unwrap();
    file.respondents.demographic(person, at)?.code()
}

#[test]
fn the_official_layout_is_read_with_commas_or_semicolons_quotes_labels_and_a_bom() {
    let plain = csv(40);
    let first = read(&plain).unwrap();
    assert_eq!(first.report.kind, FileKind::CrossNational);
    assert_eq!(first.report.rows, 40);
    assert!(first.respondents.synthetic() && first.report.synthetic);
    assert!(first.report.unknown_codes.is_empty());

    let mut table = WideTable::new(&plain);
    for name in &mut table.0[0] {
        *name = format!("\"{name}: some label, with; separators\"");
    }
    for row in &mut table.0[1..] {
        for field in row {
            *field = format!("\"{field}\"");
        }
    }
    let country = read(&format!("\u{feff}{}", table.text(";"))).unwrap();
    assert_eq!(country.report.kind, FileKind::CrossNational);
    assert_eq!(country.report.separator, Some(Separator::Semicolon));
    for person in 0..40 {
        assert_eq!(
            first.respondents.respondent(person),
            country.respondents.respondent(person)
        );
    }
}

#[test]
fn codes_become_groups_and_missing_codes_become_nothing() {
    let mut table = WideTable::new(&csv(1));
    for (column, value) in [
        ("Q1", "3"),
        ("Q2", "-1"),
        ("Q3", ""),
        ("Q164", "6"),
        ("Q4", "2.0"),
        ("Q5", " 4 "),
    ] {
        table.set(1, column, value);
    }
    let file = read(&table.text(",")).unwrap();
    let catalogue = Catalogue::builtin().unwrap();
    let answer = |id| {
        file.respondents
            .answer(0, catalogue.index_of(QuestionId::number(id)).unwrap())
    };
    assert_eq!((answer(1).refined, answer(1).polar), (Some(2), Some(1)));
    assert_eq!((answer(2).refined, answer(2).polar), (None, None));
    assert_eq!(answer(3).polar, None);
    assert_eq!((answer(4).refined, answer(5).refined), (Some(1), Some(3)));
    assert_eq!((answer(164).refined, answer(164).polar), (Some(2), Some(1)));
    assert!(file.report.missing["blank"] >= 1 && file.report.missing["-1"] >= 1);
}

#[test]
fn unknown_codes_are_counted_by_column_and_never_guessed() {
    let mut table = WideTable::new(&csv(3));
    table.set(1, "Q241", "0");
    table.set(2, "Q241", "0");
    table.set(3, "Q1", "77");
    table.set(3, "Q273", "12");
    let file = read(&table.text(",")).unwrap();
    assert_eq!(file.report.unknown_codes["Q241"][&0], 2);
    assert_eq!(file.report.unknown_codes["Q1"][&77], 1);
    assert_eq!(file.report.unknown_demographics["Q273"][&12], 1);
    assert!(
        !file.report.unknown_codes.contains_key("Q273"),
        "answers and demographics are counted apart"
    );
    assert_eq!(
        file.respondents.groups(2, Form::Polar)[0],
        super::super::respondents::MISSING
    );
    assert_eq!(code(&file, 2, "Q273"), None);
}

#[test]
fn age_bands_and_income_thirds_are_computed_where_the_file_lacks_them() {
    let mut table = WideTable::new(&csv(2));
    table.set(1, "Q262", "47");
    table.set(1, "Q288", "8");
    table.set(2, "Q262", "-2");
    table.set(2, "Q288", "3");
    table.remove("X003R");
    table.remove("Q288R");
    let file = read(&table.text(",")).unwrap();
    assert_eq!(file.report.derived_columns, ["X003R", "Q288R"]);
    assert_eq!((code(&file, 0, "X003R"), code(&file, 0, "Q288R")), (Some(4), Some(3)));
    assert_eq!((code(&file, 1, "X003R"), code(&file, 1, "Q288R")), (None, Some(1)));

    let halves = read_as(table.text(",").as_bytes(), IncomeGrouping::Halves, RepeatedIds::KeepAll).unwrap();
    let at = Demographics::builtin(IncomeGrouping::Halves)
        .unwrap()
        .index_of("Q288")
        .unwrap();
    assert_eq!(halves.respondents.demographic(0, at), Some(DemographicValue::Code(8)));

    table.remove("Q290");
    let file = read(&table.text(",")).unwrap();
    assert_eq!(file.report.absent_columns, ["Q290"]);
}

#[test]
fn a_country_that_shares_one_interview_number_is_kept_or_collapses() {
    let mut table = WideTable::new(&csv(6));
    for row in 1..=4 {
        table.set(row, "D_INTERVIEW", "858070001");
        table.set(row, "B_COUNTRY", "858");
    }
    let text = table.text(",");
    let all = read(&text).unwrap();
    assert_eq!(all.respondents.len(), 6);
    assert_eq!(all.respondents.id(3), "858070001-4");
    assert_eq!(all.respondents.index_of("858070001-4"), Some(3));
    let paper = read_as(text.as_bytes(), IncomeGrouping::Thirds, RepeatedIds::FirstOnly).unwrap();
    assert_eq!(paper.respondents.len(), 3);
    let uruguay = &paper.report.repeated_ids[0];
    assert_eq!(
        (uruguay.country.as_str(), uruguay.rows, uruguay.kept),
        ("Uruguay", 4, 1)
    );
}

fn read_bytes(bytes: &[u8]) -> Result<SurveyFile, SurveyError> {
    read_as(bytes, IncomeGrouping::Thirds, RepeatedIds::KeepAll)
}

/// The same people, whatever else the two files say of themselves.
fn same_people(a: &SurveyFile, b: &SurveyFile) {
    assert_eq!(a.respondents.len(), b.respondents.len());
    for person in 0..a.respondents.len() {
        assert_eq!(a.respondents.respondent(person), b.respondents.respondent(person));
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A ZIP archive as archivers write it: each member deflated, with its checksum.
fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut common = Vec::new();
        for word in [20_u16, 0, 8, 0, 0x21] {
            common.extend(word.to_le_bytes());
        }
        for long in [crc.sum(), packed.len() as u32, content.len() as u32] {
            common.extend(long.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        let offset = bytes.len() as u32;
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(&packed);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        bytes.extend((members.len() as u16).to_le_bytes());
    }
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

/// The same people as a label file: one JSON object each.
fn labels(people: usize, form: Form, codes: bool) -> (SurveyFile, String) {
    let catalogue = Catalogue::builtin().unwrap();
    let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
    let file = read(&csv(people)).unwrap();
    let mut text = String::new();
    for person in file.respondents.iter() {
        let mut object = serde_json::Map::new();
        object.insert("D_INTERVIEW".into(), person.id.as_str().into());
        object.insert("num_valid_questions".into(), 0.into());
        for (question, answer) in catalogue.questions.iter().zip(&person.answers) {
            let group = answer.group(form).map_or(-99, |group| group as i64);
            object.insert(question.id.to_string(), group.into());
            if codes {
                let code = answer
                    .refined
                    .map_or(-2, |at| question.refined[usize::from(at)].codes[0]);
                object.insert(format!("{}_aid", question.id), code.into());
            }
        }
        for (dimension, value) in demographics.dimensions.iter().zip(&person.demographics) {
            let sentence = value.as_ref().and_then(|value| dimension.sentence(value));
            object.insert(dimension.id.clone(), sentence.map_or((-99).into(), Into::into));
            if let (true, Some(DemographicValue::Code(code))) = (codes, value) {
                object.insert(format!("{}_aid", dimension.id), (*code).into());
            }
        }
        writeln!(text, "{}", serde_json::Value::Object(object)).unwrap();
    }
    (file, text)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever the bytes, reading ends with people or an error.
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_as(&bytes, IncomeGrouping::Thirds, RepeatedIds::KeepAll);
    }

    /// The same for a good file with a few bytes replaced, cut anywhere.
    #[test]
    fn damaged_files_never_panic(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<proptest::sample::Index>(),
        json in any::<bool>(),
    ) {
        let mut bytes = if json { labels(1, Form::Polar, true).1 } else { csv(2) }.into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()));
        let _ = read_as(&bytes, IncomeGrouping::Thirds, RepeatedIds::KeepAll);
    }
}
