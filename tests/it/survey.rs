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
    assert_eq!(report["respondents"], 60);
    assert_eq!(report["unknown_codes"], serde_json::json!({}));
    assert_eq!(report["repeated_ids"], serde_json::json!([]));
    // The balanced rule itself finds all 60 good enough: ten of each continent.
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("sample.csv");
    let sample = json(&["sample", text(&demo()), "--respondents", "60", "--out", text(&out)]);
    assert_eq!((&sample["eligible"], &sample["synthetic"]), (&60.into(), &true.into()));
    for command in ["check", "stats"] {
        assert!(
            run(&[command, text(&demo())]).contains("60 synthetic respondents"),
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
        "60",
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
    assert_eq!((&stats["respondents"], &stats["questions"]), (&60.into(), &253.into()));
    let countries = stats["countries"].as_array().unwrap();
    let sum = |key: &str| countries.iter().map(|row| row[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum("respondents"), 60);
    assert_eq!(stats["valid_answers"], sum("valid_answers"));
    let mean = stats["mean_valid_questions"].as_f64().unwrap();
    assert!((mean - sum("valid_answers") as f64 / 60.0).abs() < 1e-9 && mean > 250.0);
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
    assert!(
        again.contains("is there already") && again.contains("--force"),
        "{again}"
    );
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
        all.contains("Uruguay: 60 rows have 1 different interview numbers; all 60 kept"),
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
        ("A\tB\tC\n1\t2\t3\n", "separated by tabs"),
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
