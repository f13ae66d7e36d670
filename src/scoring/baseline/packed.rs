//! Answers as bits: two people are compared in a dozen words.

use crate::survey::{Catalogue, MISSING, QuestionIndex};

/// Bits of the share in a [`rank`]. Shares of up to 1,000 questions differ by at least a millionth, so equal numbers
/// mean equal shares.
const SHARE: u32 = 20;

/// Bits of the number of agreements in a [`rank`].
const AGREEMENTS: u32 = 12;

/// Bits of the row's position in a [`rank`]; one bit is left for the share (which may be 1) and one for the overlap.
const ROW: u32 = u64::BITS - 2 - SHARE - AGREEMENTS;

/// Everybody's polar answers.
///
/// A person's row is two bit sets: one bit for each polar statement (set where it is the person's answer), then, from a
/// new word on, one bit for each question (set where it was answered). The built-in catalogue takes 9 + 4 words.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    /// One byte an answer, for votes.
    groups: Vec<u8>,
    questions: usize,
    /// The bit of each question's first statement.
    first_bit: Vec<usize>,
    /// Statements of each question.
    candidates: Vec<u8>,
    statement_words: usize,
    words: usize,
    bits: Vec<u64>,
}

/// One person's row without the probes of a split.
#[derive(Debug, Clone)]
pub(super) struct Query {
    bits: Vec<u64>,
    answered: u32,
}

impl Packed {
    pub(super) fn new<'a>(catalogue: &Catalogue, rows: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut statements = 0;
        let mut first_bit = Vec::new();
        let mut candidates = Vec::new();
        for question in &catalogue.questions {
            first_bit.push(statements);
            // More candidates than a byte can tell apart do not come up: a group number is one byte everywhere.
            candidates.push(question.polar.len().min(usize::from(MISSING)) as u8);
            statements += question.polar.len();
        }
        let statement_words = statements.div_ceil(64);
        let questions = first_bit.len();
        let mut packed = Self {
            groups: Vec::new(),
            questions,
            first_bit,
            candidates,
            statement_words,
            words: statement_words + questions.div_ceil(64),
            bits: Vec::new(),
        };
        for row in rows {
            let start = packed.groups.len();
            packed.groups.extend((0..questions).map(|question| {
                row.get(question)
                    .copied()
                    .filter(|&group| group < packed.candidates[question])
                    .unwrap_or(MISSING)
            }));
            let bits = packed.pack(&packed.groups[start..], &[]).bits;
            packed.bits.extend(bits);
        }
        packed
    }

    pub(super) fn len(&self) -> usize {
        self.groups.len() / self.questions.max(1)
    }

    /// The answer of the person in `row`.
    pub(super) fn answer(&self, row: usize, question: QuestionIndex) -> Option<usize> {
        let group = *self.groups.get(row * self.questions + question)?;
        (group != MISSING).then_some(group.into())
    }

    /// Packs a person who need not be in here, leaving some questions out.
    pub(super) fn query(&self, groups: &[u8], without: &[QuestionIndex]) -> Query {
        self.pack(groups, without)
    }

    fn pack(&self, groups: &[u8], without: &[QuestionIndex]) -> Query {
        let mut bits = vec![0u64; self.words];
        let mut answered = 0;
        for (question, &group) in groups.iter().enumerate().take(self.questions) {
            if group >= self.candidates[question] || without.contains(&question) {
                continue;
            }
            let statement = self.first_bit[question] + usize::from(group);
            bits[statement / 64] |= 1 << (statement % 64);
            bits[self.statement_words + question / 64] |= 1 << (question % 64);
            answered += 1;
        }
        Query { bits, answered }
    }

    /// The rows of the `most` people most like each query, best first, by the rule in the module above. `own` is left
    /// out. Everyone is visited once for all queries.
    pub(super) fn nearest(&self, queries: &[Query], own: Option<usize>, most: usize) -> Vec<Vec<usize>> {
        let mut best: Vec<Vec<u64>> = queries.iter().map(|_| Vec::with_capacity(most + 1)).collect();
        for (row, bits) in self.bits.chunks_exact(self.words.max(1)).enumerate() {
            if own == Some(row) {
                continue;
            }
            let (statements, answered) = bits.split_at(self.statement_words);
            for (query, best) in queries.iter().zip(&mut best) {
                let (own_statements, own_answered) = query.bits.split_at(self.statement_words);
                let agreements = common(statements, own_statements);
                let shared = common(answered, own_answered);
                if best.len() == most && best.last().is_none_or(|&last| ranks_below(agreements, shared, last)) {
                    continue;
                }
                let rank = rank(agreements, shared, query.answered, row);
                if best.len() < most || best.last().is_some_and(|&last| rank > last) {
                    let at = best.partition_point(|&other| other > rank);
                    best.insert(at, rank);
                    best.truncate(most);
                }
            }
        }
        let rows = |ranks: Vec<u64>| ranks.into_iter().map(|rank| (!rank & low(ROW)) as usize).collect();
        best.into_iter().map(rows).collect()
    }
}

/// Bits set in both.
fn common(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a & b).count_ones()).sum()
}

/// One number that sorts as the rule says: overlap of at least half, then share, then agreements, then earlier rows.
fn rank(agreements: u32, shared: u32, answered: u32, row: usize) -> u64 {
    let enough = u64::from(shared > 0 && 2 * shared >= answered);
    let share = (u64::from(agreements) << SHARE) / u64::from(shared.max(1));
    let agreements = u64::from(agreements.min(low(AGREEMENTS) as u32));
    (enough << (u64::BITS - 1)) | (share << (ROW + AGREEMENTS)) | (agreements << ROW) | (!(row as u64) & low(ROW))
}

/// Whether a person with these numbers ranks below `last` by share alone: it spares nearly everyone the division.
fn ranks_below(agreements: u32, shared: u32, last: u64) -> bool {
    let enough = last >> (u64::BITS - 1) == 1;
    let share = (last >> (ROW + AGREEMENTS)) & low(SHARE + 1);
    enough && u64::from(agreements) << SHARE < share * u64::from(shared)
}

/// The lowest `bits` bits set.
const fn low(bits: u32) -> u64 {
    (1 << bits) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_sort_by_overlap_share_agreements_and_row() {
        let ordered = [
            rank(100, 100, 200, 9),
            rank(200, 200, 200, 9).min(rank(150, 150, 200, 9)),
            rank(3, 4, 4, 7),
            rank(2, 3, 4, 0),
            rank(1, 3, 4, 0),
            rank(0, 4, 4, 0),
            rank(1, 1, 4, 0),
            rank(0, 0, 4, 0),
        ];
        assert!(rank(200, 200, 200, 9) > ordered[0], "more agreements first");
        assert!(rank(3, 4, 4, 2) > ordered[2], "earlier rows first");
        assert!(ordered[1] > ordered[0]);
        assert!(ordered[1..].windows(2).all(|pair| pair[0] > pair[1]), "{ordered:?}");
    }

    #[test]
    fn unequal_shares_never_look_equal() {
        let mut shares: Vec<(u32, u32, u64)> = Vec::new();
        for shared in 1..=254 {
            for agreements in 0..=shared {
                shares.push((agreements, shared, (u64::from(agreements) << SHARE) / u64::from(shared)));
            }
        }
        shares.sort_by_key(|&(_, _, number)| number);
        for pair in shares.windows(2) {
            let [(a, b, x), (c, d, y)] = pair else { unreachable!() };
            assert_eq!(x == y, a * d == c * b, "{a}/{b} and {c}/{d}");
        }
    }
}
