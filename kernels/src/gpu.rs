//! What is set once for a GPU, and what threads owe each other on one.

use super::{Backend, Kernels};
use candle_core::{DType, Result};

/// A moment in what a GPU has been asked for; on a CPU there is nothing to wait for.
#[derive(Debug, Default)]
pub struct Milestone {
    #[cfg(feature = "cuda")]
    event: Option<candle_core::cuda_backend::cudarc::driver::CudaEvent>,
}

impl Milestone {
    /// Waits until all before it is done.
    ///
    /// # Errors
    /// What the device says of it.
    pub fn wait(&self) -> Result<()> {
        #[cfg(feature = "cuda")]
        if let Some(event) = &self.event {
            use candle_core::cuda_backend::WrapErr;
            event.synchronize().w()?;
        }
        Ok(())
    }
}

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

    /// The end of what the calling thread has asked of the device until now.
    ///
    /// # Errors
    /// What the device says.
    pub fn milestone(&self) -> Result<Milestone> {
        #[cfg(feature = "cuda")]
        if let candle_core::Device::Cuda(gpu) = &self.device {
            use candle_core::cuda_backend::WrapErr;
            let event = gpu.cuda_stream().record_event(None).w()?;
            return Ok(Milestone { event: Some(event) });
        }
        Ok(Milestone::default())
    }

    /// Whether candle's operations compute.
    pub(super) fn is_candle(&self) -> bool {
        self.backend == Backend::Candle
    }
}

/// A GPU's number, name and compute capability, and the version of cuBLAS.
#[cfg(feature = "cuda")]
pub fn card(device: &candle_core::CudaDevice) -> Result<String> {
    use candle_core::cuda_backend::{
        WrapErr,
        cudarc::{cublas::sys::cublasGetVersion_v2, driver::sys::CUdevice_attribute as Attribute},
    };
    let context = device.cuda_stream().context().clone();
    let attribute = |attribute| context.attribute(attribute).w();
    let major = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    let mut version = 0;
    // SAFETY: the handle is open, and the version a number.
    unsafe { cublasGetVersion_v2(*device.cublas_handle().handle(), &raw mut version) }
        .result()
        .w()?;
    let [release, update, patch] = [version / 10_000, version / 100 % 100, version % 100];
    Ok(format!(
        "cuda:{} {}, compute capability {major}.{minor}, cuBLAS {release}.{update}.{patch}",
        context.ordinal(),
        context.name().w()?
    ))
}

/// Memory in bytes that cuBLAS may put parts of sums into: too little for it to cut sums among blocks of threads, which it
/// does or does not by the number of rows. So a row comes to the same bits in passes of any size above a few rows
/// (`examples/gpu_check.rs` counts what differs), at the same speed.
#[cfg(feature = "cuda")]
const WORKSPACE: usize = 16 << 10;

/// Gives cuBLAS a workspace of [`WORKSPACE`] bytes.
#[cfg(feature = "cuda")]
fn keep_sums_whole(device: &candle_core::CudaDevice) -> Result<()> {
    use candle_core::cuda_backend::{
        WrapErr,
        cudarc::{cublas::sys::cublasSetWorkspace_v2, driver::DevicePtr},
    };
    let workspace = device.alloc_zeros::<u8>(WORKSPACE)?;
    let stream = device.cuda_stream();
    let (address, guard) = workspace.device_ptr(&stream);
    // SAFETY: the handle is open, and the memory, aligned as all that the driver gives, is never freed.
    unsafe { cublasSetWorkspace_v2(*device.cublas_handle().handle(), address as *mut _, WORKSPACE) }
        .result()
        .w()?;
    drop(guard);
    // As long as the handle, which other tensors of the device share.
    std::mem::forget(workspace);
    Ok(())
}

/// Sets a GPU up: freed memory stays with this process, and nobody notes events that nobody waits for.
#[cfg(feature = "cuda")]
pub fn set_up(device: &candle_core::CudaDevice) -> Result<()> {
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
    keep_sums_whole(device)?;
    // SAFETY: a tensor that crosses threads is handed over (`Kernels::hand_over`), and a thread that frees one frees it in
    // the order of its own stream, in which it was used.
    unsafe { device.disable_event_tracking() };
    Ok(())
}
