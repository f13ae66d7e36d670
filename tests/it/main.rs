//! Tests of the program and of modules together, in one binary.

mod baseline;
mod batches;
mod browser;
mod catalogue;
mod chat;
mod forge;
mod formats;
mod front_door;
mod golden;
mod hostile;
mod invented;
mod models;
mod probe;
mod prompt;
mod real;
mod report;
mod requests;
mod run;
mod schemas;
mod score;
mod scoring;
mod show;
mod survey;
mod tampered;
mod tidy;
mod wording;
