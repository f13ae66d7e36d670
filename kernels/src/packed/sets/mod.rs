//! What is compiled for an instruction set each: a strip times a panel, row-wise arithmetic, widening.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
pub(super) mod portable;
