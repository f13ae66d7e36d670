//! Operators that Python and the engine take differently become calls of filters that do as Python does: `~`, which
//! writes its sides out, and `<`, `<=`, `>`, `>=`, which Python refuses between what has no order.

/// The filter that writes a side of `~` out.
pub(super) const TEXT: &str = "_text";
/// The filter that compares: `(a)|_compared('<', b, '==', c)` for `a < b == c`.
pub(super) const COMPARED: &str = "_compared";

/// Words behind which another expression begins. `is` is none: it belongs to its operand, as filters do.
const WORDS: [&str; 6] = ["and", "or", "not", "if", "else", "in"];
const ORDERS: [&str; 4] = ["<", "<=", ">", ">="];
const COMPARISONS: [&str; 7] = ["<", "<=", ">", ">=", "==", "!=", "in"];

/// Most brackets within each other; the engine takes 150.
const DEEPEST: usize = 200;

/// The inside of a tag with these operators in the engine's words; as it is where it has none, or where its brackets do
/// not close. Line breaks stay.
pub(super) fn operators(inside: &str) -> Result<String, String> {
    let tokens = read(inside);
    let has_any = tokens
        .iter()
        .any(|token| token.text == "~" || ORDERS.contains(&token.text));
    match has_any && is_closed(&tokens) {
        true => group(&tokens, &mut 0),
        false => Ok(inside.to_owned()),
    }
}

/// Whether every bracket is closed by its own, and none is nested so deeply that the engine refuses the tag anyway.
fn is_closed(tokens: &[TagToken<'_>]) -> bool {
    let mut open = Vec::new();
    let all = tokens.iter().all(|token| match token.text {
        "(" | "[" | "{" => {
            open.push(token.text);
            open.len() <= DEEPEST
        }
        ")" => open.pop() == Some("("),
        "]" => open.pop() == Some("["),
        "}" => open.pop() == Some("{"),
        _ => true,
    });
    all && open.is_empty()
}

/// A word, a number, a string or a sign, and the space before it.
#[derive(Debug, Clone, Copy)]
struct TagToken<'a> {
    space: &'a str,
    text: &'a str,
}

/// The tokens of a tag; the last may be empty, with the space at the end.
fn read(inside: &str) -> Vec<TagToken<'_>> {
    let (mut tokens, mut rest) = (Vec::new(), inside);
    while !rest.is_empty() {
        let (space, from) = spaced(rest);
        let (text, after) = from.split_at(length(from));
        tokens.push(TagToken { space, text });
        rest = after;
    }
    tokens
}

