// out, d_out (query rows, heads·v_head_dim)   lse (query rows, heads)   d = own_dim + shared_dim
// S = (Q_own·K_ownᵀ + Q_shared·K_sharedᵀ)/√d   P = softmax(S) = exp(S − lse)   O = P·V
// Backward, with D = Σ dO∘O of a row: dV += Pᵀ·dO   dS = P∘(dO·Vᵀ − D)/√d   dQ += dS·K   dK += dSᵀ·Q
// Sinks as in attention.cpp.
// Keys are processed in the order of their positions, not of their rows: the sums have the same order as on
// one device.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/reference/rows.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::reference {
namespace {

template <class Real>
Real* head_of(const HeadColumns& columns, std::int64_t row, std::int64_t head) {
  return as<Real>(columns.x) + row * columns.row_width + columns.first_column + head * columns.head_stride;
}

/// One head of one query row.
template <class Real>
class QueryHead {
 public:
  QueryHead(const GatheredAttentionCall& call, std::int64_t row, std::int64_t head)
      : call_(call), place_(call.queries.place_of(row)), row_(row), head_(head) {
    kv_head_ = head / (call.heads / call.kv_heads);
    seen_ = call.mask.keys_of(place_, call.keys.sequence);
    sink_ = sink_of<Real>(call.sinks, head);
    q_ = head_of<const Real>(call.q, row, head);
  }

  void forward() const {
    Real max = sink_;
    for (std::int64_t key = seen_.first; key < seen_.end; ++key) max = std::max(max, score(row_of(key)));
    Real sum = std::exp(sink_ - max);
    for (std::int64_t key = seen_.first; key < seen_.end; ++key) sum += std::exp(score(row_of(key)) - max);
    Real* out = as<Real>(call_.out) + out_at();
    std::fill(out, out + call_.v_head_dim, Real{0});
    for (std::int64_t key = seen_.first; key < seen_.end; ++key) {
      const std::int64_t at = row_of(key);
      add_scaled(out, std::exp(score(at) - max) / sum, head_of<const Real>(call_.v, at, kv_head_),
                 call_.v_head_dim);
    }
    as<Real>(call_.lse)[lse_at()] = max + std::log(sum);
  }

  void backward() const {
    const Real* d_out = as<const Real>(call_.d_out) + out_at();
    const Real out_product = dot(d_out, as<const Real>(call_.out) + out_at(), call_.v_head_dim);
    const Real lse = as<const Real>(call_.lse)[lse_at()];
    Real* dq = head_of<Real>(call_.dq, row_, head_);
    if (!call_.d_sinks.empty()) as<Real>(call_.d_sinks)[head_] -= std::exp(sink_ - lse) * out_product;
    for (std::int64_t key = seen_.first; key < seen_.end; ++key) {
      const std::int64_t at = row_of(key);
      const Real p = std::exp(score(at) - lse);
      const Real dp = dot(d_out, head_of<const Real>(call_.v, at, kv_head_), call_.v_head_dim);
      const Real ds = p * (dp - out_product) * scale();
      add_scaled(head_of<Real>(call_.dv, at, kv_head_), p, d_out, call_.v_head_dim);
      add_scaled(dq, ds, head_of<const Real>(call_.k, at, kv_head_), call_.own_dim);
      add_scaled(head_of<Real>(call_.dk, at, kv_head_), ds, q_, call_.own_dim);
      if (call_.shared_dim == 0) continue;
      add_scaled(dq + call_.own_dim, ds, head_of<const Real>(call_.shared_k, at, 0), call_.shared_dim);
      add_scaled(head_of<Real>(call_.d_shared_k, at, 0), ds, q_ + call_.own_dim, call_.shared_dim);
    }
  }

 private:
  [[nodiscard]] std::int64_t row_of(std::int64_t key) const {
    return call_.keys.row_of({place_.sequence, key});
  }
  [[nodiscard]] std::int64_t lse_at() const { return row_ * call_.heads + head_; }
  [[nodiscard]] std::int64_t out_at() const { return lse_at() * call_.v_head_dim; }
  [[nodiscard]] Real scale() const { return 1 / std::sqrt(static_cast<Real>(call_.key_dim())); }
  [[nodiscard]] Real score(std::int64_t row) const {
    Real product = dot(q_, head_of<const Real>(call_.k, row, kv_head_), call_.own_dim);
    if (call_.shared_dim > 0)
      product += dot(q_ + call_.own_dim, head_of<const Real>(call_.shared_k, row, 0), call_.shared_dim);
    return scale() * product;
  }

  const GatheredAttentionCall& call_;
  TokenRows::Place place_;
  std::int64_t row_;
  std::int64_t head_;
  std::int64_t kv_head_ = 0;
  const Real* q_ = nullptr;
  PositionRange seen_;
  Real sink_ = 0;
};

}  // namespace

template <class Real>
void run(const GatheredAttentionCall& call) {
  for (std::int64_t row = 0; row < call.queries.rows(); ++row) {
    for (std::int64_t head = 0; head < call.heads; ++head) {
      const QueryHead<Real> query(call, row, head);
      call.backward ? query.backward() : query.forward();
    }
  }
}

template void run<float>(const GatheredAttentionCall&);
template void run<double>(const GatheredAttentionCall&);

}  // namespace foreshard::reference
