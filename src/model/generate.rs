//! Generation: all branches in lockstep, one packed pass a step.

use super::{
    Branch, Decoding, Generation, LanguageModel, ModelError, Node, TokenId,
    decoder::Run,
    engine::{Engine, finite},
    kernels::SlotSpan,
    passes::extend_path,
    slots::{Keep, part, push_span},
    trie::Trie,
    writer::{Writer, log_softmax},
};
use candle_core::Tensor;
use std::ops::Range;

/// A generation on its way.
struct Growing {
    writer: Writer,
    /// Slots of everything before the first generated token.
    before: Vec<SlotSpan>,
    /// Slots for all tokens that may be generated.
    own: Vec<SlotSpan>,
    /// Generated tokens whose keys and values are computed.
    run: usize,
    /// The hidden state after the last computed token, `(1, hidden)`.
    hidden: Tensor,
}

impl Growing {
    /// Takes the tokens about which there is no choice.
    fn advance(&mut self, decoding: &Decoding, vocabulary: usize) -> Result<(), ModelError> {
        loop {
            // Allowed tokens are ascending.
            if let Some(&token) = self.writer.allowed().and_then(<[TokenId]>::last)
                && token as usize >= vocabulary
            {
                return Err(ModelError::UnknownToken { token, vocabulary });
            }
            if self.writer.take_forced(decoding).is_none() {
                return Ok(());
            }
        }
    }

    /// Whether nothing is left to be computed.
    fn is_finished(&self) -> bool {
        self.writer.is_over() && self.writer.unscored().is_empty()
    }

    /// The generated tokens to be computed now, by number. Nobody asks what follows the last token of a branch that
    /// is over.
    fn due(&self) -> Range<usize> {
        let asked = usize::from(self.writer.is_over());
        self.run..self.writer.tokens().len().saturating_sub(asked).max(self.run)
    }
}

/// A branch in one step, and its generated tokens to be computed in it.
struct GrowthStep<'a> {
    branch: &'a mut Growing,
    due: Range<usize>,
}

impl Engine {
    /// See [`LanguageModel::generate`]. A generation ends with [`Finish::Length`](super::Finish) where the context
    /// does. Branches that would not fit into memory together with all they may generate are decoded in several groups.
    pub(super) fn generate_branches(
        &mut self,
        mut branches: Vec<Branch>,
        decoding: &Decoding,
    ) -> Result<Vec<Generation>, ModelError> {
        let jobs: Vec<(Node, &[TokenId])> = branches.iter().map(|b| (b.parent, b.prompt.as_slice())).collect();
        self.check(&jobs)?;
        let limit = self.context_length();
        for branch in &mut branches {
            let depth = self.tree.depth(branch.parent)? + branch.prompt.len();
            if depth == 0 {
                return Err(ModelError::NoContext);
            }
            branch.max_tokens = branch.max_tokens.min(limit - depth);
        }
        // Its prompt, and all generated tokens but the last, which predicts nothing.
        let slots = |branch: &Branch| branch.prompt.len() + branch.max_tokens.saturating_sub(1);
        self.check_room(branches.iter().map(slots).max().unwrap_or(0))?;

        let mut out = Vec::with_capacity(branches.len());
        let mut group: Vec<Branch> = Vec::new();
        let mut room = self.free_tokens();
        for branch in branches {
            let needed = slots(&branch);
            if needed > room {
                out.extend(self.generate_group(std::mem::take(&mut group), decoding)?);
                room = self.free_tokens();
            }
            room -= needed;
            group.push(branch);
        }
        out.extend(self.generate_group(group, decoding)?);
        Ok(out)
    }

    /// Generates branches that fit into memory together.
    fn generate_group(&mut self, group: Vec<Branch>, decoding: &Decoding) -> Result<Vec<Generation>, ModelError> {
        let trie = Trie::new(group.iter().map(|branch| (branch.parent, branch.prompt.as_slice())));
        let mut held = vec![None; trie.tokens().len()];
        let mut growing = Vec::with_capacity(group.len());
        let done = self
            .start(group, &trie, &mut held, &mut growing)
            .and_then(|()| self.grow(&mut growing, decoding));
        self.give_back(held);
        let own = growing.iter_mut().flat_map(|branch| std::mem::take(&mut branch.own));
        self.tree.slots.give_back(own);
        done?;
        Ok(growing.into_iter().map(|branch| branch.writer.finish()).collect())
    }

    /// Computes all prompts, packed.
    fn start(
        &mut self,
        group: Vec<Branch>,
        trie: &Trie,
        held: &mut [Option<usize>],
        growing: &mut Vec<Growing>,
    ) -> Result<(), ModelError> {
        let ends: Vec<Option<usize>> = (0..group.len()).map(|i| trie.path(i).last().copied()).collect();
        let mut hidden: Vec<Option<Tensor>> = vec![None; trie.tokens().len()];
        let wanted = |at| ends.contains(&Some(at));
        self.run_trie(trie, Keep::All, held, wanted, |_, tokens, states| {
            for (row, &at) in tokens.iter().enumerate() {
                hidden[at] = Some(states.narrow(0, row, 1)?.copy()?);
            }
            Ok(())
        })?;
        for (i, branch) in group.into_iter().enumerate() {
            let mut before = self.tree.path(branch.parent)?;
            extend_path(&mut before, held, trie.path(i).iter().copied());
            let hidden = match ends[i] {
                Some(end) => hidden[end].clone(),
                None => self.tree.hidden(branch.parent)?,
            };
            growing.push(Growing {
                before,
                own: self.take(branch.max_tokens.saturating_sub(1))?,
                run: 0,
                hidden: hidden.ok_or(ModelError::NoContext)?,
                writer: Writer::new(branch),
            });
        }
        Ok(())
    }

