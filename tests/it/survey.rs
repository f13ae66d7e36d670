//! `indieval survey`: what the commands print, write and refuse.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

fn indieval(args: &[&str]) -> std::process::Output {
    Command::cargo_bin("indieval")
        .unwrap()
        .arg("survey")
        .args(args)
        .output()
        .unwrap()
}

fn run(args: &[&str]) -> String {
    let output = indieval(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&run(&[args, &["--format", "json"]].concat())).unwrap()
}

fn refused(args: &[&str]) -> String {
    let output = indieval(args);
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/synthetic-respondents.csv")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_shipped_respondents_say_that_they_are_synthetic_and_can_be_evaluated() {
    let first_line = std::fs::read_to_string(demo())
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .to_owned();
    assert!(first_line.starts_with("SYNTHETIC,"));
    let report = json(&["check", text(&demo())]);
    assert_eq!(report["synthetic"], true);
    assert_eq!(report["respondents"], 600);
    assert_eq!(report["eligible"], 600);
    assert_eq!(report["unanswered_questions"], serde_json::json!([]));
    assert_eq!(report["unknown_codes"], serde_json::json!({}));
    assert_eq!(report["unknown_demographics"], serde_json::json!({}));
    assert_eq!(report["repeated_ids"], serde_json::json!([]));
    // The balanced rule itself finds all of them good enough: a hundred of each continent.
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("sample.csv");
    let sample = json(&["sample", text(&demo()), "--respondents", "500", "--out", text(&out)]);
    assert_eq!(sample["rule"], "balanced");
    assert_eq!((&sample["eligible"], &sample["synthetic"]), (&600.into(), &true.into()));
    for command in ["check", "stats"] {
        assert!(
            run(&[command, text(&demo())]).contains("600 synthetic respondents"),
            "{command}"
        );
    }
}

#[test]
fn the_shipped_respondents_are_what_the_command_writes() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("again.csv");
    run(&[
        "synth",
        "--respondents",
        "600",
        "--seed",
        "7",
        "--answering",
        "--out",
        text(&out),
    ]);
    assert!(std::fs::read(out).unwrap() == std::fs::read(demo()).unwrap());
}

#[test]
fn stats_count_people_and_answers_by_country() {
    let stats = json(&["stats", text(&demo())]);
    assert_eq!((&stats["respondents"], &stats["questions"]), (&600.into(), &253.into()));
    let countries = stats["countries"].as_array().unwrap();
    let sum = |key: &str| countries.iter().map(|row| row[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum("respondents"), 600);
    assert_eq!(stats["valid_answers"], sum("valid_answers"));
    let mean = stats["mean_valid_questions"].as_f64().unwrap();
    assert!((mean - sum("valid_answers") as f64 / 600.0).abs() < 1e-9 && mean > 250.0);
}

#[test]
fn a_sample_is_balanced_and_names_people_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("people.csv"), folder.path().join("sample.csv"));
    run(&["synth", "--respondents", "900", "--seed", "3", "--out", text(&file)]);
    let sample = json(&[
        "sample",
        text(&file),
        "--respondents",
        "90",
        "--seed",
        "2",
        "--out",
        text(&out),
    ]);
    assert_eq!(sample["respondents"], 90);
    let balance = sample["balance"].as_array().unwrap();
    let names: Vec<_> = balance
        .iter()
        .map(|table| table["dimension"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Continent", "Religion", "Sex", "Age"]);
    for table in balance {
        let groups = table["groups"].as_array().unwrap();
        assert_eq!(groups.iter().map(|group| group[1].as_u64().unwrap()).sum::<u64>(), 90);
    }
    let list = std::fs::read_to_string(&out).unwrap();
    assert_eq!(list.lines().count(), 91);
    assert!(
        list.lines()
            .skip(1)
            .all(|line| line.starts_with("synthetic,synthetic-"))
    );

    let before = std::fs::read(&out).unwrap();
    let again = refused(&["sample", text(&file), "--respondents", "90", "--out", text(&out)]);
    assert!(again.contains("already exists") && again.contains("--force"), "{again}");
    let error = refused(&[
        "sample",
        text(&file),
        "--respondents",
        "2000",
        "--force",
        "--out",
        text(&out),
    ]);
    assert!(
        error.contains("too few people") && error.contains("Africa has") && error.contains("hint:"),
        "{error}"
    );
    assert_eq!(
        std::fs::read(&out).unwrap(),
        before,
        "a refused sample must not touch the file"
    );
}

#[test]
fn a_country_of_one_interview_number_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.csv");
    let text_of = std::fs::read_to_string(demo()).unwrap();
    let mut lines = text_of.lines();
    let header: Vec<_> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let (country, id) = (column("B_COUNTRY"), column("D_INTERVIEW"));
    let rows: String = lines
        .map(|line| {
            let mut fields: Vec<_> = line.split(',').collect();
            (fields[country], fields[id]) = ("858", "858070001");
            fields.join(",") + "\n"
        })
        .collect();
    std::fs::write(&file, format!("{}\n{rows}", header.join(","))).unwrap();
    let all = run(&["check", text(&file)]);
    assert!(
        all.contains("Uruguay: 600 rows have 1 interview number; all 600 kept"),
        "{all}"
    );
    let paper = run(&["check", text(&file), "--paper-ids"]);
    assert!(paper.contains("collapses to 1 person"), "{paper}");
    assert_eq!(json(&["check", text(&file), "--paper-ids"])["respondents"], 1);
}

