//! `indieval run` and `verify` as a user sees them: killed, stopped, gone on, changed, verified.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::forge::{FILES, Forged};
use crate::{own_survey, real};

fn indieval() -> Command {
    Command::new(env!("CARGO_BIN_EXE_indieval"))
}

fn survey() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/synthetic-respondents.csv")
}

/// A small run over synthetic people; what `more` does not say is two people, one split, no and three demonstrations.
pub fn run(model: &str, out: &Path, more: &[&str]) -> Command {
    let mut command = indieval();
    command.args(["run", "--model", model, "--out"]).arg(out);
    let survey = survey().display().to_string();
    let unsaid = [
        ("--survey", survey.as_str()),
        ("--splits", "1"),
        ("--limit", "2"),
        ("--demonstrations", "0,3"),
    ];
    for (flag, value) in unsaid {
        if !more.contains(&flag) {
            command.args([flag, value]);
        }
    }
    command.args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn finish(mut command: Command) -> Output {
    let output = command.output().expect("the program starts");
    assert!(
        output.status.success(),
        "{:?}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn records(out: &Path) -> Vec<u8> {
    std::fs::read(out.join("records.jsonl")).unwrap_or_default()
}

/// What the files that grow with every record hold; nothing where there is none.
fn journal(out: &Path) -> [Vec<u8>; 4] {
    FILES.map(|name| std::fs::read(out.join(name)).unwrap_or_default())
}

/// Kills a run `times` times, each time when its journal has grown by some bytes or the run is over, and lets it end.
fn killed_often(model: &str, more: &[&str], times: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    let begun = Instant::now();
    finish(run(model, &whole, more));
    let took = begun.elapsed();
    let expected = journal(&whole);
    let mut kills = 0;
    let mut round = 0u64;
    while kills < times {
        let out = folder.path().join(format!("killed-{round}"));
        // Several kills of one run, at moments spread over the time that a whole one takes.
        for _ in 0..3 {
            if kills == times {
                break;
            }
            round += 1;
            let mut child: Child = run(model, &out, more).spawn().expect("the program starts");
            let share = (round * 37 % 100) as u32;
            std::thread::sleep((took * share / 100).max(Duration::from_millis(5)));
            child.kill().expect("kills");
            child.wait().expect("ends");
            kills += 1;
            let front = expected
                .iter()
                .zip(journal(&out))
                .all(|(whole, found)| whole.starts_with(&found));
            assert!(front, "kill {kills}: not the front of the whole run");
        }
        finish(run(model, &out, more));
        assert!(journal(&out) == expected, "after {kills} kills the records differ");
        for name in ["people.json", "run.json"] {
            let read = |folder: &Path| std::fs::read(folder.join(name)).expect(name);
            assert_eq!(read(&out), read(&whole));
        }
        std::fs::remove_dir_all(&out).expect("cleans up");
    }
}

#[test]
fn a_run_killed_ten_times_ends_with_the_same_bytes() {
    // Journals cut at every byte are a test of their own, so the moments need not be many.
    killed_often("fake:7", &["--methods", "likelihood,label,generation", "--quiet"], 10);
}

#[test]
fn a_run_of_a_real_model_that_is_killed_ends_with_the_same_bytes() {
    match real::smollm2() {
        Ok(path) => {
            let folder = tempfile::tempdir().expect("a folder");
            let asked = own_survey::small(folder.path());
            let more = ["--methods", "likelihood", "--demonstrations", "3", "--quiet"];
            let more: Vec<&str> = asked.iter().map(String::as_str).chain(more).collect();
            killed_often(&path.display().to_string(), &more, 1);
        }
        Err(why) => println!("skipped: no SmolLM2-135M ({why})"),
    }
}

#[test]
fn a_signal_stops_behind_a_person_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let more = ["--limit", "80", "--methods", "likelihood"];
    let child = run("fake:7", &out, &more).spawn().expect("the program starts");
    let begun = Instant::now();
    while records(&out).iter().filter(|byte| **byte == b'\n').count() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no outcome was recorded");
        std::thread::sleep(Duration::from_millis(10));
    }
    // Not INT, which a program keeps ignoring where the shell that began the tests in the background ignored it.
    let interrupted = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(interrupted.success());
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(75), "{said}");
    assert!(said.contains("resumes from here"), "{said}");
    let stopped = records(&out);
    assert!(stopped.ends_with(b"\n"), "a stopped run ends with a whole line");
    finish(run("fake:7", &out, &more));
    assert!(records(&out).starts_with(&stopped));
}

