//! Whether standard output was there when this process was started.
//!
//! Before `main`, Rust's library puts /dev/null in the place of every standard stream that is closed, so that no file which
//! is opened later gets its number. Whatever is written there then seems to arrive. So it has to be looked at before that,
//! by a function that the system calls as it loads the program.

#[cfg(any(target_os = "linux", target_os = "macos"))]
mod at_start {
    use std::sync::atomic::{AtomicBool, Ordering};

    static CLOSED: AtomicBool = AtomicBool::new(false);

    #[used]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
    #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
    static LOOK: extern "C" fn() = look;

    /// Runs before Rust's library is set up: it may use nothing of it, and uses a system call and an atomic.
    extern "C" fn look() {
        // SAFETY: F_GETFD takes no argument and only reads the flags of a descriptor, open or not.
        let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
        CLOSED.store(flags == -1, Ordering::Relaxed);
    }

    pub fn closed() -> bool {
        CLOSED.load(Ordering::Relaxed)
    }
}

/// Fails where standard output was closed when the program was started (`>&-`). Elsewhere than on Linux and macOS it
/// cannot be seen.
///
/// # Errors
/// Where it was closed.
pub fn output_is_open() -> std::io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    if at_start::closed() {
        return Err(std::io::Error::other(
            "it is closed; `> /dev/null` discards what is written",
        ));
    }
    Ok(())
}
