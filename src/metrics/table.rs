//! Outcomes as metrics need them: some dozens of bytes each, in place of all tokens and texts that they rest on.

use super::met::{Met, small};
use crate::scoring::norm::{CandidateSums, highest};
use crate::scoring::{Condition, Evidence, Norm, Outcome, Reading};
use crate::survey::QuestionId;

/// Outcomes by column. People, questions and conditions are kept once; what they are numbered by is their first outcome.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutcomeTable {
    respondents: Met<String>,
    questions: Met<QuestionId>,
    conditions: Met<Condition>,
    rows: Vec<OutcomeRow>,
    /// What likelihoods have of each candidate, row by row.
    candidates: Vec<CandidateSums>,
    /// The log-probabilities of labels, row by row.
    logprobs: Vec<f64>,
}

/// One outcome in 36 bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct OutcomeRow {
    respondent: u32,
    question: u32,
    condition: u32,
    context_tokens: u32,
    /// Where what it rests on begins in its column; the number of further tries of a generated answer.
    at: u32,
    /// How many numbers that is.
    count: u16,
    shown: u16,
    candidates: u16,
    label: u16,
    prediction: u16,
    split: u8,
    kind: RowKind,
}

/// A position among candidates that is none.
const NO_CHOICE: u16 = u16::MAX;

/// A number of candidates, of what was shown or of answers; one that is larger stays as large as can be. Metrics refuse a
/// question long before it has as many candidates.
fn few(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(NO_CHOICE).min(NO_CHOICE - 1)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum RowKind {
    Likelihood { neutral: bool },
    Label { flips: Option<bool> },
    Generation { reading: Reading, flips: Option<bool> },
}

/// One outcome of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TabledOutcome<'a> {
    /// Number of the respondent in [`OutcomeTable::respondents`].
    pub person: usize,
    /// 1, 2 or 3.
    pub split: u8,
    /// The probed question.
    pub question: QuestionId,
    /// The condition of the run's grid.
    pub condition: &'a Condition,
    /// Number of candidates.
    pub candidates: usize,
    /// Position of the respondent's own candidate.
    pub label: usize,
    /// Position of the chosen candidate as it was recorded; absent where none could be read.
    pub prediction: Option<usize>,
    /// Tokens of the context.
    pub context_tokens: usize,
    /// Demonstrations shown.
    pub shown: usize,
    /// What the prediction rests on.
    pub basis: Basis<'a>,
}

/// What a prediction rests on, as far as metrics look at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Basis<'a> {
    /// Log-likelihoods of candidates.
    Likelihood {
        /// One entry a candidate.
        scores: &'a [CandidateSums],
        /// Whether they say nothing about the person ([`Evidence::is_neutral`]).
        neutral: bool,
    },
    /// Log-probabilities of option labels.
    Label {
        /// One a candidate, nats.
        logprobs: &'a [f64],
        /// Whether the choice depends on the order of options; absent where fewer than two gave one.
        flips: Option<bool>,
    },
    /// A generated answer.
    Generation {
        /// How it was read.
        reading: Reading,
        /// Texts that were generated because the one before could not be read.
        retries: usize,
        /// Whether the choice depends on the order of options; absent where fewer than two gave one.
        flips: Option<bool>,
    },
}

impl OutcomeTable {
    /// Adds an outcome.
    pub fn push(&mut self, outcome: &Outcome) {
        let (at, count, kind) = self.keep(&outcome.evidence);
        self.rows.push(OutcomeRow {
            respondent: self.respondents.number(&outcome.respondent),
            question: self.questions.number(&outcome.question),
            condition: self.conditions.number(&outcome.condition),
            context_tokens: small(outcome.context_tokens),
            at: small(at),
            count: few(count),
            shown: few(outcome.shown),
            candidates: few(outcome.candidates),
            label: few(outcome.label),
            prediction: outcome.prediction.map_or(NO_CHOICE, few),
            split: outcome.split,
            kind,
        });
    }

    /// Keeps what metrics need of some evidence; says where, and how many numbers that is.
    fn keep(&mut self, evidence: &Evidence) -> (usize, usize, RowKind) {
        match evidence {
            Evidence::Likelihood { scores } => {
                let at = self.candidates.len();
                self.candidates.extend(scores.iter().map(CandidateSums::of));
                let neutral = evidence.is_neutral();
                (at, scores.len(), RowKind::Likelihood { neutral })
            }
            Evidence::Label { logprobs, .. } => {
                let at = self.logprobs.len();
                self.logprobs.extend(logprobs);
                let flips = evidence.flips_with_order();
                (at, logprobs.len(), RowKind::Label { flips })
            }
            Evidence::Generation { reading, .. } => {
                let (reading, flips) = (*reading, evidence.flips_with_order());
                (evidence.retries(), 0, RowKind::Generation { reading, flips })
            }
        }
    }

