//! indieval tells how well a local language model knows one particular person.
//!
//! A survey respondent's answers become statements; a model is shown some of them and has to tell which of a few
//! candidate statements the same person would express next. Data flows once through the modules below, top to bottom;
//! `ARCHITECTURE.md` says what each may import and what is deliberately absent.

pub mod base;

pub mod survey;

pub mod probe;

pub mod prompt;

pub mod model;

pub mod scoring;

pub mod metrics;

pub mod run;

pub mod report;

pub mod cli;
