//! The header of a GGUF file, read from a memory map.
//!
//! Every count, length and offset is compared with what is left of the header before it is used, so that no file,
//! however broken, makes this read outside the map. A file's size is no measure of what may be allocated, because a
//! file of many gigabytes can be a hole: nothing is reserved by a count that was read, what is kept grows as entries
//! are found, and a header longer than [`LONGEST_HEADER`] is refused.
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use candle_core::quantized::GgmlDType;

use super::places::{Data, DescribedTensor, TensorEntry};
use super::value::MetadataValue;
use crate::model::LoadError;
use crate::model::stored::{Storage, TableKind};

const MAGIC: &[u8; 4] = b"GGUF";
/// Tensors start at multiples of this, where the file says nothing else.
const DEFAULT_ALIGNMENT: u64 = 32;
/// ggml's own limit.
const MOST_DIMENSIONS: u32 = 4;
/// Arrays of arrays deeper than this are refused; real files have none.
const DEEPEST: usize = 4;
/// Most bytes of metadata and descriptions of tensors. The largest vocabularies in use take 20 MB.
const LONGEST_HEADER: usize = 100_000_000;
/// Most tensors that a file may have; published models of these families have fewer than ten thousand.
const MOST_TENSORS: usize = 1 << 18;
/// Smallest entry a key with its value can take: an empty key, a type, one byte.
const SMALLEST_PAIR: usize = 8 + 4 + 1;
/// Smallest description of a tensor: an empty name, no dimensions, a type, an offset.
const SMALLEST_TENSOR: usize = 8 + 4 + 4 + 8;

/// Metadata and tensors of one file.
#[derive(Debug)]
pub(crate) struct GgufHeader {
    pub(crate) metadata: HashMap<String, MetadataValue>,
    pub(crate) tensors: HashMap<String, TensorEntry>,
}

/// Reads the header of a whole file's `bytes`; every tensor's place is inside them and none overlaps another.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<GgufHeader, LoadError> {
    let header = &bytes[..bytes.len().min(LONGEST_HEADER)];
    let mut cursor = ByteCursor {
        path,
        bytes: header,
        whole: header.len() == bytes.len(),
        at: 0,
    };
    if cursor.take(4, "the magic")? != MAGIC {
        return Err(LoadError::malformed(path, "does not begin with `GGUF`: no GGUF file"));
    }
    let version = cursor.u32("the version")?;
    if !(2..=3).contains(&version) {
        let what = format!("has GGUF version {version}; 2 and 3 can be read (big-endian files cannot)");
        return Err(LoadError::malformed(path, what));
    }
    let tensor_count = cursor.count("the number of tensors", SMALLEST_TENSOR)?;
    let pair_count = cursor.count("the number of metadata entries", SMALLEST_PAIR)?;

    if tensor_count > MOST_TENSORS {
        let what = format!("claims {tensor_count} tensors, at most {MOST_TENSORS} are read");
        return Err(LoadError::malformed(path, what));
    }
    let metadata = cursor.metadata(pair_count)?;
    let infos = cursor.infos(tensor_count)?;
    let alignment = match metadata.get("general.alignment") {
        None => DEFAULT_ALIGNMENT,
        Some(value) => value
            .as_u64()
            .filter(|alignment| alignment.is_power_of_two() && (8..=1 << 20).contains(alignment))
            .ok_or_else(|| LoadError::field(path, "general.alignment", "expected a power of two from 8 to 1048576"))?,
    };
    let start = (cursor.at as u64).next_multiple_of(alignment);
    let data = Data {
        path,
        size: bytes.len() as u64,
        start,
        alignment,
    };
    let tensors = data.place(infos)?;
    Ok(GgufHeader { metadata, tensors })
}

struct ByteCursor<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    /// Whether these are all bytes of the file.
    whole: bool,
    at: usize,
}

impl<'a> ByteCursor<'a> {
    /// Keys and values, each key once.
    fn metadata(&mut self, count: usize) -> Result<HashMap<String, MetadataValue>, LoadError> {
        let mut metadata = HashMap::new();
        for _ in 0..count {
            let key = self.string("a metadata key")?;
            let value = self.value(&key)?;
            if metadata.insert(key.clone(), value).is_some() {
                let what = format!("has the metadata key `{key}` twice");
                return Err(LoadError::malformed(self.path, what));
            }
        }
        Ok(metadata)
    }

