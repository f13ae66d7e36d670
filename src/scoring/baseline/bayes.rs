//! Naive Bayes: what a person's other answers make of a probe, had they nothing to do with each other given the probe's
//! answer.
//!
//! Learnt from everyone else in the file, with one answer of each kind added to every count (Laplace), as scikit-learn's
//! `CategoricalNB` does with `alpha = 1` and the candidates' number as `min_categories`. A question that either side left
//! out says nothing. Counts of pairs of answers are kept for everyone; of a person who is among them, their own answers
//! are taken out again.

use rayon::prelude::*;

use crate::survey::QuestionIndex;

/// How often answers to two questions were given by one person: for every candidate of every question.
#[derive(Debug, Clone)]
pub(super) struct AnswerPairs {
    /// Where the candidates of each question begin among all candidates; one entry more than there are questions.
    starts: Vec<usize>,
    /// By candidate of a possible probe and candidate of any question.
    together: Vec<u32>,
    /// By candidate of a possible probe and question: how many of those who chose it answered the question.
    answered: Vec<u32>,
    /// Where the candidates of a possible probe begin among the rows of `together`; none for other questions.
    rows: Vec<Option<usize>>,
    /// The logarithms of 0 to all people and candidates: the same bits on every machine.
    logs: Vec<f64>,
}

/// An answer that is known of the person whose probe is guessed.
struct ToldAnswer {
    question: QuestionIndex,
    /// The candidate's number among all.
    answer: usize,
    /// Candidates of the question.
    kinds: u32,
    /// 1 where the person's own answers, which were counted, have one to this question; and where it is the same one.
    own: u32,
    own_equal: u32,
}

impl AnswerPairs {
    /// Counts. `answer` says what the person of a row answered to a question, a position below its `candidates`; `probes`
    /// are the questions that can be asked.
    pub(super) fn new(
        candidates: &[u8],
        probes: &[bool],
        people: usize,
        answer: impl Fn(usize, QuestionIndex) -> Option<usize>,
    ) -> Self {
        let mut starts = vec![0];
        starts.extend(candidates.iter().scan(0, |end, &n| {
            *end += usize::from(n);
            Some(*end)
        }));
        let mut next = 0;
        let row = |(question, &probe): (usize, &bool)| {
            let row = next;
            next += if probe { usize::from(candidates[question]) } else { 0 };
            probe.then_some(row)
        };
        let rows = probes.iter().enumerate().map(row).collect();
        let most = people + usize::from(candidates.iter().copied().max().unwrap_or(0));
        let mut pairs = Self {
            starts,
            together: Vec::new(),
            answered: Vec::new(),
            rows,
            logs: (0..=most).map(|n| libm::log(n as f64)).collect(),
        };
        pairs.together = pairs.counted(people, answer);
        for counts in pairs.together.chunks(pairs.candidates().max(1)) {
            let of_question = pairs
                .starts
                .windows(2)
                .map(|range| counts[range[0]..range[1]].iter().sum());
            pairs.answered.extend::<Vec<u32>>(of_question.collect());
        }
        pairs
    }

    /// All counts of pairs: of every candidate one bit a person, and pairs by what two rows of bits have in common.
    fn counted(&self, people: usize, answer: impl Fn(usize, QuestionIndex) -> Option<usize>) -> Vec<u32> {
        let words = people.div_ceil(64).max(1);
        let mut chosen = vec![0u64; self.candidates() * words];
        for question in 0..self.rows.len() {
            for person in 0..people {
                if let Some(at) = answer(person, question).and_then(|group| self.candidate(question, group)) {
                    chosen[at * words + person / 64] |= 1 << (person % 64);
                }
            }
        }
        let of = |candidate: usize| &chosen[candidate * words..][..words];
        let asked = self.rows.iter().enumerate().filter(|(_, row)| row.is_some());
        let asked: Vec<usize> = asked
            .flat_map(|(question, _)| self.starts[question]..self.starts[question + 1])
            .collect();
        let row = |&probe: &usize| -> Vec<u32> {
            let common = |at: usize| of(probe).iter().zip(of(at)).map(|(a, b)| (a & b).count_ones()).sum();
            (0..self.candidates()).map(common).collect()
        };
        let counts: Vec<Vec<u32>> = asked.par_iter().map(row).collect();
        counts.concat()
    }

