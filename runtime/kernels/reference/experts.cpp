// Route: top-k of logits (T,E) → routes (T,2k) = {experts, weights}, weights = softmax over the chosen logits
//   backward   dlogit_e = w_e·(dw_e − Σ w·dw) if e was chosen, else 0
// Permute, p = places[t·k + j]
//   dispatch   R[p] = X[t]            backward   dX[t] = Σ_j dR[p]
//   combine    Y[t] = Σ_j w·R[p]      backward   dR[p] = w·dY[t]   dw = R[p]·dY[t]
// Grouped product, e = the expert of row r
//   forward    Y[r] = X[r]·W_eᵀ + b_e  backward  dX[r] = dY[r]·W_e   dW_e += Σ_r dY[r]ᵀ·X[r]   db_e += Σ_r dY[r]
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::reference {
namespace {

/// The expert with the largest logit that is not among the `chosen`; of equal logits the first expert. NaN
/// counts as the smallest logit, so that k experts are always found.
template <class Real>
std::int64_t next_largest(const Real* logits, std::int64_t experts, const Real* chosen, std::int64_t count) {
  std::int64_t best = -1;
  for (std::int64_t expert = 0; expert < experts; ++expert) {
    if (std::find(chosen, chosen + count, static_cast<Real>(expert)) != chosen + count) continue;
    if (best < 0 || logits[expert] > logits[best] ||
        (logits[best] != logits[best] && logits[expert] == logits[expert]))
      best = expert;
  }
  return best;
}

template <class Real>
void choose(const RouteCall& call) {
  for (std::int64_t token = 0; token < call.tokens; ++token) {
    const Real* logits = as<const Real>(call.logits) + token * call.experts;
    Real* chosen = as<Real>(call.routes) + token * 2 * call.per_token;
    Real* weights = chosen + call.per_token;
    Real sum = 0;
    for (std::int64_t i = 0; i < call.per_token; ++i) {
      const std::int64_t expert = next_largest(logits, call.experts, chosen, i);
      chosen[i] = static_cast<Real>(expert);
      // The first chosen logit is the largest: subtracting it avoids overflow.
      weights[i] = std::exp(logits[expert] - logits[static_cast<std::int64_t>(chosen[0])]);
      sum += weights[i];
    }
    for (std::int64_t i = 0; i < call.per_token; ++i) weights[i] /= sum;
  }
}

template <class Real>
void choose_backward(const RouteCall& call) {
  Real* all = as<Real>(call.d_logits);
  if (!call.accumulate) std::fill(all, all + call.d_logits.elements, Real{0});
  for (std::int64_t token = 0; token < call.tokens; ++token) {
    const std::int64_t k = call.per_token;
    const Real* chosen = as<const Real>(call.routes) + token * 2 * k;
    const Real* weights = chosen + k;
    const Real* d_weights = as<const Real>(call.d_routes) + token * 2 * k + k;
    Real mean = 0;
    for (std::int64_t i = 0; i < k; ++i) mean += weights[i] * d_weights[i];
    for (std::int64_t i = 0; i < k; ++i) {
      // If the operation is timed alone, outside a step, the routes may be arbitrary numbers.
      const bool is_expert = chosen[i] >= 0 && chosen[i] < static_cast<Real>(call.experts);
      if (is_expert)
        all[token * call.experts + static_cast<std::int64_t>(chosen[i])] +=
            weights[i] * (d_weights[i] - mean);
    }
  }
}

}  // namespace

template <class Real>
void run(const RouteCall& call) {
  call.backward ? choose_backward<Real>(call) : choose<Real>(call);
}

template <class Real>
void run(const PermuteCall& call) {
  const std::int64_t k = call.per_token;
  for (std::int64_t token = 0; token < call.tokens; ++token) {
    Real* by_token = as<Real>(call.token_rows) + token * call.width;
    const Real* weights = as<const Real>(call.routes) + token * 2 * k + k;
    const bool sums = call.weighted != call.backward;
    if (sums && !call.accumulate) std::fill(by_token, by_token + call.width, Real{0});
    for (std::int64_t i = 0; i < k; ++i) {
      const std::int64_t at =
          (*call.places)[static_cast<std::size_t>((call.first_token + token) * k + i)] * call.width;
      Real* row = as<Real>(call.expert_rows) + at;
      if (sums) {
        const Real weight = call.weighted ? weights[i] : Real{1};
        for (std::int64_t c = 0; c < call.width; ++c) by_token[c] += weight * row[c];
      } else if (!call.weighted) {
        std::copy(by_token, by_token + call.width, row);
      } else {
        Real* d_row = as<Real>(call.d_expert_rows) + at;
        Real* d_routes = as<Real>(call.d_routes) + token * 2 * k;
        Real product = 0;
        for (std::int64_t c = 0; c < call.width; ++c) {
          d_row[c] = weights[i] * by_token[c];
          product += row[c] * by_token[c];
        }
        d_routes[i] = 0;
        d_routes[k + i] = product;
      }
    }
  }
}

template <class Real>
void run(const GroupedGemmCall& call) {
  if (call.part == GroupedPart::weight_gradient && !call.accumulate)
    std::fill_n(as<Real>(call.weight), call.weight.elements, Real{0});
  for (const ExpertRun& expert : call.routed->runs) {
    const Buffer x = call.x.part(expert.first * call.in, expert.rows * call.in);
    const Buffer y = call.y.part(expert.first * call.out, expert.rows * call.out);
    const GemmCall product = product_of(call, expert.expert, x, y);
    if (expert.rows > 0) run<Real>(product);
  }
}

template <class Real>
void run(const GroupedBiasCall& call) {
  for (const ExpertRun& expert : call.routed->runs) {
    if (expert.rows > 0) run<Real>(sum_of(call, expert));
  }
}

template void run<float>(const RouteCall&);
template void run<double>(const RouteCall&);
template void run<float>(const PermuteCall&);
template void run<double>(const PermuteCall&);
template void run<float>(const GroupedGemmCall&);
template void run<double>(const GroupedGemmCall&);
template void run<float>(const GroupedBiasCall&);
template void run<double>(const GroupedBiasCall&);

}  // namespace foreshard::reference
