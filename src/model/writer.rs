//! One text that is generated, step by step: what may come next, which token is taken, when it ends.
//!
//! Engines differ in how they compute a distribution; what they do with it is here, once.

use crate::base::random::Draws;

use super::contract::{Allowed, Attempt, Constraint, Decoding, Finish, Generation, TokenId};

/// Tokens looked at first for a nucleus; more only if their mass doesn't reach it.
const NUCLEUS_START: usize = 256;

/// A text while it is being generated.
pub struct Writer {
    constraint: Option<Box<dyn Constraint>>,
    random: Draws,
    decoding: Decoding,
    max_tokens: usize,
    allowed: Allowed,
    written: Generation,
    over: bool,
}

impl Writer {
    /// Starts a text of at most `max_tokens` and looks at what it may begin with; the prompt is the engine's business.
    pub fn new(attempt: Attempt, max_tokens: usize) -> Self {
        let mut writer = Self {
            constraint: attempt.constraint,
            random: Draws::new(attempt.seed, 0),
            decoding: attempt.decoding,
            max_tokens,
            allowed: Allowed::Any,
            written: Generation::nothing(Finish::Length),
            over: false,
        };
        writer.look();
        writer
    }

    /// Whether nothing more is to be generated.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// The tokens that may come next, ascending, each once; absent where all may.
    pub(crate) fn allowed(&self) -> Option<&[TokenId]> {
        match &self.allowed {
            Allowed::Only(tokens) => Some(tokens),
            Allowed::Any | Allowed::Watch(_) | Allowed::Done => None,
        }
    }

    /// The only token that may come next, where the constraint leaves no choice. An engine may append runs of such
    /// tokens in one pass.
    pub(crate) fn forced(&self) -> Option<TokenId> {
        match self.allowed() {
            Some(&[token]) if !self.over => Some(token),
            _ => None,
        }
    }

    /// Takes the [forced](Self::forced) token before its log-probability is known, which [`Writer::score_taken`]
    /// brings later. Returns it; absent where there is none, or where it ends the branch.
    pub fn take_forced(&mut self) -> Option<TokenId> {
        let token = self.forced()?;
        if self.decoding.stop.contains(&token) {
            return self.end(Finish::Stop);
        }
        self.written.tokens.push(token);
        self.look();
        Some(token)
    }

    /// Tokens that were taken without a log-probability and still have none, oldest first.
    pub(crate) fn unscored(&self) -> &[TokenId] {
        &self.written.tokens[self.written.logprobs.len()..]
    }

    /// Brings the log-probability, in nats, of the oldest [unscored](Self::unscored) token.
    pub(crate) fn score_taken(&mut self, logprob: f32) {
        self.written.logprobs.push(logprob);
        self.written.invalid_mass.push((-logprob.exp_m1()).clamp(0., 1.));
    }

    /// Tokens written so far.
    pub fn tokens(&self) -> &[TokenId] {
        &self.written.tokens
    }

