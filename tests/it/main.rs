//! Tests of the program and of modules together, in one binary.

mod baseline;
mod batches;
mod browser;
mod catalogue;
mod chat;
mod elsewhere;
mod forge;
mod formats;
mod front_door;
mod golden;
mod hostile;
mod inspect;
mod invented;
#[cfg(target_os = "linux")]
mod memory;
mod models;
mod own_survey;
mod probe;
mod prompt;
mod real;
mod real_people;
mod report;
mod requests;
mod run;
mod schemas;
mod score;
mod scoring;
mod shards;
mod show;
mod slurm;
mod survey;
mod tampered;
mod thinking;
mod tidy;
mod wording;
