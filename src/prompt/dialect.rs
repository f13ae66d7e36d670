//! Templates written for Python's Jinja are put in other words before the engine here parses them.
//!
//! A template from the internet must end, and soon. The engine counts steps and the size of texts, but not how large a
//! value is once it is written out: `[x, x]` sixty times over is small in memory and endless on paper. So whatever is
//! given a name goes through a filter that measures it ([`MEASURED`]), and no tag is long enough to nest deeply.

use super::dialect_blocks::OpenTags;
use super::dialect_operators::operators;
use super::dialect_text::{assignment, join_lines, split, tokens};
use super::error::ChatError;

/// The filter that measures what is given a name.
pub(super) const MEASURED: &str = "_measured";
/// The same for what is put into a namespace, which must not be one itself.
pub(super) const HELD: &str = "_held";
/// The same for what a loop runs over, which must not be none.
pub(super) const ITERATED: &str = "_iterated";
/// Stands for an argument of a macro that was not given.
pub(super) const ABSENT: &str = "_absent";

/// Most tokens of one tag: what is nested by operators, filters or calls nests less deeply than that.
const LONGEST_TAG: usize = 2_000;
/// Most `elif` of a template: each nests in the one before.
const MOST_ELIF: usize = 500;

/// Rewrites a template so that lines keep their numbers:
///
/// - Line ends are those of Unix, as Jinja makes them.
/// - `{% generation %}` ... `{% endgeneration %}` marks the model's turns for training and writes nothing; what is given
///   a name in it has no name behind it, so it becomes a `with`. Its white-space control stays.
/// - A backslash at the end of a line inside a string literal joins the lines, as in Python.
/// - What `set`, `with`, `for` and the parameters of macros give a name is measured.
/// - `~`, `<`, `<=`, `>` and `>=` do as in Python.
/// - A macro's parameters may be named in the default values of those behind them.
///
/// Errors: tags that are too long, those that would let values grow unmeasured, and those that the engine would take for
/// something else than Jinja does.
pub(super) fn from_python(source: &str) -> Result<String, ChatError> {
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(source.len());
    let (mut rest, mut line, mut elifs) = (source.as_str(), 1, 0);
    let mut open_tags = OpenTags::default();
    while let Some(open) = next_tag(rest) {
        let (text, from_tag) = rest.split_at(open);
        out.push_str(text);
        line += text.matches('\n').count();
        let (tag, after) = from_tag.split_at(tag_length(from_tag));
        let tag = Tag::new(tag);
        elifs += usize::from(tag.word() == "elif");
        if elifs > MOST_ELIF {
            let what = format!("more than {MOST_ELIF} `elif`");
            return Err(ChatError::Refused { line, what });
        }
        let refused = |what| ChatError::Refused { line, what };
        open_tags.take(tag.word()).map_err(|what| refused(what.to_owned()))?;
        out.push_str(&tag.rewritten().map_err(refused)?);
        line += tag.whole.matches('\n').count();
        rest = after;
        if tag.word() == "raw" {
            // What follows is text up to its end, whatever it looks like.
            let raw = rest
                .find("endraw")
                .map_or(rest.len(), |at| rest[..at].rfind("{%").unwrap_or(at));
            out.push_str(&rest[..raw]);
            line += rest[..raw].matches('\n').count();
            rest = &rest[raw..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the next tag begins.
fn next_tag(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (1..bytes.len())
        .map(|at| at - 1)
        .find(|&at| bytes[at] == b'{' && matches!(bytes[at + 1], b'{' | b'%' | b'#'))
}

/// Bytes of the tag that `text` begins with; all of it where the tag does not end.
fn tag_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (end, has_strings): (&[u8], bool) = match bytes.get(1) {
        Some(b'#') => (b"#}", false),
        Some(b'%') => (b"%}", true),
        _ => (b"}}", true),
    };
    let mut quote = None;
    // A closing brace of an object literal is none of the tag.
    let mut braces = 0usize;
    let mut at = 2;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, _) if braces == 0 && bytes[at..].starts_with(end) => return at + 2,
            (None, b'{') if has_strings => braces += 1,
            (None, b'}') if has_strings => braces = braces.saturating_sub(1),
            (None, byte @ (b'\'' | b'"')) if has_strings => quote = Some(byte),
            (None, _) => {}
        }
        at += 1;
    }
    bytes.len()
}

/// One tag, from its opening to its closing braces.
struct Tag<'a> {
    whole: &'a str,
    /// Without braces and white-space marks; empty for a tag that does not end.
    inside: &'a str,
}

