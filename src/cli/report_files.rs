//! The files of a report: they replace those of an earlier report, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::output::write_whole;
use crate::report::{CsvTable, Page, Report, is_figure, is_figure_name};

/// Where a report's page, summary and tables lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFiles {
    /// The page.
    pub page: PathBuf,
    /// Whether it leads to a page a person.
    pub people: bool,
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
            Self::File(_) => {
                "move that file away; where the command has --out, another folder can be named with it".to_owned()
            }
            Self::Run(_) => "name another folder with --out".to_owned(),
        })
    }
}

impl ReportFiles {
    /// The files of a report in a folder.
    pub fn within(folder: &Path) -> Self {
        Self {
            page: folder.join("report.html"),
            people: false,
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

    fn figure(&self, name: &str) -> PathBuf {
        self.folder().join("figures").join(format!("{name}.svg"))
    }

    /// Pictures there are, whoever drew them, but for names that no report gives.
    fn figures(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.folder().join("figures")).into_iter().flatten();
        let paths = files.filter_map(|file| Some(file.ok()?.path()));
        let is_named = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.and_then(|name| name.strip_suffix(".svg"))
                .is_some_and(is_figure_name)
        };
        paths.filter(is_named).collect()
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
        let figures = self.figures().into_iter().map(|path| (path, is_figure as Signature));
        for (path, is_ours) in all.into_iter().chain(tables).chain(figures) {
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

    /// Writes them and removes tables and figures of an earlier report that this one does not have; returns the number of
    /// tables and that of figures. What they replace must have been checked.
    pub fn write(&self, report: &Report) -> anyhow::Result<(usize, usize)> {
        for folder in ["tables", "figures"].map(|name| self.folder().join(name)) {
            fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        let page = Page::new(report);
        let page = if self.people { page.with_people() } else { page };
        put(&self.page, &page.html()?)?;
        put(&self.summary(), &serde_json::to_string_pretty(report)?)?;
        let all = report.csv_tables()?;
        for table in &all {
            put(&self.table(&table.name), &table.text)?;
        }
        self.remove_stale(&all)?;
        let figures = report.figures();
        let written = figures
            .iter()
            .map(|figure| self.figure(&figure.name))
            .collect::<Vec<_>>();
        for path in self.figures().iter().filter(|path| !written.contains(path)) {
            fs::remove_file(path)
                .with_context(|| format!("cannot remove {}, a figure of an earlier report", path.display()))?;
        }
        for (path, figure) in written.iter().zip(&figures) {
            put(path, &figure.text)?;
        }
        Ok((all.len(), figures.len()))
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

/// Whether a text is a page of a report.
pub fn is_page(text: &str) -> bool {
    text.contains("<meta name=\"generator\" content=\"indieval ")
}

fn is_summary(text: &str) -> bool {
    let keys = ["version", "options", "runs", "systems", "headline"];
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text)
        .is_ok_and(|summary| keys.iter().all(|key| summary.contains_key(*key)))
}

/// Every table begins with the columns of a system; those of earlier versions ended in one about the respondents.
fn is_table(text: &str) -> bool {
    let titles = text.lines().next();
    titles.is_some_and(|titles| titles.starts_with("run,model,method,") || titles.ends_with(",respondents"))
}

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    write_whole(path, |file| -> std::io::Result<()> { file.write_all(text.as_bytes()) })
}
