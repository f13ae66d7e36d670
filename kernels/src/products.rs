//! Products in f32 on the CPU where candle's operations are used there, which is in tests, in short sums.

use super::rows::CpuRows;
use candle_core::{Device, Result, Tensor, bail};

/// Numbers of the inner dimension that are summed up by themselves before they are added to the total: short sums are
/// closer to the exact one, as in our own kernels, whose are half as long. A shorter one costs time here.
const RUN: usize = 192;

/// `x · weightᵀ` of `x`, `(rows, in)`, and `weight`, `(out, in)`, both on the CPU. Returns `(rows, out)`, f32.
pub(super) fn product(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (x, weight) = (CpuRows::of(x)?, CpuRows::of(weight)?);
    let (x, weight) = (x.lock(), weight.lock());
    let (x, weight) = (x.view()?, weight.view()?);
    if x.width != weight.width {
        bail!("rows of {} numbers times a weight of {} inputs", x.width, weight.width);
    }
    let (rows, outputs, inputs) = (x.rows, weight.rows, x.width);
    let mut out = vec![0f32; rows * outputs];
    let parallelism = match rayon::current_num_threads() {
        1 => gemm::Parallelism::None,
        threads => gemm::Parallelism::Rayon(threads),
    };
    for first in (0..inputs).step_by(RUN) {
        let run = RUN.min(inputs - first);
        // SAFETY: `out` has `outputs` numbers for each row, and is borrowed mutably. Row `r` of the left operand is the
        // `run` numbers from `r · stride + first` on, which a view of that many rows has, and likewise of the right one.
        unsafe {
            gemm::gemm(
                rows,
                outputs,
                run,
                out.as_mut_ptr(),
                1,
                outputs as isize,
                first > 0,
                x.data.as_ptr().wrapping_add(first),
                1,
                x.stride as isize,
                weight.data.as_ptr().wrapping_add(first),
                weight.stride as isize,
                1,
                1.,
                1.,
                false,
                false,
                false,
                parallelism,
            );
        }
    }
    Tensor::from_vec(out, (rows, outputs), &Device::Cpu)
}
