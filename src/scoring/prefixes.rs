//! Prompts become tokens. What the prompts of a batch begin with is encoded once.

use super::join::{Encoded, Encoder, Markup};
use super::request::markup;
use crate::model::TokenizeError;
use crate::prompt::{Frame, Pieces};

/// Encodes the prompts of one batch.
#[derive(Debug)]
pub struct Prefixes<'t> {
    plain: Encoder<'t>,
    chat: Encoder<'t>,
    /// Texts that others begin with.
    known: Vec<(Markup, Encoded)>,
}

impl<'t> Prefixes<'t> {
    /// Encodes with these: `plain` encodes texts, `chat` rendered chat templates.
    pub(super) fn new(plain: Encoder<'t>, chat: Encoder<'t>) -> Self {
        Self {
            plain,
            chat,
            known: Vec::new(),
        }
    }

    /// The encoder of texts in this frame.
    pub(crate) fn encoder(&self, frame: &Frame) -> Encoder<'t> {
        match frame {
            Frame::Plain => self.plain,
            Frame::Chat(_) => self.chat,
        }
    }

    /// Tokens of a prompt up to where the answer begins.
    pub fn context(&mut self, pieces: &Pieces, frame: &Frame) -> Result<Encoded, TokenizeError> {
        let markup = markup(frame);
        let encoder = self.encoder(frame);
        let mut text = pieces.shared.clone();
        if self.longest(markup, &text).is_none_or(|known| known.text() != text) {
            let encoded = encoder.encode(&text)?;
            self.known.push((markup, encoded));
        }
        text.extend(pieces.person.iter().map(String::as_str));
        let known = self.longest(markup, &text);
        let grown = match known {
            Some(known) if known.text() == text => None,
            Some(known) => Some(encoder.append(known, &text[known.text().len()..])?),
            None => Some(encoder.encode(&text)?),
        };
        self.known.extend(grown.map(|grown| (markup, grown)));
        match self.longest(markup, &text) {
            Some(prefix) => encoder.append(prefix, &pieces.probe),
            None => encoder.encode(&format!("{text}{}", pieces.probe)),
        }
    }

    /// The longest text known that `text` begins with.
    fn longest(&self, markup: Markup, text: &str) -> Option<&Encoded> {
        let known = self
            .known
            .iter()
            .filter(|(of, known)| *of == markup && text.starts_with(known.text()));
        known.map(|(_, known)| known).max_by_key(|known| known.text().len())
    }
}
