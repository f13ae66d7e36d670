//! Lines read as this program writes them, key for key and without a general parser, in a third of its time. What is written
//! in any other way (other keys, escapes, blanks) is left to that parser, which reads it or says what is wrong with it.

use std::borrow::Cow;
use std::str::FromStr;

use super::evidence_line::{CandidateEntry, LabelLine, LikelihoodLine};
use super::line::{Pick, RecordLine};
use crate::base::Choice;
use crate::scoring::Permutation;
use crate::survey::QuestionId;

/// Room for the numbers of a list: candidates are sentences of about so many tokens.
const NUMBERS: usize = 16;

/// Room for lists of candidates, and of orders.
const FEW: usize = 4;

/// A line of records.
pub(super) fn record(line: &[u8]) -> Option<RecordLine<'_>> {
    let mut scan = Scan { rest: line };
    let record = RecordLine {
        id: scan.text_of("{\"id\":")?,
        respondent: scan.text_of(",\"respondent\":")?,
        split: scan.whole_of(",\"split\":")?,
        question: scan.question_of(",\"question\":")?,
        category: scan.text_of(",\"category\":")?,
        method: scan.choice_of(",\"method\":")?,
        demonstrations: scan.whole_of(",\"demonstrations\":")?,
        form: scan.choice_of(",\"form\":")?,
        demographics: scan.truth_of(",\"demographics\":")?,
        restricted_to: scan.text_of(",\"restricted_to\":")?,
        control: scan.choice_of(",\"control\":")?,
        candidates: scan.whole_of(",\"candidates\":")?,
        label: scan.pick_of(",\"label\":")?,
        prediction: scan.pick_of(",\"prediction\":")?,
        correct: scan.truth_of(",\"correct\":")?,
        status: scan.choice_of(",\"status\":")?,
        context_tokens: scan.whole_of(",\"context_tokens\":")?,
        shown: scan.whole_of(",\"shown\":")?,
    };
    scan.end()?;
    Some(record)
}

/// A line of `evidence-likelihood.jsonl`.
pub(super) fn likelihood(line: &[u8]) -> Option<LikelihoodLine<'_>> {
    let mut scan = Scan { rest: line };
    let id = scan.text_of("{\"id\":")?;
    scan.expect(",\"candidates\":")?;
    let candidates = scan.list(FEW, candidate)?;
    scan.end()?;
    Some(LikelihoodLine { id, candidates })
}

fn candidate<'a>(scan: &mut Scan<'a>) -> Option<CandidateEntry<'a>> {
    let text = scan.text_of("{\"text\":")?;
    scan.expect(",\"logprob\":")?;
    let logprob = scan.double()?;
    let unconditional = match scan.expect(",\"unconditional\":") {
        Some(()) => Some(scan.double()?),
        None => None,
    };
    let (chars, bytes) = (scan.whole_of(",\"chars\":")?, scan.whole_of(",\"bytes\":")?);
    scan.expect(",\"tokens\":")?;
    let tokens = scan.list(NUMBERS, Scan::whole)?;
    scan.expect(",\"token_logprobs\":")?;
    let token_logprobs = scan.list(NUMBERS, Scan::single)?;
    let unconditional_token_logprobs = match scan.expect(",\"unconditional_token_logprobs\":") {
        Some(()) => Some(scan.list(NUMBERS, Scan::single)?),
        None => None,
    };
    scan.expect("}")?;
    Some(CandidateEntry {
        text,
        logprob,
        unconditional,
        chars,
        bytes,
        tokens,
        token_logprobs,
        unconditional_token_logprobs,
    })
}

/// A line of `evidence-label.jsonl`.
pub(super) fn label(line: &[u8]) -> Option<LabelLine<'_>> {
    let mut scan = Scan { rest: line };
    let id = scan.text_of("{\"id\":")?;
    scan.expect(",\"logprobs\":")?;
    let logprobs = scan.list(FEW, Scan::double)?;
    scan.expect(",\"invalid_mass\":")?;
    let invalid_mass = scan.double()?;
    scan.expect(",\"permutations\":")?;
    let permutations = scan.list(FEW, permutation)?;
    scan.end()?;
    Some(LabelLine {
        id,
        logprobs,
        invalid_mass,
        permutations,
    })
}

