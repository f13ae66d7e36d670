//! The kinds of `shapes`, case by case: where an error stands, ends of lines, quotation marks, what came in place of a table.

use super::*;

fn with(table: &WideTable, row: usize, column: &str, value: &str) -> WideTable {
    let mut changed = table.clone();
    changed.set(row, column, value);
    changed
}

#[test]
fn an_error_names_the_line_it_stands_in_whatever_is_above_it() {
    let plain = csv(4);
    let broken = with(&WideTable::new(&plain), 3, "Q1", "often").text(",");
    let lines: Vec<&str> = broken.lines().collect();
    let quoted = {
        let mut table = with(&WideTable::new(&plain), 3, "Q1", "often");
        for row in 1..=4 {
            table.set(row, "doi", "\"a\nb\"");
        }
        table.text(",")
    };
    for (text, line) in [
        (broken.clone(), 4),
        // Blank lines above the header, below it, and between rows.
        (format!("\n\n{broken}"), 6),
        (broken.replacen('\n', "\n\n\n", 1), 6),
        (broken.replace('\n', "\n\n"), 7),
        (
            format!("{}\n{}\n\n{}\n\n\n{}", lines[0], lines[1], lines[2], lines[3]),
            7,
        ),
        // Other ends of lines, a title, Excel's line, rows of separators alone.
        (broken.replace('\n', "\r\n"), 4),
        (broken.replace('\n', "\r\n\r\n"), 7),
        (broken.replace('\n', "\r"), 4),
        (broken.replace('\n', "\r\r"), 7),
        (format!("A title\r\n\r\nsep=,\r\n{}", broken.replace('\n', "\r\n")), 7),
        (broken.replacen('\n', "\n,,,,\n", 1), 5),
        (quoted.clone(), 6),
        (quoted.replace('\n', "\r\n"), 6),
        (quoted.replacen("\n", "\n\n", 1), 7),
    ] {
        let error = fault(&text);
        let expected = format!("line {line}, column Q1: `often`");
        assert!(error.to_string().contains(&expected), "{expected}: {error}");
    }
    // The last row, with and without an end of its own.
    let last = with(&WideTable::new(&plain), 4, "Q1", "often").text(",");
    for text in [last.clone(), last.trim_end().to_owned()] {
        for (text, line) in [(text.clone(), 5), (text.replace('\n', "\n\n"), 9)] {
            let error = fault(&text);
            assert!(error.to_string().contains(&format!("line {line}, ")), "{line}: {error}");
        }
    }
    let cut = fault(&format!("{}\n\n\n1,2", plain.trim_end()));
    assert!(matches!(cut, FileError::Truncated { line: 8, .. }), "{cut}");
}

#[test]
fn every_end_of_a_line_gives_the_same_people() {
    let plain = csv(5);
    let original = read(&plain).unwrap();
    let labelled = labels(3, Form::Polar, true);
    for ends in ["\r\n", "\r", "\r\r\n", "\n\r"] {
        same_people(&original, &read(&plain.replace('\n', ends)).unwrap());
        same_people(&labelled.0, &read(&labelled.1.replace('\n', ends)).unwrap());
    }
    // Two byte-order marks, as one program leaves them on top of another's.
    same_people(&original, &read(&format!("\u{feff}\u{feff}{plain}")).unwrap());
    same_people(&original, &read(plain.trim_end()).unwrap());
}

#[test]
fn quotation_marks_within_titles_and_fields_swallow_nothing() {
    let plain = csv(3);
    let original = read(&plain).unwrap();
    for title in [
        "5\" of rain, and more",
        "He said \"yes",
        "it's Survey \"7\"",
        "\"A title, quoted\"",
    ] {
        let file = read(&format!("{title}\n{plain}")).unwrap();
        same_people(&original, &file);
        assert_eq!(file.report.skipped_lines.len(), 1, "{title}");
    }
    let inch = with(&WideTable::new(&plain), 2, "doi", "5\" road");
    same_people(&original, &read(&inch.text(",")).unwrap());
    // One that is never closed takes in the rest, and the error says where it begins.
    let open = with(&WideTable::new(&plain), 2, "doi", "\"5 road");
    let error = fault(&open.text(","));
    assert!(matches!(error, FileError::Truncated { line: 3, .. }), "{error}");
}

