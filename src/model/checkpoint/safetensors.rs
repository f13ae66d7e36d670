//! Tensors in safetensors files: one, or shards with an index.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Tensor};
use safetensors::Dtype;

use super::fused::{self, FusedColumns};
use super::quantized::{self, PackedRows, PackedTensor, Scheme, Tensors};
use super::{header, nested};
use crate::base::files::read_up_to;
use crate::model::design::ExpertNaming;
use crate::model::finite::first_bad_value;
use crate::model::kernels::{RowChoice, RowSink, rows_at_once};
use crate::model::mapped::MappedFile;
use crate::model::stored::{Inventory, Storage};
use crate::model::tensor_problem::LISTED;
use crate::model::tokenizer::LARGEST_SETTINGS;
use crate::model::{LoadError, Weight, WeightSource};

/// The file of a checkpoint in one piece.
pub(crate) const SINGLE: &str = "model.safetensors";
/// The file that says which shard holds which tensor.
pub(crate) const INDEX: &str = "model.safetensors.index.json";

/// All tensors of a safetensors checkpoint, mapped, none read.
pub(crate) struct SafetensorsWeights {
    folder: PathBuf,
    files: Vec<MappedFile>,
    entries: HashMap<String, SafeTensor>,
    /// Weights that lie in several tensors.
    packed: HashMap<String, PackedTensor>,
    /// Those of them that were read last and whose rows alternate, by the one that was asked for: what is read is all of them.
    alternating: Box<Mutex<Option<AlternatingRows>>>,
    /// Tensors that others are made of.
    parts: HashMap<String, SafeTensor>,
    /// Tensors that change no weight.
    aside: HashSet<String>,
}

/// Packed weights whose rows alternate, in their order, and the one that was asked for.
type AlternatingRows = (PackedTensor, Vec<Arc<PackedRows>>);

struct SafeTensor {
    file: usize,
    start: usize,
    bytes: usize,
    shape: Vec<usize>,
    /// Which of the stored values it has, where that is not all as they lie.
    columns: Option<FusedColumns>,
    dtype: Dtype,
    /// The name of a type that cannot be read, where it is one.
    storage: Result<Storage, String>,
}