    /// Steps until every branch has finished.
    fn grow(&mut self, growing: &mut [Growing], decoding: &Decoding) -> Result<(), ModelError> {
        loop {
            let mut steps = Vec::new();
            for branch in growing.iter_mut() {
                branch.advance(decoding, self.config().vocabulary)?;
                if !branch.is_finished() {
                    let due = branch.due();
                    steps.push(GrowthStep { branch, due });
                }
            }
            if steps.is_empty() {
                return Ok(());
            }
            let states = self.compute(&steps)?;
            self.score_forced(&mut steps, &states)?;
            self.choose(&mut steps, &states, decoding)?;
            for (GrowthStep { branch, due }, states) in steps.into_iter().zip(states) {
                branch.run = due.end;
                branch.hidden = states.narrow(0, due.len(), 1)?.copy()?;
            }
        }
    }

    /// Computes what is due of each branch. Returns for each its last hidden state followed by the new ones,
    /// `(1 + due, hidden)`.
    fn compute(&mut self, steps: &[GrowthStep<'_>]) -> Result<Vec<Tensor>, ModelError> {
        let run = |GrowthStep { branch, due }: &GrowthStep<'_>| {
            let mut before = branch.before.clone();
            for span in part(&branch.own, 0..due.start) {
                push_span(&mut before, span);
            }
            Run {
                tokens: branch.writer.tokens()[due.clone()].to_vec(),
                before,
                own: part(&branch.own, due.clone()),
            }
        };
        let runs: Vec<Run> = steps.iter().map(run).collect();
        let mut new = Vec::new();
        for runs in self.passes(&runs) {
            let rows: usize = runs.iter().map(|run| run.tokens.len()).sum();
            new.push(self.pass(&runs, &(0..rows).collect::<Vec<_>>())?);
        }
        let new = if new.is_empty() {
            None
        } else {
            Some(Tensor::cat(&new, 0)?)
        };
        let mut row = 0;
        let mut states = Vec::with_capacity(steps.len());
        for GrowthStep { branch, due } in steps {
            let n = due.len();
            states.push(match &new {
                Some(new) if n > 0 => Tensor::cat(&[&branch.hidden, &new.narrow(0, row, n)?], 0)?,
                _ => branch.hidden.clone(),
            });
            row += n;
        }
        Ok(states)
    }

    /// Cuts runs into passes that are not too large.
    fn passes(&self, runs: &[Run]) -> Vec<Vec<Run>> {
        let size = self.pass_size(runs.iter().map(|run| run.tokens.len()).sum());
        let mut passes: Vec<Vec<Run>> = Vec::new();
        let mut room = 0;
        for run in runs {
            let mut done = 0;
            while done < run.tokens.len() {
                if room == 0 {
                    passes.push(Vec::new());
                    room = size;
                }
                let n = room.min(run.tokens.len() - done);
                let mut before = run.before.clone();
                for span in part(&run.own, 0..done) {
                    push_span(&mut before, span);
                }
                let piece = Run {
                    tokens: run.tokens[done..done + n].to_vec(),
                    before,
                    own: part(&run.own, done..done + n),
                };
                if let Some(pass) = passes.last_mut() {
                    pass.push(piece);
                }
                done += n;
                room -= n;
            }
        }
        passes
    }

    /// Records the log-probabilities of tokens about which there was no choice.
    fn score_forced(&self, steps: &mut [GrowthStep<'_>], states: &[Tensor]) -> Result<(), ModelError> {
        let mut hidden = Vec::new();
        let mut targets = Vec::new();
        for (GrowthStep { branch, .. }, states) in steps.iter().zip(states) {
            let forced = branch.writer.unscored();
            if !forced.is_empty() {
                // The state before generated token `t` is row `t - run`.
                let first = branch.writer.tokens().len() - forced.len();
                hidden.push(states.narrow(0, first - branch.run, forced.len())?);
                targets.extend((targets.len()..).zip(forced.iter().copied()));
            }
        }
        if targets.is_empty() {
            return Ok(());
        }
        let mut scores = self
            .decoder
            .head()
            .token_scores(&Tensor::cat(&hidden, 0)?, &targets)?
            .into_iter();
        for GrowthStep { branch, .. } in steps {
            for score in scores.by_ref().take(branch.writer.unscored().len()) {
                finite(score.logprob)?;
                branch.writer.score_taken(score.logprob);
            }
        }
        Ok(())
    }

    /// Chooses the next token of every branch that isn't over.
    fn choose(&self, steps: &mut [GrowthStep<'_>], states: &[Tensor], decoding: &Decoding) -> Result<(), ModelError> {
        let mut last = Vec::new();
        for (GrowthStep { branch, due }, states) in steps.iter().zip(states) {
            if !branch.writer.is_over() {
                last.push(states.narrow(0, due.len(), 1)?);
            }
        }
        if last.is_empty() {
            return Ok(());
        }
        let logits = self.logits_of(&Tensor::cat(&last, 0)?)?.to_vec2::<f32>()?;
        let open = steps.iter_mut().filter(|step| !step.branch.writer.is_over());
        for (logits, GrowthStep { branch, .. }) in logits.iter().zip(open) {
            let logprobs = log_softmax(logits);
            finite(logprobs.first().copied().unwrap_or_default())?;
            branch.writer.step(&logprobs, decoding);
        }
        Ok(())
    }
}
