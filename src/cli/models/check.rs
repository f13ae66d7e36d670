//! `indieval models check`.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use candle_core::DType;
use serde::Serialize;

use super::download::Bar;

use crate::base::text;
use crate::cli::choice::choice;
use crate::cli::format::Format;
use crate::cli::output::{print, print_json_pretty};
use crate::model::checkpoint::{self, FileIdentity};
use crate::model::registry::tree_bytes;
use crate::model::source::{self, Environment, Fetch, Located, Origin};
use crate::model::stored::StoredKind;
use crate::model::{
    DeviceChoice, DeviceId, Dtype, DtypeChoice, Family, Inspection, ModelConfig, OpenDevice, SpecialToken, Tokenizer,
};
use crate::prompt::{ChatTemplate, Date};

/// Options of `indieval models check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder, a GGUF file, a name of `models list`, or a repository id
    model: String,
    /// Where it would be computed: cpu, cuda, cuda:N or auto
    #[arg(long, default_value_t)]
    device: DeviceChoice,
    /// What it would be computed with
    #[arg(long, default_value_t, value_parser = choice::<DtypeChoice>())]
    dtype: DtypeChoice,
    /// Tokens of one respondent's tree
    #[arg(long, default_value_t = 5_000, value_name = "TOKENS")]
    tokens: usize,
    /// Output
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Everything that was found.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    path: String,
    origin: Origin,
    format: checkpoint::Format,
    decoder: Option<Decoder>,
    stored: BTreeMap<String, StoredKind>,
    tokenizer: Option<Text>,
    chat_template: Option<usize>,
    memory: Option<Memory>,
    files: Vec<FileIdentity>,
    faults: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Decoder {
    family: Family,
    parameters: u64,
    layers: usize,
    hidden: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    vocabulary: usize,
    context: usize,
    sliding_window: Option<usize>,
    experts: Option<usize>,
    rope: String,
}

#[derive(Debug, Serialize)]
struct Text {
    kind: String,
    ids: usize,
    sha256: String,
    bos: Option<Token>,
    eos: Option<Token>,
    /// What the tokenizer puts before every text.
    leading: Option<Token>,
    stop: Vec<Token>,
    notes: Vec<String>,
    /// Bytes of UTF-8 text that no token stands for.
    missing_bytes: Vec<u8>,
}

#[derive(Debug, Serialize)]
struct Token {
    id: u32,
    token: Option<String>,
}

#[derive(Debug, Serialize)]
struct Memory {
    device: DeviceId,
    /// Why `auto` did not take a GPU.
    fallback: Option<String>,
    dtype: Dtype,
    weights_bytes: u64,
    tree_tokens: usize,
    tree_bytes: u64,
    free_bytes: Option<u64>,
    fits: Option<bool>,
}

