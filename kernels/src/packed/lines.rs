//! Where the lines of weights, keys and values lie.

use super::memory::CacheLine;
use memmap2::MmapMut;
use std::{
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
};

/// From so many bytes on, lines lie in pages of their own.
const OWN_PAGES: usize = 1 << 18;

/// Lines that are 0 at first, of weights, keys or values. Many of them lie in pages of their own, which the system has back as
/// soon as they are dropped, whatever the allocator keeps; and pages that were never written take no memory.
#[derive(Debug)]
pub(in super::super) struct HeldLines(Place);

#[derive(Debug)]
enum Place {
    Heap(Vec<CacheLine>),
    /// There until it is dropped.
    Pages(Option<MmapMut>),
}

impl HeldLines {
    /// So many, all 0.
    pub fn zero(count: usize) -> Self {
        let bytes = count * size_of::<CacheLine>();
        if bytes < OWN_PAGES {
            return Self(Place::Heap(vec![CacheLine::ZERO; count]));
        }
        if let Some(pages) = spare().take(bytes) {
            let mut lines = Self(Place::Pages(Some(pages)));
            lines.fill(CacheLine::ZERO);
            return lines;
        }
        // Where the system has no pages left, the allocator may have.
        Self(match MmapMut::map_anon(bytes) {
            Ok(pages) => Place::Pages(Some(pages)),
            Err(_) => Place::Heap(vec![CacheLine::ZERO; count]),
        })
    }
}

impl Drop for HeldLines {
    fn drop(&mut self) {
        if let Place::Pages(pages) = &mut self.0
            && let Some(pages) = pages.take()
        {
            spare().give(pages);
        }
    }
}

impl Deref for HeldLines {
    type Target = [CacheLine];
    fn deref(&self) -> &[CacheLine] {
        match &self.0 {
            Place::Heap(lines) => lines,
            Place::Pages(None) => &[],
            // SAFETY: a mapping begins at a page, so at a multiple of 64, and is as long as its lines; its bytes are initialised, any
            // bytes are a valid `CacheLine`, and nobody else has them.
            Place::Pages(Some(pages)) => unsafe {
                std::slice::from_raw_parts(pages.as_ptr().cast(), pages.len() / size_of::<CacheLine>())
            },
        }
    }
}

impl DerefMut for HeldLines {
    fn deref_mut(&mut self) -> &mut [CacheLine] {
        match &mut self.0 {
            Place::Heap(lines) => lines,
            Place::Pages(None) => &mut [],
            // SAFETY: as in `deref`, borrowed mutably for as long as the result.
            Place::Pages(Some(pages)) => unsafe {
                std::slice::from_raw_parts_mut(pages.as_mut_ptr().cast(), pages.len() / size_of::<CacheLine>())
            },
        }
    }
}

/// While it is there, pages of dropped weights are kept for the next ones of the same size: layers that are read one after the
/// other have as many, and a page that is new costs more than to clear an old one.
#[derive(Debug)]
pub struct ReusedPages(());

impl ReusedPages {
    /// From now on.
    pub fn begin() -> Self {
        spare().wanted += 1;
        Self(())
    }
}

impl Drop for ReusedPages {
    fn drop(&mut self) {
        let mut spare = spare();
        spare.wanted -= 1;
        if spare.wanted == 0 {
            spare.pages = Vec::new();
        }
    }
}

/// Pages that nobody has, and how many want them to be kept.
struct SparePages {
    pages: Vec<MmapMut>,
    wanted: usize,
}

static SPARE: Mutex<SparePages> = Mutex::new(SparePages {
    pages: Vec::new(),
    wanted: 0,
});

fn spare() -> std::sync::MutexGuard<'static, SparePages> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SparePages {
    /// Pages of so many bytes. Where there are none, those that are there are of layers of another shape, and go.
    fn take(&mut self, bytes: usize) -> Option<MmapMut> {
        let found = self.pages.iter().position(|pages| pages.len() == bytes);
        if found.is_none() {
            self.pages = Vec::new();
        }
        found.map(|at| self.pages.swap_remove(at))
    }

    fn give(&mut self, pages: MmapMut) {
        if self.wanted > 0 {
            self.pages.push(pages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::memory::words_mut, *};

    const MANY: usize = OWN_PAGES / size_of::<CacheLine>();

    #[test]
    fn lines_are_0_and_written_wherever_they_lie() {
        for count in [0, 1, MANY - 1, MANY] {
            let mut lines = HeldLines::zero(count);
            assert_eq!(matches!(lines.0, Place::Pages(_)), count == MANY);
            assert!(lines.len() == count && lines.iter().all(|line| line.0 == [0; 16]));
            if let Some(last) = words_mut(&mut lines).last_mut() {
                *last = 5;
                assert_eq!(lines[count - 1].0[15], 5);
            }
        }
    }

    #[test]
    fn pages_are_kept_while_they_are_wanted() {
        let mut kept = SparePages {
            pages: Vec::new(),
            wanted: 0,
        };
        let pages = |count: usize| MmapMut::map_anon(count * OWN_PAGES).unwrap();
        kept.give(pages(1));
        assert!(kept.take(OWN_PAGES).is_none(), "nobody wanted them");
        kept.wanted = 1;
        kept.give(pages(1));
        kept.give(pages(2));
        assert!(kept.take(OWN_PAGES).is_some());
        assert!(
            kept.take(OWN_PAGES).is_none() && kept.pages.is_empty(),
            "those of another size go"
        );
    }

    #[test]
    fn reused_lines_are_0() {
        let _reused = ReusedPages::begin();
        for _ in 0..3 {
            let mut lines = HeldLines::zero(MANY);
            assert!(lines.iter().all(|line| line.0 == [0; 16]));
            words_mut(&mut lines).fill(7);
        }
    }
}
