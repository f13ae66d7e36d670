//! `indieval models check`.

mod plan;
mod report;

use std::process::ExitCode;

use self::plan::PlannedReport;
use self::report::{
    AdapterReport, CheckReport, DecoderReport, InAll, MemoryReport, NamedToken, SplitTime, TokenizerReport,
};
use super::download::Downloads;
use crate::cli::chats;
use crate::cli::choice::choice;
use crate::cli::format::OutputFormat;
use crate::cli::output::{print, print_json_pretty};
use crate::model::checkpoint;
use crate::model::memory;
use crate::model::pace::{self, Workload};
use crate::model::registry::{self, KnownModel};
use crate::model::source::{self, Environment, Fetch, Located};
use crate::model::{
    AttentionWindow, DeviceChoice, Dtype, DtypeChoice, Inspection, LoadError, MemoryNeeds, ModelConfig, OpenDevice,
    SpecialToken, Tokenizer, pass_bytes,
};

/// Options of `indieval models check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval models check SmolLM2-135M-Instruct
  indieval models check checkpoints/my-model --device cuda --dtype bf16
  indieval models check my-model-q4.gguf --format json

A known name that is not on this machine is planned from its shape, and nothing is fetched; a
repository id, or a name with @REVISION, is fetched first.")]
pub struct Args {
    /// A folder, a GGUF file, a name of `models list`, or a repository id
    model: String,
    /// LoRA adapter that would be merged into it: a folder or a hub repository
    #[arg(long, value_name = "ADAPTER")]
    adapter: Option<String>,
    /// Where it would be computed: cpu, cuda, cuda:N or auto
    #[arg(long, default_value_t)]
    device: DeviceChoice,
    /// What it would be computed with
    #[arg(long, default_value_t, value_parser = choice::<DtypeChoice>())]
    dtype: DtypeChoice,
    /// Tokens of a batch whose memory is shown: one respondent and split has some thousands
    #[arg(long, default_value_t = 5_000, value_name = "TOKENS")]
    tokens: usize,
    /// Output
    #[arg(long, default_value_t, value_name = "FORMAT", value_parser = choice::<OutputFormat>())]
    format: OutputFormat,
}

