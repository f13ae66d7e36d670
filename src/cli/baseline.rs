//! `indieval baseline`: how far one gets without a model.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::format::Format;
use super::output::{print, print_json};
use super::people::{People, SurveyArgs};
use crate::probe::Split;
use crate::scoring::baseline::{Accuracy, BaselineMethod, Crowd, MOST_NEIGHBOURS, Tally, Target};
use crate::survey::{Catalogue, Form, RepeatedIds, RespondentList, SurveyFile};

/// Options of `indieval baseline`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    survey: SurveyArgs,
    /// What to compute
    #[arg(
        long = "methods",
        visible_alias = "method",
        value_enum,
        value_delimiter = ',',
        value_name = "METHOD,...",
        default_value = "random,majority,resemblance"
    )]
    methods: Vec<MethodFlag>,
    /// Another survey file for the others' answers; without it they are everybody else in FILE
    #[arg(long, value_name = "FILE")]
    train: Option<PathBuf>,
    /// File of the ids of those to predict (`indieval survey sample` writes one); without it, everybody in FILE
    #[arg(long, value_name = "FILE")]
    respondents: Option<PathBuf>,
    /// Splits to average over
    #[arg(
        long = "splits",
        visible_alias = "split",
        value_delimiter = ',',
        value_name = "N,...",
        default_value = "1,2,3"
    )]
    splits: Vec<Split>,
    /// Largest number of similar others; every number up to it is computed
    #[arg(long, value_name = "K", default_value_t = MOST_NEIGHBOURS)]
    neighbours: usize,
    /// How to print; as JSON, an array of {method, k, split, category, accuracy, synthetic}, accuracies in percent, a
    /// split or category that is null standing for the mean over them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum MethodFlag {
    /// The exact chance level
    Random,
    /// The most common answer of the others
    Majority,
    /// The most common answer among the k most similar others
    Resemblance,
}

impl From<MethodFlag> for BaselineMethod {
    fn from(flag: MethodFlag) -> Self {
        match flag {
            MethodFlag::Random => Self::Random,
            MethodFlag::Majority => Self::Majority,
            MethodFlag::Resemblance => Self::Resemblance,
        }
    }
}

/// One line of the JSON output.
#[derive(Serialize)]
struct Row<'a> {
    method: BaselineMethod,
    k: Option<usize>,
    split: Option<Split>,
    category: Option<&'a str>,
    /// Percent.
    accuracy: f64,
    synthetic: bool,
}

