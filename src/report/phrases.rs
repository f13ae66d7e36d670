//! Sentences that several parts of a report need.

use super::words::{ContrastWords, contrast, percent, whole_percent};
use crate::base::text::count;
use crate::metrics::{AlwaysAlike, Constancy, Contrast, Estimate, Verdict};

/// "it chooses the first candidate on 100 % of probes: its accuracy is that of always doing so" and the like; where it is
/// not that, by how much it differs. `always` is what answering alike without exception would reach.
pub fn alike(constancy: &Constancy, always: Option<&AlwaysAlike>) -> String {
    let figure = |share: f64| format!("{} %", whole_percent(share));
    let unread = always
        .and_then(|always| always.over)
        .map_or(0, |contrast| contrast.unread);
    let probes = match unread {
        0 => "probes",
        _ => "the answers that could be read",
    };
    let beyond = |share: f64, what: &str| match always {
        Some(always) if share < 1.0 || unread > 0 => format!(": {}", beyond(always, what)),
        _ => format!(": its accuracy is that of {what}"),
    };
    match constancy {
        Constancy::Position { position, share } => format!(
            "it chooses the {} candidate on {} of {probes} (people's own answers: {}){}",
            ordinal(*position),
            figure(share.chosen),
            figure(share.own),
            beyond(share.chosen, "always doing so")
        ),
        Constancy::Question { share } => format!(
            "it gives a question the same answer whoever is asked, on {} of {probes} (people's own answers: {}){}",
            figure(share.chosen),
            figure(share.own),
            beyond(share.chosen, "always giving its commonest answer")
        ),
        // Where candidates are equally long, it has to choose by something else.
        Constancy::Shortest { share } => format!(
            "it chooses the shortest candidate on {} of the probes whose candidates differ in length (people's own answers: \
             {})",
            figure(share.chosen),
            figure(share.own)
        ),
    }
}

/// How an accuracy stands to that of answering alike without exception, and by how much.
fn beyond(always: &AlwaysAlike, what: &str) -> String {
    let rule = match always.over {
        Some(over) if over.unread > 0 => ", with unread answers wrong",
        _ => "",
    };
    let points = contrast(always.over.as_ref());
    let that = format!("that of {what} ({} %)", percent(always.accuracy));
    match always.over.map_or(Verdict::TooFew, |over| over.verdict()) {
        Verdict::Ahead => format!("its accuracy is above {that}: {points} points{rule}"),
        Verdict::Behind => format!("its accuracy is below {that}: {points} points{rule}"),
        Verdict::Open => format!("its accuracy is not significantly different from {that}: {points} points{rule}"),
        Verdict::TooFew | Verdict::Constant => {
            format!("its accuracy minus {that} is {points} points{rule}")
        }
        Verdict::Depends => {
            let words = ContrastWords::of(always.over.as_ref());
            format!(
                "whether its accuracy is above or below {that} depends on unread answers: {points} points if they are wrong, \
                 {} if they count as guesses, {} without them",
                words.guess, words.both_read
            )
        }
    }
}

/// "52.1 % (95 % interval 50.0 to 54.3)".
pub fn share(estimate: &Estimate) -> String {
    let interval = estimate.ends().map_or(String::new(), |(low, high)| {
        format!(" (95 % interval {} to {})", percent(Some(low)), percent(Some(high)))
    });
    format!("{} %{interval}", percent(Some(estimate.value)))
}

/// "ahead: +2.3 (+0.1 to +4.5) points" and the like. A direction is claimed only where p (adjusted where several pairs are
/// judged), interval and all rules for unread answers agree.
pub fn verdict(judged: &Contrast, p: Option<f64>) -> String {
    let figure = contrast(Some(judged));
    match judged.verdict_at(p) {
        // What a constant answerer does beyond its rule is a difference, and no praise.
        Verdict::Ahead if judged.constant.own_rule => format!("above that: {figure} points"),
        Verdict::Behind if judged.constant.own_rule => format!("below that: {figure} points"),
        Verdict::Ahead => format!("ahead: {figure} points"),
        Verdict::Behind => format!("behind: {figure} points"),
        Verdict::Open => format!("not significantly different from it: {figure} points"),
        Verdict::TooFew => format!("not judged (too few people): {figure} points"),
        Verdict::Constant => format!("not judged (it answers the same whoever is asked): {figure} points"),
        Verdict::Depends => {
            let words = ContrastWords::of(Some(judged));
            format!(
                "not judged, because that depends on {} unread answers: {figure} points if they are wrong, {} if they count \
                 as guesses, {} on the probes that both sides could read",
                count(judged.unread as u64),
                words.guess,
                words.both_read
            )
        }
    }
}

