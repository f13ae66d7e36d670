//! The prompts of a run: built-in templates or one's own, and the model's chat template around them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{ChatUse, RunError, Spec};
use crate::model::Tokenizer;
use crate::prompt::{ChatTemplate, Date, Frame, PaperPrompt, ProbePrompt, PromptKind};
use crate::scoring::Method;

/// Every prompt a run may need, parsed once.
#[derive(Debug)]
pub struct Prompts {
    /// Each candidate follows as the next statement.
    pub likelihood: ProbePrompt,
    /// Options are listed and their labels scored.
    pub label: ProbePrompt,
    /// Options are listed and the model writes its choice.
    pub single: ProbePrompt,
    /// The paper's.
    pub paper: PaperPrompt,
    /// What stands around prompts that ask a chat model; plain where the model has no chat template.
    chat: Frame,
    chat_use: ChatUse,
}

impl Prompts {
    /// The templates that a spec names, in the frame of a model with this chat template.
    pub fn new(spec: &Spec, tokenizer: &Tokenizer, chat_template: Option<&str>) -> Result<Self, RunError> {
        let probe = |kind, own: &Option<PathBuf>| match own {
            Some(path) => ProbePrompt::read(kind, path),
            None => ProbePrompt::built_in(kind),
        };
        let chat_use = spec.scoring.chat;
        let asked = |method: &Method| chat_use.asks(*method);
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
            likelihood: probe(PromptKind::Likelihood, &spec.prompts.likelihood)?,
            label: probe(PromptKind::Label, &spec.prompts.label)?,
            single: probe(PromptKind::Single, &spec.prompts.generation)?,
            paper: match &spec.prompts.paper {
                Some(path) => PaperPrompt::read(path)?,
                None => PaperPrompt::built_in()?,
            },
            chat,
            chat_use,
        })
    }

    /// What stands around the prompts of a method.
    pub fn frame(&self, method: Method) -> &Frame {
        match self.chat_use.asks(method) {
            true => &self.chat,
            false => &Frame::Plain,
        }
    }

    /// Says where chats lack the token that the tokenizer puts before every other text.
    pub fn note(&self, tokenizer: &Tokenizer) -> Option<String> {
        let Frame::Chat(frame) = &self.chat else {
            return None;
        };
        tokenizer.chat_note(&frame.before)
    }

    /// SHA-256 by name of the prompts that these methods use.
    pub fn hashes(&self, methods: &[Method]) -> BTreeMap<String, String> {
        methods
            .iter()
            .map(|method| match method {
                Method::Likelihood => ("prompt_likelihood", self.likelihood.hash()),
                Method::Label => ("prompt_label", self.label.hash()),
                Method::Generation => ("prompt_generation", self.single.hash()),
                Method::GenerationPaper => ("prompt_paper", self.paper.hash()),
            })
            .map(|(name, hash)| (name.to_owned(), hash.to_owned()))
            .collect()
    }
}