    /// Descriptions of tensors, each name once.
    fn infos(&mut self, count: usize) -> Result<Vec<DescribedTensor>, LoadError> {
        let mut infos = Vec::new();
        let mut names = HashSet::new();
        for _ in 0..count {
            let info = self.info()?;
            // Told here and not when all are read: a hole in the file reads as tensors without a name.
            if !names.insert(info.name.clone()) {
                return Err(LoadError::weight(self.path, &info.name, "is described twice"));
            }
            infos.push(info);
        }
        Ok(infos)
    }

    fn refuse(&self, what: impl Into<String>) -> LoadError {
        LoadError::malformed(self.path, what)
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn take(&mut self, length: usize, what: &str) -> Result<&'a [u8], LoadError> {
        match self.bytes[self.at..].get(..length) {
            Some(slice) => {
                self.at += length;
                Ok(slice)
            }
            None if self.whole => {
                Err(self.refuse(format!("ends at byte {} within {what}: cut short", self.bytes.len())))
            }
            None => Err(self.too_long(what)),
        }
    }

    fn too_long(&self, what: &str) -> LoadError {
        self.refuse(format!(
            "its header goes on after {LONGEST_HEADER} bytes with {what}: no model's is that long"
        ))
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], LoadError> {
        let slice = self.take(N, what)?;
        slice.try_into().map_err(|_| self.refuse(what))
    }

    fn u32(&mut self, what: &str) -> Result<u32, LoadError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    fn u64(&mut self, what: &str) -> Result<u64, LoadError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A number of things that take at least `smallest` bytes each.
    fn count(&mut self, what: &str, smallest: usize) -> Result<usize, LoadError> {
        let count = self.u64(what)?;
        let most = self.left() / smallest;
        match usize::try_from(count) {
            Ok(count) if count <= most => Ok(count),
            Ok(_) if !self.whole => Err(self.too_long(what)),
            _ => Err(self.refuse(format!("{what} is {count}, and the file has room for {most} at most"))),
        }
    }

