//! Thoughts before a generated answer: the model writes at most so many tokens of them, then their block is closed and the
//! answer begins.

use std::sync::Arc;

use super::ScoringError;
use super::constraint::Marks;
use super::evidence::Thoughts;
use super::join::{Encoded, Encoder};
use crate::model::{Allowed, Constraint, TokenId, TokenizeError, Tokenizer};
use crate::prompt::ThoughtBlock;

/// Stands for thoughts where tokens behind them are looked for: no tokenizer joins a letter to a line break or to a tag.
const ANCHOR: &str = "x";

/// How thoughts end, in tokens.
#[derive(Debug)]
pub struct ThoughtRule {
    /// Most tokens of thoughts; longer ones are cut.
    budget: usize,
    /// The text that ends them.
    end: String,
    /// What is put behind thoughts that are cut: their end and what comes between it and the answer.
    closing: Vec<TokenId>,
    /// What is put behind thoughts that the model ended itself.
    behind: Vec<TokenId>,
}

impl ThoughtRule {
    /// A text that ends as the block does: answers are found behind it.
    pub(crate) fn closed(encoder: &Encoder<'_>, block: &ThoughtBlock) -> Result<Encoded, TokenizeError> {
        encoder.encode(&[ANCHOR, &block.cut, &block.end, &block.behind].concat())
    }

    /// How a block ends after at most `budget` tokens; `closed` are the tokens of [`closed`](Self::closed) as they are
    /// before the answers.
    ///
    /// # Errors
    /// A tokenizer that joins the end of the block to what is before or behind it.
    pub(crate) fn new(
        encoder: &Encoder<'_>,
        block: &ThoughtBlock,
        budget: usize,
        closed: &[TokenId],
    ) -> Result<Arc<Self>, ScoringError> {
        let behind = |text: &str| -> Result<Vec<TokenId>, ScoringError> {
            let behind = closed.strip_prefix(encoder.encode(text)?.tokens().as_slice());
            behind
                .map(<[TokenId]>::to_vec)
                .ok_or_else(|| ScoringError::JoinedThoughts { end: block.end.clone() })
        };
        Ok(Arc::new(Self {
            budget,
            end: block.end.clone(),
            closing: behind(ANCHOR)?,
            behind: behind(&[ANCHOR, &block.cut, &block.end].concat())?,
        }))
    }

    /// Most tokens before the answer.
    pub(crate) fn most_tokens(&self) -> usize {
        self.budget.saturating_add(self.closing.len())
    }

    /// Whether a token ends thoughts or stands between them and the answer, and so ends no text.
    pub(crate) fn puts(&self, token: TokenId) -> bool {
        self.closing.contains(&token)
    }

    /// What of a generated text is thoughts, and from which token on it is the answer.
    pub(crate) fn split(
        self: &Arc<Self>,
        tokens: &[TokenId],
        (tokenizer, marks): (&Tokenizer, &Arc<Marks>),
    ) -> Result<(Thoughts, usize), TokenizeError> {
        let mut reader = ThoughtReader::new(Arc::clone(self), Arc::clone(marks));
        reader.read(tokens);
        let (thought, cut, put) = match &reader.ended {
            Some(ended) => (ended.tokens, ended.cut, reader.put(ended).len()),
            // The model ended its text within its thoughts.
            None => (tokens.len(), false, 0),
        };
        let from = (thought + put).min(tokens.len());
        let text = tokenizer.decode(&tokens[..thought])?;
        let text = text.split(&self.end).next().unwrap_or_default();
        let thoughts = Thoughts {
            text: text.to_owned(),
            tokens: from,
            cut,
        };
        Ok((thoughts, from))
    }
}

/// Where thoughts end in a text.
#[derive(Debug)]
struct ThoughtEnd {
    /// Tokens up to there.
    tokens: usize,
    /// Whether they were cut.
    cut: bool,
    /// Whether the token that ends them goes on with the answer.
    joined: bool,
}

/// Reads thoughts as they are written.
#[derive(Debug)]
struct ThoughtReader {
    rule: Arc<ThoughtRule>,
    marks: Arc<Marks>,
    /// Tokens that were read.
    seen: usize,
    /// What their end may still come out of.
    tail: String,
    ended: Option<ThoughtEnd>,
}

