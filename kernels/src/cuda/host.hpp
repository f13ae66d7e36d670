// Runs the kernels on a CPU, thread by thread, so that tests can compare them with plain arithmetic where there is no GPU.
//
// Each thread of a block is a fibre that runs until it needs others. At a warp's operation all 32 lanes meet, and the last
// to come computes it for all of them from what each brought, by PTX's layouts. At a barrier all threads of the block meet;
// until then warps run as far apart as they can, in an order that tests choose. Copies into shared memory happen when they
// are waited for, or, in odd orders, at once; shared memory begins as NaNs. So a wrong lane, a barrier or a wait too few is
// a wrong number or an error. What this cannot show is what depends on time within a phase, on registers and on clocks.
//
// Fibres begin with makecontext and change by _setjmp and _longjmp, which ask the kernel for nothing (as QEMU's do).
#pragma once

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

// What runs kernels is optimised also where kernels are not, to be compiled the faster.
#pragma GCC push_options
#pragma GCC optimize("O2")

#define DEVICE static inline
#define KERNEL(threads) static void
#define KERNEL_ON_SM(threads, blocks) static void
#define SHARED(type, name) type* name = reinterpret_cast<type*>(host::block->shared.data())

namespace host {

constexpr size_t STACK = 128 << 10;
// What any card of compute capability 8.0 or later gives a block (8.6 and 8.9 the least).
constexpr size_t MOST_SHARED = 99 << 10;
// Bytes behind shared memory that tell whether more of it was used.
constexpr int BEHIND = 16;
constexpr unsigned char CANARY = 0xa5;

struct Copy {
    void* to;
    const void* from;
    uint32_t bytes;