#[test]
fn a_full_disk_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, out) = (folder.path().join("whole"), folder.path().join("run"));
    let more = ["--limit", "8", "--methods", "likelihood"];
    finish(run("fake:7", &whole, &more));
    // A file may not grow beyond half of what is needed: to the program the same as a disk without room.
    let blocks = (journal(&whole)[1].len() / 2 / 1024).to_string();
    let unlimited = run("fake:7", &out, &more);
    let mut limited = Command::new("bash");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"", &blocks])
        .arg(unlimited.get_program())
        .args(unlimited.get_args());
    let output = limited.output().expect("bash starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [
        "records written",
        "evidence-likelihood.jsonl: cannot write",
        "make room",
    ] {
        assert!(said.contains(part), "`{part}` is missing from\n{said}");
    }
    assert!(records(&out).len() > 1000);
    finish(run("fake:7", &out, &more));
    assert!(journal(&out) == journal(&whole));
}

#[test]
fn a_model_that_vanishes_is_named_and_the_run_goes_on_once_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (model, away, out) = (
        folder.path().join("model"),
        folder.path().join("away"),
        folder.path().join("run"),
    );
    std::fs::create_dir(&model).expect("a folder");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/llama3-tied-f32");
    for file in std::fs::read_dir(golden).expect("goldens") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), model.join(file.file_name())).expect("a copy");
    }
    let config = std::fs::read_to_string(model.join("config.json")).expect("a config");
    let long = config.replace("\"max_position_embeddings\": 128", "\"max_position_embeddings\": 1024");
    assert_ne!(config, long);
    std::fs::write(model.join("config.json"), long).expect("a config");
    let name = model.to_string_lossy().into_owned();
    let more = ["--demonstrations", "0"];
    finish(run(&name, &out, &more));
    let whole = records(&out);
    let cut = whole.len() * 2 / 3;
    std::fs::write(out.join("records.jsonl"), &whole[..cut]).expect("a cut journal");
    std::fs::rename(&model, &away).expect("away");
    let output = run(&name, &out, &more).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&name) && said.contains("hint: check the path"), "{said}");
    assert_eq!(records(&out), &whole[..cut]);
    std::fs::rename(&away, &model).expect("back");
    finish(run(&name, &out, &more));
    assert!(records(&out) == whole);
}

#[test]
fn another_spec_in_the_same_folder_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    finish(run("fake:7", &out, &["--quiet"]));
    let before = records(&out);
    for (more, name) in [
        (&["--seed", "5"][..], "spec.demonstrations.seed"),
        (&["--limit", "1"][..], "respondents"),
        (&["--methods", "label"][..], "spec.grid.methods"),
    ] {
        let output = run("fake:7", &out, more).output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("begun with another") && said.contains(name) && said.contains("hint:"),
            "{said}"
        );
    }
    let other_model = run("fake:8", &out, &[]).output().expect("the program starts");
    assert!(String::from_utf8_lossy(&other_model.stderr).contains("another weights"));
    assert_eq!(records(&out), before, "a refused run changes nothing");
}

