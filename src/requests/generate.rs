//! Generation from any prompts.

use std::sync::Arc;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::stop::{StopStrings, end};
use super::{
    ComputeError, ControlTokens, Line, LineAsk, LineRequest, RequestError, Sampling, Task, TokenAsk, Truncate, json,
    messages, settings,
};
use crate::model::{
    Attempt, Batch, Constraint, Decoding, Finish, Generation, LanguageModel, Markup, TextRequest, TokenId, Tokenizer,
    Tokens,
};
use crate::prompt::ChatTemplate;

/// How texts are generated where a line does not say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GenerateOptions {
    /// How tokens are chosen, and when a text ends.
    pub sampling: Sampling,
    /// With the number of a line it decides what is drawn for it.
    pub seed: u64,
    /// What control tokens in prompts are.
    pub control_tokens: ControlTokens,
    /// What happens to a prompt that is too long.
    pub truncate: Truncate,
}

impl GenerateOptions {
    /// What decides the texts, by name.
    pub fn settings(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("max tokens", json!(self.sampling.max_tokens)),
            ("temperature", json!(self.sampling.temperature)),
            ("top p", json!(self.sampling.top_p)),
            ("stop", json!(self.sampling.stop)),
            ("seed", json!(self.seed)),
            ("control tokens", json!(self.control_tokens)),
            ("truncate", json!(self.truncate)),
        ]
    }
}

/// Generates from lines, each of which has `prompt`, a text, or `messages`, a conversation for the model's chat template
/// whose last message, if it is the assistant's, is continued.
///
/// `temperature`, `top_p`, `max_tokens`, `seed` and `stop` of a line count for it; other settings are refused.
pub struct Generate<'a> {
    model: &'a mut dyn LanguageModel,
    reader: PromptReader,
}

/// Reads lines, several at a time.
struct PromptReader {
    tokenizer: Arc<Tokenizer>,
    template: Option<ChatTemplate>,
    options: GenerateOptions,
    /// Most tokens that the model is fed.
    limit: usize,
}

/// What is known of a line beside its prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerateAbout {
    decoding: Decoding,
    seed: u64,
    stop: Arc<[String]>,
    /// Tokens of the prompt that were left out.
    truncated: usize,
}

impl<'a> Generate<'a> {
    /// Generates with this model; conversations go through `template`.
    pub fn new(
        model: &'a mut dyn LanguageModel,
        tokenizer: Arc<Tokenizer>,
        template: Option<ChatTemplate>,
        options: GenerateOptions,
    ) -> Self {
        let reader = PromptReader {
            tokenizer,
            template,
            options,
            limit: model.limits().context,
        };
        Self { model, reader }
    }
}

impl PromptReader {
    /// What a line asks for.
    fn request(&self, line: &Line) -> Result<LineRequest<GenerateAbout>, RequestError> {
        let mut tokens = self.prompt(line)?;
        let (sampling, seed) = settings::of_line(line, &self.options.sampling)?;
        if tokens.is_empty() {
            let first = self.tokenizer.special_tokens().empty_context();
            tokens.push(first.ok_or_else(|| line.bad("is empty, and the model has no token to begin a text with"))?);
        }
        let truncated = self.fit(line, &mut tokens, sampling.max_tokens)?;
        Ok(LineRequest {
            asks: vec![TokenAsk {
                context: tokens.len(),
                tokens,
                more: sampling.max_tokens,
            }],
            about: GenerateAbout {
                decoding: Decoding {
                    temperature: sampling.temperature.get(),
                    top_p: sampling.top_p.get(),
                    stop: self.tokenizer.stop_tokens().to_vec(),
                },
                // A seed of its own is all that counts; else an odd multiplier keeps those of different lines apart.
                seed: seed.unwrap_or(self.options.seed ^ line.number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                stop: sampling.stop.into(),
                truncated,
            },
        })
    }

    /// Tokens of a line's prompt.
    fn prompt(&self, line: &Line) -> Result<Vec<TokenId>, RequestError> {
        let fields = line.fields()?;
        match (fields.get("prompt"), fields.get("messages")) {
            (Some(_), None) => {
                let text = line.text_field("prompt")?;
                self.tokenizer.encode_whole(text, self.options.control_tokens.markup())
            }
            (None, Some(_)) => {
                let turns = messages::turns(line)?;
                let no_template = || line.bad("has `messages`, and this model has no chat template; use `prompt`");
                let template = self.template.as_ref().ok_or_else(no_template)?;
                let text = template
                    .render_conversation(&turns)
                    .map_err(|error| line.bad(format!("{error}; give other `messages`, or the text as `prompt`")))?;
                self.tokenizer.encode_whole(&text, Markup::Chat)
            }
            (Some(_), Some(_)) => return Err(line.bad("has both `prompt` and `messages`")),
            (None, None) => return Err(line.bad("has neither `prompt` nor `messages`")),
        }
        .map_err(|error| line.bad(error.to_string()))
    }

    /// Cuts off the beginning of a prompt where that was asked for, so that `more` tokens fit behind it. Returns how many
    /// tokens were cut off.
    fn fit(&self, line: &Line, tokens: &mut Vec<TokenId>, more: usize) -> Result<usize, RequestError> {
        let limit = self.limit;
        let length = tokens.len().saturating_add(more);
        let over = length.saturating_sub(limit);
        if over > 0 && (self.options.truncate == Truncate::Never || over >= tokens.len()) {
            return Err(RequestError::TooLong {
                place: format!("{}: with max_tokens {more}", line.place),
                tokens: length,
                limit,
                cuttable: over < tokens.len(),
            });
        }
        tokens.drain(..over);
        Ok(over)
    }
}

impl Task for Generate<'_> {
    type About = GenerateAbout;
    type Reply = Generation;

