// logits, d_logits (T,columns): this rank's columns, from first_column on
// labels, max (T)   sums (T,2)   loss (1)
//   max       = max_v logit_v
//   sums      = {Σ_v exp(logit_v − max), logit_label − max}
//   loss      = scale·Σ_t (log sums_0 − sums_1)
//   d_logit_v = scale·(exp(logit_v − max)/sums_0 − [v is the label])
// v runs over the columns before `vocab`.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::reference {
namespace {

/// The number of columns on this rank that are not padding; the padding comes last.
std::int64_t real_columns(const CrossEntropyCall& call) {
  return std::clamp<std::int64_t>(call.vocab - call.first_column, 0, call.columns);
}

template <class Real>
void row_max(const CrossEntropyCall& call) {
  for (std::int64_t t = 0; t < call.tokens; ++t) {
    const Real* logits = as<const Real>(call.logits) + t * call.columns;
    Real max = -std::numeric_limits<Real>::infinity();
    for (std::int64_t v = 0; v < real_columns(call); ++v) max = std::max(max, logits[v]);
    as<Real>(call.max)[t] = max;
  }
}

template <class Real>
void exp_sum(const CrossEntropyCall& call) {
  for (std::int64_t t = 0; t < call.tokens; ++t) {
    const Real* logits = as<const Real>(call.logits) + t * call.columns;
    const Real max = as<const Real>(call.max)[t];
    const std::int64_t label = as<const std::int32_t>(call.labels)[t] - call.first_column;
    Real sum = 0;
    for (std::int64_t v = 0; v < real_columns(call); ++v) sum += std::exp(logits[v] - max);
    as<Real>(call.sums)[2 * t] = sum;
    as<Real>(call.sums)[2 * t + 1] = label >= 0 && label < real_columns(call) ? logits[label] - max : Real{0};
  }
}

template <class Real>
void loss(const CrossEntropyCall& call) {
  const Real* sums = as<const Real>(call.sums);
  Real sum = 0;
  for (std::int64_t t = 0; t < call.tokens; ++t) sum += std::log(sums[2 * t]) - sums[2 * t + 1];
  as<Real>(call.loss)[0] = sum * static_cast<Real>(call.scale);
}

template <class Real>
void loss_backward(const CrossEntropyCall& call) {
  const Real scale = static_cast<Real>(call.scale);
  for (std::int64_t t = 0; t < call.tokens; ++t) {
    const Real* logits = as<const Real>(call.logits) + t * call.columns;
    Real* d_logits = as<Real>(call.d_logits) + t * call.columns;
    const Real max = as<const Real>(call.max)[t];
    const Real sum = as<const Real>(call.sums)[2 * t];
    const std::int64_t label = as<const std::int32_t>(call.labels)[t] - call.first_column;
    for (std::int64_t v = 0; v < call.columns; ++v) {
      const bool is_real = v < real_columns(call);
      d_logits[v] = is_real ? (std::exp(logits[v] - max) / sum - (v == label ? 1 : 0)) * scale : Real{0};
    }
  }
}

}  // namespace

template <class Real>
void run(const CrossEntropyCall& call) {
  switch (call.part) {
    case CrossEntropyPart::row_max: return row_max<Real>(call);
    case CrossEntropyPart::exp_sum: return exp_sum<Real>(call);
    case CrossEntropyPart::loss: return call.backward ? loss_backward<Real>(call) : loss<Real>(call);
  }
}

template void run<float>(const CrossEntropyCall&);
template void run<double>(const CrossEntropyCall&);

}  // namespace foreshard::reference
