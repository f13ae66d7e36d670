// What is done row by row: norms, RoPE with the write of keys and values, gates, sums of experts, the softmax over a
// vocabulary. All in f32; only what is written is rounded.
#include "warp.cuh"

// The threads' sum or maximum, in all of them and always in the same order.
template <class Join> DEVICE float joined(float x, float* shared, Join join) {
    for (uint32_t mask = WARP / 2; mask; mask /= 2) x = join(x, from_lane_xor(x, mask));
    barrier();  // nobody needs what is there
    if (threadIdx.x % WARP == 0) shared[threadIdx.x / WARP] = x;
    barrier();
    x = shared[0];
    for (uint32_t warp = 1; warp < blockDim.x / WARP; warp++) x = join(x, shared[warp]);
    return x;
}
DEVICE float sum_of(float x, float* shared) {
    return joined(x, shared, [](float a, float b) { return a + b; });
}

template <class T> DEVICE Eight<T> eight(const T* from) { return *reinterpret_cast<const Eight<T>*>(from); }
template <class T> DEVICE void put(T* to, const Eight<T>& numbers) { *reinterpret_cast<Eight<T>*>(to) = numbers; }

// Block x norms run x of n numbers; there are `runs` in a row of `x`, and rows are `stride` numbers apart. The first `own`
// runs of a row have weights of their own, and biases where there are any; the others take the same over again.
template <class T>
DEVICE void norm(T* out, const T* x, const float* weight, const float* bias, uint32_t n, uint32_t runs, uint32_t own,
                 uint32_t stride, float eps, uint32_t centred) {
    SHARED(float, shared);
    const uint64_t run = blockIdx.x;
    x += run / runs * stride + run % runs * n;
    out += run * n;
    const uint64_t first = run % runs % own * n;
    float mean = 0;
    if (centred) {
        float all = 0;
        for (uint32_t i = threadIdx.x * 8; i < n; i += blockDim.x * 8) {
            const Eight<T> some = eight(x + i);
            for (uint32_t j = 0; j < 8; j++) all += to_float(some.at[j]);
        }
        mean = sum_of(all, shared) / n;
    }
    float squares = 0;
    for (uint32_t i = threadIdx.x * 8; i < n; i += blockDim.x * 8) {
        const Eight<T> some = eight(x + i);
        for (uint32_t j = 0; j < 8; j++) squares += (to_float(some.at[j]) - mean) * (to_float(some.at[j]) - mean);
    }
    const float factor = 1 / sqrtf(sum_of(squares, shared) / n + eps);
    for (uint32_t i = threadIdx.x * 8; i < n; i += blockDim.x * 8) {
        Eight<T> some = eight(x + i);
        for (uint32_t j = 0; j < 8; j++) {
            const float normed = (to_float(some.at[j]) - mean) * factor * weight[first + i + j];
            some.at[j] = rounded<T>(bias ? normed + bias[first + i + j] : normed);
        }
        put(out + i, some);
    }
}

// Block x turns the heads of row x by the row's angles and writes them to row x of `out`, or where `slots` says. Pairs are
// neighbours, or places of the first and the second half of what is turned; what lies behind is copied.
template <class T>
DEVICE void turn(T* out, const T* x, const float* cos, const float* sin, const uint32_t* slots, uint32_t heads,
                 uint32_t head_dim, uint32_t half, uint32_t stride, uint32_t neighbours) {
    const uint64_t row = blockIdx.x;
    x += row * stride;
    out += (slots ? slots[row] : row) * heads * head_dim;
    for (uint32_t i = threadIdx.x; i < heads * (head_dim / 2); i += blockDim.x) {
        const uint32_t head = i / (head_dim / 2) * head_dim, pair = i % (head_dim / 2);
        const bool turned = pair < half;
        const uint32_t one = head + (turned && !neighbours ? pair : 2 * pair);
        const uint32_t other = one + (turned && !neighbours ? half : 1);
        const float a = to_float(x[one]), b = to_float(x[other]);
        const float c = turned ? cos[row * half + pair] : 1, s = turned ? sin[row * half + pair] : 0;
        out[one] = rounded<T>(a * c - b * s);
        out[other] = rounded<T>(b * c + a * s);
    }
}

// Block x copies the keys or values of one slot to another: pairs[2 x] to pairs[2 x + 1], `width` numbers.
template <class T> DEVICE void copy_slots(T* held, const uint32_t* pairs, uint32_t width) {
    const uint64_t from = pairs[2 * blockIdx.x], to = pairs[2 * blockIdx.x + 1];
    for (uint32_t i = threadIdx.x * 8; i < width; i += blockDim.x * 8) put(held + to * width + i, eight(held + from * width + i));
}

enum Activation : uint32_t { SILU, GELU_TANH, CLAMPED };

