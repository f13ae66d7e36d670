//! The loop over units: compute, record, tell. It knows no model; what computes a unit is a [`Compute`].

use super::{Journal, Plan, RunError, Unit};
use crate::scoring::Outcome;
use crate::scoring::shared::Tokens;

/// Computes the outcomes of one unit.
pub trait Compute {
    /// What can go wrong.
    type Error;

    /// Gives every outcome of `unit` in order (conditions, and within each its probes) to `emit`, each as soon as it is
    /// known. What is given depends on nothing but the unit, so that a unit computed again gives the same.
    fn unit(&mut self, unit: &Unit, emit: &mut dyn FnMut(Outcome) -> Result<(), RunError>) -> Result<(), Self::Error>;

    /// Tokens computed so far, and what they would have been with every prompt on its own.
    fn tokens(&self) -> Tokens;
}

/// Something that happened in a run; who shows a run listens to these.
#[derive(Debug)]
pub enum Event<'a> {
    /// The run begins, or goes on behind outcomes recorded before.
    Begin {
        /// Outcomes recorded before.
        recorded: &'a [Outcome],
        /// Outcomes of the finished run.
        outcomes: usize,
        /// People of the finished run.
        people: usize,
        /// Bytes of a torn last line that were dropped.
        torn: usize,
    },
    /// An outcome was recorded.
    Outcome(&'a Outcome),
    /// All of a unit is recorded.
    Unit {
        /// Outcomes recorded.
        outcomes: usize,
        /// People of whom everything is recorded.
        people: usize,
        /// Tokens computed since the program started.
        tokens: Tokens,
    },
}

/// Listens to a run and may ask it to stop.
pub trait Observer {
    /// Something happened.
    fn event(&mut self, event: Event<'_>);

    /// Whether to stop before the next person.
    fn stop(&self) -> bool;
}

/// Nobody listens, and nothing stops the run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn event(&mut self, _: Event<'_>) {}

    fn stop(&self) -> bool {
        false
    }
}

/// How the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Every outcome is recorded.
    All,
    /// The observer asked to stop.
    Stopped,
}

/// Computes and records what `recorded` lacks of `plan`.
///
/// A unit that is recorded in part is computed again as a whole, since its outcomes come out of one packed pass, and
/// its recorded outcomes are left as they are.
pub(crate) fn execute<C>(
    plan: &Plan,
    recorded: &super::Recorded,
    journal: &mut Journal,
    compute: &mut C,
    observer: &mut dyn Observer,
) -> Result<Done, C::Error>
where
    C: Compute,
    C::Error: From<RunError>,
{
    let known = recorded.outcomes.len();
    observer.event(Event::Begin {
        recorded: &recorded.outcomes,
        outcomes: plan.outcomes,
        people: plan.units.chunk_by(|a, b| a.person == b.person).count(),
        torn: recorded.torn,
    });
    let mut person = None;
    let mut people = 0;
    for (index, unit) in plan.units.iter().enumerate() {
        people += usize::from(plan.units.get(index + 1).is_none_or(|next| next.person != unit.person));
        if unit.first + unit.outcomes() <= known {
            continue;
        }
        if person != Some(unit.person) && observer.stop() {
            journal.sync()?;
            return Ok(Done::Stopped);
        }
        person = Some(unit.person);
        let mut number = unit.first;
        let mut emit = |outcome: Outcome| -> Result<(), RunError> {
            if number >= known {
                journal.append(&outcome)?;
                observer.event(Event::Outcome(&outcome));
            }
            number += 1;
            Ok(())
        };
        compute.unit(unit, &mut emit)?;
        if number != unit.first + unit.outcomes() {
            return Err(RunError::Encode(format!(
                "unit {index} gave {} outcomes where {} were planned",
                number - unit.first,
                unit.outcomes()
            ))
            .into());
        }
        observer.event(Event::Unit {
            outcomes: unit.first + unit.outcomes(),
            people,
            tokens: compute.tokens(),
        });
    }
    journal.sync()?;
    Ok(Done::All)
}
