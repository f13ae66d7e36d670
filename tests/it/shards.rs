//! `run --shard`, `run --workers` and `merge` as a user sees them: the same bytes as in one piece, and what is refused.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::forge::{FILES, Forged};
use crate::run::{finish, run};

/// The files of a run that say the same however it was computed.
const SAME: [&str; 6] = [
    "run.json",
    "people.json",
    "records.jsonl",
    "evidence-likelihood.jsonl",
    "evidence-label.jsonl",
    "evidence-generation.jsonl",
];

const MORE: [&str; 5] = ["--limit", "7", "--methods", "likelihood,label,generation", "--quiet"];

fn bytes(folder: &Path) -> [Vec<u8>; 6] {
    SAME.map(|name| std::fs::read(folder.join(name)).unwrap_or_default())
}

fn assert_same(whole: &Path, merged: &Path) {
    for (name, (a, b)) in SAME.iter().zip(bytes(whole).iter().zip(&bytes(merged))) {
        assert!(a == b, "{name} differs: {} and {} bytes", a.len(), b.len());
    }
}

fn merge(out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_indieval"));
    command.arg("merge").arg(out).args(more);
    command.output().expect("the program starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn shard(model: &str, out: &Path, which: &str, more: &[&str]) -> Command {
    let mut command = run(model, out, more);
    command.args(["--shard", which]);
    command
}

fn all_shards(model: &str, out: &Path, of: usize, more: &[&str]) {
    for number in 1..=of {
        finish(shard(model, out, &format!("{number}/{of}"), more));
    }
}

fn merged(out: &Path) {
    let output = merge(out, &["--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// A merge that is refused by name and writes nothing.
fn refused(out: &Path, code: i32, parts: &[&str]) {
    let before = bytes(out);
    let output = merge(out, &[]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!out.join(".merge").exists(), "what was begun is removed");
    for part in parts.iter().chain(&["hint: "]) {
        assert!(said.contains(part), "`{part}` is missing from\n{said}");
    }
    assert!(bytes(out) == before, "a refused merge changes nothing");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy(&path, &to),
            false => drop(std::fs::copy(&path, &to).expect("a copy")),
        }
    }
}

#[test]
fn shards_merge_to_the_bytes_of_a_run_in_one_piece() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    finish(run("fake:7", &whole, &MORE));
    // One shard of everything, uneven ones, and some that are empty.
    for of in [1, 3, 9] {
        let out = folder.path().join(format!("in-{of}"));
        all_shards("fake:7", &out, of, &MORE);
        merged(&out);
        assert_same(&whole, &out);
    }
    let out = folder.path().join("in-3");
    let again = merge(&out, &[]);
    assert!(
        again.status.success() && said(&again).contains("complete already"),
        "{}",
        said(&again)
    );
    // What was merged is a run like any other: gone on with, and verified.
    finish(run("fake:7", &out, &MORE));
    assert_same(&whole, &out);
    for path in [out.clone(), out.join("shards/2-of-3")] {
        let mut verify = Command::new(env!("CARGO_BIN_EXE_indieval"));
        let output = verify
            .arg("verify")
            .arg(path)
            .args(["-n", "20"])
            .output()
            .expect("starts");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
}

#[test]
fn a_run_begun_in_one_piece_is_gone_on_with_in_shards() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    finish(run("fake:7", &whole, &MORE));
    let lines = bytes(&whole)[2].iter().filter(|byte| **byte == b'\n').count();
    // Nobody, two people and a half, all but one record.
    for share in [0.0, 0.36, 0.999] {
        let out = folder.path().join(format!("begun-{share}"));
        copy(&whole, &out);
        let records = std::fs::read_to_string(out.join("records.jsonl")).expect("records");
        let kept = (lines as f64 * share) as usize;
        let front: String = records.lines().take(kept).map(|line| format!("{line}\n")).collect();
        // A kill in the middle of a record.
        let torn = records.lines().nth(kept).map_or("", |line| &line[..20]);
        std::fs::write(out.join("records.jsonl"), front.clone() + torn).expect("a cut journal");
        all_shards("fake:7", &out, 3, &MORE);
        let of_shards: usize = (1..=3)
            .map(|number| std::fs::read_to_string(out.join(format!("shards/{number}-of-3/records.jsonl"))))
            .map(|text| text.map_or(0, |text| text.lines().count()))
            .sum();
        assert!(
            of_shards <= lines - kept + lines / 7,
            "{of_shards} of {lines}: people are computed twice"
        );
        if kept < lines && kept > 0 {
            let refused = run("fake:7", &out, &MORE).output().expect("starts");
            let text = said(&refused);
            assert_eq!(refused.status.code(), Some(1), "{text}");
            assert!(text.contains("in 3 shards") && text.contains("hint: "), "{text}");
        }
        merged(&out);
        assert_same(&whole, &out);
    }
}

#[test]
fn missing_shards_are_a_list_that_schedulers_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    refused(&out, 1, &["no shards here"]);
    for number in [1, 3, 4, 8] {
        finish(shard("fake:7", &out, &format!("{number}/8"), &MORE));
    }
    refused(&out, 3, &["4 of 8 shards are not complete: 2,5-7", "--shard 2/8"]);
    for number in [2, 5, 6, 7] {
        finish(shard("fake:7", &out, &format!("{number}/8"), &MORE));
    }
    let part = out.join("shards/5-of-8/records.jsonl");
    let whole = std::fs::read(&part).expect("records");
    std::fs::write(&part, &whole[..whole.len() - 1]).expect("a cut journal");
    refused(&out, 3, &["1 of 8 shards is not complete: 5"]);
    finish(shard("fake:7", &out, "5/8", &MORE));
    assert!(std::fs::read(&part).expect("records") == whole);
    let other = shard("fake:7", &out, "1/4", &MORE).output().expect("starts");
    assert_eq!(other.status.code(), Some(1));
    assert!(said(&other).contains("shards of 4 and of 8"), "{}", said(&other));
    merged(&out);
}

