#include "runtime/kernels/cuda/fused_attention.hpp"

#include "runtime/kernels/cuda/attention.hpp"
#include "runtime/kernels/cuda/workspace_layout.hpp"

namespace foreshard::cuda {
namespace {

/// The rows of one matrix have queries, keys and values next to each other.
AttentionCore core_of(const AttentionCall& call, float* lse) {
  const std::int64_t dim = call.head_dim;
  AttentionCore core{.backward = call.backward,
                     .causal = call.mask.causal,
                     .batch = call.batch,
                     .queries = call.sequence,
                     .keys = call.sequence,
                     .heads = call.heads,
                     .kv_heads = call.kv_heads,
                     .key_dim = dim,
                     .value_dim = dim};
  const auto in_rows = [&](const Buffer& rows, std::int64_t heads, std::int64_t first_head) {
    const std::int64_t width = heads * dim;
    return HeadsInMemory{rows.part(first_head * dim, 0).data, call.sequence * width, width, dim};
  };
  const std::int64_t all = call.heads + 2 * call.kv_heads;
  core.q = in_rows(call.qkv, all, 0);
  core.k = in_rows(call.qkv, all, call.heads);
  core.v = in_rows(call.qkv, all, call.heads + call.kv_heads);
  core.out = in_rows(call.out, call.heads, 0);
  core.lse = lse;
  if (call.backward) {
    core.d_out = in_rows(call.d_out, call.heads, 0);
    core.dq = in_rows(call.d_qkv, all, 0);
    core.dk = in_rows(call.d_qkv, all, call.heads);
    core.dv = in_rows(call.d_qkv, all, call.heads + call.kv_heads);
  }
  return core;
}

}  // namespace

bool run_fused(Context& context, const AttentionCall& call) {
  FusedAttention* const library = context.fused_attention();
  if (library == nullptr || call.qkv.type != DType::bf16 || !call.mask.is_plain()) return false;
  const std::optional<std::int64_t> scratch = library->scratch_bytes(core_of(call, nullptr));
  if (!scratch) return false;
  WorkspaceLayout layout;
  const std::int64_t lse_at = layout.place(call.lse.elements * static_cast<std::int64_t>(sizeof(float)));
  const std::int64_t scratch_at = layout.place(*scratch);
  std::byte* const memory = context.workspace(layout.bytes());
  // The library stores lse as (head, token), the call as (token, head).
  auto* const by_head = reinterpret_cast<float*>(memory + lse_at);
  auto* const by_token = reinterpret_cast<float*>(call.lse.data);
  if (call.backward) transpose_rows(context, by_token, by_head, call.batch, call.sequence, call.heads);
  library->run(context.stream(), core_of(call, by_head), memory + scratch_at);
  if (!call.backward) transpose_rows(context, by_head, by_token, call.batch, call.heads, call.sequence);
  return true;
}

}  // namespace foreshard::cuda
