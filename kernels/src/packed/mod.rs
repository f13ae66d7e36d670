//! The heavy operations on the CPU, one code for all instruction sets.
//!
//! The left operand of a product (activations, queries, attention weights: f32 in memory) becomes rows of 32-bit **words**
//! on the way and is taken in **strips** of at most 12 rows. The right operand (a weight, or the keys and values of the
//! store) lies in **panels** of 32 columns. What a word is, and how a panel holds numbers, a [`format`] says: one f32; two
//! neighbouring bf16 of the summed dimension, which `vdpbf16ps` multiplies and adds in one go; or 16-bit numbers in the
//! panel that are widened to f32, exactly, before they are multiplied.
//!
//! What depends on the processor is in [`sets`]: a strip times a panel, row-wise arithmetic, widening. A [`machine`] is an
//! instruction set that was found on this processor, with a format.
//!
//! Each number of a result is summed over the inner dimension in ascending order, by itself, cut at multiples of constants
//! ([`tile::RUN_F32`], the blocks of [`multiply`]): so it depends neither on the rows beside it nor on which thread had
//! it. AVX2 and AVX-512 round alike and give the same bits wherever both multiply f32.
//!
//! `unsafe` is in [`sets`] (intrinsics, raw pointers), [`memory`] and [`lines`] (aligned words, pages of their own, results written in parts from several
//! threads), [`multiply`] (tiles of raw pointers), and in the calls to functions compiled for an instruction set, which a
//! [`machine`] vouches for.

pub(super) mod attend;
mod format;
mod lanes;
pub(super) mod linear;
pub(super) mod lines;
mod machine;
pub(super) mod memory;
pub(super) mod multiply;
pub(super) mod network;
pub(super) mod pages;
pub(super) mod panels;
mod sets;
mod tile;

pub(super) use machine::{InstructionSet, Machine};
