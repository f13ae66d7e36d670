//! The files of a report: they replace those of an earlier report, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::output::write_whole;
use crate::report::{CsvTable, Page, Report};

/// Where a report's page, summary and tables lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFiles {
    /// The page.
    pub page: PathBuf,
}

/// Why files of a report are not written.
#[derive(Debug, thiserror::Error)]
pub enum InTheWay {
    /// A file that no report wrote.
    #[error("{} is not from a report and would be replaced", .0.display())]
    File(PathBuf),
    /// A run that the report is not about, or not about alone.
    #[error("{} is a run's folder, whose own report would be replaced", .0.display())]
    Run(PathBuf),
}

impl InTheWay {
    /// What can be done about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File(_) => "name another folder with --out, or move that file away".to_owned(),
            Self::Run(_) => "name another folder with --out".to_owned(),
        })
    }
}

impl ReportFiles {
    /// The files of a report in a folder.
    pub fn within(folder: &Path) -> Self {
        Self {
            page: folder.join("report.html"),
        }
    }

    fn folder(&self) -> &Path {
        self.page.parent().unwrap_or(Path::new(""))
    }

    fn summary(&self) -> PathBuf {
        self.folder().join("summary.json")
    }

    fn table(&self, name: &str) -> PathBuf {
        self.folder().join("tables").join(format!("{name}.csv"))
    }

    /// Makes sure that nothing is replaced but an earlier report.
    ///
    /// # Errors
    /// Names the first file in the way.
    pub fn check(&self) -> Result<(), InTheWay> {
        let tables = Report::TABLES
            .iter()
            .map(|name| (self.table(name), is_table as Signature));
        let all = [(self.page.clone(), is_page as Signature), (self.summary(), is_summary)];
        for (path, is_ours) in all.into_iter().chain(tables) {
            if path.symlink_metadata().is_ok() && !fs::read_to_string(&path).is_ok_and(|text| is_ours(&text)) {
                return Err(InTheWay::File(path));
            }
        }
        Ok(())
    }

    /// As [`check`](Self::check), for a report on these runs: it goes into a run's folder only if it is on that run alone.
    ///
    /// # Errors
    /// Names what is in the way.
    pub fn check_beside(&self, runs: &[PathBuf]) -> Result<(), InTheWay> {
        let folder = self.folder();
        let real = |path: &Path| {
            fs::canonicalize(if path.as_os_str().is_empty() {
                Path::new(".")
            } else {
                path
            })
            .ok()
        };
        let own = matches!(runs, [one] if real(one) == real(folder));
        if !own && folder.join("run.json").exists() {
            return Err(InTheWay::Run(folder.to_owned()));
        }
        self.check()
    }

    /// Writes them and removes tables of an earlier report that this one does not have; returns the number of tables. What
    /// they replace must have been checked.
    pub fn write(&self, report: &Report) -> anyhow::Result<usize> {
        let tables = self.folder().join("tables");
        fs::create_dir_all(&tables).with_context(|| format!("cannot make the folder {}", tables.display()))?;
        put(&self.page, &Page::new(report).html()?)?;
        put(&self.summary(), &serde_json::to_string_pretty(report)?)?;
        let all = report.csv_tables()?;
        for table in &all {
            put(&self.table(&table.name), &table.text)?;
        }
        self.remove_stale(&all)?;
        Ok(all.len())
    }

    fn remove_stale(&self, written: &[CsvTable]) -> anyhow::Result<()> {
        let is_stale = |name: &&&str| written.iter().all(|table| table.name != **name);
        for name in Report::TABLES.iter().filter(is_stale) {
            let path = self.table(name);
            if path.exists() {
                fs::remove_file(&path)
                    .with_context(|| format!("cannot remove {}, a table of an earlier report", path.display()))?;
            }
        }
        Ok(())
    }
}

/// Whether a text is from a report.
type Signature = fn(&str) -> bool;

fn is_page(text: &str) -> bool {
    text.contains("<meta name=\"generator\" content=\"indieval ")
}

fn is_summary(text: &str) -> bool {
    let keys = ["version", "options", "runs", "systems", "headline"];
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text)
        .is_ok_and(|summary| keys.iter().all(|key| summary.contains_key(*key)))
}

/// The last column of every table says whose answers they are about.
fn is_table(text: &str) -> bool {
    let titles = text.lines().next();
    titles.is_some_and(|titles| titles.ends_with(",respondents"))
}

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    write_whole(path, |file| -> std::io::Result<()> { file.write_all(text.as_bytes()) })
}
