//! Tests of the program and of rooms together, in one binary.

mod baseline;
mod browser;
mod catalogue;
mod forge;
mod formats;
mod front_door;
mod golden;
mod invented;
mod models;
mod probe;
mod prompt;
mod real;
mod report;
mod run;
mod score;
mod scoring;
mod show;
mod survey;
mod tampered;
mod tidy;
mod wording;
