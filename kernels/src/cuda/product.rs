//! Products of half-precision numbers whose sums leave the tensor cores as f32.

use candle_core::{
    CpuStorage, CudaStorage, CustomOp2, DType, Layout, Result, Shape, Tensor,
    backend::BackendStorage,
    bail,
    cuda_backend::{
        CudaDType, WrapErr,
        cudarc::{
            cublas::{result::gemm_ex, sys},
            driver::{DevicePtr, DevicePtrMut},
        },
    },
};
use half::{bf16, f16};

/// `x · weightᵀ` in f32, of `x`, `(rows, in)`, and `weight`, `(out, in)`, both in bf16 or both in f16 on a GPU.
pub(in super::super) fn product_in_f32(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    x.contiguous()?.apply_op2_no_bwd(&weight.contiguous()?, &ProductInF32)
}

struct ProductInF32;

impl CustomOp2 for ProductInF32 {
    fn name(&self) -> &'static str {
        "a product in f32"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        bail!("{} runs on GPUs", self.name())
    }

    fn cuda_fwd(
        &self,
        x: &CudaStorage,
        at: &Layout,
        weight: &CudaStorage,
        weight_at: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        match (x.dtype(), weight.dtype()) {
            (DType::BF16, DType::BF16) => of::<bf16>((x, at), (weight, weight_at), sys::cudaDataType_t::CUDA_R_16BF),
            (DType::F16, DType::F16) => of::<f16>((x, at), (weight, weight_at), sys::cudaDataType_t::CUDA_R_16F),
            (x, weight) => bail!("a product in f32 of {} and {}", x.as_str(), weight.as_str()),
        }
    }
}

fn of<T: CudaDType>(
    (x, at): (&CudaStorage, &Layout),
    (weight, weight_at): (&CudaStorage, &Layout),
    dtype: sys::cudaDataType_t,
) -> Result<(CudaStorage, Shape)> {
    let ((rows, inputs), (outputs, width)) = (at.shape().dims2()?, weight_at.shape().dims2()?);
    if inputs != width || !at.is_contiguous() || !weight_at.is_contiguous() {
        bail!("rows {:?} times a weight {:?}", at, weight_at);
    }
    let sizes = [outputs, rows, inputs].map(i32::try_from);
    let [Ok(outputs_), Ok(rows_), Ok(inputs_)] = sizes else {
        bail!("a product of {rows} rows of {inputs} numbers with {outputs} outputs is more than cuBLAS counts");
    };
    let device = x.device().clone();
    let stream = device.cuda_stream();
    // SAFETY: the product writes all of it before anything behind it in the stream reads one.
    let mut out = unsafe { device.alloc::<f32>(rows * outputs)? };
    let (x, weight) = (
        x.as_cuda_slice::<T>()?.slice(at.start_offset()..),
        weight.as_cuda_slice::<T>()?.slice(weight_at.start_offset()..),
    );
    let (one, zero) = (1f32, 0f32);
    let blas = device.cublas_handle();
    {
        let ((x, _x), (weight, _weight), (to, _to)) = (
            x.device_ptr(&stream),
            weight.device_ptr(&stream),
            out.device_ptr_mut(&stream),
        );
        // SAFETY: cuBLAS counts columns first: it is told `out` rows of the weight, transposed, times the rows of `x`, all
        // without gaps, of the sizes that their layouts were just found to have; the factors are f32, as the sums are.
        unsafe {
            gemm_ex(
                *blas.handle(),
                sys::cublasOperation_t::CUBLAS_OP_T,
                sys::cublasOperation_t::CUBLAS_OP_N,
                outputs_,
                rows_,
                inputs_,
                (&raw const one).cast(),
                weight as *const _,
                dtype,
                inputs_,
                x as *const _,
                dtype,
                inputs_,
                (&raw const zero).cast(),
                to as *mut _,
                sys::cudaDataType_t::CUDA_R_32F,
                outputs_,
                sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
                sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
            )
        }
        .w()?;
    }
    Ok((CudaStorage::wrap_cuda_slice(out, device), (rows, outputs).into()))
}
