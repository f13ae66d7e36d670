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
    let refuse = |what: String| LoadError::malformed(path, what);
    let Some(length) = bytes.first_chunk::<PREFIX>() else {
        return Err(refuse(format!(
            "has {} bytes, too few for a safetensors header",
            bytes.len()
        )));
    };
    let length = u64::from_le_bytes(*length);
    let (header, data) = usize::try_from(length)
        .ok()
        .filter(|&length| length <= LONGEST)
        .and_then(|length| bytes[PREFIX..].split_at_checked(length))
        .ok_or_else(|| {
            let size = bytes.len();
            refuse(format!(
                "its header claims {length} bytes and the file has {size}: cut short, or no safetensors file (a header \
                 has at most {LONGEST} bytes)"
            ))
        })?;
    let start = bytes.len() - data.len();

    let entries: HashMap<String, Value> =
        serde_json::from_slice(header).map_err(|error| refuse(format!("its header is no JSON object: {error}")))?;
    let mut tensors = Vec::with_capacity(entries.len());
    for (name, entry) in entries {
        if name == "__metadata__" {
            continue;
        }
        let info: TensorInfo = serde_json::from_value(entry)
            .map_err(|error| LoadError::weight(path, &name, format!("its entry in the header: {error}")))?;
        tensors.push((name, info));
    }
    tensors.sort_by(|(left, a), (right, b)| (a.data_offsets, left).cmp(&(b.data_offsets, right)));

    let mut end = 0;
    let mut placed = Vec::with_capacity(tensors.len());
    for (name, info) in tensors {
        let refuse = |what: String| Err(LoadError::weight(path, &name, what));
        let (from, to) = info.data_offsets;
        if from > to || to > data.len() {
            return refuse(format!(
                "lies at {from}..{to} of {} bytes: outside the file",
                data.len()
            ));
        }
        if from != end {
            return refuse(format!(
                "starts at {from}, expected {end}: it overlaps another or leaves a gap"
            ));
        }
        end = to;
        let bits = info
            .shape
            .iter()
            .try_fold(info.dtype.bitsize(), |product, &side| product.checked_mul(side));
        if bits.is_none_or(|bits| bits % 8 != 0 || bits / 8 != to - from) {
            return refuse(format!(
                "has {} bytes, not what {:?} of {:?} takes",
                to - from,
                info.shape,
                info.dtype
            ));
        }
        placed.push((name, start + from..start + to, info));
    }
    if end != data.len() {
        let extra = data.len() - end;
        return Err(refuse(format!("{extra} bytes after the last tensor belong to none")));
    }
    Ok(placed)
}
