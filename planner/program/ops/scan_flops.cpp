#include "planner/program/ops/scan_flops.hpp"

#include <algorithm>

namespace foreshard {
namespace {

/// The FLOPs of a scan in one direction, by what they are for.
struct ScanWork {
  std::int64_t forward = 0;            ///< per token
  std::int64_t backward_executed = 0;  ///< per token
};

ScanWork ssd_work(const LinearScan& s, std::int64_t q) {
  const std::int64_t scores = checked_product(2, s.key_heads, q, s.key_dim);       // C·Bᵀ
  const std::int64_t values = checked_product(2, s.heads, q, s.value_dim);         // (L ∘ C·Bᵀ)·X
  const std::int64_t state = checked_product(2, s.heads, s.key_dim, s.value_dim);  // Bᵀ·X, and C·state
  const std::int64_t forward = scores + values + 2 * state;
  // Besides two products for each of forward's: C·Bᵀ and the chunks' states again, and dY·Xᵀ once more for the
  // gradient of the decay.
  return {forward, 2 * forward + scores + state + values};
}

ScanWork delta_work(const LinearScan& s, std::int64_t q) {
  const std::int64_t keys = checked_product(2, s.heads, q, s.key_dim);  // a Q × Q product over a key's width
  const std::int64_t values = checked_product(2, s.heads, q, s.value_dim);  // … over a value's
  const std::int64_t state = checked_product(2, s.heads, s.key_dim, s.value_dim);
  const std::int64_t square = checked_product(q, q);
  // K·Kᵀ, its inverse (Q³/6 multiply-adds a chunk), W and U; W·S, K'ᵀ·U and Q·S; Q·Kᵀ and its product with U.
  const std::int64_t forward = 3 * keys + 2 * values + 3 * state + checked_product(s.heads, square / 3);
  // W, U and the states again; the gradients of Q, K, W and U, of both squares, and of the inverse (two products
  // of Q × Q matrices).
  return {forward, 10 * keys + 5 * values + 8 * state + checked_product(4, s.heads, square)};
}

}  // namespace

OpFlops scan_flops(const LinearScan& scan, Phase phase) {
  const std::int64_t tokens = checked_product(scan.batch, scan.positions);
  const std::int64_t q = std::min(scan.chunk, scan.positions);
  const ScanWork work = scan.form == ScanForm::ssd ? ssd_work(scan, q) : delta_work(scan, q);
  const Flops forward(checked_product(tokens, work.forward));
  if (is_backward(phase)) {
    const Flops executed(checked_product(tokens, work.backward_executed));
    return {.model = 2 * forward, .hardware = executed, .executed = executed};
  }
  return {.model = phase == Phase::recompute ? Flops() : forward, .hardware = forward, .executed = forward};
}

std::int64_t selected_keys(std::int64_t selected, std::int64_t key, bool causal) {
  if (selected >= key) return key;
  return causal ? 2 * selected - checked_product(selected, selected) / key : selected;
}

std::int64_t chunk_keys(std::int64_t chunk, std::int64_t key) {
  if (chunk >= key) return key;
  const std::int64_t rest = key % chunk;
  return (checked_product(key / chunk, chunk, chunk) + checked_product(rest, rest)) / key;
}

OpFlops index_flops(const IndexScores& index, Phase phase) {
  OpFlops flops;
  const std::int64_t queries = checked_product(index.batch, index.query);
  if (is_backward(phase)) {
    const std::int64_t pairs =
        checked_product(queries, selected_keys(index.selected, index.key, index.causal));
    const std::int64_t product = checked_product(2, pairs, index.heads, index.head_dim);
    const std::int64_t sum = checked_product(2, pairs, index.heads);
    const std::int64_t target = checked_product(2, pairs, index.target_heads, index.target_dim);
    flops.model = Flops(2 * product + sum);  // dq, dk and the gradient of the heads' weights
    flops.hardware = Flops(3 * product + 2 * sum + target);
  } else {
    const Flops forward(checked_product(2, queries, index.key, index.heads, index.head_dim + 1));
    flops.model = phase == Phase::recompute ? Flops() : forward;
    flops.hardware = forward;
  }
  flops.executed = index.causal ? Flops(flops.hardware.value() / 2) : flops.hardware;
  return flops;
}

}  // namespace foreshard
