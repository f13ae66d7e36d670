//! `score` and `generate` of anybody's lines: lines of JSON in, the same lines out with more in them.
//!
//! Lines are read in windows and answered in batches, which is where beginnings are shared; what is answered is written
//! as soon as all lines before it are. An answer depends on its line alone, so an interrupted job ends with the bytes of an
//! uninterrupted one.
//!
//! [`serve`] does one job: a [`Score`] or a [`Generate`] reads what each line asks for and computes it, and whoever wants
//! to show how far it is gets [`RequestEvent`]s.

mod ask;
mod batches;
mod error;
mod generate;
mod identity;
mod input;
mod job;
mod line;
mod messages;
mod options;
mod output;
mod sampling;
mod score;
mod setting_names;
mod settings;
mod stop;
mod task;
mod window;
mod windows;

use std::path::Path;

pub use error::{Faults, RequestError};
pub use generate::{Generate, GenerateOptions};
pub use identity::Identity;
pub use job::serve;
pub use options::OnError;
pub use score::{Score, ScoreOptions};
pub use task::{Files, JobProgress, RequestEvent, RequestObserver, Task};

#[doc(hidden)]
pub use options::Truncate;

pub(crate) use ask::{ComputeError, LineAsk, LineRequest, TokenAsk};
pub(crate) use line::Line;
pub(crate) use options::ControlTokens;
pub(crate) use sampling::Sampling;

/// Most lines of a window.
const WINDOW_LINES: usize = 1024;

/// Most bytes of a window, unless a single line has more.
const WINDOW_BYTES: usize = 8 << 20;

/// Whether a path stands for standard input or output.
fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A path for messages.
fn shown(path: &Path, standard: &str) -> String {
    if is_standard(path) {
        standard.to_owned()
    } else {
        path.display().to_string()
    }
}

/// A value as JSON.
fn json(value: &impl serde::Serialize) -> Result<String, RequestError> {
    serde_json::to_string(value).map_err(RequestError::Json)
}
