//! What chat templates make of conversations, a line of JSON each, from standard input to standard output: the half of
//! `scripts/check_templates.py` that is not transformers.
//!
//! A line has `template` and, where it has such tokens, `bos` and `eos`; `chat`, as in a spec; and either `message`, which is
//! asked as a survey asks it, or `messages`. What comes back is `text` or `error` with its `hint`; of a `message` also `prompt`,
//! which ends where an answer without thoughts begins, or `refused`: why a survey would not ask inside this template.

use std::io::{BufRead, Write};

use indieval::prompt::ChatError;
use serde::{Deserialize, Serialize};

mod asked;
use asked::Asked;

/// What is to be rendered.
#[derive(Deserialize)]
struct Request {
    template: String,
    #[serde(flatten)]
    asked: Asked,
}

/// What it came out as.
#[derive(Default, Serialize)]
struct Reply {
    text: Option<String>,
    prompt: Option<String>,
    refused: Option<String>,
    error: Option<String>,
    hint: Option<String>,
}

fn reply(request: &Request) -> Result<Reply, ChatError> {
    let template = request.asked.template(&request.template)?;
    let rendered = request.asked.rendered(&template);
    let Some(message) = &request.asked.message else {
        return Ok(Reply {
            text: Some(rendered?),
            ..Reply::default()
        });
    };
    let frame = template.frame();
    let text = match (rendered, &frame) {
        // What a survey says of a template that fails says more.
        (Err(error), Ok(_)) => return Err(error),
        (text, _) => text.ok(),
    };
    Ok(match frame {
        Err(error) if text.is_none() => return Err(error),
        Ok(frame) => Reply {
            text,
            prompt: Some(format!("{}{}{}", frame.before, message, frame.after)),
            ..Reply::default()
        },
        Err(error) => Reply {
            text,
            refused: Some(error.to_string()),
            hint: error.hint(),
            ..Reply::default()
        },
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let reply = reply(&serde_json::from_str(&line?)?).unwrap_or_else(|error| Reply {
            error: Some(error.to_string()),
            hint: error.hint(),
            ..Reply::default()
        });
        serde_json::to_writer(&mut out, &reply)?;
        writeln!(out)?;
    }
    Ok(())
}
