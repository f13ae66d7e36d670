//! A model's chat template: what it puts around a user's message.
//!
//! Templates come with checkpoints from the internet. They run without access to anything, under a limit of steps,
//! nesting and output, and what they do to the message is checked rather than believed.

use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Value, context};
use serde::{Deserialize, Serialize};

use super::chat_json::ValueSize;
use super::chat_values::Date;
use super::dialect::from_python;
use super::error::ChatError;
use super::{chat_python, chat_values};

/// Largest template, in bytes. The longest in common use have about 15,000.
const LARGEST_TEMPLATE: usize = 1 << 18;

/// Most bytes a template may write besides four times what the turns have.
const LARGEST_OUTPUT: usize = 1 << 20;

/// Most instructions of the template engine, and how many more for each turn; common templates take a few hundred for
/// a turn.
const FUEL: u64 = 50_000;
const FUEL_FOR_A_TURN: u64 = 2_000;

/// Most parts of one value, and how many more for each turn.
const PARTS: usize = 1 << 14;
const PARTS_FOR_A_TURN: usize = 64;

/// Stack of the thread that a template runs in: nested tags, operators and calls take a kilobyte or two each, and there
/// may be some thousands of them.
const STACK: usize = 64 << 20;

/// Deepest nesting of calls.
const RECURSION: usize = 100;

/// A message that shows what a template does to one: characters that escaping, re-parsing, stripping or changing of case
/// would alter, between marks that no template contains.
const PROBE: &str = "\u{e000}x <b>\"I'm\" & {{ so }} {% on %}</b>\\n\n\n  # É, ｑ\t1.\u{e001}";

/// Marks the end of what an assistant has said so far.
const END: char = '\u{e002}';

/// Whether a rendered conversation ends with the beginning of the next answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// It does.
    Assistant,
    /// It ends with the last turn.
    None,
}

/// White space that a template may or may not cut off.
const PADDING: &str = "\n \t\n";

/// Whether white space at one end of the message is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// As it is.
    Kept,
    /// Cut off by the template.
    Trimmed,
}

/// What a chat template puts around a user's message: `before`, the message (its ends trimmed where `start` and `end`
/// say so), `after`; the model's answer comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatFrame {
    /// Everything before the message, the beginning-of-sequence token included where the template writes it.
    pub before: String,
    /// Everything between the message and the model's answer.
    pub after: String,
    /// What becomes of white space at the message's beginning.
    pub start: Edge,
    /// What becomes of white space at the message's end.
    pub end: Edge,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// `user`, `assistant` or `system`.
    pub role: String,
    /// What was said.
    pub content: String,
}

/// A chat template with the texts of the tokens that it may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatTemplate {
    source: String,
    bos: String,
    eos: String,
    date: Date,
}

impl ChatTemplate {
    /// Takes a template as it stands in a tokenizer's configuration, and the texts of its beginning- and
    /// end-of-sequence tokens (empty where it has none). `date` is what the template is told today is: a fixed one
    /// (say, the default), or the same evaluation would give other numbers tomorrow.
    pub fn new(source: &str, bos: &str, eos: &str, date: Date) -> Result<Self, ChatError> {
        if source.len() > LARGEST_TEMPLATE {
            return Err(ChatError::TooLarge {
                bytes: source.len(),
                limit: LARGEST_TEMPLATE,
            });
        }
        Ok(Self {
            source: from_python(source)?,
            bos: bos.to_owned(),
            eos: eos.to_owned(),
            date,
        })
    }

    /// The whole text for one user message, up to where the model's answer begins. The template's own default system
    /// prompt stands; thinking is switched off where the template has a switch.
    pub fn render(&self, message: &str) -> Result<String, ChatError> {
        self.render_turns(&[Turn {
            role: "user".to_owned(),
            content: message.to_owned(),
        }])
    }

    /// The whole text of a conversation, up to where the model's next answer begins; a last turn of the assistant's is
    /// not over yet, and its text ends where the turn's does (transformers: `continue_final_message`).
    ///
    /// # Errors
    /// A template that fails, or that does not end a turn with what was said in it.
    pub fn render_conversation(&self, turns: &[Turn]) -> Result<String, ChatError> {
        let Some((last, before)) = turns.split_last().filter(|(last, _)| last.role == "assistant") else {
            return self.render_turns(turns);
        };
        let whole = self.render_up_to(turns, Opening::None)?;
        let marked = Turn {
            role: last.role.clone(),
            content: format!("{}{END}", last.content),
        };
        let marked = self.render_up_to(&[before, &[marked]].concat(), Opening::None)?;
        let text = marked.split_once(END).map_or("", |(text, _)| text);
        // A template may trim what was said; then it is gone on with as it is trimmed.
        [text, text.trim_end()]
            .into_iter()
            .find(|text| !text.is_empty() && whole.starts_with(text))
            .map(str::to_owned)
            .ok_or(ChatError::Alters {
                how: "it does not end the assistant's turn with what was said in it",
            })
    }

    /// The whole text of a conversation, up to where the model's next answer begins.
    pub fn render_turns(&self, turns: &[Turn]) -> Result<String, ChatError> {
        self.render_up_to(turns, Opening::Assistant)
    }

