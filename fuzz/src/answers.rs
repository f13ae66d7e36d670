//! The two readers of generated answers.

use indieval::scoring::parser::{Read, names_letter, read_paper, read_single};

use crate::Run;
use crate::scratch::choose;

/// Options as probes have them: 2 to 8, ordinary and awkward.
const OPTIONS: [&[&str]; 5] = [
    &["I believe in God", "I don't believe in God"],
    &[
        "I strongly agree that a woman has to have children to be fulfilled",
        "I agree that a woman has to have children to be fulfilled",
        "I disagree that a woman has to have children to be fulfilled",
    ],
    &["A", "B", "C", "D", "E", "F", "G", "H"],
    &["I trust", "I trust people", "", "  ", "I trust"],
    &["\u{130}stanbul \u{1e9e} \u{fb01}", "ı \u{301}e", "{\"1\": 2}", "\\\"]"],
];

/// The reader of an answer to one probe.
pub fn single() -> Run {
    Box::new(|input| {
        choose(input, OPTIONS.len(), |which, answer| {
            let answer = String::from_utf8_lossy(answer);
            let options = OPTIONS[which];
            let read = read_single(&answer, options);
            assert_in_range(read, options.len());
            names_letter(&answer);
        });
    })
}

/// The reader of the paper's answers, to all probes of a split at once.
pub fn paper() -> Run {
    let all: Vec<&[&str]> = OPTIONS.iter().copied().cycle().take(39).collect();
    Box::new(move |input| {
        choose(input, 4, |which, answer| {
            let answer = String::from_utf8_lossy(answer);
            let groups = &all[..[1, 2, 5, 39][which]];
            let read = read_paper(&answer, groups);
            assert_eq!(read.len(), groups.len());
            read.iter()
                .zip(groups)
                .for_each(|(&read, options)| assert_in_range(read, options.len()));
        });
    })
}

fn assert_in_range(read: Read, options: usize) {
    if let Some(option) = read.prediction() {
        assert!(option < options, "{read:?} of {options} options");
    }
}
