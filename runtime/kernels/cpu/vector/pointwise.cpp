// a, b, c, y, y2 (elements)   gated kinds: x = {gate, up} (rows, 2·width), y = f(gate)∘up (rows, width)
#include "runtime/kernels/cpu/vector/activation.hpp"
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/cpu/vector/numbers.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

template <class T, class Function>
FORESHARD_INLINE void activate(const PointwiseCall& call, Range range) {
  const T* x = as<const T>(call.a);
  const T* dy = as<const T>(call.b);
  T* y = as<T>(call.y);
  if (call.backward) {
#pragma omp simd
    for (std::int64_t i = range.begin; i < range.end; ++i)
      put(y[i], number(dy[i]) * Function::at(number(x[i])).slope);
  } else {
#pragma omp simd
    for (std::int64_t i = range.begin; i < range.end; ++i) put(y[i], Function::at(number(x[i])).value);
  }
}

template <class T>
FORESHARD_INLINE void multiply(const PointwiseCall& call, Range range) {
  const T* a = as<const T>(call.a);
  const T* b = as<const T>(call.b);
  const T* dy = as<const T>(call.c);
  T* y = as<T>(call.y);
  T* y2 = as<T>(call.y2);
  if (call.backward) {
#pragma omp simd
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      const float gradient = number(dy[i]);
      put(y[i], gradient * number(b[i]));
      put(y2[i], gradient * number(a[i]));
    }
  } else {
#pragma omp simd
    for (std::int64_t i = range.begin; i < range.end; ++i) put(y[i], number(a[i]) * number(b[i]));
  }
}

/// y = a + b, where b is repeated every b.elements.
template <class T>
FORESHARD_INLINE void add(const PointwiseCall& call, Range range) {
  const T* a = as<const T>(call.a);
  T* y = as<T>(call.y);
  for (std::int64_t at = range.begin; at < range.end;) {
    const std::int64_t in_b = at % call.b.elements;
    const std::int64_t n = smaller_of(range.end - at, call.b.elements - in_b);
    const T* b = as<const T>(call.b) + in_b;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) put(y[at + i], number(a[at + i]) + number(b[i]));
    at += n;
  }
}

template <class T, class Function>
FORESHARD_INLINE void gate(const PointwiseCall& call, Range rows) {
  const std::int64_t n = call.width;
  for (std::int64_t row = rows.begin; row < rows.end; ++row) {
    const T* gate = as<const T>(call.a) + row * 2 * n;
    const T* up = gate + n;
    if (call.backward) {
      const T* dy = as<const T>(call.b) + row * n;
      T* d_gate = as<T>(call.y) + row * 2 * n;
      T* d_up = d_gate + n;
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) {
        const ValueAndSlope f = Function::at(number(gate[i]));
        const float gradient = number(dy[i]);
        put(d_gate[i], gradient * number(up[i]) * f.slope);
        put(d_up[i], gradient * f.value);
      }
    } else {
      T* y = as<T>(call.y) + row * n;
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) put(y[i], Function::at(number(gate[i])).value * number(up[i]));
    }
  }
}

template <class T>
void elementwise_as(const PointwiseCall& call, Range elements) {
  switch (call.kind) {
    case PointwiseKind::gelu: return activate<T, Gelu>(call, elements);
    case PointwiseKind::relu: return activate<T, Relu>(call, elements);
    case PointwiseKind::sqrelu: return activate<T, SquaredRelu>(call, elements);
    case PointwiseKind::silu: return activate<T, Silu>(call, elements);
    case PointwiseKind::sigmoid: return activate<T, Sigmoid>(call, elements);
    case PointwiseKind::multiply: return multiply<T>(call, elements);
    case PointwiseKind::add: return add<T>(call, elements);
    case PointwiseKind::dropout:
    case PointwiseKind::dropout_add:
    case PointwiseKind::softmax:
    case PointwiseKind::swiglu:
    case PointwiseKind::geglu:
    case PointwiseKind::glu:
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
    case PointwiseKind::write_streams: return;  // other loops: runtime/kernels/cpu/pointwise.cpp
  }
}

template <class T>
void gated_as(const PointwiseCall& call, Range rows) {
  switch (call.kind) {
    case PointwiseKind::swiglu: return gate<T, Silu>(call, rows);
    case PointwiseKind::geglu: return gate<T, Gelu>(call, rows);
    case PointwiseKind::glu: return gate<T, Sigmoid>(call, rows);
    case PointwiseKind::add:
    case PointwiseKind::dropout:
    case PointwiseKind::dropout_add:
    case PointwiseKind::softmax:
    case PointwiseKind::gelu:
    case PointwiseKind::relu:
    case PointwiseKind::sqrelu:
    case PointwiseKind::silu:
    case PointwiseKind::sigmoid:
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
    case PointwiseKind::write_streams: return;
  }
}

}  // namespace

void elementwise(const PointwiseCall& call, Range elements) {
  is_bf16(call.a) ? elementwise_as<BFloat16>(call, elements) : elementwise_as<float>(call, elements);
}

void gated(const PointwiseCall& call, Range rows) {
  is_bf16(call.a) ? gated_as<BFloat16>(call, rows) : gated_as<float>(call, rows);
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
