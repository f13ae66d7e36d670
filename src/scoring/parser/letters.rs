//! The letters that a text names, and what it says of each.

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

/// Words between a verdict and the letter it is about.
const FILLERS: &[&str] = &[
    "option",
    "options",
    "letter",
    "the",
    "is",
    "it",
    "it's",
    "be",
    "that",
    "would",
    "will",
    "of",
    "number",
    "statement",
    "answer",
    "choice",
    "choose",
    "chose",
    "pick",
    "select",
    "say",
    "think",
    "believe",
    "my",
    "certainly",
    "definitely",
    "probably",
    "likely",
    "really",
];

/// Words that make the next letter the answer.
const DECLARING: &[&str] = &[
    "answer",
    "answers",
    "choose",
    "chose",
    "chosen",
    "choice",
    "pick",
    "picked",
    "select",
    "selected",
    "selection",
    "respuesta",
    "réponse",
    "antwort",
    "risposta",
    "resposta",
];

/// Words that make the next letter no answer.
const DENYING: &[&str] = &[
    "not",
    "no",
    "never",
    "neither",
    "nor",
    "cannot",
    "without",
    "except",
    "than",
    "unlike",
    "exclude",
    "excluding",
    "eliminate",
    "instead",
    "isn't",
    "isnt",
    "don't",
    "dont",
    "doesn't",
    "wouldn't",
    "won't",
    "can't",
    "cant",
    "wasn't",
    "didn't",
    "aren't",
    "out",
];

/// What makes the letter before it no answer, behind a verb.
const REJECTING: &[&str] = &[
    "not",
    "wrong",
    "incorrect",
    "unlikely",
    "less",
    "false",
    "too",
    "never",
    "no",
    "out",
];

/// Verbs that a rejection may follow on.
const VERBS: &[&str] = &[
    "is", "was", "are", "were", "seems", "sounds", "looks", "would", "be", "both", "does", "do",
];

/// Verbs that reject by themselves.
const REJECTING_VERBS: &[&str] = &[
    "isn't", "isnt", "wasn't", "doesn't", "wouldn't", "can't", "aren't", "cannot",
];

/// Words between letters that are named together.
const JOINING: &[&str] = &["or", "and", "nor", "ou", "oder", "und", "o", "y", "e", "et"];

/// Words that reasons begin with.
const REASONS: &[&str] = &[
    "because",
    "since",
    "due",
    "given",
    "considering",
    "reason",
    "reasoning",
    "explanation",
    "rationale",
    "justification",
];

/// Words that reasons end with.
const CONCLUDING: &[&str] = &[
    "so",
    "therefore",
    "thus",
    "hence",
    "answer",
    "final",
    "finally",
    "conclusion",
];

/// Words that take back what was said before them.
const TAKING_BACK: &[&str] = &[
    "wait",
    "correction",
    "scratch",
    "no",
    "actually",
    "sorry",
    "rather",
    "mean",
];

/// Words by which two answers stand side by side.
const HEDGES: &[&str] = &["both", "either", "equally", "also"];

