//! Aligned words, buffers kept for the next call, and results that several threads write in parts.

use std::{
    cell::Cell,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    thread::LocalKey,
};

/// Sixteen words: a cache line, and a register.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(in super::super) struct CacheLine(pub [u32; 16]);

impl CacheLine {
    pub const ZERO: Self = Self([0; 16]);
}

/// The lines as one run of words.
pub(in super::super) fn words(lines: &[CacheLine]) -> &[u32] {
    // SAFETY: a `CacheLine` is sixteen `u32` without padding (64 bytes, `repr(C)`), so `lines` is that many initialised
    // words, borrowed for as long as the result; `u32` needs less alignment.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len() * 16) }
}

/// The lines as one run of words, to be written.
pub(in super::super) fn words_mut(lines: &mut [CacheLine]) -> &mut [u32] {
    // SAFETY: as in `words`; any words are a valid `CacheLine`, and `lines` is borrowed mutably for as long as the result.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * 16) }
}

/// The lines as one run of halves, the first half of a word in its first two bytes.
pub(in super::super) fn halves(lines: &[CacheLine]) -> &[u16] {
    // SAFETY: as in `words`: 64 initialised bytes a line are 32 `u16`.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len() * 32) }
}

/// The lines as one run of halves, to be written.
pub(in super::super) fn halves_mut(lines: &mut [CacheLine]) -> &mut [u16] {
    // SAFETY: as in `halves` and `words_mut`.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * 32) }
}

/// A buffer that a thread keeps between calls. It is taken out while in use, so a nested call gets a new one.
pub(in super::super) struct Spare<T: 'static> {
    home: &'static LocalKey<Cell<Vec<T>>>,
    buffer: Vec<T>,
}

impl<T: Clone + 'static> Spare<T> {
    /// At least `len` elements, of unspecified but initialised content.
    pub fn take(home: &'static LocalKey<Cell<Vec<T>>>, len: usize, fill: T) -> Self {
        let mut buffer = home.take();
        if buffer.len() < len {
            buffer.resize(len, fill);
        }
        Self { home, buffer }
    }
}

impl<T> Deref for Spare<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.buffer
    }
}

impl<T> DerefMut for Spare<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.buffer
    }
}

impl<T> Drop for Spare<T> {
    fn drop(&mut self) {
        self.home.set(std::mem::take(&mut self.buffer));
    }
}

/// A matrix of f32 under construction, not yet initialised, of which several threads write different parts.
pub(in super::super) struct OutputMatrix {
    numbers: Vec<f32>,
    len: usize,
}

/// The right to write one's part of a [`OutputMatrix`].
#[derive(Clone, Copy)]
pub(in super::super) struct OutputWriter<'a> {
    start: *mut f32,
    len: usize,
    matrix: PhantomData<&'a OutputMatrix>,
}

// SAFETY: a writer is a pointer to f32, which may be written from any thread; that no two threads write the same
// number is what callers of `OutputWriter::at` promise.
unsafe impl Send for OutputWriter<'_> {}
// SAFETY: as above; a shared writer only hands its pointer out.
unsafe impl Sync for OutputWriter<'_> {}

impl OutputMatrix {
    /// Room for `len` numbers.
    pub fn new(len: usize) -> Self {
        Self {
            numbers: Vec::with_capacity(len),
            len,
        }
    }

    /// The right to write, to be shared among threads.
    pub fn writer(&mut self) -> OutputWriter<'_> {
        OutputWriter {
            start: self.numbers.as_mut_ptr(),
            len: self.len,
            matrix: PhantomData,
        }
    }

    /// The finished numbers.
    ///
    /// # Safety
    /// Each of them has been written.
    pub unsafe fn finish(mut self) -> Vec<f32> {
        // SAFETY: `new` reserved `len` numbers, and by this function's contract they are initialised.
        unsafe { self.numbers.set_len(self.len) };
        self.numbers
    }
}

impl OutputWriter<'_> {
    /// A pointer to number `at`, good for writing `len` numbers from there (and for reading back what was written).
    ///
    /// # Safety
    /// While it is used, no other thread touches any of the numbers it is used for.
    pub unsafe fn at(self, at: usize, len: usize) -> *mut f32 {
        assert!(at + len <= self.len, "a part outside of the matrix");
        // SAFETY: `at` is within the reserved room, as was just checked.
        unsafe { self.start.add(at) }
    }

    /// Writes `numbers` from number `at` on.
    ///
    /// # Safety
    /// Meanwhile no other thread touches them.
    pub unsafe fn copy(self, at: usize, numbers: &[f32]) {
        // SAFETY: `at` checks that there is room; the source is a slice that cannot overlap what nobody else touches.
        unsafe { std::ptr::copy_nonoverlapping(numbers.as_ptr(), self.at(at, numbers.len()), numbers.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static HOME: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }

    #[test]
    fn a_nested_call_gets_a_buffer_of_its_own() {
        let mut outer = Spare::take(&HOME, 3, 7);
        outer.fill(1);
        assert_eq!(&*Spare::take(&HOME, 2, 9), [9, 9]);
        assert_eq!(&*outer, [1, 1, 1]);
        drop(outer);
        assert_eq!(&*Spare::take(&HOME, 2, 9), [1, 1, 1]);
    }

    #[test]
    fn lines_are_words_in_order() {
        let mut lines = [CacheLine::ZERO; 2];
        words_mut(&mut lines)[17] = 5;
        assert_eq!(lines[1].0[1], 5);
        assert_eq!(words(&lines)[17], 5);
        halves_mut(&mut lines)[33] = 7;
        assert_eq!((halves(&lines)[33], halves(&lines)[32]), (7, 0));
    }
}
