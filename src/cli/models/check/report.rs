//! What `models check` found, and how it is printed.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::text::{self, count, counted};
use crate::model::checkpoint::{self, FileIdentity};
use crate::model::source::Origin;
use crate::model::stored::StoredKind;
use crate::model::{DeviceId, Dtype, Family};

/// Bytes without a token that the text names; the JSON has all.
const BYTES_NAMED: usize = 8;

/// A line of the text: what it is about, and what is said of it.
pub(super) type Labelled = (&'static str, String);

/// Lines as they are printed.
pub(super) fn labelled(lines: &[Labelled]) -> String {
    lines
        .iter()
        .map(|(label, value)| format!("{label:<15} {value}\n"))
        .collect()
}

/// Everything that was found.
#[derive(Debug, Serialize)]
pub(super) struct CheckReport {
    pub model: String,
    /// True: its files were read.
    pub here: bool,
    pub path: String,
    pub origin: Origin,
    pub format: checkpoint::Format,
    pub decoder: Option<DecoderReport>,
    /// The adapter that would be merged into the weights.
    pub adapter: Option<AdapterReport>,
    /// What a user should know of how the files were read.
    pub notes: Vec<String>,
    pub stored: BTreeMap<String, StoredKind>,
    /// Whether some are stored as less than a float each.
    #[serde(skip)]
    pub packed: bool,
    pub tokenizer: Option<TokenizerReport>,
    pub chat_template: Option<usize>,
    /// What chats lack that other texts have.
    pub chat_note: Option<String>,
    pub memory: Option<MemoryReport>,
    /// Where it could be told.
    pub time: Option<SplitTime>,
    pub files: Vec<FileIdentity>,
    pub faults: Vec<String>,
    /// What can be done about them.
    pub remedies: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct DecoderReport {
    pub family: Family,
    pub parameters: u64,
    pub layers: usize,
    pub hidden: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub vocabulary: usize,
    pub context: usize,
    pub sliding_window: Option<usize>,
    pub attention_chunk: Option<usize>,
    /// Layers whose tokens see no farther than that window, or that chunk.
    pub windowed_layers: usize,
    pub experts: Option<usize>,
    pub rope: String,
}

#[derive(Debug, Serialize)]
pub(super) struct AdapterReport {
    pub adapter: String,
    /// Numbers in its matrices and in what it replaces.
    pub numbers: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct TokenizerReport {
    pub kind: String,
    pub ids: usize,
    pub sha256: String,
    pub bos: Option<NamedToken>,
    pub eos: Option<NamedToken>,
    /// What the tokenizer puts before every text.
    pub leading: Option<NamedToken>,
    pub stop: Vec<NamedToken>,
    pub notes: Vec<String>,
    /// Bytes of UTF-8 text that no token stands for.
    pub missing_bytes: Vec<u8>,
}

#[derive(Debug, Serialize)]
pub(super) struct NamedToken {
    pub id: u32,
    pub token: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct MemoryReport {
    pub device: DeviceId,
    /// Why `auto` did not take a GPU.
    pub fallback: Option<String>,
    pub dtype: Dtype,
    /// All weights, in place.
    pub weights_bytes: u64,
    /// Weights at work where they stay in their files and are read for each batch.
    pub layer_by_layer_bytes: u64,
    /// The same while answers are generated, which keep the head.
    pub layer_by_layer_generating_bytes: u64,
    pub tokens: usize,
    /// Beside the weights, so many tokens that are scored.
    pub scoring_bytes: u64,
    /// Beside the weights, so many tokens that texts are generated after.
    pub generating_bytes: u64,
    /// Beside the weights in place, a pass; layer by layer it is there while the head is not.
    pub pass_bytes: u64,
    /// The program itself with the model's tokenizer, where it shares the device's memory.
    pub program_bytes: u64,
    pub in_all: InAll,
    pub free_bytes: Option<u64>,
    /// Whether weights and a batch that is scored fit.
    pub fits: Option<bool>,
    /// Whether the batch fits beside the weights at work.
    pub fits_layer_by_layer: Option<bool>,
}

/// What is held at most, the program and the batch among it, in bytes: with weights in place, and with weights that are read layer
/// by layer.
#[derive(Debug, Serialize)]
pub(super) struct InAll {
    pub scoring: u64,
    pub generating: u64,
    pub scoring_layer_by_layer: u64,
    pub generating_layer_by_layer: u64,
}

/// How long one person and split takes by likelihood on this machine as it is now, weights being in place.
#[derive(Debug, Serialize)]
pub(super) struct SplitTime {
    /// About so many.
    pub seconds: f64,
    /// Tokens of the prompt: those of about 200 statements, or as many as the context has room for.
    pub shown_tokens: usize,
    /// Candidates, and tokens of each.
    pub candidates: usize,
    pub candidate_tokens: usize,
}

/// Why a model does not fit, and what helps.
pub(super) struct Shortage {
    pub what: String,
    pub remedies: Vec<String>,
}

impl MemoryReport {
    /// What is short, if anything; `packed` is the size of the files where they hold less than a float for each number.
    pub fn shortage(&self, packed: Option<u64>) -> Option<Shortage> {
        let free = self.free_bytes.filter(|_| self.fits == Some(false))?;
        let needed = self.in_all.scoring - self.program_bytes;
        let what = format!(
            "its weights do not fit here now: {} needed, {} free on {}",
            text::bytes(needed),
            text::bytes(free),
            self.device
        );
        let in_half = needed / 2;
        let kept = packed.map(|stored| {
            stored
                .saturating_add(self.layer_by_layer_bytes)
                .saturating_add(self.scoring_bytes)
        });
        let mut remedies = Vec::new();
        if self.dtype == Dtype::F32 && in_half <= free {
            remedies.push(format!("--dtype bf16 takes half: {}", text::bytes(in_half)));
        }
        if let Some(kept) = kept.filter(|&kept| kept < needed && kept <= free) {
            let kept = text::bytes(kept);
            remedies.push(format!(
                "--weights quantized keeps them as they are in the file: {kept}"
            ));
        }
        if self.fits_layer_by_layer == Some(true) {
            let at_work = self.in_all.scoring_layer_by_layer - self.program_bytes;
            remedies.push(format!(
                "without more, likelihood and label run: weights are read from the files for each batch, in {} of memory; \
                 generated answers read them again for every token",
                text::bytes(at_work)
            ));
        }
        if remedies.is_empty() {
            remedies.push(
                "a GGUF file of it with quantised weights, kept as they are by --weights quantized, takes about a third \
                 of bf16; or a machine with more memory"
                    .to_owned(),
            );
        }
        Some(Shortage { what, remedies })
    }
}

impl CheckReport {
    /// What is short, if anything.
    fn shortage(&self) -> Option<Shortage> {
        let stored = self.stored.values().map(|kind| kind.bytes).sum();
        self.memory.as_ref()?.shortage(self.packed.then_some(stored))
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let mut lines = vec![("path", self.path.clone())];
        match &self.origin {
            Origin::Path => {}
            Origin::Hub { repository, commit } => lines.push(("from", format!("{repository} at {commit}"))),
            Origin::Wheel { package } => lines.push(("from", format!("the Python package {package}"))),
        }
        lines.push(("format", self.format.to_string()));
        lines.extend(self.decoder.iter().flat_map(DecoderReport::lines));
        lines.extend(self.adapter.iter().map(|adapter| {
            let numbers = text::parameters(adapter.numbers);
            ("adapter", format!("{}: {numbers} parameters", adapter.adapter))
        }));
        lines.extend(self.notes.iter().map(|note| ("note", note.clone())));
        lines.extend(self.stored.iter().map(|(kind, stored)| {
            let tensors = counted(stored.tensors, "tensor", "tensors");
            ("stored", format!("{tensors} as {kind}, {}", text::bytes(stored.bytes)))
        }));
        lines.extend(self.tokenizer.iter().flat_map(TokenizerReport::lines));
        lines.push((
            "chat template",
            self.chat_template
                .map_or_else(|| "none".to_owned(), |length| format!("{} bytes", count(length as u64))),
        ));
        lines.extend(self.chat_note.iter().map(|note| ("note", note.clone())));
        lines.extend(self.memory.iter().flat_map(MemoryReport::lines));
        lines.extend(self.time.iter().map(SplitTime::line));
        lines.extend(self.files.iter().map(|file| {
            (
                "file",
                format!("{} {} {}", file.sha256, file.name, text::bytes(file.bytes)),
            )
        }));
        lines.extend(self.verdict());
        let faults = self.faults.iter().map(|fault| format!("  - {fault}\n"));
        let remedies = self.remedies.iter().map(|remedy| format!("hint: {remedy}\n"));
        std::iter::once(labelled(&lines))
            .chain(faults)
            .chain(remedies)
            .collect()
    }

    fn verdict(&self) -> Vec<Labelled> {
        let mut lines = Vec::new();
        match (self.faults.len(), self.shortage()) {
            (0, None) => lines.push(("verdict", "can be used".to_owned())),
            (0, Some(shortage)) => {
                lines.push(("verdict", format!("nothing is wrong with it, but {}", shortage.what)));
                lines.extend(shortage.remedies.into_iter().map(|remedy| ("hint", remedy)));
            }
            (faults, _) => lines.push((
                "verdict",
                format!("refused for {}:", counted(faults, "reason", "reasons")),
            )),
        }
        lines
    }
}

impl DecoderReport {
    fn lines(&self) -> Vec<Labelled> {
        let experts = self
            .experts
            .map_or_else(String::new, |experts| format!(", {experts} experts"));
        let sliding = self.sliding_window.map(|window| (window, "the last"));
        let window = sliding.or(self.attention_chunk.map(|chunk| (chunk, "its own chunk of")));
        let window = window.map_or_else(String::new, |(window, which)| {
            let window = count(window as u64);
            match self.windowed_layers {
                0 => String::new(),
                windowed if windowed == self.layers => format!(", each sees {which} {window}"),
                windowed => format!(
                    ", each sees {which} {window} in {windowed} of the {} layers",
                    self.layers
                ),
            }
        });
        vec![
            ("family", self.family.to_string()),
            ("parameters", text::parameters(self.parameters)),
            (
                "shape",
                format!(
                    "{} layers of {}, {} heads of {} over {} key heads, {} rows of vocabulary{experts}",
                    self.layers,
                    self.hidden,
                    self.heads,
                    self.head_dim,
                    self.kv_heads,
                    count(self.vocabulary as u64)
                ),
            ),
            ("context", format!("{} tokens{window}", count(self.context as u64))),
            ("positions", self.rope.clone()),
        ]
    }
}

impl TokenizerReport {
    fn lines(&self) -> Vec<Labelled> {
        let optional = |token: &Option<NamedToken>| token.as_ref().map_or_else(|| "none".to_owned(), NamedToken::text);
        let stop: Vec<String> = self.stop.iter().map(NamedToken::text).collect();
        let mut lines = vec![
            ("tokenizer", format!("{}; {} ids", self.kind, count(self.ids as u64))),
            ("BOS", optional(&self.bos)),
            ("EOS", optional(&self.eos)),
            ("before a text", optional(&self.leading)),
            ("stop", stop.join(", ")),
        ];
        lines.extend(self.notes.iter().map(|note| ("note", note.clone())));
        if !self.missing_bytes.is_empty() {
            let bytes = self.missing_bytes.iter().take(BYTES_NAMED);
            let bytes: Vec<String> = bytes.map(|byte| format!("{byte:02x}")).collect();
            let rest = match self.missing_bytes.len().saturating_sub(BYTES_NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            lines.push((
                "no token for",
                format!("bytes {}{rest}: text with them is refused", bytes.join(" ")),
            ));
        }
        lines
    }
}

impl NamedToken {
    fn text(&self) -> String {
        format!("{} {}", self.id, self.token.as_deref().unwrap_or("(no text)"))
    }
}

impl SplitTime {
    /// What it says, for people.
    pub fn line(&self) -> Labelled {
        let said = format!(
            "about {} for one person and split by likelihood (a prompt of {} tokens, {} candidates of {})",
            text::rough_duration(self.seconds),
            count(self.shown_tokens as u64),
            self.candidates,
            self.candidate_tokens
        );
        ("time", said)
    }
}

impl MemoryReport {
    /// What is held at most.
    fn in_all(&self) -> String {
        let InAll {
            scoring,
            generating,
            scoring_layer_by_layer,
            generating_layer_by_layer,
        } = self.in_all;
        let program = match self.program_bytes {
            0 => String::new(),
            own => format!("{} of the program and its tokenizer, ", text::bytes(own)),
        };
        format!(
            "{} where the batch is scored, {} where answers are generated; {} and {} layer by layer ({program}{} of a pass)",
            text::bytes(scoring),
            text::bytes(generating),
            text::bytes(scoring_layer_by_layer),
            text::bytes(generating_layer_by_layer),
            text::bytes(self.pass_bytes)
        )
    }

    /// What it says, for people.
    pub fn lines(&self) -> Vec<Labelled> {
        let device = match &self.fallback {
            Some(why) => format!("{} ({why})", self.device),
            None => self.device.to_string(),
        };
        let tokens = counted(self.tokens, "token", "tokens");
        let batch = format!(
            "{} beside the weights for {tokens} that are scored, {} where answers are generated",
            text::bytes(self.scoring_bytes),
            text::bytes(self.generating_bytes)
        );
        let mut lines = vec![
            ("device", device),
            (
                "weights",
                format!(
                    "{} in {}; {} layer by layer, {} where answers are generated",
                    text::bytes(self.weights_bytes),
                    self.dtype,
                    text::bytes(self.layer_by_layer_bytes),
                    text::bytes(self.layer_by_layer_generating_bytes)
                ),
            ),
            ("batch", batch),
            ("in all", self.in_all()),
        ];
        lines.extend(self.free_bytes.map(|free| ("free memory", text::bytes(free))));
        lines
    }
}
