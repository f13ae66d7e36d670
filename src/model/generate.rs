//! Generation: all branches in lockstep, one packed pass a step.

use super::{
    Branch, Constraint, Decoding, Finish, Generation, LanguageModel, Menu, ModelError, Node, TokenId,
    decoder::Run,
    engine::{Engine, Keep, extend_path, finite},
    kernels::Span,
    sampling::Sampler,
    slots::{part, push_span},
    trie::Trie,
};
use candle_core::Tensor;
use std::ops::Range;

/// A generation on its way.
struct Growing {
    constraint: Option<Box<dyn Constraint>>,
    sampler: Sampler,
    max_tokens: usize,
    /// Slots of everything before the first generated token.
    before: Vec<Span>,
    /// Slots for all tokens that may be generated.
    own: Vec<Span>,
    tokens: Vec<TokenId>,
    logprobs: Vec<f32>,
    off_menu: Vec<f32>,
    /// Generated tokens whose keys and values are computed.
    run: usize,
    /// The hidden state after the last computed token.
    hidden: Tensor,
    finish: Option<Finish>,
}

/// What a branch wants of the next pass.
enum Next {
    /// A choice among these tokens, or among all.
    Choice(Option<Vec<TokenId>>),
    /// Nothing but the scores of its last, forced tokens.
    Scores,
}

/// A branch in one step.
struct Step<'a> {
    branch: &'a mut Growing,
    next: Next,
    /// The generated tokens to be computed now, by number.
    due: Range<usize>,
}

impl Growing {
    /// Takes the tokens that the constraint leaves no choice about, then says what is to be decided.
    fn advance(&mut self, stop: &[TokenId], vocabulary: usize) -> Result<Next, ModelError> {
        loop {
            let menu = match &mut self.constraint {
                Some(constraint) => constraint.menu(&self.tokens),
                None => Menu::Any,
            };
            let menu = match menu {
                Menu::Done => {
                    self.finish = Some(Finish::Complete);
                    return Ok(Next::Scores);
                }
                _ if self.tokens.len() >= self.max_tokens => {
                    self.finish = Some(Finish::Length);
                    return Ok(Next::Scores);
                }
                Menu::Any => return Ok(Next::Choice(None)),
                Menu::Only(menu) => sorted(menu, vocabulary)?,
            };
            match menu.as_slice() {
                // Nothing may follow: complete.
                [] => self.finish = Some(Finish::Complete),
                [token] if stop.contains(token) => self.finish = Some(Finish::Stop),
                [token] => {
                    self.tokens.push(*token);
                    continue;
                }
                _ => return Ok(Next::Choice(Some(menu))),
            }
            return Ok(Next::Scores);
        }
    }

    /// The generated tokens to be computed now, by number. Nobody asks what follows the last token of a finished
    /// generation.
    fn due(&self, next: &Next) -> Range<usize> {
        let end = match next {
            Next::Choice(_) => self.tokens.len(),
            Next::Scores => self.tokens.len().saturating_sub(1),
        };
        self.run..end.max(self.run)
    }

    fn finished(self) -> Generation {
        Generation {
            tokens: self.tokens,
            logprobs: self.logprobs,
            off_menu: self.off_menu,
            finish: self.finish.unwrap_or(Finish::Length),
        }
    }
}

/// A menu without repetitions, ascending.
fn sorted(mut menu: Vec<TokenId>, vocabulary: usize) -> Result<Vec<TokenId>, ModelError> {
    menu.sort_unstable();
    menu.dedup();
    match menu.last() {
        Some(&token) if token as usize >= vocabulary => Err(ModelError::UnknownToken { token, vocabulary }),
        _ => Ok(menu),
    }
}

impl Engine {
    /// See [`LanguageModel::generate`]. A generation ends with [`Finish::Length`] where the context does. Branches that
    /// would not fit into memory together with all they may generate are decoded in several groups.
    pub(super) fn generate_branches(
        &mut self,
        parent: Node,
        branches: Vec<Branch>,
        decoding: &Decoding,
    ) -> Result<Vec<Generation>, ModelError> {
        let jobs: Vec<(Node, &[TokenId])> = branches.iter().map(|b| (parent, b.prompt.as_slice())).collect();
        self.check(&jobs)?;
        let depth = self.tree.depth(parent)?;
        let no_context = |branch: &Branch| depth + branch.prompt.len() == 0;
        if branches.iter().any(no_context) {
            return Err(ModelError::NoContext);
        }
        // Its prompt, and all generated tokens but the last, which predicts nothing.
        let limit = self.context_length();
        let most = |branch: &Branch| branch.max_tokens.min(limit - depth - branch.prompt.len());
        let slots = |branch: &Branch| branch.prompt.len() + most(branch).saturating_sub(1);
        self.check_room(branches.iter().map(slots).max().unwrap_or(0))?;

        let mut out = Vec::with_capacity(branches.len());
        let mut group: Vec<(Branch, usize)> = Vec::new();
        let mut room = self.free_tokens();
        for branch in branches {
            let needed = slots(&branch);
            if needed > room {
                out.extend(self.generate_group(parent, std::mem::take(&mut group), decoding)?);
                room = self.free_tokens();
            }
            room -= needed;
            let most = most(&branch);
            group.push((branch, most));
        }
        out.extend(self.generate_group(parent, group, decoding)?);
        Ok(out)
    }

