// The graphs that cuDNN's fused attention engines recognise. Source: NVIDIA cuDNN documentation, "Fused
// attention"; the order of operations is that of NVIDIA's cudnn-frontend, whose patterns the engines look
// for.
#include "runtime/kernels/cuda/cudnn_attention.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "runtime/device/cuda/cuda_check.hpp"
#include "runtime/kernels/cuda/attention.hpp"

namespace foreshard::cuda {
namespace {

using Sizes = CudnnGraph::Sizes;
constexpr cudnnDataType_t kBf16 = CUDNN_DATA_BFLOAT16;
constexpr cudnnDataType_t kFp32 = CUDNN_DATA_FLOAT;

/// Tensors and steps that forward and backward share.
class AttentionGraph {
 public:
  explicit AttentionGraph(const AttentionCall& call)
      : batch_(call.batch),
        heads_(call.heads),
        kv_heads_(call.kv_heads),
        rows_(call.sequence),
        dim_(call.head_dim),
        width_((call.heads + 2 * call.kv_heads) * call.head_dim),
        causal_(call.causal),
        scale_(1.0F / std::sqrt(static_cast<float>(call.head_dim))) {}

  /// Memory: q, kᵀ, v, out, lse (batch, heads, rows).
  CudnnGraph forward() {
    const CudnnTensor q = graph_.memory(kBf16, {batch_, heads_, rows_, dim_}, in_qkv());
    const CudnnTensor k = graph_.memory(kBf16, {batch_, kv_heads_, dim_, rows_}, in_qkv_transposed());
    const CudnnTensor v = graph_.memory(kBf16, {batch_, kv_heads_, rows_, dim_}, in_qkv());
    const CudnnTensor out = graph_.memory(kBf16, {batch_, heads_, rows_, dim_}, in_out());
    const CudnnTensor lse = graph_.memory(kFp32, per_row(), {heads_ * rows_, rows_, 1, 1});

    const CudnnTensor scores = masked(scaled(q, k));
    const CudnnTensor max = graph_.inner(kFp32, per_row());
    graph_.reduce(CUDNN_REDUCE_TENSOR_MAX, scores, max);
    const CudnnTensor shifted = square();
    graph_.pointwise(CUDNN_POINTWISE_SUB, shifted, {scores, max});
    const CudnnTensor exponentials = square();
    graph_.pointwise(CUDNN_POINTWISE_EXP, exponentials, {shifted});
    const CudnnTensor sum = graph_.inner(kFp32, per_row());
    graph_.reduce(CUDNN_REDUCE_TENSOR_ADD, exponentials, sum);
    const CudnnTensor log_sum = graph_.inner(kFp32, per_row());
    graph_.pointwise(CUDNN_POINTWISE_LOG, log_sum, {sum});
    graph_.pointwise(CUDNN_POINTWISE_ADD, lse, {max, log_sum});
    const CudnnTensor weights = square(kBf16);
    graph_.pointwise(CUDNN_POINTWISE_DIV, weights, {exponentials, sum});
    graph_.multiply(weights, v, out);
    return std::move(graph_);
  }

