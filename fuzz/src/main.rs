//! Everything of indieval that reads bytes of other people's, each under a fuzzer.
//!
//! `INDIEVAL_FUZZ` names the target; see `scripts/fuzz.sh`. A target gives its input to the library as a user would: as a
//! file, or as a text that a model has generated. It fails where the library panics, allocates or computes without
//! bounds, or breaks a promise that the target checks.

#![no_main]

mod answers;
mod checkpoints;
mod prompts;
mod records;
mod requests;
mod scratch;
mod surveys;

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use libfuzzer_sys::fuzz_target;

/// What is done with every input.
type Run = Box<dyn FnMut(&[u8])>;

/// All targets: a name, and what prepares it.
const TARGETS: [(&str, fn() -> Run); 15] = [
    ("answer-single", answers::single),
    ("answer-paper", answers::paper),
    ("chat", prompts::chat),
    ("template", prompts::template),
    ("gguf", checkpoints::gguf),
    ("safetensors", checkpoints::safetensors),
    ("checkpoint", checkpoints::folder),
    ("survey", surveys::survey),
    ("labels", surveys::labels),
    ("metadata", surveys::metadata),
    ("spec", records::spec),
    ("records", records::records),
    ("records-1", records::format1),
    ("score", requests::score),
    ("generate", requests::generate),
];

/// The target that the environment names.
fn target() -> Run {
    let name = std::env::var("INDIEVAL_FUZZ").unwrap_or_default();
    let names = TARGETS.map(|(name, _)| name).join(", ");
    let found = TARGETS.iter().find(|(target, _)| *target == name);
    let (_, prepare) =
        found.unwrap_or_else(|| panic!("INDIEVAL_FUZZ names no target, but `{name}`; there are {names}"));
    prepare()
}

/// Ends the program where a panic begins, unless it began in a library that indieval keeps from taking it down: such a
/// panic is expected, and what indieval makes of it is part of what is tested.
fn watch_panics() {
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

thread_local! {
    static TARGET: RefCell<Run> = RefCell::new(target());
}

/// Milliseconds below which an input is not worth a word.
const QUICK: u64 = 5;

/// Longest that an input took so far, in milliseconds.
static SLOWEST: AtomicU64 = AtomicU64::new(QUICK);

fuzz_target!(init: watch_panics(), |input: &[u8]| {
    let begun = Instant::now();
    TARGET.with_borrow_mut(|run| run(input));
    let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    if SLOWEST.fetch_max(took, Ordering::Relaxed) < took {
        eprintln!("slowest so far: {took} ms");
    }
});
