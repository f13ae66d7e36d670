//! One person and one split: what is shown and what is asked.

use super::demonstration::{
    Count, Demonstration, DemonstrationRule, arranged, demonstrations, order, own_questions, statement,
};
use super::split::{Split, Splitting};
use crate::survey::{Catalogue, Form, QuestionIndex, Respondent};

/// A held-out question that the person answered. Its candidates are the question's polar statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Probe {
    /// The question.
    pub question: QuestionIndex,
    /// Position of the person's own answer among the polar statements.
    pub label: usize,
}

/// What is shown of one person, and what is asked about them, in one split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The respondent's id.
    pub respondent: String,
    /// Which questions are held out.
    pub split: Split,
    /// Demographic statements, shown first; empty where they are not shown.
    pub demographics: Vec<String>,
    /// Demonstrations in the order of showing.
    pub demonstrations: Vec<Demonstration>,
    /// How many demonstrations were asked for; a person with fewer shows all.
    pub asked: Count,
    /// The held-out questions that the person answered, in the order of the split.
    pub probes: Vec<Probe>,
}

impl Case {
    /// The case of one person, shown by their own statements. `demographics` are ready sentences.
    pub fn new(
        catalogue: &Catalogue,
        respondent: &Respondent,
        split: Split,
        demographics: Vec<String>,
        rule: &DemonstrationRule,
        count: impl Into<Count>,
    ) -> Self {
        let count = count.into();
        Self {
            respondent: respondent.id.clone(),
            split,
            demographics,
            demonstrations: demonstrations(catalogue, respondent, split, rule, count),
            asked: count,
            probes: probes(catalogue, respondent, split),
        }
    }

    /// The same probes, shown by another person's statements on the same questions, as far as the donor answered them:
    /// what differs is who speaks, not what about.
    ///
    /// Where the donor did not answer one of them, the donor's answer to the next question in the person's own order stands
    /// in, after the others; so there are as many statements, as far as the donor answered as many.
    #[must_use]
    pub fn shown_by(mut self, catalogue: &Catalogue, donor: &Respondent, rule: &DemonstrationRule) -> Self {
        let shown: Vec<QuestionIndex> = self.demonstrations.iter().map(|shown| shown.question).collect();
        let hidden = self.hidden(catalogue);
        let further = order(catalogue, &self.respondent, self.split, rule, self.asked, &hidden);
        let further = further.into_iter().filter(|question| !shown.contains(question));
        let substitutes = shown
            .iter()
            .copied()
            .chain(further)
            .filter_map(|question| statement(donor, question, rule))
            .take(shown.len())
            .collect();
        self.demonstrations = arranged(substitutes, rule);
        self
    }

    /// For each question, whether it may not be shown.
    fn hidden(&self, catalogue: &Catalogue) -> Vec<bool> {
        let splitting = Splitting::new(catalogue);
        // Probes of their own are all answered, so that the case has them all.
        let own: Vec<QuestionIndex> = match splitting.is_personal() {
            true => self.probes.iter().map(|probe| probe.question).collect(),
            false => splitting.questions(self.split, |_| true),
        };
        splitting.hidden(&own)
    }

    /// Demonstrations that were asked for and that the person does not have.
    pub fn missing(&self) -> usize {
        match self.asked {
            Count::Of(count) => count.saturating_sub(self.demonstrations.len()),
            Count::All => 0,
        }
    }
}

/// The held-out questions of `split` that the respondent answered, in the order of the split.
fn probes(catalogue: &Catalogue, respondent: &Respondent, split: Split) -> Vec<Probe> {
    own_questions(&Splitting::new(catalogue), respondent, split)
        .into_iter()
        .filter_map(|question| {
            let label = respondent.answers.get(question)?.group(Form::Polar)?;
            Some(Probe { question, label })
        })
        .collect()
}
