//! Which slots of the store of keys and values are free.

use super::kernels::SlotSpan;
use std::collections::BTreeMap;

/// Gives out slots and takes them back. Always the lowest free ones, so equal requests give equal slots.
#[derive(Debug, Clone)]
pub struct Slots {
    /// Free runs: first slot and length; never empty, never touching.
    free: BTreeMap<usize, usize>,
    count: usize,
}

impl Slots {
    /// All of `capacity` slots free.
    pub fn new(capacity: usize) -> Self {
        let free = (capacity > 0).then_some((0, capacity)).into_iter().collect();
        Self { free, count: capacity }
    }

    /// Number of free slots.
    pub fn free(&self) -> usize {
        self.count
    }

    /// Takes `n` slots: the lowest run that holds them all, or, where none does, pieces of the lowest ones.
    /// `None`, with nothing taken, if fewer than `n` are free.
    pub fn take(&mut self, n: usize) -> Option<Vec<SlotSpan>> {
        if n > self.count {
            return None;
        }
        let mut spans = Vec::new();
        let mut missing = n;
        if let Some(slot) = self.free.iter().find(|&(_, &len)| len >= n).map(|(&slot, _)| slot) {
            spans.extend(self.cut(slot, n));
            missing = 0;
        }
        while missing > 0 {
            let (&slot, &len) = self.free.first_key_value()?;
            spans.extend(self.cut(slot, len.min(missing)));
            missing -= len.min(missing);
        }
        Some(spans)
    }

    /// Takes the first `n` slots of the free run that starts at `slot`.
    fn cut(&mut self, slot: usize, n: usize) -> Option<SlotSpan> {
        if n == 0 {
            return None;
        }
        let len = self.free.remove(&slot)?;
        if len > n {
            self.free.insert(slot + n, len - n);
        }
        self.count -= n;
        Some(SlotSpan { slot, len: n })
    }

    /// Takes slots back.
    pub fn give_back(&mut self, spans: impl IntoIterator<Item = SlotSpan>) {
        for SlotSpan { mut slot, mut len } in spans {
            if len == 0 {
                continue;
            }
            self.count += len;
            if let Some((&before, &run)) = self.free.range(..slot).next_back()
                && before + run == slot
            {
                self.free.remove(&before);
                (slot, len) = (before, run + len);
            }
            if let Some(run) = self.free.remove(&(slot + len)) {
                len += run;
            }
            self.free.insert(slot, len);
        }
    }
}

/// When the slots of a trie's tokens are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// As soon as nothing below a token is left to be computed.
    WhileNeeded,
    /// Not before the caller does.
    All,
}

/// Appends a span to a path, joined to the last one where they touch.
pub fn push_span(path: &mut Vec<SlotSpan>, span: SlotSpan) {
    match path.last_mut() {
        _ if span.len == 0 => {}
        Some(last) if last.end() == span.slot => last.len += span.len,
        _ => path.push(span),
    }
}

/// The slots numbered `range` of a path.
pub fn part(spans: &[SlotSpan], range: std::ops::Range<usize>) -> Vec<SlotSpan> {
    let mut out = Vec::new();
    let mut first = 0;
    for span in spans {
        let from = range.start.clamp(first, first + span.len);
        let to = range.end.clamp(first, first + span.len);
        push_span(
            &mut out,
            SlotSpan {
                slot: span.slot + (from - first),
                len: to - from,
            },
        );
        first += span.len;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span(slot: usize, len: usize) -> SlotSpan {
        SlotSpan { slot, len }
    }

    #[test]
    fn whole_runs_are_preferred_to_pieces() {
        let mut slots = Slots::new(10);
        let (a, b) = (slots.take(3).unwrap(), slots.take(3).unwrap());
        assert_eq!((&a[..], &b[..]), (&[span(0, 3)][..], &[span(3, 3)][..]));
        slots.give_back(a);
        assert_eq!(slots.take(4).unwrap(), [span(6, 4)]);
        assert_eq!(slots.take(4), None);
        slots.give_back([span(8, 2)]);
        assert_eq!(slots.take(5).unwrap(), [span(0, 3), span(8, 2)]);
        assert_eq!(slots.free(), 0);
        assert_eq!(slots.take(0).unwrap(), []);
    }

    #[test]
    fn parts_of_paths_cross_spans() {
        let path = [span(4, 3), span(20, 5)];
        assert_eq!(part(&path, 0..8), path);
        assert_eq!(part(&path, 2..5), [span(6, 1), span(20, 2)]);
        assert_eq!(part(&path, 3..4), [span(20, 1)]);
        assert_eq!(part(&path, 5..5), []);
    }

    proptest! {
        #[test]
        fn no_slot_is_given_twice_and_all_come_back(requests in prop::collection::vec((0usize..20, any::<bool>()), 1..60)) {
            let mut slots = Slots::new(100);
            let mut held: Vec<Vec<SlotSpan>> = Vec::new();
            for (n, release) in requests {
                let free = slots.free();
                match slots.take(n) {
                    Some(spans) => held.push(spans),
                    None => prop_assert!(n > free),
                }
                if release && !held.is_empty() {
                    slots.give_back(held.remove(n % held.len()));
                }
                let mut used: Vec<usize> = held.iter().flatten().flat_map(|s| s.slot..s.end()).collect();
                let count = used.len();
                used.sort_unstable();
                used.dedup();
                prop_assert_eq!(used.len(), count);
                prop_assert!(used.iter().all(|&slot| slot < 100));
                prop_assert_eq!(slots.free(), 100 - count);
            }
            slots.give_back(held.into_iter().flatten());
            prop_assert_eq!(slots.take(100).unwrap(), vec![span(0, 100)]);
        }
    }
}
