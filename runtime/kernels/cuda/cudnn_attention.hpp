#pragma once

#include <array>
#include <map>
#include <memory>

#include "runtime/kernels/cuda/fused_attention.hpp"

namespace foreshard::cuda {

/// By cuDNN. The order in which the backward adds up the queries' gradients is not fixed: its bits may differ
/// from run to run.
class CudnnAttention final : public FusedAttention {
 public:
  CudnnAttention();
  ~CudnnAttention() override;
  CudnnAttention(const CudnnAttention&) = delete;
  CudnnAttention& operator=(const CudnnAttention&) = delete;

  std::optional<std::int64_t> scratch_bytes(const AttentionCore& core) override;
  void run(cudaStream_t stream, const AttentionCore& core, std::byte* scratch) override;
  /// Compiles the engine of a shape. @throws CudaError where cuDNN has none, with cuDNN's words
  void prepare(const AttentionCore& core);

 private:
  struct Plan;
  struct Handle;
  /// Two kinds, seven sizes, and three distances of eight operands.
  using Shape = std::array<std::int64_t, 33>;
  static Shape shape_of(const AttentionCore& core);
  Plan* find(const AttentionCore& core);

  std::unique_ptr<Handle> handle_;
  std::map<Shape, std::unique_ptr<Plan>> plans_;  // null: cuDNN does not take it
};

}  // namespace foreshard::cuda
