//! How many tokens the tree may hold.

use candle_core::Device;

/// Room for the token tree's keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Room {
    /// Half of the memory that is available once the weights are in place, but no more than `AUTOMATIC` tokens.
    #[default]
    Automatic,
    /// For so many tokens.
    Tokens(usize),
    /// For as many tokens as fit into so many bytes.
    Bytes(u64),
}

/// Most tokens that are planned for unless more is asked for: several respondents' trees, whatever the survey's
/// settings, and of a small model little enough memory.
pub(crate) const AUTOMATIC: usize = 1 << 16;

impl Room {
    /// Tokens that fit, at `bytes_per_token` each, given the device's `available` memory.
    pub fn tokens(self, bytes_per_token: usize, available: Option<u64>) -> usize {
        let fit = |bytes: u64| usize::try_from(bytes / bytes_per_token.max(1) as u64).unwrap_or(usize::MAX);
        match self {
            Self::Tokens(tokens) => tokens,
            Self::Bytes(bytes) => fit(bytes),
            Self::Automatic => available.map_or(AUTOMATIC, |bytes| fit(bytes / 2).min(AUTOMATIC)),
        }
    }
}

/// Memory in bytes that this process may still take on `device`, where it can be told: what the system has to spare,
/// and what the process's control group (a container, a batch job) leaves.
pub(crate) fn available(device: &Device) -> Option<u64> {
    match device {
        Device::Cpu => {
            let read = |path: &str| std::fs::read_to_string(path).ok();
            let system = read("/proc/meminfo").and_then(|text| entry(&text, "MemAvailable:"));
            let group = read("/sys/fs/cgroup/memory.max").zip(read("/sys/fs/cgroup/memory.current"));
            let group = group.and_then(|(most, used)| {
                let (most, used): (u64, u64) = (most.trim().parse().ok()?, used.trim().parse().ok()?);
                Some(most.saturating_sub(used))
            });
            system.into_iter().chain(group).min()
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => {
            use candle_core::cuda_backend::cudarc::driver::result;
            device.cuda_stream().context().bind_to_thread().ok()?;
            result::mem_get_info().ok().map(|(free, _)| free as u64)
        }
        _ => None,
    }
}

/// All memory in bytes that `device` has for this process, used or free, where it can be told.
pub(crate) fn total(device: &Device) -> Option<u64> {
    match device {
        Device::Cpu => {
            let read = |path: &str| std::fs::read_to_string(path).ok();
            let system = read("/proc/meminfo").and_then(|text| entry(&text, "MemTotal:"));
            let group = read("/sys/fs/cgroup/memory.max").and_then(|most| most.trim().parse().ok());
            system.into_iter().chain(group).min()
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => {
            use candle_core::cuda_backend::cudarc::driver::result;
            device.cuda_stream().context().bind_to_thread().ok()?;
            result::mem_get_info().ok().map(|(_, total)| total as u64)
        }
        _ => None,
    }
}

/// A line of /proc/meminfo, in bytes.
fn entry(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_planned_from_what_is_available() {
        let text = "MemTotal:       24576 kB\nMemAvailable:      2048 kB\nBuffers: 1 kB\n";
        let available = entry(text, "MemAvailable:");
        assert_eq!(available, Some(2048 * 1024));
        assert_eq!(entry("MemTotal: 5 kB\n", "MemAvailable:"), None);
        assert_eq!(Room::Automatic.tokens(1024, available), 1024);
        assert_eq!(Room::Automatic.tokens(1024, Some(u64::MAX)), AUTOMATIC);
        assert_eq!(Room::Automatic.tokens(1024, None), AUTOMATIC);
        assert_eq!(Room::Bytes(10_000).tokens(1024, Some(1)), 9);
        assert_eq!(Room::Tokens(77).tokens(1024, Some(1)), 77);
    }
}
