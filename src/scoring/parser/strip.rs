//! What in a generated text is no part of the answer.

/// What models think between.
const THINKING: [(&str, &str); 6] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[think]", "[/think]"),
];

/// The text without thoughts and without control tokens. Thoughts that do not end leave nothing behind them; of a text
/// that only ends thoughts, what comes after the end is the answer.
pub(super) fn answer(text: &str) -> String {
    let mut text = control_tokens_removed(text);
    for (open, close) in THINKING {
        while let Some((from, to)) = block(&text, open, close) {
            text.replace_range(from..to, "\n");
        }
    }
    text
}

/// Where the first block of a tag stands.
fn block(text: &str, open: &str, close: &str) -> Option<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    let from = lower.find(open);
    let to = lower.rfind(close).map(|at| at + close.len());
    match (from, to) {
        (None, None) => None,
        (None, Some(to)) => Some((0, to)),
        (Some(from), None) => Some((from, text.len())),
        (Some(from), Some(_)) => {
            let end = lower[from..].find(close).map(|at| from + at + close.len());
            Some(end.map_or((from, text.len()), |end| (from, end)))
        }
    }
}

/// Without `<|...|>`, as control tokens are written in most vocabularies, and `</s>`.
fn control_tokens_removed(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("<|") {
        kept.push_str(&rest[..at]);
        match rest[at..].find("|>") {
            Some(end) => {
                kept.push('\n');
                rest = &rest[at + end + 2..];
            }
            None => {
                kept.push_str("<|");
                rest = &rest[at + 2..];
            }
        }
    }
    kept.push_str(rest);
    kept.replace("</s>", "\n")
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn thoughts_and_control_tokens_are_no_answers() {
        for (text, expected) in [
            ("<think>\nMaybe A.\n</think>\nB", "B"),
            ("<THINK>A</THINK>B<think>C</think>", "B"),
            ("A or B?</think>C", "C"),
            ("<think>I think A", ""),
            ("<reasoning>A</reasoning> B", "B"),
            ("<seed:think>A</seed:think>B", "B"),
            ("[THINK]A[/THINK]B", "B"),
            ("B<|im_end|>", "B"),
            ("B</s>", "B"),
            ("a <| b", "a <| b"),
        ] {
            assert_eq!(answer(text).trim(), expected, "{text}");
        }
    }
}