impl SafetensorsWeights {
    fn empty(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            files: Vec::new(),
            entries: HashMap::new(),
            packed: HashMap::new(),
            alternating: Box::default(),
            parts: HashMap::new(),
            aside: HashSet::new(),
        }
    }

    /// Maps the files of `folder` and reads their headers.
    pub(crate) fn open(folder: &Path) -> Result<Self, Vec<LoadError>> {
        let mut weights = Self::empty(folder);
        let single = folder.join(SINGLE);
        let index = folder.join(INDEX);
        if single.is_file() {
            weights.add(&single).map_err(|error| vec![error])?;
        } else if index.is_file() {
            weights.add_shards(&index)?;
        } else {
            return Err(vec![LoadError::Absent {
                path: folder.to_owned(),
                what: format!("has neither {SINGLE} nor {INDEX}"),
            }]);
        }
        Ok(weights)
    }

    /// Of a model that also sees, the tensors of the part that reads, under the names they have where it is alone.
    pub(crate) fn of_text(self) -> Self {
        /// What has a name in that part, under it.
        fn renamed<T>(all: HashMap<String, T>) -> HashMap<String, T> {
            let named = |(name, entry): (String, T)| Some((nested::text_name(&name)?, entry));
            all.into_iter().filter_map(named).collect()
        }
        Self {
            entries: renamed(self.entries),
            packed: renamed(self.packed),
            aside: self.aside.iter().filter_map(|name| nested::text_name(name)).collect(),
            ..self
        }
    }

    /// Maps one file, whatever its name.
    pub(crate) fn open_file(path: &Path) -> Result<Self, LoadError> {
        let mut weights = Self::empty(path);
        weights.add(path)?;
        Ok(weights)
    }

    /// The mapped files.
    pub(crate) fn files(&self) -> &[MappedFile] {
        &self.files
    }

    /// Names of all tensors.
    pub(crate) fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        let own = self.entries.keys().filter(|name| !self.aside.contains(*name));
        let names: Vec<&str> = own.chain(self.packed.keys()).map(String::as_str).collect();
        names.into_iter()
    }

    /// Finds the weights that a quantiser packed. Returns what is wrong with them.
    pub(super) fn unpack(&mut self, scheme: &Scheme) -> Vec<LoadError> {
        let found = quantized::gather(scheme, self);
        let parts: HashSet<&String> = found.packed.values().flat_map(|packed| packed.parts.values()).collect();
        for name in parts {
            self.parts.extend(self.entries.remove_entry(name));
        }
        self.packed = found.packed;
        self.aside = found.aside.into_iter().collect();
        let problem = |(name, what): (String, String)| LoadError::weight(&self.folder, &name, what);
        let more = found.problems.len().saturating_sub(LISTED);
        let mut problems: Vec<LoadError> = found.problems.into_iter().take(LISTED).map(problem).collect();
        if more > 0 {
            problems.push(LoadError::malformed(
                &self.folder,
                format!("{more} more packed tensors do not fit"),
            ));
        }
        problems
    }

    /// Takes experts apart that lie in one tensor.
    pub(super) fn split_experts(&mut self, naming: ExpertNaming) {
        let fused: Vec<(String, Vec<fused::FusedPart>)> = self
            .entries
            .iter()
            .filter_map(|(name, entry)| Some((name.clone(), fused::parts(naming, name, &entry.shape)?)))
            .collect();
        for (name, parts) in fused {
            let Some(whole) = self.entries.remove(&name) else {
                continue;
            };
            let size = whole.bytes / whole.shape.iter().product::<usize>().max(1);
            for part in parts {
                let entry = SafeTensor {
                    start: whole.start + part.first * size,
                    bytes: part.count * size,
                    shape: part.shape,
                    columns: part.columns,
                    storage: whole.storage.clone(),
                    ..whole
                };
                self.entries.insert(part.name, entry);
            }
        }
    }

    /// A packed weight of that shape, where it is one.
    fn packed(&self, name: &str, shape: &[usize]) -> Option<Result<Arc<PackedRows>, LoadError>> {
        let packed = self.packed.get(name)?;
        if packed.shape != shape {
            let what = format!("has the shape {:?}, expected {shape:?}", packed.shape);
            return Some(Err(LoadError::weight(&self.folder, name, what)));
        }
        let own = |read: &[Arc<PackedRows>]| read[packed.place()].clone();
        if packed.alternating() == 1 {
            return Some(self.read_packed(name, packed).map(|read| own(&read)));
        }
        // Whoever asks for another of them meanwhile waits for it instead of reading it again.
        let mut last = self.alternating.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((other, read)) if other.alternates_with(packed) => Some(Ok(own(read))),
            _ => Some(self.read_packed(name, packed).map(|read| {
                let own = own(&read);
                *last = Some((packed.clone(), read));
                own
            })),
        }
    }

    /// Reads a packed weight, with those whose rows alternate with its own.
    fn read_packed(&self, name: &str, packed: &PackedTensor) -> Result<Vec<Arc<PackedRows>>, LoadError> {
        let read = |part: &str, range: Option<Range<usize>>| -> Result<(Dtype, Vec<u8>), LoadError> {
            let entry = self
                .parts
                .get(part)
                .ok_or_else(|| LoadError::weight(&self.folder, part, "is missing"))?;
            let range = range.unwrap_or(0..entry.bytes);
            let bytes = self.files[entry.file].read(entry.start + range.start, range.len())?;
            Ok((entry.dtype, bytes))
        };
        let rows = PackedRows::read(packed, &read)?;
        let rows = rows.map_err(|what| LoadError::weight(&self.folder, name, what))?;
        Ok(rows.into_iter().map(Arc::new).collect())
    }

    /// A tensor's shape, or the name of its unreadable type.
    pub(crate) fn shape(&self, name: &str) -> Option<Result<Vec<usize>, String>> {
        if let Some(packed) = self.packed.get(name) {
            return Some(Ok(packed.shape.clone()));
        }
        let entry = self.entries.get(name)?;
        Some(entry.storage.clone().map(|_| entry.shape.clone()))
    }

    /// Whether two tensors are stored with the same type, shape and bytes; `None` where one of them is not there.
    pub(crate) fn same(&self, one: &str, other: &str) -> Option<bool> {
        if [one, other].iter().any(|name| self.packed.contains_key(*name)) {
            let there = |name: &str| self.packed.contains_key(name) || self.entries.contains_key(name);
            return (there(one) && there(other)).then_some(false);
        }
        let (one, other) = (self.entries.get(one)?, self.entries.get(other)?);
        let bytes = |entry: &SafeTensor| self.files[entry.file].slice(entry.start, entry.bytes);
        Some(one.storage == other.storage && one.shape == other.shape && bytes(one) == bytes(other))
    }

    pub(crate) fn inventory(&self) -> Inventory {
        let mut inventory = Inventory::default();
        for entry in self.entries.values() {
            if let Ok(storage) = entry.storage {
                let values = entry.shape.iter().product();
                inventory.add(storage, values, storage.bytes(values).unwrap_or(entry.bytes));
            }
        }
        for packed in self.packed.values() {
            let of = packed.parts.values().filter_map(|part| self.parts.get(part));
            let bytes = of.map(|part| part.bytes).sum::<usize>() / packed.sharing();
            inventory.add_named(packed.layout.name(), packed.shape.iter().product(), bytes);
        }
        inventory
    }

    fn add_shards(&mut self, index: &Path) -> Result<(), Vec<LoadError>> {
        let shards = read_index(index).map_err(|error| vec![error])?;
        let mut errors = Vec::new();
        for (shard, names) in shards {
            let path = self.folder.join(&shard);
            if let Err(error) = self.add(&path) {
                errors.push(error);
                continue;
            }
            let file = self.files.len() - 1;
            let absent: Vec<&str> = names
                .iter()
                .filter(|name| self.entries.get(*name).is_none_or(|entry| entry.file != file))
                .map(String::as_str)
                .collect();
            if !absent.is_empty() {
                let more = match absent.len().saturating_sub(LISTED) {
                    0 => String::new(),
                    more => format!(", and {more} more"),
                };
                let listed = absent[..absent.len().min(LISTED)].join(", ");
                let what = format!("{INDEX} says that these tensors are here: {listed}{more}");
                errors.push(LoadError::malformed(&path, what));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn add(&mut self, path: &Path) -> Result<(), LoadError> {
        let file = MappedFile::open(path)?;
        for (name, range, info) in header::read(path, file.bytes())? {
            let entry = SafeTensor {
                file: self.files.len(),
                start: range.start,
                bytes: range.len(),
                shape: info.shape,
                columns: None,
                dtype: info.dtype,
                storage: storage(info.dtype),
            };
            if let Some(other) = self.entries.insert(name.clone(), entry) {
                let what = format!("is also in {}", self.files[other.file].path().display());
                return Err(LoadError::weight(path, &name, what));
            }
        }
        self.files.push(file);
        Ok(())
    }

    fn bytes<'a>(&'a self, name: &str, entry: &SafeTensor) -> Result<&'a [u8], LoadError> {
        let file = &self.files[entry.file];
        file.slice(entry.start, entry.bytes)
            .ok_or_else(|| LoadError::weight(file.path(), name, "lies outside the file"))
    }

    /// A tensor of that shape, and the dtype that its values are stored in.
    fn entry(&self, name: &str, shape: &[usize]) -> Result<(&SafeTensor, DType), LoadError> {
        let Some(entry) = self.entries.get(name) else {
            return Err(LoadError::weight(&self.folder, name, "is missing"));
        };
        let path = self.files[entry.file].path();
        if entry.shape != shape {
            let what = format!("has the shape {:?}, expected {shape:?}", entry.shape);
            return Err(LoadError::weight(path, name, what));
        }
        match &entry.storage {
            Ok(storage) => Ok((entry, storage.float().unwrap_or(DType::F32))),
            Err(found) => {
                let what = format!("is stored as {found}, which cannot be read");
                Err(LoadError::weight(path, name, what))
            }
        }
    }

    /// Some rows of a matrix that is columns of a stored one, `(some, columns)`: of each of its rows what they need.
    fn picked_rows(
        &self,
        name: &str,
        (entry, dtype, picked): (&SafeTensor, DType, FusedColumns),
        some: &Range<usize>,
        columns: usize,
    ) -> Result<Tensor, LoadError> {
        let (values, part) = picked.part(some);
        let size = dtype.size_in_bytes();
        let starts = (0..columns).map(|row| entry.start + (row * picked.width() + values.start) * size);
        let bytes = self.files[entry.file].read_each(starts, values.len() * size)?;
        // Where it is in the stored matrix.
        let place = |at| at / values.len() * picked.width() + values.start + at % values.len();
        self.check_values(name, entry, place, &bytes)?;
        part.pick(&bytes, dtype, &[some.len(), columns])
            .map_err(LoadError::tensor(name))
    }

    /// Whether some of a tensor's values are finite numbers; `place` says of each of them which of all it is.
    fn check_values(
        &self,
        name: &str,
        entry: &SafeTensor,
        place: impl Fn(usize) -> usize,
        bytes: &[u8],
    ) -> Result<(), LoadError> {
        let Ok(storage) = entry.storage else {
            return Ok(());
        };
        match first_bad_value(storage, bytes) {
            None => Ok(()),
            Some(at) => {
                let what = format!("value {} is not a finite number", place(at));
                Err(LoadError::weight(self.files[entry.file].path(), name, what))
            }
        }
    }

    /// Reads every value; an error for each tensor with a NaN or an infinity.
    pub(crate) fn check_all_values(&self) -> Vec<LoadError> {
        let ordered: BTreeMap<_, _> = self.entries.iter().collect();
        let packed: BTreeMap<_, _> = self.packed.iter().collect();
        let packed = packed.into_iter().filter_map(|(name, packed)| {
            let &[rows, columns] = packed.shape.as_slice() else {
                return None;
            };
            self.each_rows(name, (rows, columns), 0..rows, DType::F32, &mut |_, _| Ok(()))
                .err()
        });
        ordered
            .into_iter()
            .filter_map(|(name, entry)| {
                let bytes = self.bytes(name, entry);
                bytes
                    .and_then(|bytes| self.check_values(name, entry, |at| at, bytes))
                    .err()
            })
            .chain(packed)
            .collect()
    }
}

