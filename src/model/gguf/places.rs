//! Where the tensors of a GGUF file lie: inside the file, and none over another.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use crate::model::LoadError;
use crate::model::stored::Storage;

/// Where one tensor lies.
#[derive(Debug, Clone)]
pub(crate) struct TensorEntry {
    /// Outermost dimension first, the reverse of the file's order.
    pub(crate) shape: Vec<usize>,
    pub(crate) storage: Storage,
    /// Number of its file among the model's parts.
    pub(crate) file: usize,
    /// Place in the file.
    pub(crate) range: Range<usize>,
}

/// A tensor as the header describes it.
pub(super) struct DescribedTensor {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) storage: Storage,
    /// Bytes from where the data begins.
    pub(super) offset: u64,
}

/// The part of a file that holds tensors.
pub(super) struct Data<'a> {
    pub(super) path: &'a Path,
    /// Bytes of the whole file.
    pub(super) size: u64,
    /// Where the data begins.
    pub(super) start: u64,
    /// What every tensor's offset is a multiple of.
    pub(super) alignment: u64,
}

impl Data<'_> {
    /// The places of all tensors by name.
    pub(super) fn place(&self, tensors: Vec<DescribedTensor>) -> Result<HashMap<String, TensorEntry>, LoadError> {
        let mut placed = HashMap::with_capacity(tensors.len());
        for tensor in tensors {
            let range = self
                .range(&tensor)
                .map_err(|what| LoadError::weight(self.path, &tensor.name, what))?;
            let DescribedTensor {
                name, shape, storage, ..
            } = tensor;
            let entry = TensorEntry {
                shape,
                storage,
                file: 0,
                range,
            };
            placed.insert(name, entry);
        }
        let mut ranges: Vec<(&Range<usize>, &String)> =
            placed.iter().map(|(name, entry)| (&entry.range, name)).collect();
        ranges.sort_by_key(|(range, _)| (range.start, range.end));
        for pair in ranges.windows(2) {
            if let [(before, first), (after, second)] = pair
                && after.start < before.end
            {
                return Err(LoadError::weight(
                    self.path,
                    second,
                    format!("overlaps tensor `{first}`"),
                ));
            }
        }
        Ok(placed)
    }

    fn range(&self, tensor: &DescribedTensor) -> Result<Range<usize>, String> {
        let (shape, storage, offset) = (&tensor.shape, tensor.storage, tensor.offset);
        let bytes = shape
            .iter()
            .try_fold(1usize, |product, &side| product.checked_mul(side))
            .and_then(|elements| storage.bytes(elements))
            .ok_or_else(|| format!("the shape {shape:?} does not fill whole blocks of {storage}"))?;
        let block = storage.block_size();
        if block > 1 && shape.last().is_none_or(|row| row % block != 0) {
            return Err(format!("rows of {shape:?} are not whole blocks of {storage}"));
        }
        if !offset.is_multiple_of(self.alignment) {
            return Err(format!(
                "starts at {offset}, no multiple of the alignment {}",
                self.alignment
            ));
        }
        let end = self
            .start
            .checked_add(offset)
            .and_then(|at| at.checked_add(bytes as u64));
        match end {
            // Both ends are at most the file's size, which is a usize.
            Some(end) if end <= self.size => Ok(end as usize - bytes..end as usize),
            _ => Err(format!("{bytes} bytes at {offset} lie outside the file: cut short?")),
        }
    }
}
