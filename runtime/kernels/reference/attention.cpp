// qkv, d_qkv (batch·sequence, (heads + 2·kv_heads)·d)   out, d_out (batch·sequence, heads·d)
// lse (batch·sequence, heads)   S = Q·Kᵀ/√d   P = softmax(S) = exp(S − lse)   O = P·V   sinks, d_sinks (heads)
// Backward, with D = Σ dO∘O of a row:  dV = Pᵀ·dO   dS = P∘(dO·Vᵀ − D)   dQ = dS·K/√d   dK = dSᵀ·Q/√d
// The gradient of a sink, whose probability is exp(sink − lse) and whose value is 0: −exp(sink − lse)·D
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/reference/rows.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::reference {
namespace {

/// One query row and the keys that it attends to. Rows of k and v are `stride` elements apart.
template <class Real>
struct QueryRow {
  const Real* q;
  const Real* k;
  const Real* v;
  std::int64_t keys;
  std::int64_t stride;
  std::int64_t d;

  [[nodiscard]] Real scale() const { return 1 / std::sqrt(static_cast<Real>(d)); }
  [[nodiscard]] Real score(std::int64_t key) const { return scale() * dot(q, k + key * stride, d); }
};

/// Writes the row of O (d) and returns its lse.
/// @param sink  one more logit; −∞: there is none
template <class Real>
Real attend(const QueryRow<Real>& row, Real sink, Real* out) {
  Real max = sink;
  for (std::int64_t key = 0; key < row.keys; ++key) max = std::max(max, row.score(key));
  Real sum = std::exp(sink - max);
  for (std::int64_t key = 0; key < row.keys; ++key) sum += std::exp(row.score(key) - max);
  std::fill(out, out + row.d, Real{0});
  for (std::int64_t key = 0; key < row.keys; ++key) {
    add_scaled(out, std::exp(row.score(key) - max) / sum, row.v + key * row.stride, row.d);
  }
  return max + std::log(sum);
}

/// Adds what this query row contributes to dQ, dK and dV. They have the layout of q, k and v. Returns D.
template <class Real>
Real attend_backward(const QueryRow<Real>& row, const Real* out, const Real* d_out, Real lse, Real* dq,
                     Real* dk, Real* dv) {
  const Real out_product = dot(d_out, out, row.d);
  for (std::int64_t key = 0; key < row.keys; ++key) {
    const std::int64_t at = key * row.stride;
    const Real p = std::exp(row.score(key) - lse);
    const Real ds = p * (dot(d_out, row.v + at, row.d) - out_product) * row.scale();
    add_scaled(dq, ds, row.k + at, row.d);
    add_scaled(dk + at, ds, row.q, row.d);
    add_scaled(dv + at, p, d_out, row.d);
  }
  return out_product;
}

}  // namespace

template <class Real>
void run(const AttentionCall& call) {
  const std::int64_t d = call.head_dim;
  const std::int64_t stride = (call.heads + 2 * call.kv_heads) * d;
  const std::int64_t heads_per_kv = call.heads / call.kv_heads;
  const Real* qkv = as<const Real>(call.qkv);
  Real* out = as<Real>(call.out);
  Real* lse = as<Real>(call.lse);
  const Real* d_out = as<const Real>(call.d_out);
  Real* d_qkv = as<Real>(call.d_qkv);
  if (call.backward) std::fill(d_qkv, d_qkv + call.d_qkv.elements, Real{0});
  for (std::int64_t token = 0; token < call.batch * call.sequence; ++token) {
    const std::int64_t position = token % call.sequence;
    const PositionRange seen = call.mask.keys_of({token / call.sequence, position}, call.sequence);
    for (std::int64_t head = 0; head < call.heads; ++head) {
      // Indices in qkv: of this query, and of the first key and value that it sees.
      const std::int64_t q_at = token * stride + head * d;
      const std::int64_t k_at =
          (token - position + seen.first) * stride + (call.heads + head / heads_per_kv) * d;
      const std::int64_t v_at = k_at + call.kv_heads * d;
      const std::int64_t row_at = token * call.heads + head;
      const QueryRow<Real> row{qkv + q_at, qkv + k_at, qkv + v_at, seen.end - seen.first, stride, d};
      const Real sink = sink_of<Real>(call.sinks, head);
      if (call.backward) {
        const Real out_product = attend_backward(row, out + row_at * d, d_out + row_at * d, lse[row_at],
                                                 d_qkv + q_at, d_qkv + k_at, d_qkv + v_at);
        if (!call.d_sinks.empty()) {
          as<Real>(call.d_sinks)[head] -= std::exp(sink - lse[row_at]) * out_product;
        }
      } else {
        lse[row_at] = attend(row, sink, out + row_at * d);
      }
    }
  }
}

template void run<float>(const AttentionCall&);
template void run<double>(const AttentionCall&);

}  // namespace foreshard::reference
