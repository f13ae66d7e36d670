//! The answer to one probe whose options are lettered.
//!
//! A choice is read only where the text leaves no doubt; what a reader would have to guess is unread. The rule:
//!
//! 1. Thoughts (`<think>...</think>`) and control tokens are left out, and so is a list that repeats two options or more.
//! 2. Every letter that is meant as one is found, with what is said of it: that it is the answer, that it is not, or
//!    nothing. Letters in reasons given for an answer do not count, nor do answers that are taken back.
//! 3. Letters that are not denied are candidates. Where some are called the answer in so many words, only those are.
//! 4. One candidate is the choice. Several, or words of another option beside it, are unread. Without any letter, the one
//!    option whose words the text repeats is the choice.

use super::letters::{Mention, Stance, mentions};
use super::text::plain;
use super::{Read, strip};

/// Reads the answer to one probe. `options[i]` is the text shown as option i, and the position returned is that of the
/// option.
pub fn read_single(answer: &str, options: &[&str]) -> Read {
    let answer = without_list(&strip::answer(answer), options);
    let words = repeated(&answer, options);
    match (candidates(&mentions(&answer, options)).as_slice(), words.as_slice()) {
        (&[letter], _) if letter >= options.len() => Read::OutOfRange,
        (&[letter], []) => Read::Choice(letter),
        (&[letter], words) if words.contains(&letter) => Read::Choice(letter),
        (&[], &[option]) => Read::Choice(option),
        _ => Read::Unparsed,
    }
}

/// Whether the text names one letter as its answer, whatever the options are.
pub fn names_letter(text: &str) -> bool {
    candidates(&mentions(&strip::answer(text), &[])).len() == 1
}

/// The options that may be meant, each once.
fn candidates(mentions: &[Mention]) -> Vec<usize> {
    let of = |stance: Stance| {
        let mut options: Vec<usize> = Vec::new();
        for mention in mentions.iter().filter(|mention| mention.stance == stance) {
            if !options.contains(&mention.option) {
                options.push(mention.option);
            }
        }
        options
    };
    let declared = of(Stance::Declared);
    if declared.is_empty() {
        of(Stance::Named)
    } else {
        declared
    }
}

/// The text without lines that repeat options with their letters, where there are two such lines or more: the question
/// is repeated, not answered.
fn without_list(answer: &str, options: &[&str]) -> String {
    let option_of = |line: &str| -> Option<usize> {
        let line = plain(line);
        let is_item = |(at, option): &(usize, &&str)| {
            let letter = char::from(b'a' + (*at as u8 % 26));
            !plain(option).trim().is_empty() && line == format!(" {letter}{}", plain(option))
        };
        options.iter().enumerate().find(is_item).map(|(at, _)| at)
    };
    let items: Vec<usize> = answer.lines().filter_map(option_of).collect();
    let repeats = items.iter().any(|item| *item != items[0]);
    let kept = answer.lines().filter(|line| !repeats || option_of(line).is_none());
    kept.collect::<Vec<_>>().join("\n")
}