impl WeightSource for SafetensorsWeights {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
        if let Some(packed) = self.packed(name, shape) {
            return packed.map(|rows| Weight::Computed(rows));
        }
        let (entry, dtype) = self.entry(name, shape)?;
        let bytes = self.files[entry.file].read(entry.start, entry.bytes)?;
        self.check_values(name, entry, |at| at, &bytes)?;
        let tensor = match entry.columns {
            Some(columns) => columns.pick(&bytes, dtype, shape),
            None => Tensor::from_raw_buffer(&bytes, dtype, shape, &Device::Cpu),
        };
        tensor.map(Weight::Plain).map_err(LoadError::tensor(name))
    }

    fn each_rows(
        &self,
        name: &str,
        (rows, columns): (usize, usize),
        range: Range<usize>,
        dtype: DType,
        each: &mut RowSink<'_>,
    ) -> Result<(), LoadError> {
        if let Some(packed) = self.packed(name, &[rows, columns]) {
            let weight = Weight::Computed(packed?);
            return weight.each_rows(range, dtype, each).map_err(LoadError::tensor(name));
        }
        let (entry, stored) = self.entry(name, &[rows, columns])?;
        if let Some(picked) = entry.columns {
            for some in rows_at_once(range, columns) {
                self.picked_rows(name, (entry, stored, picked), &some, columns)
                    .and_then(|rows| rows.to_dtype(dtype).map_err(LoadError::tensor(name)))
                    .and_then(|rows| each(some.start, &rows).map_err(LoadError::tensor(name)))?;
            }
            return Ok(());
        }
        let row = entry.bytes / rows.max(1);
        for some in rows_at_once(range, columns) {
            let bytes = self.files[entry.file].read(entry.start + some.start * row, some.len() * row)?;
            self.check_values(name, entry, |at| some.start * columns + at, &bytes)?;
            Tensor::from_raw_buffer(&bytes, stored, &[some.len(), columns], &Device::Cpu)
                .and_then(|tensor| tensor.to_dtype(dtype))
                .and_then(|tensor| each(some.start, &tensor))
                .map_err(LoadError::tensor(name))?;
        }
        Ok(())
    }

    fn rows(&self, name: &str, shape: &[usize], ids: &[u32], dtype: DType) -> Result<Tensor, LoadError> {
        let &[rows, columns] = shape else {
            return Err(LoadError::weight(&self.folder, name, "is no matrix"));
        };
        if let Some(packed) = self.packed(name, shape) {
            return Weight::Computed(packed?)
                .some(RowChoice::Ids(ids), dtype)
                .map_err(LoadError::tensor(name));
        }
        let (entry, stored) = self.entry(name, shape)?;
        if entry.columns.is_some() {
            let whole = self.get(name, shape)?;
            return whole.some(RowChoice::Ids(ids), dtype).map_err(LoadError::tensor(name));
        }
        let row = entry.bytes / rows.max(1);
        let mut parts = Vec::new();
        for ids in ids.chunks(ROWS_AT_ONCE) {
            let starts = ids.iter().map(|&id| entry.start + id as usize * row);
            let bytes = self.files[entry.file].read_each(starts, row)?;
            let part = Tensor::from_raw_buffer(&bytes, stored, &[ids.len(), columns], &Device::Cpu);
            parts.push(
                part.and_then(|part| part.to_dtype(dtype))
                    .map_err(LoadError::tensor(name))?,
            );
        }
        Tensor::cat(&parts, 0).map_err(LoadError::tensor(name))
    }
}

