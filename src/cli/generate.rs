//! `indieval generate`.

use std::process::ExitCode;
use std::sync::Arc;

use super::chats;
use super::choice::choice;
use super::requests::{JobArgs, run_job};
use crate::requests::{ControlTokens, Generate, GenerateOptions, Identity, Sampling, Truncate};
use crate::scoring::{Temperature, TopP};

/// Options of `indieval generate`.
///
/// Each line is an object with `prompt`, a text, or `messages`, a conversation for the model's chat template (a last
/// message of the assistant is continued). It comes out in its place, and behind what it said come `text`, its `tokens`
/// (ids), their `logprobs` (in nats) and `finish` (`stop` or `length`). `temperature`, `top_p`, `max_tokens`, `seed` and
/// `stop` of a line count for it. What lines begin with in common is computed once. GUIDE.md has every field.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  indieval generate prompts.jsonl --model SmolLM2-135M-Instruct --out texts.jsonl
  echo '{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}' | indieval generate - -m SmolLM2-135M-Instruct
  indieval generate prompts.jsonl -m Qwen3-0.6B --temperature 0.7 --top-p 0.95 --seed 1 --stop '\\n\\n' -o texts.jsonl")]
pub struct Args {
    #[command(flatten)]
    job: JobArgs,
    /// Maximum number of tokens in a text
    #[arg(long, default_value_t = 256, value_name = "N", value_parser = at_least_one)]
    max_tokens: usize,
    /// 0 takes the most probable token; larger values sample
    #[arg(long, default_value_t, value_name = "NUMBER")]
    temperature: Temperature,
    /// Sample from the most probable tokens that together have this probability
    #[arg(long, default_value_t, value_name = "SHARE")]
    top_p: TopP,
    /// Seed of sampling; with the number of the line it decides what is drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Text that ends a generation and is not part of it; `\n` is a line break [may be given several times]
    #[arg(long, value_name = "TEXT", value_parser = stop_text)]
    stop: Vec<String>,
    /// What control tokens such as `<|im_start|>` in `prompt` are
    #[arg(long, default_value_t, value_parser = choice::<ControlTokens>(), value_name = "HOW")]
    control_tokens: ControlTokens,
    /// What happens to a prompt that leaves no room in the model's context
    #[arg(long, default_value_t, value_parser = choice::<Truncate>(), value_name = "WHERE")]
    truncate: Truncate,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let options = GenerateOptions {
        sampling: Sampling {
            temperature: args.temperature,
            top_p: args.top_p,
            max_tokens: args.max_tokens,
            stop: args.stop,
        },
        seed: args.seed,
        control_tokens: args.control_tokens,
        truncate: args.truncate,
    };
    let mut opened = args.job.open()?;
    let identity = Identity::new("generate", &opened, options.settings());
    let special = opened.tokenizer.special_tokens();
    let (template, note) = match chats::template(opened.chat_template.as_deref(), special) {
        Ok(template) => {
            let note = template
                .as_ref()
                .and_then(|template| chats::note(template, &opened.tokenizer));
            (template, note)
        }
        // Lines with `prompt` need none.
        Err(error) => (None, Some(format!("{error}; lines with `messages` cannot be answered"))),
    };
    args.job.note(note.as_deref());
    let tokenizer = Arc::new(opened.tokenizer);
    let mut generate = Generate::new(opened.model.as_mut(), tokenizer, template, options);
    run_job(&args.job, &identity, &mut generate)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number of at least 1".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// A text of the command line, in which `\n`, `\r`, `\t` and `\\` stand for what they do everywhere.
fn stop_text(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let escaped = (letter == '\\').then(|| letters.next()).flatten();
        match escaped {
            None => plain.push(letter),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('t') => plain.push('\t'),
            Some('\\') => plain.push('\\'),
            Some(other) => plain.extend(['\\', other]),
        }
    }
    match plain.is_empty() {
        true => Err("an empty text would end every generation".to_owned()),
        false => Ok(plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_can_be_given_on_a_command_line() {
        for (given, meant) in [
            ("\\n\\nQ:", "\n\nQ:"),
            ("a\\\\n", "a\\n"),
            ("\\d\\", "\\d\\"),
            ("\n", "\n"),
        ] {
            assert_eq!(stop_text(given).unwrap(), meant);
        }
        assert!(stop_text("").is_err());
    }
}
