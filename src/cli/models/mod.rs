//! `indieval models`.

mod check;
pub(super) mod download;
mod list;

use std::process::ExitCode;

use clap::Subcommand;

/// Options of `indieval models`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the checkpoints that are known by name, and what they need in memory
    List(list::Args),
    /// Fetch a checkpoint unless it is here, and print where it is
    Get(download::Args),
    /// Read a checkpoint without running it, and name every reason to refuse it
    Check(check::Args),
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::List(args) => list::run(args),
        Action::Get(args) => download::run(args),
        Action::Check(args) => check::run(args),
    }
}

/// Bytes for people, in decimal units.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = if unit == 0 || value >= 99.5 { 0 } else { 1 };
    format!("{value:.decimals$} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_have_two_or_three_digits() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (98_362_432, "98.4 MB"),
            (999_600_000, "1.0 GB"),
            (281_260_142_592, "281 GB"),
        ] {
            assert_eq!(super::size(bytes), text);
        }
    }
}
