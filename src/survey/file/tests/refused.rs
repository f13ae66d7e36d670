//! Files that are no survey files, or broken ones.

use super::*;

#[test]
fn bad_files_are_refused_with_place_and_remedy() {
    let good = csv(3);
    let table = WideTable::new(&good);
    let with = |change: &dyn Fn(&mut WideTable)| {
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
            .contains("79 of the columns needed are missing: Q100, "),
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

    for error in [missing, other_wave, inverted, labels] {
        assert!(error.hint().is_some(), "{error}");
    }
}

#[test]
fn tables_of_the_wrong_shape_are_refused_with_place_and_remedy() {
    let good = csv(3);
    let header = good.lines().next().unwrap();
    let table = WideTable::new(&good);
    let with = |change: &dyn Fn(&mut WideTable)| {
        let mut changed = table.clone();
        change(&mut changed);
        changed.text(",")
    };

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

    for error in [colons, cut, long, short] {
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
