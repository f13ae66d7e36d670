//! Tokens that only the settings know are put into the vocabulary, as transformers does.

use std::collections::{HashMap, HashSet};

use tokenizers::{AddedToken, Model, Tokenizer};

use super::bounds;
use super::settings::TokenizerSettings;

/// Adds every token of the settings that the tokenizer does not have just so, and returns what the user should know.
///
/// A token that the vocabulary has keeps its id; any other gets the next free one, whatever id the settings claim for
/// it. One that would lie beyond the model's `rows` is left out: nothing could be computed with it.
pub(super) fn add(
    library: &mut Tokenizer,
    settings: &TokenizerSettings,
    rows: Option<u64>,
) -> tokenizers::Result<Vec<String>> {
    bounds::check_added(library.get_added_tokens_decoder().values())?;
    let wanted = wanted(library, settings);
    bounds::check_added(wanted.iter().map(|(_, token)| token))?;
    let mut next = next_id(library);
    let mut notes = Vec::new();
    let mut added = Vec::new();
    for (claimed, token) in wanted {
        let text = &token.content;
        let id = library.token_to_id(text).unwrap_or(next);
        if id == next && rows.is_some_and(|rows| u64::from(next) >= rows) {
            notes.push(format!(
                "the settings' token {text:?} has no row in the model's embedding and is left out"
            ));
            continue;
        }
        if let Some(claimed) = claimed.filter(|claimed| *claimed != id) {
            notes.push(format!(
                "the settings give the token {text:?} the id {claimed}; it gets {id}, its place in the vocabulary, as \
                 in transformers"
            ));
        }
        next += u32::from(id == next);
        added.push(token);
    }
    library.add_tokens(added)?;
    Ok(notes)
}

/// The tokens to be added, with the ids that are claimed for them: first those listed by id, then those with a role.
fn wanted(library: &Tokenizer, settings: &TokenizerSettings) -> Vec<(Option<u32>, AddedToken)> {
    let known: HashMap<String, AddedToken> = library
        .get_added_tokens_decoder()
        .into_values()
        .map(|token| (token.content.clone(), token))
        .collect();
    let named = settings.named();
    let roles: HashSet<&str> = named.iter().map(|token| token.content.as_str()).collect();
    let special = |token: &AddedToken, special| AddedToken {
        special,
        ..token.clone()
    };
    let declared = settings.declared.iter().filter(|(_, token)| {
        let is_known = known.get(&token.content) == Some(token);
        !token.content.is_empty() && !is_known
    });
    let mut wanted: Vec<(Option<u32>, AddedToken)> = declared
        .map(|(id, token)| {
            let is_special = token.special || roles.contains(token.content.as_str());
            (Some(*id), special(token, is_special))
        })
        .collect();
    let mut listed: HashSet<String> = wanted.iter().map(|(_, token)| token.content.clone()).collect();
    for token in &named {
        if !known.contains_key(&token.content) && listed.insert(token.content.clone()) {
            wanted.push((None, special(token, true)));
        }
    }
    wanted
}

/// The id that the library gives to the next token that its model does not have.
fn next_id(library: &Tokenizer) -> u32 {
    let model = u32::try_from(library.get_model().get_vocab_size()).unwrap_or(u32::MAX);
    let highest = library.get_added_tokens_decoder().into_keys().max();
    highest.map_or(model, |highest| model.max(highest.saturating_add(1)))
}

/// All added tokens with their ids and flags: with tokenizer.json they decide every id.
pub(super) fn fingerprint(library: &Tokenizer) -> String {
    let mut tokens: Vec<_> = library.get_added_tokens_decoder().into_iter().collect();
    tokens.sort_by_key(|(id, _)| *id);
    format!("{tokens:?}")
}
