//! A line of answers as providers write it: OpenAI (and whoever speaks like it), vLLM, Anthropic, Gemini, plain lines,
//! and lines of `indieval generate`.

use serde_json::Value;

use crate::model::Finish;

/// What came back for one request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ElsewhereSaid {
    /// A text.
    Text { text: String, finish: Finish },
    /// The provider says that the model refused, or blocked the prompt: kept, and never read as a choice.
    Refused(String),
    /// The provider did not answer: a code, or what it says.
    Failed(String),
}

impl ElsewhereSaid {
    /// Whether the same was said; one text may be told to have ended in two ways.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text { text: one, .. }, Self::Text { text: two, .. }) => one == two,
            (one, two) => one == two,
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AnswerLine {
    pub(super) id: String,
    pub(super) said: ElsewhereSaid,
    /// The model that says it answered.
    pub(super) model: Option<String>,
    /// Whose shape the line has.
    pub(super) shape: &'static str,
}

/// Reads one line of any shape.
pub(super) fn answer(line: &Value) -> Result<AnswerLine, String> {
    let id = ["custom_id", "key", "id"]
        .iter()
        .find_map(|key| line.get(key)?.as_str());
    let id = id
        .ok_or("no `custom_id`, `key` or `id`, by which an answer finds its prompt")?
        .to_owned();
    let (said, model, shape) = if let Some(result) = line.get("result") {
        anthropic(result)
    } else if line.get("key").is_some()
        && ["response", "error", "status"]
            .iter()
            .any(|key| line.get(key).is_some())
    {
        gemini(line)
    } else if line.get("response").is_some() || line.get("error").is_some_and(|error| !error.is_null()) {
        openai(line)
    } else {
        plain(line).ok_or_else(|| unknown(line))?
    };
    Ok(AnswerLine { id, said, model, shape })
}

/// Why a line is an answer of no shape.
fn unknown(line: &Value) -> &'static str {
    let has = |key: &&str| line.get(key).is_some();
    match ["prompt", "body", "params", "request"].iter().any(has) {
        true => "this is a request, not an answer to one",
        false if line.get("text").is_some() => "`text` is no text",
        false => "neither `response`, `result` nor `text`",
    }
}

fn text_of(value: &Value, pointer: &str) -> Option<String> {
    Some(value.pointer(pointer)?.as_str()?.to_owned())
}

/// OpenAI's and vLLM's: a response with a body, or an error (text or object).
fn openai(line: &Value) -> (ElsewhereSaid, Option<String>, &'static str) {
    const SHAPE: &str = "openai";
    let body = line.pointer("/response/body").filter(|body| !body.is_null());
    let model = body.and_then(|body| text_of(body, "/model"));
    let error = [line.get("error"), body.and_then(|body| body.get("error"))];
    let error = error.into_iter().flatten().find(|error| !error.is_null());
    let status = line
        .pointer("/response/status_code")
        .and_then(Value::as_i64)
        .unwrap_or(200);
    if let Some(error) = error {
        return (ElsewhereSaid::Failed(code(error)), model, SHAPE);
    }
    if status >= 400 {
        return (ElsewhereSaid::Failed(format!("status {status}")), model, SHAPE);
    }
    let Some(body) = body else {
        return (ElsewhereSaid::Failed("no response".to_owned()), model, SHAPE);
    };
    if let Some(choice) = body.pointer("/choices/0") {
        let message = choice.get("message").unwrap_or(choice);
        if let Some(refusal) = text_of(message, "/refusal") {
            return (ElsewhereSaid::Refused(refusal), model, SHAPE);
        }
        let text = content(message)
            .or_else(|| text_of(choice, "/text"))
            .unwrap_or_default();
        return (said(text, choice.get("finish_reason")), model, SHAPE);
    }
    // /v1/responses: messages with parts of text; reasoning is passed over.
    let output = body.get("output").and_then(Value::as_array).into_iter().flatten();
    let messages = output.filter(|item| item.get("type").and_then(Value::as_str) == Some("message"));
    let parts: Vec<&Value> = messages
        .filter_map(|item| item.get("content")?.as_array())
        .flatten()
        .collect();
    if let Some(refusal) = parts.iter().find_map(|part| text_of(part, "/refusal")) {
        return (ElsewhereSaid::Refused(refusal), model, SHAPE);
    }
    let text: String = parts.iter().filter_map(|part| text_of(part, "/text")).collect();
    (said(text, body.pointer("/incomplete_details/reason")), model, SHAPE)
}

