//! Tests of lines read without a general parser: as it reads them, or not at all.

use proptest::prelude::*;

use super::check::{Check, seal_line};
use super::evidence::encode;
use super::evidence_line::{LabelLine, LikelihoodLine};
use super::line::RecordLine;
use super::plain::{label, likelihood, record};
use crate::scoring::{CandidateScore, Evidence, Permutation};

/// A line as it stands in a file.
fn sealed(object: impl Into<Vec<u8>>) -> Vec<u8> {
    seal_line(object.into(), &[Check::new(&[], b"start")]).0
}

/// A line is read here as the general parser reads it, or not at all.
macro_rules! alike {
    ($read:ident, $kind:ty, $line:expr) => {{
        let line: &[u8] = $line;
        let general = serde_json::from_slice::<$kind>(line);
        let plain = $read(line);
        let text = String::from_utf8_lossy(line);
        if let Some(plain) = &plain {
            assert_eq!(general.as_ref().ok(), Some(plain), "{text}");
            // -0 equals 0, and is not the same.
            assert_eq!(
                format!("{:?}", general.as_ref().ok()),
                format!("{:?}", Some(plain)),
                "{text}"
            );
        }
        plain.is_some()
    }};
}

const RECORD: &str = concat!(
    r#"{"id":"0123456789abcdef","respondent":"né 1","split":2,"question":"Q46","category":"Happiness and Well-Being","#,
    r#""method":"generation-paper","demonstrations":200,"form":"refined","demographics":true,"restricted_to":"","#,
    r#""control":"same-country","candidates":4,"label":3,"prediction":-1,"correct":false,"status":"out-of-range","#,
    r#""context_tokens":12345,"shown":199}"#
);
const LABEL: &str = concat!(
    r#"{"id":"ab","logprobs":[-0.5,-1.25e-7,0.0],"invalid_mass":1.1102230246251565e-16,"#,
    r#""permutations":[{"order":[2,0,1],"logprobs":[-0.1,-20.5,-3.0]},{"order":[],"logprobs":[]}]}"#
);
const LIKELIHOOD: &str = concat!(
    r#"{"id":"ab","candidates":[{"text":"Work is 'very' important – 非常","logprob":-3.5,"unconditional":-4.25,"chars":30,"#,
    r#""bytes":36,"tokens":[0,1,4294967295],"token_logprobs":[-1.0,-2.5,-1e-8],"unconditional_token_logprobs":[-4.25]},"#,
    r#"{"text":"","logprob":-0.0,"chars":0,"bytes":0,"tokens":[],"token_logprobs":[]}]}"#
);

#[test]
fn lines_as_they_are_written_need_no_general_parser() {
    assert!(alike!(record, RecordLine<'_>, &sealed(RECORD)));
    assert!(alike!(label, LabelLine<'_>, &sealed(LABEL)));
    assert!(alike!(likelihood, LikelihoodLine<'_>, &sealed(LIKELIHOOD)));
}

/// Every byte put in the place of every other, and every byte left out: what is still read is what the general parser reads.
#[test]
fn what_is_spoilt_is_read_as_the_general_parser_reads_it_or_not_at_all() {
    let bytes = br#"09.-+eE"\,:[]{} tnQ"#.iter().copied().chain([0, b'\n', 0x7f, 0xff]);
    let bytes: Vec<u8> = bytes.collect();
    for (kind, text) in [RECORD, LABEL, LIKELIHOOD].into_iter().enumerate() {
        let whole = sealed(text);
        let look = |line: &[u8]| match kind {
            0 => alike!(record, RecordLine<'_>, line),
            1 => alike!(label, LabelLine<'_>, line),
            _ => alike!(likelihood, LikelihoodLine<'_>, line),
        };
        for at in 0..whole.len() {
            let mut spoilt = whole.clone();
            for byte in &bytes {
                spoilt[at] = *byte;
                look(&spoilt);
            }
            spoilt.remove(at);
            look(&spoilt);
            spoilt.insert(at, whole[at]);
            spoilt.insert(at, b'0');
            look(&spoilt);
        }
    }
}

proptest! {
    /// Numbers of any size come out to the last bit, in single and in double precision.
    #[test]
    fn evidence_comes_back_to_the_last_bit(
        logprobs in proptest::collection::vec(any::<f32>().prop_filter("finite", |x| x.is_finite()), 1..20),
        doubles in proptest::collection::vec(any::<f64>().prop_filter("finite", |x| x.is_finite()), 1..6),
        tokens in proptest::collection::vec(any::<u32>(), 0..20),
    ) {
        let scores = vec![CandidateScore {
            tokens,
            unconditional: Some(logprobs.iter().rev().copied().collect()),
            logprobs,
            chars: 1,
            bytes: 2,
        }];
        let evidence = Evidence::Likelihood { scores: scores.clone() };
        let line = sealed(encode("ab", &evidence, &["é".to_owned()]).expect("finite numbers"));
        assert!(alike!(likelihood, LikelihoodLine<'_>, &line));
        let read = likelihood(&line).expect("read");
        assert_eq!(read.candidates[0].token_logprobs, scores[0].logprobs);
        let permutations = vec![Permutation { order: vec![1, 0], logprobs: doubles.clone() }];
        let evidence = Evidence::Label { logprobs: doubles.clone(), invalid_mass: doubles[0], permutations };
        let line = sealed(encode("ab", &evidence, &[]).expect("finite numbers"));
        assert!(alike!(label, LabelLine<'_>, &line));
        assert_eq!(label(&line).expect("read").logprobs, doubles);
    }
}

/// What a line of likelihoods holds of one number, in double and in single precision.
fn both(number: &str) -> (u64, u32) {
    let line = sealed(format!(
        r#"{{"id":"ab","candidates":[{{"text":"","logprob":{number},"chars":0,"bytes":0,"tokens":[],"token_logprobs":[{number}]}}]}}"#
    ));
    let candidate = likelihood(&line).unwrap().candidates.remove(0);
    (candidate.logprob.to_bits(), candidate.token_logprobs[0].to_bits())
}

fn parsed(number: &str) -> (u64, u32) {
    let (double, single): (f64, f32) = (number.parse().unwrap(), number.parse().unwrap());
    (double.to_bits(), single.to_bits())
}

#[test]
fn numbers_halfway_between_two_singles_are_rounded_once() {
    // 16,777,217 is halfway, and so are 1 and 3 times 2^-25 above 1; those a little beside it are near enough to be taken for it.
    let halfway = [
        "16777217.0",
        "16777219.0",
        "16777217.000001",
        "16777216.999999",
        "1.00000002980232",
        "-0.0",
        "0.0",
        "0",
    ];
    for number in halfway {
        assert_eq!(both(number), parsed(number), "{number}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn numbers_of_any_length_are_rounded_as_the_standard_library_does(
        number in "-?(0|[1-9][0-9]{0,11})(\\.[0-9]{1,12})?",
        single in proptest::num::f32::NORMAL | proptest::num::f32::ZERO,
    ) {
        prop_assert_eq!(both(&number), parsed(&number), "{}", number);
        let single = format!("{single:?}");
        prop_assert_eq!(both(&single).1, parsed(&single).1, "{}", single);
    }
}
