//! The prompts of a run: built-in templates or one's own, and the model's chat template around them.

use std::collections::BTreeMap;

use super::{RunError, Spec};
use crate::model::Tokenizer;
use crate::prompt::{ChatError, ChatTemplate, Frame, Prompt, PromptError};
use crate::scoring::{ChatUse, EvidenceKind, Method};

/// The prompts of a run's methods, parsed once.
#[derive(Debug)]
pub struct Prompts {
    of_method: BTreeMap<Method, Prompt>,
    /// What stands around prompts that ask a chat model; plain where the model has no chat template.
    chat: Frame,
    /// The same where the model thinks before it writes an answer; absent where it is to answer at once.
    thinking: Option<Frame>,
    chat_use: ChatUse,
}

impl Prompts {
    /// The templates that a spec names, in the frame of a model with this chat template.
    ///
    /// `survey` is what the survey is called where that is not as the built-in templates have it.
    ///
    /// # Errors
    /// A template that cannot be used; a spec that tells something to a chat template where none is used.
    pub fn new(
        spec: &Spec,
        survey: Option<&str>,
        tokenizer: &Tokenizer,
        chat_template: Option<&str>,
    ) -> Result<Self, RunError> {
        let chat_use = spec.scoring.chat;
        let asks = |method: &Method| chat_use.asks(method.definition().asks_for_answer());
        // A template that nobody needs may be as it is.
        let used = chat_template.filter(|_| spec.grid.methods.iter().any(asks));
        heard(spec, chat_template.is_some(), used.is_some())?;
        let special = tokenizer.special_tokens();
        let template = used
            .map(|source| ChatTemplate::new(source, special.bos_text(), special.eos_text(), spec.chat.clone()))
            .transpose()?;
        let framed = |template: &ChatTemplate| -> Result<_, ChatError> {
            let thinking = spec.scoring.thinking_tokens;
            let thinking = thinking
                .map(|tokens| template.thinking_frame(tokens.get()))
                .transpose()?;
            Ok((Frame::Chat(template.frame()?), thinking.map(Frame::Chat)))
        };
        let (chat, thinking) = template.as_ref().map_or(Ok((Frame::Plain, None)), framed)?;
        Ok(Self {
            of_method: Method::ALL
                .iter()
                .map(|&method| Ok((method, method.prompt(spec.prompts.of(method), survey)?)))
                .collect::<Result<_, PromptError>>()?,
            chat,
            thinking,
            chat_use,
        })
    }

    /// The prompt of a method.
    pub fn of(&self, method: Method) -> &Prompt {
        &self.of_method[&method]
    }

    /// What stands around the prompts of a method.
    pub fn frame(&self, method: Method) -> &Frame {
        match (
            self.chat_use.asks(method.definition().asks_for_answer()),
            &self.thinking,
        ) {
            (false, _) => &Frame::Plain,
            (true, Some(thinking)) if writes(method) => thinking,
            (true, _) => &self.chat,
        }
    }

    /// Says where chats lack the token that the tokenizer puts before every other text.
    pub(crate) fn note(&self, tokenizer: &Tokenizer) -> Option<String> {
        let Frame::Chat(frame) = &self.chat else {
            return None;
        };
        tokenizer.chat_note(&frame.before)
    }

    /// SHA-256 by name of the prompts that these methods use.
    pub fn hashes(&self, methods: &[Method]) -> BTreeMap<String, String> {
        let hash = |&method: &Method| (format!("prompt_{method}"), self.of(method).hash().to_owned());
        methods.iter().map(hash).collect()
    }
}

/// Whether a method has answers written.
fn writes(method: Method) -> bool {
    method.definition().evidence() == EvidenceKind::Generation
}

/// Refuses what a spec says to a chat template that is not there or not used: nobody would hear it.
fn heard(spec: &Spec, exists: bool, used: bool) -> Result<(), RunError> {
    let thinking = spec.scoring.thinking_tokens.is_some();
    let what = match (thinking, spec.chat.is_default()) {
        (true, _) => "thinking_tokens of [scoring]",
        (false, false) => "[chat]",
        (false, true) => return Ok(()),
    };
    let why = match (exists, used) {
        (false, _) => "the model has no chat template",
        (true, false) => "every method asks in plain text",
        (true, true) if thinking && !spec.grid.methods.iter().copied().any(writes) => "no method has answers written",
        (true, true) => return Ok(()),
    };
    Err(RunError::Unheard { what, why })
}