impl ThoughtReader {
    fn new(rule: Arc<ThoughtRule>, marks: Arc<Marks>) -> Self {
        Self {
            rule,
            marks,
            seen: 0,
            tail: String::new(),
            ended: None,
        }
    }

    fn read(&mut self, generated: &[TokenId]) {
        while self.ended.is_none() && self.seen < generated.len() {
            self.tail.push_str(self.marks.text(generated[self.seen]));
            self.seen += 1;
            let end = &self.rule.end;
            let found = self.tail.find(end.as_str()).map(|at| at + end.len());
            if found.is_some() || self.seen >= self.rule.budget {
                self.ended = Some(ThoughtEnd {
                    tokens: self.seen,
                    cut: found.is_none(),
                    joined: found.is_some_and(|at| at < self.tail.len()),
                });
            }
            let mut keep = self.tail.len().saturating_sub(end.len());
            while !self.tail.is_char_boundary(keep) {
                keep -= 1;
            }
            self.tail.drain(..keep);
        }
    }

    /// The tokens that are put between thoughts and the answer.
    fn put(&self, ended: &ThoughtEnd) -> &[TokenId] {
        match ended {
            ThoughtEnd { cut: true, .. } => &self.rule.closing,
            ThoughtEnd { joined: true, .. } => &[],
            _ => &self.rule.behind,
        }
    }
}

/// Lets a model think before a constraint holds.
pub(crate) struct AfterThoughts {
    reader: ThoughtReader,
    answer: Box<dyn Constraint>,
    /// Most tokens of the answer.
    most: usize,
}

impl AfterThoughts {
    /// Thoughts of this rule, then an answer of at most `most` tokens.
    pub(crate) fn new(rule: &Arc<ThoughtRule>, marks: &Arc<Marks>, answer: Box<dyn Constraint>, most: usize) -> Self {
        Self {
            reader: ThoughtReader::new(Arc::clone(rule), Arc::clone(marks)),
            answer,
            most,
        }
    }
}

