//! Memory: what `--dry-run` says a run takes at most, beside what it takes.

use crate::{own_survey, real};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// A run of the real small model on a small survey of our own.
struct SmallRun<'a> {
    model: PathBuf,
    folder: &'a Path,
    survey: [String; 4],
}

impl SmallRun<'_> {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_indieval"));
        command.arg("run").arg("--model").arg(&self.model).args(&self.survey);
        command.args(["--splits", "1", "--demonstrations", "3"]).args(args);
        command
    }

    /// Megabytes that the plan says are taken at most.
    fn planned(&self, args: &[&str]) -> f64 {
        let output = self
            .command(args)
            .arg("--dry-run")
            .output()
            .expect("the program starts");
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find_map(|line| line.strip_prefix("memory"));
        let line = line.unwrap_or_else(|| panic!("no plan: {text}{}", String::from_utf8_lossy(&output.stderr)));
        let (size, _) = line.trim().split_once(" MB at most").expect("a size in MB");
        size.parse().expect("a number")
    }

    /// Megabytes of anonymous memory that the run had at most.
    fn measured(&self, args: &[&str], name: &str) -> f64 {
        let out = self.folder.join(name);
        let mut command = self.command(args);
        command
            .arg("--out")
            .arg(out)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let status = format!("/proc/{}/status", child.id());
        let mut most = 0;
        let ended = loop {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
            let now = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
            most = now.unwrap_or(0u64).max(most);
            if let Some(ended) = child.try_wait().expect("waits") {
                break ended;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        assert!(ended.success(), "{args:?}");
        most as f64 * 1024.0 / 1e6
    }
}

/// The tolerance is the goal: a tenth. What differs is what the allocator keeps, and the speed that cuts batches.
#[test]
fn a_run_takes_what_was_planned_within_a_tenth() {
    let model = match real::smollm2() {
        Ok(path) => path,
        Err(why) => return println!("skipped: no SmolLM2-135M ({why})"),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let run = SmallRun {
        survey: own_survey::small(folder.path()),
        folder: folder.path(),
        model,
    };
    for (number, args) in [
        "--limit 1 --dtype bf16 --methods likelihood,generation --orders 1",
        "--limit 1 --dtype f32 --methods likelihood --memory 200MB",
    ]
    .iter()
    .enumerate()
    {
        let args: Vec<&str> = args.split(' ').collect();
        let planned = run.planned(&args);
        let measured = run.measured(&args, &format!("run-{number}"));
        let ratio = measured / planned;
        assert!(
            (0.9..=1.1).contains(&ratio),
            "{args:?}: {measured:.0} MB, and {planned:.0} MB planned ({ratio:.2})"
        );
    }
}
