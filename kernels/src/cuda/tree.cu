// Attention of rows to the pages of their paths, on tensor cores.
//
// A tile is up to 64 query rows of one key head: neighbouring tokens of one segment, the query heads of each token side by
// side. Keys are taken 64 at a time, counted from position 0 of the path, and each such block is one step of an online
// softmax (Milakov and Gimelshein 2018; FlashAttention-2's loop, Dao 2023). A block that a row does not see adds zeros to its
// sums and multiplies them by one, so that they depend on the row's own path alone: not on pages, tiles or neighbours.
#include "warp.cuh"

constexpr uint32_t PAGE = 32;    // positions of a page
constexpr uint32_t TILE = 64;    // query rows of a tile, 16 a warp
constexpr uint32_t KEYS = 64;    // positions of a block
constexpr uint32_t WARPS = 4;
constexpr uint32_t PADDING = 8;  // numbers behind each row of shared memory: rows of a matrix lie in different banks
constexpr float LOG2_E = 1.4426950408889634f;

// One tile, as the plan has it.
struct Tile {
    uint32_t row;       // first row of the pass
    uint32_t tokens;
    uint32_t position;  // the first token's, on its path
    uint32_t pages;     // where in the plan the path's pages are
};

struct Sizes {
    uint32_t heads;
    uint32_t kv_heads;
    uint32_t window;    // keys that a row sees at most; 0: all
    uint32_t chunked;   // whether paths are cut into chunks of so many, each of which sees itself alone
    float scale;
    float cap;          // 0: none
};

// The first position that a row at `position` of a path sees.
DEVICE uint32_t first_seen(uint32_t position, const Sizes& sizes) {
    if (sizes.window == 0 || position < sizes.window) return 0;
    return sizes.chunked ? position - position % sizes.window : position + 1 - sizes.window;
}

// Asks for KEYS rows of keys or values from position `first` on, a page at a time; behind `end` there are zeros.
template <class T, int D>
DEVICE void copy_keys(T* to, const T* held, const uint32_t* pages, uint32_t first, uint32_t end, uint32_t kv_heads) {
    constexpr uint32_t EIGHTS = PAGE * (D / 8);
#pragma unroll
    for (uint32_t page = 0; page < KEYS / PAGE; page++, first += PAGE, to += PAGE * (D + PADDING)) {
        const uint64_t slot = first < end ? static_cast<uint64_t>(pages[first / PAGE]) * PAGE : 0;
        const T* const from = held + (slot * kv_heads + blockIdx.y) * D;
#pragma unroll
        for (uint32_t begin = 0; begin < EIGHTS; begin += WARPS * WARP) {
            const uint32_t i = begin + threadIdx.x;
            if (EIGHTS % (WARPS * WARP) && i >= EIGHTS) break;
            const uint32_t key = i / (D / 8), number = i % (D / 8) * 8;
            const bool there = first + key < end;
            copy_16(to + key * (D + PADDING) + number, from + (there ? key * kv_heads * D : 0) + number, there);
        }
    }
}

// The warp's 16 queries by the block's keys.
template <class T, int D>
DEVICE void multiply_keys(float (&scores)[KEYS / 8][4], const T* queries, const T* keys, uint32_t lane) {
    constexpr uint32_t ROW = D + PADDING;
#pragma unroll
    for (uint32_t n = 0; n < KEYS / 8; n++)
        for (uint32_t i = 0; i < 4; i++) scores[n][i] = 0;
#pragma unroll
    for (uint32_t k = 0; k < D; k += 16) {
        uint32_t a[4], b[4];
        load_matrices(a, queries + lane % 16 * ROW + k + lane / 16 * 8);
#pragma unroll
        for (uint32_t n = 0; n < KEYS; n += 16) {
            load_matrices(b, keys + (n + lane % 8 + lane / 16 * 8) * ROW + k + lane / 8 % 2 * 8);
            mma<T>(scores[n / 8], a, b[0], b[1]);
            mma<T>(scores[n / 8 + 1], a, b[2], b[3]);
        }
    }
}

