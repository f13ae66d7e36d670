//! A prompt of either form: for one probe at a time, or for all probes of a case at once.

use super::error::PromptError;
use super::paper::PaperPrompt;
use super::pieces::{Frame, Pieces};
use super::template::ProbePrompt;
use crate::probe::Case;
use crate::survey::Catalogue;

/// A template that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// One probe a prompt.
    Probe(ProbePrompt),
    /// All probes of a case in one prompt.
    Paper(PaperPrompt),
}

impl Prompt {
    /// SHA-256 (hex) of the template's text.
    pub fn hash(&self) -> &str {
        match self {
            Self::Probe(prompt) => prompt.hash(),
            Self::Paper(prompt) => prompt.hash(),
        }
    }

    /// The prompt for a case: about its probe at position `probe`, its options in this order (absent: the catalogue's);
    /// or about all of its probes, where that is the form, whatever `probe` and `order` are.
    ///
    /// # Errors
    /// [`PromptError::NoProbe`] where the case has no such probe; what the catalogue or the order makes impossible.
    pub fn pieces(
        &self,
        catalogue: &Catalogue,
        case: &Case,
        probe: usize,
        order: Option<&[usize]>,
        frame: &Frame,
    ) -> Result<Pieces, PromptError> {
        match self {
            Self::Probe(prompt) => {
                let probe = case.probes.get(probe).ok_or(PromptError::NoProbe {
                    probe,
                    probes: case.probes.len(),
                })?;
                prompt.pieces(catalogue, case, probe, order, frame)
            }
            Self::Paper(prompt) => prompt.pieces(catalogue, case, frame),
        }
    }
}
