//! bitsandbytes' weights of four bits.

use candle_core::DType;
use safetensors::Dtype;
use serde_json::{Map, Value};

use super::layout::{CodeKind, Layout, NestedScale, PartKind};
use super::parts::{NamedWeights, PartFinder, expect, one};

impl PartFinder<'_> {
    /// A weight of four bits; `None` where it is another tensor.
    pub(super) fn bitsandbytes(&self) -> Option<Result<NamedWeights, String>> {
        let (weight, kind) =
            [("nf4", CodeKind::Nf4), ("fp4", CodeKind::Fp4)]
                .into_iter()
                .find_map(|(code, kind)| {
                    let weight = self.name.strip_suffix(&format!(".quant_state.bitsandbytes__{code}"))?;
                    Some((weight, kind))
                })?;
        Some(self.codes_of(weight, kind))
    }

    fn codes_of(&self, weight: &str, kind: CodeKind) -> Result<NamedWeights, String> {
        let part = |part: &str| format!("{weight}.{part}");
        let is_nested = self.tensors.about(&part("nested_absmax")).is_some();
        let state = CodeState::parse(&self.tensors.bytes(self.name).unwrap_or_default(), is_nested)?;
        let (rows, columns) = state.shape;
        let values = rows.checked_mul(columns).ok_or("has a `shape` that is too large")?;
        let scales = values.div_ceil(state.block);
        expect(&part("absmax"), self.shape(&part("absmax"))?, &[scales])?;
        let bytes = |(dtype, shape): (Dtype, &[usize])| dtype.bitsize() / 8 * shape.iter().product::<usize>();
        let bytes = self.tensors.about(weight).map(bytes);
        if bytes != Some(values.div_ceil(2)) {
            return Err(format!(
                "says that `{weight}` has {values} values of 4 bits, and it has {bytes:?} bytes"
            ));
        }
        let mut parts = vec![
            (PartKind::Values, weight.to_owned()),
            (PartKind::Scales, part("absmax")),
        ];
        match state.nested {
            None => self.float(&part("absmax")).map(|_| ())?,
            Some(nested) => {
                let (outer, map) = (part("nested_absmax"), part("nested_quant_map"));
                expect(&outer, self.shape(&outer)?, &[scales.div_ceil(nested.block)])?;
                expect(&map, self.shape(&map)?, &[256])?;
                parts.push((PartKind::NestedScales, outer));
                parts.push((PartKind::NestedMap, map));
            }
        }
        let layout = Layout::Codes {
            kind,
            block: state.block,
            nested: state.nested,
            rounded: state.rounded,
        };
        let module = weight.strip_suffix(".weight").unwrap_or(weight);
        one(module, &[rows, columns], layout, parts)
    }
}

/// bitsandbytes' settings of one weight, which are a tensor of text beside it.
struct CodeState {
    shape: (usize, usize),
    block: usize,
    pub rounded: DType,
    nested: Option<NestedScale>,
}

impl CodeState {
    /// Reads them; `is_nested` where the scales are codes themselves.
    ///
    /// # Errors
    /// What is missing or not understood.
    fn parse(text: &[u8], is_nested: bool) -> Result<Self, String> {
        let state: Map<String, Value> =
            serde_json::from_slice(text).map_err(|error| format!("is not a JSON object: {error}"))?;
        let number = |key: &str| {
            let number = state.get(key).and_then(Value::as_u64).filter(|&number| number > 0);
            number
                .map(|number| number as usize)
                .ok_or_else(|| format!("has no `{key}`"))
        };
        let sides = state.get("shape").and_then(Value::as_array);
        let sides: Vec<usize> = sides
            .into_iter()
            .flatten()
            .filter_map(|side| Some(side.as_u64()? as usize))
            .collect();
        let &[rows, columns] = sides.as_slice() else {
            return Err("has no `shape` of a matrix".to_owned());
        };
        let offset = || {
            state
                .get("nested_offset")
                .and_then(Value::as_f64)
                .ok_or("has no `nested_offset`")
        };
        Ok(Self {
            shape: (rows, columns),
            block: number("blocksize")?,
            rounded: match state.get("dtype").and_then(Value::as_str) {
                Some("float32") => DType::F32,
                Some("float16") => DType::F16,
                Some("bfloat16") => DType::BF16,
                other => {
                    return Err(format!(
                        "has the `dtype` {other:?}, expected float32, float16 or bfloat16"
                    ));
                }
            },
            nested: match is_nested {
                true => Some(NestedScale {
                    block: number("nested_blocksize")?,
                    offset: offset()? as f32,
                }),
                false => None,
            },
        })
    }
}
