//! The header of a safetensors file, checked against the file before anything is taken from it.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use safetensors::tensor::TensorInfo;
use serde_json::Value;

use crate::model::LoadError;

/// Longest header that is read. The longest of the models in use take one megabyte; the format's own library accepts
/// a hundred, of which the JSON in memory would be gigabytes.
const LONGEST: usize = 1 << 24;
/// The header's length comes first, as a u64.
const PREFIX: usize = size_of::<u64>();

/// Tensors of a whole file's `bytes` in their order in it: name, place in the file, type and shape.
///
/// The places lie in the file, do not overlap and leave no gap, and each is as long as its type and shape say.
pub(crate) fn read(path: &Path, bytes: &[u8]) -> Result<Vec<(String, Range<usize>, TensorInfo)>, LoadError> {
    let (header, data) = divided(path, bytes)?;
    let start = bytes.len() - data.len();
    let (mut end, mut placed) = (0, Vec::new());
    for (name, info) in described(path, header)? {
        let place = place(&info, end, data.len()).map_err(|what| LoadError::weight(path, &name, what))?;
        end = place.end;
        placed.push((name, start + place.start..start + place.end, info));
    }
    match data.len() - end {
        0 => Ok(placed),
        extra => {
            let what = format!("{extra} bytes after the last tensor belong to none");
            Err(LoadError::malformed(path, what))
        }
    }
}

/// A file's header, and what comes behind it.
fn divided<'a>(path: &Path, bytes: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), LoadError> {
    let size = bytes.len();
    let Some((length, rest)) = bytes.split_first_chunk::<PREFIX>() else {
        let what = format!("has {size} bytes, too few for a safetensors header");
        return Err(LoadError::malformed(path, what));
    };
    let length = u64::from_le_bytes(*length);
    let fitting = usize::try_from(length).ok().filter(|&length| length <= LONGEST);
    fitting.and_then(|length| rest.split_at_checked(length)).ok_or_else(|| {
        let what = format!(
            "its header claims {length} bytes and the file has {size}: cut short, or no safetensors file (a header has at \
             most {LONGEST} bytes)"
        );
        LoadError::malformed(path, what)
    })
}

/// The tensors that a header describes, in the order of their places.
fn described(path: &Path, header: &[u8]) -> Result<Vec<(String, TensorInfo)>, LoadError> {
    let entries: HashMap<String, Value> = serde_json::from_slice(header)
        .map_err(|error| LoadError::malformed(path, format!("its header is not a JSON object: {error}")))?;
    let tensors = entries.into_iter().filter(|(name, _)| name != "__metadata__");
    let tensors = tensors.map(|(name, entry)| match serde_json::from_value(entry) {
        Ok(info) => Ok((name, info)),
        Err(error) => Err(LoadError::weight(
            path,
            &name,
            format!("its entry in the header: {error}"),
        )),
    });
    let mut tensors: Vec<(String, TensorInfo)> = tensors.collect::<Result<_, _>>()?;
    tensors.sort_by(|(left, a), (right, b)| (a.data_offsets, left).cmp(&(b.data_offsets, right)));
    Ok(tensors)
}

/// Where a tensor lies among `size` bytes, which must be right behind the one before it, that ends at `end`.
fn place(info: &TensorInfo, end: usize, size: usize) -> Result<Range<usize>, String> {
    let (from, to) = info.data_offsets;
    if from > to || to > size {
        return Err(format!("lies at {from}..{to} of {size} bytes: outside the file"));
    }
    if from != end {
        return Err(format!(
            "starts at {from}, expected {end}: it overlaps another or leaves a gap"
        ));
    }
    let mut sides = info.shape.iter();
    let bits = sides.try_fold(info.dtype.bitsize(), |product, &side| product.checked_mul(side));
    match bits {
        Some(bits) if bits % 8 == 0 && bits / 8 == to - from => Ok(from..to),
        _ => Err(format!(
            "has {} bytes, not what {:?} of {:?} takes",
            to - from,
            info.shape,
            info.dtype
        )),
    }
}
