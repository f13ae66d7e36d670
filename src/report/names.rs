//! Words for conditions, methods and categories, the same in every table and picture.

use std::collections::{BTreeMap, BTreeSet};

use super::naming::Naming;
use crate::metrics::{Norm, System};
use crate::scoring::{Condition, Control, Method};
use crate::survey::Form;

/// The word for a method.
pub fn method(method: Method) -> &'static str {
    method.definition().title()
}

/// The word for whose demonstrations were shown.
pub fn control(control: Control, naming: &Naming) -> &'static str {
    match control {
        Control::SameCountry if naming.own_groups => "a same-group stranger's",
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

/// One thing that a system's name says, in the order in which names say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamePart {
    /// Its run.
    Run,
    /// Its model.
    Model,
    /// How it predicts; a baseline's only part.
    Method,
    /// How likelihoods are normed.
    Norm,
    /// How many demonstrations it was shown.
    Demonstrations,
    /// Their form.
    Form,
    /// Whether demographic statements came first.
    Demographics,
    /// The only category that demonstrations came from.
    Category,
    /// Whose demonstrations they were, where not the person's own.
    Control,
}

/// What a system is called, part by part, so that a table can leave out what all of its systems have in common. A part
/// that says nothing is absent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Name(BTreeMap<NamePart, String>);

impl Name {
    /// The name of a system of a run; baselines ask no model.
    pub fn new(run: &str, model: &str, system: &System, naming: &Naming) -> Self {
        let System::Model { condition, norm } = system else {
            return Self(BTreeMap::from([(NamePart::Method, baseline(system))]));
        };
        let normed = condition.method.definition().is_normed();
        let demographics = if condition.demographics {
            "demographics"
        } else {
            "no demographics"
        };
        let category = condition.category.as_deref();
        let parts = [
            (NamePart::Run, Some(run.to_owned())),
            (NamePart::Model, Some(model.to_owned())),
            (NamePart::Method, Some(method(condition.method).to_owned())),
            (NamePart::Norm, normed.then(|| format!("{} norm", norm.name()))),
            (NamePart::Demonstrations, Some(demonstrations(condition, naming))),
            (
                NamePart::Form,
                (condition.demonstrations > 0).then(|| form(condition.form).to_owned()),
            ),
            (NamePart::Demographics, Some(demographics.to_owned())),
            (
                NamePart::Category,
                category.map(|category| format!("from {} only", short_category(category))),
            ),
            (
                NamePart::Control,
                (!condition.control.is_own()).then(|| control(condition.control, naming).to_owned()),
            ),
        ];
        let said = parts.into_iter().filter_map(|(part, word)| Some((part, word?)));
        Self(said.collect())
    }

    /// The name without some parts: what systems have in common that differ in these alone.
    pub fn without(&self, parts: &[NamePart]) -> Self {
        let mut name = self.clone();
        name.0.retain(|part, _| !parts.contains(part));
        name
    }

    /// What two systems have in common beside their run.
    pub fn common(&self, other: &Self) -> String {
        let alike = self.0.iter().filter(|(part, word)| other.0.get(part) == Some(word));
        joined(alike.filter(|(part, _)| **part != NamePart::Run))
    }

    /// Everything it says but the run.
    pub fn full(&self) -> String {
        joined(self.0.iter().filter(|(part, _)| **part != NamePart::Run))
    }

    fn of_model(&self) -> bool {
        self.0.contains_key(&NamePart::Model)
    }
}

/// A condition in words: "likelihood · 200 demonstrations · refined · no demographics".
pub fn condition_words(condition: &Condition, naming: &Naming) -> String {
    let system = System::Model {
        condition: condition.clone(),
        norm: Norm::default(),
    };
    let beside = [NamePart::Run, NamePart::Model, NamePart::Norm];
    Name::new("", "", &system, naming).without(&beside).full()
}

fn joined<'a>(parts: impl Iterator<Item = (&'a NamePart, &'a String)>) -> String {
    let words: Vec<&str> = parts.map(|(_, word)| word.as_str()).collect();
    words.join(" · ")
}

