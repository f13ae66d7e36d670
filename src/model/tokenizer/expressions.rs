//! Expressions of a tokenizer that nobody looked at are tried out before any text is given to them.
//!
//! Oniguruma counts how often it tries again within one match and gives up after ten million times, which bounds
//! expressions whose time grows exponentially. It does not count the steps between, so that one like `.*.*x` takes time
//! by the cube of a text's length and no limit stops it; nothing can stop a match from outside either. So each
//! expression that is not in the table of known ones is run over texts that make such expressions slow: runs of every
//! kind of character and of what the expression itself names, short ones first.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use onig::{MatchParam, Regex, Region, SearchOptions};

use super::pretokenizers;

/// Longest expression in bytes; those in use stay below 500.
const LONGEST: usize = 1 << 14;
/// Lengths of the texts, in bytes: from one to the next, time by the cube of the length grows eightfold.
const LENGTHS: [usize; 4] = [64, 256, 1024, 2048];
/// Time that one text may take. Expressions in use take a millisecond for the longest.
const PATIENCE: Duration = Duration::from_millis(400);
/// How often a text that took too long is tried: a busy machine is slow once, not every time.
const TRIES: usize = 3;
/// Characters of every kind that expressions tell apart, and pairs that change between kinds.
const KINDS: [&str; 20] = [
    "a",
    "A",
    "1",
    " ",
    "\n",
    "\r",
    "\t",
    ".",
    "'",
    "_",
    "-",
    "\u{e9}",
    "\u{301}",
    "\u{4e2d}",
    "\u{1f642}",
    "aA",
    "a1",
    "a ",
    " \n",
    "'s",
];
/// Most characters, and most runs of letters and digits, that are taken from an expression.
const MOST_OWN: usize = 32;
/// Says what is wrong with an expression of the part of that name.
pub(super) fn check(part: &str, expression: &str) -> Result<(), String> {
    if pretokenizers::is_known(expression) {
        return Ok(());
    }
    if expression.len() > LONGEST {
        return Err(format!(
            "an expression of its `{part}` has {} bytes; up to {LONGEST} are read",
            expression.len()
        ));
    }
    let regex = Regex::new(expression)
        .map_err(|error| format!("an expression of its `{part}` cannot be read: {}", error.description()))?;
    let own = own(expression);
    // What stands around a run makes a match of it fail at its end, and has what must be somewhere for a match to be tried.
    let all = own.join("\0");
    let around = [("", ""), ("", "!"), ("", all.as_str()), (all.as_str(), "!")];
    for pump in KINDS.map(str::to_owned).iter().chain(&own) {
        for length in LENGTHS {
            for (before, behind) in around {
                let run = pump.repeat(length.div_ceil(pump.len()));
                let text = format!("{before}\0{run}\0{behind}");
                if (0..TRIES).all(|_| !is_quick(&regex, &text)) {
                    let shown: String = expression.chars().take(60).collect();
                    return Err(format!(
                        "its `{part}` has an expression that takes too long on a run of {pump:?}: {shown:?}"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Characters of an expression, and its runs of letters and digits.
fn own(expression: &str) -> Vec<String> {
    let characters: BTreeSet<char> = expression.chars().collect();
    let runs = expression
        .split(|c: char| !c.is_alphanumeric())
        .filter(|run| run.len() > 1);
    let runs = runs.take(MOST_OWN).map(str::to_owned);
    runs.chain(characters.into_iter().take(MOST_OWN).map(String::from))
        .collect()
}

/// Whether all matches in a text are found in time, without giving up.
fn is_quick(regex: &Regex, text: &str) -> bool {
    let begun = Instant::now();
    let mut at = 0;
    while at < text.len() && begun.elapsed() < PATIENCE {
        let mut region = Region::new();
        let none = SearchOptions::SEARCH_OPTION_NONE;
        match regex.search_with_param(text, at, text.len(), none, Some(&mut region), MatchParam::default()) {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(_) => return false,
        }
        let (start, end) = region.pos(0).unwrap_or((at, text.len()));
        let next = if end > start { end } else { end + 1 };
        at = text.ceil_char_boundary(next.max(at + 1));
    }
    begun.elapsed() < PATIENCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_that_grow_beyond_bounds_are_refused_soon() {
        let begun = Instant::now();
        for expression in [
            "(a|aa)+$",
            "(a+)+b",
            "a|.*.*x",
            r"(\s|\S)*(\s|\S)*(\s|\S)*z",
            r"(\p{N}+)*!",
            "(?:ab)*(?:ab)*(?:ab)*(?:ab)*c|a",
            r"(\w*)*\1q",
        ] {
            let error = check("pre_tokenizer", expression).expect_err(expression);
            assert!(error.contains("takes too long on a run of"), "{error}");
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
        let long = "a".repeat(LONGEST + 1);
        assert!(
            check("decoder", &long)
                .expect_err("too long")
                .contains("`decoder` has 16385 bytes")
        );
        assert!(check("decoder", "((").expect_err("broken").contains("cannot be read"));
    }

    #[test]
    fn expressions_in_use_pass() {
        for expression in [
            r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            r"\p{N}{1,3}",
            r"(?=(\d{3})+(?!\d))",
            "[\u{4e00}-\u{9fa5}\u{3040}-\u{309f}\u{30a0}-\u{30ff}]+",
            r"[!\x22#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            r" ?[^(\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+",
            r"\s+",
            " {2,}",
        ] {
            assert_eq!(check("pre_tokenizer", expression), Ok(()), "{expression}");
        }
    }
}
