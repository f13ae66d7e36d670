//! The paper's prompt: all probes of a split in one message, one JSON answer. Its single braces are text, so it is no
//! template of the kind the other prompts are.

use serde_json::{Value, json};

use super::error::PromptError;
use super::pieces::{Body, Frame, Pieces, known, question};
use super::python_json::{Escape, dumps};
use crate::base::hex::sha256_hex;
use crate::probe::Case;
use crate::survey::Catalogue;

/// Where the known statements go.
const STATEMENTS: &str = "{known_statements}";

/// What stands in their place where nothing is known. With statements the prompt is the paper's to the letter; what the
/// paper showed without any is not published, and nothing at all reads as if a part of the prompt had been lost.
const NOTHING_KNOWN: &str = "(none)";

/// Where the groups of candidates go.
const GROUPS: &str = "{new_statement_groups}";

/// The spaces Python indents each level with.
const INDENT: usize = 4;

/// A prompt for all probes of a case at once, cut at its two placeholders, which are replaced as plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaperPrompt {
    hash: String,
    head: String,
    middle: String,
    end: String,
}

impl PaperPrompt {
    /// Cuts a text that has `{known_statements}` and, below it, `{new_statement_groups}`; `name` is for messages.
    pub fn parse(name: &str, source: &str) -> Result<Self, PromptError> {
        let unused: Vec<String> = [STATEMENTS, GROUPS]
            .into_iter()
            .filter(|placeholder| !source.contains(placeholder))
            .map(str::to_owned)
            .collect();
        if !unused.is_empty() {
            return Err(PromptError::UnusedPlaceholders {
                name: name.to_owned(),
                unused,
            });
        }
        for placeholder in [STATEMENTS, GROUPS] {
            let times = source.matches(placeholder).count();
            if times > 1 {
                return Err(PromptError::NotOnce {
                    name: name.to_owned(),
                    placeholder: placeholder.to_owned(),
                    times,
                });
            }
        }
        let (head, rest) = source.split_once(STATEMENTS).unwrap_or((source, ""));
        let (middle, end) = rest.split_once(GROUPS).ok_or_else(|| PromptError::Misplaced {
            name: name.to_owned(),
            problem: "the groups of new statements stand above the known ones",
        })?;
        Ok(Self {
            hash: sha256_hex(source.as_bytes()),
            head: head.to_owned(),
            middle: middle.to_owned(),
            end: end.to_owned(),
        })
    }

    /// SHA-256 (hex) of the text.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The prompt for all probes of a case, group 1 being `case.probes[0]`. There are no continuations.
    pub fn pieces(&self, catalogue: &Catalogue, case: &Case, frame: &Frame) -> Result<Pieces, PromptError> {
        let person: Vec<String> = known(catalogue, case)?
            .into_iter()
            .enumerate()
            .map(|(i, text)| format!("{}# {text}", if i == 0 { "" } else { "\n" }))
            .collect();
        let nothing = if person.is_empty() { NOTHING_KNOWN } else { "" };
        let body = Body {
            head: &self.head,
            person,
            message: format!("{nothing}{}{}{}", self.middle, groups(catalogue, case)?, self.end),
            join: "",
            lead_in: "",
            continuations: Vec::new(),
        };
        Ok(body.framed(frame))
    }
}

/// `{"new statement group 1 (NSG1)": [{"NSG1_s1": "..."}, ...], ...}`, as Python prints it with an indent of four.
fn groups(catalogue: &Catalogue, case: &Case) -> Result<String, PromptError> {
    let mut groups = serde_json::Map::new();
    for (i, probe) in case.probes.iter().enumerate() {
        let group = i + 1;
        let candidates: Vec<Value> = question(catalogue, probe.question)?
            .polar
            .iter()
            .enumerate()
            .map(|(i, statement)| json!({ format!("NSG{group}_s{}", i + 1): statement.text }))
            .collect();
        groups.insert(format!("new statement group {group} (NSG{group})"), candidates.into());
    }
    Ok(dumps(&Value::Object(groups), Some(INDENT), Escape::NonAscii))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paper's prompt, to the letter (Figure 10 of the paper).
    const PAPER: &str = include_str!("../../prompts/paper.txt");

    #[test]
    fn the_papers_prompt_is_unchanged() {
        assert_eq!(
            PaperPrompt::parse("paper", PAPER).unwrap().hash(),
            "996b36fd99ba160aa97e77bb3f478bac28bcd41ce9dc406e09e4d3e79decd987"
        );
    }

    #[test]
    fn both_placeholders_stand_once_and_in_order() {
        let refused = |source| PaperPrompt::parse("mine", source).unwrap_err().to_string();
        assert!(refused("{known_statements}").contains("{new_statement_groups}"));
        assert!(refused("{new_statement_groups} {known_statements}").contains("above"));
        assert!(refused("{known_statements} {known_statements} {new_statement_groups}").contains("2 times"));
    }
}
