//! Answers as bits: a person is compared with eight others at a time, for all splits at once.
//!
//! An answer is a number below the question's candidates, so a few bits tell it: the first bits of all answers make one
//! row of bits (a plane), the second bits the next, and one plane more says which questions were answered. Two answers
//! agree where no plane differs. Questions stand in the order of the splits that hold them out, each such section from a
//! new word on, so that what agrees outside a split is a sum over sections.

use super::Similarity;
use super::rank::{Threshold, rank, row_of};
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
    layout: BitLayout,
    /// Bits of [`LANES`] people after the other: word by word, in it plane by plane, in it person by person.
    blocks: Vec<u64>,
}

/// Which bit is whose.
#[derive(Debug, Clone)]
struct BitLayout {
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

impl BitLayout {
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
        let layout = BitLayout::new(candidates, held_out);
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

    /// How many candidates each question has.
    pub(super) fn candidates(&self) -> &[u8] {
        &self.layout.candidates
    }

    /// The answers of the person in `row`, [`MISSING`] where there is none.
    pub(super) fn answers(&self, row: usize) -> Option<&[u8]> {
        let questions = self.layout.candidates.len();
        self.groups.get(row * questions..(row + 1) * questions)
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
        pulp::Arch::new().dispatch(Comparing {
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
struct Comparing<'v, 's> {
    packed: &'v Packed,
    searches: &'v mut [Search<'s>],
}

impl pulp::WithSimd for Comparing<'_, '_> {
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
    bars: [Threshold; SPLITS],
}

impl<'a> Search<'a> {
    fn new(layout: &BitLayout, seeker: &'a Seeker<'a>, similarity: Similarity, most: usize) -> Self {
        let bits = layout.query(seeker);
        Self {
            answered: layout.answered(&bits),
            bits,
            seeker,
            similarity,
            most,
            best: std::array::from_fn(|_| Vec::with_capacity(most + 1)),
            bars: [Threshold::default(); SPLITS],
        }
    }

    /// Takes those of a block in who are among the best; `first` is the row of its first person.
    #[inline(always)]
    fn look(&mut self, totals: &[(Lanes, Lanes); SPLITS], first: usize, people: usize) {
        for (split, (shared, equal)) in totals.iter().enumerate() {
            let bar = self.bars[split];
            let mut reached = false;
            for lane in 0..LANES {
                reached |= bar.reached(equal[lane], shared[lane]);
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
            self.bars[split] = Threshold::of(self.similarity, last);
        }
    }

    fn rows(self) -> Nearest {
        self.best.map(|ranks| ranks.into_iter().map(row_of).collect())
    }
}
