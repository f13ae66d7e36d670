//! `indieval survey sample`.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use super::super::format::Format;
use super::super::output::{print, print_json, refuse_existing, write_whole};
use super::super::people::SurveyArgs;
use super::{all_probes, people};
use crate::survey::{BalanceTable, SampleOptions, sample, write_list};

/// Options of `indieval survey sample`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    survey: SurveyArgs,
    /// Size of the sample
    #[arg(long, value_name = "N", default_value_t = 800)]
    respondents: usize,
    /// Which of the equally good samples
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to write the list of respondents (CSV), for `--respondents`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace the file that is there
    #[arg(long)]
    force: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Serialize)]
struct Output<'a> {
    synthetic: bool,
    respondents: usize,
    eligible: usize,
    seed: u64,
    out: &'a std::path::Path,
    balance: &'a [BalanceTable],
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    refuse_existing(&args.out, args.force)?;
    let loaded = args.survey.load()?;
    let (survey, demographics) = (&loaded.survey.respondents, loaded.demographics);
    let probes = all_probes(&loaded.catalogue);
    let options = SampleOptions {
        respondents: args.respondents,
        seed: args.seed,
    };
    let drawn = sample(survey, demographics, &probes, options)?;
    write_whole(&args.out, |output| {
        write_list(survey, demographics, &drawn.respondents, output)
    })?;

    let output = Output {
        synthetic: survey.synthetic(),
        respondents: drawn.respondents.len(),
        eligible: drawn.eligible,
        seed: args.seed,
        out: &args.out,
        balance: &drawn.balance,
    };
    if args.format == Format::Json {
        return print_json(&output);
    }
    let mut text = format!(
        "{} of {} who meet the conditions, written to {}\n",
        people(output.respondents, output.synthetic),
        output.eligible,
        args.out.display()
    );
    for table in output.balance {
        writeln!(text, "\n{}", table.dimension)?;
        for (group, count) in table.groups.iter().filter(|(_, count)| *count > 0) {
            let share = 100.0 * *count as f64 / output.respondents.max(1) as f64;
            writeln!(text, "  {count:>5} {share:>5.1}%  {group}")?;
        }
    }
    print(&text)
}
