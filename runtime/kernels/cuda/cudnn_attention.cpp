// The graphs of operations for which cuDNN has fused attention engines. Source: NVIDIA cuDNN documentation,
// "Fused attention". The operations have the order of NVIDIA's cudnn-frontend, because the engines match its
// patterns.
#include "runtime/kernels/cuda/cudnn_attention.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "runtime/cuda/cuda_check.hpp"
#include "runtime/kernels/cuda/cudnn_graph.hpp"
#include "runtime/kernels/cuda/workspace_layout.hpp"

namespace foreshard::cuda {
namespace {

using Sizes = CudnnGraph::Sizes;
constexpr cudnnDataType_t kBf16 = CUDNN_DATA_BFLOAT16;
constexpr cudnnDataType_t kFp32 = CUDNN_DATA_FLOAT;

/// Builds the graphs of forward and backward.
class AttentionGraph {
 public:
  explicit AttentionGraph(const AttentionCore& core)
      : core_(core), scale_(1.0F / std::sqrt(static_cast<float>(core.key_dim))) {}

  /// Tensors in memory, in this order: q, kᵀ, v, out, lse.
  CudnnGraph forward() {
    const CudnnTensor q = of_queries(core_.q, core_.key_dim);
    const CudnnTensor k = of_keys_transposed(core_.k, core_.key_dim);
    const CudnnTensor v = of_keys(core_.v, core_.value_dim);
    const CudnnTensor out = of_queries(core_.out, core_.value_dim);
    const CudnnTensor lse = per_row_in_memory();

    const CudnnTensor scores = masked(scaled(q, k));
    const CudnnTensor max = graph_.inner(kFp32, per_row());
    graph_.reduce(CUDNN_REDUCE_TENSOR_MAX, scores, max);
    const CudnnTensor shifted = pairs();
    graph_.pointwise(CUDNN_POINTWISE_SUB, shifted, {scores, max});
    const CudnnTensor exponentials = pairs();
    graph_.pointwise(CUDNN_POINTWISE_EXP, exponentials, {shifted});
    const CudnnTensor sum = graph_.inner(kFp32, per_row());
    graph_.reduce(CUDNN_REDUCE_TENSOR_ADD, exponentials, sum);
    const CudnnTensor log_sum = graph_.inner(kFp32, per_row());
    graph_.pointwise(CUDNN_POINTWISE_LOG, log_sum, {sum});
    graph_.pointwise(CUDNN_POINTWISE_ADD, lse, {max, log_sum});
    const CudnnTensor weights = pairs(kBf16);
    graph_.pointwise(CUDNN_POINTWISE_DIV, weights, {exponentials, sum});
    graph_.multiply(weights, v, out);
    return std::move(graph_);
  }

  /// Tensors in memory, in this order: q, kᵀ, vᵀ, out, lse, d_out, dq, dk, dv, Σ out·d_out (batch, heads,
  /// queries), dq in fp32.
  CudnnGraph backward() {
    const CudnnTensor q = of_queries(core_.q, core_.key_dim);
    const CudnnTensor k = of_keys_transposed(core_.k, core_.key_dim);
    const CudnnTensor v = of_keys_transposed(core_.v, core_.value_dim);
    const CudnnTensor out = of_queries(core_.out, core_.value_dim);
    const CudnnTensor lse = per_row_in_memory();
    const CudnnTensor d_out = of_queries(core_.d_out, core_.value_dim);
    const CudnnTensor dq = of_queries(core_.dq, core_.key_dim);
    const CudnnTensor dk = of_keys(core_.dk, core_.key_dim);
    const CudnnTensor dv = of_keys(core_.dv, core_.value_dim);
    const CudnnTensor row_sum = per_row_in_memory();
    const Sizes of_dq{core_.batch, core_.heads, core_.queries, core_.key_dim};
    const CudnnTensor dq_sum = graph_.memory(kFp32, of_dq, CudnnGraph::dense(of_dq));

    const CudnnTensor products =
        graph_.inner(kFp32, {core_.batch, core_.heads, core_.queries, core_.value_dim});
    graph_.pointwise(CUDNN_POINTWISE_MUL, products, {d_out, out});
    const CudnnTensor summed = graph_.inner(kFp32, per_row());
    graph_.reduce(CUDNN_REDUCE_TENSOR_ADD, products, summed);
    graph_.pointwise(CUDNN_POINTWISE_MUL, row_sum, {summed, graph_.number(1.0F)});

    const CudnnTensor shifted = pairs();
    graph_.pointwise(CUDNN_POINTWISE_SUB, shifted, {scaled(q, k), lse});
    const CudnnTensor seen = masked(shifted);
    const CudnnTensor weights = pairs();
    graph_.pointwise(CUDNN_POINTWISE_EXP, weights, {seen});
    to_keys(weights, d_out, dv, core_.value_dim);

    const CudnnTensor d_weights = pairs();
    graph_.multiply(d_out, v, d_weights);
    const CudnnTensor apart = pairs();
    graph_.pointwise(CUDNN_POINTWISE_SUB, apart, {d_weights, row_sum});
    const CudnnTensor d_scores = pairs();
    graph_.pointwise(CUDNN_POINTWISE_MUL, d_scores, {apart, weights});
    const CudnnTensor d_scaled = pairs();
    graph_.pointwise(CUDNN_POINTWISE_MUL, d_scaled, {d_scores, scale()});
    to_keys(d_scaled, q, dk, core_.key_dim);

    const CudnnTensor k_by_rows =
        graph_.inner(kBf16, sizes_of_keys(core_.key_dim), {core_.k.sequence, core_.k.head, core_.k.token, 1});
    graph_.reshape(k, k_by_rows);
    graph_.multiply(d_scaled, k_by_rows, dq_sum);
    graph_.pointwise(CUDNN_POINTWISE_IDENTITY, dq, {dq_sum});
    return std::move(graph_);
  }