#[test]
fn shards_that_were_changed_doubled_or_are_of_another_run_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let more = ["--limit", "7", "--methods", "likelihood,generation", "--quiet"];
    all_shards("fake:7", &out, 3, &more);
    let place = |number: usize| out.join(format!("shards/{number}-of-3"));
    let (own, kept) = (place(2), folder.path().join("kept"));
    copy(&own, &kept);
    let put_back = || {
        std::fs::remove_dir_all(&own).expect("cleans up");
        copy(&kept, &own);
    };

    // One byte of one file.
    for name in FILES.iter().chain(&["people.json", "run.json"]) {
        let Ok(mut bytes) = std::fs::read(own.join(name)) else {
            continue;
        };
        let middle = bytes.len() / 2;
        let digit = (middle..).find(|&at| bytes[at].is_ascii_digit()).expect("a digit");
        bytes[digit] = if bytes[digit] == b'1' { b'2' } else { b'1' };
        std::fs::write(own.join(name), bytes).expect("writes");
        refused(&out, 1, &[&format!("2-of-3/{name}")]);
        put_back();
    }

    // Another shard in its place, as it is and with every check made anew.
    std::fs::remove_dir_all(&own).expect("cleans up");
    copy(&place(1), &own);
    refused(&out, 1, &["2-of-3: it holds shard 1/3, not shard 2/3"]);
    Forged::new(&own).run("\"number\": 1", "\"number\": 2");
    refused(&out, 1, &["2-of-3"]);
    put_back();

    // A shard of the same number of another run.
    let other = folder.path().join("other");
    finish(shard("fake:8", &other, "2/3", &more));
    std::fs::remove_dir_all(&own).expect("cleans up");
    copy(&other.join("shards/2-of-3"), &own);
    refused(&out, 1, &["2-of-3: it belongs to another run: weights"]);
    let text = said(&shard("fake:7", &out, "2/3", &more).output().expect("starts"));
    assert!(text.contains("another weights"), "{text}");
    put_back();

    // A complete run of another model beside the shards, and a shard's files in the place of the run's.
    for other in [other.join("whole"), place(1)] {
        if !other.exists() {
            finish(run("fake:8", &other, &more));
        }
        for name in SAME.iter().filter(|name| other.join(name).exists()) {
            std::fs::copy(other.join(name), out.join(name)).expect("a copy");
        }
        refused(
            &out,
            1,
            &[if other == place(1) {
                "it holds shard 1/3, not the whole run"
            } else {
                "1-of-3: it belongs to another run"
            }],
        );
        SAME.iter().for_each(|name| drop(std::fs::remove_file(out.join(name))));
    }

    // A record that is there twice.
    let records = std::fs::read_to_string(own.join("records.jsonl")).expect("records");
    let last = records.lines().last().expect("a record");
    std::fs::write(own.join("records.jsonl"), format!("{records}{last}\n")).expect("writes");
    refused(&out, 1, &["2-of-3: ", "records.jsonl"]);
    put_back();

    // Files of two shards in each other's place, one kind after the other.
    for name in [
        "run.json",
        "people.json",
        "evidence-likelihood.jsonl",
        "evidence-generation.jsonl",
    ] {
        let (one, two) = (place(1).join(name), own.join(name));
        let (first, second) = (
            std::fs::read(&one).expect("a file"),
            std::fs::read(&two).expect("a file"),
        );
        std::fs::write(&one, &second).expect("writes");
        std::fs::write(&two, &first).expect("writes");
        refused(&out, 1, &["1-of-3"]);
        std::fs::write(&one, first).expect("writes");
        put_back();
    }
    merged(&out);
}