    /// All candidates of all questions.
    fn candidates(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// A candidate's number among all.
    fn candidate(&self, question: QuestionIndex, group: usize) -> Option<usize> {
        let (start, end) = (self.starts[question], *self.starts.get(question + 1)?);
        (start + group < end).then_some(start + group)
    }

    /// The most probable answer to a probe given the answers `shown`, of several the first; none where nobody else
    /// answered it. `own` are the person's own answers, where they are among those who were counted. Of both,
    /// [`MISSING`](crate::survey::MISSING) stands for none.
    pub(super) fn guess(&self, own: Option<&[u8]>, shown: &[u8], probe: QuestionIndex) -> Option<usize> {
        let row = self.rows[probe]?;
        let own = |question: QuestionIndex| self.candidate(question, (*own?.get(question)?).into());
        let told: Vec<ToldAnswer> = (0..shown.len())
            .filter_map(|question| {
                let answer = self.candidate(question, shown[question].into())?;
                Some(ToldAnswer {
                    question,
                    answer,
                    kinds: (self.starts[question + 1] - self.starts[question]) as u32,
                    own: own(question).is_some().into(),
                    own_equal: (own(question) == Some(answer)).into(),
                })
            })
            .collect();
        let mut best: Option<(usize, f64)> = None;
        for group in 0..self.starts[probe + 1] - self.starts[probe] {
            let counts = &self.together[(row + group) * self.candidates()..][..self.candidates()];
            let answered = &self.answered[(row + group) * self.rows.len()..][..self.rows.len()];
            let candidate = self.starts[probe] + group;
            let own = u32::from(own(probe) == Some(candidate));
            let chosen = counts[candidate] - own;
            if chosen == 0 {
                continue;
            }
            let score = told.iter().fold(self.log(chosen), |score, told| {
                let equal = counts[told.answer] - own * told.own_equal;
                let others = answered[told.question] - own * told.own;
                score + self.log(equal + 1) - self.log(others + told.kinds)
            });
            if best.is_none_or(|(_, most)| score > most) {
                best = Some((group, score));
            }
        }
        best.map(|(group, _)| group)
    }

    fn log(&self, count: u32) -> f64 {
        self.logs[count as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::super::Target;
    use super::super::tests::{catalogue, reference, said};
    use crate::probe::Split;
    use crate::survey::MISSING;

    const X: u8 = MISSING;

    /// Made once with scikit-learn 1.9.1: 40 people by latent tendency (numpy's generator, seed 7), and for each of them what
    /// `CategoricalNB(alpha=1, min_categories=...)`, fitted to the other 39, says of questions 1 to 3 from 4 to 6 and of 4 to
    /// 6 from 1 to 3. The closest call of all is 0.047 nats.
    const PEOPLE: &str = "101001 010113 011112 100011 200011 001013 110002 010101 010111 211000 110100 011112 100003 210001 \
        111000 111001 201112 211012 201010 100001 201010 000003 201101 010113 000101 100113 201010 211103 001100 010002 \
        201010 010100 101113 101013 110113 201102 010112 000100 111012 210102";
    const SAID: &str = "100013 000102 011102 201003 101000 101110 211103 000102 000102 201012 001003 011102 100001 100102 \
        201012 100012 011010 211010 201010 100003 201010 100111 010010 000102 010113 010001 201010 000012 210113 211103 \
        201010 201102 010010 101010 000001 010010 011103 211113 211003 010101";

    fn digits(text: &str) -> Vec<Vec<u8>> {
        let row = |word: &str| word.bytes().map(|digit| digit - b'0').collect();
        text.split_whitespace().map(row).collect()
    }

    #[test]
    fn it_says_what_scikit_learn_says() {
        let catalogue = catalogue(&[3, 2, 2, 2, 2, 4]);
        let (people, expected) = (digits(PEOPLE), digits(SAID));
        let reference = reference(&catalogue, &people);
        for (own, (groups, expected)) in people.iter().zip(&expected).enumerate() {
            let target = Target { groups, own: Some(own) };
            let said = said(&reference, target, &[Split::One, Split::Two], 0);
            let guesses: Vec<_> = said.iter().map(|said| (said.question, said.naive_bayes)).collect();
            let expected: Vec<_> = (0..).zip(expected.iter().map(|&guess| Some(guess.into()))).collect();
            assert_eq!(guesses, expected, "person {own}");
        }
    }

    #[test]
    fn what_was_left_out_says_nothing_by_hand() {
        // Split 1 asks the first of four questions. Of the others who answered it, two chose 0 and three chose 1.
        // The person left the second out; to the third they said 1: of those who chose 0 two of two did so, of those
        // who chose 1 one of two (the third left it out). 2/5 x 3/4 x 2/4 against 3/5 x 2/4 x 4/5: 0.15 < 0.24.
        let catalogue = catalogue(&[2, 2, 2, 2]);
        let people = [
            vec![0, 0, 1, 0],
            vec![0, 0, 1, 1],
            vec![1, 1, 1, 0],
            vec![1, 1, 0, 0],
            vec![1, 1, X, 0],
            vec![X, 0, 1, 1],
        ];
        let reference = reference(&catalogue, &people);
        let guess = |groups: &[u8]| {
            let target = Target { groups, own: None };
            said(&reference, target, &[Split::One], 0)[0].naive_bayes
        };
        // Shown are the third and fourth alone: the split hides the first two.
        assert_eq!(guess(&[0, X, 1, 0]), Some(1));
        // With 1 to the fourth: 2/5 x 3/4 x 2/4 against 3/5 x 2/4 x 1/5, so 0.15 > 0.06.
        assert_eq!(guess(&[0, X, 1, 1]), Some(0));
        // Nothing shown: the commoner one.
        assert_eq!(guess(&[0, 0, X, X]), Some(1));
    }

    #[test]
    fn nobody_tells_from_their_own_answer() {
        // All agree but the person: of the others nobody chose 1, so it cannot be guessed.
        let catalogue = catalogue(&[2, 2, 2, 2]);
        let people = [vec![1, 1, 1, 1], vec![0, 0, 0, 0], vec![0, 0, 0, 0]];
        let reference = reference(&catalogue, &people);
        let target = Target {
            groups: &people[0],
            own: Some(0),
        };
        assert_eq!(said(&reference, target, &[Split::One], 0)[0].naive_bayes, Some(0));
        let alone = self::reference(&catalogue, &people[..1]);
        assert_eq!(said(&alone, target, &[Split::One], 0)[0].naive_bayes, None);
    }
}