#[test]
fn a_separator_that_excel_names_wrongly_is_not_obeyed() {
    let plain = csv(2);
    let original = read(&plain).unwrap();
    // A label that holds the separator that is named makes two columns of the header, and none of a survey.
    let mut labelled = WideTable::new(&plain);
    for name in &mut labelled.0[0] {
        *name = format!("{name}: one; two| three\tfour");
    }
    for told in ["sep=;", "sep=\t", "\"sep=|\"", "SEP=,", "sep=^", "sep="] {
        for table in [&plain, &labelled.text(",")] {
            let file = read(&format!("{told}\n{table}")).unwrap();
            same_people(&original, &file);
            let said: &[&str] = if told == "SEP=," { &[] } else { &[told.trim()] };
            assert_eq!(file.report.skipped_lines, said, "{told}");
        }
    }
    // What separates the columns is said by nobody: the line that says something is named.
    let colons = WideTable::new(&plain).text("^");
    for (text, line) in [
        (format!("sep=^\n{colons}"), 1),
        (format!("A title\nsep=;\n{colons}"), 2),
        (format!("sep=;\n{}", colons.replacen('^', ";", 3)), 1),
    ] {
        let error = fault(&text);
        assert!(
            matches!(&error, FileError::ToldSeparator { line: at, said, .. } if *at == line && said.starts_with("sep=")),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("remove that line"));
    }
    // A decimal comma in a file of commas makes two fields of one.
    let error = fault(&with(&WideTable::new(&plain), 1, "Q1", "1,0").text(","));
    assert!(matches!(error, FileError::RowLength { line: 2, .. }), "{error}");
    let error = fault(&with(&WideTable::new(&plain), 1, "Q1", "1,5").text(";"));
    assert!(error.to_string().contains("`1,5` is not a numeric code"), "{error}");
}

#[test]
fn a_column_that_is_read_stands_there_once() {
    let plain = csv(2);
    for (column, again) in [
        ("Q5", "Q5"),
        ("Q5", "q5: label"),
        ("D_INTERVIEW", "d_interview"),
        ("Q288R", "Q288R"),
    ] {
        let mut table = WideTable::new(&plain);
        let at = table.column("doi");
        table.0[0][at] = again.to_owned();
        let error = fault(&table.text(";"));
        assert!(
            matches!(&error, FileError::RepeatedColumn { column: named, line: 1, .. } if named == column),
            "{error}"
        );
    }
    // Other columns may repeat, unless the weights stand in them.
    let mut table = WideTable::new(&plain);
    let at = table.column("doi");
    table.0[0][at] = "W_WEIGHT".to_owned();
    let options = |weight: Option<&str>| ReadOptions {
        weight: weight.map(str::to_owned),
        ..ReadOptions::default()
    };
    let file = written(table.text(";").as_bytes());
    let read = |weight| {
        let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
        SurveyFile::read(
            file.path(),
            Catalogue::builtin().unwrap(),
            demographics,
            options(weight),
        )
    };
    assert!(read(None).is_ok());
    let error = read(Some("W_WEIGHT")).unwrap_err();
    assert!(error.to_string().contains("column W_WEIGHT appears twice"), "{error}");
}

