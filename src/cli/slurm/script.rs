//! The batch scripts: what a person reads who wants to know what runs on the cluster.

use std::path::Path;

use crate::base::shell::word;
use crate::run::ranges;

/// What all scripts of a submission have in common.
#[derive(Debug, Clone)]
pub struct Submission<'a> {
    /// The run's folder, from the root.
    pub run: &'a Path,
    /// This program, from the root.
    pub program: &'a Path,
    /// Where paths in the spec begin.
    pub here: &'a Path,
    /// In how many shards the run is.
    pub of: usize,
    /// Options for sbatch, as given.
    pub sbatch: &'a str,
    /// Most tasks at a time.
    pub max_parallel: Option<usize>,
    /// Seconds that a batch in flight may still take once the time is nearly over.
    pub grace: u64,
    /// Further options of `indieval run`.
    pub more: String,
}

/// Shards of one job array: task I computes shard I + `offset`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskArray {
    /// What is added to a task's number.
    pub offset: usize,
    /// The shards, in order.
    pub shards: Vec<usize>,
}

/// Seconds between the end of the grace and that of the job: to write the last records and to be requeued.
const MARGIN: u64 = 30;

/// Shards as arrays whose task numbers are below `most` (`MaxArraySize` of a cluster).
pub fn arrays(shards: &[usize], most: usize) -> Vec<TaskArray> {
    let tasks = most.saturating_sub(1).max(1);
    let arrays = shards.chunk_by(|a, b| (a - 1) / tasks == (b - 1) / tasks);
    let array = |shards: &[usize]| TaskArray {
        offset: (shards[0] - 1) / tasks * tasks,
        shards: shards.to_vec(),
    };
    arrays.map(array).collect()
}

impl TaskArray {
    /// The task numbers for `--array`.
    pub fn tasks(&self) -> String {
        let tasks: Vec<usize> = self.shards.iter().map(|shard| shard - self.offset).collect();
        ranges(&tasks)
    }
}

impl Submission<'_> {
    /// What all scripts begin with; `log` is where output goes, with Slurm's patterns in it.
    fn head(&self, what: &str, log: &str) -> String {
        let name = self.run.file_name().unwrap_or_default().to_string_lossy();
        let name: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "-._".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        format!(
            "#SBATCH --job-name=indieval-{what}-{name}\n\
             #SBATCH --chdir={}\n\
             #SBATCH --output={}\n\
             #SBATCH --open-mode=append\n",
            word(&self.here.display().to_string()),
            word(log),
        )
    }

    /// The script of an array.
    pub fn array(&self, array: &TaskArray) -> String {
        let log = plain(&super::jobs::log(self.run, array.offset, TASK)).replace(TASK, "%a");
        let most = self.max_parallel.map_or(String::new(), |most| format!("%{most}"));
        let user = match self.sbatch.trim() {
            "" => String::new(),
            options => format!("#SBATCH {options}\n"),
        };
        let [run, program] = [self.run, self.program].map(|path| word(&path.display().to_string()));
        format!(
            "#!/bin/bash\n\
             # Written by `indieval slurm submit`, which replaces it when it is given again.\n\
             # Task I computes shard I + {offset} of {of}.\n\
             {head}\
             #SBATCH --array={tasks}{most}\n\
             #SBATCH --requeue\n\
             #SBATCH --signal=B:USR1@{signal}\n\
             {user}\
             {BODY}",
            offset = array.offset,
            of = self.of,
            head = self.head("shard", &log),
            tasks = array.tasks(),
            signal = self.grace + MARGIN,
        )
        .replace("@RUN@", &run)
        .replace("@PROGRAM@", &program)
        .replace("@OFFSET@", &array.offset.to_string())
        .replace("@OF@", &self.of.to_string())
        .replace("@GRACE@", &self.grace.to_string())
        .replace("@MORE@", &self.more)
    }

    /// The script of the merge.
    pub fn merge(&self) -> String {
        let [run, program] = [self.run, self.program].map(|path| word(&path.display().to_string()));
        let user = match of_merge(self.sbatch) {
            options if options.is_empty() => String::new(),
            options => format!("#SBATCH {options}\n"),
        };
        let log = plain(&super::jobs::folder(self.run).join("logs").join("merge.log"));
        format!(
            "#!/bin/bash\n\
             # Written by `indieval slurm submit`. It begins when all tasks have ended, however they did, and says which shards\n\
             # are missing where some are (exit status 3).\n\
             {head}{user}\
             exec {program} merge {run}\n",
            head = self.head("merge", &log),
        )
    }
}