/// "50 demonstrations", "200 demonstrations (at most 20 shown)" and the like.
fn demonstrations(condition: &Condition, naming: &Naming) -> String {
    let most = naming.most_shown.get(&condition.demonstrations);
    match (condition.demonstrations, most.filter(|_| condition.category.is_none())) {
        (0, _) => "no demonstrations".to_owned(),
        (1, None) => "1 demonstration".to_owned(),
        (n, None) => format!("{n} demonstrations"),
        (n, Some(most)) => format!("{n} demonstrations (at most {most} shown)"),
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
        System::NaiveBayes => "naive Bayes".to_owned(),
    }
}

/// Labels that tell the systems of one table apart: the model and the method always, any other part only where it
/// differs within the table.
pub fn labels(all: &[Name]) -> Vec<String> {
    let models = all.iter().filter(|name| name.of_model()).count();
    let shown = |part: NamePart| match part {
        NamePart::Method => true,
        NamePart::Model => said(all, part).len() > 1 || models < 2,
        // Two runs of one model differ in something else that is shown; the run's name is the last resort.
        NamePart::Run => false,
        _ => said(all, part).len() > 1,
    };
    let short = |name: &Name, with_run: bool| {
        let parts = name.0.iter();
        joined(parts.filter(|(part, _)| shown(**part) || (**part == NamePart::Run && with_run)))
    };
    let labels: Vec<String> = all.iter().map(|name| short(name, false)).collect();
    let ambiguous = labels
        .iter()
        .enumerate()
        .any(|(at, label)| labels[..at].contains(label));
    if ambiguous {
        all.iter().map(|name| short(name, true)).collect()
    } else {
        labels
    }
}

/// What one part says in the models of a table; nothing is among it where some do not say it.
fn said(all: &[Name], part: NamePart) -> BTreeSet<Option<&str>> {
    let models = all.iter().filter(|name| name.of_model());
    let words = models.map(|name| name.0.get(&part).map(String::as_str));
    // Only likelihoods have a norm, and a form needs demonstrations: where there is none, it differs from nothing.
    let optional = [NamePart::Norm, NamePart::Form].contains(&part);
    words.filter(|word| !optional || word.is_some()).collect()
}

/// What was shown to all models of a table alike: demonstrations, form, demographics, category and control.
pub fn in_common(all: &[Name]) -> Vec<String> {
    let shown = [
        NamePart::Demonstrations,
        NamePart::Form,
        NamePart::Demographics,
        NamePart::Category,
        NamePart::Control,
    ];
    let common = shown
        .into_iter()
        .filter_map(|part| match Vec::from_iter(said(all, part)).as_slice() {
            [Some(one)] => Some((*one).to_owned()),
            _ => None,
        });
    common.collect()
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

/// At most `most` characters, an ellipsis in the middle where some had to go: names of systems differ at either end.
pub fn cut_within(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let (front, back) = (kept.div_ceil(2), kept / 2);
    let start: String = text.chars().take(front).collect();
    let end: String = text.chars().skip(length - back).collect();
    format!("{}…{}", start.trim_end(), end.trim_start())
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
                .map(|(run, model, system)| Name::new(run, model, system, &Naming::default()))
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
    fn what_all_have_in_common_is_said_once() {
        let common = |conditions: [System; 2]| {
            in_common(&conditions.map(|condition| Name::new("r", "M", &condition, &Naming::default())))
        };
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
    fn a_survey_of_ones_own_has_groups_and_may_have_fewer_demonstrations_than_were_asked_for() {
        let naming = Naming {
            own_groups: true,
            most_shown: [(200, 20)].into(),
        };
        let words = |condition: System, control: Control, category: Option<&str>| {
            let System::Model { condition, .. } = condition else {
                return String::new();
            };
            let category = category.map(str::to_owned);
            condition_words(
                &Condition {
                    control,
                    category,
                    ..condition
                },
                &naming,
            )
        };
        assert_eq!(
            words(condition(Method::Label, 200), Control::SameCountry, None),
            "label · 200 demonstrations (at most 20 shown) · polar · no demographics · a same-group stranger's"
        );
        assert_eq!(
            words(condition(Method::Label, 10), Control::Random, None),
            "label · 10 demonstrations · polar · no demographics · a stranger's"
        );
        assert!(words(condition(Method::Label, 200), Control::Own, Some("Trust")).contains("200 demonstrations · "));
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(cut("Überzeugung", 5), "Über…");
        assert_eq!(cut_within("Überzeugung", 11), "Überzeugung");
        assert_eq!(cut_within("a model · label · 20 shown", 14), "a model…shown");
        assert_eq!(short_category("Political Culture & Political Regimes"), "Regimes");
    }
}
