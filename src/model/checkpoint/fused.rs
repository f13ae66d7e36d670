//! Experts that lie in one tensor, taken apart: where in it each one's matrices and biases are.

use std::ops::Range;

use candle_core::{DType, Device, Result, Tensor};

use crate::model::bounds::MOST_EXPERTS;
use crate::model::design::ExpertNaming;

/// A tensor that is a part of a stored one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FusedPart {
    /// What it is called where experts lie apart.
    pub(super) name: String,
    /// The first of the stored values that it is taken from, and how many these are.
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) shape: Vec<usize>,
    /// Which of these values it has, unless it has them all as they lie.
    pub(super) columns: Option<FusedColumns>,
}

/// Some columns of a matrix: each is a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FusedColumns {
    /// All columns of the matrix.
    width: usize,
    /// The first one that is taken, from there each of so many, and how many these are.
    first: usize,
    step: usize,
    count: usize,
}

impl FusedColumns {
    /// Of some of the rows that are picked: where in each of the matrix's rows their values are, and how to pick them out of these
    /// alone.
    pub(super) fn part(self, rows: &Range<usize>) -> (Range<usize>, Self) {
        let lane = self.first % self.step;
        let first = self.first - lane + rows.start * self.step;
        let part = Self {
            width: rows.len() * self.step,
            first: lane,
            step: self.step,
            count: rows.len(),
        };
        (first..first + part.width, part)
    }

    /// Values of a row of the matrix.
    pub(super) fn width(self) -> usize {
        self.width
    }

    /// A tensor of that shape, out of the values of the matrix.
    pub(super) fn pick(self, bytes: &[u8], dtype: DType, shape: &[usize]) -> Result<Tensor> {
        let rows = bytes.len() / (dtype.size_in_bytes() * self.width).max(1);
        let parted = Tensor::from_raw_buffer(bytes, dtype, &[rows, self.width / self.step, self.step], &Device::Cpu)?;
        let (first, lane) = (self.first / self.step, self.first % self.step);
        let picked = parted.narrow(2, lane, 1)?.squeeze(2)?.narrow(1, first, self.count)?;
        picked.t()?.contiguous()?.reshape(shape)
    }
}

/// The parts of a stored tensor of that name and shape; nothing where it is none of several experts.
pub(super) fn parts(naming: ExpertNaming, name: &str, shape: &[usize]) -> Option<Vec<FusedPart>> {
    let parts_of: fn(&str, &[usize], usize) -> Option<Vec<FusedPart>> = match naming {
        ExpertNaming::GptOss => gpt_oss,
        ExpertNaming::Granite => granite,
        ExpertNaming::Llama4 => llama4,
        ExpertNaming::Mixtral | ExpertNaming::Mlp => return None,
    };
    let experts = shape.first().copied().filter(|experts| *experts <= MOST_EXPERTS)?;
    let of_each: Option<Vec<_>> = (0..experts).map(|expert| parts_of(name, &shape[1..], expert)).collect();
    of_each.map(|parts| parts.into_iter().flatten().collect())
}

/// gpt-oss: matrices are turned, `(inputs, outputs)`, and gates and their partners alternate.
fn gpt_oss(name: &str, shape: &[usize], expert: usize) -> Option<Vec<FusedPart>> {
    let (module, tensor) = name.split_once(".mlp.experts.")?;
    let (tensor, ending) = match tensor.strip_suffix("_bias") {
        Some(tensor) => (tensor, "bias"),
        None => (tensor, "weight"),
    };
    let (inputs, width) = match (shape, ending) {
        (&[width], "bias") => (None, width),
        (&[inputs, width], "weight") => (Some(inputs), width),
        _ => return None,
    };
    let count = inputs.unwrap_or(1) * width;
    let part = |which: &str, first: usize, step: usize| FusedPart {
        name: format!("{module}.mlp.experts.{expert}.{which}.{ending}"),
        first: expert * count,
        count,
        shape: std::iter::once(width / step).chain(inputs).collect(),
        columns: Some(FusedColumns {
            width,
            first,
            step,
            count: width / step,
        }),
    };
    match tensor {
        "gate_up_proj" if width.is_multiple_of(2) => Some(vec![part("gate_proj", 0, 2), part("up_proj", 1, 2)]),
        "down_proj" => Some(vec![part("down_proj", 0, 1)]),
        _ => None,
    }
}

/// Llama 4: matrices are turned, `(inputs, outputs)`, gates first and then their partners.
fn llama4(name: &str, shape: &[usize], expert: usize) -> Option<Vec<FusedPart>> {
    let (module, tensor) = name.split_once(".feed_forward.experts.")?;
    let &[inputs, width] = shape else {
        return None;
    };
    let part = |which: &str, first: usize, count: usize| FusedPart {
        name: format!("{module}.feed_forward.experts.{expert}.{which}.weight"),
        first: expert * inputs * width,
        count: inputs * width,
        shape: vec![count, inputs],
        columns: Some(FusedColumns {
            width,
            first,
            step: 1,
            count,
        }),
    };
    let half = width / 2;
    match tensor {
        "gate_up_proj" if width.is_multiple_of(2) => {
            Some(vec![part("gate_proj", 0, half), part("up_proj", half, half)])
        }
        "down_proj" => Some(vec![part("down_proj", 0, width)]),
        _ => None,
    }
}

