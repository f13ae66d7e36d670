//! Kernels on a GPU.

use super::grid::KernelGrid;
use candle_core::{
    CudaDevice, CudaStorage, DType, Result,
    backend::BackendStorage,
    bail,
    cuda_backend::{
        CudaDType, WrapErr,
        cudarc::driver::{DevicePtr, LaunchConfig, PushKernelArg, sys::CUfunction_attribute},
    },
};
use half::{bf16, f16};

/// What nvcc made of the kernels, as the driver reads it.
const TREE: &str = include_str!(concat!(env!("OUT_DIR"), "/tree.ptx"));
const ROWS: &str = include_str!(concat!(env!("OUT_DIR"), "/rows.ptx"));

/// Bytes of shared memory that a block has without asking for more.
const SHARED: usize = 48 << 10;

/// Starts a kernel of so many parameters, each at the beginning of a word.
pub(super) fn run(device: &CudaDevice, name: &str, grid: KernelGrid, parameters: &[u64]) -> Result<()> {
    let (module, ptx) = if name.starts_with("attend_") {
        ("indieval_tree", TREE)
    } else {
        ("indieval_rows", ROWS)
    };
    let function = device.get_or_load_custom_func(name, module, ptx)?;
    if grid.shared > SHARED {
        let attribute = CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        function.set_attribute(attribute, grid.shared as i32).w()?;
    }
    let mut start = function.builder();
    for parameter in parameters {
        start.arg(parameter);
    }
    let config = LaunchConfig {
        grid_dim: (grid.x, grid.y, 1),
        block_dim: (grid.threads, 1, 1),
        shared_mem_bytes: grid.shared as u32,
    };
    // SAFETY: the parameters are those of the kernel of this name, as tests on the CPU hand it the same; addresses are of
    // tensors that are held until the kernel is in the stream, in the order of which their memory is freed.
    unsafe { start.launch(config) }.w()?;
    Ok(())
}

/// Where a tensor's storage begins.
pub(super) fn address(storage: &CudaStorage) -> Result<u64> {
    fn of<T: CudaDType>(storage: &CudaStorage) -> Result<u64> {
        let stream = storage.device().cuda_stream();
        let (address, _) = storage.as_cuda_slice::<T>()?.device_ptr(&stream);
        Ok(address)
    }
    match storage.dtype() {
        DType::BF16 => of::<bf16>(storage),
        DType::F16 => of::<f16>(storage),
        DType::F32 => of::<f32>(storage),
        DType::U32 => of::<u32>(storage),
        dtype => bail!("kernels take no {}", dtype.as_str()),
    }
}
