//! Scoring: continuations below nodes, packed into as few passes as rows and slots allow.

use super::{
    ModelError, Node, TokenId, TokenScore,
    engine::{Engine, finite},
    slots::Keep,
    trie::Trie,
};
use candle_core::Tensor;
use std::collections::HashMap;

/// A row of hidden states, and the token that it is asked about.
type AskedRow = (usize, Place);

/// A token to be scored: number of its job, and its place in the job's continuation.
type Place = (usize, usize);

/// Continuations and what is known of them so far.
struct JobScores<'j> {
    jobs: &'j [(Node, &'j [TokenId])],
    found: Vec<Vec<Option<TokenScore>>>,
}

impl<'j> JobScores<'j> {
    fn new(jobs: &'j [(Node, &'j [TokenId])]) -> Self {
        let found = jobs.iter().map(|(_, tokens)| vec![None; tokens.len()]).collect();
        Self { jobs, found }
    }

    /// Scores the tokens that rows of `hidden`, `(rows, hidden)`, are asked about.
    fn put(&mut self, engine: &Engine, hidden: &Tensor, questions: &[AskedRow]) -> Result<(), ModelError> {
        let token = |&(row, (job, at)): &AskedRow| (row, self.jobs[job].1[at]);
        let targets: Vec<(usize, TokenId)> = questions.iter().map(token).collect();
        let found = engine.decoder.head().token_scores(hidden, &targets)?;
        for (&(_, (job, at)), score) in questions.iter().zip(found) {
            finite(score.logprob)?;
            self.found[job][at] = Some(score);
        }
        Ok(())
    }

    fn finish(self) -> Vec<Vec<TokenScore>> {
        let rows = self.found.into_iter();
        rows.map(|row| row.into_iter().flatten().collect()).collect()
    }
}

impl Engine {
    /// See [`LanguageModel::score_many`](super::LanguageModel::score_many).
    pub(super) fn score_packed(&mut self, jobs: &[(Node, &[TokenId])]) -> Result<Vec<Vec<TokenScore>>, ModelError> {
        // The last token of a continuation predicts nothing that is asked for.
        self.check_unfed(jobs, 1)?;
        let fed = jobs
            .iter()
            .map(|&(node, tokens)| (node, &tokens[..tokens.len().saturating_sub(1)]));
        let trie = Trie::new(fed);
        self.check_room(trie.longest())?;
        // What the hidden state of each token of the trie is asked.
        let mut asked: Vec<Vec<Place>> = vec![Vec::new(); trie.tokens().len()];
        for job in 0..jobs.len() {
            for (position, &at) in trie.path(job).iter().enumerate() {
                asked[at].push((job, position + 1));
            }
        }
        let mut scores = JobScores::new(jobs);
        if let Some((hidden, questions)) = self.first_tokens(jobs)? {
            scores.put(self, &hidden, &questions)?;
        }
        self.with_trie(
            &trie,
            Keep::WhileNeeded,
            |_| true,
            |engine, tokens, hidden| {
                let rows = tokens.iter().enumerate();
                let questions = rows.flat_map(|(row, &at)| asked[at].iter().map(move |&place| (row, place)));
                scores.put(engine, hidden, &questions.collect::<Vec<_>>())
            },
        )?;
        Ok(scores.finish())
    }

    /// The hidden states at the ends of the jobs' nodes, each node's once, `(nodes, hidden)`, and what they are asked:
    /// the first token of each continuation. Nothing where all continuations are empty.
    fn first_tokens(&self, jobs: &[(Node, &[TokenId])]) -> Result<Option<(Tensor, Vec<AskedRow>)>, ModelError> {
        let mut ends: Vec<Tensor> = Vec::new();
        let mut rows: HashMap<Node, usize> = HashMap::new();
        let mut questions = Vec::new();
        for (job, &(node, _)) in jobs.iter().enumerate().filter(|(_, (_, tokens))| !tokens.is_empty()) {
            let row = match rows.get(&node) {
                Some(&row) => row,
                None => {
                    ends.push(self.tree.hidden(node)?.ok_or(ModelError::NoContext)?);
                    rows.insert(node, ends.len() - 1);
                    ends.len() - 1
                }
            };
            questions.push((row, (job, 0)));
        }
        if ends.is_empty() {
            return Ok(None);
        }
        Ok(Some((Tensor::cat(&ends, 0)?, questions)))
    }
}