/// What a task does. `wait` ends early when a signal comes; then the process is waited for again.
const BODY: &str = r#"
run=@RUN@
shard=$((SLURM_ARRAY_TASK_ID + @OFFSET@))
task="${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
echo "== shard $shard/@OF@, job $task, start $((${SLURM_RESTART_COUNT:-0} + 1)) on $(hostname), $(date -u +%FT%TZ)"

# Another process may hold the shard still, where a node was lost: it is waited for.
@PROGRAM@ run "$run/slurm/spec.toml" --out "$run" --shard "$shard/@OF@" --slow --grace @GRACE@ --wait 180@MORE@ &
process=$!

# Comes shortly before the time limit. The batch in flight ends, or is abandoned after @GRACE@ seconds; either way the
# process ends with 75, and the task goes back into the queue. What is recorded is never computed again.
trap 'kill -TERM "$process" 2>/dev/null' USR1

wait "$process"
status=$?
while kill -0 "$process" 2>/dev/null; do
  wait "$process"
  status=$?
done
echo "== shard $shard/@OF@ ended with status $status, $(date -u +%FT%TZ)"
if [ "$status" -eq 75 ]; then
  scontrol requeue "$task" && sleep 60 # until Slurm ends this script
fi
exit "$status"
"#;

/// Stands for a task's number until the name of its log is a pattern.
const TASK: &str = "<task>";

/// A path in which Slurm sees no pattern.
fn plain(path: &Path) -> String {
    path.display().to_string().replace('%', "%%")
}

/// Of the options for sbatch those that say where a job may run at all: a merge needs none of the devices.
fn of_merge(options: &str) -> String {
    const KEPT: [(&str, &str); 6] = [
        ("--partition", "-p"),
        ("--account", "-A"),
        ("--qos", "-q"),
        ("--clusters", "-M"),
        ("--reservation", ""),
        ("--wckey", ""),
    ];
    let mut kept = Vec::new();
    let mut words = options.split_whitespace().peekable();
    while let Some(option) = words.next() {
        let is_kept = |(long, short): &&(&str, &str)| {
            let name = option.split('=').next().unwrap_or(option);
            name == *long || (!short.is_empty() && option.starts_with(short))
        };
        let Some((long, short)) = KEPT.iter().find(is_kept) else {
            continue;
        };
        kept.push(option);
        if option == *long || option == *short {
            kept.extend(words.next());
        }
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_numbers_stay_below_the_largest_that_a_cluster_takes() {
        let shards: Vec<usize> = (1..=2500).filter(|shard| *shard != 7).collect();
        let found = arrays(&shards, 1001);
        let offsets: Vec<usize> = found.iter().map(|array| array.offset).collect();
        assert_eq!(offsets, [0, 1000, 2000]);
        assert_eq!(found[0].tasks(), "1-6,8-1000");
        assert_eq!(found[2].tasks(), "1-500");
        assert_eq!(
            found.iter().flat_map(|array| array.shards.clone()).collect::<Vec<_>>(),
            shards
        );
        assert_eq!(arrays(&[1001], 1001)[0].tasks(), "1");
        assert_eq!(arrays(&[3], 1)[0].tasks(), "1");
    }

    #[test]
    fn a_merge_takes_no_device_along() {
        assert_eq!(
            of_merge("--gres=gpu:1 -p long --time 10:00 --account=lab -Ax --mem=90G --qos high"),
            "-p long --account=lab -Ax --qos high"
        );
        assert_eq!(of_merge("--gpus 1"), "");
    }

    #[test]
    fn a_script_holds_any_path_as_one_word() {
        let submission = Submission {
            run: Path::new("/data/my runs/it's"),
            program: Path::new("/opt/indieval"),
            here: Path::new("/home/me"),
            of: 12,
            sbatch: "--gres=gpu:1",
            max_parallel: Some(4),
            grace: 90,
            more: " --threads 2".into(),
        };
        let script = submission.array(&arrays(&[2, 5, 6, 7], 1001)[0]);
        for line in [
            "#SBATCH --array=2,5-7%4",
            "#SBATCH --signal=B:USR1@120",
            "#SBATCH --gres=gpu:1",
            r"run='/data/my runs/it'\''s'",
            "#SBATCH --job-name=indieval-shard-it-s",
        ] {
            assert!(
                script.lines().any(|found| found == line),
                "`{line}` is missing from\n{script}"
            );
        }
        assert!(!script.contains('@') || script.matches('@').count() == 1, "{script}");
        // bash reads it.
        let read = std::process::Command::new("bash").args(["-n", "-c", &script]).status();
        assert!(read.is_ok_and(|status| status.success()), "{script}");
    }
}