/// The options whose words stand in the text and are not denied, those within a longer one's words left out.
fn repeated(answer: &str, options: &[&str]) -> Vec<usize> {
    let answer = plain(answer);
    let mut places: Vec<(usize, usize, usize)> = Vec::new();
    for (at, option) in options.iter().enumerate() {
        let words = plain(option);
        if words.trim().is_empty() {
            continue;
        }
        // Words are matched with the spaces around them, which neighbours share.
        places.extend(
            answer
                .match_indices(words.as_str())
                .map(|(from, _)| (from, from + words.len(), at)),
        );
    }
    let whole = |&&(from, to, _): &&(usize, usize, usize)| {
        !places
            .iter()
            .any(|&(start, end, _)| start <= from && to <= end && to - from < end - start)
    };
    let affirmed = |&&(from, ..): &&(usize, usize, usize)| {
        let before = answer[..from].split_whitespace().next_back();
        !before.is_some_and(|word| {
            matches!(
                word,
                "not" | "never" | "neither" | "nor" | "than" | "isnt" | "of" | "unlike"
            )
        })
    };
    let mut found: Vec<usize> = places
        .iter()
        .filter(whole)
        .filter(affirmed)
        .map(|place| place.2)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::Read::{Choice as C, OutOfRange, Unparsed};
    use super::*;
    use proptest::prelude::*;

    const OPTIONS: &[&str] = &["I trust most people", "One can't be too careful", "I do not know"];

    /// What each text says to a careful reader: the position of the option, or nothing.
    const ANSWERS: &[(&str, Option<usize>)] = &[
        // The letter, however it is dressed.
        ("B", Some(1)),
        (" B.", Some(1)),
        ("b", Some(1)),
        ("(c)", Some(2)),
        ("**C**", Some(2)),
        ("__B__", Some(1)),
        ("*A*", Some(0)),
        ("`B`", Some(1)),
        ("[C]", Some(2)),
        ("\"A\"", Some(0)),
        ("“B”", Some(1)),
        ("'B'", Some(1)),
        ("‘B’", Some(1)),
        ("I'd say 'B'.", Some(1)),
        ("I'd say ‘b’", Some(1)),
        // Shares, not a choice.
        ("A 60%, B 40%", None),
        ("A 55, B 45", None),
        ("A 0.6 B 0.4", None),
        ("60% A, 40% B", None),
        ("A (60%) or B (40%)", None),
        ("A 60-year-old would say B", Some(1)),
        // All but one.
        ("anything but A", None),
        ("all but C", None),
        ("Any of the options but A", None),
        ("Everything except for B", None),
        ("apart from A", None),
        ("The opposite of A", None),
        ("Nothing but A", Some(0)),
        ("Not A but B", Some(1)),
        // Denied behind.
        ("A, obviously not", None),
        ("A? Probably not.", None),
        ("A - not at all", None),
        ("A (wrong), B (right)", Some(1)),
        ("A, obviously not. B", Some(1)),
        ("A, of course", Some(0)),
        ("B, not A", Some(1)),
        // Beside no option.
        ("A, 'B'", None),
        ("A / none", None),
        ("none or B", None),
        ("A or neither", None),
        ("B and nothing else", Some(1)),
        ("None of the others, B", Some(1)),
        // Names and units.
        ("Vitamin C", None),
        ("Hepatitis B", None),
        ("Plan B", None),
        ("Grade A", None),
        ("Class A", None),
        ("Team B", None),
        ("C major", None),
        ("Appendix A", None),
        ("C++", None),
        ("20 °C", None),
        ("Dr. B", None),
        ("Plan A is to trust people, so B", Some(1)),
        ("Statement B", Some(1)),
        ("A)", Some(0)),
        ("b.", Some(1)),
        ("a: I trust most people", Some(0)),
        ("A I trust most people", Some(0)),
        ("A - I trust most people", Some(0)),
        ("### B", Some(1)),
        ("- C", Some(2)),
        ("> A", Some(0)),
        ("```\nB\n```", Some(1)),
        ("\\boxed{C}", Some(2)),
        ("$\\boxed{\\text{C}}$", Some(2)),
        ("<answer>B</answer>", Some(1)),
        ("<b>B</b>", Some(1)),
        ("B<|im_end|>", Some(1)),
        ("B\n\nB", Some(1)),
        // In a sentence.
        ("Answer: A", Some(0)),
        ("answer: b", Some(1)),
        ("The answer is: (B)", Some(1)),
        ("The correct answer is **C**.", Some(2)),
        ("My answer would be B", Some(1)),
        ("Option A is what they would say", Some(0)),
        ("option b", Some(1)),
        ("The answer is C because they say so.", Some(2)),
        ("I think B fits", Some(1)),
        ("I think it is \"B\"", Some(1)),
        ("I would go with B.", Some(1)),
        ("Probably A", Some(0)),
        ("A person like this would say B", Some(1)),
        ("A person like this trusts others", None),
        ("A", Some(0)),
        ("A is the most likely", Some(0)),
        ("Which one? B", Some(1)),
        ("It's C!", Some(2)),
        // Reasons.
        ("B. because A is too strong", Some(1)),
        ("B, since A and C do not fit", Some(1)),
        ("B\n\nExplanation: A would mean that they trust everybody.", Some(1)),
        ("C. Reasoning: neither A nor B.", Some(2)),
        ("B since A is too strong. So: B", Some(1)),
        // Negations.
        ("Not A.\nB.", Some(1)),
        ("Not B", None),
        ("It isn't A. It's C", Some(2)),
        ("I don't think it is A; B", Some(1)),
        ("A is wrong. B", Some(1)),
        ("I would not choose C", None),
        ("B rather than A", Some(1)),
        ("B instead of A", Some(1)),
        ("I'd rule out A and C, so B", Some(1)),
        ("Definitely not option C, but option A", Some(0)),
        ("Anything except B", None),
        ("Neither.", None),
        // Two answers.
        ("A and B", None),
        ("A & C", None),
        ("A or maybe C", None),
        ("A oder B", None),
        ("either A or C", None),
        ("The answer is A or B", None),
        ("The answer is A, B", None),
        ("I choose A. I also choose B.", None),
        ("between B and C", None),
        ("A\nB", None),
        ("both", None),
        ("All of them", None),
        ("A B C", None),
        // Corrections.
        ("A... wait, B", Some(1)),
        ("A. No, B.", Some(1)),
        ("A - actually, C", Some(2)),
        ("B, or rather C", Some(2)),
        ("A, I mean B", Some(1)),
        ("A... wait", None),
        // Thoughts.
        ("<think>A or B? I'd say A.</think>B", Some(1)),
        ("A is tempting</think>\n\nC", Some(2)),
        ("<think>\nThe answer is A", None),
        // JSON and the like.
        ("{\"answer\": \"B\"}", Some(1)),
        (
            "```json\n{\"choice\": \"C\", \"reason\": \"A is too strong\"}\n```",
            Some(2),
        ),
        ("{\"reason\": \"A is tempting\", \"answer\": \"B\"}", Some(1)),
        ("{\"A\": 0.2, \"B\": 0.8}", None),
        ("[\"A\", \"B\"]", None),
        // The options' own words.
        ("I trust most people", Some(0)),
        ("One can’t be too careful!", Some(1)),
        ("A person like this would say: I trust most people.", Some(0)),
        ("B. One can't be too careful", Some(1)),
        ("B. I trust most people", None),
        ("I trust most people, or I do not know", None),
        ("Not \"I trust most people\" but \"I do not know\"", Some(2)),
        ("A. I trust most people\nB. One can't be too careful", None),
        (
            "A. I trust most people\nB. One can't be too careful\nC. I do not know\n\nAnswer: B",
            Some(1),
        ),
        ("Exactly one was made. Which one? Reply with its letter: C", Some(2)),
        // Other languages and letters.
        ("Réponse : B", Some(1)),
        ("答案是B", Some(1)),
        ("答案：C。", Some(2)),
        ("Bです", Some(1)),
        ("Ｂ", Some(1)),
        ("Я выбираю B", Some(1)),
        ("La respuesta es B", Some(1)),
        ("À mon avis, B", Some(1)),
        ("В", None),
        ("Б", None),
        ("É", None),
        ("β", None),
        // None of the options, or no answer.
        ("D", None),
        ("Answer: H", None),
        ("2", None),
        ("9", None),
        ("I don't know", None),
        ("I cannot say.", None),
        ("As an AI, I have no opinion", None),
        ("A-level", None),
        ("U.S.A.", None),
        ("e.g. trust", None),
        ("", None),
        ("\n", None),
        ("?", None),
    ];

    #[test]
    fn answers_are_read_as_a_careful_reader_does() {
        let wrong: Vec<String> = ANSWERS
            .iter()
            .map(|(answer, choice)| (answer, read_single(answer, OPTIONS), choice))
            .filter(|(_, read, choice)| read.prediction() != **choice)
            .map(|(answer, read, choice)| format!("{answer:?}: {read:?} where {choice:?} is right"))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Answers of a file that other readers may be held to as well.
    #[test]
    fn the_answers_of_the_test_data_are_read_as_people_read_them() {
        for line in include_str!("../../../tests/data/single_answers.jsonl").lines() {
            let case: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let choice = read_single(case["text"].as_str().expect("a text"), OPTIONS).prediction();
            let letter = choice.map(|option| char::from(b'A' + option as u8).to_string());
            assert_eq!(letter.as_deref(), case["choice"].as_str(), "{line}");
        }
    }

    #[test]
    fn a_letter_that_no_option_has_is_out_of_range() {
        for (answer, read) in [
            ("D", OutOfRange),
            ("Answer: H", OutOfRange),
            ("A or D", Unparsed),
            ("C", C(2)),
        ] {
            assert_eq!(read_single(answer, OPTIONS), read, "{answer}");
        }
    }

    #[test]
    fn a_line_with_one_letter_is_an_answer() {
        for named in ["B.", "The answer is A", "**C** since", "Not A. B"] {
            assert!(names_letter(named), "{named:?}");
        }
        for unnamed in ["", "A person", "I think", "A or B", "<think>B", "Not A."] {
            assert!(!names_letter(unnamed), "{unnamed:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(answer in any::<String>(), near in "(answer|is|not|or|<think>|</think>|<\\||[ABIabi(). é*\n’o—答Ａ<>/-]){0,20}") {
            read_single(&answer, OPTIONS);
            read_single(&near, OPTIONS);
            read_single(&near, &[]);
        }

        /// Whatever order options are asked in, two letters without a word on either are no choice.
        #[test]
        fn two_letters_are_never_a_choice(a in 0usize..3, b in 0usize..3, join in "( or | and |/|, |\n| & )") {
            prop_assume!(a != b);
            let letter = |at: usize| char::from(b'A' + at as u8);
            let text = format!("{}{join}{}", letter(a), letter(b));
            prop_assert_eq!(read_single(&text, OPTIONS), Unparsed);
        }
    }
}
