//! A kernel with its arguments, and its start.

use super::grid::KernelGrid;
use candle_core::{CpuStorage, DType, Device, InplaceOp1, Layout, Result, Shape, Storage, Tensor, bail};

/// What a kernel is given behind the address of what it writes.
#[derive(Debug)]
pub(super) enum KernelArgument<'a> {
    /// The address of its first number.
    Tensor(&'a Tensor),
    /// An address, or none.
    Maybe(Option<&'a Tensor>),
    Whole(u32),
    Real(f32),
}

/// Numbers behind a tensor on the CPU that a kernel must leave alone: more than a tile of attention writes.
const GUARDS: usize = 1 << 15;

/// A kernel that is ready to start.
#[derive(Debug)]
pub(super) struct KernelLaunch<'a> {
    pub name: String,
    pub grid: KernelGrid,
    pub arguments: Vec<KernelArgument<'a>>,
}

impl KernelLaunch<'_> {
    /// Into a new tensor, all of which the kernel writes.
    pub fn make(&self, shape: impl Into<Shape>, dtype: DType, device: &Device) -> Result<Tensor> {
        if device.is_cpu() {
            return self.make_guarded(shape.into(), dtype);
        }
        // SAFETY: the kernel writes every number before anything behind it in the stream reads one.
        let out = unsafe { Tensor::empty(shape, dtype, device)? };
        self.write(&out)?;
        Ok(out)
    }

    /// The same on the CPU, where what is not written, or what is written behind it, shows.
    fn make_guarded(&self, shape: Shape, dtype: DType) -> Result<Tensor> {
        let count = shape.elem_count();
        let all = Tensor::full(f32::NAN, count + GUARDS, &Device::Cpu)?.to_dtype(dtype)?;
        let out = all.narrow(0, 0, count)?.reshape(shape)?;
        self.write(&out)?;
        let behind = all.narrow(0, count, GUARDS)?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
        match behind.iter().all(|guard| guard.is_nan()) {
            true => Ok(out),
            false => bail!("{} writes behind its tensor's end", self.name),
        }
    }

    /// Into `out`, which must share no memory with the arguments.
    pub fn write(&self, out: &Tensor) -> Result<()> {
        out.inplace_op1(self)
    }

    /// The kernel's parameters, each at the beginning of a word, and `run` with them while tensors are held.
    fn with_parameters(
        &self,
        out: u64,
        address: impl Fn(&Storage) -> Result<u64>,
        run: impl FnOnce(&[u64]) -> Result<()>,
    ) -> Result<()> {
        let mut held = Vec::new();
        let mut parameters = vec![out];
        for argument in &self.arguments {
            parameters.push(match *argument {
                KernelArgument::Tensor(tensor) | KernelArgument::Maybe(Some(tensor)) => {
                    let (storage, layout) = tensor.storage_and_layout();
                    let start = layout.start_offset() * tensor.dtype().size_in_bytes();
                    let address = address(&storage)? + start as u64;
                    held.push(storage);
                    address
                }
                KernelArgument::Maybe(None) => 0,
                KernelArgument::Whole(number) => word(number.to_ne_bytes()),
                KernelArgument::Real(number) => word(number.to_ne_bytes()),
            });
        }
        run(&parameters)
    }
}

/// Four bytes at the beginning of a word, whatever the order of its bytes.
fn word(bytes: [u8; 4]) -> u64 {
    let mut word = [0; 8];
    word[..4].copy_from_slice(&bytes);
    u64::from_ne_bytes(word)
}

/// A size as kernels take it.
pub(super) fn whole(size: usize) -> Result<u32> {
    match u32::try_from(size) {
        Ok(size) => Ok(size),
        Err(_) => bail!("{size} is more than a kernel can count"),
    }
}

/// A kernel's name for a dtype.
pub(super) fn of_dtype(kernel: &str, dtype: DType) -> String {
    format!("{kernel}_{}", dtype.as_str())
}

impl InplaceOp1 for KernelLaunch<'_> {
    fn name(&self) -> &'static str {
        "a kernel of our own"
    }

    #[cfg(not(any(test, feature = "checks")))]
    fn cpu_fwd(&self, _: &mut CpuStorage, _: &Layout) -> Result<()> {
        bail!("the kernel {} runs on GPUs", self.name)
    }

    #[cfg(any(test, feature = "checks"))]
    fn cpu_fwd(&self, out: &mut CpuStorage, layout: &Layout) -> Result<()> {
        use super::host;
        use candle_core::backend::BackendStorage;
        let address = |storage: &Storage| match storage {
            Storage::Cpu(storage) => host::address(storage),
            _ => bail!("{} on the CPU was given what is not there", self.name),
        };
        let start = layout.start_offset() * out.dtype().size_in_bytes();
        let written = host::bytes(out)?;
        let first = written.0 as u64 + start as u64;
        self.with_parameters(first, address, |parameters| {
            host::run(&self.name, self.grid, parameters, written)
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, out: &mut candle_core::CudaStorage, layout: &Layout) -> Result<()> {
        use super::device;
        use candle_core::backend::BackendStorage;
        let address = |storage: &Storage| match storage {
            Storage::Cuda(storage) => device::address(storage),
            _ => bail!("{} on a GPU was given what is not there", self.name),
        };
        let start = layout.start_offset() * out.dtype().size_in_bytes();
        let device = out.device().clone();
        let out = device::address(out)? + start as u64;
        self.with_parameters(out, address, |parameters| {
            device::run(&device, &self.name, self.grid, parameters)
        })
    }
}
