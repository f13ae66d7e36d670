//! What Python's Jinja accepts in chat templates and the engine here does not, put in other words before parsing.

/// Rewrites a template so that lines keep their numbers:
///
/// - `{% generation %}` ... `{% endgeneration %}` marks the model's turns for training and writes nothing, so it
///   becomes a condition that always holds; its white-space control stays.
/// - A backslash at the end of a line inside a string literal joins the lines, as in Python.
pub(super) fn from_python(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(open) = rest
        .find("{{")
        .into_iter()
        .chain(rest.find("{%"))
        .chain(rest.find("{#"))
        .min()
    {
        let (text, from_tag) = rest.split_at(open);
        out.push_str(text);
        let (tag, after) = from_tag.split_at(tag_length(from_tag));
        out.push_str(&rewrite(tag));
        rest = after;
    }
    out.push_str(rest);
    out
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
    let mut at = 2;
    while at < bytes.len() {
        match (quote, bytes[at]) {
            (Some(_), b'\\') => at += 1,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, _) if bytes[at..].starts_with(end) => return at + 2,
            (None, byte @ (b'\'' | b'"')) if has_strings => quote = Some(byte),
            (None, _) => {}
        }
        at += 1;
    }
    bytes.len()
}

fn rewrite(tag: &str) -> String {
    let inside = tag.trim_start_matches("{%").trim_end_matches("%}");
    match inside.trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+') {
        "generation" => return tag.replace("generation", "if true"),
        "endgeneration" => return tag.replace("endgeneration", "endif"),
        _ if tag.starts_with("{#") || !tag.contains("\\\n") => return tag.to_owned(),
        _ => {}
    }
    let mut joined = String::with_capacity(tag.len());
    let mut breaks = 0;
    let mut chars = tag.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some('\n')) => {
                chars.next();
                breaks += 1;
            }
            ('\\', Some(escaped)) => {
                chars.next();
                joined.extend(['\\', escaped]);
            }
            _ => joined.push(c),
        }
    }
    // The line breaks go to the end of the tag, where they are mere space: what follows keeps its line number.
    let body = joined.trim_end_matches(['}', '%', '-', '+']).len();
    joined.insert_str(body, &"\n".repeat(breaks));
    joined
}

#[cfg(test)]
mod tests {
    use super::from_python;

    #[test]
    fn ordinary_templates_stay_as_they_are() {
        for source in [
            "a {{ b }} {% if c %}d{% endif %}{# generation \\\n '#}",
            "{{ '}}' + \"%}\" + '\\'}}' }} \\\n {% set x = 'generation' %}",
            "{{ unfinished",
            "{{ 'unfinished }}",
            "é {",
            "",
        ] {
            assert_eq!(from_python(source), source);
        }
    }

    #[test]
    fn generation_tags_become_conditions() {
        assert_eq!(
            from_python("{%- generation -%}x{%endgeneration%}{% generation\n%}"),
            "{%- if true -%}x{%endif%}{% if true\n%}"
        );
    }

    #[test]
    fn joined_lines_are_joined_and_counted() {
        assert_eq!(
            from_python("{{- 'a\\\nb\\\n\\n}}c\\\\' -}}\nd"),
            "{{- 'ab\\n}}c\\\\' \n\n-}}\nd"
        );
    }
}