    /// Takes the next token from `logprobs`, the model's full log-softmax after what was written, `(vocabulary)`,
    /// nats. Returns the token to append, absent where the branch has ended.
    pub fn step(&mut self, logprobs: &[f32]) -> Option<TokenId> {
        if self.over {
            return None;
        }
        let invalid_mass = match &self.allowed {
            Allowed::Only(allowed) | Allowed::Watch(allowed) => mass_outside(logprobs, allowed),
            Allowed::Any | Allowed::Done => 0.0,
        };
        let allowed = match &self.allowed {
            Allowed::Only(allowed) => Some(allowed.as_slice()),
            Allowed::Any | Allowed::Watch(_) | Allowed::Done => None,
        };
        let Some(token) = choose(logprobs, allowed, &self.decoding, &mut self.random) else {
            return self.end(Finish::Complete);
        };
        if self.decoding.stop.contains(&token) {
            return self.end(Finish::Stop);
        }
        self.written.tokens.push(token);
        self.written
            .logprobs
            .push(logprobs.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY));
        self.written.invalid_mass.push(invalid_mass);
        self.look();
        (!self.over).then_some(token)
    }

    /// What was generated; nothing of it is left behind.
    pub fn take(&mut self) -> Generation {
        let finish = self.written.finish;
        std::mem::replace(&mut self.written, Generation::nothing(finish))
    }

    /// Asks the constraint what may come next; a complete answer ends the branch before another pass is spent on it.
    fn look(&mut self) {
        self.allowed = match &mut self.constraint {
            Some(constraint) => constraint.allowed(&self.written.tokens),
            None => Allowed::Any,
        };
        if let Allowed::Only(tokens) | Allowed::Watch(tokens) = &mut self.allowed {
            tokens.sort_unstable();
            tokens.dedup();
        }
        if self.allowed == Allowed::Done {
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

impl Generation {
    /// Nothing, which ended so.
    fn nothing(finish: Finish) -> Self {
        Self {
            tokens: Vec::new(),
            logprobs: Vec::new(),
            invalid_mass: Vec::new(),
            finish,
        }
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
fn choose(logprobs: &[f32], allowed: Option<&[TokenId]>, decoding: &Decoding, random: &mut Draws) -> Option<TokenId> {
    let all = (0..).zip(logprobs.iter().map(|&logprob| f64::from(logprob)));
    let better = |a: (TokenId, f64), b: (TokenId, f64)| if b.1 > a.1 || (b.1 == a.1 && b.0 < a.0) { b } else { a };
    if allowed.is_none() && decoding.temperature <= 0.0 {
        return all.reduce(better).map(|(token, _)| token);
    }
    let mut tokens: Vec<(TokenId, f64)> = match allowed {
        Some(tokens) => tokens
            .iter()
            .filter_map(|&token| Some((token, f64::from(*logprobs.get(token as usize)?))))
            .collect(),
        None => all.collect(),
    };
    let best = tokens.iter().copied().reduce(better)?;
    if decoding.temperature <= 0.0 || tokens.len() == 1 {
        return Some(best.0);
    }
    for (_, weight) in &mut tokens {
        *weight = libm::exp((*weight - best.1) / f64::from(decoding.temperature));
    }
    if decoding.top_p < 1.0 {
        cut_to_nucleus(&mut tokens, f64::from(decoding.top_p));
    }
    let total: f64 = tokens.iter().map(|(_, weight)| weight).sum();
    let mut left = random.unit() * total;
    let drawn = tokens.iter().find(|(_, weight)| {
        left -= weight;
        left < 0.0
    });
    // Rounding may leave a crumb: then the best.
    Some(drawn.map_or(best.0, |(token, _)| *token))
}

/// Keeps the smallest set of tokens of greatest weight whose share of the mass reaches `share`, always at least one;
/// of equals the lower token first. They are left in falling order of weight.
fn cut_to_nucleus(tokens: &mut Vec<(TokenId, f64)>, share: f64) {
    let goal = share * tokens.iter().map(|(_, weight)| weight).sum::<f64>();
    let order = |a: &(TokenId, f64), b: &(TokenId, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    let mut looked = NUCLEUS_START;
    loop {
        // Sorting a whole vocabulary costs more than the few tokens of a usual nucleus deserve.
        if looked < tokens.len() {
            tokens.select_nth_unstable_by(looked, order);
        } else {
            looked = tokens.len();
        }
        tokens[..looked].sort_unstable_by(order);
        let mut mass = 0.;
        let reached = tokens[..looked].iter().position(|(_, weight)| {
            mass += weight;
            mass >= goal
        });
        match reached {
            Some(last) => return tokens.truncate(last + 1),
            None if looked == tokens.len() => return,
            None => looked *= 8,
        }
    }
}

/// The log-softmax of logits, summed in f64.
#[cfg(test)]
fn log_softmax(logits: &[f32]) -> Vec<f32> {
    let max = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = logits.iter().map(|&logit| (f64::from(logit) - max).exp()).sum();
    let log_sum = max + sum.ln();
    logits
        .iter()
        .map(|&logit| (f64::from(logit) - log_sum) as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOGPROBS: [f32; 4] = [
        -std::f32::consts::LN_10,
        -std::f32::consts::LN_2,
        -1.609_438,
        -1.609_438,
    ]; // 0.1, 0.5, 0.2, 0.2

    fn decoding(temperature: f32, top_p: f32) -> Decoding {
        Decoding {
            temperature,
            top_p,
            stop: vec![3],
        }
    }

    struct Fixed(Vec<Allowed>);

    impl Constraint for Fixed {
        fn allowed(&mut self, generated: &[TokenId]) -> Allowed {
            self.0[generated.len()].clone()
        }
    }

    /// A greedy text.
    fn writer(constraint: Option<Fixed>, max_tokens: usize) -> Writer {
        let attempt = Attempt {
            constraint: constraint.map(|c| Box::new(c) as Box<dyn Constraint>),
            seed: 7,
            decoding: decoding(0.0, 1.0),
        };
        Writer::new(attempt, max_tokens)
    }

    #[test]
    fn greedy_takes_the_best_and_the_lowest_of_equals() {
        let mut random = Draws::new(0, 0);
        assert_eq!(choose(&LOGPROBS, None, &decoding(0.0, 1.0), &mut random), Some(1));
        assert_eq!(
            choose(&LOGPROBS, Some(&[3, 2]), &decoding(0.0, 1.0), &mut random),
            Some(2)
        );
    }

    #[test]
    fn samples_follow_the_distribution_and_the_nucleus() {
        let mut random = Draws::new(1, 0);
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
        let mut stopped = writer(None, 9);
        assert_eq!(stopped.step(&[-9.0, -9.0, -9.0, -0.1]), None);
        assert_eq!(stopped.take().finish, Finish::Stop);

        let steps = vec![Allowed::Only(vec![2]), Allowed::Only(vec![0, 2]), Allowed::Done];
        let mut complete = writer(Some(Fixed(steps)), 9);
        assert_eq!(complete.forced(), Some(2));
        assert_eq!(complete.step(&LOGPROBS), Some(2));
        assert_eq!(complete.step(&LOGPROBS), None);
        let written = complete.take();
        assert_eq!((written.tokens, written.finish), (vec![2, 2], Finish::Complete));
        assert!((written.invalid_mass[0] - 0.8).abs() < 1e-6 && (written.invalid_mass[1] - 0.7).abs() < 1e-6);

        let mut long = writer(None, 1);
        assert_eq!(long.step(&LOGPROBS), None);
        let written = long.take();
        assert_eq!((written.tokens, written.finish), (vec![1], Finish::Length));
        assert!(writer(None, 0).is_over());
    }

    #[test]
    fn draws_follow_temperature_nucleus_and_allowed_tokens() {
        // 4,000 draws: three standard errors of a share are below 0.024.
        const CLOSE: f64 = 0.024;
        let logprobs = log_softmax(&[1f32.ln(), 3f32.ln(), 6f32.ln()]);
        let shares = |temperature, top_p, allowed: Option<&[TokenId]>| {
            let mut random = Draws::new(7, 0);
            let mut shares = [0f64; 3];
            for _ in 0..4000 {
                let token = choose(&logprobs, allowed, &decoding(temperature, top_p), &mut random);
                shares[token.expect("a token") as usize] += 1. / 4000.;
            }
            shares
        };
        let near = |got: [f64; 3], want: [f64; 3]| {
            assert!(
                got.iter().zip(want).all(|(g, w)| (g - w).abs() < CLOSE),
                "{got:?} {want:?}"
            );
        };
        near(shares(0.5, 1.0, None), [1. / 46., 9. / 46., 36. / 46.]);
        near(shares(1.0, 0.85, None), [0.0, 1. / 3., 2. / 3.]);
        near(shares(1.0, 0.1, None), [0.0, 0.0, 1.0]);
        near(shares(1.0, 1.0, Some(&[0, 1])), [0.25, 0.75, 0.0]);
    }

    #[test]
    fn forced_tokens_are_taken_first_and_scored_later() {
        let steps = vec![
            Allowed::Only(vec![2, 2]),
            Allowed::Only(vec![1]),
            Allowed::Only(vec![1, 0, 1]),
            Allowed::Only(vec![3]),
        ];
        let mut writer = writer(Some(Fixed(steps)), 9);
        assert_eq!((writer.take_forced(), writer.take_forced()), (Some(2), Some(1)));
        assert_eq!(writer.take_forced(), None);
        assert_eq!((writer.unscored(), writer.allowed()), (&[2, 1][..], Some(&[0, 1][..])));
        writer.score_taken(0.25f32.ln());
        writer.score_taken(0.0);
        assert_eq!(writer.step(&LOGPROBS), Some(1));
        assert_eq!((writer.take_forced(), writer.is_over()), (None, true));
        let written = writer.take();
        assert_eq!((written.tokens, written.finish), (vec![2, 1, 1], Finish::Stop));
        assert!((written.invalid_mass[0] - 0.75).abs() < 1e-6 && (written.invalid_mass[2] - 0.4).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn the_nucleus_is_the_shortest_head_of_the_sorted_list(
            weights in prop::collection::vec(0u8..9, 1..900), share in 0.01f64..0.999,
        ) {
            let mut sorted: Vec<(TokenId, f64)> = (0..).zip(weights.iter().map(|w| f64::from(*w))).collect();
            let mut cut = sorted.clone();
            cut_to_nucleus(&mut cut, share);
            sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            prop_assert_eq!(&cut[..], &sorted[..cut.len()]);
            let mass = |tokens: &[(TokenId, f64)]| tokens.iter().map(|(_, weight)| weight).sum::<f64>();
            prop_assert!(mass(&cut) >= share * mass(&sorted) && !cut.is_empty());
            prop_assert!(cut.len() == 1 || mass(&cut[..cut.len() - 1]) < share * mass(&sorted));
        }
    }
}