/// What a kill or a full disk leaves of a shard is no reason to compute all of it anew: the command of the hint keeps the rest.
#[test]
fn a_shard_whose_files_end_apart_is_gone_on_with_as_the_hint_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, out) = (folder.path().join("whole"), folder.path().join("run"));
    let more = ["--limit", "4", "--methods", "likelihood", "--quiet"];
    finish(run("fake:7", &whole, &more));
    all_shards("fake:7", &out, 2, &more);
    let path = |name: &str| out.join("shards/2-of-2").join(name);
    let read = |name: &str| std::fs::read_to_string(path(name)).expect("a file");
    for (name, kept, more_of_it) in [
        ("evidence-likelihood.jsonl", 0.6, 0),
        ("evidence-likelihood.jsonl", 1.0, 1),
        ("records.jsonl", 1.0, 1),
    ] {
        let text = read(name);
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let front = &lines[..(lines.len() as f64 * kept) as usize];
        let more_of_it = &lines[lines.len() - more_of_it..];
        std::fs::write(path(name), [front, more_of_it].concat().concat()).expect("writes");
        refused(&out, 1, &["shards/2-of-2: ", "with --shard 2/2"]);
        let output = finish(shard("fake:7", &out, "2/2", &more));
        assert_eq!(said(&output), "", "quiet");
        let notes = read("sessions.jsonl");
        let last_start = notes
            .lines()
            .rfind(|line| line.contains("\"started\""))
            .expect("a start");
        assert!(
            !last_start.contains("\"recorded\":0,") || notes.lines().count() < 3,
            "{last_start}"
        );
        assert!(read(name) == text, "{name} is whole again");
    }
    merged(&out);
    assert_same(&whole, &out);
}

/// A disk that is full, by a limit on the size of files: nothing of shards or run is lost, what was begun goes, and once there is
/// room the same command merges.
#[test]
#[cfg(unix)]
fn a_merge_without_room_says_where_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, out) = (folder.path().join("whole"), folder.path().join("run"));
    finish(run("fake:7", &whole, &MORE));
    all_shards("fake:7", &out, 3, &MORE);
    let mut limited = Command::new("bash");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" merge \"$1\" --quiet"]);
    let output = limited
        .arg(env!("CARGO_BIN_EXE_indieval"))
        .arg(&out)
        .output()
        .expect("bash starts");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for part in [".merge/", "File too large", "hint: ", "make room"] {
        assert!(text.contains(part), "`{part}` is missing from\n{text}");
    }
    assert!(!out.join(".merge").exists() && !out.join("records.jsonl").exists());
    merged(&out);
    assert_same(&whole, &out);
}

