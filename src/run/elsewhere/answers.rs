//! Lines of answers as providers write them: OpenAI (and whoever speaks like it), vLLM, Anthropic, Gemini, plain lines,
//! and lines of `indieval generate`.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use crate::model::Finish;
use crate::run::AnswerError;

/// What came back for one request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ElsewhereSaid {
    /// A text, perhaps a refusal.
    Text { text: String, finish: Finish },
    /// The provider did not answer: a code, or what it says.
    Failed(String),
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

/// Reads the lines of a file. A last line that is cut off is named, not read; blank lines and a byte-order mark are
/// passed over.
pub(super) fn read(path: &Path, text: &str) -> Result<(Vec<(usize, AnswerLine)>, Option<usize>), AnswerError> {
    let text = text.trim_start_matches('\u{feff}');
    let lines: Vec<&str> = text.split('\n').collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let problem = match serde_json::from_str::<Value>(line) {
            Ok(value) => match answer(&value) {
                Ok(answer) => {
                    found.push((at + 1, answer));
                    continue;
                }
                Err(problem) => problem,
            },
            // Only the last line of a file that does not end in a line break can be half a line.
            Err(error) if at + 1 == lines.len() && error.is_eof() => return Ok((found, Some(at + 1))),
            Err(error) => error.to_string(),
        };
        return Err(AnswerError::Line {
            path: path.to_owned(),
            line: at + 1,
            problem,
        });
    }
    Ok((found, None))
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
    } else if line.get("key").is_some() {
        gemini(line)
    } else if line.get("response").is_some() || line.get("error").is_some_and(|error| !error.is_null()) {
        openai(line)
    } else {
        plain(line).ok_or("neither `response`, `result` nor `text`")?
    };
    Ok(AnswerLine { id, said, model, shape })
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
        let refusal = || text_of(message, "/refusal").map(|text| format!("refusal: {text}"));
        let text = content(message)
            .or_else(|| text_of(choice, "/text"))
            .or_else(refusal)
            .unwrap_or_default();
        return (said(text, choice.get("finish_reason")), model, SHAPE);
    }
    // /v1/responses: messages with parts of text; reasoning is passed over.
    let output = body.get("output").and_then(Value::as_array).into_iter().flatten();
    let messages = output.filter(|item| item.get("type").and_then(Value::as_str) == Some("message"));
    let parts = messages.filter_map(|item| item.get("content")?.as_array()).flatten();
    let texts = parts.filter_map(|part| {
        let refusal = || text_of(part, "/refusal").map(|text| format!("refusal: {text}"));
        text_of(part, "/text").or_else(refusal)
    });
    let text: String = texts.collect();
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
            (said(text, result.pointer("/message/stop_reason")), model, SHAPE)
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
    if let Some(error) = line.get("error").filter(|error| !error.is_null()) {
        return (ElsewhereSaid::Failed(code(error)), model, SHAPE);
    }
    let Some(response) = line.get("response") else {
        return (ElsewhereSaid::Failed("no response".to_owned()), model, SHAPE);
    };
    let Some(candidate) = response.pointer("/candidates/0") else {
        let why = text_of(response, "/promptFeedback/blockReason").unwrap_or_else(|| "no candidate".to_owned());
        return (said(format!("refusal: blocked: {why}"), None), model, SHAPE);
    };
    let parts = candidate
        .pointer("/content/parts")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let spoken = parts.filter(|part| part.get("thought") != Some(&Value::Bool(true)));
    let text: String = spoken.filter_map(|part| text_of(part, "/text")).collect();
    (said(text, candidate.get("finishReason")), model, SHAPE)
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

/// Which of two different answers to one prompt counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Latest {
    Refused,
    First,
    Last,
}

/// Answers by id. An answer goes before an error of any file: a retry puts errors right.
#[derive(Default)]
pub(super) struct AnswerBook {
    pub(super) by_id: HashMap<String, ElsewhereSaid>,
    pub(super) model: Option<String>,
    pub(super) shapes: std::collections::BTreeSet<&'static str>,
}

