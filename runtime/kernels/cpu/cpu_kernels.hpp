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

/// How bf16 matrices are multiplied: by oneDNN if the processor has bf16 instructions, else in blocks
/// converted to fp32.
enum class Bf16Products : std::uint8_t { onednn, blocks };
Bf16Products best_bf16_products();

/// What kernels need: threads, the loops of an instruction set, scratch memory, tables.
struct Context {
  explicit Context(int threads, const KernelSet& loops_of = *kernel_sets().front(),
                   Bf16Products products = best_bf16_products());

  ThreadPool pool;
  const KernelSet& loops;
  std::unique_ptr<OnednnProducts> onednn;  ///< null if bf16 is multiplied in blocks
  Workspace workspace;
  RopeTables rope_tables;
};

// One kernel each, on fp32 and bf16 buffers, computed in fp32 on all threads of the context. Results do not
// depend on the number of threads: sums are split into blocks by the shape only. @pre check_call(call) passes

void run(Context& context, const GemmCall& call);
/// The same without oneDNN: for products whose number of rows differs in every step, since oneDNN would have to prepare
/// each new shape.
void run_varying(Context& context, const GemmCall& call);
void run(Context& context, const AttentionCall& call);
void run(Context& context, const NormCall& call);
void run(Context& context, const RopeCall& call);
void run(Context& context, const EmbeddingCall& call);
void run(Context& context, const CrossEntropyCall& call);
void run(Context& context, const PointwiseCall& call);
void run(Context& context, const UpdateCall& call);
void run(Context& context, const GatheredAttentionCall& call);
void run(Context& context, const GateCall& call);
void run(Context& context, const ColumnsCall& call);
void run(Context& context, const RouteCall& call);
void run(Context& context, const PermuteCall& call);
void run(Context& context, const GroupedGemmCall& call);
void run(Context& context, const GroupedBiasCall& call);
void run(Context& context, const AmaxCall& call);
void run(Context& context, const QuantiseCall& call);
void run(Context& context, const DecodeCall& call);
void run(Context& context, const TransposeCall& call);

/// Checks that all operands that are not empty have the same dtype.
/// @throws std::invalid_argument "rmsnorm: a CPU does not mix fp32 with bf16"
void expect_one_width(const char* kernel, std::initializer_list<Buffer> operands);

/// Part number `index` when 0 … total − 1 is split into `parts` parts of whole units (the last unit may be
/// shorter).
/// Example: 100 items in units of 16 over 3 parts are 7 units: 2, 2 and 3 units, thus 0–31, 32–63 and 64–99.
Range part_of(std::int64_t total, std::int64_t unit, std::int64_t index, std::int64_t parts);

/// Splits 0 … total − 1 into one range of whole units per thread, and calls work(range) on each thread whose
/// range is not empty.
template <class Work>
void share(ThreadPool& pool, std::int64_t total, std::int64_t unit, const Work& work) {
  if (total <= unit) {  // too little work for several threads
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
