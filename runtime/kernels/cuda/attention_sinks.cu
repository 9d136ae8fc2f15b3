// Sinks of attention, in passes of their own over its results. Formulas: runtime/device/kernel_call.hpp.
// Forward: attention without sinks gave out and lse; with a sink of logit s they become
//   lse' = log(exp(lse) + exp(s))   out' = out·exp(lse − lse')
// Backward of attention reads out' and lse', and so computes with the probabilities beside the sink.
#include "runtime/kernels/cuda/attention.hpp"
#include "runtime/kernels/cuda/numbers.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kSinkWarps = 8;
constexpr int kSinkThreads = kSinkWarps * 32;

/// out, d_out (rows, heads, dim)   lse (rows, heads)   sinks, d_sinks (heads)
template <class T, class Sink, class Gradient>
struct Sinks {
  std::int64_t rows;
  int heads;
  int dim;
  T* out;
  const T* d_out;
  float* lse;
  const Sink* sinks;
  Gradient* d_sinks;
};

/// One warp per row and head.
template <class T, class Sink, class Gradient>
__global__ void __launch_bounds__(kSinkThreads) join_sinks(Sinks<T, Sink, Gradient> of) {
  const std::int64_t at = std::int64_t{blockIdx.x} * kSinkWarps + threadIdx.x / 32;
  if (at >= of.rows * of.heads) return;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const float sink = to_float(of.sinks[at % of.heads]);
  // The shuffle also makes sure that every lane has read lse before lane 0 replaces it.
  const float lse = __shfl_sync(0xFFFFFFFFU, of.lse[at], 0);
  const float larger = fmaxf(lse, sink);
  const float joined = larger + logf(__expf(lse - larger) + __expf(sink - larger));
  const float shrink = __expf(lse - joined);
  for (int c = lane; c < of.dim; c += 32)
    set(of.out[at * of.dim + c], shrink * to_float(of.out[at * of.dim + c]));
  if (lane == 0) of.lse[at] = joined;
}

/// Block x adds the gradient of sink x. A warp computes one row at a time.
template <class T, class Sink, class Gradient>
__global__ void __launch_bounds__(kSinkThreads) sink_gradients(Sinks<T, Sink, Gradient> of) {
  __shared__ float shared[32];
  const std::int64_t head = blockIdx.x;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const float sink = to_float(of.sinks[head]);
  float sum = 0.0F;  // of this lane's columns
  for (std::int64_t row = threadIdx.x / 32; row < of.rows; row += kSinkWarps) {
    const std::int64_t at = row * of.heads + head;
    const float probability = __expf(sink - of.lse[at]);
    for (int c = lane; c < of.dim; c += 32)
      sum -= probability * to_float(of.out[at * of.dim + c]) * to_float(of.d_out[at * of.dim + c]);
  }
  sum = block_sum(sum, shared);
  if (threadIdx.x == 0) set(of.d_sinks[head], to_float(of.d_sinks[head]) + sum);
}

/// Calls work(Sinks) with the dtypes of the buffers.
template <class Work>
void with_sinks(const SinkRows& rows, const Work& work) {
  with_numbers(rows.out, [&](auto* out) {
    with_numbers(rows.sinks, [&](auto* sinks) {
      with_numbers(rows.d_sinks, [&](auto* d_sinks) {
        using T = std::remove_pointer_t<decltype(out)>;
        using Sink = std::remove_pointer_t<decltype(sinks)>;
        using Gradient = std::remove_pointer_t<decltype(d_sinks)>;
        work(Sinks<T, Sink, Gradient>{.rows = rows.lse.elements / rows.sinks.elements,
                                      .heads = static_cast<int>(rows.sinks.elements),
                                      .dim = static_cast<int>(rows.out.elements / rows.lse.elements),
                                      .out = out,
                                      .d_out = reinterpret_cast<const T*>(rows.d_out.data),
                                      .lse = floats(rows.lse),
                                      .sinks = sinks,
                                      .d_sinks = d_sinks});
      });
    });
  });
}

}  // namespace

void run_sinks(Context& context, bool backward, const SinkRows& rows) {
  if (rows.sinks.empty() || rows.lse.empty() || (backward && rows.d_sinks.empty())) return;
  with_sinks(rows, [&]<class T, class Sink, class Gradient>(const Sinks<T, Sink, Gradient>& of) {
    if (backward) {
      start(context, "the gradient of sinks", {static_cast<unsigned>(of.heads), kSinkThreads},
            sink_gradients<T, Sink, Gradient>, of);
    } else {
      start(context, "sinks", {blocks_for(of.rows * of.heads, kSinkWarps), kSinkThreads},
            join_sinks<T, Sink, Gradient>, of);
    }
  });
}

}  // namespace foreshard::cuda
