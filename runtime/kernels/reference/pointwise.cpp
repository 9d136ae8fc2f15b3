// a, b, c, y, y2 (elements) unless stated
// Gated kinds: x = {gate, up} (rows, 2·width)   y = f(gate)∘up (rows, width)
//              dgate = dy∘up∘f′(gate)   dup = dy∘f(gate)
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "runtime/kernels/reference/activation.hpp"
#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::reference {
namespace {

template <class Real>
void activate(const PointwiseCall& call) {
  const Real* x = as<const Real>(call.a);
  const Real* dy = as<const Real>(call.b);
  Real* y = as<Real>(call.y);
  for (std::int64_t i = 0; i < call.elements; ++i) {
    const auto f = activation(call.kind, x[i]);
    y[i] = call.backward ? dy[i] * f.slope : f.value;
  }
}

template <class Real>
void gate(const PointwiseCall& call) {
  const Real* x = as<const Real>(call.a);
  const Real* dy = as<const Real>(call.b);
  Real* y = as<Real>(call.y);
  for (std::int64_t i = 0; i < call.elements; ++i) {
    const std::int64_t gate_at = i / call.width * 2 * call.width + i % call.width;
    const std::int64_t up_at = gate_at + call.width;
    const auto f = activation(call.kind, x[gate_at]);
    if (call.backward) {
      y[gate_at] = dy[i] * x[up_at] * f.slope;
      y[up_at] = dy[i] * f.value;
    } else {
      y[i] = f.value * x[up_at];
    }
  }
}

template <class Real>
void multiply(const PointwiseCall& call) {
  const Real* a = as<const Real>(call.a);
  const Real* b = as<const Real>(call.b);
  const Real* dy = as<const Real>(call.c);
  for (std::int64_t i = 0; i < call.elements; ++i) {
    if (call.backward) {
      as<Real>(call.y)[i] = dy[i] * b[i];
      as<Real>(call.y2)[i] = dy[i] * a[i];
    } else {
      as<Real>(call.y)[i] = a[i] * b[i];
    }
  }
}

template <class Real>
void sum_squares(const PointwiseCall& call) {
  const Real* x = as<const Real>(call.a);
  Real sum = 0;
  for (std::int64_t i = 0; i < call.elements; ++i) sum += x[i] * x[i];
  as<Real>(call.y)[0] += sum * static_cast<Real>(call.scale);
}

/// y = scale·x/divisor
template <class Real>
void scale(const PointwiseCall& call, Real divisor) {
  const Real factor = static_cast<Real>(call.scale) / divisor;
  for (std::int64_t i = 0; i < call.elements; ++i) as<Real>(call.y)[i] = factor * as<const Real>(call.a)[i];
}

}  // namespace

template <class Real>
void run(const PointwiseCall& call) {
  const Real* a = as<const Real>(call.a);
  const Real* b = as<const Real>(call.b);
  Real* y = as<Real>(call.y);
  switch (call.kind) {
    case PointwiseKind::add:
      for (std::int64_t i = 0; i < call.elements; ++i) y[i] = a[i] + b[i % call.b.elements];
      return;
    case PointwiseKind::bias_gradient:
      for (std::int64_t i = 0; i < call.elements; ++i) y[i % call.width] += a[i];
      return;
    case PointwiseKind::zero: std::fill(call.y.data, call.y.data + call.y.bytes(), std::byte{0}); return;
    case PointwiseKind::cast: return scale(call, Real{1});
    case PointwiseKind::normalise: return scale(call, std::sqrt(b[0]) + static_cast<Real>(1e-7));
    case PointwiseKind::accumulate:
      for (std::int64_t i = 0; i < call.elements; ++i) y[i] += a[i];
      return;
    case PointwiseKind::sum_squares: return sum_squares<Real>(call);
    case PointwiseKind::multiply: return multiply<Real>(call);
    case PointwiseKind::swiglu:
    case PointwiseKind::geglu:
    case PointwiseKind::glu: return gate<Real>(call);
    case PointwiseKind::gelu:
    case PointwiseKind::relu:
    case PointwiseKind::sqrelu:
    case PointwiseKind::silu:
    case PointwiseKind::sigmoid: return activate<Real>(call);
    case PointwiseKind::dropout:
    case PointwiseKind::dropout_add:
    case PointwiseKind::softmax:
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
  throw std::logic_error(std::string(to_string(call.kind)) + " is planned, not executed");
}

template void run<float>(const PointwiseCall&);
template void run<double>(const PointwiseCall&);

}  // namespace foreshard::reference
