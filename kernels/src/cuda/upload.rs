//! Weights on their way to a GPU.

use super::device::address;
use candle_core::{
    DType, Result, Storage, Tensor,
    backend::BackendStorage,
    bail,
    cuda_backend::{WrapErr, cudarc::driver::result::memcpy_htod_async},
};
use half::{bf16, f16};

/// Copies rows on the CPU into `weight`, `(rows, width)` on a GPU, from number `first` on. Nothing but the copy engine is
/// asked, so that this goes on while kernels of another thread compute: a kernel would wait for room beside them.
pub(in super::super) fn put_rows(weight: &Tensor, first: usize, rows: &Tensor) -> Result<()> {
    let ((all, width), (count, own)) = (weight.dims2()?, rows.dims2()?);
    if width != own || first + count > all || weight.dtype() != rows.dtype() || !weight.is_contiguous() {
        bail!(
            "rows {:?} of {} from {first} on into {:?}",
            rows.dims(),
            rows.dtype().as_str(),
            weight.dims()
        );
    }
    let rows = rows.contiguous()?;
    let (storage, layout) = weight.storage_and_layout();
    let (from, at) = rows.storage_and_layout();
    let (Storage::Cuda(storage), Storage::Cpu(from)) = (&*storage, &*from) else {
        bail!("rows are copied from the CPU to a GPU");
    };
    let to = address(storage)? + ((layout.start_offset() + first * width) * weight.dtype().size_in_bytes()) as u64;
    let range = at.start_offset()..at.start_offset() + count * width;
    let stream = storage.device().cuda_stream();
    stream.context().bind_to_thread().w()?;
    // SAFETY: `to` has room for these rows, as was just found, and nobody else reads or writes it yet; what is copied is not
    // in pinned memory, so that it has been taken when the call returns.
    let copied = unsafe {
        match weight.dtype() {
            DType::BF16 => memcpy_htod_async(to, &from.as_slice::<bf16>()?[range], stream.cu_stream()),
            DType::F16 => memcpy_htod_async(to, &from.as_slice::<f16>()?[range], stream.cu_stream()),
            DType::F32 => memcpy_htod_async(to, &from.as_slice::<f32>()?[range], stream.cu_stream()),
            dtype => bail!("weights are not held as {}", dtype.as_str()),
        }
    };
    copied.w()
}
