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
  return {};
}

}  // namespace foreshard
