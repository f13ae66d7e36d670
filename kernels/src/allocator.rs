//! The C allocator: what it keeps of freed memory, and when.

/// From how many bytes a block is given back to the kernel as soon as it is freed, and how many of them may lie free at the
/// end of the heap.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEEP_UP_TO: libc::c_int = 1 << 30;
/// The most that glibc takes as the former before 2.35: half of the heap of a thread.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MOST_BEFORE_2_35: libc::c_int = 32 << 20;

/// Tells glibc to keep large freed blocks instead of returning them to the kernel after every tensor: a tensor of a
/// few megabytes otherwise costs a page fault for each of its pages, every time. Call it first thing in `main`.
///
/// Returns whether the allocator took the settings; `false` where the C library is not glibc.
pub fn tune_allocator() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: `mallopt` only sets numbers inside the allocator, under its own lock; both parameters exist in every
        // glibc, and an unaccepted value is reported by 0, not undefined.
        let set = |parameter, bytes| unsafe { libc::mallopt(parameter, bytes) == 1 };
        let blocks = [KEEP_UP_TO, MOST_BEFORE_2_35];
        blocks.into_iter().any(|bytes| set(libc::M_MMAP_THRESHOLD, bytes)) && set(libc::M_TRIM_THRESHOLD, KEEP_UP_TO)
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    {
        false
    }
}

/// Gives the kernel all whole pages that are free in the heap, which [`tune_allocator`] lets it keep: before something large that
/// would find no room between what is in use.
pub fn release_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: `malloc_trim` may be called at any time, from any thread: it takes the allocator's own locks, and touches
        // only pages that nobody has.
        unsafe { libc::malloc_trim(0) };
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn the_allocator_takes_what_it_is_told() {
        assert!(tune_allocator());
        // A value that every glibc takes.
        // SAFETY: as in `tune_allocator`.
        assert_eq!(unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MOST_BEFORE_2_35) }, 1);
        assert!(tune_allocator());
    }
}
