//! What a synthetic person answers.

use super::model::{AnswerKind, AnswerModel, Loads, Model, ScaleEnd};
use super::person::{NOT_ASKED, SyntheticPerson};
use crate::base::random::Draws;

/// Distance between thresholds by number of answers: chosen so that all answers occur.
fn spacing(answers: usize) -> f64 {
    match answers {
        ..=2 => 0.0,
        3 => 0.9,
        4 => 1.0,
        5 => 0.75,
        6..=8 => 0.45,
        _ => 0.36,
    }
}

/// Noise never falls below this, however much the factors explain.
const LEAST_NOISE: f64 = 0.45;
/// How much readiness to agree moves a latent answer.
const AGREEMENT: f64 = 0.8;

fn dot(loads: &Loads, factors: &[f64]) -> f64 {
    loads.iter().map(|&(factor, size)| size * factors[factor]).sum()
}

/// Position among the ordered answers, and how far the latent answer is above the middle towards `end`.
fn scale(item: &AnswerModel, person: &SyntheticPerson<'_>, country: f64, draws: &mut Draws) -> (usize, f64) {
    let AnswerKind::Scale {
        end,
        agree,
        center,
        loads,
    } = &item.kind
    else {
        return (0, 0.0);
    };
    let explained: f64 = loads.iter().map(|(_, size)| size * size).sum();
    let noise = (1.0 - explained).max(LEAST_NOISE * LEAST_NOISE).sqrt();
    let mut latent = center + country + dot(loads, &person.factors) + noise * draws.normal();
    if let Some(side) = agree {
        let direction = if side == end { 1.0 } else { -1.0 };
        latent += direction * AGREEMENT * person.acquiescence;
    }
    let answers = item.codes.len();
    let middle = answers as f64 / 2.0;
    let step = spacing(answers);
    let stretched = latent * person.extremity;
    let passed = (1..answers)
        .filter(|&threshold| stretched > (threshold as f64 - middle) * step)
        .count();
    match end {
        ScaleEnd::High => (passed, latent),
        ScaleEnd::Low => (answers - 1 - passed, latent),
    }
}

/// Answer codes of one person, aligned with the catalogue; negative where the answer is missing.
///
/// `never_missing` are questions (by position) that are answered whatever happens; where there are any, nothing counts
/// as not asked in the country.
pub(super) fn draw(
    model: &Model,
    person: &SyntheticPerson<'_>,
    never_missing: Option<&[bool]>,
    draws: &mut Draws,
) -> Vec<i16> {
    let mut codes = vec![0; model.items.len()];
    let mut latents = vec![0.0; model.items.len()];
    let mut seconds: Vec<(usize, i16)> = Vec::new();
    for (at, item) in model.items.iter().enumerate() {
        match &item.kind {
            AnswerKind::Scale { .. } => {
                let (position, latent) = scale(item, person, person.country.items[at], draws);
                codes[at] = item.codes[position];
                latents[at] = latent;
            }
            AnswerKind::Choice { utilities } => {
                let mut order: Vec<(f64, i16)> = utilities
                    .iter()
                    .zip(&item.codes)
                    .map(|((base, loads), &code)| (base + dot(loads, &person.factors) + draws.gumbel(), code))
                    .collect();
                order.sort_by(|a, b| b.0.total_cmp(&a.0));
                codes[at] = order[0].1;
                seconds.push((at, order[1].1));
            }
            AnswerKind::Second { first } => {
                codes[at] = seconds
                    .iter()
                    .find(|(question, _)| question == first)
                    .map_or(NOT_ASKED as i16, |(_, code)| *code);
            }
        }
    }
    for limit in &model.at_most {
        let mut named: Vec<usize> = limit
            .questions
            .iter()
            .copied()
            .filter(|&at| codes[at] == model.items[at].codes[0])
            .collect();
        named.sort_by(|&a, &b| latents[b].total_cmp(&latents[a]));
        for &at in named.iter().skip(limit.most) {
            codes[at] = model.items[at].codes[1];
        }
    }
    leave_out(model, person, never_missing, draws, &mut codes);
    codes
}

fn leave_out(
    model: &Model,
    person: &SyntheticPerson<'_>,
    never_missing: Option<&[bool]>,
    draws: &mut Draws,
    codes: &mut [i16],
) {
    let missing = &model.missing;
    let few = draws.happens(missing.few);
    let usual = missing.median_rate * libm::exp(missing.spread * draws.normal());
    // People who are drawn to be evaluated are of the attentive kind.
    let rate = if few || never_missing.is_some() {
        missing.rate_of_few
    } else {
        usual
    };
    for (at, code) in codes.iter_mut().enumerate() {
        let times = if model.items[at].often_missing {
            missing.times
        } else {
            1.0
        };
        let skipped = draws.happens(rate * times);
        // Don't know, no answer, missing for another reason: as they come in the survey.
        let how = [-1, -2, -5][draws.weighted(&[60.0, 37.0, 3.0])];
        if never_missing.is_some_and(|never| never[at]) {
            continue;
        }
        if never_missing.is_none() && person.country.gap.contains(&at) {
            *code = NOT_ASKED as i16;
        } else if skipped {
            *code = how;
        }
    }
}
