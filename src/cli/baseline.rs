//! `indieval baseline`: how far one gets without a model.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Serialize;

use super::choice::choice;
use super::format::OutputFormat;
use super::output::{print, print_json};
use super::people::{LoadedSurvey, SurveyArgs};
use super::progress::Display;
use crate::base::text::{count, counted};
use crate::metrics::effective_people;
use crate::probe::{Split, split_questions};
use crate::scoring::baseline::{
    Accuracy, BaselineMethod, MOST_NEIGHBOURS, ReferencePeople, Rule, Similarity, Tally, Target,
};
use crate::survey::{Catalogue, Form, QuestionId, QuestionIndex, RepeatedIds, RespondentList, SurveyFile};

/// Options of `indieval baseline`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval baseline data/synthetic-respondents.csv
  indieval baseline WVS_Cross-National_Wave_7.csv --respondents sample.txt --methods majority,resemblance --format json")]
pub struct Args {
    #[command(flatten)]
    survey: SurveyArgs,
    /// What to compute
    #[arg(
        long = "methods",
        visible_alias = "method",
        value_delimiter = ',',
        value_name = "METHOD,...",
        default_value = "random,majority,resemblance,naive-bayes",
        value_parser = choice::<BaselineMethod>()
    )]
    methods: Vec<BaselineMethod>,
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
    /// How people are compared
    #[arg(long, value_name = "HOW", default_value_t, value_parser = choice::<Similarity>())]
    similarity: Similarity,
    /// Column of FILE by which people are weighted in every accuracy; without it everybody counts alike
    #[arg(long, value_name = "COLUMN")]
    weight: Option<String>,
    /// How to print; as JSON, an array of {method, k, split, category, accuracy, weight, near_ties, synthetic},
    /// accuracies in percent, a split or category that is null standing for the mean over them
    #[arg(long, default_value_t, value_name = "FORMAT", value_parser = choice::<OutputFormat>())]
    format: OutputFormat,
}

/// One line of the JSON output.
#[derive(Serialize)]
struct AccuracyRow<'a> {
    method: BaselineMethod,
    k: Option<usize>,
    split: Option<Split>,
    category: Option<&'a str>,
    /// Percent.
    accuracy: f64,
    /// The column of weights.
    weight: Option<&'a str>,
    /// Probes of this split and category whose majority hangs on a single answer; empty for other methods.
    near_ties: Vec<QuestionId>,
    synthetic: bool,
}