    /// Generates branches, each with the most tokens it may have, that fit into memory together.
    fn generate_group(
        &mut self,
        parent: Node,
        group: Vec<(Branch, usize)>,
        decoding: &Decoding,
    ) -> Result<Vec<Generation>, ModelError> {
        let trie = Trie::new(group.iter().map(|(branch, _)| (parent, branch.prompt.as_slice())));
        let mut held = vec![None; trie.tokens().len()];
        let mut growing = Vec::with_capacity(group.len());
        let done = self
            .start(parent, group, decoding, &trie, &mut held, &mut growing)
            .and_then(|()| self.grow(&mut growing, &decoding.stop));
        self.give_back(held);
        let own = growing.iter_mut().flat_map(|branch| std::mem::take(&mut branch.own));
        self.tree.slots.give_back(own);
        done?;
        Ok(growing.into_iter().map(Growing::finished).collect())
    }

    /// Computes all prompts, packed.
    fn start(
        &mut self,
        parent: Node,
        group: Vec<(Branch, usize)>,
        decoding: &Decoding,
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
        let path = self.tree.path(parent)?;
        let below = self.tree.hidden(parent)?;
        for (i, (branch, max_tokens)) in group.into_iter().enumerate() {
            let mut before = path.clone();
            extend_path(&mut before, held, trie.path(i).iter().copied());
            let hidden = ends[i].map_or(below.clone(), |end| hidden[end].clone());
            growing.push(Growing {
                constraint: branch.constraint,
                sampler: Sampler::new(decoding, branch.seed),
                max_tokens,
                before,
                own: self.take(max_tokens.saturating_sub(1))?,
                tokens: Vec::new(),
                logprobs: Vec::new(),
                off_menu: Vec::new(),
                run: 0,
                hidden: hidden.ok_or(ModelError::NoContext)?,
                finish: None,
            });
        }
        Ok(())
    }

    /// Steps until every branch has finished.
    fn grow(&mut self, growing: &mut [Growing], stop: &[TokenId]) -> Result<(), ModelError> {
        loop {
            let mut steps = Vec::new();
            for branch in growing.iter_mut().filter(|branch| branch.finish.is_none()) {
                let next = branch.advance(stop, self.config().vocabulary)?;
                let due = branch.due(&next);
                steps.push(Step { branch, next, due });
            }
            if steps.is_empty() {
                return Ok(());
            }
            let states = self.compute(&steps)?;
            self.score_forced(&mut steps, &states)?;
            self.choose(&mut steps, &states, stop)?;
            for (step, states) in steps.iter_mut().zip(states) {
                step.branch.run = step.due.end;
                step.branch.hidden = states.narrow(0, step.due.len(), 1)?.copy()?;
            }
        }
    }

    /// Computes what is due of each branch. Returns for each its last hidden state followed by the new ones,
    /// `(1 + due, hidden)`.
    fn compute(&mut self, steps: &[Step<'_>]) -> Result<Vec<Tensor>, ModelError> {
        let run = |Step { branch, due, .. }: &Step<'_>| {
            let mut before = branch.before.clone();
            for span in part(&branch.own, 0..due.start) {
                push_span(&mut before, span);
            }
            Run {
                tokens: branch.tokens[due.clone()].to_vec(),
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
        for Step { branch, due, .. } in steps {
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
    fn score_forced(&self, steps: &mut [Step<'_>], states: &[Tensor]) -> Result<(), ModelError> {
        let mut hidden = Vec::new();
        let mut targets = Vec::new();
        for (Step { branch, .. }, states) in steps.iter().zip(states) {
            let scored = branch.logprobs.len();
            let forced = &branch.tokens[scored..];
            if !forced.is_empty() {
                // The state before generated token `t` is row `t - run`.
                hidden.push(states.narrow(0, scored - branch.run, forced.len())?);
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
        for Step { branch, .. } in steps {
            let forced = branch.tokens.len() - branch.logprobs.len();
            for score in scores.by_ref().take(forced) {
                finite(score.logprob)?;
                branch.logprobs.push(score.logprob);
                branch.off_menu.push((-score.logprob.exp_m1()).max(0.));
            }
        }
        Ok(())
    }

    /// Chooses the next token of every branch that has a choice.
    fn choose(&self, steps: &mut [Step<'_>], states: &[Tensor], stop: &[TokenId]) -> Result<(), ModelError> {
        let mut last = Vec::new();
        for (Step { next, due, .. }, states) in steps.iter().zip(states) {
            if matches!(next, Next::Choice(_)) {
                last.push(states.narrow(0, due.len(), 1)?);
            }
        }
        if last.is_empty() {
            return Ok(());
        }
        let logits = self.logits_of(&Tensor::cat(&last, 0)?)?;
        let mut row = 0;
        for Step { branch, next, .. } in steps {
            let Next::Choice(menu) = next else { continue };
            let logits = logits.get(row)?.to_vec1::<f32>()?;
            row += 1;
            let Some(choice) = branch.sampler.choose(&logits, menu.as_deref()) else {
                continue;
            };
            finite(choice.logprob)?;
            if stop.contains(&choice.token) {
                branch.finish = Some(Finish::Stop);
                continue;
            }
            branch.tokens.push(choice.token);
            branch.logprobs.push(choice.logprob);
            branch.off_menu.push(choice.off_menu);
        }
        Ok(())
    }
}