impl Constraint for AfterThoughts {
    fn allowed(&mut self, generated: &[TokenId]) -> Allowed {
        self.reader.read(generated);
        let Some(ended) = &self.reader.ended else {
            return Allowed::Any;
        };
        let put = self.reader.put(ended);
        let behind = generated.get(ended.tokens..).unwrap_or_default();
        match behind.get(put.len()..) {
            Some(answer) if answer.len() >= self.most => Allowed::Done,
            Some(answer) => self.answer.allowed(answer),
            None => Allowed::Only(put.get(behind.len()).copied().into_iter().collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::{ChatSpec, ChatTemplate};
    use crate::scoring::answers::runs;
    use crate::scoring::constraint::StagedChoices;
    use crate::scoring::join::Markup;

    fn bytes(text: &str) -> Vec<TokenId> {
        text.bytes().map(TokenId::from).collect()
    }

    fn rule(budget: usize) -> (Tokenizer, Arc<Marks>, Arc<ThoughtRule>) {
        let tokenizer = Tokenizer::bytes();
        let marks = Arc::new(Marks::new(&tokenizer).expect("marks"));
        let block = ThoughtBlock {
            cut: "\n".into(),
            end: "</think>".into(),
            behind: "\n\n".into(),
        };
        let encoder = Encoder::new(&tokenizer, Markup::Chat);
        let closed = ThoughtRule::closed(&encoder, &block).expect("tokens").tokens();
        let rule = ThoughtRule::new(&encoder, &block, budget, &closed).expect("a rule");
        (tokenizer, marks, rule)
    }

    /// What is written where the model would write `wanted`, and `forced` of it without being asked.
    fn written(budget: usize, wanted: &str, most: usize) -> (String, usize) {
        let (_, marks, rule) = rule(budget);
        let letters = StagedChoices::new(vec![vec![bytes("A"), bytes("B")]]);
        let mut constraint = AfterThoughts::new(&rule, &marks, Box::new(letters), most);
        let (mut out, mut wanted, mut forced) = (Vec::new(), wanted.bytes().map(TokenId::from), 0);
        loop {
            match constraint.allowed(&out) {
                Allowed::Any => out.push(wanted.next().expect("more to write")),
                Allowed::Only(tokens) if tokens.len() == 1 => {
                    forced += 1;
                    out.extend(tokens);
                }
                Allowed::Only(tokens) => {
                    assert_eq!(tokens, bytes("AB"));
                    out.push(tokens[1]);
                }
                _ => break,
            }
        }
        (out.iter().map(|&byte| char::from(byte as u8)).collect(), forced)
    }

    #[test]
    fn thoughts_end_by_themselves_or_are_cut_and_the_answer_follows() {
        for (budget, wanted, expected, forced) in [
            (40, "so B</think>", "so B</think>\n\nB", 2),
            (6, "so, so and so on", "so, so\n</think>\n\nB", 11),
            // The end comes with the last token of the budget.
            (8, "</think>", "</think>\n\nB", 2),
            // What looks like an end is none.
            (12, "a</thin</think>x", "a</thin</thi\n</think>\n\nB", 11),
            (15, "a</thin</think>x", "a</thin</think>\n\nB", 2),
        ] {
            assert_eq!(written(budget, wanted, 9), (expected.to_owned(), forced), "{wanted}");
        }
        assert_eq!(written(2, "ab", 0).0, "ab\n</think>\n\n", "no room for an answer");
    }

    #[test]
    fn a_text_is_taken_apart_as_it_was_written() {
        let (tokenizer, marks, rule) = rule(6);
        assert_eq!(rule.most_tokens(), 6 + 11);
        for (text, thoughts, answer, cut) in [
            ("so B\n\n", "so B\n\n", "", true),
            ("so, so\n</think>\n\nB", "so, so", "B", true),
            ("so", "so", "", false),
            ("", "", "", false),
        ] {
            let tokens = bytes(text);
            let (found, from) = rule.split(&tokens, (&tokenizer, &marks)).expect("text");
            assert_eq!(found.text, thoughts, "{text:?}");
            assert_eq!(
                (found.cut, &tokens[from..]),
                (cut, bytes(answer).as_slice()),
                "{text:?}"
            );
            assert_eq!(found.tokens, from);
        }
        let (_, _, long) = self::rule(60);
        let tokens = bytes("B it is</think>\n\nB");
        let (found, from) = long.split(&tokens, (&tokenizer, &marks)).expect("text");
        assert_eq!(
            (found.text.as_str(), found.cut, from),
            ("B it is", false, tokens.len() - 1)
        );
    }

    /// A prompt for a model that is to think, with what transformers makes of it; scripts/make_thinking_goldens.py.
    #[derive(serde::Deserialize)]
    struct ClosedGolden {
        template: String,
        thinking_tokens: Option<usize>,
        ids: Vec<TokenId>,
        whole_ids: Vec<TokenId>,
    }

    #[test]
    fn the_tokens_of_a_closed_block_are_those_that_it_has_in_a_text() {
        let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/thinking"));
        let golden: Vec<ClosedGolden> =
            serde_json::from_slice(&std::fs::read(folder.join("golden.json")).unwrap()).unwrap();
        let tokenizer = crate::model::Inspection::of(folder).tokenizer.expect("a tokenizer");
        let encoder = Encoder::new(&tokenizer, Markup::Chat);
        let mut seen = 0;
        for case in &golden {
            let Some(budget) = case.thinking_tokens else { continue };
            let source = std::fs::read_to_string(folder.join(&case.template)).unwrap();
            let template = ChatTemplate::new(&source, "", "", ChatSpec::default()).unwrap();
            let frame = template
                .thinking_frame(budget)
                .unwrap_or_else(|error| panic!("{}: {error}", case.template));
            let block = frame.thoughts.expect("a block");
            let closed = ThoughtRule::closed(&encoder, &block).unwrap();
            let (closed, letters) = runs(&encoder, &closed, ["A".to_owned(), "B".to_owned()].into_iter()).unwrap();
            let rule = ThoughtRule::new(&encoder, &block, budget, &closed).unwrap();
            // What the model writes itself is two letters, "so".
            let put = &case.whole_ids[case.ids.len() + 2..];
            assert_eq!(
                [rule.closing.as_slice(), &letters[1]].concat(),
                put,
                "{}",
                case.template
            );
            seen += 1;
        }
        assert!(seen >= 6, "{seen} prompts with thoughts");
    }
}