/// A tiny model of random weights whose context is long enough for a prompt.
fn tiny(golden: &str, folder: &Path) -> String {
    let model = folder.join(golden);
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(golden),
        &model,
    );
    let path = model.join("config.json");
    let config = std::fs::read_to_string(&path).expect("a config");
    let mut config: serde_json::Value = serde_json::from_str(&config).expect("JSON");
    config["max_position_embeddings"] = 1024.into();
    std::fs::write(&path, config.to_string()).expect("a config");
    model.display().to_string()
}

#[test]
fn the_engine_gives_shards_and_workers_the_bytes_of_one_piece_in_bf16() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = tiny("qwen2-tied-bf16", folder.path());
    let more = [
        "--demonstrations",
        "0",
        "--limit",
        "4",
        "--dtype",
        "bf16",
        "--methods",
        "likelihood,label",
        "--quiet",
    ];
    let whole = folder.path().join("whole");
    let mut in_one = run(&model, &whole, &more);
    in_one.args(["--threads", "2"]);
    finish(in_one);
    let out = folder.path().join("shards");
    for number in 1..=2 {
        let mut one = shard(&model, &out, &format!("{number}/2"), &more);
        // Neither threads nor memory are a run's own.
        one.args(["--threads", "1", "--memory", if number == 1 { "1GB" } else { "200MB" }]);
        finish(one);
    }
    merged(&out);
    assert_same(&whole, &out);
    let out = folder.path().join("workers");
    let mut workers = run(&model, &out, &more);
    workers.args(["--workers", "cpu:1,cpu:1"]);
    finish(workers);
    assert_same(&whole, &out);
}

#[test]
fn one_worker_that_fails_is_named_and_takes_none_along() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, out) = (folder.path().join("whole"), folder.path().join("run"));
    finish(run("fake:7", &whole, &MORE));
    finish(shard("fake:7", &out, "2/5", &MORE));
    let path = out.join("shards/2-of-5/records.jsonl");
    let records = std::fs::read_to_string(&path).expect("records");
    // One digit is another, and the last record is missing, so that there is something to do.
    let cut = records.trim_end().rfind('\n').expect("lines");
    let spoiled = records[..=cut].replacen("\"split\":1", "\"split\":2", 1);
    std::fs::write(&path, &spoiled).expect("writes");
    let work = || {
        let mut command = run("fake:7", &out, &MORE[..4]);
        command.args(["--workers", "cpu:1,cpu:1"]);
        command.output().expect("starts")
    };
    let failed = work();
    let text = said(&failed);
    assert_eq!(failed.status.code(), Some(1), "{text}");
    for part in [
        "shard 2/5 on cpu:1 failed",
        "records.jsonl:1: ",
        "1 of 5 shards not complete: 2;",
        "worker.log",
    ] {
        assert!(text.contains(part), "`{part}` is missing from\n{text}");
    }
    refused(&out, 3, &["1 of 5 shards is not complete: 2"]);
    std::fs::write(&path, &records[..=cut]).expect("writes");
    let done = work();
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert_same(&whole, &out);
}

