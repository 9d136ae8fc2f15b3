// x, y, dy, dx (elements)   gate, d_gate (elements / width)
#include "runtime/kernels/cpu/vector/activation.hpp"
#include "runtime/kernels/cpu/vector/loops.hpp"
#include "runtime/kernels/cpu/vector/numbers.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu::FORESHARD_KERNEL_SET {
namespace {

/// A gate of every element.
template <class T>
FORESHARD_INLINE void by_element(const GateCall& call, Range gates) {
  const T* gate = as<const T>(call.gate);
  const T* x = as<const T>(call.x);
  if (call.backward) {
    const T* dy = as<const T>(call.dy);
    T* d_gate = as<T>(call.d_gate);
    T* dx = as<T>(call.dx);
#pragma omp simd
    for (std::int64_t i = gates.begin; i < gates.end; ++i) {
      const ValueAndSlope f = Sigmoid::at(number(gate[i]));
      const float gradient = number(dy[i]);
      put(d_gate[i], gradient * number(x[i]) * f.slope);
      put(dx[i], gradient * f.value);
    }
  } else {
    T* y = as<T>(call.y);
#pragma omp simd
    for (std::int64_t i = gates.begin; i < gates.end; ++i)
      put(y[i], Sigmoid::at(number(gate[i])).value * number(x[i]));
  }
}

/// A gate of every head.
template <class T>
FORESHARD_INLINE void by_head(const GateCall& call, Range gates) {
  const std::int64_t n = call.width;
  for (std::int64_t at = gates.begin; at < gates.end; ++at) {
    const ValueAndSlope f = Sigmoid::at(number(as<const T>(call.gate)[at]));
    const T* x = as<const T>(call.x) + at * n;
    if (call.backward) {
      const T* dy = as<const T>(call.dy) + at * n;
      T* dx = as<T>(call.dx) + at * n;
      float product = 0.0F;
#pragma omp simd reduction(+ : product)
      for (std::int64_t i = 0; i < n; ++i) {
        product += number(dy[i]) * number(x[i]);
        put(dx[i], number(dy[i]) * f.value);
      }
      put(as<T>(call.d_gate)[at], product * f.slope);
    } else {
      T* y = as<T>(call.y) + at * n;
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) put(y[i], number(x[i]) * f.value);
    }
  }
}

template <class T>
void output_gate_as(const GateCall& call, Range gates) {
  call.width == 1 ? by_element<T>(call, gates) : by_head<T>(call, gates);
}

}  // namespace

void output_gate(const GateCall& call, Range gates) {
  is_bf16(call.x) ? output_gate_as<BFloat16>(call, gates) : output_gate_as<float>(call, gates);
}

}  // namespace foreshard::cpu::FORESHARD_KERNEL_SET
