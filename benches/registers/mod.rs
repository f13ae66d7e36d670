//! What this processor's arithmetic units give when nothing has to come from memory: the limit that shares are of.

use candle_core::DType;
use indieval::model::Backend;

/// Floating-point operations a second that all threads together reach on registers alone with the instructions that
/// `backend` multiplies `dtype` with; where it is not known how to ask for them, none.
pub fn peak(backend: Backend, dtype: DType) -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    {
        const ROUNDS: usize = 4_000_000;
        let (run, per_round): (fn(usize), f64) = match (backend, dtype) {
            (Backend::Avx512, DType::BF16) if is_x86_feature_detected!("avx512bf16") => {
                // SAFETY: the processor was asked for the instructions.
                (|rounds| unsafe { loops::bf16(rounds) }, 64. * loops::SUMS as f64)
            }
            (Backend::Avx512, _) if is_x86_feature_detected!("avx512f") => {
                // SAFETY: likewise.
                (|rounds| unsafe { loops::f32(rounds) }, 32. * loops::SUMS as f64)
            }
            (Backend::Avx2, _) if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") => {
                // SAFETY: likewise.
                (|rounds| unsafe { loops::avx2(rounds) }, 16. * loops::FEWER_SUMS as f64)
            }
            (Backend::Portable, _) => (loops::sse2, 8. * loops::FEWER_SUMS as f64),
            _ => return None,
        };
        let seconds = (0..9)
            .map(|_| {
                let start = std::time::Instant::now();
                rayon::broadcast(|_| run(ROUNDS));
                start.elapsed().as_secs_f64()
            })
            .fold(f64::INFINITY, f64::min);
        Some(rayon::current_num_threads() as f64 * ROUNDS as f64 * per_round / seconds)
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = (backend, dtype);
        None
    }
}

/// Loops that do nothing but multiply and add, in registers.
#[cfg(target_arch = "x86_64")]
mod loops {
    use std::{arch::x86_64::*, hint::black_box};

    /// Independent sums: enough to hide the latency of the instruction.
    pub const SUMS: usize = 16;
    /// As many as 16 registers have room for beside the factor.
    pub const FEWER_SUMS: usize = 12;

    /// # Safety
    /// The processor has AVX-512F.
    #[target_feature(enable = "avx512f")]
    pub unsafe fn f32(rounds: usize) {
        let factor = black_box(_mm512_set1_ps(0.5));
        let mut sums = [factor; SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, factor);
            }
        }
        black_box(sums);
    }

    /// # Safety
    /// The processor has AVX-512F and AVX-512 BF16.
    #[target_feature(enable = "avx512f,avx512bf16")]
    pub unsafe fn bf16(rounds: usize) {
        let zero = black_box(_mm512_setzero_ps());
        let factor = _mm512_cvtne2ps_pbh(zero, zero);
        let mut sums = [zero; SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_dpbf16_ps(*sum, factor, factor);
            }
        }
        black_box(sums);
    }

    /// # Safety
    /// The processor has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub unsafe fn avx2(rounds: usize) {
        let factor = black_box(_mm256_set1_ps(0.5));
        let mut sums = [factor; FEWER_SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, factor);
            }
        }
        black_box(sums);
    }

    /// A product and a sum each, as where there is no instruction for both.
    pub fn sse2(rounds: usize) {
        // SAFETY: every x86-64 processor has SSE2.
        unsafe {
            let factor = black_box(_mm_set1_ps(0.5));
            let mut sums = [factor; FEWER_SUMS];
            for _ in 0..rounds {
                for sum in &mut sums {
                    *sum = _mm_add_ps(_mm_mul_ps(*sum, factor), factor);
                }
            }
            black_box(sums);
        }
    }
}
