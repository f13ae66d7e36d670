//! What each condition shows of a person, and what follows from that for records whose model is not at hand.

use super::{DemonstrationSpec, People, Plan, RunError, Spec, Unit};
use crate::probe::{Case, DemonstrationRule, Draw};
use crate::prompt::Frame;
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

    /// The first of these records, which are the first of the plan, that is not what the spec calls for as far as that
    /// shows without a model: how many demonstrations were shown, in which orders options were listed, how often and
    /// with which seeds an answer was asked for.
    ///
    /// # Errors
    /// A built-in template that cannot be used.
    pub(crate) fn contradicted(
        &self,
        spec: &Spec,
        people: &People,
        recorded: &[Outcome],
    ) -> Result<Option<(usize, String)>, RunError> {
        for unit in &self.units {
            for (number, &asked) in unit.conditions.iter().enumerate() {
                let first = unit.first + number * unit.probes.len();
                let outcomes = recorded.iter().skip(first).take(unit.probes.len());
                if outcomes.len() == 0 {
                    return Ok(None);
                }
                let case = self.case(&spec.demonstrations, people, unit, asked);
                let condition = &self.conditions[asked.0];
                let definition = condition.method.definition();
                // Orders and seeds do not depend on the words.
                let prompt = condition.method.prompt(None, None)?;
                let ask = Ask {
                    condition,
                    case: &case,
                    prompt: &prompt,
                    frame: &Frame::Plain,
                };
                let text = ask.condition_text();
                let asked = Asked {
                    catalogue: &people.catalogue,
                    case: &case,
                    prompt: &prompt,
                    frame: &Frame::Plain,
                    spec: &spec.scoring,
                    condition: &text,
                };
                for (probe, outcome) in outcomes.enumerate() {
                    let wrong = misshown(outcome.shown, case.demonstrations.len(), spec.scoring.fit)
                        .or_else(|| definition.contradicts(&asked, probe, &outcome.evidence));
                    if let Some(what) = wrong {
                        return Ok(Some((first + probe, what)));
                    }
                }
            }
        }
        Ok(None)
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
