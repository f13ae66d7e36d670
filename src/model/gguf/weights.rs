//! Tensors in a GGUF file, under their canonical names and in their canonical order.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use super::blocks::{self, RowOrder};
use super::names::{self, Canonical, GgufLayout};
use super::places::TensorEntry;
use super::tables::{self, BlockRows};
use crate::model::bounds::MOST_EXPERTS;
use crate::model::finite::first_bad_value;
use crate::model::kernels::{RowChoice, RowSink, rows_at_once};
use crate::model::mapped::MappedFile;
use crate::model::stored::{Inventory, Storage};
use crate::model::{LoadError, Weight, WeightSource};

/// Most tensors that merged ones are taken apart into. Without a limit a file with a hole could ask for a name every few
/// bytes of it.
const MOST_EXPERT_TENSORS: usize = 1 << 18;

/// All tensors of a model's files, mapped, none read.
pub(crate) struct GgufWeights {
    files: Vec<MappedFile>,
    entries: HashMap<String, QuantizedTensor>,
}

#[derive(Debug)]
struct QuantizedTensor {
    shape: Vec<usize>,
    storage: Storage,
    file: usize,
    range: Range<usize>,
    order: RowOrder,
}

impl GgufWeights {
    /// Gives the tensors of these files their canonical names; a name that has none keeps its own.
    pub(crate) fn new(files: Vec<MappedFile>, tensors: HashMap<String, TensorEntry>, layout: GgufLayout) -> Self {
        let mut entries = HashMap::with_capacity(tensors.len());
        let mut room = MOST_EXPERT_TENSORS;
        for (name, tensor) in tensors {
            match names::canonical(&name, layout) {
                Canonical::Ignored => {}
                Canonical::Whole(canonical) => {
                    let order = layout.order(&canonical, tensor.shape.first());
                    let TensorEntry {
                        mut shape,
                        storage,
                        file,
                        range,
                    } = tensor;
                    // The gate of what is beside the experts is a row, and stored as a vector.
                    if canonical.ends_with("_gate.weight") && shape.len() == 1 {
                        shape.insert(0, 1);
                    }
                    let entry = QuantizedTensor {
                        shape,
                        storage,
                        file,
                        range,
                        order,
                    };
                    entries.insert(canonical, entry);
                }
                Canonical::Each { module, ending } => {
                    for (number, entry) in split(tensor, room).enumerate() {
                        room -= 1;
                        entries.insert(format!("{module}.{number}.{ending}"), entry);
                    }
                }
            }
        }
        Self { files, entries }
    }

    /// The mapped files.
    pub(crate) fn files(&self) -> &[MappedFile] {
        &self.files
    }

    /// The file that a tensor is in; the first one where there is no such tensor.
    fn file_of(&self, name: &str) -> &MappedFile {
        &self.files[self.entries.get(name).map_or(0, |entry| entry.file)]
    }

    /// Names of all tensors.
    pub(crate) fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// A tensor's shape. All types that were parsed can be read.
    pub(crate) fn shape(&self, name: &str) -> Option<Result<Vec<usize>, String>> {
        Some(Ok(self.entries.get(name)?.shape.clone()))
    }

    /// Whether two tensors are stored with the same type, shape and bytes; `None` where one of them is not there.
    pub(crate) fn same(&self, one: &str, other: &str) -> Option<bool> {
        let (one, other) = (self.entries.get(one)?, self.entries.get(other)?);
        let bytes = |entry: &QuantizedTensor| self.files[entry.file].bytes().get(entry.range.clone());
        Some(one.storage == other.storage && one.shape == other.shape && bytes(one) == bytes(other))
    }

    pub(crate) fn inventory(&self) -> Inventory {
        let mut inventory = Inventory::default();
        for entry in self.entries.values() {
            inventory.add(entry.storage, entry.shape.iter().product(), entry.range.len());
        }
        inventory
    }

    /// Reads every float and every block's scales; an error for each tensor with a NaN or an infinity.
    pub(crate) fn check_all_values(&self) -> Vec<LoadError> {
        let mut names: Vec<&String> = self.entries.keys().collect();
        names.sort_unstable();
        let checked = names
            .into_iter()
            .filter_map(|name| self.read(name, &self.entries.get(name)?.shape).err());
        checked.collect()
    }

    /// The tensor, once its shape is the expected one.
    fn entry(&self, name: &str, shape: &[usize]) -> Result<&QuantizedTensor, LoadError> {
        let refuse = |what: String| Err(LoadError::weight(self.file_of(name).path(), name, what));
        let Some(entry) = self.entries.get(name) else {
            return refuse("is missing".to_owned());
        };
        if entry.shape != shape {
            return refuse(format!("has the shape {:?}, expected {shape:?}", entry.shape));
        }
        if self.files[entry.file].bytes().get(entry.range.clone()).is_none() {
            return refuse("lies outside the file".to_owned());
        }
        Ok(entry)
    }

    /// The tensor's bytes, once its shape is the expected one and its values are finite.
    fn read(&self, name: &str, shape: &[usize]) -> Result<(&QuantizedTensor, Vec<u8>), LoadError> {
        let entry = self.entry(name, shape)?;
        let bytes = self.files[entry.file].read(entry.range.start, entry.range.len())?;
        self.check_values(name, entry, 0, &bytes)?;
        Ok((entry, bytes))
    }

