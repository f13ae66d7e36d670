//! The prompts of a run: built-in templates or one's own, and the model's chat template around them.

use std::collections::BTreeMap;

use super::{RunError, Spec};
use crate::model::Tokenizer;
use crate::prompt::{ChatTemplate, Date, Frame, Prompt, PromptError};
use crate::scoring::{ChatUse, Method};

/// The prompts of a run's methods, parsed once.
#[derive(Debug)]
pub struct Prompts {
    of_method: BTreeMap<Method, Prompt>,
    /// What stands around prompts that ask a chat model; plain where the model has no chat template.
    chat: Frame,
    chat_use: ChatUse,
}

impl Prompts {
    /// The templates that a spec names, in the frame of a model with this chat template.
    ///
    /// `survey` is what the survey is called where that is not as the built-in templates have it.
    pub fn new(
        spec: &Spec,
        survey: Option<&str>,
        tokenizer: &Tokenizer,
        chat_template: Option<&str>,
    ) -> Result<Self, RunError> {
        let chat_use = spec.scoring.chat;
        let asked = |method: &Method| chat_use.asks(method.definition().asks_for_answer());
        let chat = match chat_template {
            // A template that nobody needs may be as it is.
            Some(_) if !spec.grid.methods.iter().any(asked) => Frame::Plain,
            None => Frame::Plain,
            Some(source) => {
                let special = tokenizer.special_tokens();
                let template = ChatTemplate::new(source, special.bos_text(), special.eos_text(), Date::default())?;
                Frame::Chat(template.frame()?)
            }
        };
        Ok(Self {
            of_method: Method::ALL
                .iter()
                .map(|&method| Ok((method, method.prompt(spec.prompts.of(method), survey)?)))
                .collect::<Result<_, PromptError>>()?,
            chat,
            chat_use,
        })
    }

    /// The prompt of a method.
    pub fn of(&self, method: Method) -> &Prompt {
        &self.of_method[&method]
    }

    /// What stands around the prompts of a method.
    pub fn frame(&self, method: Method) -> &Frame {
        match self.chat_use.asks(method.definition().asks_for_answer()) {
            true => &self.chat,
            false => &Frame::Plain,
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
