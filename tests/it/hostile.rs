//! What others wrote into files does nothing to the terminal or the page that shows it, and a terminal that goes away, a
//! signal that was ignored or a limit on files do nothing that is not said.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Clears the screen, rings, sets the window's title, begins an 8-bit sequence, and turns the direction of text.
const HOSTILE: &str = "\u{1b}[2J\u{7}\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}gnihtyna\u{2066}\u{8}\r";

fn indieval(args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("indieval"));
    command.args(args);
    command
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn write(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

/// Whether a character acts on what is shown.
fn acts(letter: char) -> bool {
    let direction = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    direction || (letter.is_control() && !matches!(letter, '\n' | '\t'))
}

/// Refuses output that acts. The hostile text must have been shown, or the test would show nothing.
fn assert_harmless(what: &str, output: &Output) {
    let all = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&all);
    assert!(!said.contains(acts), "{what}: {said:?}");
    assert!(said.contains("owned"), "{what} does not quote the hostile text: {said}");
    assert!(!said.contains("panicked"), "{what}: {said}");
}

#[test]
fn texts_of_requests_do_nothing_to_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let quoted = serde_json::json!(HOSTILE).to_string();
    let named = write(folder.path(), &HOSTILE.replace('/', ""), "{}\n");
    for (command, line) in [
        ("generate", format!("{{{quoted}: 1}}")),
        (
            "generate",
            format!("{{\"messages\": [{{\"role\": \"user\", \"content\": {quoted}, \"x\": owned}}]}}"),
        ),
        ("score", format!("{HOSTILE} is not JSON")),
    ] {
        let file = write(folder.path(), HOSTILE, &line);
        let output = indieval(&[command, text(&file), "--model", "fake:1"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line:?}");
        assert_harmless(command, &output);
    }
    let output = indieval(&["score", text(&named), "--model", "fake:1"])
        .output()
        .unwrap();
    assert_harmless("the name of a file", &output);
}

#[test]
fn names_in_a_checkpoint_do_nothing_to_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let config = serde_json::json!({"model_type": HOSTILE, "architectures": [HOSTILE]});
    write(folder.path(), "config.json", &config.to_string());
    for format in ["text", "json"] {
        let output = indieval(&["models", "check", text(folder.path()), "--format", format])
            .output()
            .unwrap();
        assert_harmless("models check", &output);
    }
    let prompts = write(folder.path(), "prompts", "{\"prompt\": \"a\"}\n");
    let output = indieval(&["generate", text(&prompts), "--model", text(folder.path())])
        .output()
        .unwrap();
    assert_harmless("generate", &output);
}

#[test]
fn titles_and_survey_files_do_nothing_to_a_terminal_or_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let survey = folder.path().join(format!("{HOSTILE}.csv"));
    let made = indieval(&["survey", "synth", "--respondents", "2", "--out", text(&survey)])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert_harmless("survey synth", &made);
    // The answer to Q1 is the first thing that is looked at and quoted.
    let content = fs::read_to_string(&survey).unwrap();
    let (titles, rows) = content.split_once('\n').unwrap();
    let q1 = titles.split(',').position(|title| title == "Q1").unwrap();
    let mut answers: Vec<&str> = rows.split(',').collect();
    let quoted = format!("\"{HOSTILE}\"");
    answers[q1] = &quoted;
    let broken = write(folder.path(), "broken.csv", &format!("{titles}\n{}", answers.join(",")));
    for command in ["check", "stats"] {
        let refused = indieval(&["survey", command, text(&broken)]).output().unwrap();
        assert!(!refused.status.success());
        assert_harmless(command, &refused);
        let output = indieval(&["survey", command, text(&survey)]).output().unwrap();
        let all = [&output.stdout[..], &output.stderr].concat();
        assert!(!String::from_utf8_lossy(&all).contains(acts));
    }
    let title = serde_json::json!(HOSTILE).to_string().replace("\\b", "\\u0008");
    let spec = write(
        folder.path(),
        "spec.toml",
        &format!("title = {title}\n[grid]\nmethods = [\"likelihood\"]\ndemonstrations = [1]\n"),
    );
    let out = folder.path().join("run");
    let run = indieval(&[
        "run",
        text(&spec),
        "--survey",
        text(&survey),
        "--model",
        "fake:1",
        "--splits",
        "1",
        "--out",
        text(&out),
    ])
    .output()
    .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let page = folder.path().join("report");
    let report = indieval(&["report", text(&out), "--out", text(&page)])
        .output()
        .unwrap();
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
    let mut pages = 0;
    for entry in fs::read_dir(&page).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "html") {
            let html = fs::read_to_string(&path).unwrap();
            pages += 1;
            assert!(html.contains("owned") && !html.contains(acts), "{}", path.display());
        }
    }
    assert!(pages > 0);
}

#[test]
fn standard_error_that_goes_away_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (line, status) in [("{\"prompt\": \"a\"}", 0), ("nonsense", 1)] {
        let prompts = write(folder.path(), "prompts", line);
        let mut child = indieval(&["generate", text(&prompts), "--model", "fake:1", "--max-tokens", "2"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stderr.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{line}");
    }
}

#[cfg(unix)]
mod signals {
    use std::io::{BufRead, BufReader};

    use super::*;

    /// The program, started by a shell that did something before.
    fn after(shell: &str, args: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{shell}; exec \"$0\" \"$@\"")]);
        command.arg(assert_cmd::cargo::cargo_bin("indieval")).args(args);
        command
    }

    #[test]
    fn signals_that_were_ignored_stay_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let (survey, out) = (folder.path().join("people.csv"), folder.path().join("run"));
        let made = indieval(&["survey", "synth", "--respondents", "30", "--out", text(&survey)])
            .output()
            .unwrap();
        assert!(made.status.success());
        let args = [
            "run",
            "--survey",
            text(&survey),
            "--model",
            "fake:1",
            "--demonstrations",
            "50",
            "--splits",
            "1",
            "--out",
            text(&out),
        ];
        let mut child = after("trap '' HUP INT; echo ignored; exec >/dev/null", &args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Until the shell says so, a signal would end it.
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        assert_eq!(said, "ignored\n");
        let pid = child.id().to_string();
        let mut sent = 0;
        // Every moment of the run is tried, those before and after handlers are installed included.
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            for signal in ["-HUP", "-INT"] {
                sent += u32::from(Command::new("kill").args([signal, &pid]).status().unwrap().success());
            }
        };
        assert!(sent > 0);
        assert_eq!(status.code(), Some(0), "after {sent} signals");
    }

    #[test]
    fn a_limit_on_the_size_of_files_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let lines: String = (0..400)
            .map(|n| format!("{{\"context\": \"a{n}\", \"continuation\": \"bcdefgh\"}}\n"))
            .collect();
        let (requests, out) = (write(folder.path(), "requests", &lines), folder.path().join("out"));
        let args = ["score", text(&requests), "--model", "fake:1", "--out", text(&out)];
        let output = after("ulimit -f 16", &args).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("out: cannot be written") && said.contains("ulimit -f"),
            "{said}"
        );
        let again = indieval(&args).output().unwrap();
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        assert_eq!(fs::read_to_string(&out).unwrap().lines().count(), 400);
    }
}
