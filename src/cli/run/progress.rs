//! How a run shows itself, and how it is asked to stop.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::super::status::ExitStatus;
use crate::base::text::{count, counted, duration, percent};
use crate::base::waiting::long_wait;
use crate::cli::output::tell;
use crate::cli::progress::Display;
use crate::cli::signals;
use crate::model::Tokens;
use crate::run::{Event, Observer};
use crate::scoring::Outcome;

/// Time after which it is shown again.
const TICK: Duration = Duration::from_secs(1);

/// How often the program was asked to stop.
#[derive(Debug, Clone, Default)]
pub struct StopRequests(Arc<AtomicU8>);

impl StopRequests {
    /// Listens to Ctrl-C and termination: the first asks to stop after the person in flight, the second stops at once
    /// (exit status 130; the journal is whole at any moment). Signals that were ignored when the program started stay so.
    ///
    /// What is in flight when `grace` has passed since the first is abandoned (exit status 75).
    pub fn listen(grace: Option<Duration>) -> Self {
        let requests = Self::default();
        let counter = Arc::clone(&requests.0);
        let handler = move || {
            if counter.fetch_add(1, Ordering::SeqCst) == 0 {
                tell!("\nstopping after this respondent; press Ctrl-C again to stop now (nothing recorded is lost)");
                if let Some(grace) = grace {
                    std::thread::spawn(move || abandon(grace));
                }
            } else {
                std::process::exit(ExitStatus::Interrupted as i32);
            }
        };
        if signals::listen(handler).is_err() {
            tell!("note: Ctrl-C cannot be caught here, so it stops at once; nothing recorded is lost");
        }
        requests
    }

    /// Whether it was.
    pub fn asked(&self) -> bool {
        self.times() > 0
    }

    /// How often it was.
    pub fn times(&self) -> u8 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Ends the program when that much time has passed, whatever it is doing: the journal is whole at any moment.
fn abandon(grace: Duration) {
    std::thread::sleep(grace);
    tell!(
        "the batch in flight did not end within {}; it is abandoned, and the same command resumes from there",
        duration(grace.as_secs_f64())
    );
    std::process::exit(ExitStatus::Stopped as i32);
}

/// Shows a run, also while a respondent takes long: what is shown is told again by a thread of its own.
pub struct RunProgress {
    quiet: bool,
    requests: StopRequests,
    shown: Arc<Mutex<RunDisplay>>,
    /// Whoever tells it again; hanging up ends it.
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

/// How far a run is, and where that is shown.
#[derive(Debug)]
struct RunDisplay {
    state: RunState,
    display: Display,
}

impl RunDisplay {
    /// Shows what is known now.
    fn show(&mut self) {
        let mut message = format!("respondents {}", self.state.message(Instant::now()));
        if let Some(what) = long_wait() {
            message += &format!(" · waiting for {what}");
        }
        let (done, all) = (self.state.done as u64, self.state.outcomes as u64);
        self.display.says(done, Some(all), &message);
    }
}

/// How far a run is.
#[derive(Debug, Clone)]
struct RunState {
    begun: Instant,
    /// Outcomes that were recorded before this start.
    before: usize,
    done: usize,
    outcomes: usize,
    people: (usize, usize),
    read: usize,
    correct: usize,
    tokens: Tokens,
    /// When the last respondent was done.
    last: Instant,
}

impl RunState {
    fn count(&mut self, outcome: &Outcome) {
        self.read += 1;
        self.correct += usize::from(outcome.prediction == Some(outcome.label));
    }

