//! `indieval slurm` with stand-ins for Slurm's commands that write down what is submitted; the test runs the batch scripts
//! itself. `scripts/slurm-test.sh` does the same with a real Slurm.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::run::{finish, run};

/// Prints the number of the job, after it has kept its script and arguments under that number.
const SBATCH: &str = r#"#!/bin/sh
job=$(($(ls "$FAKE_SLURM" | grep -c '\.sbatch$') + 1))
for script; do :; done
cp "$script" "$FAKE_SLURM/$job.sbatch"
echo "$*" >"$FAKE_SLURM/$job.arguments"
echo "$job"
"#;
const SCONTROL: &str = "#!/bin/sh\necho 'MaxArraySize            = 5'\n";
const SQUEUE: &str = "#!/bin/sh\ncat \"$FAKE_SLURM/queue\" 2>/dev/null || true\n";

/// A folder of commands in the place of Slurm's, and what they were given.
struct FakeSlurm {
    folder: PathBuf,
}

impl FakeSlurm {
    fn new(folder: &Path) -> Self {
        let folder = folder.join("slurm");
        std::fs::create_dir_all(folder.join("bin")).expect("a folder");
        for (name, text) in [("sbatch", SBATCH), ("scontrol", SCONTROL), ("squeue", SQUEUE)] {
            let path = folder.join("bin").join(name);
            std::fs::write(&path, text).expect("a command");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a command");
        }
        Self { folder }
    }

    /// A command that finds these in the place of Slurm's.
    fn beside(&self, mut command: Command) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}/bin:{path}", self.folder.display()));
        command.env("FAKE_SLURM", &self.folder);
        command
    }

    fn submit(&self, out: &Path, more: &[&str]) -> String {
        let mut command = self.beside(Command::new(env!("CARGO_BIN_EXE_indieval")));
        let survey = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/synthetic-respondents.csv");
        command
            .args(["slurm", "submit", "--model", "fake:7", "--survey"])
            .arg(survey);
        command.args(SPEC).arg("--out").arg(out).args(more);
        said(&finish(command))
    }

    /// What was given with a job: its script and its arguments.
    fn job(&self, number: usize) -> Option<(PathBuf, String)> {
        let script = self.folder.join(format!("{number}.sbatch"));
        let arguments = std::fs::read_to_string(self.folder.join(format!("{number}.arguments"))).ok()?;
        Some((script, arguments))
    }

    /// Runs a job's script: a task where it has a number.
    fn start(&self, script: &Path, job: usize, task: Option<usize>) -> Output {
        let mut command = self.beside(Command::new("bash"));
        command.arg(script).env("SLURM_CPUS_ON_NODE", "1");
        if let Some(task) = task {
            command.env("SLURM_ARRAY_JOB_ID", job.to_string());
            command.env("SLURM_ARRAY_TASK_ID", task.to_string());
        }
        command.output().expect("bash starts")
    }
}

const SPEC: [&str; 8] = [
    "--splits",
    "1",
    "--limit",
    "30",
    "--demonstrations",
    "0",
    "--methods",
    "likelihood,label",
];

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The task numbers of a script's array.
fn tasks(script: &Path) -> Vec<usize> {
    let text = std::fs::read_to_string(script).expect("a script");
    let list = text.lines().find_map(|line| line.strip_prefix("#SBATCH --array="));
    let list = list.expect("an array").split('%').next().unwrap_or_default();
    let numbers = list.split(',').flat_map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let bound = |text: &str| text.parse::<usize>().expect("a number");
        bound(first)..=bound(last)
    });
    numbers.collect()
}

/// 11 shards where a task's number is below 5: three arrays, whose tasks are all shards, each once; then those that failed
/// and are not in the queue; and a merge that has the bytes of one piece.
#[test]
fn shards_beyond_the_largest_array_are_several_arrays_that_compute_each_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let slurm = FakeSlurm::new(folder.path());
    let out = folder.path().join("run");
    let first = slurm.submit(&out, &["--shards", "11", "--max-parallel", "2"]);
    for line in [
        "job 1: shards 1-4",
        "job 2: shards 5-8",
        "job 3: shards 9-11",
        "job 4: the merge",
    ] {
        assert!(first.contains(line), "`{line}` is missing from\n{first}");
    }
    let mut computed: BTreeMap<String, usize> = BTreeMap::new();
    for job in 1..=3 {
        let (script, arguments) = slurm.job(job).expect("an array");
        // Each array has a limit of its own, so that one comes after the other.
        assert_eq!(arguments.contains("--dependency=afterany"), job > 1, "{arguments}");
        for task in tasks(&script) {
            assert!((1..5).contains(&task), "task {task} of job {job}");
            // Two shards are lost: nobody computes them.
            if (job, task) == (1, 2) || (job, task) == (3, 1) {
                continue;
            }
            let output = slurm.start(&script, job, Some(task));
            let text = said(&output);
            assert_eq!(output.status.code(), Some(0), "{text}");
            let shard = text.split("== shard ").nth(1).and_then(|rest| rest.split(',').next());
            *computed.entry(shard.expect("a shard").to_owned()).or_default() += 1;
        }
    }
    assert_eq!(computed.len(), 9, "{computed:?}");
    assert!(computed.values().all(|times| *times == 1), "{computed:?}");
    let (merge, arguments) = slurm.job(4).expect("a merge");
    assert!(arguments.contains("--dependency=afterany:1:2:3"), "{arguments}");
    let early = slurm.start(&merge, 4, None);
    assert_eq!(early.status.code(), Some(3));
    assert!(
        said(&early).contains("2 of 11 shards are not complete: 2,9"),
        "{}",
        said(&early)
    );

    // What the queue still has is not submitted again.
    std::fs::write(slurm.folder.join("queue"), "3|1|PENDING\n").expect("a queue");
    let second = slurm.submit(&out, &["--shards", "11"]);
    assert!(second.contains("job 5: shards 2\n"), "{second}");
    std::fs::write(slurm.folder.join("queue"), "").expect("an empty queue");
    for (job, task) in [(5, 2), (3, 1)] {
        let (script, _) = slurm.job(job).expect("an array");
        assert!(tasks(&script).contains(&task));
        let output = slurm.start(&script, job, Some(task));
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    let (merge, _) = slurm.job(6).expect("a merge");
    let merged = slurm.start(&merge, 6, None);
    assert_eq!(merged.status.code(), Some(0), "{}", said(&merged));
    let whole = folder.path().join("whole");
    finish(run("fake:7", &whole, &[&SPEC[..], &["--quiet"]].concat()));
    for name in [
        "run.json",
        "people.json",
        "records.jsonl",
        "evidence-likelihood.jsonl",
        "evidence-label.jsonl",
    ] {
        let read = |folder: &Path| std::fs::read(folder.join(name)).expect("a file");
        assert!(read(&whole) == read(&out), "{name} differs");
    }
    let third = slurm.submit(&out, &["--shards", "11"]);
    assert!(third.contains("complete already"), "{third}");
}