/// Bytes of the token that `text` begins with.
fn length(text: &str) -> usize {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let Some(first) = text.chars().next() else {
        return 0;
    };
    let run = |text: &str| text.find(|c| !is_part(c)).unwrap_or(text.len());
    match first {
        '\'' | '"' => {
            let mut escaped = false;
            let end = text.char_indices().skip(1).find(|&(_, c)| {
                let ends = c == first && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            end.map_or(text.len(), |(at, _)| at + 1)
        }
        '0'..='9' => {
            let whole = run(text);
            // A fraction, and an exponent with a sign.
            let fraction = match text[whole..].strip_prefix('.') {
                Some(digits) if digits.starts_with(|c: char| c.is_ascii_digit()) => whole + 1 + run(digits),
                _ => whole,
            };
            match text[fraction..].strip_prefix(['+', '-']) {
                Some(digits) if text[..fraction].ends_with(['e', 'E']) => fraction + 1 + run(digits),
                _ => fraction,
            }
        }
        c if is_part(c) => run(text),
        c => match text.get(..2) {
            Some("**" | "//" | "==" | "!=" | "<=" | ">=") => 2,
            _ => c.len_utf8(),
        },
    }
}

/// What is between brackets, up to the one that closes or the end: expressions and what is between them.
fn group(tokens: &[TagToken<'_>], at: &mut usize) -> Result<String, String> {
    let mut out = String::new();
    // A comparison is written when it ends: its operands so far, each behind its sign.
    let mut compared: Vec<(String, String)> = Vec::new();
    let mut sign = String::new();
    loop {
        let side = operand(tokens, at)?;
        compared.push((std::mem::take(&mut sign), side));
        let token = tokens.get(*at).copied();
        match token {
            Some(token) if COMPARISONS.contains(&token.text) => {
                *at += 1;
                sign = format!("{}{}", token.space, token.text);
                continue;
            }
            // `not in` is one sign; a `not` anywhere else begins an expression.
            Some(token) if token.text == "not" && tokens.get(*at + 1).is_some_and(|next| next.text == "in") => {
                *at += 2;
                sign = format!("{}not{}in", token.space, tokens[*at - 1].space);
                continue;
            }
            _ => {}
        }
        out.push_str(&comparison(&compared)?);
        compared.clear();
        match token {
            Some(token) if !matches!(token.text, ")" | "]" | "}") => {
                *at += 1;
                out.extend([token.space, token.text]);
            }
            _ => return Ok(out),
        }
    }
}

/// Operands with the signs between them, as a call where one of the signs is about order.
fn comparison(sides: &[(String, String)]) -> Result<String, String> {
    if !sides.iter().any(|(sign, _)| ORDERS.contains(&sign.trim())) {
        return Ok(sides.iter().flat_map(|(sign, side)| [sign.as_str(), side]).collect());
    }
    let (before, first) = spaced(&sides[0].1);
    let mut out = format!("{before}({first})|{COMPARED}(");
    for (at, (sign, side)) in sides[1..].iter().enumerate() {
        if sign.trim().ends_with("in") {
            return Err("a chain of comparisons with `in`".to_owned());
        }
        let between = if at == 0 { "" } else { ", " };
        let (space, sign) = spaced(sign);
        out.push_str(&format!("{between}{space}'{sign}',{side}"));
    }
    Ok(out + ")")
}

/// The space that a text begins with, and the rest.
fn spaced(text: &str) -> (&str, &str) {
    text.split_at(text.len() - text.trim_start().len())
}

/// One side of a comparison: sums of what is joined by `~`, whose sides are products.
fn operand(tokens: &[TagToken<'_>], at: &mut usize) -> Result<String, String> {
    let (mut out, mut joined, mut side) = (String::new(), Vec::new(), String::new());
    let mut before = "";
    while let Some(&token) = tokens.get(*at) {
        let is_test = matches!(before, "is" | "is not" | ".");
        let ends = match token.text {
            "not" if before == "is" => false,
            "" | ")" | "]" | "}" | "," | ":" | "=" => true,
            text => !is_test && (WORDS.contains(&text) || COMPARISONS.contains(&text)),
        };
        if ends {
            break;
        }
        *at += 1;
        match token.text {
            "~" => joined.push(std::mem::take(&mut side) + token.space),
            // A sign before a number is part of it.
            "+" | "-" if is_end(before) => {
                out.push_str(&text_of(&mut joined, std::mem::take(&mut side)));
                out.extend([token.space, token.text]);
            }
            "(" | "[" | "{" => {
                side.extend([token.space, token.text]);
                side.push_str(&group(tokens, at)?);
                // `group` stops at what closes it.
                let Some(close) = tokens.get(*at) else { break };
                *at += 1;
                side.extend([close.space, close.text]);
                before = close.text;
                continue;
            }
            _ => side.extend([token.space, token.text]),
        }
        before = match (before, token.text) {
            ("is", "not") => "is not",
            (_, text) => text,
        };
    }
    out.push_str(&text_of(&mut joined, side));
    Ok(out)
}

/// Sides of `~` that are written out before they are joined; a lone one stays as it is.
fn text_of(joined: &mut Vec<String>, last: String) -> String {
    if joined.is_empty() {
        return last;
    }
    joined.push(last);
    let sides = joined.drain(..).map(|side| {
        let (before, side) = spaced(&side);
        format!("{before}({side})|{TEXT}")
    });
    let sides: Vec<String> = sides.collect();
    sides.join("~")
}

/// Whether an operand may end with this token, so that a sign behind it stands between two.
fn is_end(token: &str) -> bool {
    token.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '"' | ')' | ']' | '}'))
}

#[cfg(test)]
mod tests {
    use super::operators;

    #[test]
    fn what_has_none_of_them_stays_as_it_is() {
        for inside in [
            " a + b * -c ",
            "for a in b if c == d",
            "set x = {'a': 1, 'b': [2, 'x ~ y < z']}",
            " a is not none and b not in c ",
            "",
            " (a ~ b ",
            " a ~ b) < c ",
        ] {
            assert_eq!(operators(inside).unwrap(), inside);
        }
    }

    #[test]
    fn what_nests_too_deeply_for_the_engine_is_left_to_it() {
        let nested = |depth: usize| format!("{}a < b{}", "(".repeat(depth), ")".repeat(depth));
        assert!(operators(&nested(super::DEEPEST)).unwrap().contains("|_compared("));
        assert_eq!(operators(&nested(100_000)).unwrap(), nested(100_000));
    }

    #[test]
    fn sides_are_what_jinja_takes_for_them() {
        for (inside, expected) in [
            (" a ~ b ", " (a )|_text~ (b)|_text "),
            ("a + b ~ c * 2 - -d", "a + (b )|_text~ (c * 2)|_text - -d"),
            ("-a ~ 'x ~ y'|upper", "(-a )|_text~ ('x ~ y'|upper)|_text"),
            ("if a ~ b == c and d", "if (a )|_text~ (b)|_text == c and d"),
            (
                "a[b ~ c](d, e=f ~ g)",
                "a[(b )|_text~ (c)|_text](d, e=(f )|_text~ (g)|_text)",
            ),
            (" a < b ", " (a)|_compared( '<', b) "),
            (
                "if not a.b|length >= 1e-5 or c",
                "if not (a.b|length)|_compared( '>=', 1e-5) or c",
            ),
            ("1 <2== x", "(1)|_compared( '<',2, '==', x)"),
            (
                "a is not in [1] and b is divisibleby 2 > c",
                "a is not in [1] and (b is divisibleby 2)|_compared( '>', c)",
            ),
            (
                "set x = 'a' if b\n> c else d ~\ne",
                "set x = 'a' if (b)|_compared(\n'>', c) else (d )|_text~\n(e)|_text",
            ),
            ("((a < b) ~ c)", "((((a)|_compared( '<', b)) )|_text~ (c)|_text)"),
        ] {
            let ours = operators(inside).unwrap();
            assert_eq!(ours, expected);
            assert_eq!(ours.matches('\n').count(), inside.matches('\n').count());
        }
    }

    #[test]
    fn a_chain_that_nobody_writes_is_refused() {
        for inside in ["a < b in c", "a not in b > c"] {
            assert!(operators(inside).unwrap_err().contains("chain of comparisons"));
        }
    }
}
