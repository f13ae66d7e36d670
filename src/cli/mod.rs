//! The command line: the only place with clap, anyhow, progress bars, stdout and stderr.

mod baseline;
mod catalogue;
mod chats;
mod choice;
mod compare;
mod completions;
mod export;
mod failure;
mod format;
mod generate;
mod grade;
mod inspect;
mod merge;
mod model_args;
mod models;
mod output;
mod people;
mod person_pages;
mod progress;
mod prompts;
mod report;
mod report_files;
mod requests;
mod rescore;
mod run;
mod score;
mod show;
mod signals;
mod slurm;
mod status;
mod streams;
mod survey;
mod verify;

use std::io::Write as _;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::base::near::near;

/// Measures how well a local language model knows one particular person.
#[derive(Debug, Parser)]
#[command(
    name = "indieval",
    version = crate::base::version::FULL,
    about,
    propagate_version = true,
    after_help = ENVIRONMENT,
    after_long_help = format!("{}\n\n{ENVIRONMENT}", status::HELP)
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Browse the catalogue of questions and statements
    Catalogue(catalogue::Args),
    /// Check, describe, sample or invent survey files
    Survey(survey::Args),
    /// Show exactly what a model would be shown
    Show(show::Args),
    /// Compute accuracies without a model: chance, majority, resemblance
    Baseline(baseline::Args),
    /// List, fetch and check checkpoints
    Models(models::Args),
    /// Score any continuations by log-likelihood
    Score(score::Args),
    /// Generate text from any prompts
    Generate(generate::Args),
    /// Evaluate a model on survey respondents
    Run(Box<run::Args>),
    /// Merge the shards of a run
    Merge(merge::Args),
    /// Compute the shards of a run as jobs on a Slurm cluster
    Slurm(slurm::Args),
    /// Make tables and a page from runs
    Report(report::Args),
    /// Look at single answers of a run
    Inspect(inspect::Args),
    /// Export a run in the formats of other tools
    Export(export::Args),
    /// Write the prompts of a run for models that run elsewhere
    Prompts(prompts::Args),
    /// Turn answers made elsewhere into a run
    Grade(grade::Args),
    /// Compare runs on the same probes
    Compare(compare::Args),
    /// Re-score records of a run and check its files
    Verify(verify::Args),
    /// Print a script that completes commands and flags in a shell
    Completions(completions::Args),
}

const ENVIRONMENT: &str = "\
Environment:
  INDIEVAL_CACHE    where fetched models are kept [default: ~/.cache/indieval]
  INDIEVAL_BACKEND  what computes on a CPU: avx512, avx2, portable [default: the fastest there is]
  HF_...            HOME, HUB_CACHE, ENDPOINT, TOKEN, HUB_OFFLINE, HUB_DOWNLOAD_TIMEOUT: the model hub
  NO_COLOR          1: no colours";

/// Runs the program on this process's arguments.
///
/// Returns the exit status; `cli/status.rs` has them all.
pub fn main() -> ExitCode {
    signals::survive_file_limit();
    let matches = match with_negative_numbers(Cli::command()).try_get_matches() {
        Ok(matches) => matches,
        Err(answer) if answer.use_stderr() => {
            let given = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
            with_suggestion(answer, given).exit()
        }
        // Help and version: a disk that is full must not pass for having shown them.
        Err(answer) => return help(&answer).map_or_else(|error| failure::report(&error), |()| ExitCode::SUCCESS),
    };
    let command = Cli::from_arg_matches(&matches)
        .unwrap_or_else(|error| error.exit())
        .command;
    let done = match command {
        Command::Catalogue(args) => catalogue::run(args),
        Command::Survey(args) => survey::run(args),
        Command::Show(args) => show::run(args),
        Command::Baseline(args) => baseline::run(args),
        Command::Models(args) => models::run(args),
        Command::Score(args) => score::run(args),
        Command::Generate(args) => generate::run(args),
        Command::Run(args) => run::run(*args),
        Command::Merge(args) => merge::run(args),
        Command::Slurm(args) => slurm::run(args),
        Command::Report(args) => report::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Export(args) => export::run(args),
        Command::Prompts(args) => prompts::run(args),
        Command::Grade(args) => grade::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Completions(args) => completions::run(&args, Cli::command()),
    };
    done.unwrap_or_else(|error| failure::report(&error))
}

