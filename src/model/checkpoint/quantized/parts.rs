//! Finds the tensors that belong together.

use std::collections::HashMap;

use candle_core::DType;
use safetensors::Dtype;

use super::layout::{ByteKind, Layout, PackedTensor, PartKind};
use super::scheme::Scheme;

/// Endings of tensors that concern activations and caches, or that the shapes say already: weights do not depend on them.
const ASIDE: [&str; 12] = [
    ".input_scale",
    ".activation_scale",
    ".input_scale_ub",
    ".input_zero_point",
    ".output_scale",
    ".output_zero_point",
    ".k_scale",
    ".v_scale",
    ".weight_shape",
    // Of bitsandbytes: what its codes stand for, which their kind says, and the settings, which were read.
    ".weight.quant_map",
    ".weight.quant_state.bitsandbytes__nf4",
    ".weight.quant_state.bitsandbytes__fp4",
];
/// Bits of a word.
const WORD: usize = 32;

/// What the files hold, as far as it is packed.
#[derive(Default)]
pub(in super::super) struct Gathered {
    /// Weights by their names.
    pub(in super::super) packed: HashMap<String, PackedTensor>,
    /// Tensors that are no weights and change none.
    pub(in super::super) aside: Vec<String>,
    /// What is wrong, by the tensor's name.
    pub(in super::super) problems: Vec<(String, String)>,
}

/// The tensors of a checkpoint: types and shapes by their names, and the bytes of small ones.
pub(in super::super) trait Tensors {
    fn about(&self, name: &str) -> Option<(Dtype, &[usize])>;
    fn names(&self) -> Vec<String>;
    fn bytes(&self, name: &str) -> Option<Vec<u8>>;
}

/// Finds what `scheme` packed.
pub(in super::super) fn gather(scheme: &Scheme, tensors: &dyn Tensors) -> Gathered {
    let mut gathered = Gathered::default();
    let mut names = tensors.names();
    names.sort_unstable();
    for name in &names {
        let parts = PartFinder { scheme, tensors, name };
        let found = match scheme {
            Scheme::Gptq {
                bits,
                group,
                zero_offset,
            } => name
                .strip_suffix(".qweight")
                .map(|module| parts.gptq(module, (*bits, *group, *zero_offset))),
            Scheme::Awq => name.strip_suffix(".qweight").map(|module| parts.awq(module)),
            Scheme::Fp8 { .. } | Scheme::FbgemmFp8 | Scheme::CompressedTensors { .. } => {
                match name.strip_suffix(".weight_packed") {
                    Some(module) => Some(parts.stream(module)),
                    None => name.strip_suffix(".weight").and_then(|module| parts.bytes(module)),
                }
            }
            Scheme::Bitsandbytes => parts.bitsandbytes(),
            Scheme::Mxfp4 => name.strip_suffix("_blocks").map(|prefix| parts.mxfp4(prefix)),
        };
        match found {
            None => {}
            Some(Ok(weights)) => gathered.packed.extend(weights),
            Some(Err(what)) => gathered.problems.push((name.clone(), what)),
        }
        if ASIDE.iter().any(|ending| name.ends_with(ending)) || parts.is_empty_bias() || parts.is_symmetric() {
            gathered.aside.push(name.clone());
        }
    }
    gathered
}

/// Weights with the names that the decoder has for them.
pub(super) type NamedWeights = Vec<(String, PackedTensor)>;

/// Looks for what goes with one tensor.
pub(super) struct PartFinder<'a> {
    scheme: &'a Scheme,
    pub tensors: &'a dyn Tensors,
    pub name: &'a str,
}

