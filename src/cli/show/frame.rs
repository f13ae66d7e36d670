//! Plain text or a checkpoint's chat template.

use super::{Args, ShowError, StyleFlag};
use crate::model::Inspection;
use crate::model::source::{self, Environment, Fetch, Silent};
use crate::prompt::{ChatTemplate, Date, Frame};

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
        let text = |id: Option<u32>| -> String {
            let tokenizer = found.tokenizer.as_ref();
            tokenizer
                .zip(id)
                .and_then(|(tokenizer, id)| tokenizer.token(id))
                .unwrap_or_default()
        };
        let tokenizer = found.tokenizer.as_ref();
        let bos = text(tokenizer.and_then(|tokenizer| tokenizer.bos()));
        let eos = text(tokenizer.and_then(|tokenizer| tokenizer.eos()));
        Ok(Some(Frame::Chat(
            ChatTemplate::new(&source, &bos, &eos, Date::default())?.frame()?,
        )))
    };
    match args.style {
        Some(StyleFlag::Plain) => Ok(Frame::Plain),
        None => Ok(template()?.unwrap_or(Frame::Plain)),
        Some(StyleFlag::Chat) => Ok(template()?.ok_or_else(|| ShowError::NoChatTemplate {
            model: args.model.clone(),
        })?),
    }
}