    /// Number of outcomes.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whoever has an outcome.
    pub fn respondents(&self) -> &[String] {
        self.respondents.all()
    }

    /// The conditions that have an outcome.
    pub fn conditions(&self) -> &[Condition] {
        self.conditions.all()
    }

    /// All outcomes, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = TabledOutcome<'_>> {
        self.rows.iter().map(|row| self.outcome(row))
    }

    /// The outcomes of one condition, in the same order.
    pub fn of_condition(&self, condition: &Condition) -> impl Iterator<Item = TabledOutcome<'_>> {
        let number = self.conditions.find(condition);
        let rows = self.rows.iter().filter(move |row| Some(row.condition) == number);
        rows.map(|row| self.outcome(row))
    }

    fn outcome(&self, row: &OutcomeRow) -> TabledOutcome<'_> {
        let at = row.at as usize;
        let numbers = at..at + usize::from(row.count);
        TabledOutcome {
            person: row.respondent as usize,
            split: row.split,
            question: self.questions.all()[row.question as usize],
            condition: &self.conditions.all()[row.condition as usize],
            candidates: usize::from(row.candidates),
            label: usize::from(row.label),
            prediction: (row.prediction != NO_CHOICE).then_some(usize::from(row.prediction)),
            context_tokens: row.context_tokens as usize,
            shown: usize::from(row.shown),
            basis: match row.kind {
                RowKind::Likelihood { neutral } => Basis::Likelihood {
                    scores: &self.candidates[numbers],
                    neutral,
                },
                RowKind::Label { flips } => Basis::Label {
                    logprobs: &self.logprobs[numbers],
                    flips,
                },
                RowKind::Generation { reading, flips } => Basis::Generation {
                    reading,
                    retries: at,
                    flips,
                },
            },
        }
    }
}

impl<'a> FromIterator<&'a Outcome> for OutcomeTable {
    fn from_iter<I: IntoIterator<Item = &'a Outcome>>(outcomes: I) -> Self {
        let mut table = Self::default();
        outcomes.into_iter().for_each(|outcome| table.push(outcome));
        table
    }
}

