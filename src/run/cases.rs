//! What each condition shows of a person, and what follows from that for records whose model is not at hand.

use super::{DemonstrationSpec, People, Plan, RunError, Spec, Unit};
use crate::probe::{Case, DemonstrationRule, Draw};
use crate::prompt::{Frame, Prompt};
use crate::scoring::{Ask, Asked, Condition, Control, Fit, Outcome};

impl Plan {
    /// What one condition of a unit shows of its person: the condition by position, and whose demonstrations, as a
    /// position among everyone.
    pub fn case(
        &self,
        drawn: &DemonstrationSpec,
        people: &People,
        unit: &Unit,
        (condition, donor): (usize, usize),
    ) -> Case {
        let condition = &self.conditions[condition];
        let rule = rule(drawn, people, condition);
        let person = people.everyone.respondent(unit.person);
        let sentences = match condition.demographics {
            true => people.demographics.sentences(&person.demographics),
            false => Vec::new(),
        };
        let case = Case::new(
            &people.catalogue,
            &person,
            unit.split,
            sentences.into_iter().map(str::to_owned).collect(),
            &rule,
            condition.demonstrations,
        );
        match condition.control {
            Control::Own | Control::None => case,
            Control::Random | Control::SameCountry => {
                case.shown_by(&people.catalogue, &people.everyone.respondent(donor), &rule)
            }
        }
    }
}

/// Holds records, one after the other from the first of a plan on, against what the spec calls for as far as that shows
/// without a model: how many demonstrations were shown, in which orders options were listed, how often and with which
/// seeds an answer was asked for.
pub(crate) struct SpecCheck<'a> {
    plan: &'a Plan,
    spec: &'a Spec,
    people: &'a People,
    /// What the condition of the last record shows, by unit and condition.
    last: Option<((usize, usize), Called)>,
}

/// What one condition of a unit calls for.
struct Called {
    case: Case,
    prompt: Prompt,
    text: String,
}

impl<'a> SpecCheck<'a> {
    pub(crate) fn new(plan: &'a Plan, spec: &'a Spec, people: &'a People) -> Self {
        let last = None;
        Self {
            plan,
            spec,
            people,
            last,
        }
    }

    /// What of record number `index`, which is that of the plan, contradicts the spec.
    ///
    /// # Errors
    /// A built-in template that cannot be used.
    pub(crate) fn contradicted(&mut self, index: usize, outcome: &Outcome) -> Result<Option<String>, RunError> {
        let Some((unit, number, probe)) = self.plan.locate(index) else {
            return Ok(None);
        };
        let place = (unit, number);
        let called = match self.last.take() {
            Some((last, called)) if last == place => called,
            _ => self.called(&self.plan.units[unit], number)?,
        };
        let asked = Asked {
            catalogue: &self.people.catalogue,
            case: &called.case,
            prompt: &called.prompt,
            frame: &Frame::Plain,
            spec: &self.spec.scoring,
            condition: &called.text,
        };
        let there = called.case.demonstrations.len();
        let definition = outcome.condition.method.definition();
        let wrong = misshown(outcome.shown, there, self.spec.scoring.fit)
            .or_else(|| definition.contradicts(&asked, probe, &outcome.evidence));
        self.last = Some((place, called));
        Ok(wrong)
    }

    fn called(&self, unit: &Unit, number: usize) -> Result<Called, RunError> {
        let asked = unit.conditions[number];
        let condition = &self.plan.conditions[asked.0];
        let case = self.plan.case(&self.spec.demonstrations, self.people, unit, asked);
        // Orders and seeds do not depend on the words.
        let prompt = condition.method.prompt(None, None)?;
        let ask = Ask {
            condition,
            case: &case,
            prompt: &prompt,
            frame: &Frame::Plain,
        };
        let text = ask.condition_text();
        Ok(Called { case, prompt, text })
    }
}

/// What is wrong with a number of demonstrations that were shown, where there are so many to show.
fn misshown(shown: usize, there: usize, fit: Fit) -> Option<String> {
    let holds = match fit {
        Fit::Refuse => shown == there,
        // How many fit only the model's tokenizer can tell.
        Fit::DropDemonstrations => shown <= there,
    };
    (!holds).then(|| format!("`shown` is {shown} where the spec calls for {there}"))
}

/// How the demonstrations of a condition are drawn.
fn rule(drawn: &DemonstrationSpec, people: &People, condition: &Condition) -> DemonstrationRule {
    let categories = &people.catalogue.categories;
    let category = condition.category.as_ref();
    DemonstrationRule {
        seed: drawn.seed,
        form: condition.form,
        draw: match drawn.independent {
            true => Draw::Independent,
            false => Draw::Nested,
        },
        category: category.and_then(|name| categories.iter().position(|known| known == name)),
    }
}
