//! What may be generated: valid answers only, or anything until an answer is complete.

use std::sync::Arc;

use super::parser::names_letter;
use crate::model::{Allowed, Constraint, TokenId, TokenizeError, Tokenizer};

/// One choice after the other, each among a few runs of tokens: the letters of the options; or, for the paper's prompt,
/// one entry of the JSON object a group, all of which is fixed but the number of the statement.
///
/// No run of a stage may be the beginning of another run of it.
#[derive(Debug, Clone)]
pub struct StagedChoices {
    stages: Vec<Vec<Vec<TokenId>>>,
    stage: usize,
    /// Where in the generated tokens the stage began.
    begun: usize,
}

impl StagedChoices {
    /// A constraint of these stages, each with the runs allowed in it.
    pub fn new(stages: Vec<Vec<Vec<TokenId>>>) -> Self {
        Self {
            stages,
            stage: 0,
            begun: 0,
        }
    }

    /// Tokens of the longest answer.
    pub(crate) fn longest(&self) -> usize {
        let longest = |runs: &Vec<Vec<TokenId>>| runs.iter().map(Vec::len).max().unwrap_or(0);
        self.stages.iter().map(longest).sum()
    }
}

impl Constraint for StagedChoices {
    fn allowed(&mut self, generated: &[TokenId]) -> Allowed {
        while let Some(runs) = self.stages.get(self.stage) {
            let written = generated.get(self.begun..).unwrap_or_default();
            if let Some(whole) = runs.iter().find(|run| written.starts_with(run)) {
                self.begun += whole.len();
                self.stage += 1;
                continue;
            }
            let mut next: Vec<TokenId> = runs
                .iter()
                .filter(|run| run.starts_with(written))
                .map(|run| run[written.len()])
                .collect();
            next.sort_unstable();
            next.dedup();
            return Allowed::Only(next);
        }
        Allowed::Done
    }
}

/// The text of every token as it stands inside a text, for looking at answers while they are written.
#[derive(Debug)]
pub struct Marks {
    of_token: Vec<Box<str>>,
}

impl Marks {
    /// Looks through the vocabulary; make it once.
    pub fn new(tokenizer: &Tokenizer) -> Result<Self, TokenizeError> {
        // Decoders drop white space at the beginning of a text, so each token is decoded behind another one.
        let anchor = tokenizer.encode("x")?.last().copied();
        let before = match anchor {
            Some(anchor) => tokenizer.decode(&[anchor])?,
            None => String::new(),
        };
        let text = |id: usize| -> Result<Box<str>, TokenizeError> {
            let ids: Vec<TokenId> = anchor.into_iter().chain([id as TokenId]).collect();
            let text = tokenizer.decode(&ids)?;
            Ok(text.strip_prefix(&before).unwrap_or(&text).into())
        };
        let of_token = (0..tokenizer.vocabulary()).map(text).collect::<Result<_, _>>()?;
        Ok(Self { of_token })
    }

    /// The text of a token; nothing of one that there is not.
    pub(super) fn text(&self, token: TokenId) -> &str {
        self.of_token.get(token as usize).map_or("", |text| text)
    }
}

/// Where a free answer is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With the line in which a letter is named as the answer. Before the line ends, what follows may yet take it back.
    Letter,
    /// With the brace that closes the first object.
    Object,
}

/// Lets everything be generated until the answer is complete.
#[derive(Debug, Clone)]
pub struct Until {
    marks: Arc<Marks>,
    end: End,
    /// How a valid answer would begin; how improbable that was is recorded.
    beginnings: Vec<TokenId>,
    seen: usize,
    /// What a letter may still come out of.
    text: String,
    depth: usize,
    quoted: bool,
    escaped: bool,
    over: bool,
}

impl Until {
    /// A constraint that ends answers. Where `beginnings` are given, the tokens that a valid answer can begin with, the
    /// probability mass on all others is recorded for the first token.
    pub fn new(marks: Arc<Marks>, end: End, beginnings: Vec<TokenId>) -> Self {
        Self {
            marks,
            end,
            beginnings,
            seen: 0,
            text: String::new(),
            depth: 0,
            quoted: false,
            escaped: false,
            over: false,
        }
    }

    fn read(&mut self, piece: &str) {
        match self.end {
            End::Letter => {
                self.text.push_str(piece);
                self.over |= piece.contains('\n') && names_letter(&self.text);
            }
            End::Object => piece.chars().for_each(|c| self.read_object(c)),
        }
    }

    fn read_object(&mut self, c: char) {
        let escaped = std::mem::take(&mut self.escaped);
        match c {
            _ if self.quoted && escaped => {}
            '\\' => self.escaped = self.quoted,
            '"' if self.depth > 0 => self.quoted = !self.quoted,
            '{' if !self.quoted => self.depth += 1,
            '}' if !self.quoted && self.depth > 0 => {
                self.depth -= 1;
                self.over |= self.depth == 0;
            }
            _ => {}
        }
    }
}

impl Constraint for Until {
    fn allowed(&mut self, generated: &[TokenId]) -> Allowed {
        let marks = Arc::clone(&self.marks);
        for &token in generated.get(self.seen..).unwrap_or_default() {
            self.read(marks.text(token));
        }
        self.seen = generated.len();
        match self.over {
            true => Allowed::Done,
            false if generated.is_empty() && !self.beginnings.is_empty() => Allowed::Watch(self.beginnings.clone()),
            false => Allowed::Any,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<TokenId> {
        text.bytes().map(TokenId::from).collect()
    }

    #[test]
    fn choices_force_what_is_fixed() {
        let runs = |texts: [&str; 2]| texts.map(bytes).to_vec();
        let mut choices = StagedChoices::new(vec![runs(["{a1", "{a2"]), runs([",b1}", ",b2}"])]);
        assert_eq!(choices.longest(), 7);
        let mut written = Vec::new();
        for (expected, taken) in [
            ("{", '{'),
            ("a", 'a'),
            ("12", '2'),
            (",", ','),
            ("b", 'b'),
            ("12", '1'),
            ("}", '}'),
        ] {
            assert_eq!(choices.allowed(&written), Allowed::Only(bytes(expected)));
            written.push(taken as TokenId);
        }
        assert_eq!(choices.allowed(&written), Allowed::Done);
    }

    #[test]
    fn a_free_answer_ends_where_it_is_complete() {
        let marks = Arc::new(Marks::new(&Tokenizer::bytes()).expect("marks"));
        let ends_at = |end: End, text: &str| {
            let mut until = Until::new(Arc::clone(&marks), end, Vec::new());
            let tokens = bytes(text);
            (0..=tokens.len()).find(|&n| until.allowed(&tokens[..n]) == Allowed::Done)
        };
        assert_eq!(ends_at(End::Letter, "\n\n B.\nmore"), Some(6));
        assert_eq!(ends_at(End::Letter, "A person\nmore"), None);
        assert_eq!(ends_at(End::Letter, "Not A.\nB\n"), Some(9));
        assert_eq!(ends_at(End::Letter, "<think>\nA\n</think>\nB\nC"), Some(21));
        assert_eq!(ends_at(End::Letter, "The answer is C, since"), None);
        assert_eq!(ends_at(End::Letter, "A\n"), Some(2));
        assert_eq!(ends_at(End::Object, r#"It's: } {"a": {"b": "}\"}"}} so"#), Some(28));
        assert_eq!(ends_at(End::Object, r#"{"a": {"b": "c"}"#), None);
    }
}
