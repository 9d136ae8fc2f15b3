// x, y, dy, dx (elements)   gate, d_gate (elements / width)
// Bytes per element in bf16 with a gate of every element: forward read 4, write 2; backward read 6, write 4.
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/numbers.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kGateWarps = 8;
constexpr int kGateThreads = kGateWarps * 32;

template <class T>
struct OutputGate {
  std::int64_t gates;
  std::int64_t width;
  const T* gate;
  const T* x;
  T* y;
  const T* dy;
  T* d_gate;
  T* dx;
};

__device__ float sigmoid(float x) { return 1.0F / (1.0F + __expf(-x)); }

/// A gate of every element: one thread each.
template <class T>
__global__ void __launch_bounds__(kGateThreads) gate_elements(OutputGate<T> of) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kGateThreads + threadIdx.x;
  if (i >= of.gates) return;
  const float s = sigmoid(to_float(of.gate[i]));
  const float x = to_float(of.x[i]);
  if (of.dy == nullptr) return set(of.y[i], s * x);
  const float dy = to_float(of.dy[i]);
  set(of.d_gate[i], dy * x * s * (1.0F - s));
  set(of.dx[i], dy * s);
}

/// A gate of every head: one warp each.
template <class T>
__global__ void __launch_bounds__(kGateThreads) gate_heads(OutputGate<T> of) {
  const std::int64_t at = std::int64_t{blockIdx.x} * kGateWarps + threadIdx.x / 32;
  if (at >= of.gates) return;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const float s = sigmoid(to_float(of.gate[at]));
  float product = 0.0F;
  for (std::int64_t i = at * of.width + lane; i < (at + 1) * of.width; i += 32) {
    if (of.dy == nullptr) {
      set(of.y[i], s * to_float(of.x[i]));
    } else {
      product += to_float(of.dy[i]) * to_float(of.x[i]);
      set(of.dx[i], s * to_float(of.dy[i]));
    }
  }
  if (of.dy == nullptr) return;
  product = warp_sum(product);
  if (lane == 0) set(of.d_gate[at], product * s * (1.0F - s));
}

}  // namespace

void run(Context& context, const GateCall& call) {
  if (call.elements == 0) return;
  with_numbers(call.x, [&](auto* x) {
    using T = std::remove_pointer_t<decltype(x)>;
    const auto like = [](const Buffer& buffer) { return reinterpret_cast<T*>(buffer.data); };
    const OutputGate<T> of{.gates = call.gate.elements,
                           .width = call.width,
                           .gate = like(call.gate),
                           .x = x,
                           .y = like(call.y),
                           .dy = like(call.dy),
                           .d_gate = like(call.d_gate),
                           .dx = like(call.dx)};
    if (call.width == 1) {
      start(context, "an output gate", {blocks_for(of.gates, kGateThreads), kGateThreads}, gate_elements<T>,
            of);
    } else {
      start(context, "an output gate", {blocks_for(of.gates, kGateWarps), kGateThreads}, gate_heads<T>, of);
    }
  });
}

}  // namespace foreshard::cuda
