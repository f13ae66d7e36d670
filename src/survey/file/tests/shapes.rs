//! Tables as programs, people and releases leave them.

use super::*;

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
            vec![
                ("a.csv", plain.as_bytes()),
                ("b.txt", b"".as_slice()),
                ("c.csv", plain.as_bytes()),
            ],
            "several tables of people: a.csv, c.csv",
        ),
        (
            vec![("l.jsonl", labelled.1.as_bytes()), ("c.csv", plain.as_bytes())],
            "several tables of people: l.jsonl, c.csv",
        ),
        (
            vec![
                ("a.csv", b"name,label\nQ1,Family\n".as_slice()),
                ("b.txt", b"Read me.".as_slice()),
            ],
            "no table in it has the survey's columns: a.csv, b.txt",
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
}

#[test]
fn what_lies_in_an_archive_beside_the_one_table_of_people_is_left_alone() {
    let plain = csv(12);
    let original = read(&plain).unwrap();
    let code_book = b"Variable,Label,Codes\nD_INTERVIEW,Interview number,\nQ1,\"Important in life: Family\",1-4\n";
    let beside: [(&str, &[u8]); 6] = [
        (
            "readme.txt",
            b"World Values Survey, wave 7.\nQ1, Q2 and Q3 are about life.\n",
        ),
        ("codebook.csv", code_book),
        ("codebook.PDF", b"%PDF-1.7"),
        ("datapackage.json", b"{\n  \"name\": \"wvs\"\n}"),
        ("empty.txt", b""),
        ("binary.txt", b"\x01\0\x02"),
    ];
    for at in 0..=beside.len() {
        let mut members = beside.to_vec();
        members.insert(at, ("data/people.csv", plain.as_bytes()));
        let unpacked = read_bytes(&zipped(&members)).unwrap();
        same_people(&original, &unpacked);
        assert_eq!(unpacked.report.member.as_deref(), Some("data/people.csv"));
    }
}

#[test]
fn a_damaged_archive_is_no_shorter_survey() {
    let plain = csv(12);
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
    let table = WideTable::new(&plain);
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
    let mut table = WideTable::new(&plain);
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
    let mut table = WideTable::new(&csv(1));
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
            .answer(0, catalogue.index_of(QuestionId::number(id)).unwrap())
            .refined
    };
    assert!((30..40).all(|id| answer(id).is_none()));
    assert_eq!((answer(1), answer(2), answer(3)), (Some(0), Some(1), Some(2)));
    assert!(file.report.missing["blank"] >= 10);
}

#[test]
fn whole_number_ids_are_one_id_in_every_spelling_and_rounded_ones_are_refused() {
    let mut table = WideTable::new(&csv(4));
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
            .contains("line 3, column D_INTERVIEW: `3.5607E+08` is not an id with all of its digits"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("spreadsheet"));
}

#[test]
fn a_file_without_a_few_questions_is_read_as_not_asked() {
    let mut table = WideTable::new(&csv(20));
    table.remove("Q86");
    table.remove("Q94");
    for row in 1..=20 {
        table.set(row, "B_COUNTRY", "554");
    }
    let file = read(&table.text(";")).unwrap();
    assert_eq!(file.report.kind, FileKind::Country);
    assert_eq!(
        file.report.absent_questions,
        [QuestionId::number(86), QuestionId::number(94)]
    );
    let at = |id| Catalogue::builtin().unwrap().index_of(QuestionId::number(id)).unwrap();
    let unanswered = file.respondents.unanswered();
    assert!(unanswered.contains(&at(86)) && unanswered.contains(&at(94)) && !unanswered.contains(&at(85)));
}

#[test]
fn scales_that_run_the_other_way_are_told_by_the_commonest_answer_about_family() {
    let mut table = WideTable::new(&csv(40));
    let give = |table: &mut WideTable, ones: usize| {
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
    let mut table = WideTable::new(&csv(3));
    for (row, weight) in ["0.5", "1,25", "2"].into_iter().enumerate() {
        table.set(row + 1, "W_WEIGHT", weight);
    }
    let read = |table: &WideTable, column: &str| {
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
