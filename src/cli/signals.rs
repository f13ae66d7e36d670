//! Signals as this process was started with them.

/// A file that grows beyond the limit of `ulimit -f` is an error of the write (and named), not the end of the process.
#[cfg(unix)]
pub fn survive_file_limit() {
    // SAFETY: ignoring a signal installs no handler; nothing of ours runs when it comes.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// Listens to Ctrl-C and termination, but not to those of them that were ignored when the process was started: who starts a
/// job with `nohup`, or in the background of a script, wants it to go on.
///
/// # Errors
/// Where no handler can be installed.
#[cfg(unix)]
pub fn listen(handler: impl FnMut() + Send + 'static) -> Result<(), ctrlc::Error> {
    let ignored: Vec<libc::c_int> = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP]
        .into_iter()
        .filter(|&signal| is_ignored(signal))
        .collect();
    // A signal that comes in between waits until it is ignored again, and is then dropped.
    mask(libc::SIG_BLOCK, &ignored);
    let done = ctrlc::set_handler(handler);
    for &signal in &ignored {
        // SAFETY: as above; it takes back what was installed a moment ago for a signal that was ignored before.
        unsafe {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
    mask(libc::SIG_UNBLOCK, &ignored);
    done
}

/// Blocks or unblocks signals for this thread and those that it starts. Call it while there are no others.
#[cfg(unix)]
fn mask(how: libc::c_int, signals: &[libc::c_int]) {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the set is made by the system's own function before anything is added to it or read from it.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for &signal in signals {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(how, set.as_ptr(), std::ptr::null_mut());
    }
}

#[cfg(unix)]
fn is_ignored(signal: libc::c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with no new action the call only writes the present one, of which all fields may be zero.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(not(unix))]
pub fn survive_file_limit() {}

#[cfg(not(unix))]
pub fn listen(handler: impl FnMut() + Send + 'static) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(handler)
}

/// Asks a process to stop, as `kill` does.
#[cfg(unix)]
pub fn stop(child: &std::process::Child) {
    if let Ok(process) = libc::pid_t::try_from(child.id()) {
        // SAFETY: the call only sends a signal. The process was not waited for, so its number is not another's.
        unsafe {
            libc::kill(process, libc::SIGTERM);
        }
    }
}

/// Starts a process apart from this one's group, so that Ctrl-C reaches it through this one only; where this one is killed, it
/// is asked to stop (on Linux).
#[cfg(unix)]
pub fn end_together(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
    #[cfg(target_os = "linux")]
    // SAFETY: between fork and exec only a system call is made, which allocates nothing and takes no lock.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
            Ok(())
        });
    }
}

#[cfg(not(unix))]
pub fn stop(_: &std::process::Child) {}

#[cfg(not(unix))]
pub fn end_together(_: &mut std::process::Command) {}
