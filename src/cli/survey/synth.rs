//! `indieval survey synth`.

use std::path::PathBuf;

use super::super::output::{refuse_existing, tell, write_whole};
use super::{conditions, people};
use crate::survey::{Catalogue, SyntheticOptions, SyntheticProfile, write_synthetic};

/// Options of `indieval survey synth`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval survey synth --respondents 200 --out people.csv")]
pub struct Args {
    /// How many synthetic respondents
    #[arg(long, value_name = "N")]
    respondents: usize,
    /// Another seed makes other people
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write them (CSV)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace the file that is there
    #[arg(long)]
    force: bool,
    /// Only people who answer all probes and leave few other questions out, from the six continents in turn
    #[arg(long)]
    answering: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    refuse_existing(&args.out, args.force)?;
    let profile = if args.answering {
        SyntheticProfile::Answering(conditions(Catalogue::builtin()?)?.probes)
    } else {
        SyntheticProfile::Surveyed
    };
    let options = SyntheticOptions {
        respondents: args.respondents,
        seed: args.seed,
        profile,
    };
    write_whole(&args.out, |output| write_synthetic(&options, output))?;
    tell!("{} written to {}", people(args.respondents, true), args.out.display());
    Ok(())
}
