//! What a chat template puts around a user's message, and how thoughts before an answer begin and end.

use serde::Serialize;

use super::chat::{ChatTemplate, Opening, Turn};
use super::chat_spec::{ChatSpec, TemplateVariables, Thinking};
use super::error::ChatError;

/// A message that shows what a template does to one: characters that escaping, re-parsing, stripping or changing of case
/// would alter, between marks that no template contains.
const PROBE: &str = "\u{e000}x <b>\"I'm\" & {{ so }} {% on %}</b>\\n\n\n  # É, ｑ\t1.\u{e001}";

/// White space that a template may or may not cut off.
const PADDING: &str = "\n \t\n";

/// How blocks of thoughts begin and end: most models, Seed-OSS, Magistral.
const BLOCKS: [(&str, &str); 3] = [
    ("<think>", "</think>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
];

/// Channels of gpt-oss, after `<|start|>assistant`: thoughts, what ends them and begins the answer, and that alone.
const CHANNELS: &str = "<|channel|>";
const TURN: &str = "<|start|>assistant";
const ANALYSIS: &str = "<|channel|>analysis<|message|>";
const END_OF_CHANNEL: &str = "<|end|>";
const FINAL: &str = "<|channel|>final<|message|>";

/// Whether white space at one end of the message is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// As it is.
    Kept,
    /// Cut off by the template.
    Trimmed,
}

/// What a chat template puts around a user's message: `before`, the message (its ends trimmed where `start` and `end`
/// say so), `after`; the model's answer comes next, or its thoughts where there are to be any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatFrame {
    /// Everything before the message, the beginning-of-sequence token included where the template writes it.
    pub before: String,
    /// Everything between the message and what the model writes.
    pub after: String,
    /// What becomes of white space at the message's beginning.
    pub start: Edge,
    /// What becomes of white space at the message's end.
    pub end: Edge,
    /// How thoughts end that the model is to write before its answer; absent where it answers at once.
    pub thoughts: Option<ThoughtBlock>,
}

/// How thoughts end that were begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThoughtBlock {
    /// Comes before `end` where thoughts are cut.
    pub cut: String,
    /// Ends them.
    pub end: String,
    /// Comes between that and the answer.
    pub behind: String,
}

impl ChatTemplate {
    /// Finds out what the template puts around any message, and that it leaves the message as it is. What is after it ends where
    /// an answer without thoughts begins.
    ///
    /// # Errors
    /// A template that fails, that changes the message or leaves out the system message.
    pub fn frame(&self) -> Result<ChatFrame, ChatError> {
        let frame = self.written(Thinking::Off)?;
        Ok(ChatFrame {
            after: self.without_thoughts(frame.after),
            ..frame
        })
    }

    /// As [`frame`](Self::frame), but the model is to think for at most so many tokens, and what is after the message ends where
    /// thoughts begin.
    ///
    /// # Errors
    /// As there; [`ChatError::NoThoughts`] where the template knows no thoughts.
    pub fn thinking_frame(&self, budget: usize) -> Result<ChatFrame, ChatError> {
        let frame = self.written(Thinking::UpTo(budget))?;
        let (after, block) = self.with_thoughts(&frame.after)?;
        Ok(ChatFrame {
            after,
            thoughts: Some(block),
            ..frame
        })
    }

    /// What the template itself writes.
    fn written(&self, thinking: Thinking) -> Result<ChatFrame, ChatError> {
        let (before, after) = self
            .around(PROBE, thinking)
            .map_err(|error| self.told_too_much(error, thinking))?;
        let (padded_before, padded_after) = self.around(&format!("{PADDING}{PROBE}{PADDING}"), thinking)?;
        let partly = |how| move || ChatError::Alters { how };
        let start = edge(padded_before.strip_prefix(before.as_str()))
            .ok_or_else(partly("it changes white space at the message's beginning"))?;
        let end = edge(padded_after.strip_suffix(after.as_str()))
            .ok_or_else(partly("it changes white space at the message's end"))?;
        // A template that looks into the message must not treat an ordinary one otherwise.
        let ordinary = "Which one? Answer with its letter.";
        if self.rendered(ordinary, thinking)? != format!("{before}{ordinary}{after}") {
            return Err(ChatError::Alters {
                how: "what it puts around a message depends on the message",
            });
        }
        if let Some(system) = &self.told().system
            && !before.contains(system.trim())
        {
            return Err(ChatError::NoSystem);
        }
        Ok(ChatFrame {
            before,
            after,
            start,
            end,
            thoughts: None,
        })
    }

    /// Says of a failure whether it comes from what the template is told.
    fn told_too_much(&self, error: ChatError, thinking: Thinking) -> ChatError {
        let ChatError::Fails { line, detail } = error else {
            return error;
        };
        let told = self.told();
        let without_system = ChatSpec {
            system: None,
            ..told.clone()
        };
        let without_kwargs = ChatSpec {
            kwargs: TemplateVariables::default(),
            ..told.clone()
        };
        let runs = |other: ChatSpec| other != *told && self.telling(other).rendered(PROBE, thinking).is_ok();
        let told = match (runs(without_system), runs(without_kwargs)) {
            (true, _) => "`system`",
            (false, true) => "`kwargs`",
            (false, false) => return ChatError::Fails { line, detail },
        };
        ChatError::FailsWith { told, line, detail }
    }

