//! How every command shows how far it is: a bar on a terminal, a line every half minute elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::tell;
use crate::base::text::{duration, percent};

/// Time between lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// The first line comes earlier where that much time shows that it will take longer than [`WORTH_A_LINE`].
const FIRST_LINE_AFTER: f64 = 2.0;

/// Seconds that nobody needs a line about.
const WORTH_A_LINE: f64 = 10.0;

/// Seconds before which nothing is said about the time left.
const KNOWN_AFTER: f64 = 1.0;

/// Shows on standard error how far a command is.
#[derive(Debug)]
pub struct Display {
    bar: ProgressBar,
    /// Lines are written in place of a bar.
    lines: bool,
    quiet: bool,
    begun: Instant,
    /// When the last line was written.
    told: Option<Instant>,
}

impl Display {
    /// Nothing is shown when `quiet`.
    pub fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = match quiet || !terminal {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            lines: !quiet && !terminal,
            quiet,
            begun: Instant::now(),
            told: None,
        }
    }

    /// Seconds since it was made.
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// `done` of `all` are done, where it is known how many there are; percent and time left come from that.
    pub fn at(&mut self, done: u64, all: Option<u64>, message: &str) {
        let seconds = self.seconds();
        let share = all.filter(|&all| all > 0).map(|all| done as f64 / all as f64);
        let left = share.and_then(|share| left(seconds, share));
        let mut parts = vec![message.to_owned()];
        if let Some(share) = share {
            parts.insert(0, percent(share));
            parts.extend(left.map(|left| format!("{} left", duration(left))));
        }
        let long = left.is_some_and(|left| seconds + left > WORTH_A_LINE);
        self.show(done, all, &parts.join(" · "), long && seconds >= FIRST_LINE_AFTER);
    }

    /// `done` of `all` are done, in these words.
    pub fn says(&mut self, done: u64, all: Option<u64>, message: &str) {
        self.show(done, all, message, false);
    }

    fn show(&mut self, done: u64, all: Option<u64>, message: &str, early: bool) {
        if let Some(all) = all {
            self.bar.set_length(all);
        }
        self.bar.set_position(done);
        self.bar.set_message(message.to_owned());
        let due = match self.told {
            Some(told) => told.elapsed() >= LINE_EVERY,
            None => early || self.begun.elapsed() >= LINE_EVERY,
        };
        if self.lines && due {
            self.told = Some(Instant::now());
            tell!("{message}");
        }
    }

    /// Says a line beside it.
    pub fn line(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| tell!("{text}"));
        }
    }

    /// Takes the bar away and says what was done.
    pub fn done(&self, text: &str) {
        self.bar.finish_and_clear();
        if !self.quiet {
            tell!("{text}");
        }
    }
}

impl Drop for Display {
    /// What ends leaves no bar before what comes next.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Seconds left where a share is done, once that can be told.
fn left(seconds: f64, share: f64) -> Option<f64> {
    (seconds >= KNOWN_AFTER && share > 0.0 && share < 1.0).then(|| seconds / share * (1.0 - share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_told_once_it_is_known() {
        assert_eq!(left(0.5, 0.1), None);
        assert_eq!(left(30.0, 0.0), None);
        assert_eq!(left(30.0, 0.25), Some(90.0));
        assert_eq!(left(30.0, 1.0), None);
    }
}
