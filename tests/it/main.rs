//! Tests of the program and of rooms together, in one binary.

mod baseline;
mod golden;
mod probe;
mod prompt;
mod real;
mod score;
mod scoring;
