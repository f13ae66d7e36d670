//! What the program says of itself: version, help, completions, slips of the hand, exit statuses.

use std::path::Path;
use std::process::{Command, Output};

fn indieval(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_indieval"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn the_version_names_the_release_and_where_there_is_one_the_commit() {
    let version = said(&indieval(&["--version"]));
    let version = version.trim_end();
    let rest = version
        .strip_prefix(concat!("indieval ", env!("CARGO_PKG_VERSION")))
        .expect("the release");
    let commit = rest.strip_prefix(" (").and_then(|rest| rest.strip_suffix(')'));
    let is_commit = |text: &str| {
        let hash = text.strip_suffix(" + changes").unwrap_or(text);
        hash.len() >= 7 && hash.chars().all(|digit| digit.is_ascii_hexdigit())
    };
    assert!(rest.is_empty() || commit.is_some_and(is_commit), "{version}");
}

#[test]
fn the_citation_is_of_this_release() {
    let citation = include_str!("../../CITATION.cff");
    let expected = concat!("\nversion: ", env!("CARGO_PKG_VERSION"), "\n");
    assert!(citation.contains(expected), "CITATION.cff has another version");
}

#[test]
fn help_explains_exit_statuses_and_the_environment() {
    let help = said(&indieval(&["--help"]));
    for expected in [
        "Exit status:",
        "run --strict",
        "75  stopped",
        "INDIEVAL_CACHE",
        "INDIEVAL_BACKEND",
    ] {
        assert!(help.contains(expected), "{expected} is not in {help}");
    }
}

#[test]
fn completions_are_there_for_the_common_shells() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = indieval(&["completions", shell]);
        let script = said(&output);
        assert!(output.status.success(), "{script}");
        assert!(
            script.contains("demonstrations") && script.contains("completions"),
            "{shell}"
        );
    }
}

#[test]
fn a_slip_of_the_hand_is_answered_with_what_may_have_been_meant() {
    let survey = concat!(env!("CARGO_MANIFEST_DIR"), "/data/synthetic-respondents.csv");
    let run = |flag, value| vec!["run", "--model", "fake:7", "--survey", survey, "--dry-run", flag, value];
    for (arguments, status, meant) in [
        (vec!["reprot"], 2, "'report'"),
        (run("--methods", "likelyhood"), 2, "'likelihood'"),
        (run("--category", "Coruption"), 1, "did you mean `Corruption`?"),
        (run("--category", "values"), 1, "`Religious Values`"),
        (
            vec!["models", "check", "SmolLM2-135M-Instuct"],
            1,
            "SmolLM2-135M-Instruct",
        ),
    ] {
        let output = indieval(&arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        assert!(said.contains(meant), "{arguments:?}: {said}");
    }
}

#[test]
fn unread_answers_end_a_finished_run_with_0_and_under_strict_with_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let out = out.to_str().expect("a path in UTF-8");
    let survey = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/synthetic-respondents.csv");
    let run = |more: &[&str]| {
        let survey = survey.to_str().expect("a path in UTF-8");
        let arguments = ["run", "--model", "fake:7", "--survey", survey, "--out", out];
        let grid = [
            "--methods",
            "generation",
            "--limit",
            "1",
            "--splits",
            "1",
            "--demonstrations",
            "3",
            "--retries",
            "0",
        ];
        indieval(&[&arguments[..], &grid, more].concat())
    };
    let lenient = run(&[]);
    let text = said(&lenient);
    assert!(text.contains("could not be read; they count as wrong"), "{text}");
    assert_eq!(lenient.status.code(), Some(0), "{text}");
    // The run is complete; the same command only reports.
    assert_eq!(run(&["--strict"]).status.code(), Some(3));
}

/// A full disk stands for every output that takes nothing.
#[cfg(target_os = "linux")]
#[test]
fn help_that_could_not_be_written_is_a_failure() {
    for arguments in [&["--help"][..], &["--version"], &["run", "--help"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let status = Command::new(env!("CARGO_BIN_EXE_indieval"))
            .args(arguments)
            .stdout(full.expect("a full device"))
            .output()
            .expect("the program starts");
        let text = said(&status);
        assert_eq!(status.status.code(), Some(1), "{arguments:?}: {text}");
        assert!(text.contains("cannot write to standard output"), "{text}");
    }
    assert_eq!(indieval(&["--help"]).status.code(), Some(0));
}

/// A standard output that is closed takes nothing either, though Rust's library opens /dev/null in its place.
#[cfg(any(target_os = "linux", target_os = "macos"))]
#[test]
fn a_closed_standard_output_is_a_failure_for_who_writes_to_it() {
    let line = r#"{"context": "a", "continuation": " b"}"#;
    let folder = tempfile::tempdir().expect("a folder");
    let lines = folder.path().join("lines.jsonl");
    std::fs::write(&lines, line).expect("room on the disk");
    let shell = |command: &str| {
        let script = format!("\"$INDIEVAL\" {command}");
        Command::new("sh")
            .args(["-c", &script])
            .current_dir(folder.path())
            .env("INDIEVAL", env!("CARGO_BIN_EXE_indieval"))
            .output()
            .expect("a shell")
    };
    for command in [
        "--help",
        "--version",
        "run --help",
        "catalogue list",
        "completions bash",
        "score lines.jsonl --model fake:1 --quiet",
    ] {
        let output = shell(&format!("{command} >&-"));
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{command}: {text}");
        assert!(
            text.contains("cannot write to standard output") && text.contains("it is closed"),
            "{command}: {text}"
        );
        assert_eq!(
            shell(&format!("{command} > /dev/null")).status.code(),
            Some(0),
            "{command}"
        );
    }
    // Who writes elsewhere needs none; and a closed standard error is not missed.
    let elsewhere = shell("score lines.jsonl --model fake:1 --quiet --out out.jsonl >&-");
    assert_eq!(elsewhere.status.code(), Some(0), "{}", said(&elsewhere));
    assert_eq!(shell("catalogue list 2>&-").status.code(), Some(0));
}

#[test]
fn numbers_beyond_reason_are_wrong_usage() {
    for (flag, number, expected) in [
        ("--limit", "-1", "invalid value '-1' for '--limit <N>'"),
        (
            "--retries",
            "4294967295",
            "4294967295 is not a whole number from 0 to 100",
        ),
        ("--retries", "-1", "is not a whole number from 0 to 100"),
    ] {
        let output = indieval(&["run", "--model", "fake:1", flag, number]);
        let text = said(&output);
        assert!(
            output.status.code() == Some(2) && text.contains(expected),
            "{flag} {number}: {text}"
        );
        assert!(!text.contains("-- -1"), "{text}");
    }
}
