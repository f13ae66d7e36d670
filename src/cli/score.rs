//! `indieval score`.

use std::collections::HashMap;
use std::process::ExitCode;

use rayon::prelude::*;
use serde_json::json;

use super::model_args::{ModelArgs, told};
use super::requests::{Answer, FileArgs, Identity, Line, Request, RequestError, keep_room, named, serve};
use crate::model::{LanguageModel, Node, Tokenizer};
use crate::scoring::join::{Encoded, Encoder, Joined, Markup};
use crate::scoring::norm::total;
use crate::scoring::shared::{Job, Prompt, Tokens, work};

/// Tokens of a group: several full passes, and some seconds of a small model on a CPU.
const GROUP_TOKENS: usize = 4096;

/// Options of `indieval score`.
///
/// Each line is an object with `context` and `continuation`, texts, and whatever else; it comes out in its place with
/// `context_token_ids` and `continuation_token_ids`, `tokens_moved` (tokens of the continuation that begin inside the
/// context's text), `token_logprobs` and their sum `loglikelihood` (in nats), and `is_greedy` (whether no other token was
/// more probable anywhere). An empty context is conditioned on BOS, or on the end-of-text token where there is none. What
/// lines begin with in common is computed once. GUIDE.md has every field.
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
pub fn run(mut args: Args) -> anyhow::Result<ExitCode> {
    keep_room(&args.files.out, &mut args.model);
    let mut opened = args.model.open()?;
    if !args.files.quiet {
        told(&opened).iter().for_each(|line| eprintln!("{line}"));
    }
    let markup = if args.control_tokens {
        Markup::Control
    } else {
        Markup::Text
    };
    let identity = Identity::new("score", &opened, &[("control tokens", json!(args.control_tokens))]);
    let mut scores = Scores {
        encoder: Encoder::new(&opened.tokenizer, markup),
        tokenizer: &opened.tokenizer,
        model: opened.model.as_mut(),
        warned: args.control_tokens,
    };
    serve(&args.files, &identity, &mut scores)?;
    Ok(ExitCode::SUCCESS)
}

struct Scores<'a> {
    model: &'a mut dyn LanguageModel,
    tokenizer: &'a Tokenizer,
    encoder: Encoder<'a>,
    /// Whether it was said that control tokens are read as text.
    warned: bool,
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

    /// Puts BOS before what has nothing before it, or the end of a text where the model has no BOS.
    fn condition_empty(&self, lines: &[Line], joined: &mut [Joined]) -> Result<(), RequestError> {
        for (line, joined) in lines.iter().zip(joined) {
            if joined.context.is_empty() && !joined.continuation.is_empty() {
                let none = || line.bad("has no context, and the model has no token to begin a text with");
                joined
                    .context
                    .push(self.tokenizer.special_tokens().empty_context().ok_or_else(none)?);
            }
        }
        Ok(())
    }

    fn check_length(&self, lines: &[Line], joined: &[Joined]) -> Result<(), RequestError> {
        let limit = self.model.context_length();
        for (line, joined) in lines.iter().zip(joined) {
            let tokens = joined.context.len() + joined.continuation.len();
            if tokens > limit {
                return Err(RequestError::TooLong {
                    place: line.place.clone(),
                    tokens,
                    limit,
                });
            }
        }
        Ok(())
    }

    /// Says once that a text has control tokens in it which are read as text.
    fn warn(&mut self, lines: &[Line]) -> Result<(), RequestError> {
        for line in lines.iter().take(if self.warned { 0 } else { 16 }) {
            for name in ["context", "continuation"] {
                let text = line.text_field(name)?;
                let bad = |error| line.bad(format!("{error}"));
                let plain = self.tokenizer.encode(text).map_err(bad)?;
                if plain.len() > self.tokenizer.encode_with_specials(text).map_err(bad)?.len() {
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

    fn read(&mut self, lines: &[Line]) -> anyhow::Result<Vec<Request>> {
        self.warn(lines)?;
        let joined = self.encode(lines)?;
        let request = |joined: Joined| Request {
            context: joined.context.len(),
            tokens: [joined.context, joined.continuation].concat(),
            moved: joined.moved,
            more: 0,
        };
        Ok(joined.into_iter().map(request).collect())
    }

    fn budget(&self) -> usize {
        GROUP_TOKENS
    }

    fn model(&mut self) -> &mut dyn LanguageModel {
        self.model
    }

    fn answer(
        &mut self,
        asked: &[(&Line, &Request)],
        base: Node,
        held: usize,
    ) -> anyhow::Result<(Vec<String>, Tokens)> {
        let jobs: Vec<Job<'_>> = asked
            .iter()
            .map(|(_, request)| {
                let (context, continuation) = request.tokens.split_at(request.context);
                // Nothing is asked of a context without a continuation.
                let context = if continuation.is_empty() { &[] } else { context };
                Job { context, continuation }
            })
            .collect();
        let none: &mut [Prompt] = &mut [];
        let (rows, tokens) =
            work(self.model, base, held, &jobs, none, &[]).map_err(|error| named(error, asked, held))?;
        let answers = asked.iter().zip(rows).map(|((_, request), row)| {
            let (context, continuation) = request.tokens.split_at(request.context);
            let logprobs: Vec<f32> = row.iter().map(|score| score.logprob).collect();
            // The sum of nothing is -0 without the 0.
            let sum = 0.0 + total(&logprobs);
            Ok(format!(
                "\"context_token_ids\":{},\"continuation_token_ids\":{},\"tokens_moved\":{},\"token_logprobs\":{},\
                 \"loglikelihood\":{},\"is_greedy\":{}",
                serde_json::to_string(context)?,
                serde_json::to_string(continuation)?,
                request.moved,
                serde_json::to_string(&logprobs)?,
                serde_json::to_string(&sum)?,
                row.iter().all(|score| score.greedy)
            ))
        });
        Ok((answers.collect::<anyhow::Result<_>>()?, tokens))
    }
}
