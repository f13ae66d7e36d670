//! Many continuations scored, or many prompts continued, with what they share computed once.

use super::ScoringError;
use super::plan::{Leaf, Packing, WalkPlan};
use crate::model::{Branch, Constraint, Decoding, Generation, LanguageModel, Node, TokenId, TokenScore};

/// A continuation to be scored after its context. Both are tokens below the base of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScoreJob<'a> {
    /// What precedes.
    pub context: &'a [TokenId],
    /// What is scored.
    pub continuation: &'a [TokenId],
}

/// A prompt to be continued, perhaps several times.
pub trait Continued {
    /// Tokens that precede the text.
    fn prompt(&self) -> &[TokenId];

    /// At most this many tokens are generated in one round.
    fn max_tokens(&self) -> usize;

    /// What may be generated in this round, and the seed of its sampling; `None` where no more is wanted. Rounds count
    /// from 0.
    fn begin(&mut self, round: usize) -> Option<(Option<Box<dyn Constraint>>, u64)>;

    /// Takes what was generated in this round.
    fn finish(&mut self, round: usize, generation: Generation);
}

/// Tokens computed, and what they would have been without sharing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Tokens that the model computed, generated ones included.
    pub shared: u64,
    /// Tokens that the same work takes with every continuation and every text computed on its own.
    pub alone: u64,
}

impl std::ops::AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.shared += other.shared;
        self.alone += other.alone;
    }
}

/// Most branches that are generated together: by then the weights are read for so many tokens that a pass gains little
/// from being larger, while the logits of all branches take their memory.
const BRANCHES_TOGETHER: usize = 128;

/// Scores of every job, in the order of `jobs`, and what sharing saved. See [`work`].
pub fn score_jobs<M: LanguageModel + ?Sized>(
    model: &mut M,
    base: Node,
    jobs: &[ScoreJob<'_>],
) -> Result<(Vec<Vec<TokenScore>>, Tokens), ScoringError> {
    work::<M, Never>(model, base, 0, jobs, &mut [], &[])
}

/// Scores every job and lets every prompt be continued, in one walk over one tree: what they share is computed once.
/// Contexts and prompts are whole paths, the first `held` tokens of which `base` holds already. Round r is generated
/// with `rounds[r]`; all rounds of a prompt follow each other while its node is held.
///
/// Equal jobs are computed once, and so is a continuation that another one below the same context begins with. Prompts
/// are generated together, as many as the memory (and 128) allows.
///
/// Returns the scores in the order of `jobs`. Errors: [`ScoringError::Room`] before anything is computed (naming the
/// job; prompts count on from the jobs); what the model reports while it runs.
pub fn work<M: LanguageModel + ?Sized, W: Continued>(
    model: &mut M,
    base: Node,
    held: usize,
    jobs: &[ScoreJob<'_>],
    writings: &mut [W],
    rounds: &[Decoding],
) -> Result<(Vec<Vec<TokenScore>>, Tokens), ScoringError> {
    let representative = representatives(jobs);
    let unique: Vec<usize> = (0..jobs.len()).filter(|&job| representative[job] == job).collect();
    let prompts: Vec<Vec<TokenId>> = writings.iter().map(|writing| writing.prompt().to_vec()).collect();
    let contexts = unique.iter().map(|&job| jobs[job].context);
    let paths: Vec<&[TokenId]> = contexts
        .chain(prompts.iter().map(Vec::as_slice))
        .map(|path| &path[held.min(path.len())..])
        .collect();
    let continuations = unique.iter().map(|&job| jobs[job].continuation.len());
    let leaves: Vec<Leaf> = continuations
        .chain(writings.iter().map(Continued::max_tokens))
        .map(|tokens| Leaf { tokens })
        .collect();
    let packing = if writings.is_empty() {
        Packing::Passes
    } else {
        Packing::Together
    };
    let hold_all = model.depth(base) == 0;
    let plan = WalkPlan::new(&paths, &leaves, packing, model.free_tokens(), hold_all).map_err(|error| {
        let number = |path: usize| match unique.get(path) {
            Some(&job) => job,
            None => path - unique.len() + jobs.len(),
        };
        named(error, number)
    })?;
    let before = model.computed_tokens();
    let alone = jobs.iter().map(|job| job.context.len() + job.continuation.len());
    let mut working = Working {
        jobs,
        unique: &unique,
        writings,
        rounds,
        rows: vec![Vec::new(); jobs.len()],
        alone: alone.sum::<usize>() as u64,
    };
    plan.walk(model, base, &paths, |model, reached| {
        let rest = |path: usize| &paths[path][plan.tree.homes[path].held..];
        let below = reached.iter().map(|&(node, path)| BelowHome {
            node,
            path,
            rest: rest(path),
            alone: held + paths[path].len(),
        });
        let (scored, written): (Vec<_>, Vec<_>) = below.partition(|below| below.path < unique.len());
        working.score(model, &scored)?;
        working.write(model, &written)
    })?;
    let Working { mut rows, alone, .. } = working;
    for (job, &from) in representative.iter().enumerate() {
        if from != job {
            rows[job] = rows[from][..jobs[job].continuation.len()].to_vec();
        }
    }
    let shared = model.computed_tokens() - before;
    Ok((rows, Tokens { shared, alone }))
}

/// A path whose home is computed.
struct BelowHome<'a> {
    /// Its home.
    node: Node,
    /// Its number: jobs first, then prompts.
    path: usize,
    /// Its tokens below the home.
    rest: &'a [TokenId],
    /// All of its tokens.
    alone: usize,
}

/// What is asked in a walk, and what has been answered so far.
struct Working<'a, W> {
    jobs: &'a [ScoreJob<'a>],
    /// The jobs that are computed.
    unique: &'a [usize],
    writings: &'a mut [W],
    rounds: &'a [Decoding],
    /// Scores, one list a job.
    rows: Vec<Vec<TokenScore>>,
    /// Tokens that all this takes unshared.
    alone: u64,
}

