//! A page a person beside a report.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::output::{tell, write_whole};
use super::report_files::{InTheWay, is_page};
use crate::base::text::counted;
use crate::metrics::RunData;
use crate::report::{PersonFile, PersonPages, run_folder};
use crate::run::{ShownStatements, load_by_person};
use crate::scoring::Outcome;

/// Writes the pages of everyone in some runs, called `names` in their report, whose page is `page`. Memory is that of one
/// person's records.
pub fn write(folders: &[PathBuf], names: &[String], page: &Path) -> anyhow::Result<()> {
    let beside = page.parent().unwrap_or(Path::new("")).join("people");
    let report = page
        .file_name()
        .map_or("report.html".into(), |name| name.to_string_lossy());
    let mut real = false;
    for (at, (folder, name)) in folders.iter().zip(names).enumerate() {
        let out = beside.join(run_folder(name, at));
        clear(&out)?;
        let (run, people) = of_run(folder, name, &report, &out)?;
        real |= !run.header.synthetic;
        tell!("{}: {}", out.display(), counted(people, "person", "people"));
    }
    if real {
        tell!(
            "note: these pages hold individual people's answers and the groups they belong to; the survey's conditions of \
             use say who may have them"
        );
    }
    Ok(())
}

/// Makes a folder for pages, without those of an earlier report.
fn clear(out: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
    let files = fs::read_dir(out).with_context(|| format!("cannot read the folder {}", out.display()))?;
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    let pages: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "html"))
        .collect();
    let is_ours = |path: &Path| fs::read_to_string(path).is_ok_and(|text| is_page(&text));
    if let Some(path) = pages.iter().find(|path| !is_ours(path)) {
        return Err(InTheWay::File(path.clone()).into());
    }
    pages.iter().try_for_each(|path| {
        fs::remove_file(path).with_context(|| format!("cannot remove {}, a page of an earlier report", path.display()))
    })
}

fn of_run(folder: &Path, name: &str, report: &str, out: &Path) -> anyhow::Result<(RunData, usize)> {
    let about = crate::run::about(folder)?;
    let about = RunData {
        name: name.to_owned(),
        ..about
    };
    let shown = ShownStatements::of(&about.header);
    let untold = shown.as_ref().err().cloned().unwrap_or_default();
    let mut pages = PersonPages::new(&about, report, &untold)?;
    let mut people = 0;
    load_by_person(folder, |outcomes: &[Outcome]| -> anyhow::Result<()> {
        let of_person = |shown: &ShownStatements| shown.of_person(&outcomes[0].respondent);
        let lists = shown.as_ref().map(of_person).unwrap_or_default();
        people += 1;
        put(out, &pages.page(outcomes, &lists)?)
    })?;
    put(out, &pages.list()?)?;
    drop(pages);
    Ok((about, people))
}

fn put(out: &Path, file: &PersonFile) -> anyhow::Result<()> {
    write_whole(&out.join(&file.name), |whole| -> std::io::Result<()> {
        whole.write_all(file.html.as_bytes())
    })
}
