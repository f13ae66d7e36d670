//! Scales: answers with their labels and places, how they are merged to polar ones, and the statements they become.

use super::super::types::Statement;
use super::cells::AnswerMatch;
use super::scale_answers::{ScaleAnswer, answers};
use super::source::{DefinedScale, PolarRule, PolarSource, Scalar};

/// The answers of one question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AnswerScale {
    pub(super) answers: Vec<ScaleAnswer>,
    /// Positions of answers, by polar answer.
    polar: Vec<Vec<usize>>,
    polar_labels: Vec<String>,
    nominal: bool,
}

/// The statements of a question: refined and polar ones, and where the polar ones stand on the scale.
pub(super) struct Statements {
    pub(super) refined: Vec<Statement>,
    pub(super) polar: Vec<Statement>,
    pub(super) values: Vec<f64>,
}

/// The words of a question.
pub(super) struct Wording<'a> {
    pub(super) text: &'a str,
    pub(super) template: Option<&'a str>,
    /// Finished statements, one a polar answer.
    pub(super) statements: &'a [String],
    pub(super) reverse: bool,
}

impl AnswerScale {
    /// Reads a scale; the error says what is wrong with it.
    pub(super) fn new(source: &DefinedScale) -> Result<Self, String> {
        let answers = answers(&source.answers, &source.labels, &source.bands)?;
        if answers.len() < 2 {
            return Err("a question needs two answers or more: give `answers`, `labels` or `bands`".to_owned());
        }
        let polar = polar(&answers, source.polar.as_ref(), source.nominal)?;
        if !source.polar_labels.is_empty() && source.polar_labels.len() != polar.len() {
            return Err(format!(
                "`polar_labels` has {} labels, and there are {} polar answers",
                source.polar_labels.len(),
                polar.len()
            ));
        }
        Ok(Self {
            answers,
            polar,
            polar_labels: source.polar_labels.clone(),
            nominal: source.nominal,
        })
    }

    /// The polar answer that each answer belongs to.
    pub(super) fn polar_of(&self, answer: usize) -> usize {
        self.polar.iter().position(|group| group.contains(&answer)).unwrap_or(0)
    }

    /// The statements of a question on this scale; the error says which cannot be used.
    pub(super) fn statements(&self, words: &Wording<'_>) -> Result<Statements, String> {
        let codes = self.codes();
        let template = words
            .template
            .map_or_else(|| self.plain_template(words.text), str::to_owned);
        let fill = |label: &str| -> Result<String, String> {
            let text = template.replace("{text}", words.text).replace("{label}", label);
            let text = text.trim().to_owned();
            match text.contains(['{', '}', '\n']) || text.is_empty() {
                true => Err(format!(
                    "`{text}` is no finished statement: a template has {{text}} and {{label}}"
                )),
                false => Ok(text),
            }
        };
        let mut refined = Vec::with_capacity(self.answers.len());
        for (answer, &code) in self.answers.iter().zip(&codes) {
            let text = answer.statement.clone().map_or_else(|| fill(&answer.label), Ok)?;
            refined.push(Statement {
                codes: vec![code],
                text,
            });
        }
        if !words.statements.is_empty() && words.statements.len() != self.polar.len() {
            return Err(format!(
                "`statements` has {}, and there are {} polar answers",
                words.statements.len(),
                self.polar.len()
            ));
        }
        let mut polar = Vec::with_capacity(self.polar.len());
        for (at, group) in self.polar.iter().enumerate() {
            let speaks = self.outermost(group);
            let text = match (words.statements.get(at), self.polar_labels.get(at)) {
                (Some(statement), _) => statement.clone(),
                (None, Some(label)) => fill(label)?,
                (None, None) => refined[speaks].text.clone(),
            };
            let mut codes: Vec<i16> = group.iter().map(|&answer| codes[answer]).collect();
            codes.sort_unstable();
            polar.push(Statement { codes, text });
        }
        distinct("refined", &refined)?;
        distinct("polar", &polar)?;
        unambiguous(&polar)?;
        Ok(Statements {
            refined,
            polar,
            values: self.values(words.reverse),
        })
    }

    /// Of answers that are merged, the one that speaks for all: the outermost of the scale, else the middle one. Measured:
    /// one label does as well as a sentence, labels joined by "or" cost ten points.
    fn outermost(&self, group: &[usize]) -> usize {
        let last = self.answers.len() - 1;
        match (group.contains(&0), group.contains(&last)) {
            (true, _) => 0,
            (_, true) => last,
            _ => group.get(group.len() / 2).copied().unwrap_or(0),
        }
    }

