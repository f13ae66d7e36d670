//! How much memory there is.

use candle_core::Device;

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
    fn what_is_available_is_read_from_the_system() {
        let text = "MemTotal:       24576 kB\nMemAvailable:      2048 kB\nBuffers: 1 kB\n";
        let available = entry(text, "MemAvailable:");
        assert_eq!(available, Some(2048 * 1024));
        assert_eq!(entry("MemTotal: 5 kB\n", "MemAvailable:"), None);
    }
}