/// Every letter that the text names, in order, with what it says of it. What is said in giving reasons for an answer does
/// not count, nor does what is taken back; a text that only takes back names nothing.
pub(super) fn mentions(text: &str, options: &[&str]) -> Vec<Mention> {
    let pieces = pieces(text, options);
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
                let stance = stance(&pieces, at, last, hedged);
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

fn is_denied_before(pieces: &[Fragment], at: usize) -> bool {
    for piece in pieces[..at].iter().rev() {
        match piece {
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
        pieces.push(match label(text, at, end, options) {
            Some(option) => Fragment::Label(option),
            None => Fragment::Word(text[at..end].to_lowercase().replace('’', "'")),
        });
        at = end;
    }
    pieces
}

fn ends_clause(c: char) -> bool {
    matches!(
        c,
        '.' | ',' | ';' | ':' | '!' | '?' | '\n' | '—' | '…' | '。' | '，' | '、' | '；' | '：' | '！' | '？'
    )
}

/// Whether a character belongs to a word. Scripts without spaces between words begin none beside a letter: `答案是B`.
fn is_inner(c: char) -> bool {
    let spaceless = matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}');
    matches!(c, '\'' | '’' | '_') || (c.is_alphanumeric() && !spaceless)
}

/// The option that the word at `at..end` stands for, if it is a letter that is meant as one and no word of a language.
fn label(text: &str, at: usize, end: usize, options: &[&str]) -> Option<usize> {
    let letter = letter(&text[at..end])?;
    let (before, behind) = (&text[..at], &text[end..]);
    let next = behind.chars().next();
    let previous = before.chars().next_back();
    // `A-level`, `U.S.`, `<b>`.
    let inside = |c: Option<char>| c.is_some_and(is_inner);
    let hyphenated = next == Some('-') && inside(behind.chars().nth(1));
    let initial = next == Some('.') && inside(behind.chars().nth(1)) && behind.chars().nth(2) == Some('.');
    let abbreviated = previous == Some('.') && inside(before.chars().nth_back(1));
    if hyphenated || initial || abbreviated || matches!(previous, Some('<' | '/')) && next == Some('>') {
        return None;
    }
    let option = usize::from(letter.to_ascii_uppercase() - b'A');
    let is_label = if letter.is_ascii_lowercase() {
        is_small_label(text, before, behind, letter)
    } else if letter == b'I' && option >= options.len() {
        false
    } else if letter == b'A' || letter == b'I' {
        !begins_sentence(before) && letter == b'A' || is_no_word(behind, options.get(option).copied())
    } else {
        true
    };
    is_label.then_some(option)
}

/// The letter of a word that is one: ASCII, or its full-width form.
fn letter(word: &str) -> Option<u8> {
    let mut chars = word.chars();
    let letter = match (chars.next()?, chars.next()) {
        (wide @ 'Ａ'..='Ｚ', None) => char::from_u32(u32::from(wide) - 0xfee0)?,
        (letter, None) => letter,
        _ => return None,
    };
    u8::try_from(letter).ok().filter(u8::is_ascii_alphabetic)
}

/// Small letters are words too often to be taken for labels without a sign: they are all there is, or in brackets, or
/// begin a line like an item of a list, or follow on the word `option`.
fn is_small_label(text: &str, before: &str, behind: &str, letter: u8) -> bool {
    let alone = text.trim_matches(|c: char| !c.is_alphanumeric()).len() == 1;
    let opened = before.ends_with(['(', '[', '*', '"', '`', '“']);
    let closed = behind.starts_with([')', ']', '*', '"', '`', '”']);
    let ended = behind.starts_with([')', '.', ':', '\n']) || behind.is_empty();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let begins_line = line.chars().all(|c| !c.is_alphanumeric());
    let word = last_word(before);
    let named = match word.as_str() {
        "option" | "letter" => true,
        "answer" | "choice" | "is" => letter != b'a' || ended,
        _ => false,
    };
    alone || (opened && closed) || (begins_line && ended) || named
}

/// The last word of a text in lower case.
fn last_word(text: &str) -> String {
    let word = text.trim_end_matches(|c| !is_inner(c));
    word.rsplit(|c| !is_inner(c)).next().unwrap_or_default().to_lowercase()
}

/// Whether a sentence begins behind this text, so that a capital A may be an article.
fn begins_sentence(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t', '*', '_', '"', '“', '(', '-', '>', '#']);
    before.is_empty() || before.ends_with(['.', '!', '?', '\n', ':', '。'])
}

/// Whether what follows on a capital A shows that it is no article: an end, a mark, a word that joins or judges letters,
/// another letter soon, or the words of its own option.
fn is_no_word(behind: &str, option: Option<&str>) -> bool {
    let rest = behind.trim_start_matches([' ', '\t']);
    let spaced = rest.len() < behind.len();
    let Some(first) = rest.chars().next() else { return true };
    if !spaced || !is_inner(first) {
        return true;
    }
    let end = rest.find(|c| !is_inner(c)).unwrap_or(rest.len());
    let word = rest[..end].to_lowercase().replace('’', "'");
    let judged = [
        JOINING,
        VERBS,
        REJECTING_VERBS,
        REASONS,
        &["not", "but", "over", "rather", "instead", "fits", "then"],
    ];
    let following = rest[end..].trim_start();
    let second = following.find(|c| !is_inner(c)).unwrap_or(following.len());
    let near =
        word.chars().count() <= 4 && letter(&following[..second]).is_some_and(|c| c.is_ascii_uppercase() && c != b'I');
    let own = option.is_some_and(|option| {
        let (rest, option) = (super::text::plain(rest), super::text::plain(option));
        !option.trim().is_empty() && rest.starts_with(option.as_str())
    });
    judged.iter().any(|words| words.contains(&word.as_str())) || near || own
}
