//! What was found, a line each.

use std::{
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

/// One thing that was checked or measured.
struct Finding {
    part: &'static str,
    what: String,
    found: String,
    /// What it should be, where it should be something, and whether it is.
    asked: Option<(String, bool)>,
}

/// All of them. Each is printed when it is made, and all once more at the end.
#[derive(Default)]
pub struct Findings {
    all: Vec<Finding>,
    part: &'static str,
}

impl Findings {
    /// Runs a part; what goes wrong in it is a finding, and the next part follows.
    pub fn part(&mut self, name: &'static str, run: impl FnOnce(&mut Self) -> Result<(), Box<dyn Error>>) {
        self.part = name;
        println!("\n== {name}");
        let begun = Instant::now();
        let wrong = match catch_unwind(AssertUnwindSafe(|| run(self))) {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(message(&*panic)),
        };
        if let Some(wrong) = wrong {
            self.check("all of it", wrong, "no error", false);
        }
        println!("   ({:.1} s)", begun.elapsed().as_secs_f64());
    }

    /// Something to know.
    pub fn note(&mut self, what: impl Into<String>, found: impl Into<String>) {
        self.add(what.into(), found.into(), None);
    }

    /// Something that should be so.
    pub fn check(&mut self, what: impl Into<String>, found: impl Into<String>, asked: impl Into<String>, holds: bool) {
        self.add(what.into(), found.into(), Some((asked.into(), holds)));
    }

    /// Something that should be so on a real device, and is only to be known of another.
    pub fn goal(
        &mut self,
        real: bool,
        what: impl Into<String>,
        found: impl Into<String>,
        asked: impl Into<String>,
        holds: bool,
    ) {
        self.add(what.into(), found.into(), real.then(|| (asked.into(), holds)));
    }

    fn add(&mut self, what: String, found: String, asked: Option<(String, bool)>) {
        let finding = Finding {
            part: self.part,
            what,
            found,
            asked,
        };
        println!("{finding}");
        self.all.push(finding);
    }

    /// Prints the table. Returns whether all is as it should be.
    pub fn finish(&self) -> bool {
        println!("\n== all");
        for finding in &self.all {
            println!("{finding}");
        }
        let missed = |finding: &&Finding| finding.asked.as_ref().is_some_and(|(_, holds)| !holds);
        let missed = self.all.iter().filter(missed).count();
        println!("\n{missed} of {} are not as they should be", self.all.len());
        missed == 0
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { part, what, found, .. } = self;
        let (mark, asked) = match &self.asked {
            None => ("  ", String::new()),
            Some((asked, true)) => ("ok", format!("  ({asked})")),
            Some((asked, false)) => ("NO", format!("  (should be: {asked})")),
        };
        write!(out, "{mark} {part:<11}{what:<46}{found}{asked}")
    }
}

/// What a panic said, on one line.
pub fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    said.unwrap_or("it panicked").replace('\n', " ")
}
