// gradient, master, m, v, weight (elements)   grad_norm (1) = ‖g‖² of the whole model
// g is scaled by min(1, clip/‖g‖)
// m = β1·m + (1−β1)·g   v = β2·v + (1−β2)·g²   m̂ = m/(1−β1ᵗ)   v̂ = v/(1−β2ᵗ)
// adamw  w −= lr·(m̂/(√v̂ + ε) + decay·w)   adam  without decay   sgd  w −= lr·g
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::reference {
namespace {

/// min(1, clip/‖g‖); 1 if the gradient is zero.
template <class Real>
Real clip_factor(const UpdateCall& call) {
  const Real norm = std::sqrt(as<const Real>(call.grad_norm)[0]);
  return norm > 0 ? std::min(Real{1}, static_cast<Real>(call.step->clip_norm) / norm) : Real{1};
}

/// Updates the moments of one weight and returns its direction m̂/(√v̂ + ε).
template <class Real>
Real adam_direction(const OptimizerStep& step, Real g, Real& m, Real& v) {
  const Real beta1 = static_cast<Real>(step.beta1);
  const Real beta2 = static_cast<Real>(step.beta2);
  m = beta1 * m + (1 - beta1) * g;
  v = beta2 * v + (1 - beta2) * g * g;
  const double steps = static_cast<double>(step.step);
  const Real m_hat = m / static_cast<Real>(1 - std::pow(step.beta1, steps));
  const Real v_hat = v / static_cast<Real>(1 - std::pow(step.beta2, steps));
  return m_hat / (std::sqrt(v_hat) + static_cast<Real>(step.epsilon));
}

}  // namespace

template <class Real>
void run(const UpdateCall& call) {
  const OptimizerStep& step = *call.step;
  const Real rate = static_cast<Real>(step.learning_rate);
  const Real decay = call.kind == OptimizerKind::adamw ? static_cast<Real>(step.weight_decay) : Real{0};
  const Real clip = clip_factor<Real>(call);
  Real* weight = as<Real>(call.weight);
  Real* kept = call.master.empty() ? weight : as<Real>(call.master);
  for (std::int64_t i = 0; i < call.elements; ++i) {
    const Real g = clip * as<const Real>(call.gradient)[i];
    if (call.kind == OptimizerKind::sgd) {
      kept[i] -= rate * g;
    } else {
      const Real direction = adam_direction(step, g, as<Real>(call.m)[i], as<Real>(call.v)[i]);
      kept[i] -= rate * (direction + decay * kept[i]);
    }
    weight[i] = kept[i];
  }
}

template void run<float>(const UpdateCall&);
template void run<double>(const UpdateCall&);

}  // namespace foreshard::reference
