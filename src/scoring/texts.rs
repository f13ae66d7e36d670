//! Log-likelihoods of any texts: the shortest way from an opened model to a score.

use super::ScoringError;
use super::join::{Encoder, Joined, Markup};
use super::norm::total;
use crate::model::{Batch, OpenModel, ScoreRequest, TokenId, TokenScore};

/// How likely a model finds one text after another.
#[derive(Debug, Clone, PartialEq)]
pub struct TextScore {
    /// Sum of `logprobs`: log P(continuation | context), in nats.
    pub loglikelihood: f64,
    /// Log-probability of each token of the continuation, in nats.
    pub logprobs: Vec<f32>,
    /// Tokens of the continuation.
    pub tokens: Vec<TokenId>,
    /// Whether greedy decoding would have written the continuation.
    pub greedy: bool,
    /// Tokens of the continuation that begin inside the context's text, because no token ends where it does.
    pub moved: usize,
}

/// Scores each of `continuations` after `context`, which is computed once. Context and continuation are tokenised
/// together; control tokens in them are text like any other.
///
/// ```
/// use indieval::model::{self, OpenOptions, source::Silent};
/// use indieval::scoring;
///
/// let mut opened = model::open("fake:1", &OpenOptions::default(), &mut Silent)?;
/// let scores = scoring::texts(&mut opened, "My family is", &[" important to me", " far away"])?;
/// assert_eq!(scores.len(), 2);
/// assert!(scores.iter().all(|score| score.loglikelihood < 0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A text that the tokenizer cannot encode; more tokens than the model's context holds; an empty context where the
/// tokenizer has no BOS.
pub fn texts(opened: &mut OpenModel, context: &str, continuations: &[&str]) -> Result<Vec<TextScore>, ScoringError> {
    let encoder = Encoder::new(&opened.tokenizer, Markup::Text);
    let encoded = encoder.encode(context)?;
    let join = |continuation: &&str| encoder.join(&encoded, continuation);
    let joined: Vec<Joined> = continuations.iter().map(join).collect::<Result<_, _>>()?;
    let requests: Vec<ScoreRequest<'_>> = joined
        .iter()
        .map(|joined| ScoreRequest {
            context: &joined.context,
            continuation: &joined.continuation,
        })
        .collect();
    let answers = opened.model.answer(Batch {
        scores: &requests,
        texts: &mut [],
    })?;
    let score = |(joined, row): (&Joined, Vec<TokenScore>)| {
        let logprobs: Vec<f32> = row.iter().map(|score| score.logprob).collect();
        TextScore {
            loglikelihood: total(&logprobs),
            logprobs,
            tokens: joined.continuation.clone(),
            greedy: row.iter().all(|score| score.greedy),
            moved: joined.moved,
        }
    };
    Ok(joined.iter().zip(answers.scores).map(score).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{self, OpenOptions, source::Silent};

    #[test]
    fn a_texts_score_is_the_sum_of_its_tokens_and_does_not_depend_on_its_neighbours() {
        let mut opened = model::open("fake:3", &OpenOptions::default(), &mut Silent).unwrap();
        let together = texts(&mut opened, "one two", &[" three", " four", ""]).unwrap();
        for (text, score) in [" three", " four", ""].iter().zip(&together) {
            assert_eq!(score.tokens, text.bytes().map(u32::from).collect::<Vec<_>>());
            let sum: f64 = score.logprobs.iter().map(|&logprob| f64::from(logprob)).sum();
            assert!((sum - score.loglikelihood).abs() < 1e-9);
            let alone = texts(&mut opened, "one two", &[text]).unwrap();
            assert_eq!(&alone[0], score);
        }
        // The chain rule: what is scored after a longer context is the end of what is scored after a shorter one.
        let whole = &texts(&mut opened, "one", &[" two three"]).unwrap()[0];
        assert_eq!(whole.logprobs[4..], together[0].logprobs);
    }
}
