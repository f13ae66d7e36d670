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
    assert_eq!(country.report.kind, FileKind::Country);
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
    table.set(3, "Q270", "12");
    let file = read(&table.text(",")).unwrap();
    assert_eq!(file.report.unknown_codes["Q241"][&0], 2);
    assert_eq!(file.report.unknown_codes["Q1"][&77], 1);
    assert_eq!(file.report.unknown_codes["Q270"][&12], 1);
    assert_eq!(
        file.respondents.groups(2, Form::Polar)[0],
        super::super::respondents::MISSING
    );
    assert_eq!(code(&file, 2, "Q270"), None);
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

    let inverted = fault(&with(&|t| {
        let at = t.column("Q1");
        t.0[0][at] = "Q1P".to_owned();
    }));
    assert!(matches!(inverted, FileError::Inverted { .. }), "{inverted}");
    let inverted = fault(&with(&|t| {
        let at = t.column("Q_MODE");
        t.0[0][at] = "MODE".to_owned();
        t.0[3][at] = "2".to_owned();
    }));
    assert!(
        inverted.to_string().contains("line 4 has 2 in the column MODE"),
        "{inverted}"
    );

    let labels = fault(&with(&|t| t.set(2, "Q1", "Very important")));
    assert!(
        labels
            .to_string()
            .ends_with("line 3, column Q1: `Very important` is not a numeric code"),
        "{labels}"
    );

    let tabs = fault(&table.text("\t"));
    assert!(tabs.to_string().contains("columns are separated by tabs"), "{tabs}");

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

    for error in [missing, inverted, labels, tabs, cut, long, short] {
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
        (utf16.as_slice(), "UTF-16"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"$FL2@(#)", "SPSS"),
        (b"Q1,\xff\xfe,Q2\n1,2,3\n", "not UTF-8"),
        (b"Q1,\0,Q2\n1,2,3\n", "binary"),
    ] {
        let error = read_as(bytes, IncomeGrouping::Thirds, RepeatedIds::KeepAll)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
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
