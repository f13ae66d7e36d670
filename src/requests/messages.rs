//! Conversations as OpenAI's form has them: a list of roles and contents, contents perhaps in parts.

use serde_json::Value;

use super::line::kind;
use super::{Line, RequestError};
use crate::prompt::Turn;

/// The turns of `messages`.
///
/// Parts of a content are joined by line breaks, as llama.cpp and vLLM join them for templates that take a text.
///
/// # Errors
/// What is no such list, and contents that are no text (images, calls of tools).
pub(super) fn turns(line: &Line) -> Result<Vec<Turn>, RequestError> {
    let messages = match line.field("messages")? {
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        Some(Value::Array(_)) => return Err(line.bad("`messages` is empty")),
        other => {
            let found = other.map_or("missing", kind);
            return Err(line.bad(format!("`messages` is {found}, expected a list of role and content")));
        }
    };
    let turn = |(at, message): (usize, &Value)| {
        let wrong = |what: &str| line.bad(format!("`messages`[{at}] {what}"));
        let Value::Object(fields) = message else {
            return Err(wrong(&format!("is {}, expected an object", kind(message))));
        };
        let role = match fields.get("role") {
            Some(Value::String(role)) => role.clone(),
            _ => return Err(wrong("has no `role`")),
        };
        for call in ["tool_calls", "function_call"] {
            let asks = |value: &Value| !value.is_null() && value.as_array().is_none_or(|calls| !calls.is_empty());
            if fields.get(call).is_some_and(asks) {
                return Err(wrong(&format!("has `{call}`, and tools are not supported")));
            }
        }
        let content = match fields.get("content") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => parts
                .iter()
                .map(|part| text_of(part).map_err(|what| wrong(&what)))
                .collect::<Result<Vec<&str>, _>>()?
                .join("\n"),
            Some(other) => return Err(wrong(&format!("has {} as `content`, expected a text", kind(other)))),
            None => return Err(wrong("has no `content`")),
        };
        Ok(Turn { role, content })
    };
    messages.iter().enumerate().map(turn).collect()
}

/// The text of one part of a content.
fn text_of(part: &Value) -> Result<&str, String> {
    if let Value::String(text) = part {
        return Ok(text);
    }
    let text = part.get("text").and_then(Value::as_str);
    match (part.get("type").and_then(Value::as_str), text) {
        (Some("text" | "input_text" | "output_text"), Some(text)) => Ok(text),
        (Some(kind), _) => Err(format!("has a part of the type `{kind}`; only text can be read")),
        (None, _) => Err("has a part without a `type`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(messages: &str) -> Result<Vec<(String, String)>, String> {
        let text = format!("{{\"messages\": {messages}}}");
        let line = Line {
            place: "in:1".into(),
            number: 1,
            content: serde_json::from_str(&text).map_err(|error| error.to_string()),
            text,
        };
        let turns = turns(&line).map_err(|error| error.to_string())?;
        Ok(turns.into_iter().map(|turn| (turn.role, turn.content)).collect())
    }

    #[test]
    fn contents_are_texts_or_parts_that_are() {
        let parts = r#"[{"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "input_text", "text": "b"}, "c"]}]"#;
        let turns = of(parts).unwrap();
        assert_eq!(turns[0], ("system".to_owned(), "s".to_owned()));
        assert_eq!(turns[1], ("user".to_owned(), "a\nb\nc".to_owned()));
    }

    #[test]
    fn what_is_no_conversation_is_named() {
        for (messages, says) in [
            ("\"hi\"", "`messages` is a text, expected a list of role and content"),
            ("[]", "`messages` is empty"),
            ("[7]", "`messages`[0] is a number, expected an object"),
            (r#"[{"content": "x"}]"#, "`messages`[0] has no `role`"),
            (r#"[{"role": "user"}]"#, "has no `content`"),
            (r#"[{"role": "user", "content": null}]"#, "has null as `content`"),
            (
                r#"[{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]"#,
                "has a part of the type `image_url`; only text can be read",
            ),
            (
                r#"[{"role": "assistant", "content": "", "tool_calls": [{}]}]"#,
                "has `tool_calls`, and tools are not supported",
            ),
        ] {
            let said = of(messages).unwrap_err();
            assert!(said.contains(says), "{said}");
        }
    }
}
