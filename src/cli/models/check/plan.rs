//! What follows from the shape of a checkpoint that is known by name and is not on this machine.

use serde::Serialize;

use super::report::{Labelled, MemoryReport, SplitTime, labelled};
use crate::base::text::{bytes, count, parameters};
use crate::model::Family;
use crate::model::registry::KnownModel;

/// The plan of a known checkpoint.
#[derive(Debug, Serialize)]
pub(super) struct PlannedReport {
    model: String,
    /// False: nothing of it was read.
    here: bool,
    repository: String,
    revision: String,
    /// Whether the revision is a commit, which cannot change.
    pinned: bool,
    licence: String,
    /// Its column of the paper's Figure 2, where it has one.
    published: Option<String>,
    family: Family,
    parameters: u64,
    context: usize,
    /// What its repository holds, and in which type.
    stored_bytes: u64,
    stored_dtype: String,
    memory: MemoryReport,
    /// Where it could be told.
    time: Option<SplitTime>,
    /// Why it is not here.
    note: String,
    /// Empty: what was not read has none.
    faults: [String; 0],
}

impl PlannedReport {
    pub fn new(known: &KnownModel, (memory, time): (MemoryReport, Option<SplitTime>), note: String) -> Self {
        Self {
            model: known.name.clone(),
            here: false,
            repository: known.repository.clone(),
            revision: known.revision.clone(),
            pinned: known.pinned(),
            licence: known.licence.clone(),
            published: known.published.clone(),
            family: known.shape.family,
            parameters: known.parameters,
            context: known.shape.context,
            stored_bytes: known.bytes,
            stored_dtype: known.dtype.clone(),
            memory,
            time,
            note,
            faults: [],
        }
    }

    /// Bytes of the repository where its weights are packed, each number being less than half a float.
    fn packed(&self) -> Option<u64> {
        (self.stored_bytes < self.parameters).then_some(self.stored_bytes)
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let pinned = if self.pinned { "" } else { ", not pinned" };
        let mut lines: Vec<Labelled> = vec![
            ("from", format!("{} at {}{pinned}", self.repository, self.revision)),
            ("licence", self.licence.clone()),
            ("family", self.family.to_string()),
            ("parameters", parameters(self.parameters)),
            ("context", format!("{} tokens", count(self.context as u64))),
            match self.packed() {
                Some(packed) => ("stored", format!("{}, packed", bytes(packed))),
                None => (
                    "stored",
                    format!("{} in {}", bytes(self.stored_bytes), self.stored_dtype),
                ),
            },
        ];
        lines.extend(
            self.published
                .iter()
                .map(|column| ("published", format!("{column} of the paper's Figure 2"))),
        );
        lines.extend(self.memory.lines());
        lines.extend(self.time.iter().map(SplitTime::line));
        lines.push(("note", self.note.clone()));
        let verdict = "not on this machine; all of this follows from its known shape";
        let shortage = self.memory.shortage(self.packed());
        let short = shortage
            .as_ref()
            .map_or_else(String::new, |short| format!("; {}", short.what));
        lines.push(("verdict", format!("{verdict}{short}")));
        lines.extend(
            shortage
                .into_iter()
                .flat_map(|short| short.remedies)
                .map(|remedy| ("hint", remedy)),
        );
        lines.push((
            "hint",
            format!(
                "indieval models get {} fetches it; after that this command reads it",
                self.model
            ),
        ));
        labelled(&lines)
    }
}
