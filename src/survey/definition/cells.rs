//! What a cell of a defined file means.

use super::super::file_error::Expected;
use super::source::{MissingSource, OtherCodes, Scalar};

/// Which cells mean one answer.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum AnswerMatch {
    /// A number, however it is written: `3`, `3.0`, ` 3 `.
    Number(f64),
    /// A text, to the letter but for spaces around it.
    Text(String),
    /// Either.
    NumberOrText(f64, String),
    /// Any number from one to another, both included.
    Band(f64, f64),
}

impl AnswerMatch {
    fn covers(&self, text: &str, number: Option<f64>) -> bool {
        match self {
            Self::Number(code) => number == Some(*code),
            Self::Text(label) => label == text,
            Self::NumberOrText(code, label) => label == text || number == Some(*code),
            Self::Band(from, to) => number.is_some_and(|number| (*from..=*to).contains(&number)),
        }
    }
}

/// What a cell means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum CellMeaning {
    /// The answer at this position.
    Answer(usize),
    /// No answer.
    Missing,
    /// The question was not put to the person.
    NotAsked,
    /// None of these.
    Other,
}

/// What stands for a missing answer, whatever the question.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct MissingRule {
    codes: Vec<(f64, f64)>,
    texts: Vec<String>,
    not_asked: Vec<(f64, f64)>,
    not_asked_texts: Vec<String>,
    /// Whether an answer that nothing covers counts as missing.
    pub(in super::super) lenient: bool,
}

impl MissingRule {
    /// Reads the keys of `[missing]`; the error says which code is none.
    pub(super) fn new(source: &MissingSource) -> Result<Self, String> {
        Ok(Self {
            codes: ranges(&source.codes)?,
            texts: [&["NA".to_owned()], source.texts.as_slice()].concat(),
            not_asked: ranges(&source.not_asked)?,
            not_asked_texts: source.not_asked_texts.clone(),
            lenient: source.other == OtherCodes::Missing,
        })
    }

    /// What a cell means to a question with these answers. An answer goes before a missing code: 9 is a point of one
    /// scale and "no answer" on another.
    pub(in super::super) fn meaning<'a>(
        &self,
        cell: &str,
        answers: impl IntoIterator<Item = &'a AnswerMatch>,
    ) -> CellMeaning {
        let text = cell.trim();
        let number = number(text);
        let within = |ranges: &[(f64, f64)]| {
            number.is_some_and(|number| ranges.iter().any(|(from, to)| (*from..=*to).contains(&number)))
        };
        if let Some(at) = answers.into_iter().position(|answer| answer.covers(text, number)) {
            return CellMeaning::Answer(at);
        }
        if self.not_asked_texts.iter().any(|known| known == text) || within(&self.not_asked) {
            return CellMeaning::NotAsked;
        }
        if text.is_empty() || self.texts.iter().any(|known| known == text) || within(&self.codes) {
            return CellMeaning::Missing;
        }
        CellMeaning::Other
    }

    /// What a cell should have held.
    pub(in super::super) fn expected(&self) -> Expected {
        Expected::Defined
    }
}

/// A number as a cell holds it.
pub(super) fn number(text: &str) -> Option<f64> {
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    // `inf` and `nan` are words to a survey.
    digits
        .then(|| text.parse().ok().or_else(|| text.replacen(',', ".", 1).parse().ok()))
        .flatten()
        .filter(|number: &f64| number.is_finite())
}

/// Codes and ranges of codes (`"-5..-1"`).
fn ranges(codes: &[Scalar]) -> Result<Vec<(f64, f64)>, String> {
    codes
        .iter()
        .map(|code| match code {
            Scalar::Number(code) => Ok((*code, *code)),
            Scalar::Text(text) => {
                let ends = text.split_once("..").or(Some((text, text)));
                let ends = ends.and_then(|(from, to)| Some((number(from.trim())?, number(to.trim())?)));
                ends.filter(|(from, to)| from <= to).ok_or_else(|| {
                    format!("`{text}` is neither a number nor a range of numbers such as \"-5..-1\"; give texts under `texts`")
                })
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> MissingRule {
        MissingRule::new(&toml::from_str(text).unwrap()).unwrap()
    }

    #[test]
    fn a_cell_is_an_answer_before_it_is_missing() {
        let rule = rule("codes = [9, '-5..-1']\nnot_asked = [-100]\nnot_asked_texts = ['.i']");
        let short = [AnswerMatch::Number(1.0), AnswerMatch::Number(-1.0)];
        let long = [AnswerMatch::Number(9.0)];
        assert_eq!(rule.meaning("-1", &short), CellMeaning::Answer(1));
        assert_eq!(rule.meaning(" 1.0 ", &short), CellMeaning::Answer(0));
        assert_eq!(rule.meaning("9", &short), CellMeaning::Missing);
        assert_eq!(rule.meaning("9", &long), CellMeaning::Answer(0));
        assert_eq!(rule.meaning("-100", &short), CellMeaning::NotAsked);
        assert_eq!(rule.meaning(".i", &short), CellMeaning::NotAsked);
        assert_eq!(rule.meaning("", &short), CellMeaning::Missing);
        assert_eq!(rule.meaning("NA", &short), CellMeaning::Missing);
        assert_eq!(rule.meaning("2", &short), CellMeaning::Other);
    }

    #[test]
    fn texts_and_bands_cover_what_they_say() {
        let rule = rule("");
        let texts = [
            AnswerMatch::Text("Agree".into()),
            AnswerMatch::NumberOrText(2.0, "Disagree".into()),
        ];
        assert_eq!(rule.meaning(" Agree ", &texts), CellMeaning::Answer(0));
        assert_eq!(rule.meaning("2,0", &texts), CellMeaning::Answer(1));
        assert_eq!(rule.meaning("agree", &texts), CellMeaning::Other);
        let bands = [AnswerMatch::Band(0.0, 33.0), AnswerMatch::Band(34.0, f64::INFINITY)];
        assert_eq!(rule.meaning("33", &bands), CellMeaning::Answer(0));
        assert_eq!(rule.meaning("1000", &bands), CellMeaning::Answer(1));
        assert_eq!(rule.meaning("inf", &bands), CellMeaning::Other);
        let error = MissingRule::new(&toml::from_str("codes = ['Refused']").unwrap()).unwrap_err();
        assert!(error.contains("give texts under `texts`"), "{error}");
    }
}
