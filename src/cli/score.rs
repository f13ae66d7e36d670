//! `indieval score`.

use std::collections::HashMap;
use std::process::ExitCode;

use rayon::prelude::*;
use serde_json::{Map, Value};

use super::model_args::ModelArgs;
use super::requests::{Answer, FileArgs, Line, RequestError, serve};
use crate::model::{LanguageModel, TokenId, TokenScore, Tokenizer};
use crate::scoring::ScoringError;
use crate::scoring::join::{Encoded, Encoder, Joined, Markup};
use crate::scoring::norm::total;
use crate::scoring::shared::{Job, Tokens, score_jobs};

/// How far, in nats, a token's log-probability may be from that of an earlier start: packing may change the last bits,
/// another model or dtype changes more.
const SAME_MODEL: f64 = 2e-3;

/// Options of `indieval score`.
///
/// Each line is an object with `context` and `continuation`, and whatever else; it comes out with `context_token_ids`,
/// `continuation_token_ids`, `tokens_moved`, `token_logprobs`, `loglikelihood` and `is_greedy`. An empty context is
/// conditioned on BOS.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    model: ModelArgs,
    /// Read control tokens such as `<|im_start|>` in the texts as what they are, and not as text
    #[arg(long)]
    control_tokens: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut opened = args.model.open()?;
    if !args.files.quiet {
        opened.notes.iter().for_each(|note| eprintln!("{note}"));
    }
    let markup = if args.control_tokens {
        Markup::Control
    } else {
        Markup::Text
    };
    let mut scores = Scores {
        encoder: Encoder::new(&opened.tokenizer, markup),
        tokenizer: &opened.tokenizer,
        model: opened.model.as_mut(),
        warned: args.control_tokens,
        tokens: Tokens::default(),
    };
    serve(&args.files, &mut scores)?;
    Ok(ExitCode::SUCCESS)
}

struct Scores<'a> {
    model: &'a mut dyn LanguageModel,
    tokenizer: &'a Tokenizer,
    encoder: Encoder<'a>,
    /// Whether it was said that control tokens are read as text.
    warned: bool,
    tokens: Tokens,
}