impl PartFinder<'_> {
    pub(super) fn shape(&self, name: &str) -> Result<&[usize], String> {
        self.tensors
            .about(name)
            .map(|(_, shape)| shape)
            .ok_or_else(|| format!("goes with `{name}`, which is missing"))
    }

    /// The two sides of a matrix of that type.
    fn matrix(&self, name: &str, dtype: Dtype) -> Result<(usize, usize), String> {
        match self.tensors.about(name) {
            Some((found, &[rows, columns])) if found == dtype => Ok((rows, columns)),
            Some((found, shape)) => Err(format!(
                "`{name}` is {shape:?} of {found:?}, expected a matrix of {dtype:?}"
            )),
            None => Err(format!("goes with `{name}`, which is missing")),
        }
    }

    /// A float type that scales have.
    pub(super) fn float(&self, name: &str) -> Result<DType, String> {
        match self.tensors.about(name) {
            Some((Dtype::F32, _)) => Ok(DType::F32),
            Some((Dtype::F16, _)) => Ok(DType::F16),
            Some((Dtype::BF16, _)) => Ok(DType::BF16),
            Some((found, _)) => Err(format!("`{name}` is of {found:?}, expected F32, F16 or BF16")),
            None => Err(format!("goes with `{name}`, which is missing")),
        }
    }

    /// Zero points of whole bytes: they are all zero, or the weight is refused.
    fn is_symmetric(&self) -> bool {
        let module = self.name.strip_suffix(".weight_zero_point");
        module.is_some_and(|module| self.tensors.about(&format!("{module}.weight")).is_some())
    }

    /// Older versions of AutoGPTQ write a bias of nothing but zeros for each layer.
    fn is_empty_bias(&self) -> bool {
        matches!(self.scheme, Scheme::Gptq { .. })
            && self
                .name
                .strip_suffix(".bias")
                .is_some_and(|module| self.tensors.about(&format!("{module}.qweight")).is_some())
            && self
                .tensors
                .bytes(self.name)
                .is_some_and(|bytes| bytes.iter().all(|&byte| byte == 0))
    }

    fn gptq(
        &self,
        module: &str,
        (bits, group, zero_offset): (usize, Option<usize>, i32),
    ) -> Result<NamedWeights, String> {
        let own = |part: &str| format!("{module}.{part}");
        let (words, outputs) = self.matrix(self.name, Dtype::I32)?;
        let inputs = words * WORD / bits;
        let group = group.unwrap_or(inputs).min(inputs.max(1));
        let groups = inputs.div_ceil(group);
        self.float(&own("scales"))?;
        expect(&own("scales"), self.shape(&own("scales"))?, &[groups, outputs])?;
        let zeros = self.matrix(&own("qzeros"), Dtype::I32)?;
        expect(&own("qzeros"), &[zeros.0, zeros.1], &[groups, outputs * bits / WORD])?;
        let mut parts = vec![
            (PartKind::Values, self.name.to_owned()),
            (PartKind::Scales, own("scales")),
            (PartKind::Zeros, own("qzeros")),
        ];
        if let Some((Dtype::I32, shape)) = self.tensors.about(&own("g_idx")) {
            expect(&own("g_idx"), shape, &[inputs])?;
            parts.push((PartKind::Groups, own("g_idx")));
        }
        let layout = Layout::Gptq {
            bits,
            group,
            zero_offset,
        };
        one(module, &[outputs, inputs], layout, parts)
    }

    fn awq(&self, module: &str) -> Result<NamedWeights, String> {
        let own = |part: &str| format!("{module}.{part}");
        let (inputs, words) = self.matrix(self.name, Dtype::I32)?;
        let outputs = words * 8;
        self.float(&own("scales"))?;
        let &[groups, scaled] = self.shape(&own("scales"))? else {
            return Err(format!("`{}` is no matrix", own("scales")));
        };
        if scaled != outputs || groups == 0 || inputs % groups != 0 {
            return Err(format!(
                "`{}` is {groups} x {scaled}, for {inputs} inputs and {outputs} outputs",
                own("scales")
            ));
        }
        let zeros = self.matrix(&own("qzeros"), Dtype::I32)?;
        expect(&own("qzeros"), &[zeros.0, zeros.1], &[groups, words])?;
        let parts = vec![
            (PartKind::Values, self.name.to_owned()),
            (PartKind::Scales, own("scales")),
            (PartKind::Zeros, own("qzeros")),
        ];
        one(
            module,
            &[outputs, inputs],
            Layout::Awq { group: inputs / groups },
            parts,
        )
    }

    /// compressed-tensors' integers of up to 8 bits.
    fn stream(&self, module: &str) -> Result<NamedWeights, String> {
        let own = |part: &str| format!("{module}.weight_{part}");
        let (rows, words) = self.matrix(self.name, Dtype::I32)?;
        let sides = self
            .tensors
            .bytes(&own("shape"))
            .map(|bytes| whole(&bytes))
            .unwrap_or_default();
        let &[outputs, inputs] = sides.as_slice() else {
            return Err(format!(
                "goes with `{}`, which does not hold the two sides of a matrix",
                own("shape")
            ));
        };
        let bits = (words * WORD).checked_div(inputs).unwrap_or(0);
        if outputs != rows || !(1..=8).contains(&bits) || (inputs * bits).div_ceil(WORD) != words {
            return Err(format!("has {rows} x {words} words, for {outputs} x {inputs} values"));
        }
        let groups = self.groups(&own("scale"), [outputs, inputs])?;
        let mut parts = vec![
            (PartKind::Values, self.name.to_owned()),
            (PartKind::Scales, own("scale")),
        ];
        if let Some((found, shape)) = self.tensors.about(&own("zero_point")) {
            let expected = [(outputs * bits).div_ceil(WORD), groups];
            if found != Dtype::I32 || shape != expected {
                return Err(format!(
                    "`{}` is {shape:?} of {found:?}, expected {expected:?} of I32",
                    own("zero_point")
                ));
            }
            parts.push((PartKind::Zeros, own("zero_point")));
        }
        if let Some((found, shape)) = self.tensors.about(&own("g_idx")) {
            if found != Dtype::I32 {
                return Err(format!("`{}` is of {found:?}, expected I32", own("g_idx")));
            }
            expect(&own("g_idx"), shape, &[inputs])?;
            parts.push((PartKind::Groups, own("g_idx")));
        }
        one(
            module,
            &[outputs, inputs],
            Layout::Stream {
                bits,
                group: inputs / groups,
            },
            parts,
        )
    }

    /// Into how many groups the scales cut each row.
    fn groups(&self, scale: &str, [outputs, inputs]: [usize; 2]) -> Result<usize, String> {
        self.float(scale)?;
        match self.shape(scale)? {
            [] | [1] if outputs == 1 => Ok(1),
            &[rows] if rows == outputs => Ok(1),
            &[rows, groups] if rows == outputs && groups > 0 && inputs % groups == 0 => Ok(groups),
            other => Err(format!("`{scale}` is {other:?}, for {outputs} x {inputs} values")),
        }
    }

    /// A byte a value; `None` where the weight is a float of its own.
    fn bytes(&self, module: &str) -> Option<Result<NamedWeights, String>> {
        let (dtype, shape) = self.tensors.about(self.name)?;
        let kind = match dtype {
            Dtype::F8_E4M3 => ByteKind::E4m3,
            Dtype::F8_E5M2 => ByteKind::E5m2,
            Dtype::I8 => ByteKind::Int8,
            _ => return None,
        };
        let &[rows, columns] = shape else {
            return Some(Err(format!("is {shape:?} of {dtype:?}, expected a matrix")));
        };
        Some(self.scaled_bytes(module, kind, (rows, columns)))
    }

    fn scaled_bytes(
        &self,
        module: &str,
        kind: ByteKind,
        (rows, columns): (usize, usize),
    ) -> Result<NamedWeights, String> {
        let names = ["weight_scale_inv", "weight_scale"].map(|part| format!("{module}.{part}"));
        let scale = names.iter().find(|name| self.tensors.about(name).is_some());
        let scale = scale.ok_or_else(|| format!("has no scales: `{}` is missing", names[1]))?;
        let zero = format!("{module}.weight_zero_point");
        if self
            .tensors
            .bytes(&zero)
            .is_some_and(|bytes| bytes.iter().any(|&byte| byte != 0))
        {
            return Err(format!(
                "goes with `{zero}`, and zero points of whole bytes are not read"
            ));
        }
        let block = match *self.scheme {
            Scheme::Fp8 { block } | Scheme::CompressedTensors { block } => block,
            _ => None,
        };
        let exponents = matches!(self.tensors.about(scale), Some((Dtype::F8_E8M0 | Dtype::U8, _)));
        let rounded = match (self.scheme, exponents) {
            // compressed-tensors computes in the type of its scales; the others in f32, and round to what is computed in.
            (Scheme::CompressedTensors { .. }, false) => self.float(scale)?,
            (_, false) => self.float(scale).map(|_| DType::F32)?,
            (_, true) => DType::F32,
        };
        let fits =
            |(high, wide): (usize, usize), grid: &[usize]| *grid == [rows.div_ceil(high), columns.div_ceil(wide)];
        let whole = (rows.max(1), columns.max(1));
        let block = match (self.shape(scale)?, block) {
            ([] | [1] | [1, 1], None) => whole,
            ([] | [1], _) => whole,
            (&[one] | &[one, 1], _) if one == rows => (1, whole.1),
            (grid, Some(block)) if fits(block, grid) => block,
            (&[high, wide], None) if high > 0 && wide > 0 && rows % high == 0 && columns % wide == 0 => {
                (rows / high, columns / wide)
            }
            (grid, _) => return Err(format!("`{scale}` is {grid:?}, for {rows} x {columns} values")),
        };
        let parts = vec![
            (PartKind::Values, self.name.to_owned()),
            (PartKind::Scales, scale.clone()),
        ];
        one(module, &[rows, columns], Layout::Bytes { kind, block, rounded }, parts)
    }

    /// An expert's matrices, `(outputs, inputs)`: of gpt-oss' `gate_up_proj` gates and their partners, which alternate in its
    /// rows, and `down_proj`.
    fn mxfp4(&self, prefix: &str) -> Result<NamedWeights, String> {
        let scales = format!("{prefix}_scales");
        let (dtype, &[experts, rows, groups, 16]) = self.tensors.about(self.name).ok_or("is missing")? else {
            return Err("is not (experts, rows, groups, 16) of U8".to_owned());
        };
        if dtype != Dtype::U8 {
            return Err(format!("is of {dtype:?}, expected U8"));
        }
        expect(&scales, self.shape(&scales)?, &[experts, rows, groups])?;
        if !matches!(self.tensors.about(&scales), Some((Dtype::U8 | Dtype::F8_E8M0, _))) {
            return Err(format!("goes with `{scales}`, which is not of U8"));
        }
        let (module, matrices) = match prefix.rsplit_once('.') {
            Some((module, "gate_up_proj")) => (module, &["gate_proj", "up_proj"][..]),
            Some((module, "down_proj")) => (module, &["down_proj"][..]),
            _ => return Err("is neither `gate_up_proj` nor `down_proj` of experts".to_owned()),
        };
        let step = matrices.len();
        if rows * groups == 0 || !rows.is_multiple_of(step) {
            return Err(format!("has {rows} rows of {groups} groups"));
        }
        let matrix = |expert: usize, first: usize| {
            let packed = PackedTensor {
                shape: vec![rows / step, groups * 32],
                layout: Layout::Mxfp4 {
                    expert,
                    experts,
                    first,
                    step,
                },
                parts: HashMap::from([
                    (PartKind::Values, self.name.to_owned()),
                    (PartKind::Scales, scales.clone()),
                ]),
            };
            (format!("{module}.{expert}.{}.weight", matrices[first]), packed)
        };
        let of_expert = |expert| (0..step).map(move |first| (expert, first));
        let all = (0..experts).flat_map(of_expert);
        Ok(all.map(|(expert, first)| matrix(expert, first)).collect())
    }
}

/// The one weight of a module.
pub(super) fn one(
    module: &str,
    shape: &[usize],
    layout: Layout,
    parts: Vec<(PartKind, String)>,
) -> Result<NamedWeights, String> {
    let packed = PackedTensor {
        shape: shape.to_vec(),
        layout,
        parts: parts.into_iter().collect(),
    };
    Ok(vec![(format!("{module}.weight"), packed)])
}

/// Says so where the shape of what belongs to a tensor is not the expected one.
pub(super) fn expect(name: &str, found: &[usize], expected: &[usize]) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("goes with `{name}`, which is {found:?}, expected {expected:?}")),
    }
}

/// Whole numbers of 64 or, where there are two of them, 32 bits.
fn whole(bytes: &[u8]) -> Vec<usize> {
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0usize, |number, &byte| number << 8 | usize::from(byte))
    };
    match bytes.len() {
        8 => bytes.chunks(4).map(number).collect(),
        _ => bytes.chunks(8).map(number).collect(),
    }
}