/// Numbers of similar others that the table shows.
const SHOWN: [usize; 6] = [1, 3, 5, 10, 20, 35];

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let people = args.survey.load()?;
    let train = match &args.train {
        None => None,
        Some(path) => Some(SurveyFile::read(
            path,
            &people.catalogue,
            people.demographics,
            RepeatedIds::KeepAll,
        )?),
    };
    let found = Found::compute(&args, &people, train.as_ref())?;
    match args.format {
        Format::Text => print(&found.table(&args, &people.catalogue)?)?,
        Format::Json => {
            let rows: Vec<Row<'_>> = found
                .accuracies
                .iter()
                .map(|accuracy| Row {
                    method: accuracy.method,
                    k: accuracy.k,
                    split: accuracy.split,
                    category: accuracy.category.map(|c| people.catalogue.categories[c].as_str()),
                    accuracy: 100.0 * accuracy.accuracy,
                    synthetic: found.synthetic,
                })
                .collect();
            print_json(&rows)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything the command found out.
struct Found {
    accuracies: Vec<Accuracy>,
    people: usize,
    others: usize,
    probes: u64,
    synthetic: bool,
}

impl Found {
    fn compute(args: &Args, people: &People, train: Option<&SurveyFile>) -> anyhow::Result<Self> {
        let everyone = &people.survey.respondents;
        let chosen: Vec<usize> = match &args.respondents {
            None => (0..everyone.len()).collect(),
            Some(path) => RespondentList::read(path)?.positions(everyone)?,
        };
        let others = train.map_or(everyone, |train| &train.respondents);
        let crowd = Crowd::new(
            &people.catalogue,
            (0..others.len()).map(|row| others.groups(row, Form::Polar)),
        );
        let targets: Vec<Target<'_>> = chosen
            .iter()
            .map(|&row| Target {
                groups: everyone.groups(row, Form::Polar),
                own: others.index_of(everyone.id(row)),
            })
            .collect();
        let mut methods: Vec<BaselineMethod> = args.methods.iter().map(|&flag| flag.into()).collect();
        methods.sort_unstable();
        methods.dedup();
        let mut splits = args.splits.clone();
        splits.sort_unstable();
        splits.dedup();
        let neighbours = match methods.contains(&BaselineMethod::Resemblance) {
            true => args.neighbours,
            false => 0,
        };
        let tally = Tally::of(&people.catalogue, &crowd, &targets, &splits, neighbours);
        Ok(Self {
            accuracies: tally.accuracies(&people.catalogue, &methods),
            people: chosen.len(),
            others: others.len(),
            probes: tally.asked(),
            synthetic: everyone.synthetic() || others.synthetic(),
        })
    }

    /// Categories down, methods across.
    fn table(&self, args: &Args, catalogue: &Catalogue) -> Result<String, std::fmt::Error> {
        let kind = if self.synthetic { "synthetic " } else { "" };
        let mut text = String::new();
        writeln!(
            text,
            "{}: {} {kind}people against {} {kind}others, {} probes; accuracy in percent",
            args.survey.file.display(),
            self.people,
            self.others,
            self.probes,
        )?;
        let mut columns: Vec<(BaselineMethod, Option<usize>)> =
            self.accuracies.iter().map(|a| (a.method, a.k)).collect();
        columns.dedup();
        let largest = columns.iter().filter_map(|&(_, k)| k).max();
        columns.retain(|&(_, k)| k.is_none_or(|k| SHOWN.contains(&k) || Some(k) == largest));
        let names: Vec<String> = columns
            .iter()
            .map(|&(method, k)| match (method, k) {
                (BaselineMethod::Random, _) => "random".to_owned(),
                (BaselineMethod::Majority, _) => "majority".to_owned(),
                (BaselineMethod::Resemblance, k) => format!("k = {}", k.unwrap_or_default()),
            })
            .collect();
        let width = catalogue
            .categories
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        write!(text, "\n{:width$}", "")?;
        for name in &names {
            write!(text, "  {name:>8}")?;
        }
        writeln!(text)?;
        let mut line = |name: &str, split: Option<Split>, category: Option<usize>| {
            write!(text, "{name:width$}")?;
            for &(method, k) in &columns {
                let found = self
                    .accuracies
                    .iter()
                    .find(|a| (a.method, a.k, a.split, a.category) == (method, k, split, category));
                match found {
                    Some(found) => write!(text, "  {:>8.1}", 100.0 * found.accuracy)?,
                    None => write!(text, "  {:>8}", "-")?,
                }
            }
            writeln!(text)
        };
        for (category, name) in catalogue.categories.iter().enumerate() {
            line(name, None, Some(category))?;
        }
        for split in Split::ALL.into_iter().filter(|split| args.splits.contains(split)) {
            line(&format!("split {split}"), Some(split), None)?;
        }
        line("overall", None, None)?;
        if let Some(best) = self.best() {
            writeln!(
                text,
                "\nBest number of similar others: {} ({:.1} overall); --format json has every one.",
                best.k.unwrap_or_default(),
                100.0 * best.accuracy
            )?;
        }
        Ok(text)
    }

    /// The smallest of the best numbers of similar others.
    fn best(&self) -> Option<&Accuracy> {
        let overall = self
            .accuracies
            .iter()
            .filter(|a| a.k.is_some() && a.split.is_none() && a.category.is_none());
        overall.fold(None, |best: Option<&Accuracy>, a| match best {
            Some(best) if best.accuracy >= a.accuracy => Some(best),
            _ => Some(a),
        })
    }
}
