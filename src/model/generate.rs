//! Generation: all texts in lockstep, one token of each a step, below prompts whose keys and values are kept.

use super::{
    Attempt, ModelError, TextRequest, TokenId, Tokens,
    engine::{Engine, finite},
    kept::KeptPrompt,
    kernels::{KvLayer, Linear, ReusedPages, Segment},
    memory::LOGIT_ROWS,
    pass::Pass,
    walk::{Stores, walk},
    writer::Writer,
};
use candle_core::Tensor;
use rayon::prelude::*;
use std::{ops::Range, sync::Arc};

/// A text on its way.
struct Growing {
    prompt: KeptPrompt,
    /// The hidden state after the prompt, `(1, hidden)`.
    begin: Tensor,
    pages: Arc<[u32]>,
    copied: Option<u32>,
    writer: Writer,
    /// Generated tokens whose keys and values are computed.
    run: usize,
    /// The hidden state after the last computed token, `(1, hidden)`.
    hidden: Tensor,
}

impl Growing {
    fn new(prompt: KeptPrompt, begin: Tensor, attempt: Attempt) -> Self {
        let (pages, copied) = prompt.text_pages();
        Self {
            writer: Writer::new(attempt, prompt.max_tokens),
            hidden: begin.clone(),
            prompt,
            begin,
            pages,
            copied,
            run: 0,
        }
    }

    /// Begins another text below the same prompt.
    fn again(&mut self, attempt: Attempt) {
        self.writer = Writer::new(attempt, self.prompt.max_tokens);
        self.hidden = self.begin.clone();
        self.run = 0;
    }

    /// Takes the tokens about which there is no choice.
    fn advance(&mut self, vocabulary: usize) -> Result<(), ModelError> {
        loop {
            // Allowed tokens are ascending.
            if let Some(&token) = self.writer.allowed().and_then(<[TokenId]>::last)
                && token as usize >= vocabulary
            {
                return Err(ModelError::UnknownToken { token, vocabulary });
            }
            if self.writer.take_forced().is_none() {
                return Ok(());
            }
        }
    }

    /// Whether nothing is left to be computed.
    fn is_finished(&self) -> bool {
        self.writer.is_over() && self.writer.unscored().is_empty()
    }

    /// The generated tokens to be computed now, by number. Nobody asks what follows the last token of a text that is over.
    fn due(&self) -> Range<usize> {
        let asked = usize::from(self.writer.is_over());
        self.run..self.writer.tokens().len().saturating_sub(asked).max(self.run)
    }

    /// Some of its tokens as rows from `first` on.
    fn segment(&self, tokens: Range<usize>, first: usize) -> Segment {
        Segment {
            rows: first..first + tokens.len(),
            position: self.prompt.tokens + tokens.start,
            pages: Arc::clone(&self.pages),
            copied: self.copied.filter(|_| tokens.start == 0),
        }
    }
}

/// A text in one step, and its generated tokens to be computed in it.
struct GrowthStep<'a> {
    text: &'a mut Growing,
    due: Range<usize>,
}

impl Engine {
    /// Generates all texts below `prompts`, each with the hidden state after it, `(1, hidden)`: as many below each as its
    /// request asks for, one after the other. Their keys and values lie in `stores`, one for each layer. Returns what it
    /// took; the texts are given to their requests.
    pub(super) fn generate(
        &self,
        head: &Linear,
        prompts: Vec<(KeptPrompt, Tensor)>,
        stores: &mut [KvLayer],
        texts: &mut [&mut dyn TextRequest],
    ) -> Result<Tokens, ModelError> {
        let mut tokens = Tokens::default();
        // Every step goes through all layers: where they are read, from one step to the next too.
        let _reused = ReusedPages::begin();
        let mut growing = Vec::with_capacity(prompts.len());
        for (prompt, begin) in prompts {
            if let Some(attempt) = texts[prompt.text].begin() {
                growing.push(Growing::new(prompt, begin, attempt));
            }
        }
        while !growing.is_empty() {
            let mut left = Vec::with_capacity(growing.len());
            for text in growing {
                left.extend(self.settle(text, texts, &mut tokens)?);
            }
            growing = left;
            tokens.shared += self.step(head, &mut growing, stores)?;
        }
        Ok(tokens)
    }

    /// Takes a text as far as nothing has to be computed for it, and, where it is finished, the next one of its request.
    fn settle(
        &self,
        mut text: Growing,
        texts: &mut [&mut dyn TextRequest],
        tokens: &mut Tokens,
    ) -> Result<Option<Growing>, ModelError> {
        loop {
            text.advance(self.config().vocabulary)?;
            if !text.is_finished() {
                return Ok(Some(text));
            }
            let request = &mut texts[text.prompt.text];
            let written = text.writer.take();
            tokens.alone += (text.prompt.tokens + written.tokens.len().saturating_sub(1)) as u64;
            request.finish(written);
            match request.begin() {
                Some(attempt) => text.again(attempt),
                None => return Ok(None),
            }
        }
    }

