//! What a chat template is asked, in the fields that `scripts/check_templates.py` writes.

use indieval::prompt::{ChatError, ChatSpec, ChatTemplate, Turn};
use serde::Deserialize;

/// A message or a conversation, and what the template is told beside.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    bos: String,
    #[serde(default)]
    eos: String,
    #[serde(default)]
    chat: ChatSpec,
    /// One message as a survey asks it,
    pub message: Option<String>,
    /// or a conversation.
    #[serde(default)]
    messages: Vec<Turn>,
}

impl Asked {
    /// The template, told what is said beside messages.
    pub fn template(&self, source: &str) -> Result<ChatTemplate, ChatError> {
        ChatTemplate::new(source, &self.bos, &self.eos, self.chat.clone())
    }

    /// What it makes of them.
    pub fn rendered(&self, template: &ChatTemplate) -> Result<String, ChatError> {
        match &self.message {
            Some(message) => template.render(message),
            None => template.render_conversation(&self.messages),
        }
    }
}
