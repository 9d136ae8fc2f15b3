// a, b, c, y, y2 (elements)   gated kinds: x = {gate, up} (rows, 2·width), y = f(gate)∘up (rows, width)
#include "runtime/kernels/cpu/vector/activation.hpp"
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

template <class Function>
FORESHARD_INLINE void activate(const PointwiseCall& call, Range range) {
  const float* x = as<const float>(call.a);
  const float* dy = as<const float>(call.b);
  float* y = as<float>(call.y);
  if (call.backward) {
#pragma omp simd
    for (std::int64_t i = range.begin; i < range.end; ++i) y[i] = dy[i] * Function::at(x[i]).slope;
  } else {
#pragma omp simd
    for (std::int64_t i = range.begin; i < range.end; ++i) y[i] = Function::at(x[i]).value;
  }
}

FORESHARD_INLINE void multiply(const PointwiseCall& call, Range range) {
  const float* a = as<const float>(call.a);
  const float* b = as<const float>(call.b);
  const float* dy = as<const float>(call.c);
  float* y = as<float>(call.y);
  float* y2 = as<float>(call.y2);
  if (call.backward) {
#pragma omp simd
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const float gradient = dy[i];
      y[i] = gradient * b[i];
      y2[i] = gradient * a[i];
    }
  } else {
#pragma omp simd
    for (std::int64_t i = range.begin; i < range.end; ++i) y[i] = a[i] * b[i];
  }
}

/// y = a + b, where b begins anew every b.elements.
FORESHARD_INLINE void add(const PointwiseCall& call, Range range) {
  const float* a = as<const float>(call.a);
  float* y = as<float>(call.y);
  for (std::int64_t at = range.begin; at < range.end;) {
    const std::int64_t in_b = at % call.b.elements;
    const std::int64_t n = smaller_of(range.end - at, call.b.elements - in_b);
    const float* b = as<const float>(call.b) + in_b;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) y[at + i] = a[at + i] + b[i];
    at += n;
  }
}

template <class Function>
FORESHARD_INLINE void gate(const PointwiseCall& call, Range rows) {
  const std::int64_t n = call.width;
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const float* gate = as<const float>(call.a) + row * 2 * n;
    const float* up = gate + n;
    if (call.backward) {
      const float* dy = as<const float>(call.b) + row * n;
      float* d_gate = as<float>(call.y) + row * 2 * n;
      float* d_up = d_gate + n;
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const ValueAndSlope f = Function::at(gate[i]);
        const float gradient = dy[i];
        d_gate[i] = gradient * up[i] * f.slope;
        d_up[i] = gradient * f.value;
      }
    } else {
      float* y = as<float>(call.y) + row * n;
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) y[i] = Function::at(gate[i]).value * up[i];
    }
  }
}

}  // namespace

void elementwise(const PointwiseCall& call, Range elements) {
  switch (call.kind) {
    case PointwiseKind::gelu: return activate<Gelu>(call, elements);
    case PointwiseKind::relu: return activate<Relu>(call, elements);
    case PointwiseKind::sqrelu: return activate<SquaredRelu>(call, elements);
    case PointwiseKind::silu: return activate<Silu>(call, elements);
    case PointwiseKind::sigmoid: return activate<Sigmoid>(call, elements);
    case PointwiseKind::multiply: return multiply(call, elements);
    default: return add(call, elements);
  }
}

void gated(const PointwiseCall& call, Range rows) {
  switch (call.kind) {
    case PointwiseKind::swiglu: return gate<Silu>(call, rows);
    case PointwiseKind::geglu: return gate<Gelu>(call, rows);
    default: return gate<Sigmoid>(call, rows);
  }
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
