//! How every command shows how far it is: a bar on a terminal, a line every half minute elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::tell;
use crate::base::text::{duration, percent};

/// Time between lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Shows on standard error how far a command is.
#[derive(Debug)]
pub struct Display {
    bar: ProgressBar,
    /// Lines are written in place of a bar.
    lines: bool,
    quiet: bool,
    begun: Instant,
    told: Instant,
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
        let now = Instant::now();
        Self {
            bar,
            lines: !quiet && !terminal,
            quiet,
            begun: now,
            told: now,
        }
    }

    /// Seconds since it was made.
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// `done` of `all` are done, where it is known how many there are.
    pub fn at(&mut self, done: u64, all: Option<u64>, message: &str) {
        let share = all.filter(|&all| all > 0).map(|all| done as f64 / all as f64);
        let mut parts = vec![message.to_owned()];
        if let Some(share) = share {
            parts.insert(0, percent(share));
            parts.extend(left(self.seconds(), share));
            self.bar.set_length(all.unwrap_or(0));
        }
        self.bar.set_position(done);
        self.bar.set_message(parts.join(" · "));
        if self.lines && self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            tell!("{}", parts.join(" · "));
        }
    }

    /// Says something beside it.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| tell!("note: {text}"));
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
    /// What ends with an error leaves no bar before it.
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Time left where a share is done, once that can be told.
fn left(seconds: f64, share: f64) -> Option<String> {
    let left = seconds / share * (1.0 - share);
    (seconds >= 1.0 && share > 0.0 && share < 1.0).then(|| format!("{} left", duration(left)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_told_once_it_is_known() {
        assert_eq!(left(0.5, 0.1), None);
        assert_eq!(left(30.0, 0.0), None);
        assert_eq!(left(30.0, 0.25).as_deref(), Some("1 min 30 s left"));
        assert_eq!(left(30.0, 1.0), None);
    }
}
