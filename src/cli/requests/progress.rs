//! How far a job is: a bar on a terminal, a line every half minute elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::output::tell;
use crate::scoring::shared::Tokens;

/// Time between lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

pub(super) struct Progress {
    bar: ProgressBar,
    lines: bool,
    quiet: bool,
    total: Option<u64>,
    begun: Instant,
    told: Instant,
    kept: u64,
    answered: u64,
}

impl Progress {
    /// Nothing is shown when `quiet`.
    pub(super) fn new(quiet: bool, total: Option<u64>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = match quiet || !terminal {
            true => ProgressDrawTarget::hidden(),
            false => ProgressDrawTarget::stderr(),
        };
        let bar = ProgressBar::with_draw_target(total, target);
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {percent}% {msg} {eta}") {
            bar.set_style(style);
        }
        let now = Instant::now();
        Self {
            bar,
            lines: !quiet && !terminal,
            quiet,
            total,
            begun: now,
            told: now,
            kept: 0,
            answered: 0,
        }
    }

    /// Lines that were answered before.
    pub(super) fn kept(&mut self, lines: usize) {
        self.kept += lines as u64;
    }

    /// Lines that were answered now.
    pub(super) fn answered(&mut self, lines: usize) {
        self.answered += lines as u64;
    }

    /// What stands in the first `read` bytes is answered.
    pub(super) fn at(&mut self, read: u64, tokens: Tokens) {
        self.bar.set_position(read);
        self.bar.set_message(self.message(tokens));
        if self.lines && self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            let share = self.total.map(|total| 100 * read / total.max(1));
            let share = share.map_or_else(String::new, |share| format!("{share} %, "));
            tell!("{share}{}", self.message(tokens));
        }
    }

    /// Says what was done.
    pub(super) fn finish(&self, tokens: Tokens) {
        self.bar.finish_and_clear();
        if self.quiet {
            return;
        }
        let kept = match self.kept {
            0 => String::new(),
            kept => format!("{} lines were answered before; ", HumanCount(kept)),
        };
        tell!(
            "{kept}{} in {}",
            self.message(tokens),
            HumanDuration(self.begun.elapsed())
        );
    }

    fn message(&self, tokens: Tokens) -> String {
        let seconds = self.begun.elapsed().as_secs_f64();
        let mut message = format!("{} lines", HumanCount(self.answered));
        if tokens.shared > 0 && seconds > 0.0 {
            message.push_str(&format!(
                ", {} tokens computed ({:.1} times as many without sharing), {:.0} tokens/s",
                HumanCount(tokens.shared),
                tokens.alone as f64 / tokens.shared as f64,
                tokens.shared as f64 / seconds
            ));
        }
        message
    }
}
