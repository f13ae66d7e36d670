//! Answers as bits: a person is compared with eight others at a time, for all splits at once.
//!
//! An answer is a number below the question's candidates, so a few bits tell it: the first bits of all answers make one
//! row of bits (a plane), the second bits the next, and one plane more says which questions were answered. Two answers
//! agree where no plane differs. Questions stand in the order of the splits that hold them out, each such section from a
//! new word on, so that what agrees outside a split is a sum over sections.

use super::Similarity;
use crate::probe::Split;
use crate::survey::{MISSING, QuestionIndex};

/// People who are compared at once: their words lie side by side, as wide as the widest registers.
const LANES: usize = 8;

/// Blocks that are gone through for one person before the next: with the widest questions they fit into a core's cache.
const CHUNK: usize = 256;

const SPLITS: usize = Split::ALL.len();

/// One number a split, for each of the people who are compared at once.
type Lanes = [u64; LANES];

/// Everybody's polar answers.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    /// One byte an answer, for votes.
    groups: Vec<u8>,
    layout: Layout,
    /// Bits of [`LANES`] people after the other: word by word, in it plane by plane, in it person by person.
    blocks: Vec<u64>,
}

/// Which bit is whose.
#[derive(Debug, Clone)]
struct Layout {
    /// Candidates of each question.
    candidates: Vec<u8>,
    /// Bit of each question within a plane.
    bits: Vec<usize>,
    sections: Vec<Section>,
    words: usize,
    /// Planes: one for "answered", and as many as the largest answer has bits.
    planes: usize,
}

/// Questions that the same splits hold out.
#[derive(Debug, Clone)]
struct Section {
    words: std::ops::Range<usize>,
    /// By split.
    held_out: [bool; SPLITS],
}

/// Somebody whose nearest others are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seeker<'a> {
    /// Polar answers, one byte a question.
    pub(super) groups: &'a [u8],
    /// Their own row, which is left out.
    pub(super) own: Option<usize>,
}

/// Rows of the most similar others, best first, by split.
pub(super) type Nearest = [Vec<usize>; SPLITS];

impl Layout {
    /// `held_out` says by question which splits hold it out.
    fn new(candidates: Vec<u8>, held_out: &[[bool; SPLITS]]) -> Self {
        let mut kinds = held_out.to_vec();
        kinds.sort_unstable();
        kinds.dedup();
        let mut bits = vec![0; candidates.len()];
        let mut sections = Vec::with_capacity(kinds.len());
        let mut words: usize = 0;
        for kind in kinds {
            let start = words;
            let mut bit = start * 64;
            for question in (0..candidates.len()).filter(|&question| held_out[question] == kind) {
                bits[question] = bit;
                bit += 1;
            }
            words = bit.div_ceil(64);
            sections.push(Section {
                words: start..words,
                held_out: kind,
            });
        }
        let largest = candidates.iter().map(|&n| n.saturating_sub(1)).max().unwrap_or(0);
        Self {
            candidates,
            bits,
            sections,
            words,
            planes: 1 + (u8::BITS - largest.leading_zeros()) as usize,
        }
    }

    /// A group that the question has.
    fn known(&self, question: QuestionIndex, groups: &[u8]) -> Option<u8> {
        groups
            .get(question)
            .copied()
            .filter(|&group| group < self.candidates[question])
    }

    /// Sets a person's bits; `at` says where word and plane stand.
    fn pack(&self, groups: &[u8], into: &mut [u64], at: impl Fn(usize, usize) -> usize) {
        for question in 0..self.candidates.len() {
            let Some(group) = self.known(question, groups) else {
                continue;
            };
            let (word, bit) = (self.bits[question] / 64, self.bits[question] % 64);
            into[at(word, 0)] |= 1 << bit;
            for plane in 1..self.planes {
                into[at(word, plane)] |= u64::from(group >> (plane - 1) & 1) << bit;
            }
        }
    }

    fn query(&self, seeker: &Seeker<'_>) -> Vec<u64> {
        let mut bits = vec![0; self.words * self.planes];
        self.pack(seeker.groups, &mut bits, |word, plane| word * self.planes + plane);
        bits
    }

    /// How many questions a person answered outside each split.
    fn answered(&self, query: &[u64]) -> [u64; SPLITS] {
        let mut answered = [0; SPLITS];
        for section in &self.sections {
            let here = section.words.clone().map(|word| query[word * self.planes]);
            let here: u64 = here.map(|bits| u64::from(bits.count_ones())).sum();
            for (answered, held_out) in answered.iter_mut().zip(section.held_out) {
                *answered += if held_out { 0 } else { here };
            }
        }
        answered
    }

