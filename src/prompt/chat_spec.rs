//! What a run tells chat templates: a system message, variables, today's date.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chat_values::Date;

/// Variables of templates that the program gives itself.
const OWN: [&str; 7] = [
    "messages",
    "add_generation_prompt",
    "continue_final_message",
    "bos_token",
    "eos_token",
    "tools",
    "documents",
];

/// What chat templates are told beside the message: `[chat]` of a spec.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChatSpec {
    /// A system message before the user's; absent: whatever the template itself writes then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// What the template is told today is; absent: [`Date::default`], so that the same run gives the same numbers tomorrow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// Variables of the template, such as `enable_thinking` or `reasoning_effort`.
    #[serde(skip_serializing_if = "TemplateVariables::is_empty")]
    pub kwargs: TemplateVariables,
}

impl ChatSpec {
    /// Whether nothing is said.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What the template is told today is.
    pub(super) fn today(&self) -> Date {
        self.date.unwrap_or_default()
    }
}

/// Variables of a template by name, none of them one that the program gives itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Value>", into = "BTreeMap<String, Value>")]
pub struct TemplateVariables(BTreeMap<String, Value>);

impl TemplateVariables {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name and value of each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl TryFrom<BTreeMap<String, Value>> for TemplateVariables {
    type Error = String;

    fn try_from(given: BTreeMap<String, Value>) -> Result<Self, Self::Error> {
        match given.keys().find(|name| OWN.contains(&name.as_str())) {
            Some(name) => Err(format!("`{name}` is given to the template by the program itself")),
            None => Ok(Self(given)),
        }
    }
}

impl From<TemplateVariables> for BTreeMap<String, Value> {
    fn from(variables: TemplateVariables) -> Self {
        variables.0
    }
}

/// What a template is told of thinking where `kwargs` do not say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinking {
    /// The model is to answer at once.
    Off,
    /// It may think for so many tokens before it answers.
    UpTo(usize),
}

impl Thinking {
    /// Switches that templates of models that think have: Qwen3, SmolLM3 and GLM-4.5 the first, Seed-OSS the second.
    pub(super) fn variables(self) -> [(&'static str, Value); 2] {
        let budget = match self {
            Self::Off => 0,
            Self::UpTo(budget) => budget,
        };
        [
            ("enable_thinking", (budget > 0).into()),
            ("thinking_budget", budget.into()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_says_what_templates_are_told_and_reads_back() {
        let text = "system = 'Be brief.'\ndate = '2026-02-28'\n\n[kwargs]\nenable_thinking = false\nlevels = [1, 2]\n";
        let spec: ChatSpec = toml::from_str(text).expect("a valid spec");
        assert_eq!(spec.today().to_string(), "2026-02-28");
        assert_eq!(spec.kwargs.iter().count(), 2);
        let again: ChatSpec = toml::from_str(&toml::to_string(&spec).expect("TOML")).expect("a valid spec");
        assert_eq!(again, spec);
        assert!(toml::from_str::<ChatSpec>("").is_ok_and(|spec| spec.is_default()));
        for (text, says) in [
            ("date = '2026-02-29'", "2026-02-29 is not a day as YYYY-MM-DD"),
            ("date = 'today'", "today is not a day as YYYY-MM-DD"),
            (
                "kwargs = { messages = [] }",
                "`messages` is given to the template by the program itself",
            ),
            ("sytem = 'x'", "unknown field `sytem`"),
        ] {
            let error = toml::from_str::<ChatSpec>(text).expect_err(text).to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
