//! What may be generated: valid answers only, or anything until an answer is complete.

use std::sync::Arc;

use crate::model::{Constraint, Menu, TokenId, TokenizeError, Tokenizer};

/// One choice after the other, each among a few runs of tokens: the letters of the options; or, for the paper's prompt,
/// one entry of the JSON object a group, all of which is fixed but the number of the statement.
///
/// No run of a stage may be the beginning of another run of it.
#[derive(Debug, Clone)]
pub struct Choices {
    stages: Vec<Vec<Vec<TokenId>>>,
    stage: usize,
    /// Where in the generated tokens the stage began.
    begun: usize,
}

impl Choices {
    /// A constraint of these stages, each with the runs allowed in it.
    pub fn new(stages: Vec<Vec<Vec<TokenId>>>) -> Self {
        Self {
            stages,
            stage: 0,
            begun: 0,
        }
    }

    /// Tokens of the longest answer.
    pub fn longest(&self) -> usize {
        let longest = |runs: &Vec<Vec<TokenId>>| runs.iter().map(Vec::len).max().unwrap_or(0);
        self.stages.iter().map(longest).sum()
    }
}

impl Constraint for Choices {
    fn menu(&mut self, generated: &[TokenId]) -> Menu {
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
            return Menu::Only(next);
        }
        Menu::Done
    }
}

/// Marks that tell where an answer ends, by token.
#[derive(Debug)]
pub struct Marks {
    of_token: Vec<Box<[u8]>>,
}

impl Marks {
    /// Looks through the vocabulary; make it once.
    pub fn new(tokenizer: &Tokenizer) -> Result<Self, TokenizeError> {
        let marks = |id: usize| -> Result<Box<[u8]>, TokenizeError> {
            let text = tokenizer.decode(&[id as TokenId])?;
            let kept = |byte: &u8| matches!(byte, b'{' | b'}' | b'"' | b'\\' | b'\n') || byte.is_ascii_graphic();
            let mut kept: Vec<u8> = text.bytes().filter(kept).collect();
            // Any other character says only that something is there.
            kept.iter_mut()
                .filter(|byte| !matches!(byte, b'{' | b'}' | b'"' | b'\\' | b'\n'))
                .for_each(|byte| *byte = b'x');
            kept.dedup_by(|a, b| a == b && *a == b'x');
            Ok(kept.into())
        };
        let of_token = (0..tokenizer.vocabulary()).map(marks).collect::<Result<_, _>>()?;
        Ok(Self { of_token })
    }
}

/// Where a free answer is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With the line in which something was said.
    Line,
    /// With the brace that closes the first object.
    Object,
}

/// Lets everything be generated until the answer is complete.
#[derive(Debug, Clone)]
pub struct Until {
    marks: Arc<Marks>,
    end: End,
    seen: usize,
    depth: usize,
    quoted: bool,
    escaped: bool,
    said: bool,
    over: bool,
}

impl Until {
    /// A constraint that ends answers.
    pub fn new(marks: Arc<Marks>, end: End) -> Self {
        Self {
            marks,
            end,
            seen: 0,
            depth: 0,
            quoted: false,
            escaped: false,
            said: false,
            over: false,
        }
    }

    fn read(&mut self, mark: u8) {
        match self.end {
            End::Line => {
                self.over |= mark == b'\n' && self.said;
                self.said |= mark != b'\n';
            }
            End::Object => {
                let escaped = std::mem::take(&mut self.escaped);
                match mark {
                    _ if self.quoted && escaped => {}
                    b'\\' => self.escaped = self.quoted,
                    b'"' if self.depth > 0 => self.quoted = !self.quoted,
                    b'{' if !self.quoted => self.depth += 1,
                    b'}' if !self.quoted && self.depth > 0 => {
                        self.depth -= 1;
                        self.over |= self.depth == 0;
                    }
                    _ => {}
                }
            }
        }
    }
}

impl Constraint for Until {
    fn menu(&mut self, generated: &[TokenId]) -> Menu {
        let marks = Arc::clone(&self.marks);
        for &token in generated.get(self.seen..).unwrap_or_default() {
            for &mark in marks.of_token.get(token as usize).into_iter().flatten() {
                self.read(mark);
            }
        }
        self.seen = generated.len();
        if self.over { Menu::Done } else { Menu::Any }
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
        let mut choices = Choices::new(vec![runs(["{a1", "{a2"]), runs([",b1}", ",b2}"])]);
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
            assert_eq!(choices.menu(&written), Menu::Only(bytes(expected)));
            written.push(taken as TokenId);
        }
        assert_eq!(choices.menu(&written), Menu::Done);
    }

    #[test]
    fn a_free_answer_ends_where_it_is_complete() {
        let marks = Arc::new(Marks::new(&Tokenizer::bytes()).expect("marks"));
        let ends_at = |end: End, text: &str| {
            let mut until = Until::new(Arc::clone(&marks), end);
            let tokens = bytes(text);
            (0..=tokens.len()).find(|&n| until.menu(&tokens[..n]) == Menu::Done)
        };
        assert_eq!(ends_at(End::Line, "\n\n B.\nmore"), Some(6));
        assert_eq!(ends_at(End::Line, "\n\nB"), None);
        assert_eq!(ends_at(End::Object, r#"It's: } {"a": {"b": "}\"}"}} so"#), Some(28));
        assert_eq!(ends_at(End::Object, r#"{"a": {"b": "c"}"#), None);
    }
}
