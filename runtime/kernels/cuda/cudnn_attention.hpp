#pragma once

#include <cudnn.h>
#include <map>
#include <memory>
#include <optional>
#include <tuple>

#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/cudnn_graph.hpp"

namespace foreshard::cuda {

/// The attention core by cuDNN's fused engines: bf16, memory linear in the sequence. The order in which the
/// backward adds up the queries' gradients is not fixed: its bits may differ from run to run.
class CudnnAttention {
 public:
  CudnnAttention();
  ~CudnnAttention();
  CudnnAttention(const CudnnAttention&) = delete;
  CudnnAttention& operator=(const CudnnAttention&) = delete;

  /// False, and nothing is run, where cuDNN has no engine for the call on this GPU.
  bool run(Context& context, const AttentionCall& call);
  /// Compiles the graph of a call, to be found by the next of its shape. @throws CudaError where cuDNN has no
  /// engine for it, with cuDNN's words
  void prepare(const AttentionCall& call);

 private:
  struct Plan;
  using Key = std::tuple<bool, bool, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>;
  static Key key_of(const AttentionCall& call);
  Plan* find(const AttentionCall& call);
  void* workspace(std::int64_t bytes);

  cudnnHandle_t handle_ = nullptr;
  std::map<Key, std::unique_ptr<Plan>> plans_;  // null: cuDNN does not take it
  void* workspace_ = nullptr;
  std::int64_t workspace_bytes_ = 0;
};

}  // namespace foreshard::cuda