#[test]
fn shards_of_different_kernels_merge_only_when_that_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = tiny("llama3-tied-f32", folder.path());
    let more = ["--demonstrations", "0", "--methods", "likelihood", "--quiet"];
    let out = folder.path().join("run");
    finish(shard(&model, &out, "1/2", &more));
    let mut other = shard(&model, &out, "2/2", &more);
    finish({
        other.env("INDIEVAL_BACKEND", "portable");
        other
    });
    let first = std::fs::read_to_string(out.join("shards/1-of-2/run.json")).expect("run.json");
    if first.contains("\"backend\": \"portable\"") {
        println!("skipped: this processor has the portable kernels only");
        return;
    }
    refused(
        &out,
        1,
        &[
            "2-of-2: computed by another program or other kernels (portable on cpu",
            "--mixed",
        ],
    );
    let output = merge(&out, &["--mixed"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let header = std::fs::read_to_string(out.join("run.json")).expect("run.json");
    let header: serde_json::Value = serde_json::from_str(&header).expect("JSON");
    assert_eq!(header["mixed"].as_array().map(Vec::len), Some(2));
    assert_eq!(header["mixed"][1]["backend"], "portable");
    let page = std::fs::read_to_string(out.join("report.html")).expect("a report");
    assert!(page.contains("Computed by different programs or kernels") && page.contains("portable on cpu"));
    let mut verify = Command::new(env!("CARGO_BIN_EXE_indieval"));
    let output = verify
        .arg("verify")
        .arg(&out)
        .args(["-n", "78"])
        .output()
        .expect("starts");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
#[cfg(unix)]
fn a_signal_ends_all_workers_and_the_same_command_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("run");
    let more = ["--limit", "40", "--methods", "likelihood"];
    let work = || {
        let mut command = run("fake:7", &out, &more);
        command.args(["--workers", "cpu:1,cpu:1", "--shards", "6"]);
        command
    };
    let child = work().spawn().expect("starts");
    let begun = std::time::Instant::now();
    let any = |out: &PathBuf| out.join("shards/1-of-6/records.jsonl").exists();
    while !any(&out) {
        assert!(begun.elapsed().as_secs() < 60, "nothing was recorded");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(killed.expect("kill").success());
    let output = child.wait_with_output().expect("ends");
    let text = said(&output);
    // A machine that is quick enough was done before the signal came.
    if !output.status.success() {
        assert_eq!(output.status.code(), Some(75), "{text}");
        assert!(text.contains("of 6 shards not complete"), "{text}");
        finish(work());
    }
    let whole = folder.path().join("whole");
    finish(run("fake:7", &whole, &more));
    assert_same(&whole, &out);
}

/// More shards than a merge keeps open side by side, of two people each: they write as few files as a run does.
#[test]
fn many_shards_are_merged_without_as_many_open_files() {
    const SHARDS: usize = 34;
    use indieval::model::{OpenOptions, source::Silent};
    use indieval::run::{Experiment, Shard, ShardPlace, Spec, Unobserved};
    let folder = tempfile::tempdir().expect("a folder");
    let mut opened = indieval::model::open("fake:3", &OpenOptions::default(), &mut Silent).expect("a model");
    let mut spec = Spec::default();
    spec.respondents.survey = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/synthetic-respondents.csv");
    spec.respondents.limit = Some(2 * SHARDS);
    spec.grid.splits.truncate(1);
    spec.grid.demonstrations = vec![0];
    spec.grid.methods.truncate(1);
    let experiment = || Experiment::read(spec.clone(), &opened).expect("an experiment");
    let (whole, out) = (folder.path().join("whole"), folder.path().join("run"));
    let all = experiment();
    let parts: Vec<(ShardPlace, Experiment)> = Shard::all(SHARDS)
        .map(|shard| ShardPlace::enter(&out, shard, experiment(), &opened).expect("a place"))
        .collect();
    indieval::run::evaluate(&all, &mut opened, &whole, &mut Unobserved).expect("a run");
    // Side by side: none of them keeps another out.
    for (place, part) in &parts {
        indieval::run::evaluate(part, &mut opened, &place.folder, &mut Unobserved).expect("a shard");
    }
    let held = indieval::run::merge(&out, false)
        .expect_err("shards are computed")
        .to_string();
    assert!(held.contains("another process is writing this run"), "{held}");
    for (place, part) in &parts {
        assert_eq!(part.plan.people.len(), 2);
        // What it is, its people, its spec, its starts, records and their evidence, and the lock.
        let files = std::fs::read_dir(&place.folder).expect("a shard").count();
        assert!(files <= 7, "{files} files in {}", place.folder.display());
    }
    drop(parts);
    let merged = indieval::run::merge(&out, false).expect("a merge");
    assert_eq!(
        (merged.shards, merged.people, merged.records),
        (SHARDS, 2 * SHARDS, all.plan.outcomes)
    );
    assert_same(&whole, &out);
}
