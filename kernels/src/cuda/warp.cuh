// What the kernels are written in: two 16-bit formats, the operations of a warp, copies into shared memory.
//
// nvcc makes PTX of it; any other compiler takes the same names from host.hpp, which runs the kernels on a CPU.
#pragma once

#include <math.h>
#include <stdint.h>

// Numbers of 16 bits, eight of which are copied at a time.
struct bf16 { uint16_t bits; };
struct f16 { uint16_t bits; };
template <class T> struct alignas(16) Eight { T at[8]; };

// Lanes of a warp, and how PTX (9.7.14, "Matrix multiply-accumulate") deals a product of m16n8k16 out to them:
//   a[4]  16 x 16, two neighbours of a row in each: rows lane / 4 and + 8, columns 2 (lane % 4) and + 8
//   b[2]  16 x 8, two neighbours of a column in each: column lane / 4, rows 2 (lane % 4) and + 8
//   c[4]  16 x 8: row lane / 4 in c[0], c[1], + 8 in c[2], c[3]; columns 2 (lane % 4) and + 1
constexpr uint32_t WARP = 32;

#ifdef __CUDACC__

#define DEVICE __device__ __forceinline__
// A kernel of at most so many threads a block.
#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
// The same in as few registers as so many blocks on a multiprocessor leave each.
#define KERNEL_ON_SM(threads, blocks) extern "C" __global__ void __launch_bounds__(threads, blocks)
// Shared memory of the block, as much as the launch gives it.
extern __shared__ __align__(16) unsigned char block_shared[];
#define SHARED(type, name) type* name = reinterpret_cast<type*>(block_shared)

DEVICE float to_float(bf16 x) { return __uint_as_float(static_cast<uint32_t>(x.bits) << 16); }
DEVICE float to_float(f16 x) {
    float wide;
    asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(x.bits));
    return wide;
}
template <class T> DEVICE T rounded(float x);
template <> DEVICE bf16 rounded<bf16>(float x) {
    bf16 y;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}
template <> DEVICE f16 rounded<f16>(float x) {
    f16 y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}

// Two numbers side by side, each rounded.
template <class T> DEVICE uint32_t pair(float low, float high);
template <> DEVICE uint32_t pair<bf16>(float low, float high) {
    uint32_t both;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
}
template <> DEVICE uint32_t pair<f16>(float low, float high) {
    uint32_t both;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
}
// 2^x within two units in the last place; 0 where that is below 2^-126 (PTX 9.7.3, "ex2").
DEVICE float power_of_2(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

template <class T> DEVICE void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);
#define MMA(T, name)                                                                                              \
    template <> DEVICE void mma<T>(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {             \
        asm("mma.sync.aligned.m16n8k16.row.col.f32." name "." name ".f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "    \
            "{%8, %9}, {%0, %1, %2, %3};"                                                                         \
            : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                                                      \
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));                                      \
    }
MMA(bf16, "bf16")
MMA(f16, "f16")

DEVICE uint32_t shared_address(const void* pointer) {
    return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}
// Four 8 x 8 matrices of shared memory: lanes 8 i to 8 i + 7 say where the rows of matrix i are; each lane gets of each
// matrix two neighbours of row lane / 4, or, transposed, of column lane / 4.
DEVICE void load_matrices(uint32_t (&r)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
}
DEVICE void load_matrices_transposed(uint32_t (&r)[4], const void* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(shared_address(row)) : "memory");
}

// Sixteen bytes from global to shared memory, or zeros; they are there for this thread behind wait_copies.
DEVICE void copy_16(void* to, const void* from, bool there) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :: "r"(shared_address(to)), "l"(from), "r"(there ? 16 : 0) : "memory");
}
DEVICE void end_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits for all but the latest groups of copies.
template <int LATEST> DEVICE void wait_copies() { asm volatile("cp.async.wait_group %0;" :: "n"(LATEST) : "memory"); }

DEVICE float from_lane_xor(float x, uint32_t mask) { return __shfl_xor_sync(0xffffffffu, x, mask); }
DEVICE void barrier() { __syncthreads(); }

#else
#include "host.hpp"
#endif