    /// By split: questions that a person and each of a block's people both answered, and of these the equal answers.
    #[inline(always)]
    fn compare<const PLANES: usize>(&self, query: &[u64], block: &[u64]) -> [(Lanes, Lanes); SPLITS] {
        let mut totals = [([0; LANES], [0; LANES]); SPLITS];
        for section in &self.sections {
            let (mut shared, mut equal) = ([0; LANES], [0; LANES]);
            for word in section.words.clone() {
                let own = &query[word * PLANES..][..PLANES];
                let theirs = &block[word * PLANES * LANES..][..PLANES * LANES];
                let mut differ = [0_u64; LANES];
                for plane in 1..PLANES {
                    for lane in 0..LANES {
                        differ[lane] |= own[plane] ^ theirs[plane * LANES + lane];
                    }
                }
                for lane in 0..LANES {
                    let both = own[0] & theirs[lane];
                    shared[lane] += u64::from(both.count_ones());
                    equal[lane] += u64::from((both & !differ[lane]).count_ones());
                }
            }
            for (total, held_out) in totals.iter_mut().zip(section.held_out) {
                let counts = u64::from(!held_out);
                for lane in 0..LANES {
                    total.0[lane] += counts * shared[lane];
                    total.1[lane] += counts * equal[lane];
                }
            }
        }
        totals
    }
}

impl Packed {
    /// `held_out` says by question which splits hold it out. A group that a question does not have is missing.
    pub(super) fn new<'a>(
        candidates: Vec<u8>,
        held_out: &[[bool; SPLITS]],
        rows: impl IntoIterator<Item = &'a [u8]>,
    ) -> Self {
        let layout = Layout::new(candidates, held_out);
        let size = layout.words * layout.planes * LANES;
        let (mut groups, mut blocks) = (Vec::new(), Vec::new());
        for (row, answers) in rows.into_iter().enumerate() {
            let lane = row % LANES;
            if lane == 0 {
                blocks.resize(blocks.len() + size, 0);
            }
            let start = blocks.len() - size;
            let planes = layout.planes;
            layout.pack(answers, &mut blocks[start..], |word, plane| {
                (word * planes + plane) * LANES + lane
            });
            let questions = 0..layout.candidates.len();
            groups.extend(questions.map(|question| layout.known(question, answers).unwrap_or(MISSING)));
        }
        Self { groups, layout, blocks }
    }

    /// How many people it holds.
    pub(super) fn len(&self) -> usize {
        self.groups.len() / self.layout.candidates.len().max(1)
    }

    /// The answer of the person in `row`.
    pub(super) fn answer(&self, row: usize, question: QuestionIndex) -> Option<usize> {
        let group = *self.groups.get(row * self.layout.candidates.len() + question)?;
        (group != MISSING).then_some(group.into())
    }

    /// The `most` people most similar to each seeker. Everyone is visited once for all splits; several seekers share
    /// what is read of memory.
    pub(super) fn nearest(&self, seekers: &[Seeker<'_>], similarity: Similarity, most: usize) -> Vec<Nearest> {
        let mut searches: Vec<Search<'_>> = seekers
            .iter()
            .map(|seeker| Search::new(&self.layout, seeker, similarity, most))
            .collect();
        pulp::Arch::new().dispatch(Visit {
            packed: self,
            searches: &mut searches,
        });
        searches.into_iter().map(Search::rows).collect()
    }

    #[inline(always)]
    fn search<const PLANES: usize>(&self, searches: &mut [Search<'_>]) {
        let size = self.layout.words * PLANES * LANES;
        let people = self.len();
        if size == 0 || self.layout.planes != PLANES {
            return;
        }
        for (chunk, blocks) in self.blocks.chunks(CHUNK * size).enumerate() {
            for search in &mut *searches {
                for (at, block) in blocks.chunks_exact(size).enumerate() {
                    let totals = self.layout.compare::<PLANES>(&search.bits, block);
                    search.look(&totals, (chunk * CHUNK + at) * LANES, people);
                }
            }
        }
    }
}

/// Everyone is visited for some seekers, compiled for each set of instructions that a machine may have.
struct Visit<'v, 's> {
    packed: &'v Packed,
    searches: &'v mut [Search<'s>],
}

impl pulp::WithSimd for Visit<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { packed, searches } = self;
        match packed.layout.planes {
            2 => packed.search::<2>(searches),
            3 => packed.search::<3>(searches),
            4 => packed.search::<4>(searches),
            5 => packed.search::<5>(searches),
            6 => packed.search::<6>(searches),
            7 => packed.search::<7>(searches),
            8 => packed.search::<8>(searches),
            _ => packed.search::<9>(searches),
        }
    }
}

/// One seeker's search while everyone is visited, row by row.
struct Search<'a> {
    bits: Vec<u64>,
    seeker: &'a Seeker<'a>,
    similarity: Similarity,
    most: usize,
    answered: [u64; SPLITS],
    /// Ranks of the best so far, best first.
    best: [Vec<u64>; SPLITS],
    bars: [Bar; SPLITS],
}

/// What somebody must reach to be among the best: spares nearly everyone the ranking. Who has
/// `equal << SHARE < share * shared + count` ranks below all of the best, coming after them.
#[derive(Debug, Clone, Copy, Default)]
struct Bar {
    share: u64,
    count: u64,
}

