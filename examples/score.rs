//! Which of some texts a model finds most likely: `cargo run --release --example score -- SmolLM2-135M-Instruct`.

use indieval::model::{self, OpenOptions, source::Silent};
use indieval::scoring;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let id = std::env::args().nth(1).unwrap_or_else(|| "fake:1".to_owned());
    let mut opened = model::open(&id, &OpenOptions::default(), &mut Silent)?;
    let candidates = [" to keep my family safe", " to become famous", " to be left alone"];
    let scores = scoring::texts(&mut opened, "What matters most to me is", &candidates)?;
    for (candidate, score) in candidates.iter().zip(scores) {
        println!("{:8.3} {candidate}", score.loglikelihood);
    }
    Ok(())
}
