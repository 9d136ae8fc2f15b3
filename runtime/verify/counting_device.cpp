#include "runtime/verify/counting_device.hpp"

#include <algorithm>

#include "planner/program/ops/scan_flops.hpp"
#include "planner/units/count.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {
namespace {

/// Σd²/s over what a sequence of s tokens holds of the documents, rounded up.
std::int64_t keys_of_documents(const DocumentEnds& documents, std::int64_t sequence) {
  std::int64_t scores = 0;
  for (std::int64_t first = 0; first < sequence;) {
    const std::int64_t end = std::min(documents.of(first).end, sequence);
    scores += checked_product(end - first, end - first);
    first = end;
  }
  return ceil_divide(scores, sequence);
}

/// Keys of a query, as the planner counts them.
std::int64_t counted_keys(const AttentionMask& mask, std::int64_t sequence) {
  if (mask.documents.count > 0) return keys_of_documents(mask.documents, sequence);
  if (mask.chunk > 0) return chunk_keys(mask.chunk, sequence);
  return mask.window > 0 ? selected_keys(mask.window, sequence, mask.causal) : sequence;
}

// A kind of call that is missing here does not compile. Calls without matrix products count nothing.
struct FlopsOfCall {
  Flops operator()(const GemmCall& gemm) const { return Flops(checked_product(2, gemm.m, gemm.n, gemm.k)); }
  Flops operator()(const AttentionCall& core) const {
    // Forward: S = Q·Kᵀ and P·V. Backward: S again, dP, dV, dQ and dK.
    const std::int64_t products = core.backward ? 5 : 2;
    return Flops(checked_product(2 * products, core.batch, core.heads, core.sequence,
                                 counted_keys(core.mask, core.sequence), core.head_dim));
  }
  Flops operator()(const GatheredAttentionCall& core) const {
    const std::int64_t scores = checked_product(core.queries.batch, core.heads, core.queries.length(),
                                                counted_keys(core.mask, core.keys.length()));
    // The same products. Forward S has d columns, P·V has v_head_dim; backward S, dQ and dK have d, dP and dV
    // v_head_dim.
    const std::int64_t columns =
        core.backward ? 3 * core.key_dim() + 2 * core.v_head_dim : core.key_dim() + core.v_head_dim;
    return Flops(checked_product(2, scores, columns));
  }
  Flops operator()(const GroupedGemmCall& grouped) const {
    return Flops(checked_product(2, grouped.routed->total, grouped.out, grouped.in));
  }
  Flops operator()(const one_of<NormCall, RopeCall, EmbeddingCall, CrossEntropyCall, PointwiseCall,
                                UpdateCall, GateCall, ColumnsCall, RouteCall, PermuteCall, GroupedBiasCall,
                                AmaxCall, QuantiseCall, DecodeCall, TransposeCall> auto&) const {
    return {};
  }
};

}  // namespace

Flops flops_of(const KernelCall& call) { return std::visit(FlopsOfCall{}, call); }

}  // namespace foreshard
