//! `indieval catalogue`: the questions and statements, and which of them are probes.

use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;

use super::choice::choice;
use super::format::OutputFormat;
use super::output::{print, print_json};
use super::people::CatalogueArgs;
use crate::probe::{Split, split_questions};
use crate::survey::{Catalogue, Form, Question, QuestionId, Statement};

/// Options of `indieval catalogue`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval catalogue show Q46
  indieval catalogue probes --split 1
  indieval catalogue list --format json")]
pub struct Args {
    #[command(flatten)]
    catalogue: CatalogueArgs,
    /// How to print
    #[arg(long, default_value_t, value_name = "FORMAT", value_parser = choice::<OutputFormat>(), global = true)]
    format: OutputFormat,
    #[command(subcommand)]
    command: CatalogueCommand,
}

#[derive(Debug, clap::Subcommand)]
enum CatalogueCommand {
    /// Numbers of questions, statements and possible people, in all and by category
    Stats,
    /// Every question with its statements
    List,
    /// One question with its statements
    Show {
        /// The question, such as Q131
        question: QuestionId,
    },
    /// The held-out questions of a split
    Probes {
        /// 1, 2 or 3
        #[arg(long)]
        split: Split,
    },
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let catalogue = args.catalogue.load()?;
    match args.command {
        CatalogueCommand::Stats => stats(&catalogue, args.format)?,
        CatalogueCommand::List => list(&catalogue, args.format)?,
        CatalogueCommand::Show { question } => show(&catalogue, question, args.format)?,
        CatalogueCommand::Probes { split } => probes(&catalogue, split, args.format)?,
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Stats<'a> {
    questions: usize,
    statements_refined: usize,
    statements_polar: usize,
    combinations_refined: f64,
    combinations_polar: f64,
    categories: Vec<CategoryStats<'a>>,
    hash: &'a str,
}

#[derive(Serialize)]
struct CategoryStats<'a> {
    category: &'a str,
    questions: usize,
    polar: usize,
    refined: usize,
}

fn stats(catalogue: &Catalogue, format: OutputFormat) -> anyhow::Result<()> {
    let categories = catalogue.categories.iter().enumerate().map(|(id, name)| {
        let count = |form| -> usize { catalogue.questions_of(id).map(|(_, q)| q.statements(form).len()).sum() };
        CategoryStats {
            category: name,
            questions: catalogue.questions_of(id).count(),
            polar: count(Form::Polar),
            refined: count(Form::Refined),
        }
    });
    let stats = Stats {
        questions: catalogue.questions.len(),
        statements_refined: catalogue.statement_count(Form::Refined),
        statements_polar: catalogue.statement_count(Form::Polar),
        combinations_refined: catalogue.combinations(Form::Refined),
        combinations_polar: catalogue.combinations(Form::Polar),
        categories: categories.collect(),
        hash: &catalogue.hash,
    };
    if format == OutputFormat::Json {
        return print_json(&stats);
    }
    let mut text = format!("{:<54}{:>9}{:>7}{:>9}\n", "category", "questions", "polar", "refined");
    for category in &stats.categories {
        let CategoryStats {
            category,
            questions,
            polar,
            refined,
        } = category;
        writeln!(text, "{category:<54}{questions:>9}{polar:>7}{refined:>9}")?;
    }
    let Stats {
        questions,
        statements_polar: polar,
        statements_refined: refined,
        ..
    } = stats;
    writeln!(text, "{:<54}{questions:>9}{polar:>7}{refined:>9}", "all")?;
    writeln!(
        text,
        "ways to answer everything: {:.2e} polar, {:.2e} refined",
        stats.combinations_polar, stats.combinations_refined
    )?;
    writeln!(text, "hash {}", stats.hash)?;
    print(&text)
}

#[derive(Serialize)]
struct PrintedQuestion<'a> {
    question: QuestionId,
    category: &'a str,
    refined: &'a [Statement],
    polar: &'a [Statement],
}

impl<'a> PrintedQuestion<'a> {
    fn new(catalogue: &'a Catalogue, question: &'a Question) -> Self {
        Self {
            question: question.id,
            category: &catalogue.categories[question.category],
            refined: &question.refined,
            polar: &question.polar,
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}  {}\n", self.question, self.category);
        for (form, statements) in [("refined", self.refined), ("polar", self.polar)] {
            for statement in statements {
                let codes: Vec<String> = statement.codes.iter().map(i16::to_string).collect();
                let _ = writeln!(text, "  {form:<8}{:<12}{}", codes.join(" "), statement.text);
            }
        }
        text
    }
}

fn list(catalogue: &Catalogue, format: OutputFormat) -> anyhow::Result<()> {
    let mut text = String::new();
    for question in &catalogue.questions {
        let entry = PrintedQuestion::new(catalogue, question);
        match format {
            OutputFormat::Json => writeln!(text, "{}", serde_json::to_string(&entry)?)?,
            OutputFormat::Text => text.push_str(&entry.text()),
        }
    }
    print(&text)
}

fn show(catalogue: &Catalogue, id: QuestionId, format: OutputFormat) -> anyhow::Result<()> {
    let Some(at) = catalogue.index_of(id) else {
        anyhow::bail!("{id} is not in this catalogue; `indieval catalogue list` prints the questions that are");
    };
    let entry = PrintedQuestion::new(catalogue, &catalogue.questions[at]);
    match format {
        OutputFormat::Json => print_json(&entry),
        OutputFormat::Text => print(&entry.text()),
    }
}

fn probes(catalogue: &Catalogue, split: Split, format: OutputFormat) -> anyhow::Result<()> {
    let probes: Vec<&Question> = split_questions(catalogue, split)
        .into_iter()
        .map(|at| &catalogue.questions[at])
        .collect();
    if format == OutputFormat::Json {
        return print_json(&probes.iter().map(|question| question.id).collect::<Vec<_>>());
    }
    let mut text = String::new();
    let longest = probes.iter().map(|question| question.id.as_str().chars().count()).max();
    let width = longest.unwrap_or(0).max(4) + 2;
    for question in probes {
        writeln!(
            text,
            "{:<width$}{}",
            question.id.to_string(),
            catalogue.categories[question.category]
        )?;
    }
    print(&text)
}