    /// A label behind the text, so that candidates share their beginning; with a full stop where a label would otherwise
    /// be the beginning of another.
    fn plain_template(&self, text: &str) -> String {
        let labels = self
            .answers
            .iter()
            .map(|answer| &answer.label)
            .chain(&self.polar_labels);
        let labels: Vec<&String> = labels.collect();
        let begins = |a: &&String| labels.iter().any(|b| b != a && b.starts_with(a.as_str()));
        let end = if labels.iter().any(begins) { "." } else { "" };
        let ended = text.ends_with(['?', '.', ':', '!', '…', '-']);
        let between = match (text.is_empty(), ended) {
            (true, _) => "",
            (_, true) => " ",
            (_, false) => ": ",
        };
        format!("{{text}}{between}{{label}}{end}")
    }

    /// Answer codes: those of the definition where all are small whole numbers, else places from 1.
    fn codes(&self) -> Vec<i16> {
        let told: Option<Vec<i16>> = self
            .answers
            .iter()
            .map(|answer| match &answer.matches {
                AnswerMatch::Number(code) | AnswerMatch::NumberOrText(code, _) => whole(*code),
                _ => None,
            })
            .collect();
        let places = || (1..).take(self.answers.len()).collect();
        told.unwrap_or_else(places)
    }

    /// Where polar answers stand: the mean of their answers' places, counted from the other end where `reverse` says so.
    fn values(&self, reverse: bool) -> Vec<f64> {
        if self.nominal {
            return Vec::new();
        }
        let values = || self.answers.iter().map(|answer| answer.value);
        let ends = values().fold(f64::INFINITY, f64::min) + values().fold(f64::NEG_INFINITY, f64::max);
        self.polar
            .iter()
            .map(|group| {
                let sum: f64 = group.iter().map(|&answer| self.answers[answer].value).sum();
                let mean = sum / group.len() as f64;
                if reverse { ends - mean } else { mean }
            })
            .collect()
    }
}

fn whole(code: f64) -> Option<i16> {
    (code.fract() == 0.0 && code.abs() <= f64::from(i16::MAX)).then_some(code as i16)
}

fn polar(answers: &[ScaleAnswer], wanted: Option<&PolarSource>, nominal: bool) -> Result<Vec<Vec<usize>>, String> {
    let n = answers.len();
    let each = || (0..n).map(|at| vec![at]).collect();
    let halves = || vec![(0..n / 2).collect(), (n / 2..n).collect()];
    match wanted {
        Some(PolarSource::Named(PolarRule::Each)) => Ok(each()),
        Some(PolarSource::Named(PolarRule::Halves)) if n.is_multiple_of(2) => Ok(halves()),
        Some(PolarSource::Named(PolarRule::Halves)) => Err(format!(
            "{n} answers have no halves: say which go together, `polar = [[1, 2], [3], [4, 5]]`"
        )),
        None if nominal || n % 2 == 1 => Ok(each()),
        None => Ok(halves()),
        Some(PolarSource::Lists(lists)) => listed(answers, lists),
    }
}

fn listed(answers: &[ScaleAnswer], lists: &[Vec<Scalar>]) -> Result<Vec<Vec<usize>>, String> {
    let place = |wanted: &Scalar| {
        let is = |answer: &ScaleAnswer| match (&answer.matches, wanted) {
            (AnswerMatch::Number(code) | AnswerMatch::NumberOrText(code, _), Scalar::Number(number)) => code == number,
            (_, Scalar::Text(text)) => answer.label == *text,
            _ => false,
        };
        let by_place = match wanted {
            Scalar::Number(number) => (1..)
                .zip(answers)
                .find(|(at, _)| f64::from(*at) == *number)
                .map(|(at, _)| at as usize - 1),
            Scalar::Text(_) => None,
        };
        let named = answers.iter().position(is);
        named.or(by_place).ok_or_else(|| {
            let labels: Vec<String> = answers.iter().map(|answer| format!("`{}`", answer.label)).collect();
            format!("`polar` names {wanted}; the answers are {}", labels.join(", "))
        })
    };
    let groups: Vec<Vec<usize>> = lists
        .iter()
        .map(|list| list.iter().map(place).collect())
        .collect::<Result<_, String>>()?;
    let mut all: Vec<usize> = groups.concat();
    all.sort_unstable();
    match all.iter().copied().eq(0..answers.len()) && groups.len() > 1 && groups.iter().all(|group| !group.is_empty()) {
        true => Ok(groups),
        false => Err("`polar` puts every answer into exactly one of two lists or more".to_owned()),
    }
}

