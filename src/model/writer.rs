//! One branch of a generation, step by step: what may come next, which token is taken, when it ends.
//!
//! Engines differ in how they compute a distribution; what they do with it is here, once.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::contract::{Branch, Constraint, Decoding, Finish, Generation, Menu, TokenId};

/// A branch while its text is being generated.
pub struct Writer {
    constraint: Option<Box<dyn Constraint>>,
    random: ChaCha8Rng,
    max_tokens: usize,
    menu: Menu,
    written: Generation,
    over: bool,
}

impl Writer {
    /// Starts a branch and looks at its first menu; the branch's prompt is the engine's business.
    pub fn new(branch: Branch) -> Self {
        let mut writer = Self {
            constraint: branch.constraint,
            random: ChaCha8Rng::seed_from_u64(branch.seed),
            max_tokens: branch.max_tokens,
            menu: Menu::Any,
            written: Generation {
                tokens: Vec::new(),
                logprobs: Vec::new(),
                off_menu: Vec::new(),
                finish: Finish::Length,
            },
            over: false,
        };
        writer.look();
        writer
    }

    /// Whether nothing more is to be generated.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// The only token that may come next, where the constraint leaves no choice. An engine may append runs of such
    /// tokens in one pass.
    pub fn forced(&self) -> Option<TokenId> {
        match &self.menu {
            Menu::Only(tokens) if tokens.len() == 1 => tokens.first().copied(),
            _ => None,
        }
    }

    /// Takes the next token from `logprobs`, the model's full log-softmax after what was written, `(vocabulary)`,
    /// nats. Returns the token to append, absent where the branch has ended.
    pub fn step(&mut self, logprobs: &[f32], decoding: &Decoding) -> Option<TokenId> {
        if self.over {
            return None;
        }
        let allowed: Option<&[TokenId]> = match &self.menu {
            Menu::Only(tokens) => Some(tokens),
            Menu::Any | Menu::Done => None,
        };
        let off_menu = allowed.map_or(0.0, |tokens| mass_outside(logprobs, tokens));
        let Some(token) = choose(logprobs, allowed, decoding, &mut self.random) else {
            return self.end(Finish::Complete);
        };
        if decoding.stop.contains(&token) {
            return self.end(Finish::Stop);
        }
        self.written.tokens.push(token);
        self.written
            .logprobs
            .push(logprobs.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY));
        self.written.off_menu.push(off_menu);
        self.look();
        (!self.over).then_some(token)
    }

    /// What was generated.
    pub fn finish(self) -> Generation {
        self.written
    }

    /// Asks the constraint what may come next; a complete answer ends the branch before another pass is spent on it.
    fn look(&mut self) {
        self.menu = match &mut self.constraint {
            Some(constraint) => constraint.menu(&self.written.tokens),
            None => Menu::Any,
        };
        if self.menu == Menu::Done {
            self.end(Finish::Complete);
        } else if self.written.tokens.len() >= self.max_tokens {
            self.end(Finish::Length);
        }
    }

    fn end(&mut self, finish: Finish) -> Option<TokenId> {
        self.over = true;
        self.written.finish = finish;
        None
    }
}

/// Probability mass of the tokens that are not in `allowed`.
fn mass_outside(logprobs: &[f32], allowed: &[TokenId]) -> f32 {
    let inside: f64 = allowed
        .iter()
        .filter_map(|&token| logprobs.get(token as usize))
        .map(|&logprob| libm::exp(f64::from(logprob)))
        .sum();
    (1.0 - inside).clamp(0.0, 1.0) as f32
}