/// The content of a message: a text, or parts of it.
fn content(message: &Value) -> Option<String> {
    match message.get("content")? {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(parts.iter().filter_map(|part| text_of(part, "/text")).collect()),
        _ => None,
    }
}

/// Anthropic's: succeeded with a message, errored, canceled or expired.
fn anthropic(result: &Value) -> (ElsewhereSaid, Option<String>, &'static str) {
    const SHAPE: &str = "anthropic";
    let model = text_of(result, "/message/model");
    match result.get("type").and_then(Value::as_str) {
        Some("succeeded") => {
            let parts = result
                .pointer("/message/content")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let spoken = parts.filter(|part| part.get("type").and_then(Value::as_str) == Some("text"));
            let text: String = spoken.filter_map(|part| text_of(part, "/text")).collect();
            let reason = result.pointer("/message/stop_reason");
            if reason.and_then(Value::as_str) == Some("refusal") {
                return (ElsewhereSaid::Refused(text), model, SHAPE);
            }
            (said(text, reason), model, SHAPE)
        }
        Some("errored") => {
            let error = result.pointer("/error/error").or(result.get("error"));
            (
                ElsewhereSaid::Failed(error.map_or_else(|| "errored".to_owned(), code)),
                model,
                SHAPE,
            )
        }
        other => (
            ElsewhereSaid::Failed(other.unwrap_or("no type").to_owned()),
            model,
            SHAPE,
        ),
    }
}

/// Gemini's: candidates with parts, of which thoughts are passed over; blocked prompts have none.
fn gemini(line: &Value) -> (ElsewhereSaid, Option<String>, &'static str) {
    const SHAPE: &str = "gemini";
    let model = text_of(line, "/response/modelVersion");
    // An error is told as one, or as a status in place of a response.
    let status = || line.get("status").filter(|_| line.get("response").is_none());
    if let Some(error) = line.get("error").filter(|error| !error.is_null()).or_else(status) {
        return (ElsewhereSaid::Failed(code(error)), model, SHAPE);
    }
    let Some(response) = line.get("response").filter(|response| !response.is_null()) else {
        return (ElsewhereSaid::Failed("no response".to_owned()), model, SHAPE);
    };
    let Some(candidate) = response.pointer("/candidates/0") else {
        let why = text_of(response, "/promptFeedback/blockReason").unwrap_or_else(|| "no candidate".to_owned());
        return (ElsewhereSaid::Refused(format!("blocked: {why}")), model, SHAPE);
    };
    let parts = candidate
        .pointer("/content/parts")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let spoken = parts.filter(|part| part.get("thought") != Some(&Value::Bool(true)));
    let text: String = spoken.filter_map(|part| text_of(part, "/text")).collect();
    let reason = candidate.get("finishReason");
    match reason.and_then(Value::as_str) {
        Some(why) if text.is_empty() && !["STOP", "MAX_TOKENS"].contains(&why) => {
            (ElsewhereSaid::Refused(format!("blocked: {why}")), model, SHAPE)
        }
        _ => (said(text, reason), model, SHAPE),
    }
}

/// `{"id", "text"}`, or a line of `indieval generate` with its first text.
fn plain(line: &Value) -> Option<(ElsewhereSaid, Option<String>, &'static str)> {
    let text = ["/text", "/generations/0/text", "/texts/0", "/completion"]
        .iter()
        .find_map(|at| text_of(line, at))?;
    let finish = line.get("finish").or(line.pointer("/generations/0/finish"));
    Some((said(text, finish), text_of(line, "/model"), "plain"))
}

fn said(text: String, finish: Option<&Value>) -> ElsewhereSaid {
    let length = ["length", "max_tokens", "MAX_TOKENS", "max_output_tokens"];
    let cut = finish.and_then(Value::as_str).is_some_and(|why| length.contains(&why));
    ElsewhereSaid::Text {
        text,
        finish: if cut { Finish::Length } else { Finish::Stop },
    }
}

