//! What follows from the shape of a checkpoint that is known by name and is not on this machine.

use serde::Serialize;

use super::report::{Labelled, MemoryReport, labelled};
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
}

impl PlannedReport {
    pub fn new(known: &KnownModel, memory: MemoryReport) -> Self {
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
        }
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
            (
                "stored",
                format!("{} in {}", bytes(self.stored_bytes), self.stored_dtype),
            ),
        ];
        lines.extend(
            self.published
                .iter()
                .map(|column| ("published", format!("{column} of the paper's Figure 2"))),
        );
        lines.extend(self.memory.lines());
        let verdict = "it is not on this machine, and what is said here follows from its shape";
        let shortage = self.memory.shortage(None);
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