  /// Memory: q, kᵀ, vᵀ, out, lse, d_out, dq, dk, dv, Σ out·d_out (batch, heads, rows), dq in fp32.
  CudnnGraph backward() {
    const CudnnTensor q = graph_.memory(kBf16, {batch_, heads_, rows_, dim_}, in_qkv());
    const CudnnTensor k = graph_.memory(kBf16, {batch_, kv_heads_, dim_, rows_}, in_qkv_transposed());
    const CudnnTensor v = graph_.memory(kBf16, {batch_, kv_heads_, dim_, rows_}, in_qkv_transposed());
    const CudnnTensor out = graph_.memory(kBf16, {batch_, heads_, rows_, dim_}, in_out());
    const CudnnTensor lse = graph_.memory(kFp32, per_row(), {heads_ * rows_, rows_, 1, 1});
    const CudnnTensor d_out = graph_.memory(kBf16, {batch_, heads_, rows_, dim_}, in_out());
    const CudnnTensor dq = graph_.memory(kBf16, {batch_, heads_, rows_, dim_}, in_qkv());
    const CudnnTensor dk = graph_.memory(kBf16, {batch_, kv_heads_, rows_, dim_}, in_qkv());
    const CudnnTensor dv = graph_.memory(kBf16, {batch_, kv_heads_, rows_, dim_}, in_qkv());
    const CudnnTensor row_sum = graph_.memory(kFp32, per_row(), {heads_ * rows_, rows_, 1, 1});
    const CudnnTensor dq_sum =
        graph_.memory(kFp32, {batch_, heads_, rows_, dim_}, {heads_ * rows_ * dim_, rows_ * dim_, dim_, 1});

    const CudnnTensor products = graph_.inner(kFp32, {batch_, heads_, rows_, dim_},
                                              {heads_ * rows_ * dim_, rows_ * dim_, heads_ * dim_, 1});
    graph_.pointwise(CUDNN_POINTWISE_MUL, products, {d_out, out});
    const CudnnTensor summed = graph_.inner(kFp32, per_row());
    graph_.reduce(CUDNN_REDUCE_TENSOR_ADD, products, summed);
    graph_.pointwise(CUDNN_POINTWISE_MUL, row_sum, {summed, graph_.number(1.0F)});

    const CudnnTensor shifted = square();
    graph_.pointwise(CUDNN_POINTWISE_SUB, shifted, {scaled(q, k), lse});
    const CudnnTensor seen = masked(shifted);
    const CudnnTensor weights = square();
    graph_.pointwise(CUDNN_POINTWISE_EXP, weights, {seen});
    to_keys(weights, d_out, dv);

    const CudnnTensor d_weights = square();
    graph_.multiply(d_out, v, d_weights);
    const CudnnTensor apart = square();
    graph_.pointwise(CUDNN_POINTWISE_SUB, apart, {d_weights, row_sum});
    const CudnnTensor d_scores = square();
    graph_.pointwise(CUDNN_POINTWISE_MUL, d_scores, {apart, weights});
    const CudnnTensor d_scaled = square();
    graph_.pointwise(CUDNN_POINTWISE_MUL, d_scaled, {d_scores, scale()});
    to_keys(d_scaled, q, dk);

    const CudnnTensor k_by_rows = graph_.inner(kBf16, {batch_, kv_heads_, rows_, dim_}, in_qkv());
    graph_.reshape(k, k_by_rows);
    graph_.multiply(d_scaled, k_by_rows, dq_sum);
    graph_.pointwise(CUDNN_POINTWISE_IDENTITY, dq, {dq_sum});
    return std::move(graph_);
  }

 private:
  [[nodiscard]] Sizes in_qkv() const { return {rows_ * width_, dim_, width_, 1}; }
  [[nodiscard]] Sizes in_qkv_transposed() const { return {rows_ * width_, dim_, 1, width_}; }
  [[nodiscard]] Sizes in_out() const { return {rows_ * heads_ * dim_, dim_, heads_ * dim_, 1}; }
  [[nodiscard]] Sizes per_row() const { return {batch_, heads_, rows_, 1}; }
  [[nodiscard]] Sizes all_pairs() const { return {batch_, heads_, rows_, rows_}; }
  CudnnTensor square(cudnnDataType_t type = kFp32) { return graph_.inner(type, all_pairs()); }

  CudnnTensor scale() {
    if (!scale_tensor_) scale_tensor_ = graph_.number(scale_);
    return *scale_tensor_;
  }

  CudnnTensor scaled(CudnnTensor q, CudnnTensor k) {
    const CudnnTensor products = square();
    graph_.multiply(q, k, products);
    const CudnnTensor scores = square();
    graph_.pointwise(CUDNN_POINTWISE_MUL, scores, {products, scale()});
    return scores;
  }

  /// Keys after the query count for nothing.
  CudnnTensor masked(CudnnTensor scores) {
    if (!causal_) return scores;
    const CudnnTensor row = square(CUDNN_DATA_INT32);
    graph_.pointwise(CUDNN_POINTWISE_GEN_INDEX, row, {scores}, CUDNN_DATA_INT32, 2);
    const CudnnTensor column = square(CUDNN_DATA_INT32);
    graph_.pointwise(CUDNN_POINTWISE_GEN_INDEX, column, {scores}, CUDNN_DATA_INT32, 3);
    const CudnnTensor seen = square(CUDNN_DATA_BOOLEAN);
    graph_.pointwise(CUDNN_POINTWISE_CMP_GE, seen, {row, column}, CUDNN_DATA_BOOLEAN);
    const CudnnTensor result = square();
    graph_.pointwise(CUDNN_POINTWISE_BINARY_SELECT, result,
                     {scores, graph_.number(std::numeric_limits<float>::lowest()), seen});
    return result;
  }

  /// to = Σ over the query heads of a kv head of fromᵀ·rows.
  void to_keys(CudnnTensor from, CudnnTensor rows, CudnnTensor to) {
    const CudnnTensor transposed =
        graph_.inner(kBf16, all_pairs(), {heads_ * rows_ * rows_, rows_ * rows_, 1, rows_});
    graph_.reshape(from, transposed);
    if (heads_ == kv_heads_) {
      graph_.multiply(transposed, rows, to);
      return;
    }
    const CudnnTensor of_all_heads = graph_.inner(kBf16, {batch_, heads_, rows_, dim_});
    graph_.multiply(transposed, rows, of_all_heads);
    graph_.reduce(CUDNN_REDUCE_TENSOR_ADD, of_all_heads, to);
  }

