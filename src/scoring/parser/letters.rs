//! The letters that a text names, and what it says of each.

use super::label::{is_inner, label};
use super::text::plain;
use super::vocabulary::{
    ADVERBS, ALTERNATIVES, AMONG, CONCLUDING, DECLARING, DENIALS, DENYING, FILLERS, HEDGES, JOINING, LEAVING_OUT,
    NO_OPTION, REASONS, REJECTING, REJECTING_VERBS, TAKING_BACK, TOTALS, VERBS,
};

/// A letter that stands for an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mention {
    /// Position of the option: A is 0.
    pub option: usize,
    /// What is said of it.
    pub stance: Stance,
}

/// What a text says of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stance {
    /// That it is the answer: `the answer is B`, `I choose B`.
    Declared,
    /// Nothing but its name.
    Named,
    /// That it is not the answer: `not B`, `B is wrong`.
    Denied,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fragment {
    /// A word in lower case.
    Word(String),
    /// A letter that is a label: position of its option.
    Label(usize),
    /// Something that ends a clause.
    Stop(char),
    /// Any other mark.
    Mark(char),
}

/// Every letter that the text names, in order, with what it says of it. What is said in giving reasons for an answer does
/// not count, nor does what is taken back; a text that only takes back names nothing.
pub(super) fn mentions(text: &str, options: &[&str]) -> Vec<Mention> {
    let pieces = pieces(text, options);
    if is_beside_no_option(&pieces) {
        return Vec::new();
    }
    let hedged = pieces.iter().any(|piece| is_word(piece, HEDGES));
    let mut found: Vec<(usize, Mention)> = Vec::new();
    let (mut in_reasons, mut taken_back) = (false, false);
    for (at, piece) in pieces.iter().enumerate() {
        let answered = found.iter().any(|(_, mention)| mention.stance != Stance::Denied);
        match piece {
            Fragment::Word(word) => {
                in_reasons |= answered && REASONS.contains(&word.as_str());
                in_reasons &= !CONCLUDING.contains(&word.as_str());
                taken_back |= answered && !hedged && takes_back(&pieces, at);
            }
            Fragment::Label(option) if !in_reasons => {
                let last = found.last().map(|(at, mention)| (*at, mention.stance));
                let own = options.get(*option).copied().unwrap_or_default();
                let denied = is_denied_by_clause(&pieces, at, own);
                let stance = match stance(&pieces, at, last, hedged) {
                    _ if denied => Stance::Denied,
                    stance => stance,
                };
                if std::mem::take(&mut taken_back) && stance != Stance::Denied {
                    found.clear();
                }
                found.push((
                    at,
                    Mention {
                        option: *option,
                        stance,
                    },
                ));
            }
            Fragment::Label(_) | Fragment::Stop(_) | Fragment::Mark(_) => {}
        }
    }
    if taken_back {
        found.clear();
    }
    found.into_iter().map(|(_, mention)| mention).collect()
}

fn is_word(piece: &Fragment, words: &[&str]) -> bool {
    matches!(piece, Fragment::Word(word) if words.contains(&word.as_str()))
}

/// Whether the word here takes back what was said: `No` only as a clause of its own, `rather` not in `rather than`.
fn takes_back(pieces: &[Fragment], at: usize) -> bool {
    let Fragment::Word(word) = &pieces[at] else {
        return false;
    };
    let stop = |piece: Option<&Fragment>| matches!(piece, None | Some(Fragment::Stop(_) | Fragment::Mark('-' | '–')));
    let before = at.checked_sub(1).and_then(|before| pieces.get(before));
    TAKING_BACK.contains(&word.as_str())
        && match word.as_str() {
            "no" => stop(before) && stop(pieces.get(at + 1)),
            "rather" | "mean" | "sorry" | "actually" => {
                stop(before) || before.is_some_and(|before| is_word(before, &["or", "i", "no", "but"]))
            }
            _ => true,
        }
        && !pieces.get(at + 1).is_some_and(|next| is_word(next, &["than"]))
}

/// What is said of the letter here. `last` is the letter before it that counts, with what is said of that.
fn stance(pieces: &[Fragment], at: usize, last: Option<(usize, Stance)>, hedged: bool) -> Stance {
    if is_denied_before(pieces, at) || is_rejected_behind(pieces, at) {
        return Stance::Denied;
    }
    let joined = last.filter(|&(before, _)| joins(&pieces[before + 1..at]).is_some());
    let listed = last.filter(|&(before, _)| joins(&pieces[before + 1..at]) == Some(true));
    match (joined, listed) {
        (_, Some((_, Stance::Denied))) => Stance::Denied,
        (Some((_, Stance::Declared)), _) => Stance::Declared,
        _ if !hedged && is_declared(pieces, at) => Stance::Declared,
        _ => Stance::Named,
    }
}

/// Whether only what joins letters stands between two of them, and whether it is a word or a sign like `/`, and no comma.
fn joins(between: &[Fragment]) -> Option<bool> {
    let mut by_word = false;
    for piece in between {
        match piece {
            piece if is_word(piece, JOINING) => by_word = true,
            Fragment::Mark('/' | '&' | '+') => by_word = true,
            piece if is_word(piece, FILLERS) => {}
            Fragment::Mark(_) | Fragment::Stop(',') => {}
            Fragment::Word(_) | Fragment::Label(_) | Fragment::Stop(_) => return None,
        }
    }
    Some(by_word)
}