// The block's values, weighed, added to the sums.
template <class T, int D>
DEVICE void multiply_values(float (&sums)[D / 8][4], const uint32_t (&weights)[KEYS / 16][4], const T* values,
                            uint32_t lane) {
    constexpr uint32_t ROW = D + PADDING;
#pragma unroll
    for (uint32_t k = 0; k < KEYS; k += 16) {
#pragma unroll
        for (uint32_t n = 0; n < D; n += 16) {
            uint32_t b[4];
            load_matrices_transposed(b, values + (k + lane % 16) * ROW + n + lane / 16 * 8);
            mma<T>(sums[n / 8], weights[k / 16], b[0], b[1]);
            mma<T>(sums[n / 8 + 1], weights[k / 16], b[2], b[3]);
        }
    }
}

// What a lane holds of two rows between blocks: of each the greatest score yet (in units of ln 2) and its share of the
// sum of weights.
struct Softmax {
    float max[2];
    float sum[2];
};

// Scores of a block, in units of `unit`, become weights, rounded as they are multiplied; `factor` is what earlier sums are
// multiplied by.
template <class T>
DEVICE void weigh(const float (&scores)[KEYS / 8][4], uint32_t (&weights)[KEYS / 16][4], Softmax& state,
                  float (&factor)[2], float unit) {
#pragma unroll
    for (uint32_t half = 0; half < 2; half++) {
        float max = -INFINITY;
#pragma unroll
        for (uint32_t n = 0; n < KEYS / 8; n++) max = fmaxf(max, fmaxf(scores[n][2 * half], scores[n][2 * half + 1]));
        // The four lanes that share a row.
        max = fmaxf(max, from_lane_xor(max, 1));
        max = fmaxf(max, from_lane_xor(max, 2));
        max = fmaxf(state.max[half], max * unit);
        // Nothing seen yet: no weight, and no infinity less infinity.
        const float base = max == -INFINITY ? 0 : max;
        factor[half] = power_of_2(state.max[half] - base);
        float sum = state.sum[half] * factor[half];
#pragma unroll
        for (uint32_t n = 0; n < KEYS / 8; n++) {
            const float first = power_of_2(fmaf(scores[n][2 * half], unit, -base));
            const float second = power_of_2(fmaf(scores[n][2 * half + 1], unit, -base));
            sum += first + second;
            weights[n / 2][n % 2 * 2 + half] = pair<T>(first, second);
        }
        state.max[half] = max;
        state.sum[half] = sum;
    }
}