impl Scores<'_> {
    /// Tokens of each line, in order.
    fn encode(&self, lines: &[Line]) -> anyhow::Result<Vec<Joined>> {
        let texts: Vec<(&str, &str)> = lines
            .iter()
            .map(|line| Ok((line.text_field("context")?, line.text_field("continuation")?)))
            .collect::<Result<_, RequestError>>()?;
        let mut first_with: HashMap<&str, usize> = HashMap::new();
        let mut contexts: Vec<(usize, &str)> = Vec::new();
        for (at, &(context, _)) in texts.iter().enumerate() {
            first_with.entry(context).or_insert_with(|| {
                contexts.push((at, context));
                contexts.len() - 1
            });
        }
        let encoder = self.encoder;
        let failed = |at: usize| move |error| lines[at].bad(format!("{error}"));
        let encoded: Vec<Encoded> = contexts
            .par_iter()
            .map(|&(at, context)| encoder.encode(context).map_err(failed(at)))
            .collect::<Result<_, _>>()?;
        let joined = texts.par_iter().enumerate().map(|(at, (context, continuation))| {
            let context = first_with.get(context).and_then(|&number| encoded.get(number));
            match context {
                Some(context) => encoder.join(context, continuation).map_err(failed(at)),
                None => Err(lines[at].bad("has no context")),
            }
        });
        let mut joined: Vec<Joined> = joined.collect::<Result<_, _>>()?;
        self.condition_empty(lines, &mut joined)?;
        self.check_length(lines, &joined)?;
        Ok(joined)
    }

    /// Puts an end-of-text token before what has nothing before it, where the tokenizer has no BOS. (The BOS of one that
    /// has it is at the root of the tree.)
    fn condition_empty(&self, lines: &[Line], joined: &mut [Joined]) -> Result<(), RequestError> {
        if self.model.depth(self.model.root()) > 0 {
            return Ok(());
        }
        for (line, joined) in lines.iter().zip(joined) {
            if joined.context.is_empty() && !joined.continuation.is_empty() {
                let none = || line.bad("has no context, and the model has no token to begin a text with");
                joined.context.push(end_of_text(self.tokenizer).ok_or_else(none)?);
            }
        }
        Ok(())
    }

    fn check_length(&self, lines: &[Line], joined: &[Joined]) -> Result<(), ScoringError> {
        let limit = self.model.context_length();
        let root = self.model.depth(self.model.root());
        for (line, joined) in lines.iter().zip(joined) {
            let tokens = root + joined.context.len() + joined.continuation.len();
            if tokens > limit {
                return Err(ScoringError::ContextTooLong {
                    who: line.place.clone(),
                    tokens,
                    limit,
                });
            }
        }
        Ok(())
    }

    fn score(&mut self, joined: &[Joined]) -> Result<Vec<Vec<TokenScore>>, ScoringError> {
        let jobs: Vec<Job<'_>> = joined
            .iter()
            .map(|joined| Job {
                context: &joined.context,
                continuation: &joined.continuation,
            })
            .collect();
        let root = self.model.root();
        let (rows, tokens) = score_jobs(self.model, root, &jobs)?;
        self.tokens += tokens;
        Ok(rows)
    }

    /// Says once that a text has control tokens in it which are read as text.
    fn warn(&mut self, lines: &[Line]) -> anyhow::Result<()> {
        for line in lines.iter().take(if self.warned { 0 } else { 16 }) {
            for name in ["context", "continuation"] {
                let text = line.text_field(name)?;
                if self.tokenizer.encode(text)?.len() > self.tokenizer.encode_with_specials(text)?.len() {
                    eprintln!(
                        "note: {}: `{name}` has control tokens in it, which are read as text; --control-tokens reads \
                         them as what they are",
                        line.place
                    );
                    self.warned = true;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The context with the BOS that the root of the tree holds.
    fn whole_context(&self, context: &[TokenId]) -> Vec<TokenId> {
        self.tokenizer
            .bos()
            .into_iter()
            .chain(context.iter().copied())
            .collect()
    }
}

/// What stands in for a BOS where the tokenizer has none.
pub(super) fn end_of_text(tokenizer: &Tokenizer) -> Option<TokenId> {
    tokenizer.eos().or_else(|| tokenizer.stop_tokens().first().copied())
}

impl Answer for Scores<'_> {
    fn fields(&self) -> &'static [&'static str] {
        &[
            "context_token_ids",
            "continuation_token_ids",
            "tokens_moved",
            "token_logprobs",
            "loglikelihood",
            "is_greedy",
        ]
    }

    fn answer(&mut self, lines: &[Line]) -> anyhow::Result<Vec<String>> {
        self.warn(lines)?;
        let joined = self.encode(lines)?;
        let rows = self.score(&joined)?;
        joined
            .iter()
            .zip(rows)
            .map(|(joined, row)| {
                let logprobs: Vec<f32> = row.iter().map(|score| score.logprob).collect();
                Ok(format!(
                    "\"context_token_ids\":{},\"continuation_token_ids\":{},\"tokens_moved\":{},\"token_logprobs\":{},\
                     \"loglikelihood\":{},\"is_greedy\":{}",
                    serde_json::to_string(&self.whole_context(&joined.context))?,
                    serde_json::to_string(&joined.continuation)?,
                    joined.moved,
                    serde_json::to_string(&logprobs)?,
                    serde_json::to_string(&total(&logprobs))?,
                    row.iter().all(|score| score.greedy)
                ))
            })
            .collect()
    }

    fn is_ours(&mut self, line: &Line, old: &Map<String, Value>) -> anyhow::Result<bool> {
        let joined = self.encode(std::slice::from_ref(line))?;
        let row = self.score(&joined)?.pop().unwrap_or_default();
        let ids = |name: &str| {
            old.get(name)
                .and_then(|ids| serde_json::from_value::<Vec<TokenId>>(ids.clone()).ok())
        };
        let logprobs = old
            .get("token_logprobs")
            .and_then(|logprobs| serde_json::from_value::<Vec<f64>>(logprobs.clone()).ok());
        let near = logprobs.is_some_and(|old| {
            old.len() == row.len()
                && old
                    .iter()
                    .zip(&row)
                    .all(|(old, new)| (old - f64::from(new.logprob)).abs() <= SAME_MODEL)
        });
        let same = |joined: &Joined| {
            ids("context_token_ids") == Some(self.whole_context(&joined.context))
                && ids("continuation_token_ids").as_ref() == Some(&joined.continuation)
        };
        Ok(near && joined.first().is_some_and(same))
    }

    fn tokens(&self) -> Tokens {
        self.tokens
    }
}