impl<W: Continued> Working<'_, W> {
    /// Scores the jobs below their homes in one pass.
    fn score<M: LanguageModel + ?Sized>(&mut self, model: &mut M, below: &[BelowHome<'_>]) -> Result<(), ScoringError> {
        let text = |below: &BelowHome<'_>| [below.rest, self.jobs[self.unique[below.path]].continuation].concat();
        let texts: Vec<Vec<TokenId>> = below.iter().map(text).collect();
        let asked = below.iter().zip(&texts);
        let asked: Vec<(Node, &[TokenId])> = asked.map(|(below, text)| (below.node, text.as_slice())).collect();
        if asked.is_empty() {
            return Ok(());
        }
        for (below, scores) in below.iter().zip(model.score_many(&asked)?) {
            self.rows[self.unique[below.path]] = scores.into_iter().skip(below.rest.len()).collect();
        }
        Ok(())
    }

    /// Has the prompts continued, as many together as may be, round after round.
    fn write<M: LanguageModel + ?Sized>(&mut self, model: &mut M, below: &[BelowHome<'_>]) -> Result<(), ScoringError> {
        let groups = below.len().div_ceil(BRANCHES_TOGETHER).max(1);
        for members in below.chunks(below.len().div_ceil(groups).max(1)) {
            for (round, decoding) in self.rounds.iter().enumerate() {
                if !self.round(model, members, round, decoding)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// One round of some prompts; whether any wanted it.
    fn round<M: LanguageModel + ?Sized>(
        &mut self,
        model: &mut M,
        members: &[BelowHome<'_>],
        round: usize,
        decoding: &Decoding,
    ) -> Result<bool, ScoringError> {
        let mut asked = Vec::new();
        let mut branches = Vec::new();
        for below in members {
            let writing = &mut self.writings[below.path - self.unique.len()];
            if let Some((constraint, seed)) = writing.begin(round) {
                asked.push(below);
                branches.push(Branch {
                    parent: below.node,
                    prompt: below.rest.to_vec(),
                    constraint,
                    seed,
                    max_tokens: writing.max_tokens(),
                });
            }
        }
        if asked.is_empty() {
            return Ok(false);
        }
        for (below, generation) in asked.into_iter().zip(model.generate(branches, decoding)?) {
            self.alone += (below.alone + generation.tokens.len()) as u64;
            self.writings[below.path - self.unique.len()].finish(round, generation);
        }
        Ok(true)
    }
}

impl<W: Continued> Continued for &mut W {
    fn prompt(&self) -> &[TokenId] {
        (**self).prompt()
    }

    fn max_tokens(&self) -> usize {
        (**self).max_tokens()
    }

    fn begin(&mut self, round: usize) -> Option<(Option<Box<dyn Constraint>>, u64)> {
        (**self).begin(round)
    }

    fn finish(&mut self, round: usize, generation: Generation) {
        (**self).finish(round, generation);
    }
}

/// The writing of work without any.
enum Never {}

impl Continued for Never {
    fn prompt(&self) -> &[TokenId] {
        match *self {}
    }

    fn max_tokens(&self) -> usize {
        match *self {}
    }

    fn begin(&mut self, _: usize) -> Option<(Option<Box<dyn Constraint>>, u64)> {
        match *self {}
    }

    fn finish(&mut self, _: usize, _: Generation) {
        match *self {}
    }
}

/// One text after one prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptWriting {
    /// Tokens that precede the text.
    pub tokens: Vec<TokenId>,
    /// Seed of its sampling.
    pub seed: u64,
    /// At most this many tokens are generated.
    pub max_tokens: usize,
    /// What was generated; absent before.
    pub generation: Option<Generation>,
}

impl Continued for PromptWriting {
    fn prompt(&self) -> &[TokenId] {
        &self.tokens
    }

    fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    fn begin(&mut self, round: usize) -> Option<(Option<Box<dyn Constraint>>, u64)> {
        (round == 0).then_some((None, self.seed))
    }

    fn finish(&mut self, _: usize, generation: Generation) {
        self.generation = Some(generation);
    }
}

/// For each job the one it is computed with: itself, or one of the same context whose continuation begins with its own.
fn representatives(jobs: &[ScoreJob<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by(|&a, &b| jobs[a].cmp(&jobs[b]).then(b.cmp(&a)));
    let mut representative: Vec<usize> = (0..jobs.len()).collect();
    for pair in order.windows(2).rev() {
        let &[before, after] = pair else { continue };
        let (a, b) = (jobs[before], jobs[after]);
        if a.context == b.context && b.continuation.starts_with(a.continuation) {
            representative[before] = representative[after];
        }
    }
    representative
}

fn named(error: ScoringError, of: impl Fn(usize) -> usize) -> ScoringError {
    match error {
        ScoringError::Room { job, needed, free } => ScoringError::Room {
            job: of(job),
            needed,
            free,
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fake::{FakeConfig, FakeModel};
    use proptest::prelude::*;

    fn model(capacity: usize) -> FakeModel {
        FakeModel::new(FakeConfig {
            seed: 11,
            vocabulary: 12,
            context_length: 500,
            capacity,
            taste: 30.0,
        })
    }

    fn texts() -> impl Strategy<Value = Vec<(Vec<TokenId>, Vec<TokenId>)>> {
        // Contexts cut out of a few long ones, so that they share a lot.
        let token = 0u32..3;
        let long = proptest::collection::vec(proptest::collection::vec(token.clone(), 120), 1..3);
        long.prop_flat_map(move |long| {
            let context = (0..long.len(), 1usize..120).prop_map(move |(which, len)| long[which][..len].to_vec());
            let continuation = proptest::collection::vec(0u32..3, 0..6);
            proptest::collection::vec((context, continuation), 0..30)
        })
    }

    fn jobs(texts: &[(Vec<TokenId>, Vec<TokenId>)]) -> Vec<ScoreJob<'_>> {
        texts
            .iter()
            .map(|(context, continuation)| ScoreJob { context, continuation })
            .collect()
    }

    /// What the plan says that scoring takes.
    fn planned(jobs: &[ScoreJob<'_>], capacity: usize) -> u64 {
        let representative = representatives(jobs);
        let unique = || {
            (0..jobs.len())
                .filter(|&job| representative[job] == job)
                .map(|job| jobs[job])
        };
        let paths: Vec<&[TokenId]> = unique().map(|job| job.context).collect();
        let leaves: Vec<Leaf> = unique()
            .map(|job| Leaf {
                tokens: job.continuation.len(),
            })
            .collect();
        let plan = WalkPlan::new(&paths, &leaves, Packing::Passes, capacity, true).expect("a plan");
        assert!(plan.peak <= capacity);
        plan.shared
    }

    fn generate(model: &mut FakeModel, prompts: &mut [PromptWriting], decoding: &Decoding) {
        let root = model.root();
        work(model, root, 0, &[], prompts, std::slice::from_ref(decoding)).expect("texts");
    }

    proptest! {
        /// Shared = unshared, in few slots or many; what the plan says is what is computed; and nothing stays held.
        #[test]
        fn sharing_does_not_show(texts in texts(), capacity in prop_oneof![Just(150usize), Just(5000)]) {
            let mut model = model(capacity);
            let (root, jobs) = (model.root(), jobs(&texts));
            let (rows, tokens) = score_jobs(&mut model, root, &jobs).expect("scores");
            prop_assert_eq!(model.computed_tokens(), tokens.shared);
            prop_assert_eq!(planned(&jobs, capacity), tokens.shared);
            prop_assert!(tokens.shared <= tokens.alone);
            prop_assert_eq!(model.free_tokens(), capacity);
            for (job, row) in jobs.iter().zip(&rows) {
                let node = model.extend(root, job.context).expect("a node");
                prop_assert_eq!(row, &model.score(node, &[job.continuation]).expect("scores")[0]);
                model.release(node);
            }
        }

        #[test]
        fn generations_do_not_depend_on_their_company(texts in texts(), temperature in 0u8..2) {
            let decoding = Decoding { temperature: f32::from(temperature), top_p: 0.9, stop: vec![1] };
            let mut model = model(400);
            let prompt = |(index, text): (usize, &(Vec<TokenId>, Vec<TokenId>))| PromptWriting {
                tokens: text.0.clone(), seed: index as u64, max_tokens: 9, generation: None,
            };
            let mut prompts: Vec<PromptWriting> = texts.iter().enumerate().map(prompt).collect();
            let alone = prompts.clone();
            generate(&mut model, &mut prompts, &decoding);
            prop_assert_eq!(model.free_tokens(), 400);
            for (together, mut alone) in prompts.iter().zip(alone) {
                generate(&mut model, std::slice::from_mut(&mut alone), &decoding);
                prop_assert!(alone.generation.is_some());
                prop_assert_eq!(together, &alone);
            }
        }
    }

    #[test]
    fn a_trunk_is_computed_once() {
        let mut model = model(5000);
        let trunk = vec![1; 300];
        let texts: Vec<_> = (0..39u32)
            .flat_map(|probe| {
                let context = [&trunk[..], &[2 + probe % 3, probe / 3 % 3, 2 + probe / 9, 4]].concat();
                (0..2u32).map(move |answer| (context.clone(), vec![answer, 5, 6]))
            })
            .collect();
        let root = model.root();
        let (_, tokens) = score_jobs(&mut model, root, &jobs(&texts)).expect("scores");
        assert_eq!(tokens.alone, 78 * 307);
        assert!(tokens.shared <= 300 + 78 * 7, "{tokens:?}");
    }

    #[test]
    fn prompts_that_hang_below_nodes_of_their_own_are_generated_together() {
        let mut model = model(5000);
        let prompt = |i: u32| PromptWriting {
            tokens: [vec![1; 30], vec![2 + i % 8; 40 + i as usize]].concat(),
            seed: 0,
            max_tokens: 5,
            generation: None,
        };
        let mut prompts: Vec<PromptWriting> = (0..BRANCHES_TOGETHER as u32).map(prompt).collect();
        let decoding = Decoding {
            temperature: 0.0,
            top_p: 1.0,
            stop: vec![],
        };
        generate(&mut model, &mut prompts, &decoding);
        assert_eq!(model.generations, 1);
        assert!(prompts.iter().all(|prompt| prompt.generation.is_some()));
    }

    #[test]
    fn what_cannot_fit_is_named_before_anything_is_computed() {
        let mut model = model(100);
        let texts = [(vec![1; 20], vec![2]), (vec![3; 120], vec![2])];
        let root = model.root();
        let error = score_jobs(&mut model, root, &jobs(&texts)).expect_err("too long");
        assert!(
            matches!(
                error,
                ScoringError::Room {
                    job: 1,
                    needed: 121,
                    free: 100
                }
            ),
            "{error:?}"
        );
        assert_eq!(model.computed_tokens(), 0);
    }

    #[test]
    fn a_continuation_that_begins_another_is_not_computed() {
        let mut model = model(100);
        let texts = [
            (vec![1; 9], vec![2, 3]),
            (vec![1; 9], vec![2, 3, 4]),
            (vec![1; 9], vec![2, 3]),
            (vec![1; 9], vec![]),
        ];
        let root = model.root();
        let (rows, tokens) = score_jobs(&mut model, root, &jobs(&texts)).expect("scores");
        assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [2, 3, 2, 0]);
        assert_eq!((rows[0].as_slice(), tokens.shared), (&rows[1][..2], 12));
    }
}