fn permutation(scan: &mut Scan<'_>) -> Option<Permutation> {
    scan.expect("{\"order\":")?;
    let order = scan.list(FEW, Scan::whole)?;
    scan.expect(",\"logprobs\":")?;
    let logprobs = scan.list(FEW, Scan::double)?;
    scan.expect("}")?;
    Some(Permutation { order, logprobs })
}

/// What is left of a line. Whatever is not found where it is looked for is `None`.
struct Scan<'a> {
    rest: &'a [u8],
}

impl<'a> Scan<'a> {
    /// Goes past a text that stands here as it is.
    fn expect(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text.as_bytes())?;
        Some(())
    }

    /// Nothing but the line's check is left.
    fn end(&mut self) -> Option<()> {
        self.text_of(",\"check\":")?;
        self.expect("}\n")?;
        self.rest.is_empty().then_some(())
    }

    /// A text without escapes.
    fn text(&mut self) -> Option<&'a str> {
        let rest = self.rest.strip_prefix(b"\"")?;
        let special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..b' ');
        let (text, rest) = rest.split_at(rest.iter().position(special)?);
        self.rest = rest.strip_prefix(b"\"")?;
        std::str::from_utf8(text).ok()
    }

    fn text_of(&mut self, key: &str) -> Option<Cow<'a, str>> {
        self.expect(key)?;
        self.text().map(Cow::Borrowed)
    }

    fn question_of(&mut self, key: &str) -> Option<QuestionId> {
        self.expect(key)?;
        self.text()?.parse().ok()
    }

    fn choice_of<T: Choice>(&mut self, key: &str) -> Option<T> {
        self.expect(key)?;
        let name = self.text()?;
        T::ALL.iter().copied().find(|choice| choice.name() == name)
    }

    fn truth_of(&mut self, key: &str) -> Option<bool> {
        self.expect(key)?;
        match self.expect("true") {
            Some(()) => Some(true),
            None => self.expect("false").map(|()| false),
        }
    }

    fn pick_of(&mut self, key: &str) -> Option<Pick> {
        self.expect(key)?;
        match self.expect("-1") {
            Some(()) => Some(Pick(None)),
            None => self.whole().map(|at| Pick(Some(at))),
        }
    }

    fn whole_of<T: TryFrom<u64>>(&mut self, key: &str) -> Option<T> {
        self.expect(key)?;
        self.whole()
    }

    /// A whole number that is not below 0.
    fn whole<T: TryFrom<u64>>(&mut self) -> Option<T> {
        let (value, length) = leading(self.rest);
        // No number is written with a 0 before it, and 19 digits are no overflow.
        if !(1..=19).contains(&length) || (length > 1 && self.rest[0] == b'0') {
            return None;
        }
        let rest = &self.rest[length..];
        // What goes on is a fraction, which is no whole number.
        if matches!(rest.first(), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.rest = rest;
        T::try_from(value).ok()
    }

    /// A number with a fraction or without, as text.
    fn number(&mut self) -> Option<&'a str> {
        let signed = usize::from(self.rest.first() == Some(&b'-'));
        let mut length = signed + digits(&self.rest[signed..]);
        if length == signed || (length > signed + 1 && self.rest[signed] == b'0') {
            return None;
        }
        if self.rest.get(length) == Some(&b'.') {
            let fraction = digits(&self.rest[length + 1..]);
            length = (fraction > 0).then_some(length + 1 + fraction)?;
        }
        if matches!(self.rest.get(length), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.rest.get(length + 1), Some(b'-' | b'+')));
            let power = digits(&self.rest[length + 1 + sign..]);
            length = (power > 0).then_some(length + 1 + sign + power)?;
        }
        let (number, rest) = self.rest.split_at(length);
        self.rest = rest;
        std::str::from_utf8(number).ok()
    }

    fn parsed<T: FromStr>(&mut self) -> Option<T> {
        self.number()?.parse().ok()
    }

    /// A number of at most 15 digits without an exponent, rounded once to double precision: its digits and the power of ten
    /// that they are divided by are doubles as they stand. Any other is left for [`parsed`](Self::parsed).
    fn short(&mut self) -> Option<f64> {
        const MOST: usize = TENS.len() - 1;
        let (negative, text) = match self.rest {
            [b'-', rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let (mut number, whole) = leading(text);
        if !(1..=MOST).contains(&whole) || (whole > 1 && text[0] == b'0') {
            return None;
        }
        let mut rest = &text[whole..];
        let mut tenth = 1.0;
        if let [b'.', behind @ ..] = rest {
            let (fraction, places) = leading(behind);
            if places == 0 || whole + places > MOST {
                return None;
            }
            number = number * WHOLE_TENS[places] + fraction;
            (rest, tenth) = (&behind[places..], TENS[places]);
        }
        if matches!(rest.first(), Some(b'e' | b'E') | None) {
            return None;
        }
        self.rest = rest;
        let value = number as f64 / tenth;
        Some(if negative { -value } else { value })
    }

    /// A number in double precision, rounded once. None that is too large for it.
    fn double(&mut self) -> Option<f64> {
        let short = self.short();
        short.or_else(|| self.parsed().filter(|number: &f64| number.is_finite()))
    }

    /// The same in single precision. A double that lies halfway between two singles may have been rounded to there, and is
    /// read anew.
    fn single(&mut self) -> Option<f32> {
        const HALF: u64 = 1 << 28;
        let from = self.rest;
        let halfway = |number: f64| number.to_bits() % (2 * HALF) == HALF;
        let plain = |number: &f64| {
            let size = number.abs();
            !halfway(*number) && (size == 0.0 || (f64::from(f32::MIN_POSITIVE)..f64::from(f32::MAX)).contains(&size))
        };
        if let Some(number) = self.short().filter(plain) {
            return Some(number as f32);
        }
        self.rest = from;
        self.parsed().filter(|number: &f32| number.is_finite())
    }

    /// A list with room for so many.
    fn list<T>(&mut self, room: usize, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.expect("[")?;
        if self.expect("]").is_some() {
            return Some(Vec::new());
        }
        let mut list = Vec::with_capacity(room);
        loop {
            list.push(one(self)?);
            if self.expect("]").is_some() {
                return Some(list);
            }
            self.expect(",")?;
        }
    }
}

/// Powers of ten.
const WHOLE_TENS: [u64; 16] = {
    let mut tens = [1; 16];
    let mut at = 1;
    while at < tens.len() {
        tens[at] = tens[at - 1] * 10;
        at += 1;
    }
    tens
};

/// The same, each a double as it stands.
const TENS: [f64; 16] = {
    let mut tens = [1.0; 16];
    let mut at = 1;
    while at < tens.len() {
        tens[at] = WHOLE_TENS[at] as f64;
        at += 1;
    }
    tens
};

/// The number that the digits in front make, and how many they are; the number is right up to 19 digits.
fn leading(text: &[u8]) -> (u64, usize) {
    let (mut number, mut length): (u64, usize) = (0, 0);
    while let Some(eight) = text[length..].first_chunk() {
        let (value, digits) = leading_of_eight(u64::from_le_bytes(*eight));
        number = number.wrapping_mul(WHOLE_TENS[digits]).wrapping_add(value);
        length += digits;
        if digits < 8 {
            return (number, length);
        }
    }
    let last = text[length..].iter().take_while(|byte| byte.is_ascii_digit());
    last.fold((number, length), |(number, length), digit| {
        let value = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        (value, length + 1)
    })
}

/// The same of eight bytes, the first of which is the lowest of `text`: all eight at once, in pairs, fours and as one.
fn leading_of_eight(text: u64) -> (u64, usize) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let values = text ^ (EACH * u64::from(b'0'));
    // The top bit of a byte that is no digit; above the lowest of these, what a sum carries may set others.
    let others = (values.wrapping_add(EACH * 0x76) | values) & (EACH * 0x80);
    let digits = others.trailing_zeros() as usize / 8;
    if digits == 0 {
        return (0, 0);
    }
    // Zeros stand in front of the digits now, and what stood behind them is gone.
    let ones = values << (64 - 8 * digits);
    let twos = (ones.wrapping_mul(1 + (10 << 8)) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos.wrapping_mul(1 + (100 << 16)) >> 16) & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul(1 + (10_000 << 32)) >> 32, digits)
}

/// How many digits stand in front.
fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}
