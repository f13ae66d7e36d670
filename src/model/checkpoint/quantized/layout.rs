//! Which tensors of the files make one weight, and how.

use std::collections::HashMap;

use candle_core::DType;

/// One weight that lies in several tensors.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct PackedTensor {
    /// Its shape once it is unpacked.
    pub(in super::super) shape: Vec<usize>,
    pub(in super::super) layout: Layout,
    /// Names in the files, by what they are.
    pub(in super::super) parts: HashMap<PartKind, String>,
}

/// What a tensor of a packed weight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in super::super) enum PartKind {
    /// The packed numbers.
    Values,
    Scales,
    Zeros,
    /// Which group each input belongs to.
    Groups,
    /// Scales of the scales.
    NestedScales,
    /// What the scales' numbers stand for.
    NestedMap,
}

/// How packed numbers become values.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Layout {
    /// A byte a value, times the scale of its block of so many rows and columns.
    Bytes {
        kind: ByteKind,
        block: (usize, usize),
        /// What the product is rounded to.
        rounded: DType,
    },
    /// Words of `bits` bits along the inputs, `(inputs · bits / 32, outputs)`, in groups of inputs.
    Gptq {
        bits: usize,
        group: usize,
        zero_offset: i32,
    },
    /// Words of 8 outputs, `(inputs, outputs / 8)`, in groups of inputs.
    Awq { group: usize },
    /// Rows of numbers of `bits` bits, one behind the other.
    Stream { bits: usize, group: usize },
    /// bitsandbytes: 4 bits an element, and a scale for each `block` of them.
    Codes {
        kind: CodeKind,
        block: usize,
        /// Of the scales' own scales.
        nested: Option<NestedScale>,
        rounded: DType,
    },
    /// 32 numbers of 4 bits and their exponent, of one of the experts that lie in one tensor: of its rows one of `step`, from
    /// number `first` on.
    Mxfp4 {
        expert: usize,
        experts: usize,
        first: usize,
        step: usize,
    },
}

/// What a byte stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum ByteKind {
    E4m3,
    E5m2,
    Int8,
}

/// What four bits stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum CodeKind {
    Nf4,
    Fp4,
}

/// How scales that are bytes become numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct NestedScale {
    pub(in super::super) block: usize,
    pub(in super::super) offset: f32,
}

impl PackedTensor {
    /// How many weights lie in the same tensors.
    pub(in super::super) fn sharing(&self) -> usize {
        match self.layout {
            Layout::Mxfp4 { experts, step, .. } => (experts * step).max(1),
            _ => 1,
        }
    }

    /// How many weights there are whose rows alternate with its own, itself among them.
    pub(in super::super) fn alternating(&self) -> usize {
        match self.layout {
            Layout::Mxfp4 { step, .. } => step.max(1),
            _ => 1,
        }
    }

    /// Which of those it is.
    pub(in super::super) fn place(&self) -> usize {
        match self.layout {
            Layout::Mxfp4 { first, .. } => first,
            _ => 0,
        }
    }

    /// Whether it is one of those.
    pub(in super::super) fn alternates_with(&self, other: &Self) -> bool {
        self.alternating() > 1 && self.at(0) == other.at(0)
    }

    /// Another of those.
    pub(super) fn at(&self, place: usize) -> Self {
        let mut other = self.clone();
        if let Layout::Mxfp4 { first, .. } = &mut other.layout {
            *first = place;
        }
        other
    }
}

impl Layout {
    /// For people: who wrote it, and in how many bits.
    pub(in super::super) fn name(&self) -> String {
        match self {
            Self::Bytes {
                kind: ByteKind::Int8, ..
            } => "int8".to_owned(),
            Self::Bytes { .. } => "fp8".to_owned(),
            Self::Gptq { bits, .. } => format!("gptq {bits} bit"),
            Self::Awq { .. } => "awq 4 bit".to_owned(),
            Self::Stream { bits, .. } => format!("int{bits}"),
            Self::Codes {
                kind: CodeKind::Nf4, ..
            } => "nf4".to_owned(),
            Self::Codes {
                kind: CodeKind::Fp4, ..
            } => "fp4".to_owned(),
            Self::Mxfp4 { .. } => "mxfp4".to_owned(),
        }
    }
}