impl AnswerBook {
    pub(super) fn add(
        &mut self,
        path: &Path,
        (line, answer): (usize, AnswerLine),
        rule: Latest,
    ) -> Result<(), AnswerError> {
        match (&self.model, &answer.model) {
            (Some(first), Some(second)) if first != second => {
                return Err(AnswerError::Models {
                    first: first.clone(),
                    second: second.clone(),
                });
            }
            (None, Some(model)) => self.model = Some(model.clone()),
            _ => {}
        }
        self.shapes.insert(answer.shape);
        let replaces = match (self.by_id.get(&answer.id), &answer.said) {
            (None | Some(ElsewhereSaid::Failed(_)), _) => true,
            (Some(ElsewhereSaid::Text { .. }), ElsewhereSaid::Failed(_)) => false,
            (Some(ElsewhereSaid::Text { text: known, .. }), ElsewhereSaid::Text { text, .. }) if known == text => false,
            (Some(ElsewhereSaid::Text { .. }), ElsewhereSaid::Text { .. }) => match rule {
                Latest::First => false,
                Latest::Last => true,
                Latest::Refused => {
                    return Err(AnswerError::Twice {
                        path: path.to_owned(),
                        line,
                        id: answer.id,
                    });
                }
            },
        };
        if replaces {
            self.by_id.insert(answer.id, answer.said);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> AnswerLine {
        answer(&serde_json::from_str(line).unwrap()).unwrap_or_else(|problem| panic!("{line}: {problem}"))
    }

    #[test]
    fn lines_of_every_provider_are_read() {
        let text = |text: &str| ElsewhereSaid::Text {
            text: text.into(),
            finish: Finish::Stop,
        };
        let failed = |code: &str| ElsewhereSaid::Failed(code.into());
        for (line, said) in [
            (
                r#"{"custom_id":"a","response":{"status_code":200,"body":{"model":"m","choices":[{"message":{"content":"B"},"finish_reason":"stop"}]}},"error":null}"#,
                text("B"),
            ),
            (
                r#"{"custom_id":"a","response":{"status_code":200,"body":{"choices":[{"message":{"content":null,"refusal":"I cannot"}}]}},"error":null}"#,
                text("refusal: I cannot"),
            ),
            (
                r#"{"custom_id":"a","response":null,"error":{"code":"batch_expired","message":"late"}}"#,
                failed("batch_expired"),
            ),
            (
                r#"{"custom_id":"a","response":{"status_code":429,"body":{"error":{"message":"slow down","type":"rate"}}},"error":null}"#,
                failed("rate"),
            ),
            (
                r#"{"custom_id":"a","response":{"status_code":400,"request_id":"r","body":null},"error":"too long"}"#,
                failed("too long"),
            ),
            (
                r#"{"custom_id":"a","response":{"status_code":500,"body":null},"error":null}"#,
                failed("status 500"),
            ),
            (
                r#"{"custom_id":"a","response":{"status_code":200,"body":{"output":[{"type":"reasoning"},{"type":"message","content":[{"type":"output_text","text":"C"}]}]}}}"#,
                text("C"),
            ),
            (
                r#"{"custom_id":"a","result":{"type":"succeeded","message":{"content":[{"type":"thinking","thinking":"D?"},{"type":"text","text":"A"}],"stop_reason":"end_turn"}}}"#,
                text("A"),
            ),
            (
                r#"{"custom_id":"a","result":{"type":"errored","error":{"type":"error","error":{"type":"overloaded_error","message":"x"}}}}"#,
                failed("overloaded_error"),
            ),
            (r#"{"custom_id":"a","result":{"type":"expired"}}"#, failed("expired")),
            (
                r#"{"key":"a","response":{"candidates":[{"content":{"parts":[{"thought":true,"text":"hm"},{"text":"B"}]},"finishReason":"STOP"}]}}"#,
                text("B"),
            ),
            (
                r#"{"key":"a","response":{"promptFeedback":{"blockReason":"SAFETY"}}}"#,
                text("refusal: blocked: SAFETY"),
            ),
            (r#"{"key":"a","error":{"code":13,"message":"internal"}}"#, failed("13")),
            (r#"{"id":"a","text":"B"}"#, text("B")),
            (
                r#"{"custom_id":"a","prompt":"p","text":" B","finish":"stop"}"#,
                text(" B"),
            ),
        ] {
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

    #[test]
    fn a_cut_last_line_is_named_and_any_other_is_an_error() {
        let path = Path::new("f");
        let whole = "\u{feff}{\"id\":\"a\",\"text\":\"B\"}\r\n\r\n";
        let (lines, cut) = read(path, &format!("{whole}{{\"id\":\"b\",\"te")).unwrap();
        assert_eq!((lines.len(), cut), (1, Some(3)));
        assert_eq!(read(path, whole).unwrap().1, None);
        let error = read(path, "{\"id\":\n{\"id\":\"a\",\"text\":\"B\"}\n").unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
    }

    #[test]
    fn an_answer_goes_before_an_error_and_two_answers_need_a_rule() {
        let path = Path::new("f");
        let error = || one(r#"{"custom_id":"a","result":{"type":"expired"}}"#);
        let text = |text: &str| one(&format!(r#"{{"id":"a","text":"{text}"}}"#));
        for order in [[error(), text("A")], [text("A"), error()], [text("A"), text("A")]] {
            let mut book = AnswerBook::default();
            for answer in order {
                book.add(path, (1, answer), Latest::Refused).unwrap();
            }
            assert!(matches!(&book.by_id["a"], ElsewhereSaid::Text { text, .. } if text == "A"));
        }
        let both = |rule| {
            let mut book = AnswerBook::default();
            book.add(path, (1, text("A")), rule)?;
            book.add(path, (2, text("B")), rule)?;
            Ok::<_, AnswerError>(book.by_id["a"].clone())
        };
        assert!(matches!(both(Latest::Refused), Err(AnswerError::Twice { line: 2, .. })));
        assert!(matches!(both(Latest::First), Ok(ElsewhereSaid::Text { text, .. }) if text == "A"));
        assert!(matches!(both(Latest::Last), Ok(ElsewhereSaid::Text { text, .. }) if text == "B"));
        let mut book = AnswerBook::default();
        let of = |id: &str, model: &str| one(&format!(r#"{{"id":"{id}","text":"A","model":"{model}"}}"#));
        book.add(path, (1, of("a", "m1")), Latest::Refused).unwrap();
        assert!(book.add(path, (2, of("b", "m2")), Latest::Refused).is_err());
    }
}