impl<'a> Tag<'a> {
    fn new(whole: &'a str) -> Self {
        let closed = whole.len() >= 4 && (whole.ends_with("%}") || whole.ends_with("}}") || whole.ends_with("#}"));
        let inside = match closed {
            true => whole[2..whole.len() - 2].trim_matches(['-', '+']),
            false => "",
        };
        Self { whole, inside }
    }

    /// The keyword of a statement; empty for anything else.
    fn word(&self) -> &'a str {
        if !self.whole.starts_with("{%") {
            return "";
        }
        let inside = self.inside.trim_start();
        let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        &inside[..end.unwrap_or(inside.len())]
    }

    /// The tag in the engine's words, or what is wrong with it.
    fn rewritten(&self) -> Result<String, String> {
        if self.whole.starts_with("{#") {
            return Ok(self.whole.to_owned());
        }
        if tokens(self.inside) > LONGEST_TAG {
            return Err(format!("a tag of more than {LONGEST_TAG} tokens"));
        }
        let joined = join_lines(self.whole);
        let joined = Tag::new(&joined).with_operators()?;
        let tag = Tag::new(&joined);
        let word = tag.word();
        Ok(match word {
            "generation" => joined.replacen("generation", "with", 1),
            "endgeneration" => joined.replacen("endgeneration", "endwith", 1),
            "set" => tag.replaced(&set(tag.inside)),
            "with" => tag.replaced(&with(tag.inside)),
            "for" => tag.replaced(&for_loop(tag.inside)?),
            "macro" => tag.macro_head(),
            // Jinja keeps the line break behind it.
            "raw" if tag.inside.len() == joined.len() - 4 => format!("{}+%}}", &joined[..joined.len() - 2]),
            "call" if tag.inside.trim_start()[4..].trim_start().starts_with('(') => {
                return Err("a `call` with parameters".to_owned());
            }
            _ => joined,
        })
    }

    /// The tag with operators in the engine's words.
    fn with_operators(&self) -> Result<String, String> {
        let word = self.word();
        let start = self.inside.len() - self.inside.trim_start().len();
        let (head, expression) = match word {
            "" => ("", self.inside),
            word => self.inside.split_at(start + word.len()),
        };
        let changed = operators(expression)?;
        Ok(match changed == expression {
            true => self.whole.to_owned(),
            false => self.replaced(&format!("{head}{changed}")),
        })
    }

    /// The tag with something else inside.
    fn replaced(&self, inside: &str) -> String {
        let start = self.inside.as_ptr() as usize - self.whole.as_ptr() as usize;
        let end = start + self.inside.len();
        [&self.whole[..start], inside, &self.whole[end..]].concat()
    }

    /// A macro's head, and tags that measure its parameters behind it; the last takes over how white space behind it is
    /// treated. Default values are filled in there too, where the parameters before them have values.
    fn macro_head(&self) -> String {
        let Some((name, list)) = self.inside.split_once('(') else {
            return self.whole.to_owned();
        };
        let Some(list) = list.trim_end().strip_suffix(')') else {
            return self.whole.to_owned();
        };
        let mark = match self.whole.as_bytes()[..self.whole.len() - 2].last() {
            Some(mark @ (b'-' | b'+')) => char::from(*mark).to_string(),
            _ => String::new(),
        };
        let (mut head, mut tags) = (Vec::new(), String::new());
        for parameter in split(list, ",") {
            let (target, default) = match assignment(parameter) {
                Some((target, default)) => (target, Some(default)),
                None => (parameter, None),
            };
            let name = target.trim();
            if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                head.push(parameter.to_owned());
                continue;
            }
            let value = match default {
                Some(default) => format!("(({default}) if {name} == {ABSENT} else {name})"),
                None => name.to_owned(),
            };
            head.push(match default {
                Some(_) => format!("{target}={ABSENT}"),
                None => parameter.to_owned(),
            });
            tags.push_str(&format!("{{% set {name} = {value}|{MEASURED} {mark}%}}"));
        }
        let head = self.replaced(&format!("{name}({}) ", head.join(",")));
        format!("{head}{tags}")
    }
}

/// `set a = x`, `set ns.a = x`, `set a, b = x`; a `set` without a value takes text, which the engine counts.
fn set(inside: &str) -> String {
    let Some((target, value)) = assignment(inside) else {
        return inside.to_owned();
    };
    // What a macro assigns to is no use of a name to the engine; what it passes to a filter is.
    let name = target.trim_start().strip_prefix("set").unwrap_or(target);
    match name.split_once('.') {
        Some((namespace, _)) => format!("{target}=({value})|{HELD}({}) ", namespace.trim()),
        None => format!("{target}=({value})|{MEASURED} "),
    }
}

