#pragma once

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

#include "planner/program/ops/op.hpp"

namespace foreshard::reference {

/// f(x) and f′(x) of an activation.
template <class Real>
struct ValueAndSlope {
  Real value;
  Real slope;
};

/// f and f′ of gelu, relu, sqrelu, silu and sigmoid. For swiglu, geglu and glu: of the function that they
/// apply to the gate.
/// σ(x) = 1/(1 + e⁻ˣ)   gelu = x·Φ(x), Φ(x) = (1 + erf(x/√2))/2   silu = x·σ(x)
template <class Real>
ValueAndSlope<Real> activation(PointwiseKind kind, Real x) {
  const Real sigmoid = 1 / (1 + std::exp(-x));
  switch (kind) {
    case PointwiseKind::gelu:
    case PointwiseKind::geglu: {
      const Real cumulative = (1 + std::erf(x / std::numbers::sqrt2_v<Real>)) / 2;
      const Real density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi_v<Real>);
      return {x * cumulative, cumulative + x * density};
    }
    case PointwiseKind::relu: return {x > 0 ? x : 0, x > 0 ? Real{1} : Real{0}};
    case PointwiseKind::sqrelu: return {x > 0 ? x * x : 0, x > 0 ? 2 * x : 0};
    case PointwiseKind::silu:
    case PointwiseKind::swiglu: return {x * sigmoid, sigmoid * (1 + x * (1 - sigmoid))};
    case PointwiseKind::sigmoid:
    case PointwiseKind::glu: return {sigmoid, sigmoid * (1 - sigmoid)};
    case PointwiseKind::add:
    case PointwiseKind::dropout:
    case PointwiseKind::dropout_add:
    case PointwiseKind::softmax:
    case PointwiseKind::multiply:
    case PointwiseKind::bias_gradient:
    case PointwiseKind::zero:
    case PointwiseKind::sum_squares:
    case PointwiseKind::cast:
    case PointwiseKind::accumulate:
    case PointwiseKind::normalise:
    case PointwiseKind::relayout:
    case PointwiseKind::quantise:
    case PointwiseKind::amax:
    case PointwiseKind::transpose:
    case PointwiseKind::unit_rows:
    case PointwiseKind::pool:
    case PointwiseKind::repeat:
    case PointwiseKind::mixing_weights:
    case PointwiseKind::read_streams:
    case PointwiseKind::write_streams: break;
  }
  throw std::logic_error(std::string(to_string(kind)) + " is no activation");
}

}  // namespace foreshard::reference