#[test]
fn bad_files_end_with_one_error_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.csv");
    for (content, expected) in [
        ("", "is empty"),
        ("A:B:C\n1:2:3\n", "no separator of columns"),
        (
            "A,B\n1,2\n",
            "255 of the columns needed are missing: D_INTERVIEW, B_COUNTRY, Q1,",
        ),
        ("{\"D_INTERVIEW\": \n", "line 1"),
        (
            "{\"D_INTERVIEW\": 1}\n",
            "253 of the columns needed are missing: Q1, Q2,",
        ),
    ] {
        std::fs::write(&file, content).unwrap();
        let error = refused(&["check", text(&file)]);
        assert!(
            error.contains(expected) && error.contains("bad.csv") && error.contains("\nhint: "),
            "{error}"
        );
        assert_eq!(error.matches("error:").count(), 1);
    }
    let error = refused(&["check", text(folder.path())]);
    assert!(error.contains("is a directory"), "{error}");
    let error = refused(&["check", "nowhere.csv"]);
    assert!(
        error.contains("cannot read nowhere.csv") && error.contains("because: No such file"),
        "{error}"
    );
}

/// The shipped people as a country file: semicolons, a byte-order mark, one country, no Q86.
fn country_file(folder: &Path) -> PathBuf {
    let text_of = std::fs::read_to_string(demo()).unwrap();
    let mut rows: Vec<Vec<String>> = text_of
        .lines()
        .take(121)
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect();
    let column = |rows: &[Vec<String>], name: &str| rows[0].iter().position(|column| column == name).unwrap();
    let (country, missing) = (column(&rows, "B_COUNTRY"), column(&rows, "Q86"));
    for row in &mut rows[1..] {
        row[country] = "554".to_owned();
    }
    for row in &mut rows {
        row.remove(missing);
    }
    let lines: Vec<String> = rows.iter().map(|row| row.join(";")).collect();
    let path = folder.join("New Zealand.csv");
    std::fs::write(&path, format!("\u{feff}{}\r\n", lines.join("\r\n"))).unwrap();
    path
}

#[test]
fn a_country_file_is_checked_and_sampled_and_what_it_lacks_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = country_file(folder.path());
    let check = run(&["check", text(&file)]);
    for expected in [
        "survey file of one country, separated by semicolons",
        "questions that the file does not have, read as not asked: Q86\n",
        "120 of 120 could be drawn by `indieval survey sample`: they answered all 108 probes and at least 239 questions",
    ] {
        assert!(check.contains(expected), "{expected}: {check}");
    }
    assert_eq!(
        json(&["check", text(&file)])["unanswered_questions"],
        serde_json::json!(["Q86"])
    );

    let out = folder.path().join("sample.csv");
    let output = indieval(&["sample", text(&file), "--out", text(&out)]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("note: the file has no Q86: read as not asked"));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.starts_with("120 synthetic respondents of 120 who meet the conditions"),
        "{said}"
    );
    assert!(
        said.contains("drawn by chance") && said.contains("800 were asked for; there are no more"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 121);
    let some = json(&[
        "sample",
        text(&file),
        "--respondents",
        "30",
        "--force",
        "--out",
        text(&out),
    ]);
    assert_eq!((&some["respondents"], &some["rule"]), (&30.into(), &"plain".into()));
}

#[test]
fn files_of_other_programs_are_refused_with_the_line_that_converts_them() {
    let folder = tempfile::tempdir().unwrap();
    for (name, content, kind, call) in [
        (
            "wave 7.sav",
            b"$FL2@(#) SPSS".as_slice(),
            "an SPSS file",
            "pyreadstat.read_sav(a)[0].to_csv(b",
        ),
        (
            "wave 7.dta",
            b"<stata_dta>",
            "a Stata file",
            "pyreadstat.read_dta(a)[0].to_csv(b",
        ),
        (
            "wave 7.rds",
            b"X\n\0\0\0\x03",
            "an R data file",
            "pyreadr.read_r(a).values())).to_csv(b",
        ),
        (
            "wave 7.parquet",
            b"PAR1",
            "a Parquet file",
            "pandas.read_parquet(a).to_csv(b",
        ),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let error = refused(&["check", text(&path)]);
        let hint = error.lines().find(|line| line.starts_with("hint: ")).unwrap();
        assert!(error.contains(kind) && hint.contains(call), "{error}");
        let to = path.with_extension("csv");
        assert!(
            hint.ends_with(&format!("'{}' '{}'", path.display(), to.display())),
            "{hint}"
        );
    }
}
