//! Tokens with a role: what begins a text, what ends it, and which of them a text gets by itself.

use crate::model::TokenId;

/// A token and the text that stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecialToken {
    /// The token.
    pub id: TokenId,
    /// As chat templates write it.
    pub text: String,
}

/// The tokens that a model gives a role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpecialTokens {
    /// Beginning of sequence, where the model has one at all. A chat template may write it; that a text gets it by
    /// itself is another question, which `leading` answers.
    pub bos: Option<SpecialToken>,
    /// End of sequence.
    pub eos: Option<SpecialToken>,
    /// The token that the tokenizer puts before every text by itself: BOS or nothing in the models there are.
    pub leading: Option<TokenId>,
    /// All tokens that end an answer: end of text, end of turn, and what the generation settings add. Sorted.
    pub stop: Vec<TokenId>,
}

/// What a text is, which decides how control tokens in it are read and what it begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// Plain text: control tokens are text like any other, and the tokenizer's leading token is put before it.
    Text,
    /// Plain text in which control tokens are meant, as transformers and lm-evaluation-harness read every text. The
    /// leading token is put before it unless the text begins with it.
    Control,
    /// A rendered chat template: control tokens are meant, and nothing is put before it, since the template writes
    /// its own BOS or wants none.
    Chat,
}

impl SpecialTokens {
    /// What chat templates know as `bos_token`; empty where there is none.
    pub fn bos_text(&self) -> &str {
        self.bos.as_ref().map_or("", |token| &token.text)
    }

    /// What chat templates know as `eos_token`; empty where there is none.
    pub fn eos_text(&self) -> &str {
        self.eos.as_ref().map_or("", |token| &token.text)
    }

    /// What a text without a context is conditioned on: BOS where there is one at all, else the end of a text before
    /// it. (lm-evaluation-harness does the same.)
    pub fn empty_context(&self) -> Option<TokenId> {
        let id = |token: &Option<SpecialToken>| token.as_ref().map(|token| token.id);
        id(&self.bos)
            .or(self.leading)
            .or_else(|| id(&self.eos))
            .or_else(|| self.stop.first().copied())
    }
}
