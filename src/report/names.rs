//! Words for conditions, methods and categories, the same in every table and picture.

use std::collections::BTreeSet;

use crate::metrics::{Norm, System};
use crate::scoring::{Condition, Control, Method};
use crate::survey::Form;

/// The word for a method.
pub fn method(method: Method) -> &'static str {
    method.definition().title()
}

/// The word for whose demonstrations were shown.
pub fn control(control: Control) -> &'static str {
    match control {
        Control::Own => "the person's own",
        Control::None => "nobody's",
        Control::Random => "a stranger's",
        Control::SameCountry => "a compatriot's",
    }
}

/// The word for a form of demonstrations.
pub fn form(form: Form) -> &'static str {
    match form {
        Form::Refined => "refined",
        Form::Polar => "polar",
    }
}

/// What a system is called, part by part, so that a table can leave out what all of its systems have in common.
///
/// The parts stand in a fixed order: run, model, method, norm, demonstrations, form, demographics, category, control.
/// A part that says nothing is empty.
pub fn parts(run: &str, model: &str, system: &System) -> [String; 9] {
    let word = |text: &str| text.to_owned();
    match system {
        System::Model { condition, norm } => {
            let shown = condition.demonstrations > 0;
            [
                word(run),
                word(model),
                word(method(condition.method)),
                match condition.method.definition().is_normed() {
                    true => format!("{} norm", norm.name()),
                    false => String::new(),
                },
                demonstrations(condition),
                if shown {
                    word(form(condition.form))
                } else {
                    String::new()
                },
                word(if condition.demographics {
                    "demographics"
                } else {
                    "no demographics"
                }),
                condition
                    .category
                    .as_ref()
                    .map(|c| format!("from {} only", short_category(c)))
                    .unwrap_or_default(),
                if condition.control.is_own() {
                    String::new()
                } else {
                    word(control(condition.control))
                },
            ]
        }
        System::Chance | System::First | System::Majority | System::Resemblance { .. } => {
            let mut parts: [String; 9] = Default::default();
            parts[2] = baseline(system);
            parts
        }
    }
}

/// "200 demonstrations" and the like.
fn demonstrations(condition: &Condition) -> String {
    match condition.demonstrations {
        0 => "no demonstrations".to_owned(),
        n => format!("{n} demonstrations"),
    }
}

/// The words for a baseline; empty for a model.
pub fn baseline(system: &System) -> String {
    match system {
        System::Model { .. } => String::new(),
        System::Chance => "chance".to_owned(),
        System::First => "always the first".to_owned(),
        System::Majority => "majority".to_owned(),
        System::Resemblance { k } => format!("resemblance, k = {k}"),
    }
}

/// Labels that tell the systems of one table apart: the model and the method always, any other part only where it
/// differs within the table.
pub fn labels(all: &[[String; 9]]) -> Vec<String> {
    let models = all.iter().filter(|parts| !parts[1].is_empty()).count();
    let varies: [bool; 9] = std::array::from_fn(|at| match at {
        1 => said(all, 1).len() > 1 || models < 2,
        2 => true,
        // Two runs of one model differ in something else that is shown; the run's name is the last resort.
        0 => false,
        _ => said(all, at).len() > 1,
    });
    let short = |parts: &[String; 9], with_run: bool| {
        let mut kept: Vec<&str> = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let wanted = varies[at] || (at == 0 && with_run && !parts[1].is_empty());
            if wanted && !part.is_empty() {
                kept.push(part);
            }
        }
        kept.join(" · ")
    };
    let labels: Vec<String> = all.iter().map(|parts| short(parts, false)).collect();
    let ambiguous = labels
        .iter()
        .enumerate()
        .any(|(at, label)| labels[..at].contains(label));
    if ambiguous {
        all.iter().map(|parts| short(parts, true)).collect()
    } else {
        labels
    }
}