    fn string(&mut self, what: &str) -> Result<String, LoadError> {
        let length = self.count(what, 1)?;
        let bytes = self.take(length, what)?;
        // A few files end their strings with a zero byte, as C does.
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(self.refuse(format!("{what} at byte {} is not UTF-8", self.at - length))),
        }
    }

    fn value(&mut self, key: &str) -> Result<MetadataValue, LoadError> {
        let kind = self.u32(key)?;
        self.value_of(kind, key, 0)
    }

    fn value_of(&mut self, kind: u32, key: &str, depth: usize) -> Result<MetadataValue, LoadError> {
        Ok(match kind {
            0 => MetadataValue::Unsigned(u64::from(u8::from_le_bytes(self.array(key)?))),
            1 => MetadataValue::Signed(i64::from(i8::from_le_bytes(self.array(key)?))),
            2 => MetadataValue::Unsigned(u64::from(u16::from_le_bytes(self.array(key)?))),
            3 => MetadataValue::Signed(i64::from(i16::from_le_bytes(self.array(key)?))),
            4 => MetadataValue::Unsigned(u64::from(u32::from_le_bytes(self.array(key)?))),
            5 => MetadataValue::Signed(i64::from(i32::from_le_bytes(self.array(key)?))),
            6 => MetadataValue::Float(f64::from(f32::from_le_bytes(self.array(key)?))),
            7 => match self.array(key)? {
                [0] => MetadataValue::Bool(false),
                [1] => MetadataValue::Bool(true),
                [other] => {
                    return Err(LoadError::field(
                        self.path,
                        key,
                        format!("is the byte {other}, expected 0 or 1"),
                    ));
                }
            },
            8 => MetadataValue::String(self.string(key)?),
            9 => self.array_value(key, depth)?,
            10 => MetadataValue::Unsigned(u64::from_le_bytes(self.array(key)?)),
            11 => MetadataValue::Signed(i64::from_le_bytes(self.array(key)?)),
            12 => MetadataValue::Float(f64::from_le_bytes(self.array(key)?)),
            other => {
                return Err(LoadError::field(
                    self.path,
                    key,
                    format!("has the unknown value type {other}"),
                ));
            }
        })
    }

    fn array_value(&mut self, key: &str, depth: usize) -> Result<MetadataValue, LoadError> {
        if depth >= DEEPEST {
            return Err(LoadError::field(self.path, key, "is nested too deeply"));
        }
        let kind = self.u32(key)?;
        let smallest = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            9 => 12,
            other => {
                return Err(LoadError::field(
                    self.path,
                    key,
                    format!("has the unknown value type {other}"),
                ));
            }
        };
        let length = self.count(key, smallest)?;
        match kind {
            8 => (0..length)
                .map(|_| self.string(key))
                .collect::<Result<_, _>>()
                .map(MetadataValue::Strings),
            7 => (0..length)
                .map(|_| Ok(i32::from(u8::from_le_bytes(self.array(key)?) != 0)))
                .collect::<Result<_, _>>()
                .map(MetadataValue::Ints),
            5 => (0..length)
                .map(|_| Ok(i32::from_le_bytes(self.array(key)?)))
                .collect::<Result<_, _>>()
                .map(MetadataValue::Ints),
            6 => (0..length)
                .map(|_| Ok(f32::from_le_bytes(self.array(key)?)))
                .collect::<Result<_, _>>()
                .map(MetadataValue::Floats),
            // Nothing that is read here comes as an array of another type; it is stepped over, value by value.
            _ => {
                for _ in 0..length {
                    self.value_of(kind, key, depth + 1)?;
                }
                Ok(MetadataValue::OtherArray(length))
            }
        }
    }

    /// A tensor of a type that is not read.
    fn foreign_type(&self, tensor: &str, kind: u32) -> LoadError {
        let known = FOREIGN_TYPES.iter().find(|(number, _)| *number == kind);
        let name = known.map_or_else(|| format!("ggml type {kind}"), |(_, name)| (*name).to_owned());
        let file = self.path.display();
        LoadError::Foreign {
            path: self.path.to_owned(),
            what: format!("tensor `{tensor}` is stored as {name}, which cannot be read"),
            remedy: format!(
                "take a file of the types Q4_0 to Q8_0, Q2_K to Q6_K, F16, BF16 or F32, or make one with llama.cpp: \
                 llama-quantize --allow-requantize {file} {}-q8_0.gguf Q8_0",
                file.to_string().trim_end_matches(".gguf")
            ),
        }
    }

    fn info(&mut self) -> Result<DescribedTensor, LoadError> {
        let name = self.string("a tensor's name")?;
        let dimensions = self.u32(&name)?;
        if dimensions > MOST_DIMENSIONS {
            return Err(LoadError::weight(
                self.path,
                &name,
                format!("has {dimensions} dimensions, expected 1 to 4"),
            ));
        }
        let mut shape = Vec::with_capacity(dimensions as usize);
        for _ in 0..dimensions {
            let side = self.u64(&name)?;
            let side = usize::try_from(side)
                .map_err(|_| LoadError::weight(self.path, &name, format!("has a side of {side}")))?;
            shape.push(side);
        }
        shape.reverse();
        let kind = self.u32(&name)?;
        let storage = storage(kind).ok_or_else(|| self.foreign_type(&name, kind))?;
        let offset = self.u64(&name)?;
        Ok(DescribedTensor {
            name,
            shape,
            storage,
            offset,
        })
    }
}

/// ggml's names of the types that are not read, by their numbers (gguf-py's `GGMLQuantizationType`; 4, 5, 31 to 33 and
/// 36 to 38 are of no use any more, and files of them are old).
const FOREIGN_TYPES: [(u32, &str); 22] = [
    (4, "Q4_2"),
    (5, "Q4_3"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (29, "IQ1_M"),
    (31, "Q4_0_4_4"),
    (32, "Q4_0_4_8"),
    (33, "Q4_0_8_8"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
    (36, "IQ4_NL_4_4"),
    (37, "IQ4_NL_4_8"),
    (38, "IQ4_NL_8_8"),
    (40, "NVFP4"),
];

/// ggml's numbers of the types that can be read.
fn storage(number: u32) -> Option<Storage> {
    Some(match number {
        0 => Storage::F32,
        1 => Storage::F16,
        2 => GgmlDType::Q4_0.into(),
        3 => GgmlDType::Q4_1.into(),
        6 => GgmlDType::Q5_0.into(),
        7 => GgmlDType::Q5_1.into(),
        8 => GgmlDType::Q8_0.into(),
        9 => GgmlDType::Q8_1.into(),
        10 => GgmlDType::Q2K.into(),
        11 => GgmlDType::Q3K.into(),
        12 => GgmlDType::Q4K.into(),
        13 => GgmlDType::Q5K.into(),
        14 => GgmlDType::Q6K.into(),
        15 => GgmlDType::Q8K.into(),
        20 => Storage::Table(TableKind::Iq4Nl),
        23 => Storage::Table(TableKind::Iq4Xs),
        28 => Storage::F64,
        30 => Storage::BF16,
        39 => Storage::Table(TableKind::Mxfp4),
        _ => return None,
    })
}
