//! Log-likelihood of any continuations, and of whole texts.

use std::collections::HashMap;

use rayon::prelude::*;
use serde_json::{Value, json};

use super::windows::windows;
use super::{ComputeError, ControlTokens, Line, LineAsk, LineRequest, RequestError, Task, TokenAsk, Truncate, json};
use crate::model::{Batch, LanguageModel, ScoreRequest, TokenId, TokenScore, Tokenizer, Tokens};
use crate::scoring::join::{Encoded, Encoder};
use crate::scoring::norm::total;

/// How texts are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScoreOptions {
    /// What control tokens in texts are.
    pub control_tokens: ControlTokens,
    /// What happens to a context that is too long.
    pub truncate: Truncate,
}

impl ScoreOptions {
    /// What decides the numbers, by name.
    pub fn settings(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("control tokens", json!(self.control_tokens)),
            ("truncate", json!(self.truncate)),
        ]
    }
}

/// Scores lines, each of which has `context` and `continuation`, both texts; or `context_token_ids` and
/// `continuation_token_ids`; or `text` (or `token_ids`), a whole text of any length.
///
/// Without options the numbers are those of lm-evaluation-harness 0.4.13, wherever the tokens of context and continuation
/// are those of both together.
pub struct Score<'a> {
    model: &'a mut dyn LanguageModel,
    reader: PairReader<'a>,
}

/// Reads lines, several at a time.
struct PairReader<'a> {
    tokenizer: &'a Tokenizer,
    encoder: Encoder<'a>,
    options: ScoreOptions,
    /// Most tokens that the model is fed.
    limit: usize,
}

/// What is known of a line beside the tokens to be scored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScoreAbout {
    /// All that the first scored token follows on.
    context: Vec<TokenId>,
    /// Scored tokens that begin inside the context's text.
    moved: usize,
    /// Tokens of the context that were left out.
    truncated: usize,
}

/// What a line gives.
enum LineText<'l> {
    /// Two texts: the context without the white space at its end, that white space, and the continuation.
    Texts(&'l str, &'l str, &'l str),
    /// Tokens of both.
    Ids(Vec<TokenId>, Vec<TokenId>),
    /// A text without a context.
    Whole(Vec<TokenId>),
}

impl<'a> Score<'a> {
    /// Scores with this model.
    pub fn new(model: &'a mut dyn LanguageModel, tokenizer: &'a Tokenizer, options: ScoreOptions) -> Self {
        let reader = PairReader {
            tokenizer,
            encoder: Encoder::new(tokenizer, options.control_tokens.markup()),
            options,
            limit: model.limits().context,
        };
        Self { model, reader }
    }
}

