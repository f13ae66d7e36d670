//! Which of a person's statements are shown.

use serde::{Deserialize, Serialize};

use super::draw::{KeyPart, key, shuffle};
use super::split::{Split, Splitting};
use crate::survey::{Catalogue, CategoryId, Form, QuestionIndex, Respondent};

/// A statement of the respondent, to be shown to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Demonstration {
    /// The question it answers.
    pub question: QuestionIndex,
    /// Position among the question's statements of `form`.
    pub statement: usize,
    /// Which of the question's two lists of statements it is from.
    pub form: Form,
}

impl Demonstration {
    /// The statement's text, absent where it is not from this catalogue.
    pub fn text<'a>(&self, catalogue: &'a Catalogue) -> Option<&'a str> {
        let question = catalogue.questions.get(self.question)?;
        Some(&question.statements(self.form).get(self.statement)?.text)
    }
}

/// How draws of different sizes hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Draw {
    /// The 50 are the first 50 of the 100, and so on: a sweep over sizes is one growing text.
    #[default]
    Nested,
    /// Every size is drawn anew, as in the paper.
    Independent,
}

/// How many demonstrations are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Count {
    /// This many, or all there are where there are fewer.
    Of(usize),
    /// All there are.
    All,
}

impl From<usize> for Count {
    fn from(count: usize) -> Self {
        Self::Of(count)
    }
}

/// Everything besides person, split and number that decides which statements are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DemonstrationRule {
    /// Seed of the draw.
    pub seed: u64,
    /// Form of the statements.
    pub form: Form,
    /// How draws of different sizes hang together.
    pub draw: Draw,
    /// The only category that statements come from; all of them where absent.
    pub category: Option<CategoryId>,
}

/// The statements of `respondent` that are shown before the probes of `split`, in the order of showing; fewer than
/// `count` where the respondent answered too little.
///
/// The questions outside the split are put in a random order that only the seed, the respondent's id and the split
/// decide (and `count`, where draws are independent): not the other respondents, nor the order of calls. Of these, the
/// first `count` are taken that the respondent answered and the rule admits. Refined and polar thus come in the same
/// order, and a question held out by the split is never shown. Statements of one category are shown in the order of the
/// questionnaire, as the paper does.
pub fn demonstrations(
    catalogue: &Catalogue,
    respondent: &Respondent,
    split: Split,
    rule: &DemonstrationRule,
    count: impl Into<Count>,
) -> Vec<Demonstration> {
    let count = count.into();
    let most = match count {
        Count::Of(most) => most,
        Count::All => usize::MAX,
    };
    let splitting = Splitting::new(catalogue);
    let hidden = splitting.hidden(&own_questions(&splitting, respondent, split));
    let shown = order(catalogue, &respondent.id, split, rule, count, &hidden)
        .into_iter()
        .filter_map(|question| statement(respondent, question, rule))
        .take(most)
        .collect();
    arranged(shown, rule)
}

/// The questions that a split holds out for a person.
pub(super) fn own_questions(splitting: &Splitting, respondent: &Respondent, split: Split) -> Vec<QuestionIndex> {
    let answered = |question: QuestionIndex| {
        let answer = respondent.answers.get(question);
        answer.is_some_and(|answer| answer.group(Form::Polar).is_some())
    };
    splitting.questions(split, answered)
}

/// The questions that may be shown of a person, in the person's own random order; `hidden` says which may not.
pub(super) fn order(
    catalogue: &Catalogue,
    respondent: &str,
    split: Split,
    rule: &DemonstrationRule,
    count: Count,
    hidden: &[bool],
) -> Vec<QuestionIndex> {
    let mut questions: Vec<QuestionIndex> = (0..catalogue.questions.len()).filter(|&q| !hidden[q]).collect();
    shuffle(&mut questions, stream(respondent, split, rule, count));
    questions.retain(|&q| rule.category.is_none_or(|only| catalogue.questions[q].category == only));
    questions
}

/// What the respondent said to a question; absent where they did not answer it.
pub(super) fn statement(
    respondent: &Respondent,
    question: QuestionIndex,
    rule: &DemonstrationRule,
) -> Option<Demonstration> {
    Some(Demonstration {
        question,
        statement: respondent.answers.get(question)?.group(rule.form)?,
        form: rule.form,
    })
}

/// In the order of showing.
pub(super) fn arranged(mut shown: Vec<Demonstration>, rule: &DemonstrationRule) -> Vec<Demonstration> {
    if rule.category.is_some() {
        shown.sort_by_key(|demonstration| demonstration.question);
    }
    shown
}

/// Key of the random stream that orders one person's questions.
fn stream(respondent: &str, split: Split, rule: &DemonstrationRule, count: Count) -> [u8; 32] {
    let mut parts = vec![
        KeyPart::Number(rule.seed),
        KeyPart::Text(respondent),
        KeyPart::Number(split.number().into()),
    ];
    if rule.draw == Draw::Independent {
        parts.push(match count {
            Count::Of(count) => KeyPart::Number(count as u64),
            Count::All => KeyPart::Text("all"),
        });
    }
    key("demonstrations", &parts)
}
