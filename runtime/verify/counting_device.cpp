#include "runtime/verify/counting_device.hpp"

namespace foreshard {

Flops flops_of(const KernelCall& call) {
  if (const auto* gemm = std::get_if<GemmCall>(&call))
    return Flops(checked_product(2, gemm->m, gemm->n, gemm->k));
  if (const auto* core = std::get_if<AttentionCall>(&call)) {
    // Forward S = Q·Kᵀ and P·V; backward S again, dP, dV, dQ and dK.
    const std::int64_t products = core->backward ? 5 : 2;
    return Flops(checked_product(2 * products, core->batch, core->heads, core->sequence, core->sequence,
                                 core->head_dim));
  }
  if (const auto* core = std::get_if<SpreadAttentionCall>(&call)) {
    const std::int64_t scores =
        checked_product(core->queries.batch, core->heads, core->queries.length(), core->keys.length());
    // As above, keys and values each with their own number of columns.
    const std::int64_t columns =
        core->backward ? 3 * core->key_dim() + 2 * core->v_head_dim : core->key_dim() + core->v_head_dim;
    return Flops(checked_product(2, scores, columns));
  }
  if (const auto* grouped = std::get_if<GroupedGemmCall>(&call))
    return Flops(checked_product(2, grouped->routed->total, grouped->out, grouped->in));
  return {};
}

}  // namespace foreshard
