#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>

#include <cuda_runtime_api.h>

#include "planner/units/overloaded.hpp"
#include "runtime/device/kernel_call.hpp"

namespace foreshard::cuda {

class FusedAttention;
class Products;
class RopeTables;

/// What the kernels of one GPU need: its stream, scratch memory, and the state of libraries. The GPU is the
/// thread's current one.
class Context {
 public:
  /// Scratch memory for partial sums of reductions over the whole GPU: up to 512 rows of 32768 fp32 numbers.
  static constexpr std::size_t kScratchBytes = std::size_t{64} << 20U;

  explicit Context(int index);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] cudaStream_t stream() const { return stream_; }
  [[nodiscard]] int multiprocessors() const { return multiprocessors_; }
  [[nodiscard]] float* scratch() const { return scratch_; }
  [[nodiscard]] Products& products() { return *products_; }
  [[nodiscard]] RopeTables& rope_tables() { return *rope_tables_; }
  /// Null if this was built without cuDNN.
  [[nodiscard]] FusedAttention* fused_attention() { return fused_attention_.get(); }
  /// Memory that grows to the largest call; its content is lost at the next call. @throws CudaError if the
  /// GPU has too little
  std::byte* workspace(std::int64_t bytes);

 private:
  cudaStream_t stream_ = nullptr;
  int multiprocessors_ = 0;
  float* scratch_ = nullptr;
  std::unique_ptr<Products> products_;
  std::unique_ptr<RopeTables> rope_tables_;
  std::unique_ptr<FusedAttention> fused_attention_;
  std::byte* workspace_ = nullptr;
  std::int64_t workspace_bytes_ = 0;
};

// Each function enqueues one call on the context's stream. Activations, weights and gradients are bf16 or
// fp32, as each buffer says; statistics, losses and optimizer states are fp32. Sums are in fp32, in an order
// that depends on the shape only. @pre check_call(call) passes

void run(Context& context, const GemmCall& call);
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
/// Jobs with copies in 8 bits are refused by name before a run begins (runtime/execute/code_limits.cpp).
[[noreturn]] inline void run(Context& /*context*/,
                             const one_of<AmaxCall, QuantiseCall, DecodeCall, TransposeCall> auto& /*call*/) {
  throw std::logic_error("a GPU makes no copies in 8 bits");
}

/// Whether this build has machine code for the thread's current GPU.
bool is_built_for_current_gpu();

/// The result of cudnnGetVersion; 0 if this was built without cuDNN.
std::size_t cudnn_version();

}  // namespace foreshard::cuda