/// The token to take: the most probable at temperature 0 (the lowest id where several are), else one drawn from the
/// nucleus of the tempered distribution. Absent only where nothing is allowed.
fn choose(
    logprobs: &[f32],
    allowed: Option<&[TokenId]>,
    decoding: &Decoding,
    random: &mut ChaCha8Rng,
) -> Option<TokenId> {
    let mut candidates: Vec<(TokenId, f32)> = match allowed {
        Some(tokens) => tokens
            .iter()
            .filter_map(|&token| Some((token, *logprobs.get(token as usize)?)))
            .collect(),
        None => (0..).zip(logprobs.iter().copied()).collect(),
    };
    let better = |a: &(TokenId, f32), b: &(TokenId, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    let best = *candidates.iter().min_by(|a, b| better(a, b))?;
    if decoding.temperature <= 0.0 || candidates.len() == 1 {
        return Some(best.0);
    }
    candidates.sort_unstable_by(better);
    candidates.dedup_by_key(|candidate| candidate.0);
    let weights: Vec<f64> = candidates
        .iter()
        .map(|candidate| libm::exp(f64::from(candidate.1 - best.1) / f64::from(decoding.temperature)))
        .collect();
    let total: f64 = weights.iter().sum();
    let mut mass = 0.0;
    let kept = weights
        .iter()
        .position(|weight| {
            mass += weight;
            mass >= total * f64::from(decoding.top_p)
        })
        .map_or(weights.len(), |last| last + 1);
    let kept_mass: f64 = weights[..kept].iter().sum();
    let mut left = uniform(random) * kept_mass;
    let drawn = weights[..kept].iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    Some(candidates[drawn.unwrap_or(kept - 1)].0)
}

/// A number in [0, 1) from the upper 53 bits of one draw.
fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGPROBS: [f32; 4] = [-2.302_585, -0.693_147_2, -1.609_438, -1.609_438]; // 0.1, 0.5, 0.2, 0.2

    fn decoding(temperature: f32, top_p: f32) -> Decoding {
        Decoding {
            temperature,
            top_p,
            stop: vec![3],
        }
    }

    struct Fixed(Vec<Menu>);

    impl Constraint for Fixed {
        fn menu(&mut self, generated: &[TokenId]) -> Menu {
            self.0[generated.len()].clone()
        }
    }

    fn branch(constraint: Option<Fixed>, max_tokens: usize) -> Branch {
        Branch {
            prompt: Vec::new(),
            constraint: constraint.map(|c| Box::new(c) as Box<dyn Constraint>),
            seed: 7,
            max_tokens,
        }
    }

    #[test]
    fn greedy_takes_the_best_and_the_lowest_of_equals() {
        let mut random = ChaCha8Rng::seed_from_u64(0);
        assert_eq!(choose(&LOGPROBS, None, &decoding(0.0, 1.0), &mut random), Some(1));
        assert_eq!(
            choose(&LOGPROBS, Some(&[3, 2]), &decoding(0.0, 1.0), &mut random),
            Some(2)
        );
    }

    #[test]
    fn samples_follow_the_distribution_and_the_nucleus() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut counts = [0usize; 4];
        for _ in 0..20_000 {
            counts[choose(&LOGPROBS, None, &decoding(1.0, 1.0), &mut random).expect("a token") as usize] += 1;
        }
        for (count, share) in counts.iter().zip([0.1, 0.5, 0.2, 0.2]) {
            assert!((*count as f64 / 20_000.0 - share).abs() < 0.015, "{counts:?}");
        }
        for _ in 0..200 {
            let token = choose(&LOGPROBS, None, &decoding(1.0, 0.6), &mut random);
            assert!(matches!(token, Some(1 | 2)), "0.5 + 0.2 reach 0.6, got {token:?}");
        }
    }

    #[test]
    fn a_branch_ends_at_a_stop_token_a_complete_answer_or_its_limit() {
        let mut stopped = Writer::new(branch(None, 9));
        assert_eq!(stopped.step(&[-9.0, -9.0, -9.0, -0.1], &decoding(0.0, 1.0)), None);
        assert_eq!(stopped.finish().finish, Finish::Stop);

        let menus = vec![Menu::Only(vec![2]), Menu::Only(vec![0, 2]), Menu::Done];
        let mut complete = Writer::new(branch(Some(Fixed(menus)), 9));
        assert_eq!(complete.forced(), Some(2));
        assert_eq!(complete.step(&LOGPROBS, &decoding(0.0, 1.0)), Some(2));
        assert_eq!(complete.step(&LOGPROBS, &decoding(0.0, 1.0)), None);
        let written = complete.finish();
        assert_eq!((written.tokens, written.finish), (vec![2, 2], Finish::Complete));
        assert!((written.off_menu[0] - 0.8).abs() < 1e-6 && (written.off_menu[1] - 0.7).abs() < 1e-6);

        let mut long = Writer::new(branch(None, 1));
        assert_eq!(long.step(&LOGPROBS, &decoding(0.0, 1.0)), None);
        let written = long.finish();
        assert_eq!((written.tokens, written.finish), (vec![1], Finish::Length));
        assert!(Writer::new(branch(None, 0)).is_over());
    }
}
