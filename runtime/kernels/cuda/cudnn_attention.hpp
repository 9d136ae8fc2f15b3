#pragma once

#include <array>
#include <map>
#include <memory>

#include "runtime/kernels/cuda/fused_attention.hpp"

namespace foreshard::cuda {

/// Attention in cuDNN. Its backward adds the gradients of the queries in no fixed order: their bits may
/// differ from run to run.
class CudnnAttention final : public FusedAttention {
 public:
  CudnnAttention();
  ~CudnnAttention() override;
  CudnnAttention(const CudnnAttention&) = delete;
  CudnnAttention& operator=(const CudnnAttention&) = delete;

  std::optional<std::int64_t> scratch_bytes(const AttentionCore& core) override;
  void run(cudaStream_t stream, const AttentionCore& core, std::byte* scratch) override;
  /// Compiles the engine of a shape. @throws CudaError with cuDNN's error text if cuDNN has no engine
  void prepare(const AttentionCore& core);

 private:
  struct Plan;
  struct Handle;
  /// 2 flags, 7 sizes, and 3 strides for each of 8 operands.
  using Shape = std::array<std::int64_t, 33>;
  static Shape shape_of(const AttentionCore& core);
  Plan* find(const AttentionCore& core);

  std::unique_ptr<Handle> handle_;
  std::map<Shape, std::unique_ptr<Plan>> plans_;  // null: cuDNN does not support the shape
};

}  // namespace foreshard::cuda
