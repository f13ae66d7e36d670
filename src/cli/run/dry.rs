//! `indieval run --dry-run`: what would be run, what it takes, what would fail.

use std::process::ExitCode;
use std::time::Instant;

use super::super::model_args::Opened;
use crate::base::text::duration;
use crate::cli::output::say;
use crate::model::{Branch, Decoding, LanguageModel, ModelError};
use crate::run::{self, ChatUse, ExecuteError, People, Plan, Prompts, Spec};
use crate::scoring::Scorer;

/// People's splits whose prompts are put together and tokenised; the others are taken to be like these.
const SAMPLED: usize = 12;

/// Tokens of the calibration's prefill, and steps of its generation.
const CALIBRATION: (usize, usize) = (512, 4);

/// Prints the plan, with tokens estimated from some units and time from a short calibration.
pub fn run(spec: &Spec, people: &People, plan: &Plan, prompts: &Prompts, opened: Opened) -> anyhow::Result<ExitCode> {
    let Opened {
        mut model,
        tokenizer,
        identity,
        tree_tokens,
        bytes: (weights, per_token),
        chat_template,
        ..
    } = opened;
    let speed = calibrate(model.as_mut())?;
    let context = model.context_length();
    let mut scorer = Scorer::new(model.as_mut(), &tokenizer, &people.catalogue, run::settings(spec));
    let person_splits = plan.person_splits().count();
    let step = person_splits.div_ceil(SAMPLED).max(1);
    let (mut sampled, mut shared, mut alone, mut generated, mut asked) = (0u32, 0u64, 0u64, 0u64, 0u64);
    let (mut peak, mut longest) = (0, 0);
    let mut failures = Vec::new();
    for unit in plan.person_splits().step_by(step).inspect(|_| sampled += 1).flatten() {
        let cases = run::cases(people, spec, plan, unit);
        match scorer.estimate(&run::asks(plan, prompts, unit, &cases)) {
            Ok(estimate) => {
                shared += estimate.shared;
                alone += estimate.alone;
                generated += estimate.generated;
                asked += estimate.prompts as u64;
                peak = peak.max(estimate.peak);
                longest = longest.max(estimate.longest);
            }
            Err(source) => {
                let (respondent, split) = (people.everyone.id(unit.person).to_string(), unit.split.number());
                let error = ExecuteError::Scoring {
                    respondent,
                    split,
                    source,
                };
                failures.push(error.to_string());
            }
        }
    }
    let all = |sum: u64| sum as f64 / f64::from(sampled.max(1)) * person_splits as f64;
    let gib = |bytes: f64| bytes / f64::from(1 << 30);
    say!(
        "model        {} ({}, context of {context} tokens)",
        identity.name,
        identity.dtype
    );
    say!(
        "respondents  {}, {} person-splits, {} outcomes",
        people.chosen.len(),
        person_splits,
        plan.outcomes
    );
    for (index, condition) in plan.conditions.iter().enumerate() {
        let head = if index == 0 { "conditions" } else { "" };
        say!("{head:<13}{}", serde_json::to_string(condition)?);
    }
    say!(
        "prompts      {:.0}, the longest of {longest} tokens (from {sampled} person-splits)",
        all(asked)
    );
    say!(
        "tokens       {:.0} computed in place of {:.0} without sharing ({:.1} times fewer)",
        all(shared),
        all(alone),
        alone as f64 / shared.max(1) as f64
    );
    if generated > 0 {
        say!("             and at most {:.0} generated", all(generated));
    }
    say!(
        "memory       {:.2} GiB of weights, {:.2} GiB for a tree of {tree_tokens} tokens ({peak} needed at once)",
        gib(weights as f64),
        gib(tree_tokens as f64 * per_token as f64)
    );
    let prefill = all(shared) / speed.prefill;
    let steps = all(generated) / 39.0;
    say!(
        "time         {} for prompts at {:.0} tokens/s{}",
        duration(prefill),
        speed.prefill,
        if generated > 0 {
            format!(", at most {} more for generated answers", duration(steps * speed.step))
        } else {
            String::new()
        }
    );
    let asked = plan
        .conditions
        .iter()
        .any(|condition| condition.method.definition().asks_for_answer());
    if asked && spec.scoring.chat != ChatUse::None && chat_template.is_none() {
        say!("note         the model has no chat template: prompts are shown as plain text, answers included");
    }
    for failure in &failures {
        say!("would fail   {failure}");
    }
    Ok(if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Speed {
    /// Tokens a second of long passes.
    prefill: f64,
    /// Seconds of one pass that gives each of 39 branches one token.
    step: f64,
}

/// Measures the model on tokens that mean nothing; the first pass warms up and does not count.
fn calibrate(model: &mut dyn LanguageModel) -> Result<Speed, ModelError> {
    let length = CALIBRATION.0.min(model.context_length() / 2).max(1);
    let tokens: Vec<u32> = (0..length as u32).map(|token| token % 200).collect();
    let mut prefill = 0.0;
    let root = model.root();
    let mut node = root;
    for _ in 0..2 {
        if node != root {
            model.release(node);
        }
        let begun = Instant::now();
        node = model.extend(root, &tokens)?;
        prefill = length as f64 / begun.elapsed().as_secs_f64().max(1e-9);
    }
    let branches = (0..39)
        .map(|seed| Branch {
            parent: node,
            prompt: vec![1],
            constraint: None,
            seed,
            max_tokens: CALIBRATION.1,
        })
        .collect();
    let begun = Instant::now();
    let greedy = Decoding {
        temperature: 0.0,
        top_p: 1.0,
        stop: Vec::new(),
    };
    model.generate(branches, &greedy)?;
    let step = begun.elapsed().as_secs_f64() / (CALIBRATION.1 + 1) as f64;
    model.release(node);
    Ok(Speed { prefill, step })
}
