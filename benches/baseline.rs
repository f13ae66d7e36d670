//! Majority and resemblance at the size of the survey: 800 people against 97,000, all three splits, k from 1 to 35.
//!
//! The answers are generated: every person leans one way, and follows it in some questions. `cargo bench --bench
//! baseline [-- PEOPLE TARGETS]`.

use std::time::Instant;

use indieval::probe::Split;
use indieval::scoring::baseline::{BaselineMethod, MOST_NEIGHBOURS, ReferencePeople, Rule, Similarity, Tally, Target};
use indieval::survey::{Catalogue, MISSING};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let people = sizes.first().copied().unwrap_or(97_000);
    let targets = sizes.get(1).copied().unwrap_or(800).min(people);
    let catalogue = Catalogue::builtin().expect("the built-in catalogue is sound");
    let questions = catalogue.questions.len();
    let rows = generated(catalogue, people);

    let start = Instant::now();
    let reference = ReferencePeople::new(catalogue, rows.chunks_exact(questions));
    let packed = start.elapsed();

    let targets: Vec<Target<'_>> = rows
        .chunks_exact(questions)
        .enumerate()
        .step_by(people / targets.max(1))
        .take(targets)
        .map(|(row, groups)| Target { groups, own: Some(row) })
        .collect();
    let start = Instant::now();
    let rule = Rule {
        splits: &Split::ALL,
        neighbours: MOST_NEIGHBOURS,
        similarity: Similarity::Share,
        naive_bayes: true,
    };
    let tally = Tally::of(catalogue, &reference, &targets, &[], &rule, &|_| {});
    let counted = start.elapsed();
    let accuracies = tally.accuracies(catalogue, &BaselineMethod::ALL);
    println!(
        "{people} x {questions} answers, {} people, {} probes, {} accuracies, {} threads: \
         packed in {:.2} s, predicted and counted in {:.2} s",
        targets.len(),
        tally.asked(),
        accuracies.len(),
        rayon::current_num_threads(),
        packed.as_secs_f64(),
        counted.as_secs_f64(),
    );
}

/// One row a person, 4 % of the answers missing.
fn generated(catalogue: &Catalogue, people: usize) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut rows = Vec::with_capacity(people * catalogue.questions.len());
    for _ in 0..people {
        let lean = rng.next_u32() as usize;
        for question in &catalogue.questions {
            let candidates = question.polar.len();
            let drawn = rng.next_u32() as usize;
            rows.push(match drawn % 25 {
                0 => MISSING,
                1..=10 => (lean % candidates) as u8,
                _ => ((drawn / 25) % candidates) as u8,
            });
        }
    }
    rows
}
