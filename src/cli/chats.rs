//! A model's chat template, as every command takes it.

use crate::model::{SpecialTokens, Tokenizer};
use crate::prompt::{ChatError, ChatSpec, ChatTemplate};

/// The template of a checkpoint with these control tokens.
///
/// # Errors
/// A template that cannot be used.
pub fn template(source: Option<&str>, special: &SpecialTokens) -> Result<Option<ChatTemplate>, ChatError> {
    let template = |source| ChatTemplate::new(source, special.bos_text(), special.eos_text(), ChatSpec::default());
    source.map(template).transpose()
}

/// Says where chats lack the token that the tokenizer puts before every other text.
pub fn note(template: &ChatTemplate, tokenizer: &Tokenizer) -> Option<String> {
    tokenizer.chat_note(&template.render("Hello").ok()?)
}
