//! `indieval survey sample`.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;

use super::super::choice::choice;
use super::super::format::OutputFormat;
use super::super::output::{print, print_json, refuse_existing, write_whole};
use super::super::people::SurveyArgs;
use super::{conditions, ids, people};
use crate::base::text::{count, percent};
use crate::survey::{BalanceTable, Catalogue, QuestionId, Sample, SampleOptions, SampleRule, sample, write_list};

/// Options of `indieval survey sample`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval survey sample WVS_Cross-National_Wave_7.csv --out sample.txt")]
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
    #[arg(long, default_value_t, value_name = "FORMAT", value_parser = choice::<OutputFormat>())]
    format: OutputFormat,
}

#[derive(Serialize)]
struct SampleOutput<'a> {
    synthetic: bool,
    respondents: usize,
    eligible: usize,
    rule: SampleRule,
    unasked_probes: Vec<QuestionId>,
    seed: u64,
    out: &'a std::path::Path,
    balance: &'a [BalanceTable],
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    refuse_existing(&args.out, args.force)?;
    let loaded = args.survey.load()?;
    anyhow::ensure!(
        loaded.questionnaire.definition.is_none(),
        "`survey sample` draws the paper's sample of the World Values Survey; `--draw N` of `run` and `prompts export` draws \
         people of any survey by chance"
    );
    let (survey, demographics) = (&loaded.survey.respondents, &loaded.questionnaire.demographics);
    let options = SampleOptions {
        respondents: args.respondents,
        seed: args.seed,
    };
    let drawn = sample(
        survey,
        demographics,
        &conditions(&loaded.questionnaire.catalogue)?,
        options,
    )?;
    write_whole(&args.out, |output| {
        write_list(survey, demographics, &drawn.respondents, output)
    })?;
    match args.format {
        OutputFormat::Json => print_json(&SampleOutput {
            synthetic: survey.synthetic(),
            respondents: drawn.respondents.len(),
            eligible: drawn.eligible,
            rule: drawn.rule,
            unasked_probes: drawn
                .unasked
                .iter()
                .map(|&at| loaded.questionnaire.catalogue.questions[at].id)
                .collect(),
            seed: args.seed,
            out: &args.out,
            balance: &drawn.balance,
        }),
        OutputFormat::Text => print(&text(
            args,
            &loaded.questionnaire.catalogue,
            &drawn,
            survey.synthetic(),
        )?),
    }
}

fn text(args: &Args, catalogue: &Catalogue, drawn: &Sample, synthetic: bool) -> Result<String, std::fmt::Error> {
    let size = drawn.respondents.len();
    let mut text = format!(
        "{} of {} who meet the conditions, written to {}\n",
        people(size, synthetic),
        count(drawn.eligible as u64),
        args.out.display()
    );
    if drawn.rule == SampleRule::Plain {
        writeln!(
            text,
            "The file does not have people of all continents: they are drawn by chance from everyone who meets the \
             conditions, not balanced by continent and religion as the paper's sample is."
        )?;
        if size < args.respondents {
            let asked = count(args.respondents as u64);
            writeln!(text, "{asked} were asked for; there are no more.")?;
        }
    }
    if !drawn.unasked.is_empty() {
        let unasked = ids(catalogue, &drawn.unasked);
        writeln!(
            text,
            "Probes that nobody in the file answered are not required: {unasked}"
        )?;
    }
    for table in &drawn.balance {
        writeln!(text, "\n{}", table.dimension)?;
        for (group, people) in table.groups.iter().filter(|(_, people)| *people > 0) {
            let share = percent(*people as f64 / size.max(1) as f64);
            writeln!(text, "  {:>6} {share:>7}  {group}", count(*people as u64))?;
        }
    }
    Ok(text)
}