#[test]
fn verify_scores_records_again_and_finds_a_changed_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    finish(run(
        "fake:7",
        &out,
        &["--methods", "likelihood,label,generation", "--verify", "10", "--quiet"],
    ));
    let verify = |records: &str| {
        indieval()
            .arg("verify")
            .arg(&out)
            .args(["-n", records])
            .output()
            .expect("the program starts")
    };
    let good = verify("400");
    let said = String::from_utf8_lossy(&good.stdout);
    assert_eq!(
        good.status.code(),
        Some(0),
        "{said}{}",
        String::from_utf8_lossy(&good.stderr)
    );
    assert!(said.contains("scored again unshared"), "{said}");
    // One digit of one log-probability, in a way that a model alone can tell.
    let line = Forged::new(&out).record(|record, evidence| {
        let takes = record["method"] == "generation";
        if takes {
            evidence["tries"][0]["logprobs"][0] = (-1.25).into();
        }
        takes
    });
    let bad = verify("400");
    let said = String::from_utf8_lossy(&bad.stdout);
    assert_eq!(bad.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("line {line}:")), "{said}");
}

#[test]
fn verify_derives_records_again_and_finds_forged_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let methods = "likelihood,label,generation,generation-paper";
    finish(run(
        "fake:7",
        &out,
        &["--methods", methods, "--limit", "1", "--demonstrations", "3"],
    ));
    let verify = || {
        let output = indieval().arg("verify").arg(&out).args(["-n", "400"]).output();
        let output = output.expect("the program starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), said + &String::from_utf8_lossy(&output.stderr))
    };
    let (code, said) = verify();
    assert!(matches!(code, Some(0)), "{said}");
    type Change = fn(&mut Value, &mut Value) -> bool;
    let changes: [(&str, Change); 5] = [
        ("evidence.permutations[0].logprobs[0]", |record, evidence| {
            let takes = record["method"] == "label" && record["candidates"] == 2;
            if takes {
                let order = &mut evidence["permutations"];
                for permutation in order.as_array_mut().expect("orders") {
                    let first = permutation["order"][0] == 0;
                    permutation["logprobs"] = serde_json::json!(if first { [-8.0, -9.0] } else { [-9.0, -8.0] });
                }
                evidence["logprobs"] = serde_json::json!([-8.0, -9.0]);
                evidence["invalid_mass"] = (1.0 - f64::exp(-8.0) - f64::exp(-9.0)).into();
                (record["prediction"], record["correct"]) = (0.into(), (record["label"] == 0).into());
            }
            takes
        }),
        (
            "evidence.candidates[0].unconditional_token_logprobs[0] ",
            |record, evidence| {
                let takes = record["method"] == "likelihood";
                if takes {
                    let candidate = &mut evidence["candidates"][0];
                    candidate["unconditional_token_logprobs"][0] = (-0.25).into();
                    let numbers = candidate["unconditional_token_logprobs"].as_array().expect("numbers");
                    let sum: f64 = numbers
                        .iter()
                        .map(|x| f64::from(x.as_f64().expect("a number") as f32))
                        .sum();
                    candidate["unconditional"] = sum.into();
                }
                takes
            },
        ),
        ("seed", |record, evidence| {
            let takes = record["method"] == "generation";
            if takes {
                evidence["tries"][0]["seed"] = "7".into();
            }
            takes
        }),
        ("shown", |record, _| {
            let takes = record["shown"] == 3;
            if takes {
                record["shown"] = 2.into();
            }
            takes
        }),
        ("context_tokens", |record, _| {
            record["context_tokens"] = 7.into();
            true
        }),
    ];
    let forged = Forged::new(&out);
    for (name, change) in changes {
        let line = forged.record(change);
        let (code, said) = verify();
        assert_eq!(code, Some(1), "{name}: {said}");
        // What follows from the spec alone is told before the model is asked, with the file.
        let places = [format!("line {line}: "), format!("records.jsonl:{line}: ")];
        let told = |told: &str| places.iter().any(|place| told.contains(place)) && told.contains(name);
        let about = said.lines().any(told);
        assert!(about, "{name}, line {line}: {said}");
        forged.restore();
    }
    let people = std::fs::read_to_string(out.join("people.json")).expect("people");
    let at = people.find("\"majority\":").expect("a baseline") + "\"majority\":".len();
    let mut changed = people.into_bytes();
    changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
    std::fs::write(out.join("people.json"), changed).expect("writes");
    let (code, said) = verify();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("people.json: it is not the file that"), "{said}");
}

