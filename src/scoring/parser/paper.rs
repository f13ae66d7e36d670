//! The paper's answer: one JSON object with a choice for each of the groups.

use std::collections::BTreeSet;

use super::choice_id::{
    ChoiceId, candidate_of_key, choice_id, group_of_key, is_choice_key, leading_choice, names_another,
};
use super::text::{AnswerToken, tokens};
use super::{Read, only_match};

/// Reads the paper's answer: one reading for each group, group 1 first. `groups[g]` holds the candidates of group g + 1
/// as they were shown.
///
/// A group is named by a key such as `NSG7` or `new statement group 7 (NSG7)`, anywhere and in any order. Its choice is
/// the value of its `choice` (or `statement`, `chosen_statement`, ...), or its own value where that is no object, or the
/// one key of its object that names a candidate (`{"NSG7": {"NSG7_s2": "..."}}`). A choice is `NSG7_s2`, `s2`, `2`, or a
/// candidate's words. Two different choices for a group, in one value or in several, are none. Where nothing looks like a
/// key, a group of which a single choice (`NSG7_s2`) is mentioned anywhere counts as answered; where nothing is mentioned
/// either, all groups are unparsed.
pub fn read_paper(answer: &str, groups: &[&[&str]]) -> Vec<Read> {
    let tokens = tokens(answer);
    let mut reader = PaperReader {
        groups,
        found: vec![GroupFound::default(); groups.len()],
        current: None,
        keys: 0,
    };
    for at in 0..tokens.len() {
        if let (Some(key), Some(AnswerToken::Mark(':'))) = (tokens[at].text(), tokens.get(at + 1)) {
            reader.entry(key, &tokens[at + 2..]);
        }
    }
    match reader.keys {
        0 => mentions(answer, groups),
        _ => reader.found.into_iter().map(GroupFound::read).collect(),
    }
}

/// What was found for one group.
#[derive(Debug, Clone, Default)]
struct GroupFound {
    /// Whether it is named at all.
    named: bool,
    /// What its values say.
    values: Vec<Read>,
    /// Candidates that keys of its object name.
    keys: BTreeSet<usize>,
}

impl GroupFound {
    /// One choice, or what is in its place.
    fn read(self) -> Read {
        let choices: BTreeSet<usize> = self.values.iter().filter_map(|read| read.prediction()).collect();
        let doubtful = self.values.contains(&Read::Unparsed) && choices.is_empty();
        match (choices.len(), self.keys.len()) {
            (1, _) => Read::Choice(choices.into_iter().next().unwrap_or_default()),
            (0, 1) if !doubtful => self.keys.into_iter().next().map_or(Read::Unparsed, Read::Choice),
            (0, _) if self.values.contains(&Read::OutOfRange) && !doubtful => Read::OutOfRange,
            (0, 0) if !self.named => Read::Missing,
            _ => Read::Unparsed,
        }
    }
}

struct PaperReader<'a> {
    groups: &'a [&'a [&'a str]],
    found: Vec<GroupFound>,
    /// The group whose object is being read.
    current: Option<usize>,
    /// Keys that named a group.
    keys: usize,
}

impl PaperReader<'_> {
    /// A key, and everything behind its colon.
    fn entry(&mut self, key: &str, behind: &[AnswerToken<'_>]) {
        if let Some(number) = group_of_key(key) {
            self.keys += 1;
            self.current = number.checked_sub(1).filter(|&group| group < self.groups.len());
            if let Some(found) = self.current.and_then(|group| self.found.get_mut(group)) {
                found.named = true;
            }
            if matches!(
                behind,
                [AnswerToken::Mark('{'), ..] | [AnswerToken::Mark('['), AnswerToken::Mark('{'), ..]
            ) {
                return;
            }
        } else if let Some(group) = self.current
            && let Some(candidate) = candidate_of_key(key, group + 1, self.groups[group].len())
        {
            self.found[group].keys.insert(candidate);
            return;
        } else if !is_choice_key(key) {
            return;
        }
        let Some(group) = self.current else { return };
        let candidates = self.groups[group];
        let values = values(behind).map(|value| read_value(value, group + 1, candidates));
        self.found[group].values.extend(values);
    }
}

/// The value behind a colon; all of them, where it is a list, and the first key, where it is an object.
fn values<'a, 't>(behind: &'a [AnswerToken<'t>]) -> impl Iterator<Item = AnswerToken<'t>> + use<'a, 't> {
    let (listed, rest) = match behind {
        [AnswerToken::Mark('['), AnswerToken::Mark('{'), rest @ ..] | [AnswerToken::Mark('{'), rest @ ..] => {
            (false, rest)
        }
        [AnswerToken::Mark('['), rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let end = |token: &&AnswerToken<'_>| !matches!(token, AnswerToken::Mark(']'));
    let most = if listed { usize::MAX } else { 1 };
    let listed = rest.iter().take_while(end).take(most);
    listed.filter(|token| **token != AnswerToken::Mark(',')).copied()
}

