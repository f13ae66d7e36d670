//! Context and continuation are tokenised together, and cut where the context ends.
//!
//! Where a token spans the join, the join moves back to the last token boundary, and [`Joined::moved`] says so: the
//! continuation's first token then begins inside the context. Long contexts are encoded once; what is put after them
//! is encoded with their last words only, where the tokenizer is known to allow that.

pub use crate::model::tokenizer::Markup;
use crate::model::tokenizer::Span;
use crate::model::{TokenId, TokenizeError, Tokenizer};

/// Encodes texts that grow.
#[derive(Debug, Clone, Copy)]
pub struct Encoder<'t> {
    tokenizer: &'t Tokenizer,
    markup: Markup,
    cuts: bool,
}

/// A text with its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    text: String,
    /// Its tokens, the one that was put before it included.
    spans: Vec<Span>,
    cut: Option<SpaceCut>,
}

/// From where on a text is encoded again when something is put after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SpaceCut {
    /// First byte that is encoded again.
    byte: usize,
    /// First token that is encoded again.
    token: usize,
}

/// Tokens of a context and of what follows on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Tokens of the context, with the one that the tokenizer puts before every text.
    pub context: Vec<TokenId>,
    /// Tokens of the continuation.
    pub continuation: Vec<TokenId>,
    /// Tokens of the continuation that begin inside the context: 0, where the context ends with a token.
    pub moved: usize,
}

impl<'t> Encoder<'t> {
    /// An encoder for texts of one kind. Looks through the vocabulary: make it once.
    pub fn new(tokenizer: &'t Tokenizer, markup: Markup) -> Self {
        Self {
            tokenizer,
            markup,
            cuts: tokenizer.cuts_before_words(),
        }
    }

    /// Tokens of a part of a text.
    fn part(&self, text: &str) -> Result<Vec<Span>, TokenizeError> {
        match self.markup {
            Markup::Text => self.tokenizer.encode_with_spans(text),
            Markup::Control | Markup::Chat => self.tokenizer.encode_with_specials_and_spans(text),
        }
    }

    /// Tokens of a text from its beginning, and how many of them were put before it.
    fn whole(&self, text: &str) -> Result<(usize, Vec<Span>), TokenizeError> {
        let mut spans = self.part(text)?;
        let first = spans.first().map(|span| span.id);
        let Some(id) = self.tokenizer.first_token(self.markup, first) else {
            return Ok((0, spans));
        };
        spans.insert(0, Span { id, bytes: 0..0 });
        Ok((1, spans))
    }

    /// Tokens of a text.
    pub fn encode(&self, text: &str) -> Result<Encoded, TokenizeError> {
        let (_, spans) = self.whole(text)?;
        let cut = self.cut(text, &spans)?;
        Ok(Encoded {
            text: text.to_owned(),
            spans,
            cut,
        })
    }

    /// Tokens of a text with more put after it.
    pub fn append(&self, before: &Encoded, more: &str) -> Result<Encoded, TokenizeError> {
        let (kept, _, fresh) = self.encode_after(before, more)?;
        let text = [before.text.as_str(), more].concat();
        let mut spans = before.spans[..kept].to_vec();
        spans.extend(fresh);
        let cut = self.cut(&text, &spans)?;
        Ok(Encoded { text, spans, cut })
    }

    /// Tokens of a context and of what follows on it, encoded together. All tokens belong to the continuation where
    /// the context is empty, but for the one that was put before the text.
    pub fn join(&self, context: &Encoded, continuation: &str) -> Result<Joined, TokenizeError> {
        self.join_after_space(context, "", continuation)
    }

    /// As [`join`](Self::join), where white space was cut off the end of the context: it is scored with the continuation,
    /// as lm-evaluation-harness does, and tokens that begin in it count as moved.
    pub(crate) fn join_after_space(
        &self,
        context: &Encoded,
        space: &str,
        continuation: &str,
    ) -> Result<Joined, TokenizeError> {
        let (kept, put, fresh) = self.encode_after(context, &[space, continuation].concat())?;
        let end = context.text.len();
        let inside = |span: &Span| end > 0 && span.bytes.end <= end;
        let boundary = put + fresh[put..].iter().take_while(|span| inside(span)).count();
        let (before, after) = fresh.split_at(boundary);
        Ok(Joined {
            context: ids(&context.spans[..kept]).chain(ids(before)).collect(),
            continuation: ids(after).collect(),
            moved: after.iter().filter(|span| span.bytes.start < end + space.len()).count(),
        })
    }

    /// How many tokens of `before` stay when `more` is put after it, and the tokens after these, with how many of them
    /// were put before the text.
    fn encode_after(&self, before: &Encoded, more: &str) -> Result<(usize, usize, Vec<Span>), TokenizeError> {
        let Some(cut) = before.cut else {
            let (put, spans) = self.whole(&[before.text.as_str(), more].concat())?;
            return Ok((0, put, spans));
        };
        let tail = [&before.text[cut.byte..], more].concat();
        let mut spans = self.part(&tail).map_err(|error| match error {
            TokenizeError::Lost { character, at } => TokenizeError::Lost {
                character,
                at: at + cut.byte,
            },
            failed => failed,
        })?;
        for span in &mut spans {
            span.bytes = span.bytes.start + cut.byte..span.bytes.end + cut.byte;
        }
        Ok((cut.token, 0, spans))
    }