#[test]
fn what_came_in_place_of_a_table_is_named_with_a_remedy_that_fits() {
    let mut tar = vec![0; 512];
    tar[..7].copy_from_slice(b"WVS.csv");
    tar[257..262].copy_from_slice(b"ustar");
    let sas = b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60\xb3\x14\x11\xcf\xbd\x92";
    for (bytes, what, remedy) in [
        (b"<!DOCTYPE html><html>".as_slice(), "a web page", "signed in"),
        (b"\n\n<html>", "a web page", "signed in"),
        (b"%PDF-1.7", "a PDF document", "not its documentation"),
        (sas, "a SAS data set", "read_sas7bdat"),
        (b"\xfd7zXZ\0\0\x04", "packed by xz", "xz -d"),
        (b"BZh91AY&SY", "packed by bzip2", "bzip2 -d"),
        (b"\x28\xb5\x2f\xfd\x04", "packed by Zstandard", "zstd -d"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "7z x"),
        (b"Rar!\x1a\x07\x01\0", "a RAR archive", "unrar x"),
        (&tar, "a tar archive", "tar -xf"),
        (&gzipped(&tar), "a tar archive", "tar -xf"),
        (
            b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            "a ZIP archive: it is empty",
            "unpack",
        ),
        (b"[{\"D_INTERVIEW\": 1}]", "a JSON array", "jq -c '.[]'"),
        (b"{\n \"D_INTERVIEW\": 1\n}", "line 1: ", "one JSON object a line"),
    ] {
        let error = read_bytes(bytes).unwrap_err();
        assert!(error.to_string().contains(what), "{what}: {error}");
        let hint = error.hint().unwrap();
        assert!(hint.contains(remedy), "{remedy}: {hint}");
    }
}

#[test]
fn text_of_two_or_four_bytes_a_character_is_named_with_the_line_that_converts_it() {
    let (gzip, zip) = (gzipped(b"\xff\xfeQ\0"), zipped(&[("in/a.csv", b"\xff\xfeQ\0")]));
    let cases: [(&[u8], &str, &str); 8] = [
        (
            &[0xff, 0xfe, 0, 0, b'Q', 0, 0, 0],
            "is text in UTF-32, ",
            "iconv -f UTF-32 ",
        ),
        (b"\0\0\xfe\xff\0\0\0Q", "is text in UTF-32, ", "iconv -f UTF-32 "),
        (
            b"Q\x001\0,\0Q\x002\0",
            "UTF-16LE without a byte-order mark",
            "iconv -f UTF-16LE ",
        ),
        (
            b"\0Q\x001\0,\0Q\x002",
            "UTF-16BE without a byte-order mark",
            "iconv -f UTF-16BE ",
        ),
        (
            b"Q\0\0\x001\0\0\0,\0\0\0Q\0\0\0",
            "UTF-32LE without",
            "iconv -f UTF-32LE ",
        ),
        (
            b"\0\0\0Q\0\0\x001\0\0\0,\0\0\0Q",
            "UTF-32BE without",
            "iconv -f UTF-32BE ",
        ),
        (&gzip, "once unpacked, is text in UTF-16", "gzip -d -c "),
        (&zip, "in/a.csv is text in UTF-16", "unzip -p "),
    ];
    for (bytes, what, remedy) in cases {
        let error = read_bytes(bytes).unwrap_err();
        assert!(error.to_string().contains(what), "{what}: {error}");
        let hint = error.hint().unwrap();
        assert!(hint.contains(remedy), "{remedy}: {hint}");
    }
}