template <class T, int D>
DEVICE void attend(T* out, const T* queries, const T* keys, const T* values, const uint32_t* plan, const float* sinks,
                   const Sizes& sizes) {
    constexpr uint32_t ROW = D + PADDING;
    SHARED(T, shared);
    T *const shared_queries = shared, *const shared_keys = shared + TILE * ROW;
    T* const shared_values = shared_keys + KEYS * ROW;
    const Tile tile = reinterpret_cast<const Tile*>(plan)[blockIdx.x];
    const uint32_t* const pages = plan + tile.pages;
    const uint32_t lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const uint32_t group = sizes.heads / sizes.kv_heads, rows = tile.tokens * group;
    const uint32_t end = tile.position + tile.tokens;
    // Where a query row lies, in queries as in what comes of them.
    const auto place = [&](uint32_t row) {
        const uint64_t token = tile.row + row / group;
        return (token * sizes.heads + blockIdx.y * group + row % group) * D;
    };

    for (uint32_t i = threadIdx.x; i < TILE * (D / 8); i += WARPS * WARP) {
        const uint32_t row = i / (D / 8), number = i % (D / 8) * 8;
        const bool there = row < rows;
        copy_16(shared_queries + row * ROW + number, queries + (there ? place(row) : 0) + number, there);
    }
    uint32_t first = first_seen(tile.position, sizes) / KEYS * KEYS;
    const uint32_t last_from = first_seen(end - 1, sizes);
    copy_keys<T, D>(shared_keys, keys, pages, first, end, sizes.kv_heads);
    end_copies();

    const bool active = warp * 16 < rows;
    const uint32_t own[2] = {warp * 16 + lane / 4, warp * 16 + lane / 4 + 8};
    const uint32_t own_position[2] = {tile.position + own[0] / group, tile.position + own[1] / group};
    const uint32_t own_from[2] = {first_seen(own_position[0], sizes), first_seen(own_position[1], sizes)};
    float sums[D / 8][4] = {};
    Softmax state = {{-INFINITY, -INFINITY}, {0, 0}};
    // What a score is multiplied by: with a cap it has been already.
    const float unit = sizes.cap == 0 ? sizes.scale * LOG2_E : 1;
    for (; first < end; first += KEYS) {
        float scores[KEYS / 8][4], factor[2];
        uint32_t weights[KEYS / 16][4];
        wait_copies<0>();
        barrier();  // the keys are there; nobody needs the last block's values
        copy_keys<T, D>(shared_values, values, pages, first, end, sizes.kv_heads);
        end_copies();
        if (active) multiply_keys<T, D>(scores, shared_queries + warp * 16 * ROW, shared_keys, lane);
        barrier();  // nobody needs the keys
        if (first + KEYS < end) copy_keys<T, D>(shared_keys, keys, pages, first + KEYS, end, sizes.kv_heads);
        end_copies();
        if (active) {
            if (sizes.cap != 0)
#pragma unroll
                for (uint32_t n = 0; n < KEYS / 8; n++)
#pragma unroll
                    for (uint32_t i = 0; i < 4; i++)
                        scores[n][i] = tanhf(scores[n][i] * sizes.scale / sizes.cap) * (sizes.cap * LOG2_E);
            // Most blocks are seen by all rows, as a whole.
            if (first + KEYS > tile.position + 1 || first < last_from)
#pragma unroll
                for (uint32_t n = 0; n < KEYS / 8; n++)
#pragma unroll
                    for (uint32_t i = 0; i < 4; i++) {
                        const uint32_t key = first + n * 8 + lane % 4 * 2 + i % 2;
                        const bool seen = key <= own_position[i / 2] && key >= own_from[i / 2];
                        if (!seen) scores[n][i] = -INFINITY;
                    }
            weigh<T>(scores, weights, state, factor, unit);
#pragma unroll
            for (uint32_t n = 0; n < D / 8; n++)
#pragma unroll
                for (uint32_t i = 0; i < 4; i++) sums[n][i] *= factor[i / 2];
        }
        wait_copies<1>();
        barrier();  // the values are there; the next keys may still be on their way
        if (active) multiply_values<T, D>(sums, weights, shared_values, lane);
    }

#pragma unroll
    for (uint32_t half = 0; half < 2; half++) {
        if (!active) continue;
        const uint32_t row = own[half];
        float sum = state.sum[half];
        sum += from_lane_xor(sum, 1);
        sum += from_lane_xor(sum, 2);
        if (row >= rows) continue;
        // A sink is a key that has no value.
        if (sinks) sum += power_of_2(sinks[blockIdx.y * group + row % group] * LOG2_E - state.max[half]);
        const float share = 1 / sum;
        uint32_t* const to = reinterpret_cast<uint32_t*>(out + place(row)) + lane % 4;
#pragma unroll
        for (uint32_t n = 0; n < D / 8; n++) to[n * 4] = pair<T>(sums[n][2 * half] * share, sums[n][2 * half + 1] * share);
    }
}

#define ATTEND(T, D)                                                                                                  \
    KERNEL_ON_SM(WARPS * WARP, D <= 128 ? 3 : 2)                                                                      \
    attend_##T##_##D(T* out, const T* queries, const T* keys, const T* values, const uint32_t* plan,                  \
                     const float* sinks, uint32_t heads, uint32_t kv_heads, uint32_t window, uint32_t chunked,        \
                     float scale, float cap) {                                                                        \
        attend<T, D>(out, queries, keys, values, plan, sinks, {heads, kv_heads, window, chunked, scale, cap});        \
    }
// Widths of heads; another choice of them can be compiled.
#ifndef HEAD_DIMS
#define HEAD_DIMS(each, T) each(T, 64) each(T, 80) each(T, 96) each(T, 128) each(T, 256)
#endif
HEAD_DIMS(ATTEND, bf16)
HEAD_DIMS(ATTEND, f16)