fn distinct(form: &str, statements: &[Statement]) -> Result<(), String> {
    for (at, statement) in statements.iter().enumerate() {
        if statements[..at].iter().any(|other| other.text == statement.text) {
            return Err(format!(
                "`{}` stands for two {form} answers; give them labels or statements of their own",
                statement.text
            ));
        }
    }
    Ok(())
}

/// A candidate that is the beginning of another is never less likely: it would win for everybody.
fn unambiguous(polar: &[Statement]) -> Result<(), String> {
    for one in polar {
        let longer = polar
            .iter()
            .find(|other| *other != one && other.text.starts_with(&one.text));
        if let Some(other) = longer {
            return Err(format!(
                "`{}` is the beginning of `{}`, so that it could not be less likely; put a full stop behind the label: \
                 template = \"{{text}}: {{label}}.\"",
                one.text, other.text
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(text: &str) -> Result<AnswerScale, String> {
        AnswerScale::new(&toml::from_str(text).unwrap())
    }

    fn texts(text: &str, reverse: bool) -> (Vec<String>, Vec<f64>) {
        let words = Wording {
            text: "is talkative",
            template: None,
            statements: &[],
            reverse,
        };
        let statements = scale(text).unwrap().statements(&words).unwrap();
        let texts = statements.polar.into_iter().map(|statement| statement.text).collect();
        (texts, statements.values)
    }

    #[test]
    fn even_scales_are_halved_and_told_by_their_ends() {
        let labels = "labels = ['Never', 'Seldom', 'Often', 'Always']";
        let halves = ["is talkative: Never", "is talkative: Always"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(texts(labels, false), (halves.clone(), vec![1.5, 3.5]));
        assert_eq!(texts(labels, true), (halves, vec![3.5, 1.5]));
        let (each, values) = texts(&format!("{labels}\nnominal = true"), false);
        assert_eq!((each.len(), values.len()), (4, 0));
    }

    #[test]
    fn a_label_that_begins_another_is_ended_and_an_own_template_is_told_to() {
        let likert = "labels = ['Agree', 'Neither', 'Agree strongly']";
        let (texts, _) = texts(likert, false);
        assert_eq!(texts[0], "is talkative: Agree.");
        let words = Wording {
            text: "t",
            template: Some("{text}: {label}"),
            statements: &[],
            reverse: false,
        };
        let error = scale(likert).unwrap().statements(&words).err().unwrap();
        assert!(error.contains("could not be less likely"), "{error}");
    }

    #[test]
    fn polar_lists_name_codes_or_labels_and_hold_every_answer_once() {
        let scale = scale("labels = ['a', 'b', 'c', 'd', 'e']\npolar = [[1, 2], ['c'], [4, 5]]").unwrap();
        assert_eq!((0..5).map(|at| scale.polar_of(at)).collect::<Vec<_>>(), [0, 0, 1, 2, 2]);
        for wrong in ["[[1, 2], [3]]", "[[1, 2], [2, 3, 4, 5]]", "[[1, 2, 3, 4, 9], [5]]"] {
            let text = format!("labels = ['a', 'b', 'c', 'd', 'e']\npolar = {wrong}");
            assert!(super::tests::scale(&text).is_err(), "{wrong}");
        }
        assert!(
            super::tests::scale("labels = ['a', 'b', 'c']\npolar = 'halves'")
                .unwrap_err()
                .contains("no halves")
        );
    }

    #[test]
    fn any_codes_orders_and_bands() {
        let spend = "answers = [{code = -1, label = 'too much'}, {code = 0, label = 'right'}, {code = 1, label = 'too little', order = 9}]";
        let scale = scale(spend).unwrap();
        assert_eq!(scale.codes(), [-1, 0, 1]);
        assert_eq!(scale.values(false), [1.0, 2.0, 9.0]);
        let bands = super::tests::scale("bands = [[0, 33], [34, 66], [67, inf]]").unwrap();
        let labels: Vec<&str> = bands.answers.iter().map(|answer| answer.label.as_str()).collect();
        assert_eq!(labels, ["0 to 33", "34 to 66", "67 or more"]);
        assert_eq!(bands.values(false), [16.5, 50.0, 67.0]);
        assert!(super::tests::scale("bands = [[0, 33], [33, 66]]").is_err());
    }
}