/// `with a = x, b = y`.
fn with(inside: &str) -> String {
    let parts = split(inside, ",").into_iter().map(|part| match assignment(part) {
        Some((target, value)) => format!("{target}=({value})|{MEASURED} "),
        None => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(",")
}

/// `for a in x`, `for a in x if y`.
fn for_loop(inside: &str) -> Result<String, String> {
    let found = split(inside, " in ");
    let Some(target) = found.first().filter(|_| found.len() > 1) else {
        return Ok(inside.to_owned());
    };
    let values = &inside[target.len() + 4..];
    if split(values, " recursive").len() > 1 {
        return Err("a recursive loop".to_owned());
    }
    let only = split(values, " if ")[0];
    let condition = &values[only.len()..];
    Ok(format!("{target} in ({only})|{ITERATED} {condition}"))
}

#[cfg(test)]
mod tests {
    use super::from_python;

    fn rewritten(source: &str) -> String {
        from_python(source).expect("a template")
    }

    #[test]
    fn ordinary_templates_stay_as_they_are() {
        for source in [
            "a {{ b }} {% if c %}d{% endif %}{# generation \\\n '#}",
            "{{ '}}' + \"%}\" + '\\'}}' }} \\\n {% if x == 'generation' %}",
            "{% set x %}text{% endset %}{% raw +%}{% set a = 1 %}{% endraw %}",
            "{{ unfinished",
            "{{ 'unfinished }}",
            "{%",
            "{% set a = ",
            "é {",
            "",
        ] {
            assert_eq!(rewritten(source), source);
        }
    }

    #[test]
    fn what_is_given_a_name_is_measured() {
        for (source, expected) in [
            ("{%- set a = b == c -%}", "{%- set a =( b == c )|_measured -%}"),
            (
                "{% set n.a = {'x': '=}}'} %}",
                "{% set n.a =( {'x': '=}}'} )|_held(n) %}",
            ),
            ("{% set a, b = 1, 2 %}", "{% set a, b =( 1, 2 )|_measured %}"),
            ("{% for a in b if c in d %}", "{% for a in (b)|_iterated  if c in d %}"),
            (
                "{% with a = f(1, 2), b = 3 %}",
                "{% with a =( f(1, 2))|_measured , b =( 3 )|_measured %}",
            ),
            (
                "{% macro m(a, b='x') -%}\n",
                "{% macro m(a, b=_absent) -%}{% set a = a|_measured -%}{% set b = (('x') if b == _absent else b)|_measured -%}\n",
            ),
        ] {
            assert_eq!(rewritten(source), expected);
        }
    }

    #[test]
    fn an_else_of_something_else_is_none_of_a_loop_that_is_left() {
        for source in [
            "{% for a in b %}{% if a %}{% break %}{% else %}{% continue %}{% endif %}{% endfor %}",
            "{% for a in b %}{% else %}{% endfor %}{% for a in b %}{% break %}{% endfor %}",
            "{% for a in b %}{% for c in a %}{% else %}{% continue %}{% endfor %}{% endfor %}",
        ] {
            assert!(from_python(source).is_ok(), "{source}");
        }
    }

    #[test]
    fn line_ends_are_those_of_unix() {
        assert_eq!(rewritten("a\r\n{{ b }}\rc"), "a\n{{ b }}\nc");
    }

    #[test]
    fn generation_tags_become_scopes_of_their_own() {
        assert_eq!(
            rewritten("{%- generation -%}x{%endgeneration%}{% generation\n%}"),
            "{%- with -%}x{%endwith%}{% with\n%}"
        );
    }

    #[test]
    fn joined_lines_are_joined_and_counted() {
        assert_eq!(
            rewritten("{{- 'a\\\nb\\\n\\n}}c\\\\' -}}\nd"),
            "{{- 'ab\\n}}c\\\\' \n\n-}}\nd"
        );
    }

    #[test]
    fn tags_without_end_and_loops_without_measure_are_refused_with_their_line() {
        for (source, said) in [
            (
                format!("a\n{{{{ {} }}}}", "1+".repeat(3000)),
                "line 2: a tag of more than 2000 tokens",
            ),
            ("{% elif 0 %}".repeat(501), "line 1: more than 500 `elif`"),
            ("{% for a in b recursive %}".to_owned(), "line 1: a recursive loop"),
            ("\n\n{% call(x) m() %}".to_owned(), "line 3: a `call` with parameters"),
            (
                "\n{{ a < b in c }}".to_owned(),
                "line 2: a chain of comparisons with `in`",
            ),
            (
                "{% for a in b %}{% if a %}{% continue %}{% else %}{% endif %}\n{% else %}{% endfor %}".to_owned(),
                "line 2: a loop with `else` and with `break` or `continue`",
            ),
        ] {
            let error = from_python(&source).expect_err(said).to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
