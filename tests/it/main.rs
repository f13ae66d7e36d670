//! Tests of the program and of rooms together, in one binary.

mod baseline;
mod catalogue;
mod golden;
mod models;
mod probe;
mod prompt;
mod real;
mod run;
mod score;
mod scoring;
mod show;
mod survey;
mod tidy;
