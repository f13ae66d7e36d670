//! What is asked after each token of a forest.

use super::{Batch, Forest};

/// A token to be scored after one of the forest's: that one's number, and which of which request's continuation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked {
    /// Number of the token before it.
    pub after: usize,
    /// Number of the request.
    pub request: usize,
    /// Its place in the continuation.
    pub place: usize,
}

/// What `requests` of a batch's scores ask, whose paths are the first of the forest, in the order of the tokens it is asked
/// after.
pub(super) fn asked(forest: &Forest, requests: &[usize], batch: &Batch<'_, '_>) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (path, &request) in requests.iter().enumerate() {
        let mut at = forest.end(path);
        for place in (0..batch.scores[request].continuation.len()).rev() {
            let Some(after) = at else { break };
            asked.push(Asked { after, request, place });
            at = forest.before(after);
        }
    }
    asked.sort_unstable();
    asked
}

/// Those of `asked` that come after one token.
pub(super) fn after(asked: &[Asked], token: usize) -> &[Asked] {
    let from = asked.partition_point(|asked| asked.after < token);
    let to = asked.partition_point(|asked| asked.after <= token);
    &asked[from..to]
}