impl Tensors for SafetensorsWeights {
    fn about(&self, name: &str) -> Option<(Dtype, &[usize])> {
        self.entries
            .get(name)
            .map(|entry| (entry.dtype, entry.shape.as_slice()))
    }

    fn names(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let entry = self.entries.get(name)?;
        self.files[entry.file].read(entry.start, entry.bytes).ok()
    }
}

/// Rows of a tensor that are read at a time.
const ROWS_AT_ONCE: usize = 4096;

/// Shards in their order by name, each with the tensors it should hold.
fn read_index(path: &Path) -> Result<BTreeMap<String, Vec<String>>, LoadError> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let text = read_up_to(path, LARGEST_SETTINGS).map_err(|source| LoadError::read(path, source))?;
    let index: Index = serde_json::from_slice(&text)
        .map_err(|error| LoadError::malformed(path, format!("is not an index of shards: {error}")))?;
    let mut shards: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (tensor, shard) in index.weight_map {
        let mut parts = Path::new(&shard).components();
        let inside = matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none();
        if !inside || shard.contains('\\') {
            let what = format!("tensor `{tensor}` is said to be in `{shard}`, which is not a file of this folder");
            return Err(LoadError::malformed(path, what));
        }
        shards.entry(shard).or_default().push(tensor);
    }
    if shards.is_empty() {
        return Err(LoadError::malformed(path, "names no shards"));
    }
    Ok(shards)
}

