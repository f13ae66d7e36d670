//! GGUF files: one file with metadata, tokenizer and tensors, as llama.cpp reads and writes them.

mod blocks;
pub(crate) mod config;
mod families;
mod keys;
pub(crate) mod names;
pub(crate) mod parse;
pub(crate) mod parts;
pub(crate) mod places;
mod tables;
pub(crate) mod value;
pub(crate) mod weights;
