//! Everything of indieval that reads bytes of other people's, each under a fuzzer.
//!
//! A target gives its input to the library as a user would: as a file, or as a text that a model has generated. It fails
//! where the library panics, allocates or computes without bounds, or breaks a promise that the target checks. Each is a
//! program of its own (`src/bin`): the fuzzer looks through all that is linked after every input, whether it ran or not.

pub mod answers;
pub mod checkpoints;
pub mod prompts;
pub mod records;
pub mod requests;
pub mod scratch;
pub mod surveys;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[doc(hidden)]
pub use libfuzzer_sys;

/// What is done with every input.
pub type Run = Box<dyn FnMut(&[u8])>;

/// Milliseconds below which an input is not worth a word.
const QUICK: u64 = 5;

/// Longest that an input took so far, in milliseconds.
static SLOWEST: AtomicU64 = AtomicU64::new(QUICK);

/// Does with an input what is to be done, and tells where it took more of the processor's time than any before.
pub fn timed(run: &mut Run, input: &[u8]) {
    let begun = processor_time();
    run(input);
    let took = u64::try_from((processor_time() - begun).as_millis()).unwrap_or(u64::MAX);
    if SLOWEST.fetch_max(took, Ordering::Relaxed) < took {
        eprintln!("slowest so far: {took} ms");
    }
}

/// What all threads have taken; unlike a clock on the wall it does not count what other programs do.
fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec that lives until the call returns.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "no clock of this process");
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Ends the program where a panic begins, unless it began in a library that indieval keeps from taking it down: such a
/// panic is expected, and what indieval makes of it is part of what is tested.
pub fn watch_panics() {
    // The fuzzer's own hook ends the program at every panic; behind it is the one that prints.
    drop(std::panic::take_hook());
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let file = panic.location().map_or("", |location| location.file());
        if !file.contains("/registry/src/") && !file.contains("/rustc/") {
            print(panic);
            std::process::abort();
        }
    }));
}

/// The program of one target: what prepares a [`Run`].
#[macro_export]
macro_rules! target {
    ($prepare:expr) => {
        thread_local! {
            static RUN: std::cell::RefCell<$crate::Run> = std::cell::RefCell::new($prepare);
        }

        $crate::libfuzzer_sys::fuzz_target!(init: $crate::watch_panics(), |input: &[u8]| {
            RUN.with_borrow_mut(|run| $crate::timed(run, input));
        });
    };
}