 private:
  [[nodiscard]] Sizes sizes_of_keys(std::int64_t dim) const {
    return {core_.batch, core_.kv_heads, core_.keys, dim};
  }
  CudnnTensor of_queries(const HeadsInMemory& at, std::int64_t dim) {
    return graph_.memory(kBf16, {core_.batch, core_.heads, core_.queries, dim},
                         {at.sequence, at.head, at.token, 1});
  }
  CudnnTensor of_keys(const HeadsInMemory& at, std::int64_t dim) {
    return graph_.memory(kBf16, sizes_of_keys(dim), {at.sequence, at.head, at.token, 1});
  }
  CudnnTensor of_keys_transposed(const HeadsInMemory& at, std::int64_t dim) {
    return graph_.memory(kBf16, {core_.batch, core_.kv_heads, dim, core_.keys},
                         {at.sequence, at.head, 1, at.token});
  }
  [[nodiscard]] Sizes per_row() const { return {core_.batch, core_.heads, core_.queries, 1}; }
  CudnnTensor per_row_in_memory() { return graph_.memory(kFp32, per_row(), CudnnGraph::dense(per_row())); }
  [[nodiscard]] Sizes all_pairs() const { return {core_.batch, core_.heads, core_.queries, core_.keys}; }
  CudnnTensor pairs(cudnnDataType_t type = kFp32) { return graph_.inner(type, all_pairs()); }

  CudnnTensor number(std::int64_t count) { return graph_.number(static_cast<std::int32_t>(count)); }

  CudnnTensor scale() {
    if (!scale_tensor_) scale_tensor_ = graph_.number(scale_);
    return *scale_tensor_;
  }

  CudnnTensor scaled(CudnnTensor q, CudnnTensor k) {
    const CudnnTensor products = pairs();
    graph_.multiply(q, k, products);
    const CudnnTensor scores = pairs();
    graph_.pointwise(CUDNN_POINTWISE_MUL, scores, {products, scale()});
    return scores;
  }

  /// If causal, replaces the scores of keys after the query, so that their probability is 0.
  CudnnTensor masked(CudnnTensor scores) {
    if (!core_.causal) return scores;
    const CudnnTensor row = positions_of_queries(scores);
    const CudnnTensor column = pairs(CUDNN_DATA_INT32);
    graph_.pointwise(CUDNN_POINTWISE_GEN_INDEX, column, {scores}, CUDNN_DATA_INT32, 3);
    const CudnnTensor seen = pairs(CUDNN_DATA_BOOLEAN);
    graph_.pointwise(CUDNN_POINTWISE_CMP_GE, seen, {row, column}, CUDNN_DATA_BOOLEAN);
    const CudnnTensor result = pairs();
    graph_.pointwise(CUDNN_POINTWISE_BINARY_SELECT, result,
                     {scores, graph_.number(std::numeric_limits<float>::lowest()), seen});
    return result;
  }

  /// Positions of the queries: row + (keys − queries), because the queries are the last positions.
  CudnnTensor positions_of_queries(CudnnTensor scores) {
    const CudnnTensor row = pairs(CUDNN_DATA_INT32);
    graph_.pointwise(CUDNN_POINTWISE_GEN_INDEX, row, {scores}, CUDNN_DATA_INT32, 2);
    if (core_.queries == core_.keys) return row;
    const CudnnTensor moved = pairs(CUDNN_DATA_INT32);
    graph_.pointwise(CUDNN_POINTWISE_ADD, moved, {row, number(core_.keys)}, CUDNN_DATA_INT32);
    const CudnnTensor position = pairs(CUDNN_DATA_INT32);
    graph_.pointwise(CUDNN_POINTWISE_SUB, position, {moved, number(core_.queries)}, CUDNN_DATA_INT32);
    return position;
  }

