//! The paper's label files.

use super::*;

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
    let question = Catalogue::builtin().unwrap().index_of(QuestionId::number(94)).unwrap();
    assert_eq!(file.respondents.answer(1, question).polar, None);
    assert_eq!(
        file.respondents.answer(0, question),
        original.respondents.answer(0, question)
    );
    let FileError::Json { line: 2, problem, .. } = fault(&lines.join("\n").replace("NaN,\"Q95", "nil,\"Q95")) else {
        panic!("`nil` is not JSON");
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
