//! A finished run's records, scored again: after `run --verify`, and by `verify`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;

use super::model_args::{MachineArgs, ModelArgs};
use crate::base::random::Draws;
use crate::base::shell;
use crate::base::text::{count, counted};
use crate::cli::output::say;
use crate::model::OpenModel;
use crate::run::{self, Experiment, Header, Reader, RunError, Spec};
use crate::scoring::Outcome;

/// Opens the spec's model.
pub fn open(spec: &Spec, machine: MachineArgs) -> anyhow::Result<OpenModel> {
    let model = &spec.model;
    ModelArgs {
        model: model.id.clone(),
        adapter: model.adapter.clone(),
        dtype: model.dtype,
        device: model.device.clone(),
        weights: model.weights,
        machine,
    }
    .open()
}

/// Line of a record in its file; in format 1 the first line is a header.
pub fn line(header: &Header, record: usize) -> usize {
    record + 1 + usize::from(header.format == 1)
}

/// Scores `number` random records of a run again and fails where they differ.
pub fn sample(folder: &Path, experiment: &Experiment, opened: &mut OpenModel, number: usize) -> anyhow::Result<()> {
    let mut reader = Reader::open(folder).context("the run was just written")?;
    let records = reader.try_fold(0, |records, outcome| outcome.map(|_| records + 1))?;
    let chosen = Draws::new(0, 0).choose(records, number);
    let shown = PrintedDifferences::few(folder, number, 0);
    let clean = compare(experiment, opened, folder, (&chosen, &shown))?;
    anyhow::ensure!(
        clean,
        "{}: scores could not be reproduced without sharing",
        folder.display()
    );
    Ok(())
}

/// Some records of a run, by number.
fn read(folder: &Path, needed: &BTreeSet<usize>) -> Result<(Header, BTreeMap<usize, Outcome>), RunError> {
    let reader = Reader::open(folder)?;
    let header = reader.header().clone();
    let until = needed.last().map_or(0, |last| last + 1);
    let mut found = BTreeMap::new();
    for (number, outcome) in reader.take(until).enumerate() {
        let outcome = outcome?;
        if needed.contains(&number) {
            found.insert(number, outcome);
        }
    }
    Ok((header, found))
}

/// Lines of a list that are printed where not all are wanted.
const FEW: usize = 10;

/// How much is printed of what differs.
#[derive(Debug)]
pub enum PrintedDifferences {
    /// All.
    All,
    /// Some, and the command that prints all.
    Few(String),
}

impl PrintedDifferences {
    /// Some of what differs where so many records, drawn with this seed, are scored again.
    pub fn few(run: &Path, records: usize, seed: u64) -> Self {
        let run = shell::word(&run.display().to_string());
        let seed = match seed {
            0 => String::new(),
            seed => format!(" --seed {seed}"),
        };
        Self::Few(format!("indieval verify {run} -n {records}{seed} --all"))
    }

    /// Prints them.
    pub fn print(&self, found: &[String]) -> anyhow::Result<()> {
        let count = match self {
            Self::All => found.len(),
            Self::Few(_) => FEW,
        };
        for line in found.iter().take(count) {
            say!("  {line}");
        }
        match self {
            Self::Few(command) if found.len() > FEW => say!("  and {} more: {command}", found.len() - FEW),
            _ => {}
        }
        Ok(())
    }
}

/// Scores the chosen records of a run again and says what differs; whether nothing does.
pub fn compare(
    experiment: &Experiment,
    opened: &mut OpenModel,
    folder: &Path,
    (chosen, shown): (&[usize], &PrintedDifferences),
) -> anyhow::Result<bool> {
    let (header, outcomes) = read(folder, &experiment.needed(chosen))?;
    let tolerance = run::tolerance(&header, &opened.identity);
    let verified = experiment.verify(opened, &outcomes, chosen, tolerance)?;
    say!(
        "scores: {} scored again unshared, {} tokens, largest difference {:.6} nats (tolerance {tolerance})",
        counted(verified.records, "record", "records"),
        count(verified.tokens as u64),
        verified.largest
    );
    let differences = verified.differences.iter();
    let lines: Vec<String> = differences
        .map(|difference| format!("line {}: {}", line(&header, difference.line - 1), difference.what))
        .collect();
    shown.print(&lines)?;
    Ok(verified.differences.is_empty())
}
