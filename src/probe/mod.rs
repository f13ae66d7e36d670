//! Who is asked what, and what is shown of them: splits, choice of demonstrations, cases, donors for the control.
//!
//! Everything here is a pure function of a catalogue, respondents and a seed; no text is put together (that is the
//! `prompt` module) and no model is met.

mod case;
mod cautions;
mod demonstration;
mod donor;
mod draw;
mod split;

pub use demonstration::{Count, DemonstrationRule, Draw};
pub use split::Split;

#[doc(hidden)]
pub use case::{Case, Probe};
#[doc(hidden)]
pub use demonstration::{Demonstration, demonstrations};
#[doc(hidden)]
pub use split::{Splitting, is_probe, split_questions};

pub(crate) use cautions::{cautions, default_demonstrations, most_demonstrations};
pub(crate) use donor::{DonorPool, Donors};