impl PairReader<'_> {
    /// What each line asks for; contexts that several have are encoded once.
    fn read(&self, lines: &[Line]) -> Vec<Result<LineRequest<ScoreAbout>, RequestError>> {
        let given: Vec<Result<LineText<'_>, RequestError>> = lines.par_iter().map(|line| self.given(line)).collect();
        let mut contexts: Vec<&str> = given
            .iter()
            .filter_map(|given| match given {
                Ok(LineText::Texts(context, ..)) => Some(*context),
                _ => None,
            })
            .collect();
        contexts.sort_unstable();
        contexts.dedup();
        let encode = |&context: &&'_ str| self.encoder.encode(context).map_err(|error| error.to_string());
        let encoded: Vec<Result<Encoded, String>> = contexts.par_iter().map(encode).collect();
        let encoded: HashMap<&str, Result<Encoded, String>> = contexts.into_iter().zip(encoded).collect();
        let pairs: Vec<_> = lines.iter().zip(given).collect();
        pairs
            .into_par_iter()
            .map(|(line, given)| self.request(line, given?, &encoded))
            .collect()
    }

    /// What a line gives; which of the forms it has is told by its fields.
    fn given<'l>(&self, line: &'l Line) -> Result<LineText<'l>, RequestError> {
        let fields = line.fields()?;
        let has = |name: &str| fields.contains_key(name);
        let pair = has("context") || has("continuation");
        if pair && (has("text") || has("token_ids")) {
            return Err(line.bad("has both a pair to score and a whole text"));
        }
        if has("text") && has("token_ids") {
            return Err(line.bad("has both `text` and `token_ids`"));
        }
        let vocabulary = self.tokenizer.vocabulary();
        if has("text") {
            return Ok(LineText::Whole(self.whole(line, line.text_field("text")?)?));
        }
        if has("token_ids") {
            return Ok(LineText::Whole(line.ids_field("token_ids", vocabulary)?));
        }
        if !pair && has("continuation_token_ids") {
            return Ok(LineText::Ids(
                line.ids_field("context_token_ids", vocabulary)?,
                line.ids_field("continuation_token_ids", vocabulary)?,
            ));
        }
        let (context, continuation) = (line.text_field("context")?, line.text_field("continuation")?);
        let kept = context.trim_end_matches(is_space);
        Ok(LineText::Texts(kept, &context[kept.len()..], continuation))
    }

    /// Tokens of a whole text. What stands in for its context is put before it later, so it is not put there now.
    fn whole(&self, line: &Line, text: &str) -> Result<Vec<TokenId>, RequestError> {
        let markup = self.options.control_tokens.markup();
        let mut tokens = self
            .tokenizer
            .encode_whole(text, markup)
            .map_err(|error| line.bad(error.to_string()))?;
        let first = self.tokenizer.special_tokens().empty_context();
        if first.is_some() && tokens.first().copied() == first {
            tokens.remove(0);
        }
        Ok(tokens)
    }

    /// What a line asks for, where contexts were encoded before.
    fn request(
        &self,
        line: &Line,
        given: LineText<'_>,
        encoded: &HashMap<&str, Result<Encoded, String>>,
    ) -> Result<LineRequest<ScoreAbout>, RequestError> {
        let (mut context, mut continuation, moved) = match given {
            LineText::Whole(tokens) => return self.rolling(line, &tokens),
            LineText::Ids(context, continuation) => (context, continuation, 0),
            LineText::Texts(context, space, continuation) => {
                let context = match encoded.get(context) {
                    Some(Ok(encoded)) => encoded,
                    Some(Err(fault)) => return Err(line.bad(fault.as_str())),
                    None => return Err(line.bad("has no context")),
                };
                let joined = self.encoder.join_after_space(context, space, continuation);
                let joined = joined.map_err(|error| line.bad(error.to_string()))?;
                (joined.context, joined.continuation, joined.moved)
            }
        };
        if continuation.is_empty() {
            let about = ScoreAbout {
                context,
                moved,
                truncated: 0,
            };
            return Ok(LineRequest {
                asks: Vec::new(),
                about,
            });
        }
        if context.is_empty() {
            let first = self.first(line)?;
            // A text that begins with what stands in for its context has it.
            if continuation[0] == first {
                continuation.remove(0);
            }
            context.push(first);
        }
        let truncated = self.fit(line, &mut context, continuation.len())?;
        let asks = match continuation.is_empty() {
            true => Vec::new(),
            false => vec![TokenAsk::score(&context, &continuation)],
        };
        let about = ScoreAbout {
            context,
            moved,
            truncated,
        };
        Ok(LineRequest { asks, about })
    }

    /// A whole text, in windows.
    fn rolling(&self, line: &Line, tokens: &[TokenId]) -> Result<LineRequest<ScoreAbout>, RequestError> {
        let first = self.first(line)?;
        Ok(LineRequest {
            asks: windows(first, tokens, self.limit),
            about: ScoreAbout {
                context: vec![first],
                ..ScoreAbout::default()
            },
        })
    }

    /// What stands in for a context: BOS where there is one at all, else the end of a text before.
    fn first(&self, line: &Line) -> Result<TokenId, RequestError> {
        let first = self.tokenizer.special_tokens().empty_context();
        first.ok_or_else(|| line.bad("has no context, and the model has no token to begin a text with"))
    }

    /// Cuts off the beginning of a context where that was asked for, so that it fits before `scored` tokens; the last of
    /// these is never fed to the model. Returns how many tokens were cut off.
    fn fit(&self, line: &Line, context: &mut Vec<TokenId>, scored: usize) -> Result<usize, RequestError> {
        let limit = self.limit;
        let tokens = context.len() + scored;
        let over = tokens.saturating_sub(limit + 1);
        // One token of context is the least.
        if over > 0 && (self.options.truncate == Truncate::Never || over >= context.len()) {
            return Err(RequestError::TooLong {
                place: line.place.clone(),
                tokens,
                limit,
                cuttable: over < context.len(),
            });
        }
        context.drain(..over);
        Ok(over)
    }
}

/// White space as Python's `str.rstrip` takes it: Unicode's, and the four separators of ASCII.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

impl Task for Score<'_> {
    type About = ScoreAbout;
    type Reply = Vec<TokenScore>;

    fn fields(&self) -> &'static [&'static str] {
        &[
            "context_token_ids",
            "continuation_token_ids",
            "tokens_moved",
            "tokens_truncated",
            "windows",
            "token_logprobs",
            "loglikelihood",
            "is_greedy",
        ]
    }

    fn read(&self, lines: &[Line]) -> Vec<Result<LineRequest<ScoreAbout>, RequestError>> {
        self.reader.read(lines)
    }

    fn model(&mut self) -> &mut dyn LanguageModel {
        self.model
    }

    fn compute(&mut self, asked: &[LineAsk<'_, ScoreAbout>]) -> Result<(Vec<Vec<TokenScore>>, Tokens), ComputeError> {
        let scores: Vec<ScoreRequest<'_>> = asked
            .iter()
            .map(|asked| {
                let (context, continuation) = asked.ask.parts();
                ScoreRequest { context, continuation }
            })
            .collect();
        let (scores, texts) = (&scores[..], &mut []);
        let answers = self.model.answer(Batch { scores, texts })?;
        Ok((answers.scores, answers.tokens))
    }

    fn write(&self, request: &LineRequest<ScoreAbout>, replies: Vec<Vec<TokenScore>>) -> Result<String, RequestError> {
        let about = &request.about;
        let continuation: Vec<TokenId> = request.asks.iter().flat_map(|ask| ask.parts().1).copied().collect();
        let scores = replies.concat();
        let logprobs: Vec<f32> = scores.iter().map(|score| score.logprob).collect();
        // The sum of nothing is -0 without the 0.
        let sum = 0.0 + total(&logprobs);
        Ok(format!(
            "\"context_token_ids\":{},\"continuation_token_ids\":{},\"tokens_moved\":{},\"tokens_truncated\":{},\
             \"windows\":{},\"token_logprobs\":{},\"loglikelihood\":{},\"is_greedy\":{}",
            json(&about.context)?,
            json(&continuation)?,
            about.moved,
            about.truncated,
            request.asks.len(),
            json(&logprobs)?,
            json(&sum)?,
            scores.iter().all(|score| score.greedy)
        ))
    }
}
