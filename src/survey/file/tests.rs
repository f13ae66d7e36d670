//! Files of every kind, good and bad.

use std::fmt::Write as _;
use std::io::Write as _;

use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::super::demographics::{Demographics, IncomeGrouping};
use super::super::synth::{SyntheticOptions, SyntheticProfile, write_synthetic};
use super::super::types::{DemographicValue, Form, QuestionId};
use super::*;

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
struct Table(Vec<Vec<String>>);

impl Table {
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

    let mut table = Table::new(&plain);
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
    let mut table = Table::new(&csv(1));
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
    let answer = |id| file.respondents.answer(0, catalogue.index_of(QuestionId(id)).unwrap());
    assert_eq!((answer(1).refined, answer(1).polar), (Some(2), Some(1)));
    assert_eq!((answer(2).refined, answer(2).polar), (None, None));
    assert_eq!(answer(3).polar, None);
    assert_eq!((answer(4).refined, answer(5).refined), (Some(1), Some(3)));
    assert_eq!((answer(164).refined, answer(164).polar), (Some(2), Some(1)));
    assert!(file.report.missing["blank"] >= 1 && file.report.missing["-1"] >= 1);
}

#[test]
fn unknown_codes_are_counted_by_column_and_never_guessed() {
    let mut table = Table::new(&csv(3));
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
    let mut table = Table::new(&csv(2));
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
    let mut table = Table::new(&csv(6));
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

#[test]
fn bad_files_are_refused_with_place_and_remedy() {
    let good = csv(3);
    let header = good.lines().next().unwrap();
    let table = Table::new(&good);
    let with = |change: &dyn Fn(&mut Table)| {
        let mut changed = table.clone();
        change(&mut changed);
        changed.text(",")
    };

    let missing = fault(&with(&|t| {
        t.remove("Q7");
        t.remove("D_INTERVIEW");
        t.remove("Q259");
    }));
    assert!(
        missing
            .to_string()
            .ends_with("line 1: 3 of the columns needed are missing: D_INTERVIEW, Q7, Q259")
    );
    let other_wave = fault(&with(&|t| {
        (100..180).for_each(|number| t.remove(&format!("Q{number}")))
    }));
    assert!(
        other_wave
            .to_string()
            .contains("64 of the columns needed are missing: Q100, "),
        "{other_wave}"
    );

    let inverted = fault(&with(&|t| {
        let at = t.column("Q1");
        t.0[0][at] = "Q1P".to_owned();
    }));
    assert!(matches!(inverted, FileError::Inverted { .. }), "{inverted}");

    let labels = fault(&with(&|t| t.set(2, "Q1", "Very important")));
    assert!(
        labels
            .to_string()
            .ends_with("line 3, column Q1: `Very important` is not a numeric code"),
        "{labels}"
    );

    let colons = fault(&table.text(":"));
    assert!(
        colons.to_string().contains("line 1: no separator of columns"),
        "{colons}"
    );

    let cut = fault(&good[..good.len() - 200]);
    assert!(matches!(cut, FileError::Truncated { line: 4, .. }), "{cut}");
    let long = fault(&with(&|t| t.0[2].push("1".into())));
    assert!(matches!(long, FileError::RowLength { line: 3, .. }), "{long}");
    let short = fault(&with(&|t| t.0[2].truncate(100)));
    assert!(
        matches!(
            short,
            FileError::RowLength {
                line: 3,
                found: 100,
                ..
            }
        ),
        "{short}"
    );

    assert!(matches!(fault(""), FileError::Empty { .. }));
    assert!(matches!(fault("\n\n"), FileError::Empty { .. }));
    assert!(matches!(fault(&format!("{header}\n")), FileError::NoRows { .. }));
    let unnamed = fault(&with(&|t| t.set(1, "D_INTERVIEW", " ")));
    assert!(unnamed.to_string().contains("column D_INTERVIEW"), "{unnamed}");

    for error in [missing, other_wave, inverted, labels, colons, cut, long, short] {
        assert!(error.hint().is_some(), "{error}");
    }
}

#[test]
fn other_encodings_and_other_programs_files_are_named() {
    let utf16: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(csv(1).encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    for (bytes, expected) in [
        (utf16.as_slice(), "text in UTF-16"),
        (b"PK\x03\x04rest", "a ZIP archive: "),
        (b"$FL2@(#)", "an SPSS file"),
        (b"<stata_dta><header>", "a Stata file"),
        (b"PAR1\x15", "a Parquet file"),
        (b"\xd0\xcf\x11\xe0\xa1", "an old Excel spreadsheet"),
        (b"X\n\0\0\0\x03", "an R data file"),
        (b"Q1,\0,Q2\n1,2,3\n", "binary"),
    ] {
        let error = read_as(bytes, IncomeGrouping::Thirds, RepeatedIds::KeepAll).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().is_some(), "{error}");
    }
    // Latin-1 in a column that is read is an error; elsewhere (names of parties) it does not matter.
    let mut bytes = csv(2).into_bytes();
    let doi = bytes.windows(3).position(|window| window == b",,7").unwrap();
    bytes.splice(doi + 1..doi + 1, [0xe9]);
    assert!(read_as(&bytes, IncomeGrouping::Thirds, RepeatedIds::KeepAll).is_ok());
    let folder = tempfile::tempdir().unwrap();
    let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
    let error = SurveyFile::read(
        folder.path(),
        Catalogue::builtin().unwrap(),
        demographics,
        RepeatedIds::KeepAll,
    );
    assert!(matches!(error, Err(SurveyError::File(FileError::Directory { .. }))));
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

#[test]
fn archives_are_read_as_what_they_hold() {
    let plain = csv(12);
    let original = read(&plain).unwrap();
    same_people(&original, &read_bytes(&gzipped(plain.as_bytes())).unwrap());

    let archive = zipped(&[
        ("WVS/", b""),
        ("WVS/readme.pdf", b"%PDF"),
        ("__MACOSX/WVS/._people.csv", b"junk"),
        ("WVS/people.csv", plain.as_bytes()),
    ]);
    let unpacked = read_bytes(&archive).unwrap();
    same_people(&original, &unpacked);
    assert_eq!(unpacked.report.member.as_deref(), Some("WVS/people.csv"));

    let labelled = labels(3, Form::Polar, true);
    same_people(
        &labelled.0,
        &read_bytes(&zipped(&[("l.jsonl", labelled.1.as_bytes())])).unwrap(),
    );

    for (members, expected) in [
        (
            vec![("a.csv", plain.as_bytes()), ("b.csv", b"".as_slice())],
            "several tables: a.csv, b.csv",
        ),
        (vec![("WVS.sav", b"$FL2".as_slice())], "no table of text, only WVS.sav"),
        (
            vec![("[Content_Types].xml", b"<x/>".as_slice())],
            "an Excel spreadsheet",
        ),
        (vec![("inner.csv", b"$FL2@".as_slice())], "an SPSS file"),
    ] {
        let error = read_bytes(&zipped(&members)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().is_some());
    }

    // A flipped byte in the middle is found by the checksum, if unpacking does not stumble over it.
    let mut damaged = zipped(&[("people.csv", plain.as_bytes())]);
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x10;
    assert!(read_bytes(&damaged).is_err());
    let mut wrong_sum = zipped(&[("people.csv", plain.as_bytes())]);
    let sum = wrong_sum.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap() + 16;
    wrong_sum[sum] ^= 1;
    let error = read_bytes(&wrong_sum).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("checksum"), "{cause}");
    let cut = gzipped(plain.as_bytes());
    assert!(read_bytes(&cut[..cut.len() / 2]).is_err());
}

#[test]
fn every_separator_and_what_stands_above_or_below_the_table_is_handled() {
    let plain = csv(4);
    let table = Table::new(&plain);
    let original = read(&plain).unwrap();
    for (separator, name) in [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")] {
        let file = read(&table.text(separator)).unwrap();
        same_people(&original, &file);
        assert_eq!(serde_json::to_value(file.report.separator).unwrap(), name);
    }
    let width = table.0[0].len();
    for (text, skipped, empty) in [
        (format!("sep=;\r\n{}", table.text(";")), 0, 0),
        (format!("\u{feff}\n\r\n{plain}"), 0, 0),
        (format!("World Values Survey, wave 7\nIndia\n\n{plain}"), 2, 0),
        (format!("{plain}\n\n{}\n  \n", ",".repeat(width - 1)), 0, 2),
        (plain.replace('\n', ",\n"), 0, 0),
        (plain.replacen('\n', ",,\n", 1), 0, 0),
        (
            format!(
                "{header},,\n{rows}",
                header = plain.lines().next().unwrap(),
                rows = plain
                    .lines()
                    .skip(1)
                    .map(|row| row.to_owned() + ",,\n")
                    .collect::<String>()
            ),
            0,
            0,
        ),
    ] {
        let file = read(&text).unwrap();
        same_people(&original, &file);
        assert_eq!(
            (file.report.skipped_lines.len(), file.report.empty_rows),
            (skipped, empty),
            "{text:.60}"
        );
    }
    // Lines are counted from the top of the file.
    let mut broken = table.clone();
    broken.set(2, "Q1", "often");
    let error = fault(&format!("A title\n\n{}", broken.text(",")));
    assert!(error.to_string().contains("line 5, column Q1"), "{error}");
}

#[test]
fn quoted_fields_with_separators_and_line_breaks_and_bytes_of_other_encodings_shift_nothing() {
    let plain = csv(3);
    let original = read(&plain).unwrap();
    let mut table = Table::new(&plain);
    for (row, cells) in table.0.iter_mut().enumerate() {
        let town = if row == 0 {
            "N_TOWN: Name of\nthe place"
        } else {
            "\"Ahmedabad; \"\"East\"\"\nand around\""
        };
        cells.insert(
            8,
            if row == 0 {
                format!("\"{town}\"")
            } else {
                town.to_owned()
            },
        );
        cells.insert(
            9,
            if row == 0 {
                "H_SETTLEMENT".to_owned()
            } else {
                "Caf@".to_owned()
            },
        );
    }
    let text = table.text(";");
    let bytes: Vec<u8> = text
        .bytes()
        .map(|byte| if byte == b'@' { 0xe9 } else { byte })
        .collect();
    let file = read_bytes(&bytes).unwrap();
    same_people(&original, &file);
    // A label in Windows-1252 above a column is no reason to refuse it.
    let labelled = text.replacen("Q5;", "Q5: pol@tica;", 1);
    let bytes: Vec<u8> = labelled
        .bytes()
        .map(|byte| if byte == b'@' { 0xed } else { byte })
        .collect();
    same_people(&original, &read_bytes(&bytes).unwrap());
}

#[test]
fn missing_values_are_understood_in_every_spelling() {
    let mut table = Table::new(&csv(1));
    let words = ["NA", "NaN", "nan", "None", "NULL", ".", ".a", ".z", "#N/A", "N/A"];
    for (at, word) in words.into_iter().enumerate() {
        table.set(1, &format!("Q{}", at + 30), word);
    }
    for (question, value) in [("Q1", "+1"), ("Q2", "2,0"), ("Q3", "\"3,0\"")] {
        table.set(1, question, value);
    }
    let file = read(&table.text(";")).unwrap();
    let catalogue = Catalogue::builtin().unwrap();
    let answer = |id| {
        file.respondents
            .answer(0, catalogue.index_of(QuestionId(id)).unwrap())
            .refined
    };
    assert!((30..40).all(|id| answer(id).is_none()));
    assert_eq!((answer(1), answer(2), answer(3)), (Some(0), Some(1), Some(2)));
    assert!(file.report.missing["blank"] >= 10);
}

#[test]
fn whole_number_ids_are_one_id_in_every_spelling_and_rounded_ones_are_refused() {
    let mut table = Table::new(&csv(4));
    for (row, id) in ["356070001", "356070001.0", "3.56070001E+08", "356070002,0"]
        .into_iter()
        .enumerate()
    {
        table.set(row + 1, "D_INTERVIEW", id);
    }
    let file = read(&table.text(";")).unwrap();
    let ids: Vec<&str> = (0..4).map(|person| file.respondents.id(person)).collect();
    assert_eq!(ids, ["356070001", "356070001-2", "356070001-3", "356070002"]);
    table.set(2, "D_INTERVIEW", "3.5607E+08");
    let error = fault(&table.text(";"));
    assert!(
        error
            .to_string()
            .contains("line 3, column D_INTERVIEW: `3.5607E+08` is not an interview number with all of its digits"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("spreadsheet"));
}

#[test]
fn a_file_without_a_few_questions_is_read_as_not_asked() {
    let mut table = Table::new(&csv(20));
    table.remove("Q86");
    table.remove("Q94");
    for row in 1..=20 {
        table.set(row, "B_COUNTRY", "554");
    }
    let file = read(&table.text(";")).unwrap();
    assert_eq!(file.report.kind, FileKind::Country);
    assert_eq!(file.report.absent_questions, [QuestionId(86), QuestionId(94)]);
    let at = |id| Catalogue::builtin().unwrap().index_of(QuestionId(id)).unwrap();
    let unanswered = file.respondents.unanswered();
    assert!(unanswered.contains(&at(86)) && unanswered.contains(&at(94)) && !unanswered.contains(&at(85)));
}

#[test]
fn scales_that_run_the_other_way_are_told_by_the_commonest_answer_about_family() {
    let mut table = Table::new(&csv(40));
    let give = |table: &mut Table, ones: usize| {
        for row in 1..=40 {
            table.set(row, "Q1", if row <= ones { "1" } else { "4" });
        }
    };
    give(&mut table, 12);
    let error = fault(&table.text(","));
    assert!(
        error.to_string().contains("the commonest answer to Q1 is 4 (28 of 40)"),
        "{error}"
    );
    assert!(error.hint().is_some());
    give(&mut table, 20);
    assert!(read(&table.text(",")).is_ok(), "equally many are no sign");
    // Fewer than 30 answers show nothing.
    give(&mut table, 3);
    (29..=40).for_each(|row| table.set(row, "Q1", "-1"));
    assert!(read(&table.text(",")).is_ok());
    // A column called MODE is no reason to refuse a file.
    let at = table.column("Q_MODE");
    table.0[0][at] = "MODE".to_owned();
    table.set(1, "MODE", "2");
    assert!(read(&table.text(",")).is_ok());
}

#[test]
fn weights_are_read_where_they_are_asked_for() {
    let mut table = Table::new(&csv(3));
    for (row, weight) in ["0.5", "1,25", "2"].into_iter().enumerate() {
        table.set(row + 1, "W_WEIGHT", weight);
    }
    let read = |table: &Table, column: &str| {
        let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
        let options = ReadOptions {
            weight: Some(column.to_owned()),
            ..ReadOptions::default()
        };
        let file = written(table.text(";").as_bytes());
        SurveyFile::read(file.path(), Catalogue::builtin().unwrap(), demographics, options)
    };
    let file = read(&table, "w_weight").unwrap();
    let weights: Vec<_> = (0..3).map(|person| file.respondents.weight(person)).collect();
    assert_eq!(weights, [Some(0.5), Some(1.25), Some(2.0)]);
    assert_eq!(self::read(&table.text(";")).unwrap().respondents.weight(0), None);
    let error = read(&table, "S018").unwrap_err();
    assert!(
        error.to_string().contains("no column S018 to take weights from"),
        "{error}"
    );
    table.set(2, "W_WEIGHT", "NA");
    let error = read(&table, "W_WEIGHT").unwrap_err();
    assert!(
        error.to_string().contains("line 3") && error.to_string().contains("`NA` is not a weight"),
        "{error}"
    );
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

#[test]
fn label_files_with_codes_give_both_forms() {
    for form in [Form::Polar, Form::Refined] {
        let (original, text) = labels(30, form, true);
        let file = read(&text).unwrap();
        assert_eq!(file.report.kind, FileKind::LabelsJson);
        assert!(!file.respondents.synthetic());
        for person in 0..30 {
            assert_eq!(
                file.respondents.respondent(person),
                original.respondents.respondent(person)
            );
        }
    }
}

#[test]
fn label_files_without_codes_are_of_the_form_their_groups_tell() {
    let catalogue = Catalogue::builtin().unwrap();
    let (original, text) = labels(30, Form::Refined, false);
    let refined = read(&text).unwrap();
    let (_, text) = labels(30, Form::Polar, false);
    let polar = read(&text).unwrap();
    for person in 0..30 {
        for form in [Form::Refined, Form::Polar] {
            assert_eq!(
                refined.respondents.groups(person, form),
                original.respondents.groups(person, form)
            );
        }
        assert_eq!(
            polar.respondents.groups(person, Form::Polar),
            original.respondents.groups(person, Form::Polar)
        );
        assert!((0..catalogue.questions.len()).all(|at| polar.respondents.answer(person, at).refined.is_none()));
    }
    let DemographicValue::Sentence(sentence) = polar.respondents.demographic(0, 0).unwrap() else {
        panic!("a sentence without a code stays a sentence");
    };
    assert!(sentence.starts_with("I am currently in "));
}

#[test]
fn a_label_files_own_sentence_is_shown_and_its_code_tells_the_group() {
    let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
    let (original, text) = labels(2, Form::Polar, true);
    let at = demographics.index_of("X003R").unwrap();
    let value = original.respondents.demographic(0, at).unwrap();
    let ours = demographics.dimensions[at].sentence(&value).unwrap();
    let file = read(&text.replace(ours, "I am of some age or other")).unwrap();
    let worded = file.respondents.demographic(0, at).unwrap();
    let dimension = &demographics.dimensions[at];
    assert_eq!(dimension.sentence(&worded), Some("I am of some age or other"));
    assert_eq!(dimension.group_name(&worded), dimension.group_name(&value));
    assert_eq!(worded.code(), value.code());
}

#[test]
fn not_a_number_is_a_missing_value() {
    let (original, text) = labels(2, Form::Polar, true);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&lines[1]).unwrap();
    row.insert("note".into(), "a \\\"NaN, NaN}\\\" in a text".into());
    row.insert("Q94".into(), (-99).into());
    row.insert("Q94_aid".into(), "HERE".into());
    lines[1] = serde_json::Value::Object(row).to_string().replace("\"HERE\"", "NaN");
    let file = read(&lines.join("\n")).unwrap();
    let question = Catalogue::builtin().unwrap().index_of(QuestionId(94)).unwrap();
    assert_eq!(file.respondents.answer(1, question).polar, None);
    assert_eq!(
        file.respondents.answer(0, question),
        original.respondents.answer(0, question)
    );
    let FileError::Json { line: 2, problem, .. } = fault(&lines.join("\n").replace("NaN,\"Q95", "nil,\"Q95")) else {
        panic!("`nil` is no JSON");
    };
    assert!(
        problem.contains("character") && !problem.contains("line 1"),
        "{problem}"
    );
}

#[test]
fn label_files_as_csv_say_the_same() {
    let (original, text) = labels(10, Form::Polar, true);
    let rows: Vec<serde_json::Map<String, serde_json::Value>> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut keys: Vec<&String> = rows.iter().flat_map(|row| row.keys()).collect();
    keys.sort();
    keys.dedup();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&keys).unwrap();
    for row in &rows {
        let field = |key: &&String| match row.get(*key) {
            Some(serde_json::Value::String(text)) => text.clone(),
            // As data frames write a column with blanks.
            Some(value) if key.ends_with("_aid") => format!("{value}.0"),
            Some(value) => value.to_string(),
            None => String::new(),
        };
        writer.write_record(keys.iter().map(field)).unwrap();
    }
    let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
    let file = read(&text).unwrap();
    assert_eq!(file.report.kind, FileKind::LabelsCsv);
    for person in 0..10 {
        assert_eq!(
            file.respondents.respondent(person),
            original.respondents.respondent(person)
        );
    }
}

#[test]
fn bad_label_files_are_refused_with_line_and_column() {
    let (_, text) = labels(2, Form::Polar, true);
    let torn = &text[..text.len() - 40];
    assert!(matches!(fault(torn), FileError::Json { line: 2, .. }));
    let lines: Vec<&str> = text.lines().collect();
    let wrong = |from: &str, to: &str| {
        assert!(lines[0].contains(from), "{from}");
        fault(&format!("{}\n{}\n", lines[0].replacen(from, to, 1), lines[1])).to_string()
    };
    let id = lines[0].split('"').nth(3).unwrap();
    assert!(wrong(&format!("\"{id}\""), "null").contains("column D_INTERVIEW"));
    assert!(wrong("\"Q1\":0", "\"Q1\":9").contains("line 1, column Q1: `9` is not a group of this question"));
    assert!(wrong("\"Q1\":0", "\"Q1\":1").contains("is not the group of its answer code"));
    assert!(wrong("\"Q1_aid\":1", "\"Q1_aid\":-2").contains("has no answer code"));
    assert!(wrong("\"Q1\":", "\"Q1x\":").contains("1 of the columns needed are missing: Q1"));
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
