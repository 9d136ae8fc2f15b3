// Norms of query and key heads. One warp per head of a row: it reads the head from memory once, and later
// from the cache. Formulas: runtime/kernels/reference/norm.cpp.
#include <algorithm>

#include "runtime/kernels/cuda/norm.hpp"
#include "runtime/kernels/cuda/sums.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kHeadNormWarps = 8;
constexpr int kHeadNormThreads = kHeadNormWarps * 32;
/// The largest number of blocks of a backward pass. Each block writes a row of partial sums of d_weight.
constexpr std::int64_t kMostHeadNormParts = 512;

template <class T, class W>
struct Heads {
  NormCall call;  // for the layout of rows; its buffers with their types are below
  const T* x;
  const W* weight;
  float* stats;
  T* y;         // forward
  const T* dy;  // backward, like the next three
  const T* residual;
  T* dx;
  float* d_weight_parts;  // (blocks, 2·width)
};

template <class T, class W>
__global__ void __launch_bounds__(kHeadNormThreads) head_norm(Heads<T, W> of) {
  const NormCall& call = of.call;
  const std::int64_t row = std::int64_t{blockIdx.x} * kHeadNormWarps + threadIdx.x / 32;
  if (row >= call.rows) return;
  const T* const x = of.x + call.place_of(row);
  T* const y = of.y + call.place_of(row);
  const W* const weight = of.weight + call.weights_of(row);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  float squares = 0.0F;
  for (std::int64_t c = lane; c < call.width; c += 32) squares += to_float(x[c]) * to_float(x[c]);
  const float mean = warp_sum(squares) / static_cast<float>(call.width);
  const float root = 1.0F / sqrtf(mean + static_cast<float>(call.epsilon));
  for (std::int64_t c = lane; c < call.width; c += 32) set(y[c], to_float(x[c]) * root * to_float(weight[c]));
  if (lane == 0) of.stats[row] = root;
}

/// Each warp processes every (warps of the grid)-th row and sums d_weight in its own part of shared memory.
template <class T, class W>
__global__ void __launch_bounds__(kHeadNormThreads) head_norm_backward(Heads<T, W> of) {
  const NormCall& call = of.call;
  const std::int64_t weights = call.weights();
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  float* const d_weight = dynamic_shared() + warp * weights;
  for (std::int64_t c = lane; c < weights; c += 32) d_weight[c] = 0.0F;
  __syncthreads();
  for (std::int64_t row = std::int64_t{blockIdx.x} * kHeadNormWarps + warp; row < call.rows;
       row += std::int64_t{gridDim.x} * kHeadNormWarps) {
    const std::int64_t at = call.place_of(row);
    const std::int64_t own = call.weights_of(row);
    const float root = of.stats[row];
    float sum = 0.0F;
    for (std::int64_t c = lane; c < call.width; c += 32) {
      const float normed = to_float(of.x[at + c]) * root;
      const float gradient = to_float(of.dy[at + c]);
      d_weight[own + c] += gradient * normed;  // in every row the same lane adds to this element
      sum += gradient * to_float(of.weight[own + c]) * normed;
    }
    const float mean = warp_sum(sum) / static_cast<float>(call.width);
    for (std::int64_t c = lane; c < call.width; c += 32) {
      const float normed = to_float(of.x[at + c]) * root;
      const float weighted = to_float(of.dy[at + c]) * to_float(of.weight[own + c]);
      const float passing = of.residual != nullptr ? to_float(of.residual[at + c]) : 0.0F;
      set(of.dx[at + c], root * (weighted - normed * mean) + passing);
    }
  }
  if (of.d_weight_parts == nullptr) return;
  __syncthreads();
  for (std::int64_t c = threadIdx.x; c < weights; c += kHeadNormThreads) {
    float total = 0.0F;
    for (int each = 0; each < kHeadNormWarps; ++each) total += dynamic_shared()[each * weights + c];
    of.d_weight_parts[blockIdx.x * weights + c] = total;
  }
}

template <class T, class W>
void run_heads(Context& context, const NormCall& call, Heads<T, W> of) {
  const std::int64_t whole = blocks_for(call.rows, kHeadNormWarps);
  if (!call.backward) {
    start(context, "a norm of heads", {static_cast<unsigned>(whole), kHeadNormThreads}, head_norm<T, W>, of);
    return;
  }
  const std::int64_t blocks =
      std::min({whole, kMostHeadNormParts, std::int64_t{4} * context.multiprocessors()});
  if (!call.d_weight.empty()) of.d_weight_parts = context.scratch();
  const auto shared = static_cast<std::size_t>(kHeadNormWarps * call.weights()) * sizeof(float);
  start(context, "a norm of heads, backward", {static_cast<unsigned>(blocks), kHeadNormThreads, shared},
        head_norm_backward<T, W>, of);
  if (of.d_weight_parts != nullptr)
    add_partial_rows(context, of.d_weight_parts, blocks, call.weights(), call.d_weight);
}

}  // namespace

void run_head_norm(Context& context, const NormCall& call) {
  constexpr std::int64_t kMostWidth = 512;  // limit: the warps' sums must fit into 48 KiB
  if (call.width > kMostWidth)
    throw std::invalid_argument("norm: the GPU kernel supports heads of at most 512 numbers");
  if (call.rows == 0) return;
  with_numbers(call.x, [&](auto* x) {
    with_numbers(call.weight, [&](auto* weight) {
      using T = std::remove_pointer_t<decltype(x)>;
      using W = std::remove_pointer_t<decltype(weight)>;
      run_heads<T, W>(
          context, call,
          {.call = call,
           .x = x,
           .weight = weight,
           .stats = floats(call.stats),
           .y = reinterpret_cast<T*>(call.y.data),
           .dy = reinterpret_cast<const T*>(call.dy.data),
           .residual = call.residual.empty() ? nullptr : reinterpret_cast<const T*>(call.residual.data),
           .dx = reinterpret_cast<T*>(call.dx.data),
           .d_weight_parts = nullptr});
    });
  });
}

}  // namespace foreshard::cuda