impl<'a> Search<'a> {
    fn new(layout: &Layout, seeker: &'a Seeker<'a>, similarity: Similarity, most: usize) -> Self {
        let bits = layout.query(seeker);
        Self {
            answered: layout.answered(&bits),
            bits,
            seeker,
            similarity,
            most,
            best: std::array::from_fn(|_| Vec::with_capacity(most + 1)),
            bars: [Bar::default(); SPLITS],
        }
    }

    /// Takes those of a block in who are among the best; `first` is the row of its first person.
    #[inline(always)]
    fn look(&mut self, totals: &[(Lanes, Lanes); SPLITS], first: usize, people: usize) {
        for (split, (shared, equal)) in totals.iter().enumerate() {
            let bar = self.bars[split];
            let mut reached = false;
            for lane in 0..LANES {
                reached |= equal[lane] << SHARE >= bar.share * shared[lane] + bar.count;
            }
            if reached {
                self.take(split, shared, equal, first..people.min(first + LANES));
            }
        }
    }

    #[cold]
    fn take(&mut self, split: usize, shared: &Lanes, equal: &Lanes, rows: std::ops::Range<usize>) {
        let best = &mut self.best[split];
        for (lane, row) in rows.enumerate().filter(|&(_, row)| self.seeker.own != Some(row)) {
            let rank = rank(self.similarity, equal[lane], shared[lane], self.answered[split], row);
            if best.len() < self.most || best.last().is_some_and(|&last| rank > last) {
                let at = best.partition_point(|&other| other > rank);
                best.insert(at, rank);
                best.truncate(self.most);
            }
        }
        if let Some(&last) = best.last().filter(|_| best.len() == self.most) {
            self.bars[split] = bar(self.similarity, last);
        }
    }

    fn rows(self) -> Nearest {
        self.best.map(|ranks| ranks.into_iter().map(row_of).collect())
    }
}

/// Bits of the share in a [`rank`]. Shares of up to 1,000 questions differ by at least a millionth, so equal numbers
/// mean equal shares.
const SHARE: u32 = 20;

/// Bits of the number of equal answers in a [`rank`].
const EQUAL: u32 = 12;

/// Bits of the row's position in a [`rank`]; one bit is left for the share (which may be 1) and one for the overlap.
const ROW: u32 = u64::BITS - 2 - SHARE - EQUAL;

/// One number that sorts as the rule says. By share: overlap of at least half, then share, then equal answers, then
/// earlier rows. By count: equal answers, then earlier rows.
fn rank(similarity: Similarity, equal: u64, shared: u64, answered: u64, row: usize) -> u64 {
    let (enough, share) = match similarity {
        Similarity::Share => (
            u64::from(shared > 0 && 2 * shared >= answered),
            (equal << SHARE) / shared.max(1),
        ),
        Similarity::Count => (0, 0),
    };
    let counted = equal.min(low(EQUAL));
    (enough << (u64::BITS - 1)) | (share << (ROW + EQUAL)) | (counted << ROW) | (!(row as u64) & low(ROW))
}

/// The bar that the last of the best sets.
fn bar(similarity: Similarity, last: u64) -> Bar {
    match similarity {
        // As long as somebody with too little overlap is among the best, everyone is looked at.
        Similarity::Share if last >> (u64::BITS - 1) == 0 => Bar::default(),
        Similarity::Share => Bar {
            share: (last >> (ROW + EQUAL)) & low(SHARE + 1),
            count: 0,
        },
        // Equal numbers later in the file rank below.
        Similarity::Count => Bar {
            share: 0,
            count: (((last >> ROW) & low(EQUAL)) << SHARE) + 1,
        },
    }
}

fn row_of(rank: u64) -> usize {
    (!rank & low(ROW)) as usize
}

/// The lowest `bits` bits set.
const fn low(bits: u32) -> u64 {
    (1 << bits) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_sort_by_overlap_share_equal_answers_and_row() {
        let rank = |equal, shared, answered, row| rank(Similarity::Share, equal, shared, answered, row);
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
    fn by_count_only_equal_answers_and_rows_matter() {
        let rank = |equal, shared, row| rank(Similarity::Count, equal, shared, 200, row);
        assert!(rank(5, 100, 9) > rank(4, 4, 0));
        assert!(rank(5, 100, 8) > rank(5, 5, 9));
        assert_eq!(row_of(rank(5, 100, 8)), 8);
    }

    #[test]
    fn unequal_shares_never_look_equal() {
        let mut shares: Vec<(u64, u64, u64)> = Vec::new();
        for shared in 1..=254 {
            for equal in 0..=shared {
                shares.push((equal, shared, (equal << SHARE) / shared));
            }
        }
        shares.sort_by_key(|&(_, _, number)| number);
        for pair in shares.windows(2) {
            let [(a, b, x), (c, d, y)] = pair else { unreachable!() };
            assert_eq!(x == y, a * d == c * b, "{a}/{b} and {c}/{d}");
        }
    }
}