fn storage(dtype: Dtype) -> Result<Storage, String> {
    match dtype {
        Dtype::F64 => Ok(Storage::F64),
        Dtype::F32 => Ok(Storage::F32),
        Dtype::F16 => Ok(Storage::F16),
        Dtype::BF16 => Ok(Storage::BF16),
        other => Err(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hex::sha256_hex;

    /// scripts/make_quantized_goldens.py has them unpacked by transformers, gates and their partners in one matrix.
    #[test]
    fn experts_of_mxfp4_are_unpacked_one_by_one() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/quantized/mxfp4");
        let mut weights = SafetensorsWeights::open(&folder).map_err(LoadError::Many).unwrap();
        assert!(weights.unpack(&Scheme::Mxfp4).is_empty());
        let expected = std::fs::read(folder.join("expected.json")).unwrap();
        let expected: BTreeMap<String, String> = serde_json::from_slice(&expected).unwrap();
        assert_eq!(expected.len(), 3);
        for (name, hash) in expected {
            let (experts, expert) = name.split_once(".gate_up_proj.").unwrap();
            let [gates, partners] = ["gate_proj", "up_proj"].map(|part| {
                let name = format!("{experts}.{expert}.{part}.weight");
                weights.get_plain(&name, &[10, 64], DType::F32).unwrap()
            });
            // They alternate.
            let values = Tensor::stack(&[gates, partners], 1).unwrap();
            let values = values.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            assert_eq!(sha256_hex(&bytes), hash, "{name}");
        }
    }

    #[test]
    fn gates_and_their_partners_are_read_together() {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/quantized/mxfp4");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(SINGLE);
        std::fs::copy(golden.join(SINGLE), &file).unwrap();
        let mut weights = SafetensorsWeights::open(folder.path())
            .map_err(LoadError::Many)
            .unwrap();
        assert!(weights.unpack(&Scheme::Mxfp4).is_empty());
        let gate = weights
            .names()
            .find(|name| name.ends_with(".gate_proj.weight"))
            .unwrap();
        let (gate, up) = (gate.to_owned(), gate.replace("gate_proj", "up_proj"));
        let get = |name: &str| weights.get_plain(name, &[10, 64], DType::F32);
        let expected = get(&up).unwrap().to_vec2::<f32>().unwrap();
        // Without its file there is what was read, and nothing else.
        std::fs::remove_file(&file).unwrap();
        get(&gate).unwrap();
        assert_eq!(get(&up).unwrap().to_vec2::<f32>().unwrap(), expected);
        assert!(get(&gate.replace(".gate_proj", ".down_proj")).is_err());
    }
}
