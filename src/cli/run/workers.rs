//! `indieval run --workers`: one process a device, each over shards of its own; one display for all, one merge at the end.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::How;
use super::parts::WorkerDevice;
use super::progress::StopRequests;
use crate::base::text::{count, counted, duration};
use crate::cli::model_args::MachineArgs;
use crate::cli::output::tell;
use crate::cli::progress::Display;
use crate::cli::signals;
use crate::cli::status::ExitStatus;
use crate::run::{self, Shard, ShardState, Spec};

/// How often processes and files are looked at.
const EVERY: Duration = Duration::from_millis(100);

/// How often it is counted how far they are.
const COUNTED: Duration = Duration::from_secs(1);

/// The processes of a run.
pub struct Team {
    /// What each of them computes on.
    pub devices: Vec<WorkerDevice>,
    /// In how many shards; where it is not said, as many as were begun, or as there are devices.
    pub shards: Option<usize>,
    /// How much of the machine all of them together may take.
    pub machine: MachineArgs,
}

/// Computes all shards that are not complete, and merges.
pub fn run(team: &Team, spec: &Spec, how: &How, requests: &StopRequests) -> anyhow::Result<ExitCode> {
    if run::complete(&how.out)? != Some(true) {
        let begun = run::count(&how.out)?;
        let of = team.shards.or(begun).unwrap_or(team.devices.len());
        run::same_count(&how.out, of)?;
        let states = run::states(&how.out, of)?;
        let path = how.out.join("shards").join("spec.toml");
        let text = spec.to_toml()?;
        crate::cli::output::write_whole(&path, |file| file.write_all(text.as_bytes()))?;
        let mut work = Work::new(team, how, (states, &path));
        let ended = work.until_done(requests);
        work.display.done(&work.said());
        ended?;
        if let Some(status) = work.status(requests) {
            return Ok(status);
        }
    }
    how.merge(false)
}

/// The work of a team.
struct Work<'a> {
    team: &'a Team,
    how: &'a How,
    spec: &'a Path,
    states: Vec<ShardState>,
    /// Shards that nobody has begun in this start, as positions among all.
    queue: VecDeque<usize>,
    /// The process of each device.
    processes: Vec<Option<Worker>>,
    failed: Vec<String>,
    display: Display,
    /// Records that were there before, and when this start began.
    before: usize,
    begun: Instant,
    /// How often a signal to stop was passed on.
    passed: u8,
}

/// A process and the shard that it computes.
struct Worker {
    child: Child,
    shard: usize,
}

