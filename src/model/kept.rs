//! What stays, in every layer, below prompts that are continued.

use super::{
    design::RopeClass,
    kernels::{KvLayer, PAGE},
};
use std::sync::Arc;

/// Keys and values below texts that are generated.
pub(super) struct Kept {
    /// One store a layer; none where no text is generated.
    pub stores: Vec<KvLayer>,
    /// Pages of the forest, and where they are kept.
    pub pages: Vec<(usize, usize)>,
}

/// A prompt that texts are generated below.
#[derive(Debug)]
pub(super) struct KeptPrompt {
    /// Number of its request among the batch's texts.
    pub text: usize,
    /// Its pages, in the stores of all layers.
    pub pages: Vec<u32>,
    /// Number of its tokens.
    pub tokens: usize,
    /// Tokens that a text may have.
    pub max_tokens: usize,
    /// How its length and theirs bear on positions.
    pub class: RopeClass,
    /// The first page of its texts.
    pub own: usize,
}

/// Pages that a text of at most `most` tokens needs below a prompt of so many: for all its tokens but the last, which predicts
/// nothing.
pub(crate) fn text_pages(prompt: usize, most: usize) -> usize {
    match most {
        0 | 1 => 0,
        most => (prompt + most - 1).div_ceil(PAGE) - prompt / PAGE,
    }
}

impl KeptPrompt {
    /// Pages that its texts need.
    pub fn own_pages(&self) -> usize {
        text_pages(self.tokens, self.max_tokens)
    }

    /// The pages of its texts' paths, and the page that the first of their own begins as a copy of.
    pub fn text_pages(&self) -> (Arc<[u32]>, Option<u32>) {
        let whole = self.tokens / PAGE;
        let own = (self.own..self.own + self.own_pages()).map(|page| page as u32);
        let pages = self.pages[..whole].iter().copied().chain(own).collect();
        (pages, self.pages.get(whole).copied())
    }
}