    /// What is known at `time`. Speed and time left are those of the last respondent's end: nothing is known of the one
    /// in flight.
    fn message(&self, time: Instant) -> String {
        let seconds = self.last.duration_since(self.begun).as_secs_f64();
        let now = self.done - self.before.min(self.done);
        let mut parts = vec![format!("{}/{}", self.people.0, self.people.1)];
        if self.tokens.shared > 0 && seconds > 0.0 {
            let speed = self.tokens.shared as f64 / seconds;
            parts.push(format!("{} tokens/s", count(speed.round() as u64)));
        }
        if self.read > 0 {
            let share = self.correct as f64 / self.read as f64;
            parts.push(format!("accuracy {}", percent(share)));
        }
        if now > 0 {
            let left = seconds / now as f64 * (self.outcomes - self.done) as f64;
            let since = time.duration_since(self.last).as_secs_f64();
            parts.push(format!("{} left", duration((left - since).max(0.0))));
        } else {
            let so_far = time.duration_since(self.begun).as_secs_f64();
            parts.push(format!("{} so far", duration(so_far)));
        }
        parts.join(" · ")
    }
}

impl RunProgress {
    /// Nothing is shown when `quiet`.
    pub fn new(quiet: bool, requests: StopRequests) -> Self {
        let now = Instant::now();
        let state = RunState {
            begun: now,
            before: 0,
            done: 0,
            outcomes: 0,
            people: (0, 0),
            read: 0,
            correct: 0,
            tokens: Tokens::default(),
            last: now,
        };
        let display = Display::new(quiet);
        Self {
            quiet,
            requests,
            shown: Arc::new(Mutex::new(RunDisplay { state, display })),
            ticker: None,
        }
    }

    /// Takes it away.
    pub fn finish(mut self) {
        if let Some((hang_up, ticker)) = self.ticker.take() {
            drop(hang_up);
            // It can only have panicked while printing; the run is over either way.
            let _ = ticker.join();
        }
    }

    fn shown(&self) -> MutexGuard<'_, RunDisplay> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells it again and again until the run is over.
    fn tick(&mut self) {
        let (hang_up, over) = mpsc::channel();
        let shown = Arc::clone(&self.shown);
        let ticker = std::thread::spawn(move || {
            while over.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
                if shown.state.done < shown.state.outcomes {
                    shown.show();
                }
            }
        });
        self.ticker = Some((hang_up, ticker));
    }

    /// The run begins, or goes on after these records.
    fn begin(&mut self, recorded: usize, (outcomes, people): (usize, usize), torn: usize) {
        let mut shown = self.shown();
        let state = &mut shown.state;
        state.begun = Instant::now();
        state.last = state.begun;
        (state.outcomes, state.people.1) = (outcomes, people);
        (state.before, state.done) = (recorded, recorded);
        if recorded > 0 {
            let dropped = match torn {
                0 => "",
                _ => "; an incomplete last line was dropped",
            };
            shown.display.line(&format!(
                "resuming after {} of {}{dropped}",
                count(recorded as u64),
                counted(outcomes, "record", "records")
            ));
        }
        shown.show();
        drop(shown);
        if !self.quiet {
            self.tick();
        }
    }
}

impl Observer for RunProgress {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Begin {
                recorded,
                outcomes,
                people,
                torn,
            } => self.begin(recorded, (outcomes, people), torn),
            Event::Recorded(outcome) | Event::Outcome(outcome) => self.shown().state.count(outcome),
            Event::Unit {
                outcomes,
                people,
                tokens,
            } => {
                let mut shown = self.shown();
                let state = &mut shown.state;
                (state.done, state.people.0, state.tokens) = (outcomes, people, tokens);
                state.last = Instant::now();
                shown.show();
            }
        }
    }

    fn stop(&self) -> bool {
        self.requests.asked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_said_also_before_the_first_respondent_is_done() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut state = RunState {
            begun,
            before: 39,
            done: 39,
            outcomes: 39 * 5,
            people: (1, 5),
            read: 0,
            correct: 0,
            tokens: Tokens::default(),
            last: begun,
        };
        assert_eq!(state.message(at(70)), "1/5 · 1 min 10 s so far");
        state.done = 39 * 2;
        state.people.0 = 2;
        (state.read, state.correct) = (78, 39);
        state.tokens.shared = 10_000;
        state.last = at(100);
        assert_eq!(
            state.message(at(100)),
            "2/5 · 100 tokens/s · accuracy 50.0 % · 5 min 00 s left"
        );
        assert!(state.message(at(130)).ends_with("4 min 30 s left"));
        assert!(state.message(at(1000)).ends_with("· 0 s left"));
    }
}
