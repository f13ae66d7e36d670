//! indieval measures how well a local language model knows one particular person.
//!
//! A survey respondent's answers become statements; a model is shown some of them and has to tell which of a few
//! candidate statements the same person would express next. The program `indieval` is a thin layer over this library.
//!
//! # Where to begin
//!
//! - [`model::open`] opens a model by the name of a checkpoint, a folder or a file.
//! - [`scoring::texts`] tells how likely it finds any texts after a context.
//! - [`run::evaluate`] evaluates it on survey respondents and keeps a record of every answer.
//!
//! ```
//! use indieval::model::{self, OpenOptions, source::Silent};
//! use indieval::scoring;
//!
//! // A checkpoint's name, such as "SmolLM2-135M-Instruct", opens the real thing.
//! let mut opened = model::open("fake:1", &OpenOptions::default(), &mut Silent)?;
//! let candidates = [" to keep my family safe", " to become famous"];
//! for score in scoring::texts(&mut opened, "What matters most to me is", &candidates)? {
//!     println!("{:.3} nats in {} tokens", score.loglikelihood, score.tokens.len());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The modules
//!
//! Data flows once through them: `survey`, `probe` and `prompt` make of a respondent what is asked; `scoring` asks
//! `model`; `run` does so for a whole experiment; `metrics` and `report` make numbers, tables and a page of its
//! records. `ARCHITECTURE.md` says what each may import and what is deliberately absent.

// The library neither stops the program nor speaks to its user; the command line (`cli`) alone does the latter.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::panic,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]
// Longer than clippy.toml says is too long.
#![warn(clippy::too_many_lines)]

mod base;

pub(crate) use base::choice::choices;

pub mod survey;

pub mod probe;

#[doc(hidden)]
pub mod prompt;

pub mod model;

pub mod scoring;

#[doc(hidden)]
pub mod metrics;

pub mod run;

pub mod requests;

pub mod report;

#[doc(hidden)]
pub mod cli;