    /// What an answer follows that is not thought about: where a template has the model think whatever it is told, the thoughts
    /// end at once, in the form of the templates that have a switch; of gpt-oss' channels the last is begun.
    fn without_thoughts(&self, after: String) -> String {
        if self.is_in_channels(&after) {
            return format!("{after}{FINAL}");
        }
        let Some((close, inside)) = unclosed(&after) else {
            let closed = BLOCKS.iter().any(|(_, close)| after.ends_with(close));
            return if closed { after + &self.gap() } else { after };
        };
        match inside.trim() {
            "" => format!("{}\n\n{close}\n\n", after.trim_end()),
            // Seed-OSS begins a remark on its budget of 0 as well.
            inside => match inside.strip_prefix('<') {
                Some(tag) if tag.ends_with('>') => format!("{after}</{tag}{close}"),
                _ => format!("{}\n{close}\n\n", after.trim_end()),
            },
        }
    }

    /// What thoughts follow, and how they end, where the template itself writes `after` for a model that is to think: it
    /// begins them, or shows by the empty block of one that is not to think what they look like.
    fn with_thoughts(&self, after: &str) -> Result<(String, ThoughtBlock), ChatError> {
        let block = |cut: &str, end: &str, behind: &str| ThoughtBlock {
            cut: cut.to_owned(),
            end: end.to_owned(),
            behind: behind.to_owned(),
        };
        if self.is_in_channels(after) {
            let behind = format!("{TURN}{FINAL}");
            return Ok((format!("{after}{ANALYSIS}"), block("", END_OF_CHANNEL, &behind)));
        }
        let off = self.written(Thinking::Off)?.after;
        if let Some((close, _)) = unclosed(after) {
            // GLM-4.7 begins a block or, for a model that is not to think, writes the end of one in its place.
            let ends_it = |(open, close): &(&str, &str)| after.strip_suffix(open).map(|lead| lead.to_owned() + close);
            let block = match BLOCKS.iter().find_map(ends_it) == Some(off) {
                true => block("", close, &self.gap()),
                false => block("\n", close, "\n\n"),
            };
            return Ok((after.to_owned(), block));
        }
        // What comes before a block's beginning, without what tells the model not to think: as after here, and white space.
        let begun = |lead: &str| {
            let (_, space) = lead.rsplit_once(after)?;
            space.trim().is_empty().then(|| format!("{after}{space}"))
        };
        let found = BLOCKS.iter().find_map(|(open, close)| {
            let (lead, rest) = off.rsplit_once(open)?;
            let begun = begun(lead)? + open;
            match rest.split_once(close) {
                Some(("", behind)) => Some((begun, block("", close, behind))),
                Some((inside, behind)) if inside.trim().is_empty() => Some((begun + "\n", block("\n", close, behind))),
                Some(_) => None,
                // Seed-OSS begins a block for the remark that it has no budget.
                None => Some((begun, block("\n", close, "\n"))),
            }
        });
        let (after, mut block) = found.ok_or(ChatError::NoThoughts)?;
        if block.behind.is_empty() {
            block.behind = self.gap();
        }
        Ok((after, block))
    }

    /// White space that the template writes between the end of a block and an answer that was given; GLM-4.5's begins none itself
    /// for the answer to come, and the model writes it.
    fn gap(&self) -> String {
        let turn = |role: &str, content: &str| Turn {
            role: role.to_owned(),
            content: content.to_owned(),
        };
        let turns = [turn("user", "Which one?"), turn("assistant", PROBE)];
        let text = self
            .render_up_to(&turns, Opening::None, Thinking::Off)
            .unwrap_or_default();
        let before = text.split(PROBE).next().unwrap_or_default();
        let gap = before.len() - before.trim_end().len();
        match BLOCKS.iter().any(|(_, close)| before.trim_end().ends_with(close)) {
            true => before[before.len() - gap..].to_owned(),
            false => String::new(),
        }
    }

    /// Whether what the model writes goes into channels.
    fn is_in_channels(&self, after: &str) -> bool {
        after.ends_with(TURN) && self.source().contains(CHANNELS)
    }

    /// The text before and after the probing message.
    fn around(&self, message: &str, thinking: Thinking) -> Result<(String, String), ChatError> {
        let text = self.rendered(message, thinking)?;
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

/// The block of thoughts that a text ends in: how it ends, and what stands in it already.
fn unclosed(text: &str) -> Option<(&'static str, &str)> {
    BLOCKS.iter().find_map(|&(open, close)| {
        let (_, inside) = text.rsplit_once(open)?;
        (!inside.contains(close)).then_some((close, inside))
    })
}

/// What became of the padding at one end of the message, given what is left besides the unpadded frame.
fn edge(padding: Option<&str>) -> Option<Edge> {
    match padding? {
        PADDING => Some(Edge::Kept),
        "" => Some(Edge::Trimmed),
        _ => None,
    }
}