  /// to = Σ of fromᵀ·rows over the query heads of each kv head.
  void to_keys(CudnnTensor from, CudnnTensor rows, CudnnTensor to, std::int64_t dim) {
    const std::int64_t count = core_.queries * core_.keys;
    const CudnnTensor transposed = graph_.inner(kBf16, {core_.batch, core_.heads, core_.keys, core_.queries},
                                                {core_.heads * count, count, 1, core_.keys});
    graph_.reshape(from, transposed);
    if (core_.heads == core_.kv_heads) {
      graph_.multiply(transposed, rows, to);
      return;
    }
    const CudnnTensor of_all_heads = graph_.inner(kBf16, {core_.batch, core_.heads, core_.keys, dim});
    graph_.multiply(transposed, rows, of_all_heads);
    graph_.reduce(CUDNN_REDUCE_TENSOR_ADD, of_all_heads, to);
  }

  const AttentionCore& core_;
  float scale_;
  std::optional<CudnnTensor> scale_tensor_;
  CudnnGraph graph_;
};

}  // namespace

struct CudnnAttention::Plan {
  explicit Plan(const AttentionCore& core)
      : graph(core.backward ? AttentionGraph(core).backward() : AttentionGraph(core).forward()) {
    if (!core.backward) return;
    const std::int64_t bytes =
        core.batch * core.heads * core.queries * static_cast<std::int64_t>(sizeof(float));
    row_sum_at = layout.place(bytes);
    dq_sum_at = layout.place(bytes * core.key_dim);
  }

  CudnnGraph graph;
  WorkspaceLayout layout;
  std::int64_t row_sum_at = 0;  // Σ out·d_out
  std::int64_t dq_sum_at = 0;
  std::int64_t workspace_at = 0;
};

struct CudnnAttention::Handle {
  Handle() { check_cudnn(cudnnCreate(&made), "cudnnCreate"); }
  ~Handle() { cudnnDestroy(made); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  cudnnHandle_t made = nullptr;
};

CudnnAttention::CudnnAttention() : handle_(std::make_unique<Handle>()) {}
CudnnAttention::~CudnnAttention() = default;

CudnnAttention::Shape CudnnAttention::shape_of(const AttentionCore& core) {
  Shape shape{core.backward ? 1 : 0, core.causal ? 1 : 0, core.batch,    core.queries, core.keys, core.heads,
              core.kv_heads,         core.key_dim,        core.value_dim};
  std::size_t at = 9;
  for (const HeadsInMemory* each :
       {&core.q, &core.k, &core.v, &core.out, &core.d_out, &core.dq, &core.dk, &core.dv}) {
    for (const std::int64_t distance : {each->sequence, each->token, each->head}) shape[at++] = distance;
  }
  return shape;
}

CudnnAttention::Plan* CudnnAttention::find(const AttentionCore& core) {
  const Shape shape = shape_of(core);
  const auto found = plans_.find(shape);
  if (found != plans_.end()) return found->second.get();
  try {
    prepare(core);
  } catch (const CudaError&) {
    plans_[shape] = nullptr;  // this project's own kernels run such calls
  }
  return plans_[shape].get();
}

void CudnnAttention::prepare(const AttentionCore& core) {
  auto made = std::make_unique<Plan>(core);
  made->graph.compile(handle_->made);
  made->workspace_at = made->layout.place(made->graph.workspace_bytes());
  plans_[shape_of(core)] = std::move(made);
}

std::optional<std::int64_t> CudnnAttention::scratch_bytes(const AttentionCore& core) {
  const Plan* plan = find(core);
  if (plan == nullptr) return std::nullopt;
  return plan->layout.bytes();
}

void CudnnAttention::run(cudaStream_t stream, const AttentionCore& core, std::byte* scratch) {
  const Plan& plan = *find(core);
  check_cudnn(cudnnSetStream(handle_->made, stream), "cudnnSetStream");
  std::vector<void*> memory{core.q.data, core.k.data, core.v.data, core.out.data, core.lse};
  if (core.backward) {
    memory.insert(memory.end(), {core.d_out.data, core.dq.data, core.dk.data, core.dv.data,
                                 scratch + plan.row_sum_at, scratch + plan.dq_sum_at});
  }
  plan.graph.run(handle_->made, memory, scratch + plan.workspace_at);
}

std::unique_ptr<FusedAttention> make_fused_attention() { return std::make_unique<CudnnAttention>(); }

std::size_t cudnn_version() { return cudnnGetVersion(); }

}  // namespace foreshard::cuda
