use super::*;
use crate::base::random::Draws;
use crate::metrics::crossed::crossed_overall;
use crate::metrics::flips::sign_flip;
use crate::metrics::panel::{Chooser, Credit, Panel, Row, Unread};

/// 40 people, 6 probes each in two categories; person p is right on probe q where (7p + 5q) mod 11 < 6 + p mod 3.
fn panel() -> Panel {
    let mut rows = Vec::new();
    for person in 0..40 {
        for split in 0..3 {
            for category in 0..2 {
                let question = split * 2 + category;
                let correct = (7 * person + 5 * question) % 11 < 6 + person % 3;
                rows.push(row((person, split, question, category), correct));
            }
        }
    }
    rows.sort_unstable();
    Panel::of(rows, Chooser::Model)
}

fn row((person, split, question, category): (usize, usize, usize, usize), correct: bool) -> Row {
    Row {
        person: person as u32,
        split: split as u8,
        question: question as u32,
        category: category as u16,
        candidates: 2,
        label: 0,
        choice: Some(u8::from(!correct)),
    }
}

const WRONG: Credit = Credit::Choice(Unread::Wrong);

/// Counts are summed in bytes, other numbers as they are. Half of every count is no count, and its shares are the same.
#[test]
fn figures_do_not_depend_on_how_their_sums_are_added() {
    let (how, panel) = (
        Resampling {
            resamples: 300,
            seed: 3,
        },
        panel(),
    );
    for quantity in [Quantity::Share, Quantity::Difference] {
        let sums = |scale: f64| {
            // Some probes are missing, so that nothing is balanced.
            let rows = panel.rows.iter().filter(|row| (row.person + row.question) % 7 > 0);
            let worth = |row: &Row| {
                (
                    scale * (f64::from(u8::from(row.correct())) - f64::from(row.question % 2)),
                    scale,
                )
            };
            Sums::of_worths(rows.map(|row| (row, worth(row))), 2, quantity)
        };
        let (counts, halves) = (sums(1.0), sums(0.5));
        assert!(counts.counts().is_some() && halves.counts().is_none());
        assert_eq!(clustered(&counts, &how), clustered(&halves, &how));
        assert_eq!(clustered_overall(&counts, &how), clustered_overall(&halves, &how));
        assert_eq!(sign_flip(&counts, &how), sign_flip(&halves, &how));
    }
}

#[test]
fn cluster_interval_agrees_with_the_standard_error_of_the_mean() {
    // Every person has all six probes, so the overall accuracy is the mean of 40 people's shares; numpy 2.4 gives
    // their mean and, with ddof=1, std(shares) / sqrt(40).
    let (mean, se) = (0.645_833_333_333, 0.023_256_512_735);
    let how = Resampling {
        resamples: 4000,
        seed: 3,
    };
    let overall = clustered(&Sums::of_panel(&panel(), 2, WRONG), &how)
        .overall
        .expect("there is data");
    assert!((overall.value - mean).abs() < 1e-9);
    assert!(
        (overall.se.expect("forty people") - se).abs() < 1e-8,
        "{:?}",
        overall.se
    );
    let (low, high) = overall.ends().expect("forty people");
    // t at 39 degrees is 2.0227; 4000 resamples know a quantile this far out to about 0.06 standard errors.
    assert!((low - (mean - 2.0227 * se)).abs() < 0.2 * se, "{low}");
    assert!((high - (mean + 2.0227 * se)).abs() < 0.2 * se, "{high}");
}

#[test]
fn crossing_with_questions_never_narrows() {
    let panel = panel();
    let how = Resampling {
        resamples: 1000,
        seed: 3,
    };
    let people = clustered(&Sums::of_panel(&panel, 2, WRONG), &how).overall;
    let crossed = crossed_overall(&panel, 2, WRONG);
    let (crossed, people) = (crossed.and_then(|e| e.se), people.and_then(|e| e.se));
    assert!(crossed.expect("data") >= people.expect("data") - 1e-12);
}

