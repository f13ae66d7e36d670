//! The C allocator's thresholds.

/// Tells glibc to keep large freed blocks instead of returning them to the kernel after every tensor: a tensor of a
/// few megabytes otherwise costs a page fault for each of its pages, every time. Call it first thing in `main`.
///
/// Returns whether the allocator took the settings; `false` where the C library is not glibc.
pub fn tune_allocator() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const KEEP_UP_TO: libc::c_int = 1 << 30;
        // SAFETY: `mallopt` only sets numbers inside the allocator, under its own lock; both parameters exist in every
        // glibc, and an unaccepted value is reported by 0, not undefined.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, KEEP_UP_TO) == 1
                && libc::mallopt(libc::M_TRIM_THRESHOLD, KEEP_UP_TO) == 1
        }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    {
        false
    }
}
