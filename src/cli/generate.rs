//! `indieval generate`.

use std::process::ExitCode;

use serde::Deserialize;
use serde_json::json;

use super::model_args::{ModelArgs, told};
use super::requests::{Answer, FileArgs, Identity, Line, Request, RequestError, keep_room, named, serve};
use crate::model::{Decoding, LanguageModel, Markup, Node, Tokenizer};
use crate::prompt::{ChatTemplate, Date, Turn};
use crate::scoring::shared::{Prompt, Tokens, work};

/// Texts that are generated together, about: with fewer the weights are read more often.
const GROUP_TEXTS: usize = 128;

/// Tokens of prompts in a group, beside those of its texts.
const GROUP_TOKENS: usize = 16384;

/// Options of `indieval generate`.
///
/// Each line is an object with `prompt`, a text, or `messages`, a list of `role` and `content` that goes through the
/// model's chat template, and whatever else; it comes out in its place with `text`, its `tokens` (ids), their `logprobs`
/// (in nats) and `finish` (`stop` or `length`). What lines begin with in common is computed once. GUIDE.md has every field.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    model: ModelArgs,
    /// Most tokens of an answer
    #[arg(long, default_value_t = 256, value_name = "N")]
    max_tokens: usize,
    /// 0 takes the most probable token; larger values sample
    #[arg(long, default_value_t = 0.0)]
    temperature: f32,
    /// Sample from the most probable tokens that together have this probability
    #[arg(long, default_value_t = 1.0)]
    top_p: f32,
    /// Seed of sampling; with the number of the line it decides what is drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Read control tokens such as `<|im_start|>` in `prompt` as what they are, and not as text
    #[arg(long)]
    control_tokens: bool,
}

/// Runs the command.
pub fn run(mut args: Args) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        args.temperature >= 0.0,
        "--temperature {}: must not be negative",
        args.temperature
    );
    anyhow::ensure!(
        args.top_p > 0.0 && args.top_p <= 1.0,
        "--top-p {}: must be above 0 and at most 1",
        args.top_p
    );
    keep_room(&args.files.out, &mut args.model);
    let mut opened = args.model.open()?;
    if !args.files.quiet {
        told(&opened).iter().for_each(|line| eprintln!("{line}"));
    }
    let settings = [
        ("max tokens", json!(args.max_tokens)),
        ("temperature", json!(args.temperature)),
        ("top p", json!(args.top_p)),
        ("seed", json!(args.seed)),
        ("control tokens", json!(args.control_tokens)),
    ];
    let identity = Identity::new("generate", &opened, &settings);
    let tokenizer = &opened.tokenizer;
    let special = tokenizer.special_tokens();
    let template = opened
        .chat_template
        .as_deref()
        .map(|source| ChatTemplate::new(source, special.bos_text(), special.eos_text(), Date::default()))
        .transpose()?;
    let mut texts = Texts {
        model: opened.model.as_mut(),
        tokenizer,
        template,
        decoding: Decoding {
            temperature: args.temperature,
            top_p: args.top_p,
            stop: tokenizer.stop_tokens().to_vec(),
        },
        args: &args,
    };
    serve(&args.files, &identity, &mut texts)?;
    Ok(ExitCode::SUCCESS)
}

struct Texts<'a> {
    model: &'a mut dyn LanguageModel,
    tokenizer: &'a Tokenizer,
    template: Option<ChatTemplate>,
    decoding: Decoding,
    args: &'a Args,
}

impl Texts<'_> {
    fn request(&self, line: &Line) -> Result<Request, RequestError> {
        let mut tokens = match (line.fields.get("prompt"), line.fields.get("messages")) {
            (Some(_), None) => {
                let text = line.text_field("prompt")?;
                let markup = match self.args.control_tokens {
                    true => Markup::Control,
                    false => Markup::Text,
                };
                self.tokenizer.encode_whole(text, markup)
            }
            (None, Some(messages)) => {
                let turns = Vec::<Turn>::deserialize(messages)
                    .map_err(|error| line.bad(format!("`messages` is no list of role and content: {error}")))?;
                let no_template = || line.bad("has `messages`, and this model has no chat template; use `prompt`");
                let template = self.template.as_ref().ok_or_else(no_template)?;
                let text = template
                    .render_turns(&turns)
                    .map_err(|error| line.bad(error.to_string()))?;
                self.tokenizer.encode_whole(&text, Markup::Chat)
            }
            (Some(_), Some(_)) => return Err(line.bad("has both `prompt` and `messages`")),
            (None, None) => return Err(line.bad("has neither `prompt` nor `messages`")),
        }
        .map_err(|error| line.bad(error.to_string()))?;
        if tokens.is_empty() {
            let none = || line.bad("is empty, and the model has no token to begin a text with");
            tokens.push(self.tokenizer.special_tokens().empty_context().ok_or_else(none)?);
        }
        let (length, limit) = (tokens.len() + self.args.max_tokens, self.model.context_length());
        if length > limit {
            return Err(RequestError::TooLong {
                place: format!("{} with --max-tokens {}", line.place, self.args.max_tokens),
                tokens: length,
                limit,
            });
        }
        Ok(Request {
            context: tokens.len(),
            tokens,
            moved: 0,
            more: self.args.max_tokens,
        })
    }
}

impl Answer for Texts<'_> {
    fn fields(&self) -> &'static [&'static str] {
        &["text", "tokens", "logprobs", "finish"]
    }

    fn read(&mut self, lines: &[Line]) -> anyhow::Result<Vec<Request>> {
        Ok(lines
            .iter()
            .map(|line| self.request(line))
            .collect::<Result<_, RequestError>>()?)
    }

    fn budget(&self) -> usize {
        self.args
            .max_tokens
            .saturating_mul(GROUP_TEXTS)
            .saturating_add(GROUP_TOKENS)
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
        let prompt = |&(line, request): &(&Line, &Request)| Prompt {
            tokens: request.tokens.clone(),
            // An odd multiplier keeps the seeds of different lines apart.
            seed: self.args.seed ^ line.number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            max_tokens: request.more,
            generation: None,
        };
        let mut prompts: Vec<Prompt> = asked.iter().map(prompt).collect();
        let decoding = std::slice::from_ref(&self.decoding);
        let (_, tokens) =
            work(self.model, base, held, &[], &mut prompts, decoding).map_err(|error| named(error, asked, held))?;
        let mut answers = Vec::with_capacity(asked.len());
        for ((line, _), prompt) in asked.iter().zip(prompts) {
            let generation = prompt.generation.ok_or_else(|| line.bad("was not answered"))?;
            answers.push(format!(
                "\"text\":{},\"tokens\":{},\"logprobs\":{},\"finish\":{}",
                serde_json::to_string(&self.tokenizer.decode(&generation.tokens)?)?,
                serde_json::to_string(&generation.tokens)?,
                serde_json::to_string(&generation.logprobs)?,
                serde_json::to_string(&generation.finish)?
            ));
        }
        Ok((answers, tokens))
    }
}