/// Granite: gates, then their partners.
fn granite(name: &str, shape: &[usize], expert: usize) -> Option<Vec<FusedPart>> {
    let (module, tensor) = name.split_once(".block_sparse_moe.")?;
    let &[outputs, inputs] = shape else {
        return None;
    };
    let part = |which: &str, above: usize, outputs: usize, all: usize| FusedPart {
        name: format!("{module}.block_sparse_moe.experts.{expert}.{which}.weight"),
        first: (expert * all + above) * inputs,
        count: outputs * inputs,
        shape: vec![outputs, inputs],
        columns: None,
    };
    match tensor {
        "input_linear.weight" if outputs.is_multiple_of(2) => {
            let half = outputs / 2;
            Some(vec![
                part("gate_proj", 0, half, outputs),
                part("up_proj", half, half, outputs),
            ])
        }
        "output_linear.weight" => Some(vec![part("down_proj", 0, outputs, outputs)]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_and_their_partners_alternate_in_the_columns_of_gpt_oss() {
        let stored: Vec<f32> = (0..2 * 3 * 4).map(|at| at as f32).collect();
        let bytes: Vec<u8> = stored.iter().flat_map(|value| value.to_le_bytes()).collect();
        let parts = parts(ExpertNaming::GptOss, "m.mlp.experts.gate_up_proj", &[2, 3, 4]).unwrap();
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        assert_eq!(
            names[..2],
            ["m.mlp.experts.0.gate_proj.weight", "m.mlp.experts.0.up_proj.weight"]
        );
        let values = |part: &FusedPart| {
            let bytes = &bytes[4 * part.first..4 * (part.first + part.count)];
            let tensor = part.columns.unwrap().pick(bytes, DType::F32, &part.shape).unwrap();
            tensor.to_vec2::<f32>().unwrap()
        };
        assert_eq!(values(&parts[3]), [[13., 17., 21.], [15., 19., 23.]]);
    }

    #[test]
    fn some_rows_are_picked_out_of_what_they_need_of_each_row() {
        let matrix: Vec<f32> = (0..3 * 8).map(|at| at as f32).collect();
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        for (first, step, count) in [(0, 2, 4), (1, 2, 4), (0, 1, 4), (4, 1, 4), (0, 1, 8)] {
            let all = FusedColumns {
                width: 8,
                first,
                step,
                count,
            };
            let whole = all.pick(&bytes(&matrix), DType::F32, &[count, 3]).unwrap();
            let (values, part) = all.part(&(1..3));
            let needed: Vec<f32> = matrix.chunks(8).flat_map(|row| &row[values.clone()]).copied().collect();
            let some = part.pick(&bytes(&needed), DType::F32, &[2, 3]).unwrap();
            let expected = whole.narrow(0, 1, 2).unwrap();
            assert_eq!(some.to_vec2::<f32>().unwrap(), expected.to_vec2::<f32>().unwrap());
            assert_eq!(needed.len(), 3 * 2 * step);
        }
    }

    #[test]
    fn gates_are_the_first_columns_of_llama_4_and_their_partners_the_others() {
        let stored: Vec<f32> = (0..2 * 3 * 4).map(|at| at as f32).collect();
        let bytes: Vec<u8> = stored.iter().flat_map(|value| value.to_le_bytes()).collect();
        let values = |part: &FusedPart| {
            let bytes = &bytes[4 * part.first..4 * (part.first + part.count)];
            let tensor = part.columns.unwrap().pick(bytes, DType::F32, &part.shape).unwrap();
            tensor.to_vec2::<f32>().unwrap()
        };
        let parts = |name: &str, shape: &[usize]| parts(ExpertNaming::Llama4, name, shape).unwrap();
        let both = parts("m.feed_forward.experts.gate_up_proj", &[2, 3, 4]);
        assert_eq!(both[2].name, "m.feed_forward.experts.1.gate_proj.weight");
        assert_eq!(values(&both[2]), [[12., 16., 20.], [13., 17., 21.]]);
        assert_eq!(values(&both[3]), [[14., 18., 22.], [15., 19., 23.]]);
        let down = parts("m.feed_forward.experts.down_proj", &[2, 4, 3]);
        assert_eq!(
            values(&down[0]),
            [[0., 3., 6., 9.], [1., 4., 7., 10.], [2., 5., 8., 11.]]
        );
    }

    #[test]
    fn what_is_no_tensor_of_several_experts_stays_in_one_piece() {
        for (naming, name, shape) in [
            (ExpertNaming::Mlp, "m.mlp.experts.gate_up_proj", vec![2, 3, 4]),
            (ExpertNaming::GptOss, "m.mlp.experts.gate_up_proj", vec![2, 3, 5]),
            (ExpertNaming::GptOss, "m.mlp.experts.gate_up_proj", vec![1 << 40, 0, 0]),
            (ExpertNaming::GptOss, "m.mlp.router.weight", vec![2, 3]),
            (ExpertNaming::Llama4, "m.feed_forward.router.weight", vec![2, 3]),
            (
                ExpertNaming::Llama4,
                "m.feed_forward.experts.gate_up_proj",
                vec![2, 3, 5],
            ),
            (
                ExpertNaming::Granite,
                "m.block_sparse_moe.router.layer.weight",
                vec![2, 3],
            ),
            (ExpertNaming::Granite, "m.block_sparse_moe.input_linear.weight", vec![]),
        ] {
            assert_eq!(parts(naming, name, &shape), None, "{name} {shape:?}");
        }
    }
}
