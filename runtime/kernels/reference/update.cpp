// gradient, master, m, v, iterate, weight (elements)   grad_norm (1) = ‖g‖² of the whole model
// g is scaled by min(1, clip/‖g‖)
// m = β1·m + (1−β1)·g   v = β2·v + (1−β2)·g²   m̂ = m/(1−β1ᵗ)   v̂ = v/(1−β2ᵗ)
// adamw  w −= lr·(m̂/(√v̂ + ε) + decay·w)   adam  without decay   sgd  w −= lr·g
// lion   w −= lr·(sign(β1·m + (1−β1)·g) + decay·w)   m = β2·m + (1−β2)·g
// muon   m = μ·m + g   iterate = g + μ·m;   then   w −= lr·(scale·iterate + decay·w)
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "runtime/device/moment_codes.hpp"
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

/// What is updated: the masters, or the weights. Weights in fp64 are their own masters, whose remainders stay zero.
template <class Real>
Real* kept_weights(const UpdateCall& call) {
  return as<Real>(call.master.empty() || call.keeps_remainder ? call.weight : call.master);
}

// ---- moments

/// Number i of a moment.
template <class Real>
Real moment(const Buffer& numbers, const Buffer& scales, const MomentCodes& codes, std::int64_t i) {
  if (numbers.type != DType::uint8) return as<const Real>(numbers)[i];
  const Real scale = as<const Real>(scales)[i / kElementsPerScale];
  return scale * static_cast<Real>(codes.numbers[as<const std::uint8_t>(numbers)[i]]);
}

/// Keeps new numbers, which are those from `first` on: encoded, if the moment has codes.
template <class Real>
void keep(const Buffer& to, const Buffer& scales, const MomentCodes& codes, std::int64_t first,
          const std::vector<Real>& numbers) {
  if (to.type != DType::uint8) {
    std::copy(numbers.begin(), numbers.end(), as<Real>(to) + first);
    return;
  }
  Real largest = 0;
  for (const Real number : numbers) largest = std::max(largest, std::abs(number));
  as<Real>(scales)[first / kElementsPerScale] = largest;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const Real x = largest > 0 ? numbers[i] / largest : Real{0};
    auto code = std::lower_bound(codes.halfway.begin(), codes.halfway.end(), static_cast<double>(x)) -
                codes.halfway.begin();
    // A small negative number keeps its sign.
    if (x < 0 && codes.numbers[static_cast<std::size_t>(code)] == 0.0) --code;
    as<std::uint8_t>(to)[first + static_cast<std::int64_t>(i)] = static_cast<std::uint8_t>(code);
  }
}

// ---- optimizers

/// Moments and weight of one element.
template <class Real>
struct Element {
  Real m = 0;
  Real v = 0;
  Real w = 0;
};

template <class Real>
void step_element(const UpdateCall& call, Real g, Element<Real>& of) {
  const OptimizerStep& step = *call.step;
  const Real rate = static_cast<Real>(step.learning_rate);
  const Real decay = call.kind == OptimizerKind::adam ? Real{0} : static_cast<Real>(step.weight_decay);
  const Real beta1 = static_cast<Real>(step.beta1);
  const Real beta2 = static_cast<Real>(step.beta2);
  if (call.kind == OptimizerKind::sgd) {
    of.w -= rate * g;
  } else if (call.kind == OptimizerKind::lion) {
    const Real mixed = beta1 * of.m + (1 - beta1) * g;
    const Real sign = static_cast<Real>(mixed > 0) - static_cast<Real>(mixed < 0);
    of.w -= rate * (sign + decay * of.w);
    of.m = beta2 * of.m + (1 - beta2) * g;
  } else {
    of.m = beta1 * of.m + (1 - beta1) * g;
    of.v = beta2 * of.v + (1 - beta2) * g * g;
    const double steps = static_cast<double>(step.step);
    const Real m_hat = of.m / static_cast<Real>(1 - std::pow(step.beta1, steps));
    const Real v_hat = of.v / static_cast<Real>(1 - std::pow(step.beta2, steps));
    of.w -= rate * (m_hat / (std::sqrt(v_hat) + static_cast<Real>(step.epsilon)) + decay * of.w);
  }
}

/// The elements from `first` on that share a scale.
template <class Real>
void step_block(const UpdateCall& call, Real clip, std::int64_t first) {
  static const MomentCodes first_codes = moment_codes(true);
  static const MomentCodes second_codes = moment_codes(false);
  const bool has_m = !call.m.empty() && call.kind != OptimizerKind::sgd;
  const bool has_v = has_m && call.kind != OptimizerKind::lion;
  const std::int64_t end = std::min(call.elements, first + kElementsPerScale);
  Real* weight = as<Real>(call.weight);
  Real* kept = kept_weights<Real>(call);
  std::vector<Real> m;
  std::vector<Real> v;
  for (std::int64_t i = first; i < end; ++i) {
    Element<Real> of{.w = kept[i]};
    if (has_m) of.m = moment<Real>(call.m, call.m_scale, first_codes, i);
    if (has_v) of.v = moment<Real>(call.v, call.v_scale, second_codes, i);
    step_element(call, clip * as<const Real>(call.gradient)[i], of);
    weight[i] = kept[i] = of.w;
    m.push_back(of.m);
    v.push_back(of.v);
  }
  if (has_m) keep(call.m, call.m_scale, first_codes, first, m);
  if (has_v) keep(call.v, call.v_scale, second_codes, first, v);
}

template <class Real>
void make_iterate(const UpdateCall& call) {
  const Real clip = clip_factor<Real>(call);
  const Real momentum = static_cast<Real>(call.step->momentum);
  for (std::int64_t i = 0; i < call.elements; ++i) {
    const Real g = clip * as<const Real>(call.gradient)[i];
    Real& m = as<Real>(call.m)[i];
    m = momentum * m + g;
    as<Real>(call.iterate)[i] = g + momentum * m;
  }
}

template <class Real>
void apply_iterate(const UpdateCall& call) {
  const OptimizerStep& step = *call.step;
  Real* weight = as<Real>(call.weight);
  Real* kept = kept_weights<Real>(call);
  for (std::int64_t i = 0; i < call.elements; ++i) {
    const Real direction = static_cast<Real>(call.scale) * as<const Real>(call.iterate)[i];
    kept[i] -=
        static_cast<Real>(step.learning_rate) * (direction + static_cast<Real>(step.weight_decay) * kept[i]);
    weight[i] = kept[i];
  }
}

}  // namespace

template <class Real>
void run(const UpdateCall& call) {
  if (call.kind == OptimizerKind::muon)
    return call.gradient.empty() ? apply_iterate<Real>(call) : make_iterate<Real>(call);
  const Real clip = clip_factor<Real>(call);
  for (std::int64_t first = 0; first < call.elements; first += kElementsPerScale)
    step_block(call, clip, first);
}

template void run<float>(const UpdateCall&);
template void run<double>(const UpdateCall&);

}  // namespace foreshard::reference
