//! `indieval completions`: what a shell needs to complete commands and flags.

use std::process::ExitCode;

use super::output::print;

/// Options of `indieval completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval completions bash > ~/.local/share/bash-completion/completions/indieval
  indieval completions zsh > ~/.zfunc/_indieval        (a folder of $fpath)
  indieval completions fish > ~/.config/fish/completions/indieval.fish")]
pub struct Args {
    /// The shell
    shell: clap_complete::Shell,
}

/// Runs the command.
pub fn run(args: &Args, mut program: clap::Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    let name = program.get_name().to_owned();
    clap_complete::generate(args.shell, &mut program, name, &mut script);
    print(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}
