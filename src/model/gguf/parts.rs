//! A GGUF model in one file, or in parts as llama.cpp's gguf-split writes them: the first part has the metadata, each has
//! tensors.

use std::path::Path;

use super::parse::{self, GgufHeader};
use super::value::Metadata;
use crate::model::LoadError;
use crate::model::mapped::MappedFile;

/// All files of a model.
pub(crate) struct GgufFiles {
    /// In their order.
    pub(crate) files: Vec<MappedFile>,
    /// The first file's metadata, and the tensors of all.
    pub(crate) header: GgufHeader,
}

/// Opens the file at `path` and, where it is one of several parts, the others beside it.
///
/// # Errors
/// A part that is missing or is of another model; what is wrong with a file.
pub(crate) fn open(path: &Path) -> Result<GgufFiles, LoadError> {
    let file = MappedFile::open(path)?;
    let header = parse::parse(path, file.bytes())?;
    let parts = number(path, &header, "split.count")?.unwrap_or(1);
    if parts <= 1 {
        return Ok(GgufFiles {
            files: vec![file],
            header,
        });
    }
    let stem = stem(path, parts).ok_or_else(|| LoadError::Foreign {
        path: path.to_owned(),
        what: format!("is one of {parts} parts, and its name does not say which one"),
        remedy: format!(
            "give all parts their names again, which end in {} to {}",
            ending(1, parts),
            ending(parts, parts)
        ),
    })?;
    let named = |part: usize| path.with_file_name(format!("{stem}{}", ending(part, parts)));
    drop((file, header));
    let mut all = opened(&named(1), (1, parts))?;
    for part in 2..=parts {
        let other = opened(&named(part), (part, parts))?;
        add(&mut all, other, &named(part))?;
    }
    if let Some(expected) = number(&named(1), &all.header, "split.tensors.count")?
        && expected != all.header.tensors.len()
    {
        let what = format!(
            "says that its parts have {expected} tensors, and they have {}",
            all.header.tensors.len()
        );
        return Err(LoadError::malformed(&named(1), what));
    }
    Ok(all)
}

/// One part, which must be what its name says.
fn opened(path: &Path, (part, parts): (usize, usize)) -> Result<GgufFiles, LoadError> {
    if !path.is_file() {
        return Err(LoadError::Foreign {
            path: path.to_owned(),
            what: format!("part {part} of {parts} is missing"),
            remedy: format!("put all {parts} parts of the model into one folder"),
        });
    }
    let file = MappedFile::open(path)?;
    let header = parse::parse(path, file.bytes())?;
    let says = (
        number(path, &header, "split.no")?,
        number(path, &header, "split.count")?,
    );
    if says != (Some(part - 1), Some(parts)) {
        let what = match says {
            (Some(no), Some(count)) => format!(
                "says that it is part {} of {count}, and its name part {part} of {parts}",
                no + 1
            ),
            _ => format!("does not say which part it is, and its name part {part} of {parts}"),
        };
        return Err(LoadError::malformed(path, what));
    }
    Ok(GgufFiles {
        files: vec![file],
        header,
    })
}

fn add(all: &mut GgufFiles, other: GgufFiles, path: &Path) -> Result<(), LoadError> {
    let number = all.files.len();
    for (name, mut entry) in other.header.tensors {
        entry.file = number;
        if let Some(before) = all.header.tensors.insert(name.clone(), entry) {
            let what = format!("is also in {}", all.files[before.file].path().display());
            return Err(LoadError::weight(path, &name, what));
        }
    }
    all.files.extend(other.files);
    Ok(())
}

fn number(path: &Path, header: &GgufHeader, key: &str) -> Result<Option<usize>, LoadError> {
    let values = &header.metadata;
    Metadata { path, values }.size(key)
}

/// How the name of a part ends.
pub(crate) fn ending(part: usize, parts: usize) -> String {
    format!("-{part:05}-of-{parts:05}.gguf")
}

/// What the names of all parts begin with, by the name of one of them.
fn stem(path: &Path, parts: usize) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let (stem, count) = named_part(name)?;
    (count == parts).then(|| stem.to_owned())
}

/// What the names of all parts begin with, and how many there are, by the name of one of them.
pub(crate) fn named_part(name: &str) -> Option<(&str, usize)> {
    let rest = name.strip_suffix(".gguf")?;
    let (rest, count) = rest.rsplit_once("-of-")?;
    let (stem, part) = rest.rsplit_once('-')?;
    let whole = |text: &str| {
        text.parse::<usize>()
            .ok()
            .filter(|_| text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit()))
    };
    let (part, count) = (whole(part)?, whole(count)?);
    (1..=count).contains(&part).then_some((stem, count))
}

/// The names of all parts of the model that a file's name is one of; the name alone where it is none.
pub(crate) fn all_parts(name: &str) -> Vec<String> {
    match named_part(name) {
        Some((stem, count)) => (1..=count)
            .map(|part| format!("{stem}{}", ending(part, count)))
            .collect(),
        None => vec![name.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parts_are_those_of_gguf_split() {
        assert_eq!(named_part("qwen-q4_k_m-00002-of-00003.gguf"), Some(("qwen-q4_k_m", 3)));
        assert_eq!(
            all_parts("a-00002-of-00002.gguf"),
            ["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"]
        );
        for name in [
            "qwen-q4_k_m.gguf",
            "a-00004-of-00003.gguf",
            "a-2-of-3.gguf",
            "a-00000-of-00003.gguf",
        ] {
            assert_eq!(named_part(name), None, "{name}");
            assert_eq!(all_parts(name), [name]);
        }
    }
}