#[test]
fn other_people_in_the_survey_are_another_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, out) = (folder.path().join("s.csv"), folder.path().join("run"));
    let text = std::fs::read_to_string(survey()).expect("the survey");
    std::fs::write(&file, &text).expect("a copy");
    let begin = |more: &[&str]| {
        let mut command = indieval();
        command.args([
            "run",
            "--model",
            "fake:7",
            "--limit",
            "1",
            "--splits",
            "1",
            "--demonstrations",
            "3",
        ]);
        command
            .args(["--control", "own,random", "--survey"])
            .arg(&file)
            .arg("--out")
            .arg(&out)
            .args(more);
        command.output().expect("the program starts")
    };
    assert!(matches!(begin(&[]).status.code(), Some(0)));
    let mut lines: Vec<&str> = text.lines().collect();
    lines.pop();
    std::fs::write(&file, lines.join("\n") + "\n").expect("a shorter survey");
    let said = String::from_utf8_lossy(&begin(&[]).stderr).into_owned();
    assert!(said.contains("another survey"), "{said}");
}

#[test]
fn what_made_a_run_fail_before_its_first_outcome_can_be_put_right_in_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let more = [
        "--demonstrations",
        "150",
        "--memory",
        "192kB",
        "--limit",
        "1",
        "--methods",
        "likelihood",
    ];
    let failed = run("fake:7", &out, &more).output().expect("the program starts");
    assert_eq!(
        failed.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&failed.stderr)
    );
    assert!(records(&out).is_empty() && out.join("run.json").exists());
    finish(run("fake:7", &out, &["--limit", "1", "--methods", "likelihood"]));
}

#[test]
fn a_dry_run_says_what_would_be_run_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let output = finish(run(
        "fake:7",
        &out,
        &["--methods", "likelihood,generation", "--dry-run"],
    ));
    let said = String::from_utf8_lossy(&output.stdout);
    for part in [
        "312 records".to_owned(),
        "without sharing".into(),
        "no chat template".into(),
    ] {
        assert!(said.contains(&part), "`{part}` is missing from\n{said}");
    }
    assert!(!out.exists());
}

#[test]
fn what_is_missing_is_named_with_a_remedy() {
    for (arguments, part) in [
        (vec!["run", "--model", "fake:1"], "--survey"),
        (vec!["run", "--survey", "nowhere.csv"], "--model"),
        (
            vec!["run", "--model", "fake:1", "--survey", "nowhere.csv"],
            "nowhere.csv",
        ),
        (vec!["run", "nowhere.toml", "--model", "fake:1"], "nowhere.toml"),
        (vec!["verify", "nowhere"], "no run here"),
    ] {
        let output = indieval().args(&arguments).output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: `{part}` is missing from\n{said}");
    }
}

/// As under `nohup`, and for jobs that a script starts in the background.
#[test]
#[cfg(unix)]
fn signals_that_were_ignored_at_the_start_stop_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let mut command = run("fake:7", &out, &["--limit", "30"]);
    let program = command.get_program().to_owned();
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    command = Command::new("sh");
    command
        .args(["-c", "trap '' HUP INT TERM; exec \"$0\" \"$@\""])
        .arg(program)
        .args(arguments);
    let mut child = command
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    for signal in ["HUP", "INT", "TERM"] {
        std::thread::sleep(std::time::Duration::from_millis(150));
        let id = child.id().to_string();
        Command::new("kill").args(["-s", signal, &id]).status().expect("kill");
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let header: Value = serde_json::from_slice(&std::fs::read(out.join("run.json")).expect("run.json")).expect("JSON");
    let lines = records(&out).iter().filter(|&&byte| byte == b'\n').count();
    assert_eq!(header["outcomes"], lines);
}