/// The error with what an unknown command may have been meant to be, where clap knows of nothing.
fn with_suggestion(mut error: clap::Error, given: impl Iterator<Item = String>) -> clap::Error {
    let Some(ContextValue::String(asked)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    if error.get(ContextKind::SuggestedSubcommand).is_some() {
        return error;
    }
    let all = Cli::command();
    let above = given.skip(1).take_while(|word| word != asked);
    let above = above.fold(&all, |above, word| above.find_subcommand(word).unwrap_or(above));
    let near = near(asked, above.get_subcommands().map(clap::Command::get_name));
    if let Some(first) = near.first() {
        let said = ContextValue::Strings(vec![(*first).to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, said);
    }
    error
}

/// Prints help or the version, in colours where they are shown.
fn help(text: &clap::Error) -> anyhow::Result<()> {
    let printed = streams::output_is_open()
        .and_then(|()| text.print())
        .and_then(|()| std::io::stdout().flush());
    match printed {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("cannot write to standard output"))
        }
        _ => Ok(()),
    }
}

/// The command with options that take what begins with a minus and a digit: `--limit -1` is a wrong number, where clap
/// would advise to write `-- -1`.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let below: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let numbers = |argument: clap::Arg| match argument.is_positional() || !argument.get_action().takes_values() {
        true => argument,
        false => argument.allow_negative_numbers(true),
    };
    let command = command.mut_args(numbers);
    below.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, with_negative_numbers)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands that do something, each with the text below its help, or below that of the command it belongs to.
    fn leaves(command: &clap::Command, path: &str, above: &str, found: &mut Vec<(String, String)>) {
        let path = format!("{path} {}", command.get_name());
        let text = command
            .get_after_help()
            .map_or_else(|| above.to_owned(), ToString::to_string);
        if !command.has_subcommands() {
            found.push((path.trim().to_owned(), text.clone()));
        }
        for below in command.get_subcommands() {
            leaves(below, &path, &text, found);
        }
    }

    #[test]
    fn a_slip_of_a_command_is_named_at_every_level() {
        for (given, meant) in [("rnu", "'run'"), ("survey chekc", "'check'"), ("models lsit", "'list'")] {
            let words = || ["indieval"].into_iter().chain(given.split(' ')).map(str::to_owned);
            let error = Cli::try_parse_from(words()).unwrap_err();
            let said = with_suggestion(error, words()).to_string();
            assert!(said.contains(meant), "{given}: {said}");
        }
        let words = || ["indieval", "zebra"].into_iter().map(str::to_owned);
        let said = with_suggestion(Cli::try_parse_from(words()).unwrap_err(), words()).to_string();
        assert!(!said.contains("similar"), "{said}");
    }

    #[test]
    fn every_command_has_examples_and_they_are_understood() {
        let mut commands = Vec::new();
        leaves(&Cli::command(), "", "", &mut commands);
        assert!(commands.len() > 15, "{commands:?}");
        for (path, text) in commands {
            let examples: Vec<&str> = text.lines().filter(|line| line.starts_with("  indieval ")).collect();
            assert!(!examples.is_empty(), "`{path} --help` has no example");
            for example in examples {
                // What stands far behind it explains it.
                let given = example.trim_start().split("     ").next().unwrap_or_default();
                let given = given.split(" > ").next().unwrap_or_default();
                if let Err(error) = Cli::try_parse_from(given.split_whitespace()) {
                    panic!("{example}: {error}");
                }
            }
        }
    }
}