    /// The last place from which encoding again gives the text's own last tokens. That it does is tried, with the cut's
    /// space and without (some tokenizers put a space before every text); that it goes on to do so with more text
    /// behind it is the tokenizer's [promise](Tokenizer::cuts_before_words).
    fn cut(&self, text: &str, spans: &[Span]) -> Result<Option<SpaceCut>, TokenizeError> {
        let Some(at) = Tokenizer::last_cut(text).filter(|_| self.cuts) else {
            return Ok(None);
        };
        let token = spans.partition_point(|span| span.bytes.end <= at);
        for byte in [at, at + 1] {
            if ids(&self.part(&text[byte..])?).eq(ids(&spans[token..])) {
                return Ok(Some(SpaceCut { byte, token }));
            }
        }
        Ok(None)
    }
}

impl Encoded {
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The tokens, with the one that was put before the text.
    pub fn tokens(&self) -> Vec<TokenId> {
        ids(&self.spans).collect()
    }
}

fn ids(spans: &[Span]) -> impl Iterator<Item = TokenId> {
    spans.iter().map(|span| span.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(tokenizer: &Tokenizer, context: &str, continuation: &str) -> Result<Joined, TokenizeError> {
        let encoder = Encoder::new(tokenizer, Markup::Text);
        encoder.join(&encoder.encode(context)?, continuation)
    }
    use crate::model::Checkpoint;
    use proptest::prelude::*;

    /// A tokenizer with merges, of a checkpoint that lies in the repository.
    fn golden(name: &str) -> Tokenizer {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(name);
        Checkpoint::open(&path).expect("a checkpoint").tokenizer
    }

    /// What [`Encoder::join`] is meant to give, without any shortcut.
    fn whole(tokenizer: &Tokenizer, context: &str, continuation: &str) -> Joined {
        let spans = tokenizer
            .encode_with_spans(&format!("{context}{continuation}"))
            .expect("tokens");
        let boundary = match context.len() {
            0 => 0,
            end => spans
                .iter()
                .position(|span| span.bytes.end > end)
                .unwrap_or(spans.len()),
        };
        let leading = tokenizer.special_tokens().leading;
        Joined {
            context: leading.into_iter().chain(ids(&spans[..boundary])).collect(),
            continuation: ids(&spans[boundary..]).collect(),
            moved: spans[boundary..]
                .iter()
                .filter(|span| span.bytes.start < context.len())
                .count(),
        }
    }

    #[test]
    fn a_token_across_the_join_belongs_to_the_continuation() {
        let tokenizer = golden("llama3-tied-f32");
        let text = "the other";
        let spans = tokenizer.encode_with_spans(text).expect("tokens");
        let long = spans.iter().rfind(|span| span.bytes.len() > 1).expect("a merged token");
        let inside = long.bytes.start + 1;
        let joined = join(&tokenizer, &text[..inside], &text[inside..]).expect("tokens");
        assert_eq!((joined.moved, joined.continuation[0]), (1, long.id));
        let at_boundary = join(&tokenizer, &text[..long.bytes.start], &text[long.bytes.start..]).expect("tokens");
        assert_eq!((at_boundary.moved, at_boundary.continuation[0]), (0, long.id));
    }

    #[test]
    fn an_empty_side_has_no_tokens_but_the_leading_one() {
        let tokenizer = Tokenizer::bytes();
        let joined = join(&tokenizer, "", "ab").expect("tokens");
        assert_eq!((joined.context, joined.continuation), (vec![256], vec![97, 98]));
        let joined = join(&tokenizer, "ab", "").expect("tokens");
        assert_eq!((joined.context, joined.continuation), (vec![256, 97, 98], vec![]));
        let chat = Encoder::new(&tokenizer, Markup::Chat);
        let joined = chat.join(&chat.encode("a").expect("tokens"), "b").expect("tokens");
        assert_eq!((joined.context, joined.continuation), (vec![97], vec![98]));
    }

    proptest! {
        /// Growing a text word by word and joining at its end is encoding it whole.
        #[test]
        fn growing_is_encoding_whole(
            parts in proptest::collection::vec("([a-eT1 ']|the |and |\\.\n- ){0,12}", 1..6), continuation in "[ a-e]{0,8}",
        ) {
            for tokenizer in [golden("llama3-tied-f32"), golden("qwen2-tied-bf16"), Tokenizer::bytes()] {
                let encoder = Encoder::new(&tokenizer, Markup::Text);
                let mut grown = encoder.encode("")?;
                for part in &parts {
                    grown = encoder.append(&grown, part)?;
                }
                let text = parts.concat();
                prop_assert_eq!(grown.tokens(), tokenizer.encode_whole(&text, Markup::Text)?);
                prop_assert_eq!(encoder.join(&grown, &continuation)?, whole(&tokenizer, &text, &continuation));
            }
        }
    }
}