    void arrive() const {
        memset(to, 0, 16);
        memcpy(to, from, bytes);
    }
};

struct Warp {
    void (*operation)(void* const*) = nullptr;
    void* lanes[32];
    uint32_t come = 0, meetings = 0;
};

struct Fibre {
    ucontext_t start;
    jmp_buf here;
    std::unique_ptr<unsigned char[]> stack;
    std::vector<std::vector<Copy>> groups;  // ended, not waited for
    std::vector<Copy> copies;
    bool begun = false, done = false;
};

struct alignas(16) Cell { uint64_t words[2]; };

struct Block {
    bool eager = false;  // whether copies arrive at once
    std::vector<Fibre> fibres;
    std::vector<Warp> warps;
    std::vector<Cell> shared;
    uint32_t at_barrier = 0, barriers = 0, progress = 0;
    uint32_t current = 0;
    void (*kernel)(void (*)(), void* const*) = nullptr;
    void (*function)() = nullptr;
    void* const* arguments = nullptr;
    jmp_buf scheduler;
    const char* problem = nullptr;
};

static thread_local Block* block;

struct Index { uint32_t x, y; };
static thread_local Index thread_index, block_index, block_size;

// Back to the scheduler, until it is this thread's turn again.
static void give_way() {
    const uint32_t me = block->current;
    if (_setjmp(block->fibres[me].here) == 0) _longjmp(block->scheduler, 1);
}

[[noreturn]] static void fail(const char* problem) {
    if (!block->problem) block->problem = problem;
    _longjmp(block->scheduler, 1);
}

// Where the lanes of a warp meet; `mine` is this lane's share.
static void together(void (*operation)(void* const*), void* mine) {
    const uint32_t me = block->current;
    Warp& warp = block->warps[me / 32];
    if (warp.come == 0) warp.operation = operation;
    if (warp.operation != operation) fail("lanes of a warp meet in different operations");
    warp.lanes[me % 32] = mine;
    if (++warp.come == 32) {
        operation(warp.lanes);
        warp.come = 0;
        warp.meetings++;
        block->progress++;
        return;
    }
    const uint32_t meeting = warp.meetings;
    while (warp.meetings == meeting) give_way();
}

static void fibre_main() {
    block->kernel(block->function, block->arguments);
    block->fibres[block->current].done = true;
    block->progress++;
    if (!block->fibres[block->current].copies.empty()) fail("a thread ends before its copies");
    _longjmp(block->scheduler, 1);
}

__attribute__((noinline)) static void resume(uint32_t thread) {
    Fibre& fibre = block->fibres[thread];
    block->current = thread;
    thread_index = {thread, 0};
    if (_setjmp(block->scheduler) != 0) return;
    if (fibre.begun) _longjmp(fibre.here, 1);
    fibre.begun = true;
    block->progress++;
    setcontext(&fibre.start);
}

// Runs a block whose fibres are ready; even orders begin with the first warp and lane, odd ones with the last.
static void run_block(uint32_t order) {
    const uint32_t warps = block->warps.size();
    for (;;) {
        bool all_done = true;
        const uint32_t before = block->progress;
        for (uint32_t w = 0; w < warps; w++) {
            const uint32_t warp = order % 2 ? warps - 1 - w : w;
            uint32_t seen;
            do {  // as far as this warp comes by itself
                seen = block->progress;
                for (uint32_t l = 0; l < 32; l++) {
                    const uint32_t thread = warp * 32 + (order % 2 ? 31 - l : l);
                    if (block->fibres[thread].done) continue;
                    all_done = false;
                    resume(thread);
                    if (block->problem) return;
                }
            } while (block->progress != seen);
        }
        if (all_done) return;
        if (block->progress == before) {
            block->problem = "threads wait for others that do not come";
            return;
        }
    }
}

template <class... A, size_t... I>
static void call_with(void (*function)(A...), void* const* arguments, std::index_sequence<I...>) {
    function(*static_cast<std::remove_reference_t<A>*>(arguments[I])...);
}
template <class... A> static void call(void (*function)(), void* const* arguments) {
    call_with(reinterpret_cast<void (*)(A...)>(function), arguments, std::index_sequence_for<A...>());
}

// A kernel by name, with what calls it.
struct Entry {
    const char* name;
    void (*call)(void (*)(), void* const*);
    void (*function)();
};
template <class... A> static Entry entry(const char* name, void (*function)(A...)) {
    return {name, call<A...>, reinterpret_cast<void (*)()>(function)};
}

// Shared memory and fibres as a block finds them.
static void begin_block(uint32_t shared) {
    block->warps.assign(block->fibres.size() / 32, Warp());
    block->at_barrier = block->barriers = 0;
    block->shared.assign((shared + BEHIND + 15) / 16, Cell{{~0ull, ~0ull}});
    memset(reinterpret_cast<unsigned char*>(block->shared.data()) + shared, CANARY, BEHIND);
    for (Fibre& fibre : block->fibres) {
        fibre.begun = fibre.done = false;
        fibre.groups.clear();
        fibre.copies.clear();
        getcontext(&fibre.start);
        fibre.start.uc_stack.ss_sp = fibre.stack.get();
        fibre.start.uc_stack.ss_size = STACK;
        fibre.start.uc_link = nullptr;
        makecontext(&fibre.start, fibre_main, 0);
    }
}

// As cuLaunchKernel: arguments are pointers to the kernel's parameters. Says what is wrong, or nothing.
static const char* launch(const Entry& entry, Index grid, uint32_t threads, uint32_t shared, uint32_t order,
                          void* const* arguments) {
    if (shared > MOST_SHARED) return "more shared memory than a block may have";
    if (threads == 0 || threads % 32 || threads > 1024) return "a block is of 1 to 32 whole warps";
    if (grid.x == 0 || grid.y == 0 || grid.y > 65535) return "a grid that a GPU does not launch";
    Block here;
    block = &here;
    block_size = {threads, 1};
    here.eager = order % 2;
    here.kernel = entry.call;
    here.function = entry.function;
    here.arguments = arguments;
    here.fibres.resize(threads);
    for (Fibre& fibre : here.fibres) fibre.stack.reset(new unsigned char[STACK]);
    for (uint32_t y = 0; y < grid.y && !here.problem; y++)
        for (uint32_t x = 0; x < grid.x && !here.problem; x++) {
            block_index = {x, y};
            begin_block(shared);
            run_block(order);
            const auto* behind = reinterpret_cast<unsigned char*>(here.shared.data()) + shared;
            for (int i = 0; i < BEHIND && !here.problem; i++)
                if (behind[i] != CANARY) here.problem = "shared memory is written beyond its end";
        }
    return here.problem;
}

static float half_to_float(uint16_t bits) {
    const uint32_t sign = (bits & 0x8000u) << 16, exponent = bits >> 10 & 31, fraction = bits & 1023;
    if (exponent == 0) return copysignf(ldexpf(static_cast<float>(fraction), -24), sign ? -1.f : 1.f);
    const uint32_t wide = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13;
    float x;
    memcpy(&x, &wide, 4);
    return x;
}

static uint16_t float_to_half(float x) {
    const uint16_t sign = signbit(x) ? 0x8000 : 0;
    const float size = fabsf(x);
    if (isnan(x)) return sign | 0x7e00;
    if (size >= 65520) return sign | 0x7c00;
    if (size < 0x1p-14f) return sign | static_cast<uint16_t>(nearbyintf(ldexpf(size, 24)));
    int exponent;
    const float fraction = frexpf(size, &exponent);  // in [1/2, 1)
    const uint32_t rounded = static_cast<uint32_t>(nearbyintf(ldexpf(fraction, 11)));  // 2^10 to 2^11
    return sign | static_cast<uint16_t>(((exponent + 13) << 10) + rounded);
}

// Of a register the number at its low (0) or high (1) end.
template <class T> static T half_of(uint32_t word, uint32_t end) { return {static_cast<uint16_t>(word >> 16 * end)}; }

}  // namespace host

#define threadIdx host::thread_index
#define blockIdx host::block_index
#define blockDim host::block_size