// A gate through its activation, times its partner; of those that are clamped, gates at most and partners within `limit`.
DEVICE float activated(float x, float up, uint32_t activation, float gain, float limit) {
    if (activation == SILU) return x / (1 + expf(-x)) * up;
    if (activation == GELU_TANH) return 0.5f * x * (1 + tanhf(0.7978845608028654f * (x + 0.044715f * x * x * x))) * up;
    // Not fminf and fmaxf, which take a limit for what is no number.
    x = x > limit ? limit : x;
    up = up > limit ? limit : up < -limit ? -limit : up;
    return x / (1 + expf(-gain * x)) * (1 + up);
}

// Of rows of n gates and n partners, eight at a time.
template <class T>
DEVICE void gated(T* out, const T* gate_up, uint32_t rows, uint32_t n, uint32_t activation, float gain, float limit) {
    const uint64_t at = (static_cast<uint64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * 8, row = at / n, i = at % n;
    if (row >= rows) return;
    Eight<T> gate = eight(gate_up + row * 2 * n + i);
    const Eight<T> up = eight(gate_up + row * 2 * n + n + i);
    for (uint32_t j = 0; j < 8; j++)
        gate.at[j] = rounded<T>(activated(to_float(gate.at[j]), to_float(up.at[j]), activation, gain, limit));
    put(out + at, gate);
}

// Block x adds to row x of `residual` its shares of `used` rows of `parts`, in their order.
template <class T>
DEVICE void add_shares(T* out, const T* residual, const T* parts, const uint32_t* places, const float* shares, uint32_t n,
                       uint32_t used) {
    const uint64_t row = blockIdx.x;
    for (uint32_t i = threadIdx.x * 8; i < n; i += blockDim.x * 8) {
        const Eight<T> before = eight(residual + row * n + i);
        float sums[8];
        for (uint32_t j = 0; j < 8; j++) sums[j] = to_float(before.at[j]);
        for (uint32_t k = 0; k < used; k++) {
            const Eight<T> part = eight(parts + static_cast<uint64_t>(places[row * used + k]) * n + i);
            for (uint32_t j = 0; j < 8; j++) sums[j] += shares[row * used + k] * to_float(part.at[j]);
        }
        Eight<T> after;
        for (uint32_t j = 0; j < 8; j++) after.at[j] = rounded<T>(sums[j]);
        put(out + row * n + i, after);
    }
}

#define ROWS(T)                                                                                                        \
    KERNEL(1024)                                                                                                       \
    norm_##T(T* out, const T* x, const float* weight, const float* bias, uint32_t n, uint32_t runs, uint32_t own,      \
             uint32_t stride, float eps, uint32_t centred) {                                                           \
        norm<T>(out, x, weight, bias, n, runs, own, stride, eps, centred);                                             \
    }                                                                                                                  \
    KERNEL(1024)                                                                                                       \
    turn_##T(T* out, const T* x, const float* cos, const float* sin, const uint32_t* slots, uint32_t heads,            \
             uint32_t head_dim, uint32_t half, uint32_t stride, uint32_t neighbours) {                                 \
        turn<T>(out, x, cos, sin, slots, heads, head_dim, half, stride, neighbours);                                   \
    }                                                                                                                  \
    KERNEL(1024) copy_slots_##T(T* held, const uint32_t* pairs, uint32_t width) { copy_slots<T>(held, pairs, width); } \
    KERNEL(1024)                                                                                                       \
    gated_##T(T* out, const T* gate_up, uint32_t rows, uint32_t n, uint32_t activation, float gain, float limit) {     \
        gated<T>(out, gate_up, rows, n, activation, gain, limit);                                                      \
    }                                                                                                                  \
    KERNEL(1024)                                                                                                       \
    add_shares_##T(T* out, const T* residual, const T* parts, const uint32_t* places, const float* shares, uint32_t n, \
                   uint32_t used) {                                                                                    \
        add_shares<T>(out, residual, parts, places, shares, n, used);                                                  \
    }
ROWS(bf16)
ROWS(f16)

// Of row x of `logits`: the greatest, the lowest column that has it (exact in f32 below 2^24), and the sum of
// exp(logit - greatest).
KERNEL(1024) softmax_parts(float* out, const float* logits, uint32_t columns) {
    SHARED(float, shared);
    logits += static_cast<uint64_t>(blockIdx.x) * columns;
    float max = -INFINITY, best = static_cast<float>(columns), sum = 0;
    for (uint32_t i = threadIdx.x; i < columns; i += blockDim.x)
        if (logits[i] > max) {
            max = logits[i];
            best = static_cast<float>(i);
        }
    const float greatest = joined(max, shared, [](float a, float b) { return fmaxf(a, b); });
    best = joined(max == greatest ? best : static_cast<float>(columns), shared, [](float a, float b) { return fminf(a, b); });
    for (uint32_t i = threadIdx.x; i < columns; i += blockDim.x) sum += expf(logits[i] - greatest);
    sum = sum_of(sum, shared);
    if (threadIdx.x == 0) {
        out[3 * blockIdx.x] = greatest;
        out[3 * blockIdx.x + 1] = best;
        out[3 * blockIdx.x + 2] = sum;
    }
}