/// Reads the checkpoint and prints what it is; fails where it would be refused. Of one that is known by name and is not here
/// it prints what follows from its shape.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (environment, mut downloads) = (Environment::from_process(), Downloads::default());
    let known = registry::find(&args.model).filter(|_| args.adapter.is_none());
    if let Some(known) = known
        && let Err(why) = source::locate(&args.model, &environment, Fetch::Never, &mut downloads)
    {
        return planned(&args, known, &why);
    }
    let located = source::locate(&args.model, &environment, Fetch::Allowed, &mut downloads)?;
    let adapter = args.adapter.as_deref();
    let adapter = adapter.map(|adapter| source::locate_adapter(adapter, &environment, Fetch::Allowed, &mut downloads));
    let adapter = adapter.transpose()?;
    let device = args.device.open()?;
    let mut inspection = match &adapter {
        Some(adapter) => Inspection::adapted(&located.path, &adapter.path),
        None => Inspection::of(&located.path),
    };
    inspection.check_values();
    let report = report(&args, located, &device, &inspection)?;
    match args.format {
        OutputFormat::Json => print_json_pretty(&report)?,
        OutputFormat::Text => print(&report.text())?,
    }
    Ok(if report.faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Prints what a checkpoint would take that is not here, and why it is not.
fn planned(args: &Args, known: &KnownModel, why: &LoadError) -> anyhow::Result<ExitCode> {
    let (device, config) = (args.device.open()?, known.shape.config());
    let memory = memory(args, &device, &config, (known.dtype != "f32", None))?;
    let time = split_time(&device, &config, memory.dtype);
    let report = PlannedReport::new(known, (memory, time), why.to_string());
    match args.format {
        OutputFormat::Json => print_json_pretty(&report)?,
        OutputFormat::Text => print(&report.text())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn report(args: &Args, located: Located, device: &OpenDevice, inspection: &Inspection) -> anyhow::Result<CheckReport> {
    let of = |config| {
        inspection.tokenizer.iter().for_each(Tokenizer::ready);
        let program = memory::held();
        memory(args, device, config, (inspection.inventory.is_half(), program))
    };
    let memory = inspection.config.as_ref().map(of).transpose()?;
    let mut faults: Vec<String> = inspection.faults.iter().flat_map(|fault| fault.reasons()).collect();
    let mut remedies: Vec<String> = inspection.faults.iter().flat_map(LoadError::remedies).collect();
    remedies.dedup();
    let mut chat_note = None;
    if let (Some(source), Some(tokenizer)) = (&inspection.chat_template, &inspection.tokenizer) {
        // As a run takes it, whatever its methods ask.
        let framed = chats::template(Some(source), tokenizer.special_tokens())
            .and_then(|template| template.map(|template| template.frame().map(|_| template)).transpose());
        match framed {
            Ok(template) => chat_note = template.and_then(|template| chats::note(&template, tokenizer)),
            Err(error) => {
                faults.push(format!("{}: {error}", inspection.path.display()));
                chat_note = error.hint();
            }
        }
    }
    Ok(CheckReport {
        model: args.model.clone(),
        here: true,
        path: located.path.display().to_string(),
        origin: located.origin,
        format: inspection.format,
        decoder: inspection.config.as_ref().map(decoder),
        adapter: args
            .adapter
            .clone()
            .zip(inspection.adapter_numbers())
            .map(|(adapter, numbers)| AdapterReport { adapter, numbers }),
        notes: inspection.notes.clone(),
        stored: inspection.inventory.kinds.clone(),
        packed: inspection.inventory.is_packed(),
        tokenizer: inspection.tokenizer.as_ref().map(text),
        chat_template: inspection.chat_template.as_ref().map(String::len),
        chat_note,
        time: memory
            .as_ref()
            .zip(inspection.config.as_ref())
            .and_then(|(memory, config)| split_time(device, config, memory.dtype)),
        memory,
        files: inspection
            .identify()?
            .into_iter()
            .chain(inspection.identify_adapter()?)
            .collect(),
        faults,
        remedies,
    })
}

fn decoder(config: &ModelConfig) -> DecoderReport {
    let size = |is: fn(AttentionWindow) -> bool| config.window.filter(|window| is(*window)).map(AttentionWindow::size);
    DecoderReport {
        family: config.family,
        parameters: checkpoint::parameters(config),
        layers: config.layers,
        hidden: config.hidden,
        heads: config.heads,
        kv_heads: config.kv_heads,
        head_dim: config.head_dim,
        vocabulary: config.vocabulary,
        context: config.context,
        sliding_window: size(|window| matches!(window, AttentionWindow::Sliding(_))),
        attention_chunk: size(|window| matches!(window, AttentionWindow::Chunk(_))),
        windowed_layers: (0..config.layers)
            .filter(|&layer| config.layer_kind(layer).windowed)
            .count(),
        experts: config.mixture.map(|mixture| mixture.experts),
        rope: format!("base {}, scaling {}", config.rope_theta, config.rope_scaling.name()),
    }
}

fn text(tokenizer: &Tokenizer) -> TokenizerReport {
    let token = |id| NamedToken {
        id,
        token: tokenizer.token(id),
    };
    let special = tokenizer.special_tokens();
    let named = |token: &Option<SpecialToken>| {
        token.as_ref().map(|token| NamedToken {
            id: token.id,
            token: Some(token.text.clone()),
        })
    };
    TokenizerReport {
        kind: tokenizer.description().to_owned(),
        ids: tokenizer.vocabulary(),
        sha256: tokenizer.hash().to_owned(),
        bos: named(&special.bos),
        eos: named(&special.eos),
        leading: special.leading.map(token),
        stop: tokenizer.stop_tokens().iter().copied().map(token).collect(),
        notes: tokenizer.notes().to_vec(),
        missing_bytes: tokenizer.missing_bytes(),
    }
}

/// What a model takes, `stored_in_half` where its file has it in half precision; `program` is what this process has for itself
/// with the model's tokenizer, which is estimated where it is not known.
fn memory(
    args: &Args,
    device: &OpenDevice,
    config: &ModelConfig,
    (stored_in_half, program): (bool, Option<u64>),
) -> Result<MemoryReport, LoadError> {
    let dtype = args.dtype.on(&device.device, config, stored_in_half);
    let needs = MemoryNeeds::of(config, dtype.into());
    let pass = pass_bytes(config, &device.device, dtype.into())?;
    let of_batch = |bytes: u64| bytes.saturating_mul(args.tokens as u64);
    let (scoring, generating) = (
        of_batch(needs.scored_token),
        of_batch(needs.scored_token + needs.generated_token),
    );
    let in_place = needs.weights.saturating_add(pass);
    let [at_work, at_work_generating] = needs.at_work(&device.device, pass);
    let fits = |weights: u64| device.free_bytes.map(|free| weights.saturating_add(scoring) <= free);
    // A GPU has a memory of its own.
    let program = match device.device.is_cpu() {
        true => program.unwrap_or_else(|| memory::program_bytes(config)),
        false => 0,
    };
    let texts = generating.saturating_add(needs.next_tokens());
    let all = |weights: u64, batch: u64| weights.saturating_add(batch).saturating_add(program);
    Ok(MemoryReport {
        device: device.id,
        fallback: device.fallback.clone(),
        dtype,
        weights_bytes: needs.weights,
        layer_by_layer_bytes: needs.layer_by_layer(0),
        layer_by_layer_generating_bytes: needs.layer_by_layer_generating(0),
        tokens: args.tokens,
        scoring_bytes: scoring,
        generating_bytes: generating,
        pass_bytes: pass,
        program_bytes: program,
        in_all: InAll {
            scoring: all(in_place, scoring),
            generating: all(in_place, texts),
            scoring_layer_by_layer: all(at_work, scoring),
            generating_layer_by_layer: all(at_work_generating, texts),
        },
        free_bytes: device.free_bytes,
        fits: fits(in_place),
        fits_layer_by_layer: fits(at_work),
    })
}

/// How long a person and split takes, where products as wide as the model's can be timed.
fn split_time(device: &OpenDevice, config: &ModelConfig, dtype: Dtype) -> Option<SplitTime> {
    let work = Workload::SPLIT.within(config.context);
    let seconds = pace::seconds(config, work, &device.device, dtype).ok()?;
    Some(SplitTime {
        seconds: (seconds * 10.0).round() / 10.0,
        shown_tokens: work.shown,
        candidates: work.candidates,
        candidate_tokens: work.candidate,
    })
}