impl<'a> Work<'a> {
    fn new(team: &'a Team, how: &'a How, (states, spec): (Vec<ShardState>, &'a Path)) -> Self {
        let queue = (0..states.len()).filter(|&at| !states[at].complete()).collect();
        let before = run::recorded(&states);
        Self {
            team,
            how,
            spec,
            states,
            queue,
            processes: team.devices.iter().map(|_| None).collect(),
            failed: Vec::new(),
            display: Display::new(how.quiet),
            before,
            begun: Instant::now(),
            passed: 0,
        }
    }

    /// Starts a process wherever a device is free, until nothing is left to do.
    fn until_done(&mut self, requests: &StopRequests) -> anyhow::Result<()> {
        let mut counted = Instant::now();
        loop {
            for device in 0..self.processes.len() {
                self.look(device)?;
                if self.processes[device].is_none()
                    && !requests.asked()
                    && let Some(shard) = self.queue.pop_front()
                {
                    let child = self.start(device, self.states[shard].shard)?;
                    self.processes[device] = Some(Worker { child, shard });
                }
            }
            if self.processes.iter().all(Option::is_none) {
                return self.states.iter_mut().try_for_each(|state| Ok(state.look()?));
            }
            while self.passed < requests.times() {
                self.passed += 1;
                self.processes
                    .iter()
                    .flatten()
                    .for_each(|worker| signals::stop(&worker.child));
            }
            if counted.elapsed() >= COUNTED {
                counted = Instant::now();
                self.show()?;
            }
            std::thread::sleep(EVERY);
        }
    }

    /// Whether the process of a device has ended, and how.
    fn look(&mut self, device: usize) -> anyhow::Result<()> {
        let Some(worker) = &mut self.processes[device] else {
            return Ok(());
        };
        let Some(status) = worker.child.try_wait()? else {
            return Ok(());
        };
        let state = &mut self.states[worker.shard];
        self.processes[device] = None;
        state.look()?;
        if status.success() || status.code() == Some(ExitStatus::Stopped as i32) {
            return Ok(());
        }
        let log = log(&state.folder);
        let how = last_line(&log).unwrap_or_else(|| status.to_string());
        let line = format!(
            "shard {} on {} failed ({status}): {how}; all that it said is in {}",
            state.shard,
            self.team.devices[device],
            log.display()
        );
        self.display.line(&line);
        self.failed.push(line);
        Ok(())
    }

    /// Starts a process of this program that computes a shard.
    fn start(&self, device: usize, shard: Shard) -> anyhow::Result<Child> {
        let folder = run::folder(&self.how.out, shard);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let path = log(&folder);
        let log = OpenOptions::new().append(true).create(true).open(&path);
        let log: File = log.with_context(|| format!("cannot write {}", path.display()))?;
        let program = std::env::current_exe().context("this program cannot be found again")?;
        let (name, threads) = self.team.devices[device].flags();
        let mut command = Command::new(program);
        command.arg("run").arg(self.spec).arg("--out").arg(&self.how.out);
        command.args([
            "--shard",
            &shard.to_string(),
            "--device",
            &name,
            "--slow",
            "--wait",
            "5",
        ]);
        if let Some(threads) = threads {
            command.args(["--threads", &threads]);
        }
        if let Some(memory) = self.memory(device) {
            command.args(["--memory", &memory.to_string()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        signals::end_together(&mut command);
        command.spawn().context("a process cannot be started")
    }

    /// Bytes that the process of a device may take: on a GPU what is asked for, of the machine's own memory its part.
    fn memory(&self, device: usize) -> Option<u64> {
        let asked = self.team.machine.memory;
        let on_cpu = |device: &&WorkerDevice| matches!(device, WorkerDevice::Threads(_));
        let sharing = self.team.devices.iter().filter(on_cpu).count() as u64;
        match self.team.devices[device] {
            WorkerDevice::Gpu(_) => asked,
            WorkerDevice::Threads(_) => asked
                .or_else(crate::model::memory::free)
                .map(|bytes| bytes / sharing.max(1)),
        }
    }

    /// Shows how far all of them are.
    fn show(&mut self) -> anyhow::Result<()> {
        for worker in self.processes.iter().flatten() {
            self.states[worker.shard].look()?;
        }
        let recorded = run::recorded(&self.states);
        let all = run::expected(&self.states).unwrap_or(0);
        let complete = self.states.iter().filter(|state| state.complete()).count();
        let mut message = format!("shards {complete}/{}", self.states.len());
        let now = recorded.saturating_sub(self.before);
        if now > 0 && all > recorded {
            let left = self.begun.elapsed().as_secs_f64() / now as f64 * (all - recorded) as f64;
            message += &format!(
                " · {} of {} records · {} left",
                count(recorded as u64),
                count(all as u64),
                duration(left)
            );
        }
        self.display.says(recorded as u64, Some(all as u64), &message);
        Ok(())
    }

    /// What was done, in words.
    fn said(&self) -> String {
        let recorded = run::recorded(&self.states);
        format!(
            "{} by {} in {}",
            counted(recorded.saturating_sub(self.before), "record", "records"),
            counted(self.team.devices.len(), "process", "processes"),
            duration(self.begun.elapsed().as_secs_f64())
        )
    }

    /// How the program ends where not all shards are complete.
    fn status(&self, requests: &StopRequests) -> Option<ExitCode> {
        let missing = run::missing(&self.states);
        if missing.is_empty() {
            return None;
        }
        let of = self.states.len();
        self.failed
            .iter()
            .filter(|_| self.how.quiet)
            .for_each(|line| tell!("error: {line}"));
        tell!(
            "{} of {of} shards not complete: {}; the same command resumes from here",
            missing.len(),
            run::ranges(&missing)
        );
        Some(match self.failed.is_empty() && requests.asked() {
            true => ExitStatus::Stopped.into(),
            false => ExitStatus::Failed.into(),
        })
    }
}

/// What goes wrong here, or a panic, leaves no process behind.
impl Drop for Work<'_> {
    fn drop(&mut self) {
        for worker in self.processes.iter_mut().flatten() {
            signals::stop(&worker.child);
            let _ = worker.child.wait();
        }
    }
}

/// What the process of a shard says.
fn log(folder: &Path) -> PathBuf {
    folder.join("worker.log")
}

/// The last line that a log has to say: of an error the error itself.
pub fn last_line(log: &Path) -> Option<String> {
    let bytes = std::fs::read(log).ok()?;
    let text = String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(1 << 16)..]).into_owned();
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let error = lines.iter().rev().take(5).find(|line| line.starts_with("error: "));
    error.or(lines.last()).map(|line| (*line).to_owned())
}
