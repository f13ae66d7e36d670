//! The prompts of a run: built-in templates or one's own, and the model's chat template around them.

use std::collections::BTreeMap;

use super::{ChatUse, RunError, Spec};
use crate::model::Tokenizer;
use crate::prompt::{ChatTemplate, Date, Frame, Prompt, PromptError};
use crate::scoring::Method;

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
    pub fn new(spec: &Spec, tokenizer: &Tokenizer, chat_template: Option<&str>) -> Result<Self, RunError> {
        let text = |id: Option<u32>| id.and_then(|id| tokenizer.token(id)).unwrap_or_default();
        let chat = match chat_template {
            None => Frame::Plain,
            Some(source) => {
                let template =
                    ChatTemplate::new(source, &text(tokenizer.bos()), &text(tokenizer.eos()), Date::default())?;
                Frame::Chat(template.frame()?)
            }
        };
        Ok(Self {
            of_method: Method::ALL
                .iter()
                .map(|&method| Ok((method, method.prompt(spec.prompts.of(method))?)))
                .collect::<Result<_, PromptError>>()?,
            chat,
            chat_use: spec.scoring.chat,
        })
    }

    /// The prompt of a method.
    pub fn of(&self, method: Method) -> &Prompt {
        &self.of_method[&method]
    }

    /// What stands around the prompts of a method.
    pub fn frame(&self, method: Method) -> &Frame {
        match self.chat_use {
            ChatUse::All => &self.chat,
            ChatUse::Answers if method.definition().asks_for_answer() => &self.chat,
            ChatUse::Answers | ChatUse::None => &Frame::Plain,
        }
    }

    /// SHA-256 by name of the prompts that these methods use.
    pub fn hashes(&self, methods: &[Method]) -> BTreeMap<String, String> {
        let hash = |&method: &Method| (format!("prompt {method}"), self.of(method).hash().to_owned());
        methods.iter().map(hash).collect()
    }
}