/// What one part says in the models of a table.
fn said(all: &[[String; 9]], at: usize) -> BTreeSet<&str> {
    let models = all.iter().filter(|parts| !parts[1].is_empty());
    // Only likelihoods have a norm, and a form needs demonstrations: where there is none, it differs from nothing.
    let parts = models.map(|parts| parts[at].as_str());
    parts.filter(|part| ![3, 5].contains(&at) || !part.is_empty()).collect()
}

/// What was shown to all models of a table alike: demonstrations, form, demographics, category and control.
pub fn in_common(all: &[[String; 9]]) -> Vec<String> {
    (4..9)
        .filter_map(|at| match Vec::from_iter(said(all, at)).as_slice() {
            [one] if !one.is_empty() => Some((*one).to_owned()),
            _ => None,
        })
        .collect()
}

/// A category in a word or two, for pictures; unknown names are cut at 18 characters.
pub fn short_category(name: &str) -> String {
    let known = [
        ("Social Values", "Social values"),
        ("Happiness", "Happiness"),
        ("Social Capital", "Social capital"),
        ("Economic", "Economy"),
        ("Corruption", "Corruption"),
        ("Migration", "Migration"),
        ("Security", "Security"),
        ("Postmaterialist", "Postmaterialism"),
        ("Science", "Science"),
        ("Religious", "Religion"),
        ("Ethical", "Ethics"),
        ("Political Interest", "Participation"),
        ("Political Culture", "Regimes"),
    ];
    known
        .iter()
        .find(|(start, _)| name.starts_with(start))
        .map_or_else(|| cut(name, 18), |(_, s)| (*s).to_owned())
}

/// At most `most` characters, the last one an ellipsis where some had to go.
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}

/// A norm as a sentence names it.
pub fn norm(norm: Norm) -> &'static str {
    match norm {
        Norm::Sum => "sum of token logprobs",
        Norm::Token => "mean over tokens",
        Norm::Character => "mean over characters",
        Norm::Byte => "mean over bytes",
        Norm::Pmi => "gain over the neutral context (PMI)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(method: Method, demonstrations: usize) -> System {
        let condition = Condition {
            method,
            demonstrations,
            form: Form::Polar,
            demographics: false,
            category: None,
            control: Control::Own,
        };
        System::Model {
            condition,
            norm: Norm::Sum,
        }
    }

    #[test]
    fn only_what_differs_is_said() {
        let label = |systems: &[(&str, &str, System)]| {
            let all: Vec<_> = systems
                .iter()
                .map(|(run, model, system)| parts(run, model, system))
                .collect();
            labels(&all)
        };
        assert_eq!(
            label(&[("r", "M", condition(Method::Likelihood, 200))]),
            ["M · likelihood"]
        );
        assert_eq!(
            label(&[
                ("r", "M", condition(Method::Label, 0)),
                ("r", "M", condition(Method::Label, 50)),
                ("r", "", System::Chance)
            ]),
            ["label · no demonstrations", "label · 50 demonstrations", "chance"]
        );
        assert_eq!(
            label(&[
                ("a", "M", condition(Method::Label, 0)),
                ("b", "M", condition(Method::Label, 0))
            ]),
            ["a · label", "b · label"]
        );
    }

    #[test]
    fn what_all_have_in_common_is_told_once() {
        let common = |conditions: [System; 2]| in_common(&conditions.map(|condition| parts("r", "M", &condition)));
        let (likelihood, label) = (condition(Method::Likelihood, 50), condition(Method::Label, 50));
        assert_eq!(
            common([likelihood, label.clone()]),
            ["50 demonstrations", "polar", "no demographics"]
        );
        assert_eq!(
            common([condition(Method::Label, 0), label]),
            ["polar", "no demographics"]
        );
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(cut("Überzeugung", 5), "Über…");
        assert_eq!(short_category("Political Culture & Political Regimes"), "Regimes");
    }
}
