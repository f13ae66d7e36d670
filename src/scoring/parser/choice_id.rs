//! How the paper's answers call a choice and a group: `NSG7_s2`, `statement 2`, `new statement group 7 (NSG7)`.

/// A choice by its number, from 1, and its group's number where that is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChoiceId {
    pub(super) group: Option<usize>,
    pub(super) number: usize,
}

/// `NSG7_s2`, `nsg 7: s2`, `s2`, `statement 2`, and after these anything; or `2` and nothing else. Also gives what follows.
pub(super) fn choice_id(text: &str) -> Option<(ChoiceId, &str)> {
    let text = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if let Some((choice, rest)) = leading_choice(text) {
        return (!rest.starts_with(char::is_alphanumeric)).then_some((choice, rest));
    }
    let (number, rest) = leading_number(text)?;
    // "2 of my friends" is a statement; 2.0 is a number.
    let alone = rest
        .strip_prefix(".0")
        .unwrap_or(rest)
        .chars()
        .all(|c| !c.is_alphanumeric());
    alone.then_some((ChoiceId { group: None, number }, ""))
}

/// A choice with a name before its number, and what follows on it.
pub(super) fn leading_choice(text: &str) -> Option<(ChoiceId, &str)> {
    let gap = [' ', '_', '-'];
    let (group, text) = match strip_word(text, "nsg") {
        Some(after) => {
            let (group, rest) = leading_number(after.trim_start_matches(gap))?;
            (Some(group), rest.trim_start_matches([' ', '_', '-', ':', '.']))
        }
        None => (None, text),
    };
    let names = ["statement", "option", "choice", "s"];
    let after = names.iter().find_map(|name| strip_word(text, name))?;
    let (number, rest) = leading_number(after.trim_start_matches(gap))?;
    Some((ChoiceId { group, number }, rest))
}

/// What follows on a word at the beginning, in capitals or not.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let begins = text.get(..word.len())?.eq_ignore_ascii_case(word);
    begins.then(|| &text[word.len()..])
}

/// The candidate that a key of a group's object names: `NSG7_s2`.
pub(super) fn candidate_of_key(key: &str, group: usize, candidates: usize) -> Option<usize> {
    let (choice, rest) = leading_choice(key.trim())?;
    let candidate = choice
        .number
        .checked_sub(1)
        .filter(|&candidate| candidate < candidates)?;
    (choice.group == Some(group) && rest.chars().all(|c| !c.is_alphanumeric())).then_some(candidate)
}

fn leading_number(text: &str) -> Option<(usize, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    // A number too large to count is still a number: one that nothing has.
    (!digits.is_empty()).then(|| (digits.parse().unwrap_or(usize::MAX), rest))
}

/// The number of the group that a key names: `NSG7`, `nsg_7`, `new statement group 7 (NSG7)`, `Group 7`; not `NSG7_s2`.
pub(super) fn group_of_key(key: &str) -> Option<usize> {
    let lower = key.to_ascii_lowercase();
    let name = ["nsg", "group"].into_iter().find(|name| lower.contains(name))?;
    let after = &lower[lower.rfind(name)? + name.len()..];
    let (number, rest) = leading_number(after.trim_start_matches([' ', '_', '-']))?;
    rest.chars().all(|c| !c.is_alphanumeric() && c != '_').then_some(number)
}

/// Whether a key is one of those under which models put their choice.
pub(super) fn is_choice_key(key: &str) -> bool {
    matches!(
        key.trim().to_ascii_lowercase().as_str(),
        "choice"
            | "chosen"
            | "chosen_statement"
            | "answer"
            | "selection"
            | "selected"
            | "selected_statement"
            | "statement"
            | "prediction"
    )
}

/// Whether another choice follows on the first one: `NSG1_s1 or NSG1_s2`, `s1/s2`, `statement 1 and 2`.
pub(super) fn names_another(rest: &str, first: &ChoiceId) -> bool {
    let other = |at: usize| {
        let begins = at == 0 || !rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        begins && leading_choice(&rest[at..]).is_some_and(|(choice, _)| choice.number != first.number)
    };
    let joined = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
    let joined = ["or ", "and "]
        .iter()
        .find_map(|word| joined.strip_prefix(word))
        .unwrap_or(joined);
    let counted = leading_number(joined.trim_start())
        .is_some_and(|(number, after)| number != first.number && after.chars().all(|c| !c.is_alphanumeric()));
    counted || rest.char_indices().any(|(at, _)| other(at))
}
