//! What a batch asks of a forest: which paths, and what after each of their tokens.

use super::{Batch, Forest, ModelError, Path, ScoreRequest, TokenId};

/// A token to be scored after one of the forest's: that one's number, and which of which request's continuation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AskedToken {
    /// Number of the token before it.
    pub after: usize,
    /// Number of the request.
    pub request: usize,
    /// Its place in the continuation.
    pub place: usize,
}

/// What `requests` of a batch's scores ask, whose paths are the first of the forest, in the order of the tokens it is asked
/// after.
pub(super) fn asked(forest: &Forest, requests: &[usize], batch: &Batch<'_, '_>) -> Vec<AskedToken> {
    let mut asked = Vec::new();
    for (path, &request) in requests.iter().enumerate() {
        let mut at = forest.end(path);
        for place in (0..batch.scores[request].continuation.len()).rev() {
            let Some(after) = at else { break };
            asked.push(AskedToken { after, request, place });
            at = forest.before(after);
        }
    }
    asked.sort_unstable();
    asked
}

/// Those of `asked` that come after one token.
pub(super) fn after(asked: &[AskedToken], token: usize) -> &[AskedToken] {
    let from = asked.partition_point(|asked| asked.after < token);
    let to = asked.partition_point(|asked| asked.after <= token);
    &asked[from..to]
}

impl<'a> Batch<'a, '_> {
    /// What a request feeds to the model of its own accord: all of a context and a continuation but the last token, which
    /// predicts nothing that is asked for; a prompt.
    pub(crate) fn paths(&self) -> Vec<Path<'_>> {
        let scores = self.scores.iter().map(|request| request.fed());
        scores
            .chain(self.texts.iter().map(|text| Path(text.prompt(), &[])))
            .collect()
    }

    /// Refuses what no model can do, and what goes beyond a context of `limit` tokens or a `vocabulary`.
    pub(crate) fn check(&self, limit: usize, vocabulary: usize) -> Result<(), ModelError> {
        let known = |tokens: &[TokenId]| match tokens.iter().find(|&&token| token as usize >= vocabulary) {
            Some(&token) => Err(ModelError::UnknownToken { token, vocabulary }),
            None => Ok(()),
        };
        let fits = |tokens: usize| match tokens > limit {
            true => Err(ModelError::ContextLength { tokens, limit }),
            false => Ok(()),
        };
        for request in self.scores {
            if request.context.is_empty() && !request.continuation.is_empty() {
                return Err(ModelError::NoContext);
            }
            fits(request.fed().len())?;
            known(request.context)?;
            known(request.continuation)?;
        }
        for text in self.texts.iter() {
            if text.prompt().is_empty() {
                return Err(ModelError::NoContext);
            }
            fits(text.prompt().len())?;
            known(text.prompt())?;
        }
        Ok(())
    }
}

impl<'a> ScoreRequest<'a> {
    /// The tokens that are fed.
    pub(crate) fn fed(&self) -> Path<'a> {
        match self.continuation.split_last() {
            Some((_, rest)) => Path(self.context, rest),
            None => Path(&[], &[]),
        }
    }
}