  std::int64_t batch_;
  std::int64_t heads_;
  std::int64_t kv_heads_;
  std::int64_t rows_;
  std::int64_t dim_;
  std::int64_t width_;
  bool causal_;
  float scale_;
  std::optional<CudnnTensor> scale_tensor_;
  CudnnGraph graph_;
};

constexpr std::int64_t kAlignment = 256;
std::int64_t aligned(std::int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

struct CudnnAttention::Plan {
  explicit Plan(const AttentionCall& call)
      : graph(call.backward ? AttentionGraph(call).backward() : AttentionGraph(call).forward()),
        rows_bytes(aligned(call.batch * call.heads * call.sequence * 4)),
        dq_bytes(call.backward ? aligned(call.batch * call.heads * call.sequence * call.head_dim * 4) : 0) {}

  CudnnGraph graph;
  std::int64_t rows_bytes;  // of lse as cuDNN wants it, and of Σ out·d_out
  std::int64_t dq_bytes;
  [[nodiscard]] std::int64_t bytes() const { return 2 * rows_bytes + dq_bytes + graph.workspace_bytes(); }
};

CudnnAttention::CudnnAttention() { check_cudnn(cudnnCreate(&handle_), "cudnnCreate"); }

CudnnAttention::~CudnnAttention() {
  plans_.clear();
  cudaFree(workspace_);
  cudnnDestroy(handle_);
}

void* CudnnAttention::workspace(std::int64_t bytes) {
  if (workspace_bytes_ < bytes) {
    check_cuda(cudaFree(workspace_), "cudaFree");  // waits for what still uses it
    workspace_ = nullptr;
    check_cuda(cudaMalloc(&workspace_, static_cast<std::size_t>(bytes)), "cudaMalloc of cuDNN's workspace");
    workspace_bytes_ = bytes;
  }
  return workspace_;
}

CudnnAttention::Key CudnnAttention::key_of(const AttentionCall& call) {
  return {call.backward, call.causal, call.batch, call.sequence, call.heads, call.kv_heads, call.head_dim};
}

CudnnAttention::Plan* CudnnAttention::find(const AttentionCall& call) {
  const Key key = key_of(call);
  const auto found = plans_.find(key);
  if (found != plans_.end()) return found->second.get();
  try {
    prepare(call);
  } catch (const CudaError&) {
    plans_[key] = nullptr;  // the project's own kernel runs these calls
  }
  return plans_[key].get();
}

void CudnnAttention::prepare(const AttentionCall& call) {
  auto made = std::make_unique<Plan>(call);
  made->graph.compile(handle_);
  plans_[key_of(call)] = std::move(made);
}

bool CudnnAttention::run(Context& context, const AttentionCall& call) {
  if (call.qkv.type != DType::bf16) return false;
  Plan* plan = find(call);
  if (plan == nullptr) return false;
  check_cudnn(cudnnSetStream(handle_, context.stream()), "cudnnSetStream");
  auto* const memory = static_cast<std::byte*>(workspace(plan->bytes()));
  std::byte* const lse = memory;
  std::byte* const row_sum = lse + plan->rows_bytes;
  std::byte* const dq_sum = row_sum + plan->rows_bytes;
  std::byte* const scratch = dq_sum + plan->dq_bytes;
  const std::int64_t k_at = call.heads * call.head_dim;
  const std::int64_t v_at = (call.heads + call.kv_heads) * call.head_dim;
  const auto in = [](const Buffer& qkv, std::int64_t first) { return qkv.part(first, 0).data; };
  auto* const lse_rows = reinterpret_cast<float*>(lse);
  auto* const call_lse = reinterpret_cast<float*>(call.lse.data);
  if (!call.backward) {
    plan->graph.run(handle_, {in(call.qkv, 0), in(call.qkv, k_at), in(call.qkv, v_at), call.out.data, lse},
                    scratch);
    // cuDNN up to 9.25 has them by head; ours stand by token.
    transpose_rows(context, lse_rows, call_lse, call.batch, call.heads, call.sequence);
    return true;
  }
  transpose_rows(context, call_lse, lse_rows, call.batch, call.sequence, call.heads);
  plan->graph.run(
      handle_,
      {in(call.qkv, 0), in(call.qkv, k_at), in(call.qkv, v_at), call.out.data, lse, call.d_out.data,
       in(call.d_qkv, 0), in(call.d_qkv, k_at), in(call.d_qkv, v_at), row_sum, dq_sum},
      scratch);
  return true;
}

}  // namespace foreshard::cuda
