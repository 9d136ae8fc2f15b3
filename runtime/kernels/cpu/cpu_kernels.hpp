#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>

#include "runtime/device/kernel_call.hpp"
#include "runtime/kernels/cpu/kernel_sets.hpp"
#include "runtime/kernels/cpu/onednn_products.hpp"
#include "runtime/kernels/cpu/rope_tables.hpp"
#include "runtime/kernels/cpu/thread_pool.hpp"
#include "runtime/kernels/cpu/vector/kernel_set.hpp"
#include "runtime/kernels/cpu/workspace.hpp"

namespace foreshard::cpu {

/// How bf16 is multiplied: by oneDNN where the processor has instructions for it, else in blocks of fp32.
enum class Bf16Products : std::uint8_t { onednn, blocks };
Bf16Products best_bf16_products();

/// What kernels run on: threads, the loops of an instruction set, scratch memory, tables.
struct Context {
  explicit Context(int threads, const KernelSet& loops_of = *kernel_sets().front(),
                   Bf16Products products = best_bf16_products());

  ThreadPool pool;
  const KernelSet& loops;
  std::unique_ptr<OnednnProducts> onednn;  ///< null where bf16 is multiplied in blocks
  Workspace workspace;
  RopeTables rope_tables;
};

// One kernel each, on buffers of fp32 and bf16 and always in fp32 arithmetic, on all threads of the context.
// A result does not depend on their number: what is summed is cut by the shape alone. @pre check_call(call)
// passes

void run(Context& context, const GemmCall& call);
void run(Context& context, const AttentionCall& call);
void run(Context& context, const NormCall& call);
void run(Context& context, const RopeCall& call);
void run(Context& context, const EmbeddingCall& call);
void run(Context& context, const CrossEntropyCall& call);
void run(Context& context, const PointwiseCall& call);
void run(Context& context, const UpdateCall& call);
void run(Context& context, const SpreadAttentionCall& call);
void run(Context& context, const ColumnsCall& call);
void run(Context& context, const RouteCall& call);
void run(Context& context, const PermuteCall& call);
void run(Context& context, const GroupedGemmCall& call);

/// Of operands that are there, the kernel's loops expect one width.
/// @throws std::invalid_argument "rmsnorm: a CPU does not mix fp32 with bf16"
void expect_one_width(const char* kernel, std::initializer_list<Buffer> operands);

/// Part `index` of `parts` of 0 … total − 1, in whole units (the last may be short): as even as units allow.
Range part_of(std::int64_t total, std::int64_t unit, std::int64_t index, std::int64_t parts);

/// Cuts 0 … total − 1 into one range per thread, in whole units, and calls work(range) on each that has any.
template <class Work>
void share(ThreadPool& pool, std::int64_t total, std::int64_t unit, const Work& work) {
  if (total <= unit) {  // not worth waking anybody
    if (total > 0) work(Range{0, total});
    return;
  }
  const int threads = pool.threads();
  pool.run([&](int thread) {
    const Range range = part_of(total, unit, thread, threads);
    if (range.size() > 0) work(range);
  });
}

}  // namespace foreshard::cpu
