// Bytes moved per fp32 logit with a bf16 gradient: 4 for the maximum, 4 for the sum, 6 for the gradient. The
// gradient may overwrite the logits if it has their dtype.
#include <algorithm>

#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/numbers.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kLossThreads = 512;

template <class T>
struct Logits {
  const T* at;
  const std::int32_t* labels;
  std::int64_t columns;
  std::int64_t real_columns;  // the columns from here on are padding
  std::int64_t first_column;
};

/// Calls work(logit) for this thread's share of the columns of a row that are not padding: packs of N, then
/// single columns.
template <int N, class T, class Work>
__device__ void for_each_real(const Logits<T>& of, const T* row, const Work& work) {
  const std::int64_t whole = of.real_columns / N * N;
  for (std::int64_t c = std::int64_t{threadIdx.x} * N; c < whole; c += kLossThreads * N) {
    const Floats<N> numbers = load<N>(row + c);
    for (int j = 0; j < N; ++j) work(numbers.at[j]);
  }
  for (std::int64_t c = whole + threadIdx.x; c < of.real_columns; c += kLossThreads) work(to_float(row[c]));
}

template <int N, class T>
__global__ void __launch_bounds__(kLossThreads) row_max(Logits<T> of, float* max) {
  __shared__ float shared[32];
  const std::int64_t token = blockIdx.x;
  float largest = -INFINITY;
  for_each_real<N>(of, of.at + token * of.columns, [&](float logit) { largest = fmaxf(largest, logit); });
  largest = block_max(largest, shared);
  if (threadIdx.x == 0) max[token] = largest;
}

template <int N, class T>
__global__ void __launch_bounds__(kLossThreads) exp_sum(Logits<T> of, const float* max, float* sums) {
  __shared__ float shared[32];
  const std::int64_t token = blockIdx.x;
  const T* row = of.at + token * of.columns;
  const float largest = max[token];
  float sum = 0.0F;
  for_each_real<N>(of, row, [&](float logit) { sum += __expf(logit - largest); });
  sum = block_sum(sum, shared);
  if (threadIdx.x != 0) return;
  const std::int64_t label = of.labels[token] - of.first_column;
  sums[2 * token] = sum;
  sums[2 * token + 1] = label >= 0 && label < of.real_columns ? to_float(row[label]) - largest : 0.0F;
}

__global__ void __launch_bounds__(kLossThreads)
    loss_of(const float* sums, std::int64_t tokens, float scale, float* loss) {
  __shared__ float shared[32];
  float sum = 0.0F;
  for (std::int64_t t = threadIdx.x; t < tokens; t += kLossThreads)
    sum += logf(sums[2 * t]) - sums[2 * t + 1];
  sum = block_sum(sum, shared);
  if (threadIdx.x == 0) *loss = sum * scale;
}

template <int N, class T, class D>
__global__ void __launch_bounds__(kLossThreads)
    loss_backward(Logits<T> of, const float* max, const float* sums, float scale, D* d_logits) {
  const std::int64_t token = blockIdx.x;
  const std::int64_t label = of.labels[token] - of.first_column;
  const float largest = max[token];
  const float share = scale / sums[2 * token];
  const std::int64_t begin = token * of.columns;
  for (std::int64_t c = std::int64_t{threadIdx.x} * N; c < of.columns; c += kLossThreads * N) {
    Floats<N> numbers = load<N>(of.at + begin + c);
    for (int j = 0; j < N; ++j) {
      const bool is_real = c + j < of.real_columns;
      const float own = c + j == label ? scale : 0.0F;
      numbers.at[j] = is_real ? __expf(numbers.at[j] - largest) * share - own : 0.0F;
    }
    store<N>(d_logits + begin + c, numbers);
  }
}

/// Starts the kernel of the call's part, on packs of N numbers.
template <int N, class T>
void launch(Context& context, const CrossEntropyCall& call, const Logits<T>& of) {
  const LaunchShape shape{static_cast<unsigned>(call.tokens), kLossThreads};
  if (call.part == CrossEntropyPart::row_max) {
    start(context, "a cross-entropy", shape, row_max<N, T>, of, floats(call.max));
  } else if (call.part == CrossEntropyPart::exp_sum) {
    start(context, "a cross-entropy", shape, exp_sum<N, T>, of, floats(call.max), floats(call.sums));
  } else {
    with_numbers(call.d_logits, [&](auto* d_logits) {
      using D = std::remove_pointer_t<decltype(d_logits)>;
      start(context, "a cross-entropy", shape, loss_backward<N, T, D>, of, floats(call.max),
            floats(call.sums), static_cast<float>(call.scale), d_logits);
    });
  }
}

}  // namespace

void run(Context& context, const CrossEntropyCall& call) {
  if (call.part == CrossEntropyPart::loss && !call.backward) {
    start(context, "a cross-entropy", {1, kLossThreads}, loss_of, floats(call.sums), call.tokens,
          static_cast<float>(call.scale), floats(call.loss));
  } else if (call.tokens > 0) {
    with_numbers(call.logits, [&](auto* logits) {
      using T = std::remove_pointer_t<decltype(logits)>;
      const Logits<T> of{logits, reinterpret_cast<const std::int32_t*>(call.labels.data), call.columns,
                         std::clamp<std::int64_t>(call.vocab - call.first_column, 0, call.columns),
                         call.first_column};
      if (are_packed({call.logits, call.d_logits}, call.columns)) {
        launch<kPack>(context, call, of);
      } else {
        launch<1>(context, call, of);
      }
    });
  }
}

}  // namespace foreshard::cuda
