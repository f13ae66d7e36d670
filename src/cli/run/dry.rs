//! `indieval run --dry-run`: what would be run, what it takes, what would fail.

use std::process::ExitCode;
use std::time::Instant;

use super::share::{Shares, WholeCost};
use crate::base::text::{bytes, count, counted, duration};
use crate::cli::output::say;
use crate::model::{
    Attempt, Batch, BatchSize, Decoding, Generation, LanguageModel, Memory, ModelError, OpenModel, ScoreRequest,
    TextRequest, TokenId,
};
use crate::probe::most_demonstrations;
use crate::report::{Naming, condition_words};
use crate::run::{ExecuteError, Experiment};
use crate::scoring::{ChatUse, TokenEstimate};

/// People's splits whose prompts are put together and tokenised; the others are taken to be like these.
const SAMPLED: usize = 12;

/// Tokens of the calibration's prefill, and steps of its generation.
const CALIBRATION: (usize, usize) = (512, 4);

/// Prints the plan, with tokens estimated from some units and time from a short calibration.
pub fn run(experiment: &Experiment, opened: &mut OpenModel, shares: Option<Shares>) -> anyhow::Result<ExitCode> {
    let estimate = Estimated::of(experiment, opened);
    // With the people, what they are asked, and the tokenizer at work; nothing was computed yet.
    let beside_weights = opened.memory.program_now();
    opened.memory.program = opened.memory.program.max(beside_weights);
    let speed = calibrate(opened.model.as_mut(), branches(experiment, &estimate))?;
    asked(experiment, opened, &estimate)?;
    let cost = taken(opened, &estimate, &speed)?;
    for line in shares
        .into_iter()
        .flat_map(|shares| shares.lines(&experiment.plan, cost))
    {
        say!("{line}");
    }
    let answers = experiment
        .plan
        .conditions
        .iter()
        .any(|condition| condition.method.definition().asks_for_answer());
    if answers && experiment.spec.scoring.chat != ChatUse::None && opened.chat_template.is_none() {
        say!("note         the model has no chat template: prompts are shown as plain text, answers included");
    }
    for failure in &estimate.failures {
        say!("would fail   {failure}");
    }
    Ok(match estimate.failures.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Texts that are generated together: as many as a split has probes; none where none is asked for.
fn branches(experiment: &Experiment, estimate: &Estimated) -> usize {
    let probes = experiment.plan.units.iter().map(|unit| unit.probes.len());
    match estimate.generated {
        0 => 0,
        _ => probes.max().unwrap_or(1).max(1),
    }
}

/// Most hours of generation with weights that are read for every token, unless more are asked for.
const MOST_HOURS: f64 = 24.0;

/// How long generated answers take where weights are read again for every token, in words; `None` where there are none, or
/// weights are in place.
///
/// # Errors
/// Where that is more than a day and nobody said that it may be (`slow`).
pub fn generation(experiment: &Experiment, opened: &mut OpenModel, slow: bool) -> anyhow::Result<Option<String>> {
    if opened.memory.resident {
        return Ok(None);
    }
    let estimate = Estimated::of(experiment, opened);
    let generated = estimate.all(estimate.generated);
    if generated == 0 {
        return Ok(None);
    }
    let speed = calibrate(opened.model.as_mut(), branches(experiment, &estimate))?;
    let seconds = generated as f64 / speed.branches as f64 * speed.step;
    let said = format!(
        "generated answers read all weights again for every token: at most {}",
        duration(seconds)
    );
    anyhow::ensure!(
        slow || seconds < 3600.0 * MOST_HOURS,
        "{said}; ask by likelihood or label, take weights that fit (a quantised GGUF with --weights quantized, a smaller \
         model, more --memory), or give --slow"
    );
    Ok(Some(said))
}

/// What is asked, and of whom.
fn asked(experiment: &Experiment, opened: &OpenModel, estimate: &Estimated) -> anyhow::Result<()> {
    say!(
        "model        {} ({}, context of {} tokens)",
        opened.identity.name,
        opened.identity.numbers(),
        count(opened.model.limits().context as u64)
    );
    say!(
        "respondents  {} ({}), {}",
        count(experiment.people.chosen.len() as u64),
        counted(estimate.of, "person-split pair", "person-split pairs"),
        counted(experiment.plan.outcomes, "record", "records")
    );
    let (catalogue, conditions) = (&experiment.people.catalogue, &experiment.plan.conditions);
    let naming = Naming::of_plan(catalogue, conditions, most_demonstrations(catalogue));
    for (index, condition) in conditions.iter().enumerate() {
        let head = if index == 0 { "conditions" } else { "" };
        say!("{head:<13}{}", condition_words(condition, &naming));
    }
    say!(
        "prompts      {}, the longest of {} tokens (estimated from {})",
        count(estimate.all(estimate.asked)),
        count(estimate.longest as u64),
        counted(estimate.sampled, "person-split pair", "person-split pairs")
    );
    Ok(())
}

/// What it takes.
fn taken(opened: &OpenModel, estimate: &Estimated, speed: &Speed) -> anyhow::Result<WholeCost> {
    let (shared, alone) = (estimate.all(estimate.shared), estimate.all(estimate.alone));
    say!(
        "tokens       {} computed in place of {} without sharing ({:.1} times fewer)",
        count(shared),
        count(alone),
        alone as f64 / shared.max(1) as f64
    );
    let generated = estimate.all(estimate.generated);
    if generated > 0 {
        say!("             and at most {} generated", count(generated));
    }
    let batch = estimate.batch(opened.model.limits().batch);
    let peak = opened.memory.peak(batch);
    say!("memory       {}", memory_words(&opened.memory, batch));
    let steps = generated as f64 / speed.branches.max(1) as f64;
    say!(
        "time         {} for prompts at {} tokens/s{}",
        duration(shared as f64 / speed.prefill),
        count(speed.prefill.round() as u64),
        match generated {
            0 => String::new(),
            _ => format!(", at most {} more for generated answers", duration(steps * speed.step)),
        }
    );
    Ok(WholeCost {
        seconds: shared as f64 / speed.prefill + steps * speed.step,
        opening: opened.took.as_secs_f64(),
        memory: peak,
    })
}

/// What is held at most while a run is computed, and what of it is what.
fn memory_words(memory: &Memory, batch: BatchSize) -> String {
    let work = memory.needs.work(batch);
    let (weights, tokens) = match memory.resident {
        true => (
            format!("{} of weights", bytes(memory.weights)),
            work + memory.tokens(batch),
        ),
        false => (
            format!("{} of weights, read layer by layer", bytes(memory.weights + work)),
            memory.tokens(batch),
        ),
    };
    let program = match memory.program {
        0 => String::new(),
        own => format!(", {} for the program, its tokenizer and the people", bytes(own)),
    };
    format!(
        "{} at most: {weights}, {} for a batch of {} tokens{program}",
        bytes(memory.peak(batch)),
        bytes(tokens),
        count(batch.tokens)
    )
}

/// What some pairs of a person and a split take, and how many pairs there are.
#[derive(Default)]
struct Estimated {
    sampled: usize,
    of: usize,
    shared: u64,
    alone: u64,
    generated: u64,
    asked: u64,
    longest: usize,
    size: BatchSize,
    /// What would fail, in words.
    failures: Vec<String>,
}

impl Estimated {
    fn of(experiment: &Experiment, opened: &mut OpenModel) -> Self {
        let of = experiment.plan.person_splits().count();
        let mut sum = Self { of, ..Self::default() };
        let step = of.div_ceil(SAMPLED).max(1);
        let mut scorer = experiment.scorer(opened);
        for units in experiment.plan.person_splits().step_by(step) {
            sum.sampled += 1;
            for unit in units {
                let cases = experiment.cases(unit);
                match scorer.estimate(&experiment.asks(unit, &cases)) {
                    Ok(estimate) => sum.add(&estimate),
                    Err(source) => {
                        let (respondent, split) = (experiment.people.everyone.id(unit.person), unit.split.number());
                        let error = ExecuteError::Scoring {
                            respondent: respondent.to_owned(),
                            split,
                            source,
                        };
                        sum.failures.push(error.to_string());
                    }
                }
            }
        }
        sum
    }

    fn add(&mut self, estimate: &TokenEstimate) {
        self.shared += estimate.shared;
        self.alone += estimate.alone;
        self.generated += estimate.generated;
        self.asked += estimate.prompts as u64;
        self.longest = self.longest.max(estimate.longest);
        self.size += estimate.size;
    }

    /// A batch of about `most` tokens, of at least one pair, and of all of them at most.
    fn batch(&self, most: usize) -> BatchSize {
        let each = self.size.tokens as f64 / self.sampled.max(1) as f64;
        let pairs = (most as f64 / each.max(1.0)).floor().clamp(1.0, self.of.max(1) as f64);
        let of = |sum: u64| (sum as f64 / self.sampled.max(1) as f64 * pairs).round() as u64;
        BatchSize {
            tokens: of(self.size.tokens),
            pages: of(self.size.pages),
            kept_pages: of(self.size.kept_pages),
            texts: of(self.size.texts),
        }
    }

    /// A sum over all pairs, the others taken to be like those that were sampled.
    fn all(&self, sum: u64) -> u64 {
        (sum as f64 / self.sampled.max(1) as f64 * self.of as f64).round() as u64
    }
}

struct Speed {
    /// Tokens a second of long passes.
    prefill: f64,
    /// Texts that are generated together.
    branches: usize,
    /// Seconds of one pass that gives each of them one token.
    step: f64,
}

/// Measures the model on tokens that mean nothing; the first pass warms up and does not count.
fn calibrate(model: &mut dyn LanguageModel, branches: usize) -> Result<Speed, ModelError> {
    let length = CALIBRATION.0.min(model.limits().context / 2).max(2);
    let tokens: Vec<TokenId> = (0..length as u32).map(|token| token % 90).collect();
    let (context, continuation) = tokens.split_at(length - 1);
    let mut prefill = 0.0;
    for _ in 0..2 {
        let begun = Instant::now();
        let scores = &[ScoreRequest { context, continuation }];
        let texts = &mut [];
        model.answer(Batch { scores, texts })?;
        prefill = context.len() as f64 / begun.elapsed().as_secs_f64().max(1e-9);
    }
    let seconds = |model: &mut dyn LanguageModel, most: usize| -> Result<f64, ModelError> {
        let mut texts: Vec<TimedText> = (0..branches as u64).map(|seed| TimedText::new(seed, most)).collect();
        let mut texts: Vec<&mut dyn TextRequest> = texts.iter_mut().map(|text| text as &mut dyn TextRequest).collect();
        let begun = Instant::now();
        let (scores, texts) = (&[], &mut texts[..]);
        model.answer(Batch { scores, texts })?;
        Ok(begun.elapsed().as_secs_f64())
    };
    if branches == 0 {
        return Ok(Speed {
            prefill,
            branches,
            step: 0.0,
        });
    }
    // What the prompts take is in both.
    let (short, long) = (seconds(model, 1)?, seconds(model, 1 + CALIBRATION.1)?);
    Ok(Speed {
        prefill,
        branches,
        step: (long - short).max(0.0) / CALIBRATION.1 as f64,
    })
}

/// A text that means nothing.
struct TimedText {
    prompt: [TokenId; 2],
    most: usize,
    seed: Option<u64>,
}

impl TimedText {
    fn new(seed: u64, most: usize) -> Self {
        Self {
            prompt: [1, 2 + seed as TokenId % 80],
            most,
            seed: Some(seed),
        }
    }
}

impl TextRequest for TimedText {
    fn prompt(&self) -> &[TokenId] {
        &self.prompt
    }

    fn max_tokens(&self) -> usize {
        self.most
    }

    fn begin(&mut self) -> Option<Attempt> {
        self.seed.take().map(|seed| Attempt {
            constraint: None,
            seed,
            decoding: Decoding {
                temperature: 0.0,
                top_p: 1.0,
                stop: Vec::new(),
            },
        })
    }

    fn finish(&mut self, _: Generation) {}
}
