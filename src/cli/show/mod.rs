//! `indieval show`: exactly what a model would be shown.

mod error;
mod frame;

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

pub use error::ShowError;

use super::choice::choice;
use super::format::OutputFormat;
use super::output::{print, print_json, tell};
use super::people::{LoadedSurvey, SurveyArgs};
use crate::base::text::counted;
use crate::probe::{Case, Count, DemonstrationRule, Draw, Split, default_demonstrations};
use crate::prompt::{Pieces, PromptStyle};
use crate::scoring::Method;
use crate::survey::{Catalogue, Form, QuestionId};

/// Options of `indieval show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval show data/synthetic-respondents.csv --respondent synthetic-00001 --demonstrations 5
  indieval show data/synthetic-respondents.csv --respondent synthetic-00001 --method label --model SmolLM2-135M-Instruct")]
pub struct Args {
    #[command(flatten)]
    survey: SurveyArgs,
    /// Whose case [default: the first respondent of the file]
    #[arg(long, value_name = "ID")]
    respondent: Option<String>,
    /// Which questions are held out: 1, 2 or 3
    #[arg(long, value_name = "N", default_value = "1")]
    split: Split,
    /// How many of the person's statements to show; without it, 200, or as many as there are: in a
    /// smaller survey, or with --category
    #[arg(long, value_name = "N")]
    demonstrations: Option<usize>,
    /// Show refined statements (candidates stay polar)
    #[arg(long)]
    refined: bool,
    /// Show demographic statements first
    #[arg(long)]
    demographics: bool,
    /// How the prediction would be made
    #[arg(long, value_name = "METHOD", default_value_t, value_parser = choice::<Method>())]
    method: Method,
    /// The probe; without it, the first of the split that the person answered (generation-paper asks all at once)
    #[arg(long, value_name = "Q")]
    question: Option<QuestionId>,
    /// Seed of the choice of demonstrations
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Draw demonstrations anew for each number, as the paper did
    #[arg(long)]
    independent: bool,
    /// Show statements of this category only (its name or an unambiguous part of it)
    #[arg(long, value_name = "NAME")]
    category: Option<String>,
    /// A prompt template of one's own
    #[arg(long, value_name = "FILE")]
    prompt: Option<PathBuf>,
    /// The model whose chat template is used: a folder, a .gguf file, or a name of `indieval models list` that was
    /// fetched before
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Plain text or the model's chat template; without it, as a run does: chat where --model has a template
    #[arg(long, value_name = "STYLE", value_parser = choice::<PromptStyle>())]
    style: Option<PromptStyle>,
    /// How to print; text is the prompt and nothing else
    #[arg(long, default_value_t, value_name = "FORMAT", value_parser = choice::<OutputFormat>())]
    format: OutputFormat,
}