    /// Whether some of a tensor's values, from number `first` on, are finite numbers.
    fn check_values(&self, name: &str, entry: &QuantizedTensor, first: usize, bytes: &[u8]) -> Result<(), LoadError> {
        match first_bad_value(entry.storage, bytes) {
            None => Ok(()),
            Some(at) => {
                let what = format!("value {} is not a finite number", first + at);
                Err(LoadError::weight(self.file_of(name).path(), name, what))
            }
        }
    }

    fn rows(entry: &QuantizedTensor) -> usize {
        entry.shape.first().copied().unwrap_or(1)
    }
}

fn float(entry: &QuantizedTensor, dtype: DType, bytes: &[u8]) -> candle_core::Result<Tensor> {
    entry.order.arrange(bytes, GgufWeights::rows(entry), |bytes| {
        Tensor::from_raw_buffer(bytes, dtype, &entry.shape, &Device::Cpu)
    })
}

/// Stored values as `dtype`.
fn plain(storage: Storage, bytes: &[u8], shape: &[usize], dtype: DType) -> candle_core::Result<Tensor> {
    match storage {
        Storage::Blocks(kind) => blocks::dequantize(kind, bytes, shape, dtype),
        Storage::Table(kind) => tables::dequantize(kind, bytes, shape, dtype),
        _ => {
            Tensor::from_raw_buffer(bytes, storage.float().unwrap_or(DType::F32), shape, &Device::Cpu)?.to_dtype(dtype)
        }
    }
}

impl WeightSource for GgufWeights {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
        let (entry, bytes) = self.read(name, shape)?;
        let weight = match (entry.storage, entry.storage.float()) {
            (Storage::Blocks(kind), _) => entry
                .order
                .arrange(&bytes, Self::rows(entry), |bytes| blocks::quantized(kind, bytes, shape))
                .map(|blocks| Weight::Quantized(Arc::new(blocks))),
            (Storage::Table(kind), _) => match shape {
                &[rows, columns] => Ok(Weight::Computed(Arc::new(BlockRows {
                    kind,
                    bytes: entry.order.arrange(&bytes, rows, <[u8]>::to_vec),
                    shape: (rows, columns),
                }))),
                _ => tables::dequantize(kind, &bytes, shape, DType::F32).map(Weight::Plain),
            },
            (_, dtype) => float(entry, dtype.unwrap_or(DType::F32), &bytes).map(Weight::Plain),
        };
        weight.map_err(LoadError::tensor(name))
    }

    fn each_rows(
        &self,
        name: &str,
        (rows, columns): (usize, usize),
        range: Range<usize>,
        dtype: DType,
        each: &mut RowSink<'_>,
    ) -> Result<(), LoadError> {
        let entry = self.entry(name, &[rows, columns])?;
        // Each row is whole blocks.
        let row = entry.range.len() / rows.max(1);
        for some in rows_at_once(range, columns) {
            let start = |number| entry.range.start + entry.order.place(rows, number) * row;
            let bytes = self.files[entry.file].read_each(some.clone().map(start), row)?;
            self.check_values(name, entry, some.start * columns, &bytes)?;
            plain(entry.storage, &bytes, &[some.len(), columns], dtype)
                .and_then(|tensor| each(some.start, &tensor))
                .map_err(LoadError::tensor(name))?;
        }
        Ok(())
    }

    fn rows(&self, name: &str, shape: &[usize], ids: &[u32], dtype: DType) -> Result<Tensor, LoadError> {
        let entry = self.entry(name, shape)?;
        let &[rows, columns] = shape else {
            return self
                .get(name, shape)?
                .some(RowChoice::Ids(ids), dtype)
                .map_err(LoadError::tensor(name));
        };
        let place = |id: usize| entry.order.place(rows, id);
        let row = entry.range.len() / rows.max(1);
        let starts = ids.iter().map(|&id| entry.range.start + place(id as usize) * row);
        let bytes = self.files[entry.file].read_each(starts, row)?;
        plain(entry.storage, &bytes, &[ids.len(), columns], dtype).map_err(LoadError::tensor(name))
    }

    fn get_plain(&self, name: &str, shape: &[usize], dtype: DType) -> Result<Tensor, LoadError> {
        let (entry, bytes) = self.read(name, shape)?;
        let tensor = entry.order.arrange(&bytes, Self::rows(entry), |bytes| {
            plain(entry.storage, bytes, shape, dtype)
        });
        tensor.map_err(LoadError::tensor(name))
    }
}

/// One entry per expert of a tensor of shape (experts, rows, columns), or of their biases; of any other shape, itself under an odd name
/// would be no better than nothing: the experts are then missing, and are named.
fn split(tensor: TensorEntry, room: usize) -> impl Iterator<Item = QuantizedTensor> {
    let (experts, shape) = match tensor.shape.split_first() {
        Some((&experts, rest)) if matches!(rest.len(), 1 | 2) => (experts, rest.to_vec()),
        _ => (0, Vec::new()),
    };
    let length = tensor.range.len().checked_div(experts).unwrap_or(0);
    // Nothing else bounds the number of names made here: an empty tensor can claim any number of experts.
    let experts = if length == 0 || experts > MOST_EXPERTS.min(room) {
        0
    } else {
        experts
    };
    (0..experts).map(move |expert| {
        let start = tensor.range.start + expert * length;
        QuantizedTensor {
            shape: shape.clone(),
            storage: tensor.storage,
            file: tensor.file,
            range: start..start + length,
            order: RowOrder::Plain,
        }
    })
}