/// What an error says of itself: its code, its type, its status, or its text.
fn code(error: &Value) -> String {
    let named = ["/code", "/type", "/status", "/message"]
        .iter()
        .find_map(|at| match error.pointer(at)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
    named
        .or_else(|| error.as_str().map(str::to_owned))
        .unwrap_or_else(|| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> AnswerLine {
        answer(&serde_json::from_str(line).unwrap()).unwrap_or_else(|problem| panic!("{line}: {problem}"))
    }

    /// Lines with a text, and it.
    const TEXTS: [(&str, &str); 7] = [
        (
            r#"{"custom_id":"a","response":{"status_code":200,"body":{"model":"m","choices":[{"message":{"content":"B"},"finish_reason":"stop"}]}},"error":null}"#,
            "B",
        ),
        (
            r#"{"custom_id":"a","response":{"status_code":200,"body":{"output":[{"type":"reasoning"},{"type":"message","content":[{"type":"output_text","text":"C"}]}]}}}"#,
            "C",
        ),
        (
            r#"{"custom_id":"a","result":{"type":"succeeded","message":{"content":[{"type":"thinking","thinking":"D?"},{"type":"text","text":"A"}],"stop_reason":"end_turn"}}}"#,
            "A",
        ),
        (
            r#"{"key":"a","response":{"candidates":[{"content":{"parts":[{"thought":true,"text":"hm"},{"text":"B"}]},"finishReason":"STOP"}]}}"#,
            "B",
        ),
        (r#"{"key":"a","text":"B"}"#, "B"),
        (r#"{"id":"a","text":"B"}"#, "B"),
        (r#"{"custom_id":"a","prompt":"p","text":" B","finish":"stop"}"#, " B"),
    ];

    /// Lines that say that the model refused, or was not allowed to answer.
    const REFUSALS: [(&str, &str); 5] = [
        (
            r#"{"custom_id":"a","response":{"status_code":200,"body":{"choices":[{"message":{"content":null,"refusal":"I cannot"}}]}},"error":null}"#,
            "I cannot",
        ),
        (
            r#"{"key":"a","response":{"promptFeedback":{"blockReason":"SAFETY"}}}"#,
            "blocked: SAFETY",
        ),
        (
            r#"{"key":"a","response":{"candidates":[{"finishReason":"PROHIBITED_CONTENT"}]}}"#,
            "blocked: PROHIBITED_CONTENT",
        ),
        (
            r#"{"custom_id":"a","response":{"status_code":200,"body":{"output":[{"type":"message","content":[{"type":"refusal","refusal":"no"}]}]}}}"#,
            "no",
        ),
        (
            r#"{"custom_id":"a","result":{"type":"succeeded","message":{"content":[],"stop_reason":"refusal"}}}"#,
            "",
        ),
    ];

    /// Lines of errors, and what they say.
    const ERRORS: [(&str, &str); 9] = [
        (
            r#"{"custom_id":"a","response":null,"error":{"code":"batch_expired","message":"late"}}"#,
            "batch_expired",
        ),
        (
            r#"{"custom_id":"a","response":{"status_code":429,"body":{"error":{"message":"slow down","type":"rate"}}},"error":null}"#,
            "rate",
        ),
        (
            r#"{"custom_id":"a","response":{"status_code":400,"request_id":"r","body":null},"error":"too long"}"#,
            "too long",
        ),
        (
            r#"{"custom_id":"a","response":{"status_code":500,"body":null},"error":null}"#,
            "status 500",
        ),
        (
            r#"{"custom_id":"a","result":{"type":"errored","error":{"type":"error","error":{"type":"overloaded_error","message":"x"}}}}"#,
            "overloaded_error",
        ),
        (r#"{"custom_id":"a","result":{"type":"expired"}}"#, "expired"),
        (r#"{"key":"a","status":{"code":8,"message":"quota"}}"#, "8"),
        (
            r#"{"custom_id":"a","prompt":"p","error":"the prompt has no tokens"}"#,
            "the prompt has no tokens",
        ),
        (r#"{"key":"a","error":{"code":13,"message":"internal"}}"#, "13"),
    ];

    #[test]
    fn lines_of_every_provider_are_read() {
        let text = |text: &str| ElsewhereSaid::Text {
            text: text.to_owned(),
            finish: Finish::Stop,
        };
        let texts = TEXTS.map(|(line, said)| (line, text(said)));
        let refusals = REFUSALS.map(|(line, said)| (line, ElsewhereSaid::Refused(said.to_owned())));
        let errors = ERRORS.map(|(line, said)| (line, ElsewhereSaid::Failed(said.to_owned())));
        for (line, said) in texts.into_iter().chain(refusals).chain(errors) {
            let found = one(line);
            assert_eq!((found.id.as_str(), found.said), ("a", said), "{line}");
        }
        let cut = one(
            r#"{"custom_id":"a","result":{"type":"succeeded","message":{"content":[{"type":"text","text":"I"}],"stop_reason":"max_tokens"}}}"#,
        );
        assert!(matches!(
            cut.said,
            ElsewhereSaid::Text {
                finish: Finish::Length,
                ..
            }
        ));
        for wrong in [r#"{"text":"B"}"#, r#"{"id":"a"}"#, "[]"] {
            assert!(answer(&serde_json::from_str(wrong).unwrap()).is_err(), "{wrong}");
        }
    }
}
