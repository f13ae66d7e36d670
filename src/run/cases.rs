//! What one condition of the grid shows of one person.

use super::{People, Plan, Spec, Unit};
use crate::probe::{Case, DemonstrationRule, Draw};
use crate::scoring::{Condition, Control};

/// The case of a unit in one of its conditions; `donor` is whose demonstrations are shown, as a position among everyone.
pub fn case(people: &People, spec: &Spec, plan: &Plan, unit: &Unit, condition: usize, donor: usize) -> Case {
    let Condition {
        demonstrations,
        form,
        demographics,
        category,
        control,
        ..
    } = &plan.conditions[condition];
    let rule = DemonstrationRule {
        seed: spec.demonstrations.seed,
        form: *form,
        draw: if spec.demonstrations.independent {
            Draw::Independent
        } else {
            Draw::Nested
        },
        category: category
            .as_ref()
            .and_then(|name| people.catalogue.categories.iter().position(|known| known == name)),
    };
    let person = people.everyone.respondent(unit.person);
    let sentences = if *demographics {
        people
            .demographics
            .sentences(&person.demographics)
            .into_iter()
            .map(str::to_owned)
            .collect()
    } else {
        Vec::new()
    };
    let case = Case::new(
        &people.catalogue,
        &person,
        unit.split,
        sentences,
        &rule,
        *demonstrations,
    );
    match control {
        Control::Own | Control::None => case,
        Control::Random | Control::SameCountry => {
            case.shown_by(&people.catalogue, &people.everyone.respondent(donor), &rule)
        }
    }
}
