//! Tests of the program and of rooms together, in one binary.

mod baseline;
mod browser;
mod invented;
mod probe;
mod prompt;
mod report;
