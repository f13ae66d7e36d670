//! Who is asked what, and what is shown of them: splits, choice of demonstrations, cases, donors for the control.
//!
//! Everything here is a pure function of a catalogue, respondents and a seed; no text is put together (that is the
//! `prompt` module) and no model is met.

mod case;
mod demonstration;
mod donor;
mod draw;
mod split;

pub use case::{Case, Probe};
pub use demonstration::{Count, Demonstration, DemonstrationRule, Draw, demonstrations};
pub use donor::{Circle, Donors, donor};
pub use split::{Split, SplitError, is_probe, split_questions};
