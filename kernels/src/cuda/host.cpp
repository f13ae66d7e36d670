// The kernels for a CPU, by name: what tests open.
#include "warp.cuh"

namespace right {
#include "rows.cu"
#include "tree.cu"
}  // namespace right

#define BOTH(name) host::entry(#name "_bf16", name##_bf16), host::entry(#name "_f16", name##_f16),
#define OF_WIDTH(T, D) host::entry("attend_" #T "_" #D, attend_##T##_##D),

#define END {nullptr, nullptr, nullptr}
#define TREE HEAD_DIMS(OF_WIDTH, bf16) HEAD_DIMS(OF_WIDTH, f16) END
#define ROWS_OF_ALL                                                              \
    BOTH(norm) BOTH(turn) BOTH(copy_slots) BOTH(gated) BOTH(add_shares)          \
    host::entry("softmax_parts", softmax_parts), END

namespace right {
static const host::Entry TREE_KERNELS[] = {TREE}, ROWS_KERNELS[] = {ROWS_OF_ALL};
}  // namespace right

// Where a test has made mistakes: for each of them the kernels of its file.
#ifdef MISTAKES
#include "mistakes.hpp"
#else
static const host::Entry* const MISTAKEN[] = {nullptr};
#endif

static const host::Entry* find(const host::Entry* entry, const char* name) {
    while (entry && entry->name && strcmp(entry->name, name)) entry++;
    return entry && entry->name ? entry : nullptr;
}

// As cuLaunchKernel, by the kernel's name. `order`: which thread begins; `mistake`: which is made, from 1 on. Returns what is
// wrong, or null.
extern "C" const char* launch(const char* name, uint32_t grid_x, uint32_t grid_y, uint32_t threads, uint32_t shared,
                              uint32_t order, uint32_t mistake, void* const* arguments) {
    const host::Entry* entry = mistake ? find(MISTAKEN[mistake - 1], name) : nullptr;
    if (!entry) entry = find(right::TREE_KERNELS, name);
    if (!entry) entry = find(right::ROWS_KERNELS, name);
    if (!entry) return "no kernel has this name";
    return host::launch(*entry, {grid_x, grid_y}, threads, shared, order, arguments);
}
