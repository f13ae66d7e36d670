//! What is checked.

use crate::{Backend, Kernels};
use candle_core::DType;

/// f32: sums of up to a few hundred products of numbers below 1, each rounded to 2^-24 of the running sum.
pub(super) const F32: f64 = 2e-5;
/// bf16: inputs rounded to 2^-9 of themselves, independently; sums of a few hundred products of about 1/3 wander by
/// some 2^-9 · √n. Averages (attention) do not grow with n.
const BF16: f64 = 0.06;

/// f16: likewise, 2^-12.
const F16: f64 = 0.0075;

/// Every implementation this machine has, with the tolerance of its dtype.
pub(super) fn implementations() -> Vec<(Kernels, f64)> {
    let of = |(dtype, tolerance)| {
        let backends = Kernels::backends(dtype).into_iter().chain([Backend::Candle]);
        backends.map(move |backend| (Kernels::with(backend, dtype).unwrap(), tolerance))
    };
    let dtypes = [(DType::F32, F32), (DType::BF16, BF16), (DType::F16, F16)];
    dtypes.into_iter().flat_map(of).collect()
}

/// Those of them that are our own.
pub(super) fn exact() -> impl Iterator<Item = Kernels> {
    let all = implementations().into_iter().map(|(kernels, _)| kernels);
    all.filter(|kernels| kernels.backend() != Backend::Candle)
}
