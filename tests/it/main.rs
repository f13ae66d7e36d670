//! Tests of the program and of rooms together, in one binary.

mod baseline;
mod catalogue;
mod models;
mod probe;
mod prompt;
mod show;
mod survey;
mod tidy;
mod golden;
mod real;