/// Numbers of similar others that the table shows.
const SHOWN: [usize; 6] = [1, 3, 5, 10, 20, 35];

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let people = args.survey.load_weighted(args.weight.as_deref())?;
    let train = match &args.train {
        None => None,
        Some(path) => Some(people.questionnaire.read(path, RepeatedIds::KeepAll)?),
    };
    let found = BaselineFindings::compute(&args, &people, train.as_ref())?;
    match args.format {
        OutputFormat::Text => print(&found.text(&args, &people.questionnaire.catalogue)?)?,
        OutputFormat::Json => print_json(&found.rows(&args, &people.questionnaire.catalogue))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything the command found out.
struct BaselineFindings {
    accuracies: Vec<Accuracy>,
    people: usize,
    others: usize,
    probes: u64,
    /// Probes whose majority hangs on a single answer.
    near_ties: Vec<QuestionIndex>,
    /// As many people of equal weight would be as certain; absent where everybody counts alike.
    effective: Option<f64>,
    synthetic: bool,
}

impl BaselineFindings {
    fn compute(args: &Args, people: &LoadedSurvey, train: Option<&SurveyFile>) -> anyhow::Result<Self> {
        let everyone = &people.survey.respondents;
        let catalogue = &people.questionnaire.catalogue;
        let chosen: Vec<usize> = match &args.respondents {
            None => (0..everyone.len()).collect(),
            Some(path) => RespondentList::read(path, people.questionnaire.definition.as_ref())?.positions(everyone)?,
        };
        let others = train.map_or(everyone, |train| &train.respondents);
        let reference = ReferencePeople::new(catalogue, (0..others.len()).map(|row| others.groups(row, Form::Polar)));
        let targets: Vec<Target<'_>> = chosen
            .iter()
            .map(|&row| Target {
                groups: everyone.groups(row, Form::Polar),
                own: others.index_of(everyone.id(row)),
            })
            .collect();
        // A definition may name weights for reports; here they count where they are asked for.
        let weighted = chosen.iter().filter(|_| args.weight.is_some());
        let weights: Vec<f64> = weighted.filter_map(|&row| everyone.weight(row)).collect();
        if args.weight.is_some() && weights.iter().sum::<f64>() <= 0.0 {
            anyhow::bail!(
                "every weight in the column {} is 0 or missing, so no accuracy can be computed: name another column, or leave \
                 --weight out",
                args.weight.as_deref().unwrap_or_default()
            );
        }
        let (methods, splits) = (sorted(&args.methods), sorted(&args.splits));
        let rule = Rule {
            splits: &splits,
            neighbours: match methods.contains(&BaselineMethod::Resemblance) {
                true => args.neighbours,
                false => 0,
            },
            similarity: args.similarity,
            naive_bayes: methods.contains(&BaselineMethod::NaiveBayes),
        };
        let watch = Watch::new(targets.len(), reference.len() * rule.neighbours.min(1));
        let tally = Tally::of(catalogue, &reference, &targets, &weights, &rule, &|people| {
            watch.done(people);
        });
        drop(watch);
        let probes = splits.iter().flat_map(|&split| split_questions(catalogue, split));
        Ok(Self {
            accuracies: tally.accuracies(catalogue, &methods),
            people: chosen.len(),
            others: others.len(),
            probes: tally.asked(),
            near_ties: sorted(
                &probes
                    .filter(|&question| reference.near_tie(question))
                    .collect::<Vec<_>>(),
            ),
            effective: (!weights.is_empty()).then(|| effective_people(weights.iter().copied())),
            synthetic: everyone.synthetic() || others.synthetic(),
        })
    }

    fn rows<'a>(&self, args: &'a Args, catalogue: &'a Catalogue) -> Vec<AccuracyRow<'a>> {
        let row = |accuracy: &Accuracy| AccuracyRow {
            method: accuracy.method,
            k: accuracy.k,
            split: accuracy.split,
            category: accuracy.category.map(|c| catalogue.categories[c].as_str()),
            accuracy: 100.0 * accuracy.accuracy,
            weight: args.weight.as_deref(),
            near_ties: match accuracy.method {
                BaselineMethod::Majority => self.near_ties_of(catalogue, accuracy),
                _ => Vec::new(),
            },
            synthetic: self.synthetic,
        };
        self.accuracies.iter().map(row).collect()
    }

    fn near_ties_of(&self, catalogue: &Catalogue, accuracy: &Accuracy) -> Vec<QuestionId> {
        let of_split = accuracy.split.map(|split| split_questions(catalogue, split));
        let here = |&&at: &&QuestionIndex| {
            let question = &catalogue.questions[at];
            accuracy.category.is_none_or(|category| question.category == category)
                && of_split.as_ref().is_none_or(|questions| questions.contains(&at))
        };
        let near = self.near_ties.iter().filter(here);
        near.map(|&at| catalogue.questions[at].id).collect()
    }

    /// The table, and what to know of it.
    fn text(&self, args: &Args, catalogue: &Catalogue) -> Result<String, std::fmt::Error> {
        let mut text = self.table(args, catalogue)?;
        writeln!(text)?;
        if let Some(best) = self.best() {
            writeln!(
                text,
                "Best number of similar others: {} ({:.1} overall); --format json has every one.",
                best.k.unwrap_or_default(),
                100.0 * best.accuracy
            )?;
        }
        if !self.near_ties.is_empty() && args.methods.contains(&BaselineMethod::Majority) {
            let ids: Vec<String> = self
                .near_ties
                .iter()
                .map(|&at| catalogue.questions[at].id.to_string())
                .collect();
            writeln!(
                text,
                "Near ties: of {} the two most common answers are at most one person apart, so that leaving a person's own \
                 answer out decides which is the majority. It is right for fewer people there than either answer has.",
                ids.join(", ")
            )?;
        }
        match (&args.weight, self.effective) {
            (Some(column), Some(effective)) => writeln!(
                text,
                "People are weighted by {column}: {} of them are as certain as {} of equal weight. The others' votes are \
                 not weighted.",
                count(self.people as u64),
                count(effective.round() as u64)
            )?,
            _ => writeln!(
                text,
                "Unweighted: everybody counts alike. --weight COLUMN weights people by a column of the file."
            )?,
        }
        Ok(text)
    }

    /// Categories down, methods across.
    fn table(&self, args: &Args, catalogue: &Catalogue) -> Result<String, std::fmt::Error> {
        let kind = if self.synthetic { "synthetic " } else { "" };
        let mut text = String::new();
        writeln!(
            text,
            "{}: {} {kind}people, each against {} {kind}others, {} probes; accuracy in percent",
            args.survey.file.display(),
            count(self.people as u64),
            count((self.others - usize::from(args.train.is_none())) as u64),
            count(self.probes),
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
                (BaselineMethod::NaiveBayes, _) => "naive Bayes".to_owned(),
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

/// In order, each once.
fn sorted<T: Ord + Clone>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort_unstable();
    items.dedup();
    items
}

/// Comparisons below which nobody waits.
const WORTH_SHOWING: usize = 200_000_000;

/// Shows how many people have been compared.
struct Watch {
    display: Mutex<Display>,
    people: usize,
    others: usize,
    done: AtomicUsize,
}

impl Watch {
    fn new(people: usize, others: usize) -> Self {
        let quick = people.saturating_mul(others) < WORTH_SHOWING;
        Self {
            display: Mutex::new(Display::new(quick)),
            people,
            others,
            done: AtomicUsize::new(0),
        }
    }

    fn done(&self, people: usize) {
        let done = people + self.done.fetch_add(people, Ordering::Relaxed);
        // Whoever shows it now shows enough.
        if let Ok(mut display) = self.display.try_lock() {
            let message = format!(
                "comparing {} with {}",
                counted(self.people, "person", "people"),
                counted(self.others, "other", "others")
            );
            display.at(done as u64, Some(self.people as u64), &message);
        }
    }
}
