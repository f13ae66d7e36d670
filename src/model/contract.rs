//! What the rest of the program knows of a language model.

use serde::{Deserialize, Serialize};

/// A token's number in its vocabulary.
pub type TokenId = u32;

/// A place in the token tree: the end of a run of tokens whose keys and values are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node(pub u64);

/// How one given token fared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TokenScore {
    /// Log-probability of the token given everything before it, in nats.
    pub logprob: f32,
    /// Whether no other token was more probable (the token greedy decoding would have chosen).
    pub greedy: bool,
}

/// Which tokens may come next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// Any token of the vocabulary.
    Any,
    /// Any token, too; the probability mass outside these is recorded.
    Watch(Vec<TokenId>),
    /// One of these; with a single one no choice is left.
    Only(Vec<TokenId>),
    /// The answer is complete: stop before another token.
    Done,
}

/// Restricts a generation step by step. It is given all tokens generated so far.
pub trait Constraint: Send {
    /// What may follow on `generated`.
    fn allowed(&mut self, generated: &[TokenId]) -> Allowed;
}

/// One text to be generated: tokens put after a node, then free or constrained continuation.
pub struct Branch {
    /// The node it hangs below.
    pub parent: Node,
    /// Tokens between the parent node and the first generated token (may be empty).
    pub prompt: Vec<TokenId>,
    /// What may be generated; also ends a generation as soon as its answer is complete.
    pub constraint: Option<Box<dyn Constraint>>,
    /// Seed of this branch's sampling, unused at temperature 0.
    pub seed: u64,
    /// At most this many tokens are generated.
    pub max_tokens: usize,
}

/// How tokens are chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decoding {
    /// 0 is greedy.
    pub temperature: f32,
    /// Nucleus: the smallest set of most probable tokens whose mass reaches this; 1 keeps all.
    pub top_p: f32,
    /// Tokens that end a generation (they are not part of it).
    pub stop: Vec<TokenId>,
}

/// Why a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// The model gave a stop token.
    Stop,
    /// The constraint saw a complete answer.
    Complete,
    /// `max_tokens` were generated.
    Length,
}

/// One generated text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// Generated tokens, the stop token left out.
    pub tokens: Vec<TokenId>,
    /// Log-probability in nats of each generated token in the model's full distribution (before temperature, nucleus
    /// and constraint).
    pub logprobs: Vec<f32>,
    /// For each step whose allowed tokens are restricted or watched, the probability mass that lay outside it; 0 where all was
    /// allowed.
    pub invalid_mass: Vec<f32>,
    /// Why it ended.
    pub finish: Finish,
}

/// A language model over a tree of tokens.
///
/// Keys and values of a node are computed once and shared by everything below it. Sharing is invisible: every result
/// equals, to rounding, what the same tokens give on their own.
pub trait LanguageModel: Send {
    /// The empty context. The first token of a path has no prediction, and scoring it directly below the root is
    /// [`ModelError::NoContext`]. A text brings its BOS along: chats and plain texts differ in it.
    fn root(&self) -> Node;

    /// Appends `tokens` below `parent` and keeps their keys and values.
    fn extend(&mut self, parent: Node, tokens: &[TokenId]) -> Result<Node, ModelError>;

    /// Appends several runs below several nodes, packed into as few passes as memory allows; the new nodes come in the
    /// order of `jobs`. Where one fails, none is kept. An engine that can pack should: the default is one pass a run.
    fn extend_many(&mut self, jobs: &[(Node, &[TokenId])]) -> Result<Vec<Node>, ModelError> {
        let mut nodes = Vec::with_capacity(jobs.len());
        for &(parent, tokens) in jobs {
            match self.extend(parent, tokens) {
                Ok(node) => nodes.push(node),
                Err(error) => {
                    nodes.into_iter().for_each(|node| self.release(node));
                    return Err(error);
                }
            }
        }
        Ok(nodes)
    }

    /// Scores each continuation below `parent`, packed together; nothing is kept. An empty continuation gives an
    /// empty row.
    fn score(&mut self, parent: Node, continuations: &[&[TokenId]]) -> Result<Vec<Vec<TokenScore>>, ModelError> {
        let jobs: Vec<(Node, &[TokenId])> = continuations.iter().map(|c| (parent, *c)).collect();
        self.score_many(&jobs)
    }

    /// Scores continuations below several nodes in as few packed passes as memory allows.
    fn score_many(&mut self, jobs: &[(Node, &[TokenId])]) -> Result<Vec<Vec<TokenScore>>, ModelError>;

    /// Generates all branches together, one token of each per pass, whatever nodes they hang below.
    fn generate(&mut self, branches: Vec<Branch>, decoding: &Decoding) -> Result<Vec<Generation>, ModelError>;

    /// Frees a node's own keys and values. Its descendants must have been released before; the root cannot be.
    fn release(&mut self, node: Node);

    /// Tokens from the root to `node`.
    fn depth(&self, node: Node) -> usize;

    /// Longest path in tokens that the model can be fed. A scored continuation may go one token beyond it: its last token
    /// is predicted and never fed.
    fn context_length(&self) -> usize;

    /// Tokens that can still be held in the tree's memory beside what is held now.
    fn free_tokens(&self) -> usize;

    /// Tokens computed since the model was loaded (every token of every pass counts once).
    fn computed_tokens(&self) -> u64;
}

/// What can go wrong while a model runs.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A path would be longer than the model's context.
    #[error("{tokens} tokens are more than the model's context of {limit}")]
    ContextLength {
        /// Length of the path in tokens.
        tokens: usize,
        /// The model's limit.
        limit: usize,
    },
    /// The tree's memory is too small for what was asked.
    #[error("the token tree needs room for {needed} tokens, {free} are free")]
    OutOfSlots {
        /// Tokens that had to be held.
        needed: usize,
        /// Tokens for which there was room.
        free: usize,
    },
    /// A node that was released or never existed.
    #[error("node {0:?} is not in the token tree")]
    UnknownNode(Node),
    /// Nothing precedes the token to be scored, and the tokenizer has no BOS.
    #[error("the first token of an empty context cannot be scored: this tokenizer has no BOS token")]
    NoContext,
    /// A token id outside the vocabulary.
    #[error("token {token} is outside the vocabulary of {vocabulary}")]
    UnknownToken {
        /// The token.
        token: TokenId,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// The tensor library failed.
    #[error("the model failed while computing: {0}")]
    Compute(#[from] candle_core::Error),
}

impl ModelError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::ContextLength { .. } => "shorten the prompt, or take a model with a longer context".to_owned(),
            Self::OutOfSlots { .. } => "give the token tree more room (`--tree-tokens`)".to_owned(),
            Self::NoContext => "give a context that is not empty".to_owned(),
            Self::UnknownToken { .. } => {
                "tokenizer and weights do not belong together; `indieval models check` compares them".to_owned()
            }
            Self::Compute(_) => "where memory ran out: ask for a smaller tree (`--tree-tokens`), another dtype \
                                 (`--dtype bf16`) or `--device cpu`"
                .to_owned(),
            Self::UnknownNode(_) => return None,
        })
    }
}