/// The JSON output.
#[derive(Serialize)]
struct Shown<'a> {
    respondent: &'a str,
    split: Split,
    style: PromptStyle,
    synthetic: bool,
    /// The probed questions: one, or all that the paper's prompt asks.
    questions: Vec<QuestionId>,
    /// Positions of the person's own candidates, one for each of `questions`.
    labels: Vec<usize>,
    demonstrations: usize,
    /// Demonstrations asked for that the person does not have.
    missing: usize,
    prompt_sha256: &'a str,
    #[serde(flatten)]
    pieces: &'a Pieces,
    context: String,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let people = args.survey.load()?;
    let case = case(&args, &people)?;
    let frame = frame::choose(&args)?;
    let prompt = args
        .method
        .prompt(args.prompt.as_deref(), people.questionnaire.catalogue.words.as_deref())?;
    let (probes, pieces) = if args.method.definition().asks_all_at_once() {
        if let Some(question) = args.question {
            anyhow::bail!("--question {question}: the paper's prompt asks all probes of the split at once");
        }
        (
            case.probes.clone(),
            prompt.pieces(&people.questionnaire.catalogue, &case, 0, None, &frame)?,
        )
    } else {
        let probe = probe(&args, &people.questionnaire.catalogue, &case)?;
        (
            vec![case.probes[probe]],
            prompt.pieces(&people.questionnaire.catalogue, &case, probe, None, &frame)?,
        )
    };
    match args.format {
        OutputFormat::Text => {
            note(&args, &case, &people);
            print(&pieces.context())?;
            if !pieces.continuations.is_empty() {
                tell!("\nnote: each of these is scored as the continuation:");
            }
            for continuation in &pieces.continuations {
                tell!("{continuation:?}");
            }
        }
        OutputFormat::Json => print_json(&Shown {
            respondent: &case.respondent,
            split: case.split,
            style: frame.style(),
            synthetic: people.survey.respondents.synthetic(),
            questions: probes
                .iter()
                .map(|p| people.questionnaire.catalogue.questions[p.question].id)
                .collect(),
            labels: probes.iter().map(|p| p.label).collect(),
            demonstrations: case.demonstrations.len(),
            missing: case.missing(),
            prompt_sha256: prompt.hash(),
            context: pieces.context(),
            pieces: &pieces,
        })?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Says on standard error what a reader of the bare prompt should know.
fn note(args: &Args, case: &Case, people: &LoadedSurvey) {
    if args.respondent.is_none() {
        tell!(
            "note: the first respondent, {}; --respondent names another",
            case.respondent
        );
    }
    if people.survey.respondents.synthetic() {
        tell!("note: {} is a synthetic respondent", case.respondent);
    }
    if case.missing() > 0 {
        tell!(
            "note: {} has only {} to show, not {}",
            case.respondent,
            counted(case.demonstrations.len(), "demonstration", "demonstrations"),
            case.demonstrations.len() + case.missing()
        );
    }
}

fn case(args: &Args, people: &LoadedSurvey) -> anyhow::Result<Case> {
    let respondents = &people.survey.respondents;
    let index = match args.respondent.as_deref() {
        Some(id) => respondents
            .index_of(id)
            .ok_or_else(|| ShowError::unknown_respondent(id, respondents))?,
        None if respondents.is_empty() => anyhow::bail!("the file has no respondents"),
        None => 0,
    };
    let respondent = respondents.respondent(index);
    let form = if args.refined { Form::Refined } else { Form::Polar };
    people.questionnaire.catalogue.require(form)?;
    let category = args
        .category
        .as_deref()
        .map(|name| people.questionnaire.catalogue.category(name).map_err(ShowError::from))
        .transpose()?;
    let rule = DemonstrationRule {
        seed: args.seed,
        form,
        draw: if args.independent {
            Draw::Independent
        } else {
            Draw::Nested
        },
        category,
    };
    let count = match (args.demonstrations, category) {
        (Some(count), _) => Count::Of(count),
        (None, Some(_)) => Count::All,
        (None, None) => Count::Of(default_demonstrations(&people.questionnaire.catalogue)),
    };
    let demographics = match args.demographics {
        true => people
            .questionnaire
            .demographics
            .sentences(&respondent.demographics)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        false => Vec::new(),
    };
    Ok(Case::new(
        &people.questionnaire.catalogue,
        &respondent,
        args.split,
        demographics,
        &rule,
        count,
    ))
}

/// Position of the probe asked for.
fn probe(args: &Args, catalogue: &Catalogue, case: &Case) -> Result<usize, ShowError> {
    let first = || (!case.probes.is_empty()).then_some(0);
    let found = match args.question {
        None => first(),
        Some(id) => case
            .probes
            .iter()
            .position(|p| catalogue.questions[p.question].id == id),
    };
    found.ok_or_else(|| ShowError::NoProbe {
        asked: args.question,
        respondent: case.respondent.clone(),
        split: case.split,
        probes: case.probes.iter().map(|p| catalogue.questions[p.question].id).collect(),
    })
}
