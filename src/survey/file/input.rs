//! Opens a file as a stream of text: plain, behind gzip, or as the one table of a ZIP archive.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use flate2::Crc;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder};
use zip::{CompressionMethod, ZipArchive};

use super::super::error::SurveyError;
use super::super::file_error::FileError;
use super::super::foreign::{Foreign, Packing};
use super::endings::LineEndings;

/// The text of a file; its lines end in `\n`.
pub(super) type ByteSource = BufReader<Box<dyn Read + Send>>;

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 18;

const GZIP: &[u8] = b"\x1f\x8b";
const ZIP: &[u8] = b"PK\x03\x04";
/// An archive that holds nothing.
const EMPTY_ZIP: &[u8] = b"PK\x05\x06";

/// Ends of names that hold a table of text.
const TABLES: [&str; 5] = ["csv", "tsv", "txt", "jsonl", "json"];

/// Whether a stream of text is a table of people; what has to be known of those in an archive of several.
pub(super) type IsSurvey = fn(&Path, &mut ByteSource) -> bool;

/// Opens `path`, unpacked, at its first byte. Also the name within the archive, where it is one.
pub(super) fn open(path: &Path, is_survey: IsSurvey) -> Result<(ByteSource, Option<String>), SurveyError> {
    let failed = |error| SurveyError::io("read", path, error);
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(FileError::Directory { path: path.to_owned() }.into());
    }
    let mut packed = BufReader::with_capacity(BUFFER, file);
    let start = packed.fill_buf().map_err(failed)?;
    let (mut input, packed): (ByteSource, _) = if start.starts_with(GZIP) {
        (buffered(MultiGzDecoder::new(packed)), Some(Packing::Gzip))
    } else if start.starts_with(ZIP) || start.starts_with(EMPTY_ZIP) {
        let (input, name) = table_of(path, is_survey)?;
        (input, Some(Packing::Zip(name)))
    } else {
        (buffered(packed), None)
    };
    let start = input.fill_buf().map_err(failed)?;
    if let Some(kind) = Foreign::of_bytes(start) {
        return Err(foreign(path, kind, packed).into());
    }
    let member = match packed {
        Some(Packing::Zip(name)) => Some(name),
        _ => None,
    };
    Ok((buffered(LineEndings::new(input)), member))
}

fn foreign(path: &Path, kind: Foreign, packed: Option<Packing>) -> FileError {
    FileError::Foreign {
        path: path.to_owned(),
        kind,
        packed,
    }
}

fn buffered(input: impl Read + Send + 'static) -> ByteSource {
    BufReader::with_capacity(BUFFER, Box::new(input))
}

/// The only table in a ZIP archive, as a stream, and its name. Where several members may be one, it is the one with the
/// survey's columns: a code book or a note beside it is none.
fn table_of(path: &Path, is_survey: IsSurvey) -> Result<(ByteSource, String), SurveyError> {
    let refused = |problem: String| FileError::Archive {
        path: path.to_owned(),
        problem,
    };
    let members = members(path).map_err(refused)?;
    if let Some(kind) = Foreign::of_members(members.iter().map(|(_, name)| name.as_str())) {
        return Err(foreign(path, kind, None).into());
    }
    let opened = |&(at, ref name): &(usize, String)| {
        stream(path, at)
            .map(|input| (input, name.clone()))
            .map_err(|problem| refused(format!("{name}: {problem}")))
    };
    let tables: Vec<&(usize, String)> = members.iter().filter(|(_, name)| is_table(name)).collect();
    match tables.as_slice() {
        [table] => return Ok(opened(table)?),
        [] if members.is_empty() => return Err(refused("it is empty".to_owned()).into()),
        [] => return Err(refused(format!("it holds no table of text, only {}", listed(&members))).into()),
        _ => {}
    }
    let mut surveys = Vec::new();
    for table in &tables {
        let (mut input, _) = opened(table)?;
        let start = input.fill_buf().map_err(|error| SurveyError::io("read", path, error))?;
        if match Foreign::of_bytes(start) {
            // It may be the table; if it is, the error about it says how to turn it into one that can be read.
            Some(kind) => matches!(kind, Foreign::Wide(_)),
            None => is_survey(path, &mut buffered(LineEndings::new(input))),
        } {
            surveys.push(*table);
        }
    }
    match surveys.as_slice() {
        [table] => Ok(opened(table)?),
        [] => Err(refused(format!("no table in it has the survey's columns: {}", listed(&tables))).into()),
        several => Err(refused(format!("it holds several tables of people: {}", listed(several))).into()),
    }
}

/// The files in a ZIP archive, each with its number.
fn members(path: &Path) -> Result<Vec<(usize, String)>, String> {
    let mut archive = archive(path)?;
    let mut members = Vec::new();
    for at in 0..archive.len() {
        let member = archive.by_index_raw(at).map_err(|error| error.to_string())?;
        if !member.is_dir() {
            let name = member.name().map_err(|error| error.to_string())?;
            members.push((at, name.into_owned()));
        }
    }
    Ok(members)
}

fn archive(path: &Path) -> Result<ZipArchive<File>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    ZipArchive::new(file).map_err(|error| error.to_string())
}

/// Whether a member is a table: by the end of its name, hidden files and macOS's copies left out.
fn is_table(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    let end = base.rsplit_once('.').map_or("", |(_, end)| end);
    !base.starts_with('.')
        && !name.starts_with("__MACOSX/")
        && TABLES.iter().any(|table| end.eq_ignore_ascii_case(table))
}

/// Names, a few of them.
fn listed(members: &[impl std::borrow::Borrow<(usize, String)>]) -> String {
    const MOST: usize = 4;
    let mut names: Vec<&str> = members
        .iter()
        .take(MOST)
        .map(|member| member.borrow().1.as_str())
        .collect();
    if members.len() > MOST {
        names.push("...");
    }
    names.join(", ")
}

/// A member as a stream that owns the file, so that a table of any size is read without a copy of it in memory.
fn stream(path: &Path, at: usize) -> Result<ByteSource, String> {
    let mut archive = archive(path)?;
    let (start, length, method, crc) = {
        let member = archive.by_index_raw(at).map_err(|error| error.to_string())?;
        if member.encrypted() {
            return Err("it is encrypted".to_owned());
        }
        let start = member.data_start().ok_or("its place in the archive is not known")?;
        (start, member.compressed_size(), member.compression(), member.crc32())
    };
    let mut file = archive.into_inner();
    file.seek(SeekFrom::Start(start)).map_err(|error| error.to_string())?;
    let packed = BufReader::with_capacity(BUFFER, file).take(length);
    if method == CompressionMethod::Stored {
        Ok(buffered(Checked::new(packed, crc)))
    } else if method == CompressionMethod::DEFLATE {
        Ok(buffered(Checked::new(DeflateDecoder::new(packed), crc)))
    } else {
        Err("it is packed in a way that this program does not read".to_owned())
    }
}

/// A stream whose checksum is compared at its end: a damaged archive is an error, not a shorter survey.
struct Checked<R> {
    input: R,
    seen: Crc,
    expected: u32,
}

impl<R> Checked<R> {
    fn new(input: R, expected: u32) -> Self {
        Self {
            input,
            seen: Crc::new(),
            expected,
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.seen.update(&buffer[..read]);
        if read == 0 && !buffer.is_empty() && self.seen.sum() != self.expected {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the checksum of the archive does not match: it is damaged",
            ));
        }
        Ok(read)
    }
}