impl TabledOutcome<'_> {
    /// One score a candidate, on a log scale: under `norm` for likelihoods, the label's logprob for labels. Absent for
    /// generated answers, where the norm cannot be computed, and of methods that choose among likelihoods by a rule of
    /// their own.
    pub fn candidate_scores(&self, norm: Norm) -> Option<Vec<f64>> {
        match self.basis {
            Basis::Likelihood { .. } if !self.is_normed() => None,
            Basis::Likelihood { scores, .. } => scores.iter().map(|candidate| norm.of_sums(candidate)).collect(),
            Basis::Label { logprobs, .. } => Some(logprobs.to_vec()),
            Basis::Generation { .. } => None,
        }
    }

    /// Whether it says anything under `norm`. Where the context is the neutral one itself, token for token, PMI is a
    /// difference of equal numbers: what remains of it is rounding, and no choice.
    pub fn is_informed(&self, norm: Norm) -> bool {
        norm != Norm::Pmi || !self.is_normed() || !matches!(self.basis, Basis::Likelihood { neutral: true, .. })
    }

    /// Whether norms are applied to it.
    fn is_normed(&self) -> bool {
        self.condition.method.definition().is_normed()
    }

    /// What it predicts under `norm`: the candidate with the highest score, the first one where several tie. Outcomes
    /// of methods that no norm is applied to say what they predict themselves.
    pub fn predicted(&self, norm: Norm) -> Option<usize> {
        match self.basis {
            Basis::Likelihood { .. } if self.is_normed() => highest(&self.candidate_scores(norm)?),
            Basis::Likelihood { .. } | Basis::Label { .. } | Basis::Generation { .. } => self.prediction,
        }
    }

    /// The same, where it says anything under that norm.
    pub fn informed(&self, norm: Norm) -> Option<usize> {
        self.predicted(norm).filter(|_| self.is_informed(norm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::{CandidateScore, Control, Method, Permutation};
    use crate::survey::Form;

    fn outcome(respondent: &str, method: Method, evidence: Evidence) -> Outcome {
        Outcome {
            respondent: respondent.to_owned(),
            split: 2,
            question: QuestionId::number(7),
            condition: Condition {
                method,
                demonstrations: 5,
                form: Form::Polar,
                demographics: false,
                category: None,
                control: Control::Own,
            },
            candidates: 2,
            label: 1,
            prediction: Some(1),
            context_tokens: 300,
            shown: 5,
            evidence,
        }
    }

    fn score(logprobs: &[f32], unconditional: &[f32]) -> CandidateScore {
        CandidateScore {
            tokens: vec![3; logprobs.len()],
            logprobs: logprobs.to_vec(),
            unconditional: (!unconditional.is_empty()).then(|| unconditional.to_vec()),
            chars: 9,
            bytes: 10,
        }
    }

    /// A method may keep likelihoods and choose by a rule of its own: no norm overrules it.
    #[test]
    fn only_methods_that_norms_are_applied_to_are_chosen_for_by_norm() {
        let scores = vec![score(&[-1.0], &[-1.0]), score(&[-2.0], &[-1.0])];
        let own_rule = outcome("a", Method::Toy, Evidence::Likelihood { scores: scores.clone() });
        let normed = outcome("a", Method::Likelihood, Evidence::Likelihood { scores });
        let table: OutcomeTable = [&own_rule, &normed].into_iter().collect();
        let told: Vec<TabledOutcome<'_>> = table.iter().collect();
        for norm in Norm::ALL {
            assert_eq!(
                (told[0].informed(norm), told[0].candidate_scores(norm)),
                (Some(1), None),
                "{norm}"
            );
        }
        assert_eq!(told[1].predicted(Norm::Sum), Some(0));
    }

    #[test]
    fn a_row_is_small_and_large_numbers_stay_large() {
        assert_eq!(size_of::<OutcomeRow>(), 36);
        assert_eq!(
            (few(0), few(65_534), few(65_535), few(usize::MAX)),
            (0, 65_534, 65_534, 65_534)
        );
    }

    /// Every norm of every candidate is that of the evidence itself, and outcomes of several people, methods and kinds
    /// of evidence come out as they went in.
    #[test]
    fn a_table_gives_back_what_outcomes_say() {
        let scores = vec![score(&[-1.0, -2.5], &[-2.0, -2.0]), score(&[-0.25], &[-0.5])];
        let neutral = vec![score(&[-1.0], &[-1.0]), score(&[-2.0], &[-2.0])];
        let order = |order: [usize; 2], logprobs: [f64; 2]| Permutation {
            order: order.to_vec(),
            logprobs: logprobs.to_vec(),
        };
        let label = Evidence::Label {
            logprobs: vec![-0.5, -1.0],
            invalid_mass: 0.1,
            permutations: vec![order([0, 1], [-0.1, -2.0]), order([1, 0], [-0.1, -2.0])],
        };
        let all = [
            outcome("a", Method::Likelihood, Evidence::Likelihood { scores: scores.clone() }),
            outcome("b", Method::Label, label),
            outcome("a", Method::Likelihood, Evidence::Likelihood { scores: neutral }),
        ];
        let table: OutcomeTable = all.iter().collect();
        assert_eq!(
            (table.len(), table.respondents()),
            (3, &["a".to_owned(), "b".to_owned()][..])
        );
        assert_eq!(table.conditions(), [all[0].condition.clone(), all[1].condition.clone()]);
        let told: Vec<TabledOutcome<'_>> = table.iter().collect();
        for (told, outcome) in told.iter().zip(&all) {
            assert_eq!(table.respondents()[told.person], outcome.respondent);
            assert_eq!(told.condition, &outcome.condition);
            let (split, question, label) = (told.split, told.question, told.label);
            assert_eq!(
                (split, question, label),
                (outcome.split, outcome.question, outcome.label)
            );
            let counts = (told.candidates, told.context_tokens, told.shown);
            assert_eq!(counts, (outcome.candidates, outcome.context_tokens, outcome.shown));
            assert_eq!(told.prediction, outcome.prediction);
        }
        for norm in Norm::ALL {
            let expected: Option<Vec<f64>> = scores.iter().map(|one| norm.value(one)).collect();
            assert_eq!(told[0].candidate_scores(norm), expected, "{norm}");
            assert_eq!(told[1].predicted(norm), Some(1), "labels say what they predict");
            assert_eq!(told[2].informed(norm).is_some(), norm != Norm::Pmi, "{norm}");
        }
        assert!(matches!(told[1].basis, Basis::Label { flips: Some(true), .. }));
        assert_eq!(table.of_condition(&all[0].condition).count(), 2);
    }
}