    fn fields(&self) -> &'static [&'static str] {
        &[
            "text",
            "tokens",
            "logprobs",
            "finish",
            "prompt_tokens",
            "tokens_truncated",
        ]
    }

    fn read(&self, lines: &[Line]) -> Vec<Result<LineRequest<GenerateAbout>, RequestError>> {
        let reader = &self.reader;
        lines.par_iter().map(|line| reader.request(line)).collect()
    }

    fn model(&mut self) -> &mut dyn LanguageModel {
        self.model
    }

    fn compute(&mut self, asked: &[LineAsk<'_, GenerateAbout>]) -> Result<(Vec<Generation>, Tokens), ComputeError> {
        let text = |asked: &LineAsk<'_, GenerateAbout>| LineWriting {
            tokens: asked.ask.tokens.clone(),
            max_tokens: asked.ask.more,
            decoding: Some(asked.about.decoding.clone()),
            seed: asked.about.seed,
            stop: Arc::clone(&asked.about.stop),
            tokenizer: Arc::clone(&self.reader.tokenizer),
            generation: None,
        };
        let mut written: Vec<LineWriting> = asked.iter().map(text).collect();
        let mut texts: Vec<&mut dyn TextRequest> =
            written.iter_mut().map(|text| text as &mut dyn TextRequest).collect();
        let (scores, texts) = (&[], &mut texts[..]);
        let tokens = self.model.answer(Batch { scores, texts })?.tokens;
        Ok((written.into_iter().filter_map(|text| text.generation).collect(), tokens))
    }

    fn write(&self, request: &LineRequest<GenerateAbout>, replies: Vec<Generation>) -> Result<String, RequestError> {
        let mut fields = Vec::new();
        for (generation, ask) in replies.iter().zip(&request.asks) {
            let mut text = self
                .reader
                .tokenizer
                .decode(&generation.tokens)
                .map_err(|error| RequestError::Scoring(error.into()))?;
            let mut finish = generation.finish;
            if let Some(end) = end(&text, &request.about.stop) {
                text.truncate(end);
                finish = Finish::Stop;
            }
            fields.push(format!(
                "\"text\":{},\"tokens\":{},\"logprobs\":{},\"finish\":{},\"prompt_tokens\":{},\"tokens_truncated\":{}",
                json(&text)?,
                json(&generation.tokens)?,
                json(&generation.logprobs)?,
                json(&finish)?,
                ask.context,
                request.about.truncated,
            ));
        }
        Ok(fields.concat())
    }
}

/// One text on its way.
struct LineWriting {
    tokens: Vec<TokenId>,
    max_tokens: usize,
    /// Taken once it has begun.
    decoding: Option<Decoding>,
    seed: u64,
    stop: Arc<[String]>,
    tokenizer: Arc<Tokenizer>,
    generation: Option<Generation>,
}

impl TextRequest for LineWriting {
    fn prompt(&self) -> &[TokenId] {
        &self.tokens
    }

    fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    fn begin(&mut self) -> Option<Attempt> {
        let stop = || -> Box<dyn Constraint> {
            Box::new(StopStrings::new(Arc::clone(&self.tokenizer), Arc::clone(&self.stop)))
        };
        let constraint = (!self.stop.is_empty()).then(stop);
        self.decoding.take().map(|decoding| Attempt {
            constraint,
            seed: self.seed,
            decoding,
        })
    }

    fn finish(&mut self, generation: Generation) {
        self.generation = Some(generation);
    }
}
