//! `indieval score`.

use std::process::ExitCode;

use super::choice::choice;
use super::requests::{JobArgs, run_job};
use crate::requests::{ControlTokens, Identity, Score, ScoreOptions, Truncate};

/// Options of `indieval score`.
///
/// Each line is an object with `context` and `continuation`, two texts (or `context_token_ids` and
/// `continuation_token_ids`), or with `text`, a whole text of any length. It comes out in its place, and behind what it said
/// come its token ids, `token_logprobs` and their sum `loglikelihood` (in nats), `is_greedy` (whether no other token was more
/// probable anywhere), and `tokens_moved` (scored tokens that begin inside the context). The numbers are those of
/// lm-evaluation-harness. What lines begin with in common is computed once. GUIDE.md has every field.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  indieval score pairs.jsonl --model SmolLM2-135M-Instruct --out scored.jsonl
  echo '{\"context\": \"The capital of France is\", \"continuation\": \" Paris\"}' | indieval score - -m SmolLM2-135M-Instruct
  indieval score books.jsonl -m Qwen3-0.6B -o books.scored.jsonl --on-error record")]
pub struct Args {
    #[command(flatten)]
    job: JobArgs,
    /// What control tokens such as `<|im_start|>` in the texts are
    #[arg(long, default_value_t, value_parser = choice::<ControlTokens>(), value_name = "HOW")]
    control_tokens: ControlTokens,
    /// What happens to a context that is longer than the model's
    #[arg(long, default_value_t, value_parser = choice::<Truncate>(), value_name = "WHERE")]
    truncate: Truncate,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let options = ScoreOptions {
        control_tokens: args.control_tokens,
        truncate: args.truncate,
    };
    let mut opened = args.job.open()?;
    let identity = Identity::new("score", &opened, options.settings());
    let mut score = Score::new(opened.model.as_mut(), &opened.tokenizer, options);
    run_job(&args.job, &identity, &mut score)
}
