//! How a kernel is cut over a GPU.

/// How many blocks of a kernel there are, and how large each is.
#[derive(Debug, Clone, Copy)]
pub(super) struct KernelGrid {
    pub x: u32,
    pub y: u32,
    /// Threads of a block.
    pub threads: u32,
    /// Bytes of shared memory of a block.
    pub shared: usize,
}
