//! How tensors lie in files.

use std::collections::BTreeMap;
use std::fmt;

use candle_core::{DType, quantized::GgmlDType};

/// How the values of one tensor are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Storage {
    /// IEEE double precision.
    F64,
    /// IEEE single precision.
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of single precision.
    BF16,
    /// Blocks of whole numbers with shared scales.
    Blocks(GgmlDType),
    /// Blocks of numbers that stand for entries of a table.
    Table(TableKind),
}

/// Which blocks of a table's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableKind {
    /// 32 numbers of 4 bits and a scale in half precision.
    Iq4Nl,
    /// 256 numbers of 4 bits, a scale in half precision, and one of 6 bits for each 32.
    Iq4Xs,
    /// 32 floats of 4 bits and an exponent.
    Mxfp4,
}

impl TableKind {
    /// Numbers in a block.
    pub fn block_size(self) -> usize {
        match self {
            Self::Iq4Nl | Self::Mxfp4 => 32,
            Self::Iq4Xs => 256,
        }
    }

    /// Bytes of a block.
    pub fn type_size(self) -> usize {
        match self {
            Self::Iq4Nl => 18,
            Self::Iq4Xs => 136,
            Self::Mxfp4 => 17,
        }
    }
}

impl Storage {
    /// The float type, if it is one.
    pub fn float(self) -> Option<DType> {
        match self {
            Self::F64 => Some(DType::F64),
            Self::F32 => Some(DType::F32),
            Self::F16 => Some(DType::F16),
            Self::BF16 => Some(DType::BF16),
            Self::Blocks(_) | Self::Table(_) => None,
        }
    }

    /// Bytes that `elements` values take, if they fill whole blocks and the number fits.
    pub fn bytes(self, elements: usize) -> Option<usize> {
        match self {
            Self::F64 => elements.checked_mul(8),
            Self::F32 => elements.checked_mul(4),
            Self::F16 | Self::BF16 => elements.checked_mul(2),
            Self::Blocks(kind) => elements
                .is_multiple_of(kind.block_size())
                .then(|| elements / kind.block_size())?
                .checked_mul(kind.type_size()),
            Self::Table(kind) => elements
                .is_multiple_of(kind.block_size())
                .then(|| elements / kind.block_size())?
                .checked_mul(kind.type_size()),
        }
    }

    /// Numbers that lie in one block: what every row is a multiple of.
    pub fn block_size(self) -> usize {
        match self {
            Self::Blocks(kind) => kind.block_size(),
            Self::Table(kind) => kind.block_size(),
            _ => 1,
        }
    }
}

impl From<GgmlDType> for Storage {
    fn from(kind: GgmlDType) -> Self {
        match kind {
            GgmlDType::F32 => Self::F32,
            GgmlDType::F16 => Self::F16,
            GgmlDType::BF16 => Self::BF16,
            blocks => Self::Blocks(blocks),
        }
    }
}

impl fmt::Display for Storage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::F64 => out.write_str("f64"),
            Self::F32 => out.write_str("f32"),
            Self::F16 => out.write_str("f16"),
            Self::BF16 => out.write_str("bf16"),
            Self::Table(kind) => out.write_str(match kind {
                TableKind::Iq4Nl => "iq4_nl",
                TableKind::Iq4Xs => "iq4_xs",
                TableKind::Mxfp4 => "mxfp4",
            }),
            Self::Blocks(kind) => out.write_str(match kind {
                GgmlDType::Q4_0 => "q4_0",
                GgmlDType::Q4_1 => "q4_1",
                GgmlDType::Q5_0 => "q5_0",
                GgmlDType::Q5_1 => "q5_1",
                GgmlDType::Q8_0 => "q8_0",
                GgmlDType::Q8_1 => "q8_1",
                GgmlDType::Q2K => "q2_k",
                GgmlDType::Q3K => "q3_k",
                GgmlDType::Q4K => "q4_k",
                GgmlDType::Q5K => "q5_k",
                GgmlDType::Q6K => "q6_k",
                GgmlDType::Q8K => "q8_k",
                GgmlDType::F32 => "f32",
                GgmlDType::F16 => "f16",
                GgmlDType::BF16 => "bf16",
            }),
        }
    }
}

/// How much of a checkpoint is stored how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Number of tensors and their bytes, by the name of their storage.
    pub kinds: BTreeMap<String, StoredKind>,
}

/// Tensors of one storage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct StoredKind {
    /// Number of tensors.
    pub tensors: usize,
    /// Number of values in them.
    pub values: u64,
    /// Bytes they take in the files.
    pub bytes: u64,
}

impl Inventory {
    /// Counts one tensor.
    pub(crate) fn add(&mut self, storage: Storage, values: usize, bytes: usize) {
        self.add_named(storage.to_string(), values, bytes);
    }

    /// Counts one tensor of a storage by its name.
    pub(crate) fn add_named(&mut self, name: String, values: usize, bytes: usize) {
        let kind = self.kinds.entry(name).or_default();
        kind.tensors += 1;
        kind.values += values as u64;
        kind.bytes += bytes as u64;
    }

    /// Whether most values are stored in bf16 or f16.
    pub fn is_half(&self) -> bool {
        let half = [Storage::BF16, Storage::F16].map(|storage| storage.to_string());
        let kinds = self.kinds.iter().filter(|(name, _)| half.contains(name));
        2 * kinds.map(|(_, kind)| kind.values).sum::<u64>() > self.values()
    }

    /// Whether some values are stored as less than a float each.
    pub fn is_packed(&self) -> bool {
        let floats = [Storage::F64, Storage::F32, Storage::F16, Storage::BF16].map(|storage| storage.to_string());
        self.kinds.keys().any(|name| !floats.contains(name))
    }

    /// Number of stored values of all tensors.
    pub fn values(&self) -> u64 {
        self.kinds.values().map(|kind| kind.values).sum()
    }

    /// Bytes of all tensors.
    pub fn bytes(&self) -> u64 {
        self.kinds.values().map(|kind| kind.bytes).sum()
    }
}
