//! Plain text or a checkpoint's chat template.

use super::{Args, ShowError};
use crate::cli::chats;
use crate::model::source::{self, Environment, Fetch, Silent};
use crate::model::{Inspection, SpecialTokens, Tokenizer};
use crate::prompt::{Frame, PromptStyle};

/// The frame asked for: by default the chat template where a model with one was named, as in a run.
pub(super) fn choose(args: &Args) -> anyhow::Result<Frame> {
    let template = || -> anyhow::Result<Option<Frame>> {
        let Some(model) = &args.model else { return Ok(None) };
        let located = source::locate(model, &Environment::from_process(), Fetch::Never, &mut Silent)?;
        let mut found = Inspection::of(&located.path);
        if let (None, Some(fault)) = (&found.tokenizer, found.faults.pop()) {
            return Err(fault.into());
        }
        let Some(source) = found.chat_template else {
            return Ok(None);
        };
        let none = SpecialTokens::default();
        let special = found.tokenizer.as_ref().map_or(&none, Tokenizer::special_tokens);
        let template = chats::template(Some(&source), special)?;
        Ok(template.map(|template| template.frame().map(Frame::Chat)).transpose()?)
    };
    match args.style {
        Some(PromptStyle::Plain) => Ok(Frame::Plain),
        None => Ok(template()?.unwrap_or(Frame::Plain)),
        Some(PromptStyle::Chat) => Ok(template()?.ok_or_else(|| ShowError::NoChatTemplate {
            model: args.model.clone(),
        })?),
    }
}
