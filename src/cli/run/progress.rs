//! How a run shows itself: a bar on a terminal, a line every half minute elsewhere.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::super::status::Status;
use crate::base::text::duration;
use crate::cli::output::tell;
use crate::cli::signals;
use crate::run::{Event, Observer};
use crate::scoring::Outcome;
use crate::scoring::shared::Tokens;

/// Time between lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// The same where there is one.
const BAR_EVERY: Duration = Duration::from_secs(1);

/// How often the program was asked to stop.
#[derive(Debug, Clone, Default)]
pub struct StopRequests(Arc<AtomicU8>);

impl StopRequests {
    /// Listens to Ctrl-C and termination: the first asks to stop after the person in flight, the second stops at once
    /// (exit status 130; the journal is whole at any moment). Signals that were ignored when the program started stay so.
    pub fn listen() -> Self {
        let requests = Self::default();
        let counter = Arc::clone(&requests.0);
        let handler = move || {
            if counter.fetch_add(1, Ordering::SeqCst) == 0 {
                tell!("\nstopping after this respondent; press Ctrl-C again to stop now (nothing recorded is lost)");
            } else {
                std::process::exit(Status::Interrupted as i32);
            }
        };
        if signals::listen(handler).is_err() {
            tell!("note: Ctrl-C cannot be caught here, so it stops at once; nothing recorded is lost");
        }
        requests
    }

    fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

/// Shows a run on stderr, also while a respondent takes long: what is shown is told again by a thread of its own.
pub struct Progress {
    bar: ProgressBar,
    terminal: bool,
    quiet: bool,
    requests: StopRequests,
    state: Arc<Mutex<State>>,
    /// Whoever tells it again; hanging up ends it.
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

/// How far a run is.
#[derive(Debug, Clone)]
struct State {
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

impl State {
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
            parts.push(format!("{:.0} tokens/s", self.tokens.shared as f64 / seconds));
        }
        if self.read > 0 {
            parts.push(format!(
                "accuracy {:.1} %",
                100.0 * self.correct as f64 / self.read as f64
            ));
        }
        if now > 0 {
            let left = seconds / now as f64 * (self.outcomes - self.done) as f64;
            let since = time.duration_since(self.last).as_secs_f64();
            parts.push(format!("{} left", duration(left - since)));
        } else {
            let so_far = time.duration_since(self.begun).as_secs_f64();
            parts.push(format!("{} so far", duration(so_far)));
        }
        parts.join(" · ")
    }
}

impl Progress {
    /// Nothing is shown when `quiet`.
    pub fn new(quiet: bool, requests: StopRequests) -> Self {
        let terminal = console_is_terminal();
        let bar = ProgressBar::with_draw_target(
            None,
            if quiet || !terminal {
                ProgressDrawTarget::hidden()
            } else {
                ProgressDrawTarget::stderr()
            },
        );
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {msg}") {
            bar.set_style(style);
        }
        let now = Instant::now();
        let state = State {
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
        Self {
            bar,
            terminal,
            quiet,
            requests,
            state: Arc::new(Mutex::new(state)),
            ticker: None,
        }
    }

    /// Takes the bar away.
    pub fn finish(&mut self) {
        if let Some((hang_up, ticker)) = self.ticker.take() {
            drop(hang_up);
            // It can only have panicked while printing; the run is over either way.
            let _ = ticker.join();
        }
        self.bar.finish_and_clear();
    }

    /// What is known now.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells it again and again until the run is over.
    fn tick(&mut self) {
        let (hang_up, over) = mpsc::channel();
        let (state, bar, terminal) = (Arc::clone(&self.state), self.bar.clone(), self.terminal);
        let period = if terminal { BAR_EVERY } else { LINE_EVERY };
        let ticker = std::thread::spawn(move || {
            while over.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                let state = state.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let message = state.message(Instant::now());
                if terminal {
                    bar.set_message(message);
                } else if state.done < state.outcomes {
                    tell!("respondents {message}");
                }
            }
        });
        self.ticker = Some((hang_up, ticker));
    }
}

impl Observer for Progress {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Begin {
                recorded,
                outcomes,
                people,
                torn,
            } => {
                let mut state = self.state();
                state.begun = Instant::now();
                state.last = state.begun;
                state.outcomes = outcomes;
                state.people.1 = people;
                state.before = recorded.len();
                state.done = recorded.len();
                recorded.iter().for_each(|outcome| state.count(outcome));
                let message = state.message(state.begun);
                drop(state);
                self.bar.set_length(outcomes as u64);
                self.bar.set_prefix("respondents");
                self.bar.set_message(message);
                if self.quiet {
                    return;
                }
                if !recorded.is_empty() {
                    let dropped = if torn > 0 {
                        "; an incomplete last line was dropped"
                    } else {
                        ""
                    };
                    self.bar.suspend(|| {
                        tell!("resuming after {} of {outcomes} records{dropped}", recorded.len());
                    });
                }
                self.tick();
            }
            Event::Outcome(outcome) => self.state().count(outcome),
            Event::Unit {
                outcomes,
                people,
                tokens,
            } => {
                let mut state = self.state();
                state.done = outcomes;
                state.people.0 = people;
                state.tokens = tokens;
                state.last = Instant::now();
                let message = state.message(state.last);
                let over = state.done == state.outcomes;
                drop(state);
                self.bar.set_position(outcomes as u64);
                if over && !self.quiet && !self.terminal {
                    tell!("respondents {message}");
                }
                self.bar.set_message(message);
            }
        }
    }

    fn stop(&self) -> bool {
        self.requests.asked()
    }
}

fn console_is_terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_said_also_before_the_first_respondent_is_done() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut state = State {
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
