//! Who is more similar: one number that sorts people, and what one must reach to be among the best.

use super::Similarity;

/// Bits of the share in a [`rank`]. Shares of up to 1,000 questions differ by at least a millionth, so equal numbers
/// mean equal shares.
const SHARE: u32 = 20;

/// Bits of the number of equal answers in a [`rank`].
const EQUAL: u32 = 12;

/// Bits of the row's position in a [`rank`]; one bit is left for the share (which may be 1) and one for the overlap.
const ROW: u32 = u64::BITS - 2 - SHARE - EQUAL;

/// One number that sorts as the rule says. By share: overlap of at least half, then share, then equal answers, then
/// earlier rows. By count: equal answers, then earlier rows.
pub(super) fn rank(similarity: Similarity, equal: u64, shared: u64, answered: u64, row: usize) -> u64 {
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

/// What somebody must reach to be among the best: spares nearly everyone the ranking. Who has
/// `equal << SHARE < share * shared + count` ranks below all of the best, coming after them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Threshold {
    share: u64,
    count: u64,
}

impl Threshold {
    /// The bar that the last of the best sets.
    pub(super) fn of(similarity: Similarity, last: u64) -> Self {
        match similarity {
            // As long as somebody with too little overlap is among the best, everyone is looked at.
            Similarity::Share if last >> (u64::BITS - 1) == 0 => Self::default(),
            Similarity::Share => Self {
                share: (last >> (ROW + EQUAL)) & low(SHARE + 1),
                count: 0,
            },
            // Equal numbers later in the file rank below.
            Similarity::Count => Self {
                share: 0,
                count: (((last >> ROW) & low(EQUAL)) << SHARE) + 1,
            },
        }
    }

    /// Whether somebody may be among the best.
    #[inline(always)]
    pub(super) fn reached(self, equal: u64, shared: u64) -> bool {
        equal << SHARE >= self.share * shared + self.count
    }
}

/// The row of a rank.
pub(super) fn row_of(rank: u64) -> usize {
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
