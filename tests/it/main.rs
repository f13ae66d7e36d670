//! Tests of the program and of rooms together, in one binary.

mod baseline;
mod models;
mod probe;
mod prompt;