#[test]
fn one_seed_one_result_and_few_people_no_interval() {
    let sums = Sums::of_panel(&panel(), 2, WRONG);
    let how = Resampling { resamples: 50, seed: 9 };
    assert_eq!(clustered(&sums, &how), clustered(&sums, &how));
    assert_ne!(
        clustered(&sums, &how),
        clustered(&sums, &Resampling { seed: 10, ..how })
    );
    // People with equally many probes take a shortcut, others do not; both are what the long way gives.
    let credit = |row: &Row| (f64::from(u8::from(row.correct())), 1.0);
    let uneven = Sums::of_rows(&panel().rows[1..], 2, Quantity::Share, credit);
    assert!(sums.balanced().is_some() && uneven.balanced().is_none());
    let few: Vec<usize> = (0..12).collect();
    for sums in [&sums, &uneven, &sums.restricted(&few)] {
        let (short, long) = (clustered_overall(sums, &how), clustered(sums, &how).overall);
        let figures = |e: Option<Estimate>| e.and_then(|e| Some([e.value, e.se?, e.ends()?.0, e.ends()?.1]));
        let (short, long) = (figures(short).expect("data"), figures(long).expect("data"));
        assert!(
            short.iter().zip(long).all(|(a, b)| (a - b).abs() < 1e-12),
            "{short:?} {long:?}"
        );
    }
    let four = clustered_overall(&sums.restricted(&[0, 1, 2, 3]), &how).expect("data");
    assert_eq!((four.ends(), four.people), (None, 4));
}

/// Invented people on one split of the survey: 13 categories of three questions. What is true of everybody (`truth`) is
/// the mean over all people and questions that might have been drawn.
struct World {
    draws: Draws,
    /// Standard deviations of people, of people within a category and of questions, on the logistic scale.
    spread: [f64; 3],
    hardness: Vec<f64>,
}

const CATEGORIES: usize = 13;

fn chance_of(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

impl World {
    fn new(seed: u64, spread: [f64; 3]) -> Self {
        let hardness = (0..CATEGORIES).map(|category| 0.1 * category as f64 - 0.3).collect();
        Self {
            draws: Draws::new(seed, 0),
            spread,
            hardness,
        }
    }

    /// How hard the questions of one draw are.
    fn questions(&mut self) -> Vec<f64> {
        let one = |at: usize| self.hardness[at / 3] + self.spread[2] * self.draws.normal();
        (0..3 * CATEGORIES).map(one).collect()
    }

    fn panel(&mut self, people: usize, questions: &[f64]) -> Panel {
        let mut rows = Vec::new();
        for person in 0..people {
            let own = self.spread[0] * self.draws.normal();
            for category in 0..CATEGORIES {
                let own = own + self.spread[1] * self.draws.normal();
                for (question, hardness) in questions.iter().enumerate().skip(3 * category).take(3) {
                    let correct = self.draws.happens(chance_of(own + hardness));
                    rows.push(row((person, 0, question, category), correct));
                }
            }
        }
        Panel::of(rows, Chooser::Model)
    }

    /// The mean of what people would reach on given questions, or on all that might be drawn: ∫ σ(h + s z) φ(z) dz.
    fn truth(&self, questions: Option<&[f64]>) -> f64 {
        let people = self.spread[0].hypot(self.spread[1]);
        let (logits, spread) = match questions {
            Some(questions) => (questions, people),
            None => (self.hardness.as_slice(), people.hypot(self.spread[2])),
        };
        let (mut sum, mut weight) = (0.0, 0.0);
        for step in -60..=60 {
            let z = f64::from(step) / 10.0;
            let density = (-z * z / 2.0).exp();
            sum += density * logits.iter().map(|h| chance_of(h + spread * z)).sum::<f64>();
            weight += density * logits.len() as f64;
        }
        sum / weight
    }
}

/// People, and how many worlds they are tried in: fewer of many people, which take longer. A coverage of 95 % is known to
/// ±0.7 points (one standard error) from 1000 worlds, to ±1.3 from 300.
const TRIED: [(usize, usize); 4] = [(5, 1000), (8, 1000), (30, 600), (100, 300)];

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    // Measured: over people 95.2, 95.1, 95.3, 94.7 %; over people and questions 96.7, 96.9, 96.7, 96.0 %.
    let how = Resampling {
        resamples: 400,
        seed: 1,
    };
    for (people, worlds) in TRIED {
        let mut world = World::new(7 + people as u64, [0.4, 0.4, 0.7]);
        let (mut clusters, mut crossed) = (0, 0);
        for _ in 0..worlds {
            let questions = world.questions();
            let panel = world.panel(people, &questions);
            let holds = |estimate: Option<Estimate>, truth: f64| {
                let (low, high) = estimate.and_then(|e| e.ends()).expect("an interval");
                usize::from(low <= truth && truth <= high)
            };
            let sums = Sums::of_panel(&panel, CATEGORIES, WRONG);
            clusters += holds(clustered_overall(&sums, &how), world.truth(Some(&questions)));
            crossed += holds(crossed_overall(&panel, CATEGORIES, WRONG), world.truth(None));
        }
        for (what, held) in [("people", clusters), ("people and questions", crossed)] {
            let coverage = held as f64 / worlds as f64;
            eprintln!("{people} people, intervals over {what}: {:.1} %", 100.0 * coverage);
            assert!((0.93..=0.97).contains(&coverage), "{people} people, {what}: {coverage}");
        }
    }
}