/// The four ways in which a system may stand to another, in the order in which they are named.
pub const STANDINGS: [&str; 4] = [
    "ahead of",
    "behind",
    "not significantly different from",
    "not judged against",
];

/// Which of [`STANDINGS`] a difference shows. How a constant answerer stands to its own rule is none of them: the sentence
/// that it is one says that ([`alike`]).
pub fn standing(judged: &Contrast) -> &'static str {
    let [ahead, behind, open, not_judged] = STANDINGS;
    match judged.verdict() {
        Verdict::Ahead | Verdict::Behind if judged.constant.own_rule => not_judged,
        Verdict::Ahead => ahead,
        Verdict::Behind => behind,
        Verdict::Open => open,
        Verdict::Depends | Verdict::Constant | Verdict::TooFew => not_judged,
    }
}

/// A baseline's name within a sentence, where a comma of its own would be taken for the sentence's.
pub fn within(label: &str) -> String {
    label.replacen(", k = ", " with k\u{a0}=\u{a0}", 1)
}

/// "first", "second" and so on, from 0.
pub fn ordinal(position: usize) -> String {
    const WORDS: [&str; 8] = [
        "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth",
    ];
    WORDS
        .get(position)
        .map_or_else(|| format!("{}th", position + 1), |word| (*word).to_owned())
}

/// A small number as a word.
pub fn number(count: usize) -> String {
    const WORDS: [&str; 11] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    ];
    WORDS
        .get(count)
        .map_or_else(|| count.to_string(), |word| (*word).to_owned())
}

/// "a", "a and b", "a, b and c".
pub fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// The first letter in upper case.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Beside, Constant, Interval, Tested};

    fn judged(low: f64, high: f64) -> Contrast {
        let estimate = Estimate {
            value: (low + high) / 2.0,
            people: 40,
            se: Some(0.01),
            interval: Interval::Percentile { low, high },
        };
        let p = Some(if estimate.excludes(0.0) { 0.01 } else { 0.3 });
        Contrast {
            wrong: Tested { estimate, p },
            unread: 0,
            otherwise: None,
            constant: Default::default(),
        }
    }

    #[test]
    fn only_who_always_answers_alike_has_the_accuracy_of_that() {
        let constancy = |chosen| Constancy::Position {
            position: 0,
            share: Beside { chosen, own: 0.53 },
        };
        let always = |unread| AlwaysAlike {
            accuracy: Some(0.529),
            over: Some(Contrast {
                unread,
                constant: Constant {
                    first: true,
                    second: false,
                    own_rule: true,
                },
                ..judged(0.031, 0.091)
            }),
        };
        let said = |chosen, unread| alike(&constancy(chosen), Some(&always(unread)));
        assert_eq!(
            said(1.0, 0),
            "it chooses the first candidate on 100 % of probes (people's own answers: 53 %): its accuracy is that of always \
             doing so"
        );
        assert_eq!(
            said(0.94, 0),
            "it chooses the first candidate on 94 % of probes (people's own answers: 53 %): its accuracy is above that of \
             always doing so (52.9 %): +6.1 (+3.1 to +9.1) points"
        );
        assert_eq!(
            said(1.0, 90),
            "it chooses the first candidate on 100 % of the answers that could be read (people's own answers: 53 %): its \
             accuracy is above that of always doing so (52.9 %): +6.1 (+3.1 to +9.1) points, with unread answers wrong"
        );
        let over = |low, high| {
            let mut always = always(0);
            always.over = always.over.map(|over| Contrast {
                wrong: judged(low, high).wrong,
                ..over
            });
            beyond(&always, "always doing so")
        };
        assert_eq!(
            over(-0.091, -0.031),
            "its accuracy is below that of always doing so (52.9 %): −6.1 (−9.1 to −3.1) points"
        );
        assert_eq!(
            over(-0.01, 0.03),
            "its accuracy is not significantly different from that of always doing so (52.9 %): +1.0 (−1.0 to +3.0) points"
        );
    }

    #[test]
    fn nothing_is_claimed_within_the_interval() {
        let contrast = judged(-0.01, 0.03);
        let said = verdict(&contrast, contrast.wrong.p);
        assert_eq!(said, "not significantly different from it: +1.0 (−1.0 to +3.0) points");
        // An interval without 0 does not help where p, adjusted for other pairs, is above the level.
        assert!(verdict(&judged(0.01, 0.03), Some(0.2)).starts_with("not significantly different"));
        assert!(verdict(&judged(0.01, 0.03), Some(0.02)).starts_with("ahead"));
    }
}
