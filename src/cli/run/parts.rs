//! Options by which a run is computed in parts.

use std::str::FromStr;
use std::time::Duration;

use super::share::Shares;
use crate::model::{DeviceChoice, DeviceId};
use crate::run::{Shard, Spec};

/// Which part of a run is computed, or by how many processes all of it.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Parts of a run")]
pub struct PartArgs {
    /// Compute the people of shard I of N only, into OUT/shards/I-of-N; `indieval merge OUT` makes the run of all
    #[arg(long, value_name = "I/N", conflicts_with_all = ["verify", "strict", "workers", "shards"])]
    pub shard: Option<Shard>,
    /// One process a device, and one merge at the end: `cuda:0,cuda:1`, a number of GPUs, or `cpu:T,...` for processes of T
    /// threads
    #[arg(long, value_name = "DEVICE,...", conflicts_with_all = ["verify", "device", "threads"])]
    workers: Option<Workers>,
    /// In how many shards workers compute it [default: as many as there are workers]; with --dry-run, time and memory of
    /// each
    #[arg(long, value_name = "N", value_parser = shard_count)]
    pub shards: Option<usize>,
    /// After a signal to stop, give the batch in flight at most this many seconds [default: as long as it takes]
    #[arg(long, value_name = "SECONDS")]
    grace: Option<u64>,
    /// Wait this many seconds for a shard that another process holds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 0,
        requires = "shard",
        hide_default_value = true
    )]
    wait: u64,
}

/// Reads a number of shards.
///
/// # Errors
/// Anything else.
pub fn shard_count(text: &str) -> Result<usize, String> {
    let shard: Shard = format!("1/{text}")
        .parse()
        .map_err(|_| "expected 1 to 100000".to_owned())?;
    Ok(shard.of())
}

impl PartArgs {
    /// How long the batch in flight may take once a signal asked to stop.
    pub fn grace(&self) -> Option<Duration> {
        self.grace.map(Duration::from_secs)
    }

    /// How long a shard that another process holds is waited for.
    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.wait)
    }

    /// What a dry run tells of shards; nothing where neither shards nor workers are named.
    pub fn shares(&self, devices: Option<&[WorkerDevice]>) -> Option<Shares> {
        let workers = devices.map(<[_]>::len);
        let shards = self.shards.or(workers)?;
        let workers = workers.unwrap_or(shards);
        Some(Shares { shards, workers })
    }

    /// What the processes of `--workers` compute on.
    ///
    /// # Errors
    /// A number of workers where the spec names one GPU.
    pub fn devices(&self, spec: &Spec) -> anyhow::Result<Option<Vec<WorkerDevice>>> {
        self.workers
            .as_ref()
            .map(|workers| workers.devices(&spec.model.device))
            .transpose()
    }
}

/// What one process computes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerDevice {
    /// So many threads.
    Threads(usize),
    /// The GPU of this number.
    Gpu(usize),
}

impl WorkerDevice {
    /// What `--device` and, where it says something, `--threads` of its process are.
    pub fn flags(self) -> (String, Option<String>) {
        match self {
            Self::Threads(threads) => ("cpu".to_owned(), Some(threads.to_string())),
            Self::Gpu(number) => (DeviceId::Cuda(number).to_string(), None),
        }
    }
}

/// `cpu:2`, `cuda:1`.
impl std::fmt::Display for WorkerDevice {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Threads(threads) => write!(out, "cpu:{threads}"),
            Self::Gpu(number) => write!(out, "cuda:{number}"),
        }
    }
}

/// `--workers`: a number, or each device by name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Workers {
    Number(usize),
    Each(Vec<WorkerDevice>),
}

/// Most processes: more than any machine has devices.
const MOST_WORKERS: usize = 1024;

impl FromStr for Workers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str, least: usize| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = digits.then(|| text.parse().ok()).flatten();
            number.filter(|number| (least..=MOST_WORKERS).contains(number))
        };
        if let Some(number) = number(text, 1) {
            return Ok(Self::Number(number));
        }
        let device = |name: &str| match name.split_once(':') {
            Some(("cpu", threads)) => number(threads, 1).map(WorkerDevice::Threads),
            Some(("cuda", gpu)) => number(gpu, 0).map(WorkerDevice::Gpu),
            _ => None,
        };
        let each: Option<Vec<WorkerDevice>> = text.split(',').map(device).collect();
        let each = each.ok_or("expected a number, or devices such as cuda:0,cuda:1 or cpu:4,cpu:4")?;
        let twice = |at: &usize| matches!(each[*at], WorkerDevice::Gpu(_)) && each[..*at].contains(&each[*at]);
        match (0..each.len()).find(twice) {
            Some(at) => Err(format!("{} is named twice", each[at])),
            None => Ok(Self::Each(each)),
        }
    }
}

impl Workers {
    fn devices(&self, named: &DeviceChoice) -> anyhow::Result<Vec<WorkerDevice>> {
        anyhow::ensure!(
            !matches!(named, DeviceChoice::Several(_)),
            "--device {named} spreads one model over devices, and --workers puts one on each: take one of the two"
        );
        let number = match self {
            Self::Each(devices) => return Ok(devices.clone()),
            Self::Number(number) => *number,
        };
        let device = match named {
            // Whether there are GPUs; that there are so many shows as each process opens its own.
            DeviceChoice::Only(device) => *device,
            named => named.open()?.id,
        };
        match device {
            DeviceId::Cuda(0) => Ok((0..number).map(WorkerDevice::Gpu).collect()),
            DeviceId::Cuda(gpu) => anyhow::bail!(
                "{number} workers where the spec names the device cuda:{gpu}; name each: --workers cuda:{gpu},..."
            ),
            DeviceId::Cpu => {
                let threads = (rayon::current_num_threads() / number).max(1);
                Ok(vec![WorkerDevice::Threads(threads); number])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_a_number_or_devices_by_name() {
        use WorkerDevice::{Gpu, Threads};
        assert_eq!("8".parse(), Ok(Workers::Number(8)));
        assert_eq!("cuda:0,cuda:3".parse(), Ok(Workers::Each(vec![Gpu(0), Gpu(3)])));
        assert_eq!("cpu:1,cpu:1".parse(), Ok(Workers::Each(vec![Threads(1), Threads(1)])));
        for text in [
            "",
            "0",
            "cpu",
            "cpu:0",
            "cuda",
            "cuda:",
            "cuda:0,,cuda:1",
            "cuda:0,cuda:0",
            "gpu:1",
            "+1",
            "5000",
        ] {
            assert!(text.parse::<Workers>().is_err(), "{text}");
        }
        let cpus = Workers::Number(2).devices(&DeviceChoice::Only(DeviceId::Cpu)).unwrap();
        assert!(matches!(cpus[..], [Threads(1..), Threads(1..)]), "{cpus:?}");
        let gpus = Workers::Number(2)
            .devices(&DeviceChoice::Only(DeviceId::Cuda(0)))
            .unwrap();
        assert_eq!(gpus, [Gpu(0), Gpu(1)]);
        assert!(
            Workers::Number(2)
                .devices(&DeviceChoice::Only(DeviceId::Cuda(1)))
                .is_err()
        );
    }
}