/// Whether a letter stands beside an answer that is no option, as one of two: `A / none`, `neither or B`.
fn is_beside_no_option(pieces: &[Fragment]) -> bool {
    let is_label = |piece: &Fragment| matches!(piece, Fragment::Label(_));
    let alternative = |between: &[Fragment]| {
        let joining = |piece: &Fragment| is_word(piece, ALTERNATIVES) || *piece == Fragment::Mark('/');
        joins(between).is_some() && between.iter().any(joining)
    };
    let none = |&(_, piece): &(usize, &Fragment)| is_word(piece, NO_OPTION);
    pieces.iter().enumerate().filter(none).any(|(at, _)| {
        let before = pieces[..at].iter().rposition(is_label);
        let behind = pieces[at + 1..].iter().position(is_label).map(|behind| at + 1 + behind);
        before.is_some_and(|label| alternative(&pieces[label + 1..at]))
            || behind.is_some_and(|label| alternative(&pieces[at + 1..label]))
    })
}

/// Whether a clause behind the letter does nothing but deny it: `A, obviously not`, `A (wrong)`. Not so where the clause
/// is the words of its own option: `A, never`.
fn is_denied_by_clause(pieces: &[Fragment], at: usize, own: &str) -> bool {
    let opens = |piece: &&Fragment| {
        matches!(
            piece,
            Fragment::Stop(',' | '?' | '—' | '…') | Fragment::Mark('(' | '-' | '–')
        )
    };
    let mut rest = pieces[at + 1..]
        .iter()
        .skip_while(|piece| matches!(piece, Fragment::Mark(')' | '*' | '"' | '\'')));
    if !rest.next().is_some_and(|first| opens(&first)) {
        return false;
    }
    let (mut denied, mut words) = (false, String::new());
    for piece in rest {
        match piece {
            Fragment::Word(word) if is_word(piece, DENIALS) || is_word(piece, ADVERBS) || word.ends_with("n't") => {
                denied |= is_word(piece, DENIALS) || word.ends_with("n't");
                words.push(' ');
                words.push_str(word);
            }
            Fragment::Word(_) | Fragment::Label(_) => return false,
            Fragment::Stop(_) => break,
            Fragment::Mark(_) => {}
        }
    }
    denied && words.trim() != plain(own).trim()
}

/// Whether the words before `at` leave out what follows them: `anything but`, `apart from`.
fn leaves_out(pieces: &[Fragment], at: usize) -> bool {
    let Some((Fragment::Word(second), before)) = pieces[..at].split_last() else {
        return false;
    };
    let Some(Fragment::Word(first)) = before.last() else {
        return false;
    };
    if second == "but" {
        let total = before.iter().rev().find(|piece| !is_word(piece, AMONG));
        return total.is_some_and(|piece| is_word(piece, TOTALS));
    }
    LEAVING_OUT.contains(&[first.as_str(), second.as_str()])
}

fn is_denied_before(pieces: &[Fragment], at: usize) -> bool {
    for (place, piece) in pieces[..at].iter().enumerate().rev() {
        match piece {
            _ if leaves_out(pieces, place + 1) => return true,
            piece if is_word(piece, DENYING) => return true,
            piece if is_word(piece, FILLERS) => {}
            Fragment::Mark(_) => {}
            Fragment::Word(_) | Fragment::Label(_) | Fragment::Stop(_) => return false,
        }
    }
    false
}

fn is_rejected_behind(pieces: &[Fragment], at: usize) -> bool {
    let mut verb = false;
    for piece in &pieces[at + 1..] {
        match piece {
            piece if is_word(piece, REJECTING_VERBS) => return true,
            piece if verb && is_word(piece, REJECTING) => return true,
            piece if is_word(piece, VERBS) => verb = true,
            Fragment::Mark(_) => {}
            Fragment::Word(_) | Fragment::Label(_) | Fragment::Stop(_) => return false,
        }
    }
    false
}

fn is_declared(pieces: &[Fragment], at: usize) -> bool {
    for piece in pieces[..at].iter().rev() {
        match piece {
            piece if is_word(piece, DECLARING) => return true,
            piece if is_word(piece, FILLERS) => {}
            Fragment::Mark(_) | Fragment::Stop(':' | '：') => {}
            Fragment::Word(_) | Fragment::Label(_) | Fragment::Stop(_) => return false,
        }
    }
    false
}

/// Cuts a text.
fn pieces(text: &str, options: &[&str]) -> Vec<Fragment> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if !is_inner(first) {
            if !first.is_whitespace() || first == '\n' {
                pieces.push(if ends_clause(first) {
                    Fragment::Stop(first)
                } else {
                    Fragment::Mark(first)
                });
            }
            at += first.len_utf8();
            continue;
        }
        let end = text[at..].find(|c| !is_inner(c)).map_or(text.len(), |end| at + end);
        // Quotation marks and underscores around a word are no part of it.
        let word = text[at..end].trim_matches(['\'', '’', '_']);
        if word.len() < end - at {
            let front = text[at..end].find(word).unwrap_or_default();
            if front > 0 || word.is_empty() {
                pieces.push(Fragment::Mark(first));
            }
            if word.is_empty() {
                at = end;
                continue;
            }
            at += front;
        }
        let (end, whole) = (at + word.len(), end);
        pieces.push(match label(text, at, end, options) {
            Some(option) => Fragment::Label(option),
            None => Fragment::Word(text[at..end].to_lowercase().replace('’', "'")),
        });
        if end < whole {
            pieces.push(Fragment::Mark('\''));
        }
        at = whole;
    }
    pieces
}

fn ends_clause(c: char) -> bool {
    matches!(
        c,
        '.' | ',' | ';' | ':' | '!' | '?' | '\n' | '—' | '…' | '。' | '，' | '、' | '；' | '：' | '！' | '？'
    )
}