    /// One step of all texts. Returns how many tokens were computed.
    fn step(&self, head: &Linear, growing: &mut [Growing], stores: &mut [KvLayer]) -> Result<u64, ModelError> {
        let mut steps: Vec<GrowthStep<'_>> = growing
            .iter_mut()
            .map(|text| GrowthStep { due: text.due(), text })
            .collect();
        let computed = steps.iter().map(|step| step.due.len() as u64).sum();
        let states = self.states(&steps, stores)?;
        score_forced(head, &mut steps, &states)?;
        choose(head, &mut steps, &states)?;
        for (GrowthStep { text, due }, states) in steps.into_iter().zip(states) {
            text.run = due.end;
            text.hidden = states.narrow(0, due.len(), 1)?.force_contiguous()?;
        }
        Ok(computed)
    }

    /// Computes what is due of each text. Returns for each its last hidden state followed by the new ones,
    /// `(1 + due, hidden)`.
    fn states(&self, steps: &[GrowthStep<'_>], stores: &mut [KvLayer]) -> Result<Vec<Tensor>, ModelError> {
        let passes = self.step_passes(steps)?;
        let new = walk(&self.decoder, &passes, &mut Stores::Each(stores))?;
        let new: Vec<Tensor> = new.into_iter().flatten().collect();
        let new = match new.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(Tensor::cat(several, 0)?),
        };
        let mut row = 0;
        let mut states = Vec::with_capacity(steps.len());
        for GrowthStep { text, due } in steps {
            let n = due.len();
            states.push(match &new {
                Some(new) if n > 0 => Tensor::cat(&[&text.hidden, &new.narrow(0, row, n)?], 0)?,
                _ => text.hidden.clone(),
            });
            row += n;
        }
        Ok(states)
    }

    /// What is due of each text in passes that are not too large.
    fn step_passes(&self, steps: &[GrowthStep<'_>]) -> Result<Vec<Pass>, ModelError> {
        let size = self.pass_size(steps.iter().map(|step| step.due.len()).sum());
        // Texts that are generated together are of one class.
        let class = steps.first().map(|step| step.text.prompt.class).unwrap_or_default();
        let mut passes = Vec::new();
        let (mut tokens, mut segments): (Vec<TokenId>, Vec<Segment>) = (Vec::new(), Vec::new());
        let mut close = |tokens: &mut Vec<TokenId>, segments: &mut Vec<Segment>| -> Result<(), ModelError> {
            let rows = (0..tokens.len()).collect();
            passes.push(
                self.decoder
                    .pass(std::mem::take(tokens), std::mem::take(segments), rows, class)?,
            );
            Ok(())
        };
        for GrowthStep { text, due } in steps {
            let mut rest = due.clone();
            while !rest.is_empty() {
                let here = rest.start..rest.end.min(rest.start + size - tokens.len());
                rest.start = here.end;
                segments.push(text.segment(here.clone(), tokens.len()));
                tokens.extend(&text.writer.tokens()[here]);
                if tokens.len() == size {
                    close(&mut tokens, &mut segments)?;
                }
            }
        }
        if !tokens.is_empty() {
            close(&mut tokens, &mut segments)?;
        }
        Ok(passes)
    }
}

/// Records the log-probabilities of tokens about which there was no choice.
fn score_forced(head: &Linear, steps: &mut [GrowthStep<'_>], states: &[Tensor]) -> Result<(), ModelError> {
    let mut hidden = Vec::new();
    let mut targets = Vec::new();
    for (GrowthStep { text, .. }, states) in steps.iter().zip(states) {
        let forced = text.writer.unscored();
        if !forced.is_empty() {
            // The state before generated token `t` is row `t - run`.
            let first = text.writer.tokens().len() - forced.len();
            hidden.push(states.narrow(0, first - text.run, forced.len())?);
            targets.extend((targets.len()..).zip(forced.iter().copied()));
        }
    }
    if targets.is_empty() {
        return Ok(());
    }
    let mut scores = head.token_scores(&Tensor::cat(&hidden, 0)?, &targets)?.into_iter();
    for GrowthStep { text, .. } in steps {
        for score in scores.by_ref().take(text.writer.unscored().len()) {
            finite(score.logprob)?;
            text.writer.score_taken(score.logprob);
        }
    }
    Ok(())
}

/// Chooses the next token of every text that isn't over.
fn choose(head: &Linear, steps: &mut [GrowthStep<'_>], states: &[Tensor]) -> Result<(), ModelError> {
    let open = steps
        .iter_mut()
        .zip(states)
        .filter(|(step, _)| !step.text.writer.is_over());
    let mut open: Vec<(&mut GrowthStep<'_>, &Tensor)> = open.collect();
    for open in open.chunks_mut(LOGIT_ROWS) {
        let last = open
            .iter()
            .map(|(step, states)| states.narrow(0, step.due.len(), 1))
            .collect::<candle_core::Result<Vec<_>>>()?;
        let logprobs = head.log_softmax(&Tensor::cat(&last, 0)?)?;
        for logprobs in &logprobs {
            finite(logprobs.first().copied().unwrap_or_default())?;
        }
        let each = logprobs.par_iter().zip(open);
        each.for_each(|(logprobs, (step, _))| {
            step.text.writer.step(logprobs);
        });
    }
    Ok(())
}
