//! Many continuations scored, or many prompts continued, with what they share computed once.

use std::collections::HashMap;

use super::ScoringError;
use super::plan::{Leaf, Packing, Plan};
use crate::model::{Branch, Constraint, Decoding, Generation, LanguageModel, Node, TokenId, TokenScore};

/// A continuation to be scored after its context. Both are tokens below the base of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Job<'a> {
    /// What precedes.
    pub context: &'a [TokenId],
    /// What is scored.
    pub continuation: &'a [TokenId],
}

/// A prompt to be continued. The prompt is tokens below the base of the tree.
pub struct Prompt {
    /// What precedes the generated text.
    pub tokens: Vec<TokenId>,
    /// What may be generated.
    pub constraint: Option<Box<dyn Constraint>>,
    /// Seed of its sampling.
    pub seed: u64,
    /// At most this many tokens are generated.
    pub max_tokens: usize,
}

/// Tokens computed, and what they would have been without sharing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Tokens computed (of generations: the prompts' only).
    pub shared: u64,
    /// Tokens that the same work takes with every path computed on its own.
    pub alone: u64,
}

impl std::ops::AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.shared += other.shared;
        self.alone += other.alone;
    }
}

/// Most branches that are generated together: beyond this, a pass gains nothing from being larger.
const BRANCHES_TOGETHER: usize = 64;

