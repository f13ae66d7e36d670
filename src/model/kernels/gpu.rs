//! What is set once for a GPU, and what threads owe each other on one.

use super::{Backend, Kernels};
use candle_core::{DType, Result};

impl Kernels {
    /// Waits until what the calling thread has put on the device is there. To be called by whoever makes tensors that another
    /// thread will use: on a GPU each host thread has a stream of its own, and nothing orders the copies of one before the
    /// kernels of another.
    ///
    /// # Errors
    /// What the device says of work done before.
    pub fn hand_over(&self) -> Result<()> {
        self.device.synchronize()
    }

    /// Sets what a GPU's libraries hold for the whole process as these kernels want it; before each batch, so that two models
    /// of one process may take turns.
    ///
    /// f32 products take TF32 where weights are bf16 or f16: values of these are exact in it (f16 but for the range, which
    /// TF32 has more of), so that logits leave the tensor cores as f32. Attention's products are f32 there too; its weights
    /// are rounded to 11 bits on the way, finer than the dtype. An f32 model is computed in f32.
    pub fn begin(&self) {
        if self.device.is_cuda() {
            candle_core::cuda::set_gemm_reduced_precision_f32(self.dtype != DType::F32);
        }
    }

    /// Whether candle's operations compute.
    pub(super) fn is_candle(&self) -> bool {
        self.backend == Backend::Candle
    }
}

/// Sets a GPU up: freed memory stays with this process, and nobody notes events that nobody waits for.
#[cfg(feature = "cuda")]
pub(crate) fn set_up(device: &candle_core::CudaDevice) -> Result<()> {
    use candle_core::cuda_backend::{
        WrapErr,
        cudarc::driver::{result, sys},
    };
    let context = device.cuda_stream().context().clone();
    context.bind_to_thread().w()?;
    let mut keep = u64::MAX;
    // SAFETY: the device is that of a context that was opened, its default pool lives as long as the device, and this
    // attribute is a 64-bit number of bytes.
    unsafe {
        let pool = result::device::get_default_mem_pool(context.cu_device()).w()?;
        let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
        result::mem_pool::set_attribute(pool, attribute, (&raw mut keep).cast()).w()?;
    }
    // SAFETY: a tensor that crosses threads is handed over (`Kernels::hand_over`), and a thread that frees one frees it in
    // the order of its own stream, in which it was used.
    unsafe { device.disable_event_tracking() };
    Ok(())
}
