#include "planner/cost/ops/mixer_traffic.hpp"

#include <algorithm>

#include "planner/program/ops/scan_flops.hpp"

namespace foreshard {
namespace {

/// Reads and writes of a scan's kernels per token, in elements of activations; fp32 counts twice. States are those
/// of one chunk, key_dim · value_dim / chunk elements per token.
struct ScanPasses {
  // per head:
  std::int64_t value_rows;  ///< rows of value_dim
  std::int64_t key_rows;    ///< rows of key_dim
  std::int64_t squares;     ///< rows of a chunk's matrices
  std::int64_t states;
  // per group of Mamba-2:
  std::int64_t group_key_rows = 0;
  std::int64_t group_squares = 0;
};

// ssd forward: states (x, B → states), their recurrence (r w), C·Bᵀ (B, C → square), output (x, C, square, states →
// y). Each head reads B, C and the square of its group. Backward runs the first three again; then dstates, the
// recurrence, dx, dB, dC, the square's gradient, its products with B and C, and the decay's gradient.
constexpr ScanPasses kSsdForward{3, 2, 2, 8, 2, 2};
constexpr ScanPasses kSsdBackward{11, 4, 6, 20, 8, 6};
// Delta rules forward: norms of q and k (r w), K·Kᵀ (k → square), its inverse (r w), W and U (k, v, square → w, u),
// recurrence (k, w, u → states, u'), output (q, k, u', states → o). Backward runs W, U and the recurrence again.
constexpr ScanPasses kDeltaForward{6, 11, 6, 2};
constexpr ScanPasses kDeltaBackward{15, 26, 4, 4};
// A decay of each channel adds fp32 rows of key_dim: made, summed along the chunk and read by each kernel; and a
// second square.
constexpr ScanPasses kChannelForward{6, 23, 12, 2};
constexpr ScanPasses kChannelBackward{15, 46, 12, 4};

ScanPasses passes_of(ScanForm form, bool backward) {
  switch (form) {
    case ScanForm::ssd: return backward ? kSsdBackward : kSsdForward;
    case ScanForm::gated_delta: return backward ? kDeltaBackward : kDeltaForward;
    case ScanForm::kimi_delta: break;
  }
  return backward ? kChannelBackward : kChannelForward;
}

}  // namespace

Bytes scan_traffic(const LinearScan& scan, Phase phase) {
  const ScanPasses passes = passes_of(scan.form, is_backward(phase));
  const std::int64_t chunk = std::min(scan.chunk, scan.positions);
  const std::int64_t per_head = passes.value_rows * scan.value_dim + passes.key_rows * scan.key_dim +
                                passes.squares * chunk +
                                checked_product(passes.states, scan.key_dim, scan.value_dim) / chunk;
  const std::int64_t per_group = passes.group_key_rows * scan.key_dim + passes.group_squares * chunk;
  const std::int64_t per_token =
      checked_product(scan.heads, per_head) + checked_product(scan.key_heads, per_group);
  return bytes_of(scan.math, checked_product(scan.batch, scan.positions, per_token));
}

Bytes index_traffic(const IndexScores& index, Phase phase) {
  const std::int64_t queries = checked_product(index.batch, index.query);
  if (is_backward(phase)) {
    // Keys of indexer and attention are read, and the gradient of the indexer's is read and written.
    const std::int64_t seen = selected_keys(index.selected, index.key, index.causal) / (index.causal ? 2 : 1);
    return bytes_of(index.math, checked_product(queries, seen, 3 * index.head_dim + index.target_dim));
  }
  const std::int64_t scores = checked_product(queries, index.key) / (index.causal ? 2 : 1);
  return 2 * bytes_of(DType::fp32, scores);
}

Bytes gathered_traffic(const Attention& core, Phase phase) {
  if (core.selected == 0) return {};
  const std::int64_t seen = core.causal ? core.key / 2 : core.key;
  const std::int64_t values = core.key_layout == KeyLayout::latent ? 0 : core.v_head_dim;
  const std::int64_t rows = checked_product(core.batch, core.query, seen, core.kv_heads);
  const Bytes read = bytes_of(core.math, checked_product(rows, core.head_dim + values));
  return is_backward(phase) ? 3 * read : read;
}

std::int64_t kernels_of(const Op& op) {
  const bool backward = is_backward(op.phase);
  if (const auto* scan = std::get_if<LinearScan>(&op.kind)) {
    if (scan->form == ScanForm::ssd) return backward ? 11 : 5;
    return backward ? 9 : 8;
  }
  if (std::holds_alternative<IndexScores>(op.kind)) return 2;
  return 1;
}

}  // namespace foreshard