/// Scores of every job, in the order of `jobs`, and what sharing saved.
///
/// Equal jobs are computed once, and so is a continuation that another one below the same context begins with.
/// Continuations of one context that only begin alike are computed each in full.
///
/// Errors: [`ScoringError::Room`] (naming the job) before anything is computed; what the model reports while it runs.
pub fn score_jobs<M: LanguageModel + ?Sized>(
    model: &mut M,
    base: Node,
    jobs: &[Job<'_>],
) -> Result<(Vec<Vec<TokenScore>>, Tokens), ScoringError> {
    let representative = representatives(jobs);
    let unique: Vec<usize> = (0..jobs.len()).filter(|&job| representative[job] == job).collect();
    let paths: Vec<&[TokenId]> = unique.iter().map(|&job| jobs[job].context).collect();
    let leaves: Vec<Leaf> = unique
        .iter()
        .map(|&job| Leaf {
            tokens: jobs[job].continuation.len(),
        })
        .collect();
    let hold_all = model.depth(base) == 0;
    let plan = Plan::new(&paths, &leaves, Packing::Passes, model.free_tokens(), hold_all)
        .map_err(|error| named(error, |path| unique[path]))?;
    let mut rows: Vec<Vec<TokenScore>> = vec![Vec::new(); jobs.len()];
    plan.walk(model, base, &paths, |model, reached| {
        let texts: Vec<(usize, Vec<TokenId>)> = reached
            .iter()
            .map(|&(_, path)| {
                let rest = &paths[path][plan.tree.homes[path].held..];
                (rest.len(), [rest, jobs[unique[path]].continuation].concat())
            })
            .collect();
        let below: Vec<(Node, &[TokenId])> = reached
            .iter()
            .zip(&texts)
            .map(|(&(node, _), (_, tokens))| (node, tokens.as_slice()))
            .collect();
        for ((&(_, path), (rest, _)), scores) in reached.iter().zip(&texts).zip(model.score_many(&below)?) {
            rows[unique[path]] = scores.into_iter().skip(*rest).collect();
        }
        Ok::<(), ScoringError>(())
    })?;
    for (job, &from) in representative.iter().enumerate() {
        if from != job {
            rows[job] = rows[from][..jobs[job].continuation.len()].to_vec();
        }
    }
    let tokens = Tokens {
        shared: plan.shared,
        alone: jobs
            .iter()
            .map(|job| (job.context.len() + job.continuation.len()) as u64)
            .sum(),
    };
    Ok((rows, tokens))
}

/// For each job the one it is computed with: itself, or one of the same context whose continuation begins with its own.
fn representatives(jobs: &[Job<'_>]) -> Vec<usize> {
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

/// Continues every prompt; generations come in the order of `prompts`, with what sharing saved of the prompts.
///
/// Prompts below one held run are generated together, as many as the memory (and 64) allows.
///
/// Errors: [`ScoringError::Room`] (naming the prompt) before anything is computed; what the model reports.
pub fn generate_all<M: LanguageModel + ?Sized>(
    model: &mut M,
    base: Node,
    prompts: Vec<Prompt>,
    decoding: &Decoding,
) -> Result<(Vec<Generation>, Tokens), ScoringError> {
    let tokens: Vec<Vec<TokenId>> = prompts.iter().map(|prompt| prompt.tokens.clone()).collect();
    let paths: Vec<&[TokenId]> = tokens.iter().map(Vec::as_slice).collect();
    let leaves: Vec<Leaf> = prompts
        .iter()
        .map(|prompt| Leaf {
            tokens: prompt.max_tokens,
        })
        .collect();
    let plan = Plan::new(&paths, &leaves, Packing::Together, model.free_tokens(), false)?;
    let mut waiting: Vec<Option<Prompt>> = prompts.into_iter().map(Some).collect();
    let mut written: Vec<Option<Generation>> = vec![None; waiting.len()];
    plan.walk(model, base, &paths, |model, reached| {
        let mut of_node: HashMap<Node, usize> = HashMap::new();
        let mut groups: Vec<(Node, Vec<usize>)> = Vec::new();
        for &(node, path) in reached {
            let group = *of_node.entry(node).or_insert(groups.len());
            match groups.get_mut(group) {
                Some((_, paths)) if paths.len() < BRANCHES_TOGETHER => paths.push(path),
                _ => {
                    of_node.insert(node, groups.len());
                    groups.push((node, vec![path]));
                }
            }
        }
        for (node, members) in groups {
            let branches = members
                .iter()
                .filter_map(|&path| {
                    let prompt = waiting[path].take()?;
                    Some(Branch {
                        prompt: paths[path][plan.tree.homes[path].held..].to_vec(),
                        constraint: prompt.constraint,
                        seed: prompt.seed,
                        max_tokens: prompt.max_tokens,
                    })
                })
                .collect();
            for (path, generation) in members.into_iter().zip(model.generate(node, branches, decoding)?) {
                written[path] = Some(generation);
            }
        }
        Ok::<(), ScoringError>(())
    })?;
    let computed: u64 = plan.shared - leaves.iter().map(|leaf| leaf.tokens as u64).sum::<u64>();
    let tokens = Tokens {
        shared: computed,
        alone: paths.iter().map(|path| path.len() as u64).sum(),
    };
    Ok((written.into_iter().flatten().collect(), tokens))
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

    fn model(bos: bool, capacity: usize) -> FakeModel {
        FakeModel::new(FakeConfig {
            seed: 11,
            vocabulary: 12,
            bos: bos.then_some(11),
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

    fn jobs(texts: &[(Vec<TokenId>, Vec<TokenId>)]) -> Vec<Job<'_>> {
        texts
            .iter()
            .map(|(context, continuation)| Job { context, continuation })
            .collect()
    }

    proptest! {
        /// Shared = unshared, in few slots or many, with BOS or without; what the plan says is what is computed; and
        /// nothing stays held.
        #[test]
        fn sharing_does_not_show(texts in texts(), bos: bool, capacity in prop_oneof![Just(150usize), Just(5000)]) {
            let mut model = model(bos, capacity);
            let (root, jobs) = (model.root(), jobs(&texts));
            let (rows, tokens) = score_jobs(&mut model, root, &jobs).expect("scores");
            prop_assert_eq!(model.computed_tokens(), tokens.shared);
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
            let mut model = model(true, 400);
            let root = model.root();
            let prompt = |(index, tokens): (usize, &Vec<TokenId>)| Prompt {
                tokens: tokens.clone(), constraint: None, seed: index as u64, max_tokens: 9,
            };
            let prompts = || texts.iter().map(|text| &text.0).enumerate().map(prompt);
            let (together, _) = generate_all(&mut model, root, prompts().collect(), &decoding).expect("texts");
            prop_assert_eq!(model.free_tokens(), 400);
            for (prompt, generation) in prompts().zip(together) {
                let alone = generate_all(&mut model, root, vec![prompt], &decoding).expect("a text").0;
                prop_assert_eq!(&generation, &alone[0]);
            }
        }
    }

    #[test]
    fn a_trunk_is_computed_once() {
        let mut model = model(true, 5000);
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
    fn what_cannot_fit_is_named_before_anything_is_computed() {
        let mut model = model(true, 100);
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
        let mut model = model(true, 100);
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
