//! The tokenizers library is kept from taking the program down.
//!
//! It takes several things for granted that a file may not keep to: that merges are longer than the prefix of
//! continued words, that a table of precompiled characters is one, that a pattern matches whole characters and gives
//! up on no text, that ids leave room for more. They lie in private parts of it that cannot be asked beforehand, so a
//! panic of its own becomes an error, and what it would print about it is not printed.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::Once;

use crate::model::LoadError;

thread_local! {
    /// Whether a panic of this thread is expected and told in other words.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// What the library makes of something; `Err(None)` where it panicked. Nothing it was working on may be used again,
/// unless it only read it.
pub(super) fn guarded<T>(work: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, Option<tokenizers::Error>> {
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                before(panic);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    match outcome {
        Ok(made) => made.map_err(Some),
        Err(_) => Err(None),
    }
}

/// The same while a file is read.
pub(super) fn loading<T>(path: &Path, work: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, LoadError> {
    guarded(work).map_err(|error| match error {
        Some(error) => LoadError::tokenizer(path, error),
        None => LoadError::tokenizer(
            path,
            "its parts do not fit together: the tokenizers library gave up on it",
        ),
    })
}