/// Reads the checkpoint and prints what it is; fails where it would be refused.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let located = source::locate(
        &args.model,
        &Environment::from_process(),
        Fetch::Allowed,
        &mut Bar::default(),
    )?;
    let device = args.device.open()?;
    let mut inspection = Inspection::of(&located.path);
    inspection.check_values();
    let report = report(&args, located, &device, &inspection)?;
    match args.format {
        Format::Json => print_json_pretty(&report)?,
        Format::Text => {
            let mut text = Vec::new();
            write_text(&mut text, &report)?;
            print(&String::from_utf8_lossy(&text))?;
        }
    }
    Ok(if report.faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn report(args: &Args, located: Located, device: &OpenDevice, inspection: &Inspection) -> anyhow::Result<Report> {
    let memory = inspection.config.as_ref().map(|config| memory(args, device, config));
    Ok(Report {
        model: args.model.clone(),
        path: located.path.display().to_string(),
        origin: located.origin,
        format: inspection.format,
        decoder: inspection.config.as_ref().map(decoder),
        stored: inspection.inventory.kinds.clone(),
        tokenizer: inspection.tokenizer.as_ref().map(text),
        chat_template: inspection.chat_template.as_ref().map(String::len),
        memory,
        files: inspection.identify()?,
        faults: faults(inspection),
    })
}

/// Every reason why a run would refuse it: the checkpoint's own, and a chat template that cannot be used.
fn faults(inspection: &Inspection) -> Vec<String> {
    let mut faults: Vec<String> = inspection.faults.iter().flat_map(|fault| fault.reasons()).collect();
    if let (Some(source), Some(tokenizer)) = (&inspection.chat_template, &inspection.tokenizer) {
        let special = tokenizer.special_tokens();
        // As a run takes it, whatever its methods ask.
        let frame = ChatTemplate::new(source, special.bos_text(), special.eos_text(), Date::default())
            .and_then(|template| template.frame());
        if let Err(error) = frame {
            faults.push(format!("{}: {error}", inspection.path.display()));
        }
    }
    faults
}

fn decoder(config: &ModelConfig) -> Decoder {
    Decoder {
        family: config.family,
        parameters: checkpoint::parameters(config),
        layers: config.layers,
        hidden: config.hidden,
        heads: config.heads,
        kv_heads: config.kv_heads,
        head_dim: config.head_dim,
        vocabulary: config.vocabulary,
        context: config.context,
        sliding_window: config.sliding_window,
        experts: config.mixture.map(|mixture| mixture.experts),
        rope: format!("base {}, scaling {}", config.rope_theta, config.rope_scaling.name()),
    }
}

fn text(tokenizer: &Tokenizer) -> Text {
    let token = |id| Token {
        id,
        token: tokenizer.token(id),
    };
    let special = tokenizer.special_tokens();
    let named = |token: &Option<SpecialToken>| {
        token.as_ref().map(|token| Token {
            id: token.id,
            token: Some(token.text.clone()),
        })
    };
    Text {
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

fn memory(args: &Args, device: &OpenDevice, config: &ModelConfig) -> Memory {
    let dtype = args.dtype.on(&device.device);
    let weights_bytes = checkpoint::parameters(config) * DType::from(dtype).size_in_bytes() as u64;
    let tree_bytes = tree_bytes(config, args.tokens, dtype.into());
    Memory {
        device: device.id,
        fallback: device.fallback.clone(),
        dtype,
        weights_bytes,
        tree_tokens: args.tokens,
        tree_bytes,
        free_bytes: device.free_bytes,
        fits: device
            .free_bytes
            .map(|free| weights_bytes.saturating_add(tree_bytes) <= free),
    }
}

fn write_text(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    let mut line = |label: &str, value: String| writeln!(out, "{label:<15} {value}");
    line("path", report.path.clone())?;
    if let Origin::Hub { repository, commit } = &report.origin {
        line("from", format!("{repository} at {commit}"))?;
    }
    if let Origin::Wheel { package } = &report.origin {
        line("from", format!("the Python package {package}"))?;
    }
    line("format", report.format.to_string())?;
    if let Some(decoder) = &report.decoder {
        line("family", decoder.family.to_string())?;
        line(
            "parameters",
            format!(
                "{} ({:.1} million)",
                decoder.parameters,
                decoder.parameters as f64 / 1e6
            ),
        )?;
        let experts = decoder
            .experts
            .map_or_else(String::new, |experts| format!(", {experts} experts"));
        line(
            "shape",
            format!(
                "{} layers of {}, {} heads of {} over {} key heads, {} rows of vocabulary{experts}",
                decoder.layers, decoder.hidden, decoder.heads, decoder.head_dim, decoder.kv_heads, decoder.vocabulary
            ),
        )?;
        let window = decoder
            .sliding_window
            .map_or_else(String::new, |window| format!(", each sees the last {window}"));
        line("context", format!("{} tokens{window}", decoder.context))?;
        line("positions", decoder.rope.clone())?;
    }
    for (kind, stored) in &report.stored {
        line(
            "stored",
            format!("{} tensors as {kind}, {}", stored.tensors, text::bytes(stored.bytes)),
        )?;
    }
    if let Some(text) = &report.tokenizer {
        let token = |token: &Token| format!("{} {}", token.id, token.token.as_deref().unwrap_or("(no text)"));
        let optional = |end: &Option<Token>| end.as_ref().map_or_else(|| "none".to_owned(), token);
        line("tokenizer", format!("{}; {} ids", text.kind, text.ids))?;
        line("BOS", optional(&text.bos))?;
        line("EOS", optional(&text.eos))?;
        line("before a text", optional(&text.leading))?;
        line("stop", text.stop.iter().map(token).collect::<Vec<_>>().join(", "))?;
        for note in &text.notes {
            line("note", note.clone())?;
        }
        if !text.missing_bytes.is_empty() {
            let bytes: Vec<String> = text.missing_bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            line(
                "no token for",
                format!("bytes {}: text with them is refused", bytes.join(" ")),
            )?;
        }
    }
    match report.chat_template {
        Some(length) => line("chat template", format!("{length} bytes"))?,
        None => line("chat template", "none".to_owned())?,
    }
    if let Some(memory) = &report.memory {
        if let Some(why) = &memory.fallback {
            line("device", format!("{} ({why})", memory.device))?;
        } else {
            line("device", memory.device.to_string())?;
        }
        line(
            "weights",
            format!("{} in {}", text::bytes(memory.weights_bytes), memory.dtype),
        )?;
        line(
            "tree",
            format!(
                "{} for {} tokens in {}",
                text::bytes(memory.tree_bytes),
                memory.tree_tokens,
                memory.dtype
            ),
        )?;
        if let (Some(free), Some(fits)) = (memory.free_bytes, memory.fits) {
            let verdict = if fits { "enough" } else { "TOO LITTLE" };
            line("free memory", format!("{}: {verdict}", text::bytes(free)))?;
        }
    }
    for file in &report.files {
        line(
            "file",
            format!("{} {} {}", file.sha256, file.name, text::bytes(file.bytes)),
        )?;
    }
    match report.faults.as_slice() {
        [] => line("verdict", "can be used".to_owned()),
        faults => {
            line(
                "verdict",
                format!(
                    "refused for {} reason{}:",
                    faults.len(),
                    if faults.len() == 1 { "" } else { "s" }
                ),
            )?;
            faults.iter().try_for_each(|fault| writeln!(out, "  - {fault}"))
        }
    }
}
