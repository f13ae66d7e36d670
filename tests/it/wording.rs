//! The sentences of the catalogue: how evenly long the candidates of a question are, and that they are our own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use indieval::model::Inspection;
use indieval::survey::{Catalogue, Form, Question};
use sha2::{Digest, Sha256};

use crate::real;

/// Tokens of SmolLM2 behind a space, for each word of the catalogue with the punctuation that hangs on it: `word TAB tokens`.
const WORDS: &str = include_str!("../data/smollm2_words.tsv");

/// The statements released with the paper: the first 24 hexadecimal digits of the SHA-256 of each as [`folded`] has it.
const RELEASED: &str = include_str!("../data/released_sentences.sha256");

/// A statement as the likelihood prompt has it behind its dash.
fn shown(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

fn all_words() -> BTreeSet<String> {
    let catalogue = Catalogue::builtin().unwrap();
    let statements = catalogue
        .questions
        .iter()
        .flat_map(|q| q.refined.iter().chain(&q.polar));
    statements
        .flat_map(|statement| shown(&statement.text).split(' ').map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

fn counts() -> HashMap<&'static str, usize> {
    let pair = |line: &'static str| {
        let (word, tokens) = line.split_once('\t').unwrap();
        (word, tokens.parse().unwrap())
    };
    WORDS.lines().map(pair).collect()
}

/// Most tokens less fewest among a question's candidates.
fn spread(question: &Question, counts: &HashMap<&str, usize>) -> usize {
    let tokens = |text: &str| -> usize {
        let count = |word| {
            counts
                .get(word)
                .unwrap_or_else(|| panic!("smollm2_words.tsv lacks `{word}`"))
        };
        shown(text).split(' ').map(count).sum()
    };
    let lengths: Vec<_> = question
        .statements(Form::Polar)
        .iter()
        .map(|s| tokens(&s.text))
        .collect();
    lengths.iter().max().unwrap() - lengths.iter().min().unwrap()
}

/// Where one candidate is much shorter than the others a model without evidence chooses it, whatever it says.
#[test]
fn candidates_of_a_question_are_about_equally_long() {
    let counts = counts();
    let questions = &Catalogue::builtin().unwrap().questions;
    let spreads: Vec<_> = questions
        .iter()
        .map(|question| (spread(question, &counts), question.id))
        .collect();
    let uneven: Vec<_> = spreads.iter().filter(|(tokens, _)| *tokens > 3).collect();
    assert!(uneven.is_empty(), "more than three tokens apart: {uneven:?}");
    let mean = spreads.iter().map(|(tokens, _)| *tokens as f64).sum::<f64>() / spreads.len() as f64;
    // GUIDE.md and CHANGELOG.md say so; the statements released with the paper have 1.55.
    assert_eq!(format!("{mean:.1}"), "1.2", "tokens apart on average");
}

#[test]
fn the_table_of_words_is_what_smollm2_makes_of_them() {
    let counts = counts();
    let words = all_words();
    let stale: Vec<_> = counts.keys().filter(|word| !words.contains(**word)).collect();
    assert!(stale.is_empty(), "no longer words of the catalogue: {stale:?}");
    let tokenizer = match real::smollm2() {
        Ok(path) => Inspection::of(&path).into_checkpoint().unwrap().tokenizer,
        Err(why) => return println!("skipped: no SmolLM2-135M, so no tokenizer to count with ({why})"),
    };
    let tokens = |text: &str| tokenizer.encode(text).unwrap().len();
    let ours: BTreeMap<_, _> = words
        .iter()
        .map(|word| (word.as_str(), tokens(&format!("- {word}")) - 1))
        .collect();
    let wrong: Vec<_> = ours
        .iter()
        .filter(|(word, tokens)| counts.get(*word) != Some(tokens))
        .map(|(word, tokens)| format!("{word}\t{tokens}"))
        .collect();
    assert!(wrong.is_empty(), "smollm2_words.tsv should have\n{}", wrong.join("\n"));
    // A sentence has the tokens of its words: SmolLM2 joins nothing across spaces.
    for question in &Catalogue::builtin().unwrap().questions {
        for statement in question.refined.iter().chain(&question.polar) {
            let text = shown(&statement.text);
            let sum: usize = text.split(' ').map(|word| ours[word]).sum();
            assert_eq!(tokens(&format!("- {text}")) - 1, sum, "{text}");
        }
    }
}

/// Lower case, with one space for whatever lies between letters and digits.
fn folded(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn fingerprint(text: &str) -> String {
    let digest = Sha256::digest(folded(text).as_bytes());
    digest[..12].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The paper's prompt shows four statements, which are ours to keep. One of them is none of those released.
#[test]
fn no_sentence_is_a_released_one_but_for_those_that_the_papers_prompt_shows() {
    let released: BTreeSet<_> = RELEASED.lines().collect();
    assert_eq!(released.len(), 1433);
    let catalogue = Catalogue::builtin().unwrap();
    let statements = catalogue
        .questions
        .iter()
        .flat_map(|q| q.refined.iter().chain(&q.polar));
    let same: BTreeSet<_> = statements
        .map(|statement| statement.text.as_str())
        .filter(|text| released.contains(fingerprint(text).as_str()))
        .collect();
    let expected = [
        "I disagree that adult children have the duty to provide long-term care for their parents",
        "I disagree that work is a duty towards society",
        "I somewhat trust people I meet for the first time",
    ];
    assert_eq!(same.into_iter().collect::<Vec<_>>(), expected);
}
