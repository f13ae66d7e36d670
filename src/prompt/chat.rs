//! A model's chat template: what it puts around a user's message.
//!
//! Templates come with checkpoints from the internet. They run without access to anything, under a limit of steps,
//! nesting and output, and what they do to the message is checked rather than believed.

use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Value, context};
use serde::{Deserialize, Serialize};

use super::chat_json::ValueSize;
use super::chat_spec::{ChatSpec, Thinking};
use super::chat_strings::is_space;
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

/// Marks the end of what an assistant has said so far.
const END: char = '\u{e002}';

/// Whether a rendered conversation ends with the beginning of the next answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// It does.
    Assistant,
    /// It ends with the last turn.
    None,
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
    told: ChatSpec,
}

impl ChatTemplate {
    /// Takes a template as it stands in a tokenizer's configuration, and the texts of its beginning- and
    /// end-of-sequence tokens (empty where it has none). `told` is what it is told beside messages.
    pub fn new(source: &str, bos: &str, eos: &str, told: ChatSpec) -> Result<Self, ChatError> {
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
            told,
        })
    }

    /// The whole text for one user message, up to where the model's answer begins; thinking is switched off where the
    /// template has a switch.
    pub fn render(&self, message: &str) -> Result<String, ChatError> {
        self.rendered(message, Thinking::Off)
    }

    /// The whole text for one user message below the system message, where there is one, up to where the model goes on.
    pub(super) fn rendered(&self, message: &str, thinking: Thinking) -> Result<String, ChatError> {
        let turn = |role: &str, content: &str| Turn {
            role: role.to_owned(),
            content: content.to_owned(),
        };
        let system = self.told.system.iter().map(|system| turn("system", system));
        let turns: Vec<Turn> = system.chain([turn("user", message)]).collect();
        self.render_up_to(&turns, Opening::Assistant, thinking)
    }

    /// The template's text.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The same template, told something else.
    pub(super) fn telling(&self, told: ChatSpec) -> Self {
        Self { told, ..self.clone() }
    }

    /// What it is told beside messages.
    pub(super) fn told(&self) -> &ChatSpec {
        &self.told
    }

    /// The whole text of a conversation, up to where the model's next answer begins; a last turn of the assistant's is
    /// not over yet, and its text ends where the turn's does, as transformers has it (`continue_final_message`): where the
    /// template cuts white space off what was said, white space before that place goes too.
    ///
    /// # Errors
    /// A template that fails; [`ChatError::NotContinued`] where it does not write what was said in the last turn.
    pub fn render_conversation(&self, turns: &[Turn]) -> Result<String, ChatError> {
        let Some((last, before)) = turns.split_last().filter(|(last, _)| last.role == "assistant") else {
            return self.render_turns(turns);
        };
        let marked = Turn {
            role: last.role.clone(),
            content: format!("{}{END} ", last.content),
        };
        let text = self.render_up_to(&[before, &[marked]].concat(), Opening::None, Thinking::Off)?;
        let (told, rest) = text
            .rsplit_once(END)
            .filter(|_| self.source.contains("content") && text.contains(last.content.trim_matches(is_space)))
            .ok_or(ChatError::NotContinued)?;
        Ok(match rest.starts_with(' ') {
            true => told.to_owned(),
            false => told.trim_end_matches(is_space).to_owned(),
        })
    }

    /// The whole text of a conversation, up to where the model's next answer begins; thinking is switched off where the
    /// template has a switch.
    pub fn render_turns(&self, turns: &[Turn]) -> Result<String, ChatError> {
        self.render_up_to(turns, Opening::Assistant, Thinking::Off)
    }

    pub(super) fn render_up_to(
        &self,
        turns: &[Turn],
        opening: Opening,
        thinking: Thinking,
    ) -> Result<String, ChatError> {
        let limits = TemplateLimits::of(turns);
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK);
            let running = thread
                .spawn_scoped(scope, || self.run(self.variables(turns, opening, thinking), limits))
                .map_err(ChatError::Thread)?;
            running.join().unwrap_or(Err(ChatError::Fails {
                line: 0,
                detail: "the template engine gave up on it".to_owned(),
            }))
        })
    }

    /// What the template is told, by name.
    fn variables(&self, turns: &[Turn], opening: Opening, thinking: Thinking) -> Value {
        let message = |turn: &Turn| context! { role => &turn.role, content => &turn.content };
        let own = [
            ("messages", turns.iter().map(message).collect()),
            ("add_generation_prompt", Value::from(opening == Opening::Assistant)),
            // transformers tells a template only of tokens that there are.
            ("bos_token", defined(&self.bos)),
            ("eos_token", defined(&self.eos)),
            ("tools", Value::from(())),
            ("documents", Value::from(())),
        ];
        let switches = thinking.variables();
        let switches = switches.iter().map(|(name, value)| (*name, of_json(value)));
        let kwargs = self.told.kwargs.iter().map(|(name, value)| (name, of_json(value)));
        // Later ones count: a switch may be set otherwise.
        Value::from_pairs(switches.chain(kwargs).chain(own))
    }

    fn run(&self, variables: Value, limits: TemplateLimits) -> Result<String, ChatError> {
        let mut environment = Environment::new();
        // Transformers renders chat templates with both of these on.
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(fails)?);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_fuel(Some(limits.fuel));
        environment.set_recursion_limit(RECURSION);
        chat_python::add(&mut environment, limits.value);
        chat_values::add(&mut environment, self.told.today(), limits.value);
        let template = environment
            .template_from_named_str("chat_template", &self.source)
            .map_err(fails)?;
        let mut output = Bounded {
            text: Vec::new(),
            limit: limits.output,
        };
        let rendered = template.render_captured_to(variables, &mut output);
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

/// A value of a template.
fn of_json(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::from(()),
        Json::Bool(switch) => Value::from(*switch),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::from(whole),
            (None, number) => Value::from(number),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(values) => values.iter().map(of_json).collect(),
        Json::Object(fields) => Value::from_pairs(fields.iter().map(|(name, value)| (name.as_str(), of_json(value)))),
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