/// One choice of group number `group`.
fn read_value(value: AnswerToken<'_>, group: usize, candidates: &[&str]) -> Read {
    let text = match value.text().map(str::trim) {
        None | Some("" | "null" | "None") => return Read::Unparsed,
        Some(text) => text,
    };
    let here = |choice: &ChoiceId| choice.group.is_none_or(|named| named == group);
    if let Some((choice, rest)) = choice_id(text) {
        if names_another(rest, &choice) {
            return Read::Unparsed;
        }
        return match choice.number.checked_sub(1) {
            Some(candidate) if here(&choice) && candidate < candidates.len() => Read::Choice(candidate),
            _ => Read::OutOfRange,
        };
    }
    match only_match(text, candidates) {
        Some(candidate) => Read::Choice(candidate),
        None => Read::OutOfRange,
    }
}

/// The choices that are written out somewhere, where the text has no keys.
fn mentions(answer: &str, groups: &[&[&str]]) -> Vec<Read> {
    let mut named: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); groups.len()];
    let lower = answer.to_ascii_lowercase();
    let mut any = false;
    for (at, _) in lower.match_indices("nsg") {
        if let Some(ChoiceId {
            group: Some(group),
            number,
        }) = leading_choice(&lower[at..]).map(|(choice, _)| choice)
        {
            any = true;
            if let Some(named) = group.checked_sub(1).and_then(|group| named.get_mut(group)) {
                named.insert(number);
            }
        }
    }
    let read = |(named, candidates): (&BTreeSet<usize>, &&[&str])| match (named.len(), named.first()) {
        (1, Some(&number)) if (1..=candidates.len()).contains(&number) => Read::Choice(number - 1),
        (1, _) => Read::OutOfRange,
        (0, _) if any => Read::Missing,
        _ => Read::Unparsed,
    };
    named.iter().zip(groups).map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::Read::{Choice as C, Missing, OutOfRange, Unparsed};
    use super::*;
    use proptest::prelude::*;

    const GROUPS: &[&[&str]] = &[
        &["I trust people", "I do not trust people"],
        &["work is a duty", "work is no duty", "I can't say"],
        &["yes", "no"],
    ];

    /// Answers as models write them, and what each says of the three groups.
    const UGLY: &[(&str, [Read; 3])] = &[
        (
            r#"{"NSG1": {"rationale": "a", "choice": "NSG1_s2"}, "NSG2": {"rationale": "b", "choice": "NSG2_s3"}, "NSG3": {"rationale": "", "choice": "NSG3_s1"}}"#,
            [C(1), C(2), C(0)],
        ),
        (
            "Sure! Here is it:\n```json\n{\"NSG1\": {\"choice\": \"NSG1_s1\"}}\n```\nHope that helps: bye",
            [C(0), Missing, Missing],
        ),
        (
            "{'NSG1': {'rationale': 'It's what they'd say', 'choice': 'NSG1_s1'}, 'NSG2': {'choice': 'NSG2_s2',},}",
            [C(0), C(1), Missing],
        ),
        (
            r#"{"NSG3": {"choice": "NSG3_s2"}, "NSG1": {"choice": "NSG1_s2"}}"#,
            [C(1), Missing, C(1)],
        ),
        (
            r#"{"NSG1": {"rationale": "x", "choice": "NSG1_s2"}, "NSG2": {"rationale": "and then th"#,
            [C(1), Unparsed, Missing],
        ),
        (
            r#"{"NSG1": {"rationale": "x", "choice": "NSG1_s2"}, "NSG2": {"choice": "NSG2_s"#,
            [C(1), Unparsed, Missing],
        ),
        (
            r#"{"NSG1": {"choice": 2}, "NSG2": {"choice": "3"}, "NSG3": {"choice": 3.0}}"#,
            [C(1), C(2), OutOfRange],
        ),
        (
            r#"{"NSG1": "NSG1_s1", "NSG2": 2, "NSG3": ["NSG3_s2"]}"#,
            [C(0), C(1), C(1)],
        ),
        (
            r#"{"NSG1": {"choice": "I do not trust people."}, "NSG2": {"choice": "NSG2_s1: work is a duty"}}"#,
            [C(1), C(0), Missing],
        ),
        (
            r#"{"NSG1": {"choice": "NSG1_s9"}, "NSG2": {"choice": "NSG1_s1"}, "NSG3": {"choice": "NSG3_s0"}}"#,
            [OutOfRange; 3],
        ),
        (
            r#"{"NSG1": {"choice": "maybe"}, "NSG2": {"choice": ""}, "NSG3": {"choice": null}}"#,
            [OutOfRange, Unparsed, Unparsed],
        ),
        (
            r#"{"NSG1": {"rationale": "no choice at all"}}"#,
            [Unparsed, Missing, Missing],
        ),
        (
            r#"{"new statement group 1 (NSG1)": {"rationale": "They said "I agree", twice", "choice": "NSG1_s2"}}"#,
            [C(1), Missing, Missing],
        ),
        (
            r#"{"new statement group 1 (NSG1)": [{"NSG1_s1": "I trust people"}, {"NSG1_s2": "x"}]}"#,
            [Unparsed, Missing, Missing],
        ),
        ("**NSG1**: NSG1_s2\n**NSG2**: s1\nGroup 3: no", [C(1), C(0), C(1)]),
        ("NSG1_s2, NSG2_s3\nNSG3_s7", [C(1), C(2), OutOfRange]),
        ("NSG1_s1 or NSG1_s2; NSG2_s1", [Unparsed, C(0), Missing]),
        (
            r#"[{"NSG1": {"choice": ["NSG1_s1"]}}, {"NSG2": {"choice": {"NSG2_s3": "I can't say"}}}]"#,
            [C(0), C(2), Missing],
        ),
        (
            "{NSG1: {rationale: \"r\", choice: NSG1_s1}, NSG2: {choice: s2}}",
            [C(0), C(1), Missing],
        ),
        (
            "{“NSG1”: {“rationale”: “r”, “choice”: “NSG1_s2”}}",
            [C(1), Missing, Missing],
        ),
        (
            "{\"NSG1\": {\"rationale\": \"r\"\n \"choice\": \"NSG1_s2\"}}",
            [C(1), Missing, Missing],
        ),
        (
            r#"{"NSG1": {"choice": "NSG1_s1"}, "NSG1": {"choice": "NSG1_s2"}, "NSG4": {"choice": "NSG4_s1"}}"#,
            [Unparsed, Missing, Missing],
        ),
        (
            r#"{"NSG1": {"choice": "NSG1_s1"}, "NSG1": {"choice": "NSG1_s1"}}"#,
            [C(0), Missing, Missing],
        ),
        // Two choices are none.
        (
            r#"{"NSG1": {"choice": "NSG1_s1 or NSG1_s2"}, "NSG2": {"choice": "s1/s2"}, "NSG3": {"choice": ["NSG3_s1", "NSG3_s2"]}}"#,
            [Unparsed; 3],
        ),
        (
            r#"{"NSG1": "NSG1_s1, NSG1_s2", "NSG2": {"choice": "statement 1 and 2"}, "NSG3": {"choice": ["NSG3_s2", "NSG3_s2"]}}"#,
            [Unparsed, Unparsed, C(1)],
        ),
        (
            r#"{"NSG1": {"choice": "NSG1_s1: I trust people, not 2"}, "NSG2": {"choice": "NSG2_s2", "statement": "work is a duty"}}"#,
            [C(0), Unparsed, Missing],
        ),
        // Other keys.
        (
            r#"{"NSG1": {"statement": "NSG1_s2"}, "NSG2": {"chosen_statement": "work is no duty"}, "NSG3": {"NSG3_s2": "because"}}"#,
            [C(1), C(1), C(1)],
        ),
        (
            r#"{"NSG1": {"NSG1_s1": "I trust people", "NSG1_s2": "I do not trust people"}, "NSG2": {"NSG2_s1": "x", "choice": "NSG2_s3"}}"#,
            [Unparsed, C(2), Missing],
        ),
        (
            r#"{"NSG01": {"choice": "nsg1_S2"}, "NSG99999999999999999999": {"choice": 1}}"#,
            [C(1), Missing, Missing],
        ),
        ("I cannot answer that.", [Unparsed; 3]),
        ("", [Unparsed; 3]),
    ];

    #[test]
    fn ugly_answers_are_read() {
        for (answer, expected) in UGLY {
            assert_eq!(read_paper(answer, GROUPS), expected, "{answer}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(answer in any::<String>(), marks in r#"([{}\[\]:,"'“”\\ \nNSGs_1-3]|NSG1|choice|é){0,60}"#) {
            prop_assert_eq!(read_paper(&answer, GROUPS).len(), 3);
            prop_assert_eq!(read_paper(&marks, GROUPS).len(), 3);
        }

        /// A valid answer, whatever its rationales say, in whatever order.
        #[test]
        fn valid_answers_come_back(
            choices in [0usize..2, 0..3, 0..2], rationales in proptest::array::uniform3(any::<String>()),
            order in Just([0usize, 1, 2]).prop_shuffle(), pretty: bool,
        ) {
            let mut answer = serde_json::Map::new();
            for group in order {
                let choice = format!("NSG{}_s{}", group + 1, choices[group] + 1);
                let value = serde_json::json!({ "rationale": rationales[group], "choice": choice });
                answer.insert(format!("NSG{}", group + 1), value);
            }
            let answer = if pretty { serde_json::to_string_pretty(&answer) } else { serde_json::to_string(&answer) };
            let read: Vec<Read> = choices.into_iter().map(C).collect();
            prop_assert_eq!(read_paper(&answer?, GROUPS), read);
        }
    }
}