#[test]
fn archives_of_several_pieces_are_read_and_damaged_ones_say_what_to_do() {
    let plain = csv(6);
    let original = read(&plain).unwrap();
    // gzip allows several members one after another, as `cat` leaves them.
    let half = plain.len() / 2;
    let pieces = [gzipped(&plain.as_bytes()[..half]), gzipped(&plain.as_bytes()[half..])].concat();
    same_people(&original, &read_bytes(&pieces).unwrap());
    // A gzip within a ZIP is no table; the table of any case is.
    assert!(read_bytes(&zipped(&[("WVS.csv.gz", &gzipped(plain.as_bytes()))])).is_err());
    same_people(
        &original,
        &read_bytes(&zipped(&[("WVS/DATA.CSV", plain.as_bytes())])).unwrap(),
    );

    let whole = gzipped(plain.as_bytes());
    let cut = &whole[..whole.len() - 40];
    let mut wrong_sum = whole.clone();
    let end = wrong_sum.len() - 6;
    wrong_sum[end] ^= 1;
    let mut wrong_zip = zipped(&[("people.csv", plain.as_bytes())]);
    let sum = wrong_zip.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap() + 16;
    wrong_zip[sum] ^= 1;
    for bytes in [cut, &whole[..200], &wrong_sum, &wrong_zip] {
        let error = read_bytes(bytes).unwrap_err();
        assert!(
            error.hint().is_some_and(|hint| hint.contains("again")),
            "{error}: {:?}",
            error.hint()
        );
    }
    let zip = zipped(&[("people.csv", plain.as_bytes())]);
    let error = read_bytes(&zip[..zip.len() - 30]).unwrap_err();
    assert!(error.to_string().contains("a ZIP archive: "), "{error}");
}

#[test]
fn files_made_to_fill_memory_are_given_up_on() {
    let plain = csv(2);
    let header = plain.lines().next().unwrap();
    let row = vec![b'1'; 40 << 20];
    let endless = |start: &str| gzipped(&[start.as_bytes(), &row].concat());
    for (start, line) in [(format!("{header}\n"), 2), (plain.clone(), 4)] {
        for open in ["", "\""] {
            let error = read_bytes(&endless(&format!("{start}{open}"))).unwrap_err();
            assert!(
                matches!(&error, SurveyError::File(FileError::EndlessRow { line: at, .. }) if *at == line),
                "{error}"
            );
            assert!(error.hint().is_some());
        }
    }
    let error = read_bytes(&endless("{\"D_INTERVIEW\": ")).unwrap_err();
    assert!(
        matches!(error, SurveyError::File(FileError::EndlessRow { line: 1, .. })),
        "{error}"
    );
    assert!(read_bytes(&endless("")).is_err());
}

#[test]
fn ids_that_look_like_numbers_are_one_person_and_texts_are_themselves() {
    let mut table = WideTable::new(&csv(6));
    let spelt = ["0042", "42.00", "+42", "4.2E1", " 42 ", "\"42,0\""];
    for (row, id) in spelt.into_iter().enumerate() {
        table.set(row + 1, "D_INTERVIEW", id);
    }
    let file = read(&table.text(";")).unwrap();
    let shared = file.report.repeated_ids.last().unwrap();
    assert_eq!((shared.rows, shared.ids), (6, 1), "{shared:?}");
    for (row, id) in ["a1", "A1", "42a", "4 2", "42-2", "٤٢"].into_iter().enumerate() {
        table.set(row + 1, "D_INTERVIEW", id);
    }
    let file = read(&table.text(";")).unwrap();
    assert!(file.report.repeated_ids.is_empty());
    assert_eq!(file.respondents.id(5), "٤٢");
    for id in ["4.2E+08", "1E9", "", "NA", "\"4,2E5\""] {
        let error = fault(&with(&table, 2, "D_INTERVIEW", id).text(";"));
        assert!(
            error.to_string().contains("line 3, column D_INTERVIEW"),
            "{id}: {error}"
        );
    }
}

#[test]
fn labels_and_second_lines_of_names_are_told_from_codes() {
    let plain = csv(2);
    for word in [
        "Very important",
        "1 - Very important",
        "Don't know",
        "yes",
        "1;2",
        "#REF!",
        "\u{2212}1",
    ] {
        let error = fault(&with(&WideTable::new(&plain), 1, "Q1", word).text(","));
        assert!(error.to_string().contains("line 2, column Q1: "), "{word}: {error}");
        assert!(error.hint().unwrap().contains("numeric codes"), "{word}");
    }
    let names = plain.lines().next().unwrap();
    let error = fault(&plain.replacen('\n', &format!("\n{names}\n"), 1));
    assert!(error.hint().unwrap().contains("second line of names"), "{error}");
}
