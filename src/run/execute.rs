//! The loop over units: compute, record, tell. It knows no model; what computes units is a [`Compute`].

use super::{Journal, Plan, RunError, Unit};
use crate::model::Tokens;
use crate::scoring::Outcome;

/// Takes the outcomes of a unit.
pub type Emit<'a> = dyn FnMut(&Unit, Vec<Outcome>) -> Result<(), RunError> + 'a;

/// Computes the outcomes of units.
pub trait Compute {
    /// What can go wrong.
    type Error;

    /// How many of the next units, of which there are `left`, should be computed together: at least one.
    fn together(&self, left: usize) -> usize;

    /// Gives every unit's outcomes in order (conditions, and within each its probes) to `emit`, unit after unit, each as soon
    /// as it is known. What is given depends on nothing but the unit, so that a unit computed again, or beside others, gives
    /// the same.
    ///
    /// # Errors
    /// Units before the one that fails have been given.
    fn units(&mut self, units: &[Unit], emit: &mut Emit<'_>) -> Result<(), Self::Error>;

    /// Tokens computed so far, and what they would have been with every prompt on its own.
    fn tokens(&self) -> Tokens;
}

/// Something that happened in a run; who shows a run listens to these.
#[derive(Debug)]
pub enum Event<'a> {
    /// An outcome was recorded before; these come first, in order.
    Recorded(&'a Outcome),
    /// The run begins, or goes on behind outcomes recorded before.
    Begin {
        /// How many were recorded before.
        recorded: usize,
        /// Outcomes of the finished run.
        outcomes: usize,
        /// People of the finished run.
        people: usize,
        /// Bytes of a torn last line that were dropped.
        torn: usize,
    },
    /// An outcome was recorded.
    Outcome(&'a Outcome),
    /// All of a batch of units is recorded.
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

    /// Whether to stop before the next batch.
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

/// Computes and records what was not found of `plan`.
///
/// A unit that is recorded in part is computed again as a whole, and its recorded outcomes are left as they are.
pub(crate) fn execute<C>(
    plan: &Plan,
    found: super::Found,
    journal: &mut Journal,
    compute: &mut C,
    observer: &mut dyn Observer,
) -> Result<Done, C::Error>
where
    C: Compute,
    C::Error: From<RunError>,
{
    let known = found.records;
    observer.event(Event::Begin {
        recorded: known,
        outcomes: plan.outcomes,
        people: plan.units.chunk_by(|a, b| a.person == b.person).count(),
        torn: found.torn,
    });
    let ended = |index: usize| {
        plan.units
            .get(index + 1)
            .is_none_or(|after| after.person != plan.units[index].person)
    };
    let mut next = plan.units.partition_point(|unit| unit.first + unit.outcomes() <= known);
    let mut people = (0..next).filter(|&index| ended(index)).count();
    let mut recorder = Recorder {
        journal,
        observer,
        known,
    };
    while next < plan.units.len() {
        if recorder.observer.stop() {
            recorder.journal.sync()?;
            return Ok(Done::Stopped);
        }
        let count = compute
            .together(plan.units.len() - next)
            .clamp(1, plan.units.len() - next);
        let units = &plan.units[next..next + count];
        compute.units(units, &mut |unit, outcomes| recorder.record(unit, &outcomes))?;
        people += (next..next + count).filter(|&index| ended(index)).count();
        next += count;
        let last = &plan.units[next - 1];
        recorder.observer.event(Event::Unit {
            outcomes: last.first + last.outcomes(),
            people,
            tokens: compute.tokens(),
        });
    }
    recorder.journal.sync()?;
    Ok(Done::All)
}

/// Writes outcomes down.
struct Recorder<'a> {
    journal: &'a mut Journal,
    observer: &'a mut dyn Observer,
    /// Outcomes that were recorded before.
    known: usize,
}

impl Recorder<'_> {
    /// Records those outcomes of a unit that are not there yet.
    fn record(&mut self, unit: &Unit, outcomes: &[Outcome]) -> Result<(), RunError> {
        if outcomes.len() != unit.outcomes() {
            return Err(RunError::Encode(format!(
                "a unit gave {} outcomes where {} were planned",
                outcomes.len(),
                unit.outcomes()
            )));
        }
        for (outcome, number) in outcomes.iter().zip(unit.first..) {
            if number >= self.known {
                self.journal.append(outcome)?;
                self.observer.event(Event::Outcome(outcome));
            }
        }
        Ok(())
    }
}
