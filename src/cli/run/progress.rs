//! How a run shows itself: a bar on a terminal, a line every half minute elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::run::{Event, Observer};
use crate::scoring::Outcome;
use crate::scoring::shared::Tokens;

/// Time between lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// How often the program was asked to stop.
#[derive(Debug, Clone, Default)]
pub struct StopRequests(Arc<AtomicU8>);

impl StopRequests {
    /// Listens to Ctrl-C and termination: the first asks to stop after the person in flight, the second stops at once
    /// (exit status 130; the journal is whole at any moment).
    pub fn listen() -> Self {
        let requests = Self::default();
        let counter = Arc::clone(&requests.0);
        let handler = move || {
            if counter.fetch_add(1, Ordering::SeqCst) == 0 {
                eprintln!("\nstopping after this respondent; once more stops now");
            } else {
                std::process::exit(130);
            }
        };
        if ctrlc::set_handler(handler).is_err() {
            eprintln!("note: Ctrl-C cannot be caught here; it stops at once, and nothing recorded is lost");
        }
        requests
    }

    fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

/// Shows a run on stderr.
pub struct Progress {
    bar: ProgressBar,
    terminal: bool,
    quiet: bool,
    requests: StopRequests,
    begun: Instant,
    last_line: Instant,
    /// Outcomes that were recorded before this start.
    before: usize,
    done: usize,
    outcomes: usize,
    people: (usize, usize),
    read: usize,
    correct: usize,
    tokens: Tokens,
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
        Self {
            bar,
            terminal,
            quiet,
            requests,
            begun: now,
            last_line: now,
            before: 0,
            done: 0,
            outcomes: 0,
            people: (0, 0),
            read: 0,
            correct: 0,
            tokens: Tokens::default(),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn count(&mut self, outcome: &Outcome) {
        self.read += 1;
        self.correct += usize::from(outcome.prediction == Some(outcome.label));
    }

    fn message(&self) -> String {
        let seconds = self.begun.elapsed().as_secs_f64();
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
            parts.push(format!("{} left", span(left)));
        }
        parts.join(" · ")
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
                self.begun = Instant::now();
                self.outcomes = outcomes;
                self.people.1 = people;
                self.before = recorded.len();
                self.bar.set_length(outcomes as u64);
                self.bar.set_prefix("respondents");
                recorded.iter().for_each(|outcome| self.count(outcome));
                if !self.quiet && !recorded.is_empty() {
                    let dropped = if torn > 0 { ", one torn line dropped" } else { "" };
                    self.bar.suspend(|| {
                        eprintln!(
                            "going on behind {} of {outcomes} recorded outcomes{dropped}",
                            recorded.len()
                        );
                    });
                }
                self.bar.set_message(self.message());
                if self.terminal && !self.quiet {
                    self.bar.enable_steady_tick(Duration::from_secs(1));
                }
            }
            Event::Outcome(outcome) => self.count(outcome),
            Event::Unit {
                outcomes,
                people,
                tokens,
            } => {
                self.done = outcomes;
                self.people.0 = people;
                self.tokens = tokens;
                self.bar.set_position(outcomes as u64);
                self.bar.set_message(self.message());
                if !self.quiet
                    && !self.terminal
                    && (self.last_line.elapsed() >= LINE_EVERY || outcomes == self.outcomes)
                {
                    self.last_line = Instant::now();
                    eprintln!("respondents {}", self.message());
                }
            }
        }
    }

    fn stop(&self) -> bool {
        self.requests.asked()
    }
}

/// A span of time for people.
pub fn span(seconds: f64) -> String {
    let seconds = seconds.round().max(0.0) as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

fn console_is_terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_read_well() {
        assert_eq!(span(4.4), "4 s");
        assert_eq!(span(65.0), "1 min 05 s");
        assert_eq!(span(7_290.0), "2 h 01 min");
    }
}
