//! Checkpoints in the hub's cache, whichever program put them there.
//!
//! Layout: `models--ORG--NAME/snapshots/COMMIT/FILE`, and `refs/REVISION` with the commit a branch or tag stood for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Holds, Located, NamedModel, Origin};
use crate::base::files::read_up_to;
use crate::model::gguf::parts::all_parts;
use crate::model::registry::is_commit;
use crate::model::tokenizer::LARGEST_SETTINGS;

/// The folder of a repository.
pub(super) fn folder(cache: &Path, repository: &str) -> PathBuf {
    cache.join(format!("models--{}", repository.replace('/', "--")))
}

/// The cached checkpoint, or why it cannot be used.
pub(super) fn find(wanted: &NamedModel, cache: &Path) -> Result<Located, String> {
    let repository = folder(cache, &wanted.repository);
    let commit = match std::fs::read_to_string(repository.join("refs").join(&wanted.revision)) {
        Ok(commit) => commit.trim().to_owned(),
        Err(_) if is_commit(&wanted.revision) => wanted.revision.clone(),
        Err(_) => return Err(format!("does not have {}@{}", wanted.repository, wanted.revision)),
    };
    if !is_commit(&commit) {
        return Err(format!(
            "{} points to {commit:?}, which is not a commit",
            wanted.revision
        ));
    }
    let snapshot = repository.join("snapshots").join(&commit);
    let path = usable(&snapshot, wanted.holds)?;
    let origin = Origin::Hub {
        repository: wanted.repository.clone(),
        commit,
    };
    Ok(Located { path, origin })
}

/// The checkpoint in a snapshot: the folder itself, or its only GGUF file. Of an adapter the folder.
pub(super) fn usable(snapshot: &Path, holds: Holds) -> Result<PathBuf, String> {
    if !snapshot.is_dir() {
        return Err("the snapshot is not there".to_owned());
    }
    let mut names = BTreeSet::new();
    collect(snapshot, "", &mut names);
    let index = read_up_to(&snapshot.join(super::INDEX), LARGEST_SETTINGS).ok();
    match choose(names.iter().map(String::as_str), index.as_deref(), holds) {
        Ok(CheckpointFiles::Folder(files)) => match files.into_iter().find(|file| !names.contains(file)) {
            None => Ok(snapshot.to_owned()),
            Some(missing) => Err(format!("the snapshot is incomplete: {missing} is missing")),
        },
        Ok(CheckpointFiles::Gguf(files)) => match files.iter().find(|file| !names.contains(*file)) {
            None => Ok(snapshot.join(files.first().map_or("", String::as_str))),
            Some(missing) => Err(format!("the snapshot is incomplete: {missing} is missing")),
        },
        Ok(CheckpointFiles::NeedsIndex) => Err(format!("{} cannot be read", super::INDEX)),
        Err(why) => Err(why),
    }
}

/// Deepest folder of a repository that is looked into.
const DEEPEST: usize = 4;

/// Names of the files below a folder of a snapshot, as the hub lists them. A link whose target is gone does not count.
fn collect(folder: &Path, before: &str, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let (path, name) = (entry.path(), format!("{before}{name}"));
        if path.is_file() {
            names.insert(name);
        } else if path.is_dir() && name.matches('/').count() < DEEPEST {
            collect(&path, &format!("{name}/"), names);
        }
    }
}

/// Which files of a repository make the checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CheckpointFiles {
    /// These files, all needed.
    Folder(Vec<String>),
    /// The one GGUF file, or all parts of it.
    Gguf(Vec<String>),
    /// The weights are in shards, and which ones is said in a file that has to be read first.
    NeedsIndex,
}

/// Files that every folder has, and files that are taken along where they are there.
const NEEDED: [&str; 2] = ["config.json", "tokenizer.json"];
const WELCOME: [&str; 3] = ["tokenizer_config.json", "generation_config.json", "chat_template.jinja"];

/// Chooses among `names`; `index` is the content of the index of shards, where it is known.
pub(super) fn choose<'a>(
    names: impl Iterator<Item = &'a str>,
    index: Option<&[u8]>,
    holds: Holds,
) -> Result<CheckpointFiles, String> {
    let names: BTreeSet<&str> = names.collect();
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    if holds == Holds::Adapter {
        let needed = [super::ADAPTER_SETTINGS, super::ADAPTER_TENSORS];
        return match needed.iter().find(|name| !names.contains(*name)) {
            Some(absent) => Err(format!("has no {absent}, which a LoRA adapter has")),
            None => Ok(CheckpointFiles::Folder(owned(&needed))),
        };
    }
    let weights = if names.contains(super::SINGLE) {
        owned(&[super::SINGLE])
    } else if names.contains(super::INDEX) {
        let Some(index) = index else {
            return Ok(CheckpointFiles::NeedsIndex);
        };
        let shards = shards(index).ok_or_else(|| format!("{} is not an index of shards", super::INDEX))?;
        std::iter::once(super::INDEX.to_owned()).chain(shards).collect()
    } else {
        let files: Vec<&&str> = names.iter().filter(|name| name.ends_with(".gguf")).collect();
        return match files.as_slice() {
            [file] if !super::is_safe_path(file) => {
                Err(format!("lists a file named {file:?}, which cannot be a file name"))
            }
            [file] => Ok(CheckpointFiles::Gguf(all_parts(file))),
            [first, ..]
                if files
                    .iter()
                    .all(|file| all_parts(first).iter().any(|part| part == **file)) =>
            {
                Ok(CheckpointFiles::Gguf(all_parts(first)))
            }
            [] => Err("has no safetensors and no GGUF file".to_owned()),
            several => Err(format!(
                "has {} GGUF files: fetch the one you want and name its path",
                several.len()
            )),
        };
    };
    let mut files = owned(&NEEDED);
    files.extend(
        WELCOME
            .into_iter()
            .filter(|name| names.contains(name))
            .map(str::to_owned),
    );
    files.extend(weights);
    Ok(CheckpointFiles::Folder(files))
}

fn shards(index: &[u8]) -> Option<BTreeSet<String>> {
    let index: Value = serde_json::from_slice(index).ok()?;
    let map = index.get("weight_map")?.as_object()?;
    map.values()
        .map(|shard| Some(shard.as_str().filter(|shard| super::is_name(shard))?.to_owned()))
        .collect()
}
