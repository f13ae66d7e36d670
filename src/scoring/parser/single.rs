//! The answer to one probe whose options are lettered.

use super::{Read, only_match};

/// Reads the answer to one probe: a letter that is marked as one (`B`, `(b)`, `**B.**`, `option B`), else the one option
/// whose words the answer repeats, else a letter that stands alone. `options[i]` is the text shown as option i, and the
/// position returned is that of the option.
pub fn read_single(answer: &str, options: &[&str]) -> Read {
    let letters = letters(answer);
    let in_range = |letter: &&Letter| letter.option < options.len();
    if let Some(marked) = letters.iter().find(|letter| letter.marked) {
        return choice(marked.option, options);
    }
    if let Some(option) = only_match(answer, options) {
        return Read::Choice(option);
    }
    if let Some(letter) = letters.iter().find(in_range) {
        return Read::Choice(letter.option);
    }
    if let Some(letter) = letters.first() {
        return choice(letter.option, options);
    }
    let alone = answer.trim_matches(|c: char| !c.is_alphanumeric());
    match alone.parse::<usize>() {
        Ok(number) => number
            .checked_sub(1)
            .map_or(Read::OutOfRange, |option| choice(option, options)),
        Err(_) => Read::Unparsable,
    }
}

/// Whether [`read_single`] reads the same whatever this beginning of an answer is followed by.
pub fn is_settled(beginning: &str) -> bool {
    // The first marked letter decides. One at the very end may yet become a word, and so may one before a character that
    // is not complete.
    let mut marked = letters(beginning).into_iter().filter(|letter| letter.marked);
    marked.next().is_some_and(|letter| {
        let behind = beginning[letter.end..].chars().next();
        behind.is_some_and(|c| c != '\u{fffd}') && letter.stays
    })
}

fn choice(option: usize, options: &[&str]) -> Read {
    if option < options.len() {
        Read::Choice(option)
    } else {
        Read::OutOfRange
    }
}

/// A word of one letter.
struct Letter {
    option: usize,
    /// Whether something around it says that it is a label and no word.
    marked: bool,
    /// Whether it is marked by what stands beside it, not by there being nothing else.
    stays: bool,
    /// Where it ends.
    end: usize,
}

fn letters(answer: &str) -> Vec<Letter> {
    let mut letters = Vec::new();
    let mut before = String::new();
    let mut at = 0;
    let is_inner = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’');
    while at < answer.len() {
        let rest = &answer[at..];
        let end = rest.find(|c| !is_inner(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        if let &[letter] = word.as_bytes()
            && letter.is_ascii_alphabetic()
        {
            let close = answer[..at].chars().next_back();
            let next = rest[end..].chars().next();
            let named = matches!(
                before.as_str(),
                "option" | "answer" | "letter" | "choice" | "choose" | "is"
            );
            let ended = matches!(next, None | Some('.' | ')' | ':' | '*' | '"' | '`' | '\n' | '<' | ']'));
            let opened = matches!(close, Some('(' | '*' | '"' | '`' | '['));
            let small = letter.is_ascii_lowercase();
            // Small letters are too common to be taken unless they are all there is or stand in brackets.
            let alone = answer.trim_matches(|c: char| !c.is_alphanumeric()).len() == 1;
            let marked = if small {
                alone || (opened && ended)
            } else {
                named || ended || opened
            };
            let article = matches!(letter, b'A' | b'I') && !marked;
            if marked || !(small || article) {
                letters.push(Letter {
                    option: usize::from(letter.to_ascii_uppercase() - b'A'),
                    marked,
                    stays: !small || (opened && ended),
                    end: at + end,
                });
            }
        }
        if end > 0 {
            before = word.to_lowercase();
        }
        at += end + rest[end..].chars().next().map_or(0, char::len_utf8);
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::Read::{Choice as C, OutOfRange, Unparsable};
    use super::*;
    use proptest::prelude::*;

    const OPTIONS: &[&str] = &["I trust most people", "One can't be too careful", "I do not know"];

    #[test]
    fn ugly_answers_are_read() {
        for (answer, expected) in [
            ("B", C(1)),
            (" B.", C(1)),
            ("b", C(1)),
            ("(c)", C(2)),
            ("**C**", C(2)),
            ("Answer: A", C(0)),
            ("Option A is what they would say", C(0)),
            ("The answer is C because they say so.", C(2)),
            ("I think B fits", C(1)),
            ("I think it is \"B\"", C(1)),
            ("A person like this trusts others", Unparsable),
            ("A person like this would say: I trust most people.", C(0)),
            ("I trust most people", C(0)),
            ("One can’t be too careful!", C(1)),
            ("A. I trust most people\nB. One can't be too careful", C(0)),
            ("D", OutOfRange),
            ("Answer: H", OutOfRange),
            ("2", C(1)),
            ("9", OutOfRange),
            ("I don't know", Unparsable),
            ("B<|im_end|>", C(1)),
            ("", Unparsable),
            ("\n", Unparsable),
            ("Neither", Unparsable),
        ] {
            assert_eq!(read_single(answer, OPTIONS), expected, "{answer:?}");
        }
    }

    #[test]
    fn a_letter_is_settled_once_it_cannot_become_a_word() {
        for settled in ["A.", "**B**", "The answer is A, since", "(b) ", "D)", "Option C "] {
            assert!(is_settled(settled), "{settled:?}");
        }
        for open in [
            "",
            "A",
            "A person",
            "The answer is A",
            "b",
            "b.",
            "\nB",
            "I think",
            "A\u{fffd}",
        ] {
            assert!(!is_settled(open), "{open:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_settled_stays(answer in "(answer |is |option |[ABDb(). é*\n\"’o]){0,12}") {
            for (end, _) in answer.char_indices().filter(|&(end, _)| is_settled(&answer[..end])) {
                prop_assert_eq!(read_single(&answer[..end], OPTIONS), read_single(&answer, OPTIONS), "{}", end);
            }
        }

        #[test]
        fn nothing_panics(answer in any::<String>(), near in "[ABI(). é*\n’o]{0,20}") {
            read_single(&answer, OPTIONS);
            read_single(&near, OPTIONS);
            read_single(&near, &[]);
        }
    }
}