DEVICE float to_float(bf16 x) {
    const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
    float wide;
    memcpy(&wide, &bits, 4);
    return wide;
}
DEVICE float to_float(f16 x) { return host::half_to_float(x.bits); }
template <class T> T rounded(float x);
template <> inline bf16 rounded<bf16>(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    if (isnan(x)) return {0x7fff};
    return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
template <> inline f16 rounded<f16>(float x) { return {host::float_to_half(x)}; }
template <class T> uint32_t pair(float low, float high) {
    return static_cast<uint32_t>(rounded<T>(low).bits) | static_cast<uint32_t>(rounded<T>(high).bits) << 16;
}
DEVICE float power_of_2(float x) {
    const float y = exp2f(x);
    return y < 0x1p-126f ? 0 : y;
}

namespace host {

template <class T> struct Product {
    float* c;
    const uint32_t* a;
    uint32_t b[2];

    static void of(void* const* lanes) {
        float a[16][16], b[16][8];
        for (uint32_t lane = 0; lane < 32; lane++) {
            const Product& mine = *static_cast<Product*>(lanes[lane]);
            for (uint32_t end = 0; end < 2; end++) {
                for (uint32_t i = 0; i < 4; i++)
                    a[lane / 4 + i % 2 * 8][lane % 4 * 2 + end + i / 2 * 8] = to_float(half_of<T>(mine.a[i], end));
                for (uint32_t i = 0; i < 2; i++)
                    b[lane % 4 * 2 + end + i * 8][lane / 4] = to_float(half_of<T>(mine.b[i], end));
            }
        }
        for (uint32_t lane = 0; lane < 32; lane++)
            for (uint32_t i = 0; i < 4; i++) {
                float& c = static_cast<Product*>(lanes[lane])->c[i];
                const uint32_t row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
                double sum = c;
                for (uint32_t k = 0; k < 16; k++) sum += static_cast<double>(a[row][k]) * b[k][column];
                c = static_cast<float>(sum);
            }
    }
};

template <bool TRANSPOSED> struct Matrices {
    uint32_t* r;
    const uint16_t* row;

    static void of(void* const* lanes) {
        for (uint32_t lane = 0; lane < 32; lane++)
            for (uint32_t matrix = 0; matrix < 4; matrix++) {
                const auto at = [&](uint32_t row, uint32_t column) -> uint32_t {
                    return static_cast<Matrices*>(lanes[matrix * 8 + row])->row[column];
                };
                const uint32_t one = lane / 4, two = lane % 4 * 2;
                static_cast<Matrices*>(lanes[lane])->r[matrix] =
                    TRANSPOSED ? at(two, one) | at(two + 1, one) << 16 : at(one, two) | at(one, two + 1) << 16;
            }
    }
};

struct Shuffle {
    float given, got;
    uint32_t mask;

    static void of(void* const* lanes) {
        for (uint32_t lane = 0; lane < 32; lane++) {
            Shuffle& mine = *static_cast<Shuffle*>(lanes[lane]);
            mine.got = static_cast<Shuffle*>(lanes[lane ^ mine.mask])->given;
        }
    }
};

static void check_16(const void* pointer) {
    if (reinterpret_cast<uintptr_t>(pointer) % 16) fail("an address is not a multiple of 16");
}

}  // namespace host

template <class T> void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
    host::Product<T> mine = {c, a, {b0, b1}};
    host::together(host::Product<T>::of, &mine);
}

template <bool TRANSPOSED> static void load_any(uint32_t (&r)[4], const void* row) {
    host::check_16(row);
    host::Matrices<TRANSPOSED> mine = {r, static_cast<const uint16_t*>(row)};
    host::together(host::Matrices<TRANSPOSED>::of, &mine);
}
DEVICE void load_matrices(uint32_t (&r)[4], const void* row) { load_any<false>(r, row); }
DEVICE void load_matrices_transposed(uint32_t (&r)[4], const void* row) { load_any<true>(r, row); }

DEVICE void copy_16(void* to, const void* from, bool there) {
    host::check_16(to);
    host::check_16(from);
    const host::Copy copy = {to, from, there ? 16u : 0u};
    if (host::block->eager) copy.arrive();
    else host::block->fibres[host::block->current].copies.push_back(copy);
}
DEVICE void end_copies() {
    host::Fibre& me = host::block->fibres[host::block->current];
    me.groups.push_back(std::move(me.copies));
    me.copies.clear();
}
template <int LATEST> void wait_copies() {
    auto& groups = host::block->fibres[host::block->current].groups;
    for (; groups.size() > LATEST; groups.erase(groups.begin()))
        for (const host::Copy& copy : groups.front()) copy.arrive();
}

DEVICE float from_lane_xor(float x, uint32_t mask) {
    host::Shuffle mine = {x, 0, mask};
    host::together(host::Shuffle::of, &mine);
    return mine.got;
}

DEVICE void barrier() {
    host::Block& block = *host::block;
    if (++block.at_barrier == block.fibres.size()) {
        block.at_barrier = 0;
        block.barriers++;
        block.progress++;
        return;
    }
    const uint32_t barrier = block.barriers;
    while (block.barriers == barrier) host::give_way();
}

#pragma GCC pop_options