    fn render_up_to(&self, turns: &[Turn], opening: Opening) -> Result<String, ChatError> {
        let limits = TemplateLimits::of(turns);
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK);
            let running = thread
                .spawn_scoped(scope, || self.run(turns, opening, limits))
                .map_err(ChatError::Thread)?;
            running.join().unwrap_or(Err(ChatError::Fails {
                line: 0,
                detail: "the template engine gave up on it".to_owned(),
            }))
        })
    }

    fn run(&self, turns: &[Turn], opening: Opening, limits: TemplateLimits) -> Result<String, ChatError> {
        let mut environment = Environment::new();
        // Transformers renders chat templates with both of these on.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(fails)?);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_fuel(Some(limits.fuel));
        environment.set_recursion_limit(RECURSION);
        chat_python::add(&mut environment, limits.value);
        chat_values::add(&mut environment, self.date, limits.value);
        let template = environment
            .template_from_named_str("chat_template", &self.source)
            .map_err(fails)?;
        let messages: Vec<Value> = turns
            .iter()
            .map(|turn| context! { role => &turn.role, content => &turn.content })
            .collect();
        let mut output = Bounded {
            text: Vec::new(),
            limit: limits.output,
        };
        let rendered = template.render_captured_to(
            context! {
                messages => messages,
                add_generation_prompt => opening == Opening::Assistant,
                enable_thinking => false,
                // transformers tells a template only of tokens that there are.
                bos_token => defined(&self.bos),
                eos_token => defined(&self.eos),
                tools => Value::from(()),
                documents => Value::from(()),
            },
            &mut output,
        );
        match rendered {
            Ok(_) => String::from_utf8(output.text).map_err(|_| ChatError::Alters {
                how: "it writes text that is not UTF-8",
            }),
            Err(error) if error.kind() == minijinja::ErrorKind::WriteFailure => {
                Err(ChatError::WritesTooMuch { limit: limits.output })
            }
            Err(error) => Err(fails(error)),
        }
    }

    /// Finds out what the template puts around any message, and that it leaves the message as it is. What is after it ends where
    /// an answer without thoughts begins.
    pub fn frame(&self) -> Result<ChatFrame, ChatError> {
        let (before, after) = self.around(PROBE)?;
        let (padded_before, padded_after) = self.around(&format!("{PADDING}{PROBE}{PADDING}"))?;
        let partly = |how| move || ChatError::Alters { how };
        let start = edge(padded_before.strip_prefix(before.as_str()))
            .ok_or_else(partly("it changes white space at the message's beginning"))?;
        let end = edge(padded_after.strip_suffix(after.as_str()))
            .ok_or_else(partly("it changes white space at the message's end"))?;
        // A template that looks into the message must not treat an ordinary one otherwise.
        let ordinary = "Which one? Answer with its letter.";
        if self.render(ordinary)? != format!("{before}{ordinary}{after}") {
            return Err(ChatError::Alters {
                how: "what it puts around a message depends on the message",
            });
        }
        Ok(ChatFrame {
            before,
            after: self.without_thoughts(after),
            start,
            end,
        })
    }

    /// What an answer follows that is not thought about: where a template has the model think whatever it is told, the thoughts
    /// end at once, in the form of the templates that have a switch; of gpt-oss' channels the last is begun.
    fn without_thoughts(&self, after: String) -> String {
        let before_thoughts = after.trim_end();
        if before_thoughts.ends_with("<think>") {
            return format!("{before_thoughts}\n\n</think>\n\n");
        }
        match after.ends_with("<|start|>assistant") && self.source.contains("<|channel|>") {
            true => format!("{after}<|channel|>final<|message|>"),
            false => after,
        }
    }

    /// The text before and after the probing message.
    fn around(&self, message: &str) -> Result<(String, String), ChatError> {
        let text = self.render(message)?;
        let how = match text.matches(PROBE).count() {
            1 => {
                return Ok(text
                    .split_once(PROBE)
                    .map(|(before, after)| (before.to_owned(), after.to_owned()))
                    .unwrap_or_default());
            }
            0 => "it does not come out as it was put in",
            _ => "it comes out more than once",
        };
        Err(ChatError::Alters { how })
    }
}

/// What became of the padding at one end of the message, given what is left besides the unpadded frame.
fn edge(padding: Option<&str>) -> Option<Edge> {
    match padding? {
        PADDING => Some(Edge::Kept),
        "" => Some(Edge::Trimmed),
        _ => None,
    }
}

/// What a template may take for a conversation.
#[derive(Debug, Clone, Copy)]
struct TemplateLimits {
    fuel: u64,
    /// Bytes it may write.
    output: usize,
    value: ValueSize,
}

impl TemplateLimits {
    fn of(turns: &[Turn]) -> Self {
        let bytes: usize = turns.iter().map(|turn| turn.role.len() + turn.content.len()).sum();
        let output = LARGEST_OUTPUT + 4 * bytes;
        Self {
            // The engine takes a unit for each 64 bytes it makes.
            fuel: FUEL + FUEL_FOR_A_TURN * turns.len() as u64 + bytes as u64 / 4,
            output,
            value: ValueSize {
                parts: PARTS + PARTS_FOR_A_TURN * turns.len(),
                bytes: output,
            },
        }
    }
}

/// A token's text; undefined where it has none.
fn defined(text: &str) -> Value {
    match text {
        "" => Value::UNDEFINED,
        text => Value::from(text),
    }
}

fn fails(error: minijinja::Error) -> ChatError {
    ChatError::Fails {
        line: error.line().unwrap_or(0),
        detail: match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        },
    }
}

/// A sink that refuses to grow beyond a limit.
struct Bounded {
    text: Vec<u8>,
    limit: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() + bytes.len() > self.limit {
            return Err(io::Error::other("too much output"));
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
