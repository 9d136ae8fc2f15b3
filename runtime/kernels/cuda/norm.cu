// Bytes per element in bf16: forward reads 2 and writes 2; backward reads 4 (6 with a residual) and writes 2.
// One block keeps a row in registers between its sums and its result, so that memory is read once. Formulas:
// runtime/kernels/reference/norm.cpp.
#include <algorithm>

#include "runtime/kernels/cuda/norm.hpp"
#include "runtime/kernels/cuda/sums.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kNormThreads = 256;
/// The largest number of blocks of a backward pass. Each block writes a row of partial sums of d_weight (and
/// d_bias).
constexpr std::int64_t kMostNormParts = 512;

/// The first column of a thread's pack number `pack` of a row: (pack·kNormThreads + thread)·N.
__device__ std::int64_t column_of(int pack, int n) {
  return (std::int64_t{pack} * kNormThreads + threadIdx.x) * n;
}

template <int N, int kPacks, bool kCentred, class T, class W>
__global__ void __launch_bounds__(kNormThreads)
    norm_forward(const T* x, const W* weight, const W* bias, T* y, float* stats, std::int64_t width,
                 std::int64_t pitch, float epsilon) {
  __shared__ float shared[32];
  const std::int64_t row = blockIdx.x;
  Floats<N> kept[kPacks];
  float sum = 0.0F;
  for (int p = 0; p < kPacks; ++p) {
    const std::int64_t column = column_of(p, N);
    kept[p] = column < width ? load<N>(x + row * pitch + column) : Floats<N>{};
    for (int j = 0; j < N; ++j) sum += kCentred ? kept[p].at[j] : kept[p].at[j] * kept[p].at[j];
  }
  float mean = 0.0F;
  float squares = block_sum(sum, shared);
  if constexpr (kCentred) {
    mean = squares / static_cast<float>(width);
    sum = 0.0F;
    for (int p = 0; p < kPacks; ++p) {
      if (column_of(p, N) >= width) continue;
      for (int j = 0; j < N; ++j) {
        const float apart = kept[p].at[j] - mean;
        sum += apart * apart;
      }
    }
    squares = block_sum(sum, shared);
  }
  const float root = 1.0F / sqrtf(squares / static_cast<float>(width) + epsilon);
  for (int p = 0; p < kPacks; ++p) {
    const std::int64_t column = column_of(p, N);
    if (column >= width) continue;
    const Floats<N> w = load<N>(weight + column);
    for (int j = 0; j < N; ++j) kept[p].at[j] = (kept[p].at[j] - mean) * root * w.at[j];
    if constexpr (kCentred) {
      const Floats<N> b = load<N>(bias + column);
      for (int j = 0; j < N; ++j) kept[p].at[j] += b.at[j];
    }
    store<N>(y + row * pitch + column, kept[p]);
  }
  if (threadIdx.x != 0) return;
  if constexpr (kCentred) {
    stats[2 * row] = mean;
    stats[2 * row + 1] = root;
  } else {
    stats[row] = root;
  }
}

template <class T, class W>
struct Backward {
  const T* x;
  const W* weight;
  const float* stats;
  const T* dy;
  const T* residual;  // or null
  T* dx;
  float* d_weight_parts;  // (blocks,width), or null
  float* d_bias_parts;    // or null
  std::int64_t rows;
  std::int64_t width;
  std::int64_t pitch;  // elements from row to row
};

/// Each block processes the rows blockIdx.x, blockIdx.x + gridDim.x, …
template <int N, int kPacks, bool kCentred, class T, class W>
__global__ void __launch_bounds__(kNormThreads) norm_backward(Backward<T, W> of) {
  __shared__ float shared[32];
  Floats<N> d_weight[kPacks] = {};
  Floats<N> d_bias[kCentred ? kPacks : 1] = {};
  const auto width = static_cast<float>(of.width);
  for (std::int64_t row = blockIdx.x; row < of.rows; row += gridDim.x) {
    const float mean = kCentred ? of.stats[2 * row] : 0.0F;
    const float root = kCentred ? of.stats[2 * row + 1] : of.stats[row];
    Floats<N> normed[kPacks];
    Floats<N> gradient[kPacks];
    float sum_g = 0.0F;
    float sum_g_x = 0.0F;
    for (int p = 0; p < kPacks; ++p) {
      const std::int64_t column = column_of(p, N);
      if (column >= of.width) {
        normed[p] = {};
        gradient[p] = {};
        continue;
      }
      normed[p] = load<N>(of.x + row * of.pitch + column);
      gradient[p] = load<N>(of.dy + row * of.pitch + column);
      const Floats<N> w = load<N>(of.weight + column);
      for (int j = 0; j < N; ++j) {
        normed[p].at[j] = (normed[p].at[j] - mean) * root;
        d_weight[p].at[j] += gradient[p].at[j] * normed[p].at[j];
        if constexpr (kCentred) d_bias[p].at[j] += gradient[p].at[j];
        gradient[p].at[j] *= w.at[j];
        if constexpr (kCentred) sum_g += gradient[p].at[j];
        sum_g_x += gradient[p].at[j] * normed[p].at[j];
      }
    }
    const float mean_g = kCentred ? block_sum(sum_g, shared) / width : 0.0F;
    const float mean_g_x = block_sum(sum_g_x, shared) / width;
    for (int p = 0; p < kPacks; ++p) {
      const std::int64_t column = column_of(p, N);
      if (column >= of.width) continue;
      for (int j = 0; j < N; ++j)
        gradient[p].at[j] = root * (gradient[p].at[j] - mean_g - normed[p].at[j] * mean_g_x);
      if (of.residual != nullptr) {
        const Floats<N> passing = load<N>(of.residual + row * of.pitch + column);
        for (int j = 0; j < N; ++j) gradient[p].at[j] += passing.at[j];
      }
      store<N>(of.dx + row * of.pitch + column, gradient[p]);
    }
  }
  for (int p = 0; p < kPacks; ++p) {
    const std::int64_t column = column_of(p, N);
    if (column >= of.width) continue;
    const std::int64_t at = std::int64_t{blockIdx.x} * of.width + column;
    if (of.d_weight_parts != nullptr) store<N>(of.d_weight_parts + at, d_weight[p]);
    if constexpr (kCentred) {
      if (of.d_bias_parts != nullptr) store<N>(of.d_bias_parts + at, d_bias[p]);
    }
  }
}

/// Calls work(N, packs) with compile-time constants: the numbers of a pack, and the packs per thread that
/// cover a row.
template <class Work>
void with_packs(bool packed, std::int64_t width, const Work& work) {
  const auto choose = [&](auto n) {
    const std::int64_t packs = blocks_for(width, std::int64_t{kNormThreads} * n.value);
    if (packs <= 1) return work(n, std::integral_constant<int, 1>());
    if (packs <= 2) return work(n, std::integral_constant<int, 2>());
    if (packs <= 4) return work(n, std::integral_constant<int, 4>());
    if (packs <= 8) return work(n, std::integral_constant<int, 8>());
    throw std::invalid_argument(
        "norm: rows are too wide for the GPU's kernel (at most 16384 numbers, or 2048 if a row is not a "
        "multiple of 8)");
  };
  packed ? choose(std::integral_constant<int, kPack>()) : choose(std::integral_constant<int, 1>());
}

/// True if every row begins at a whole pack.
bool are_rows_packed(const NormCall& call) {
  return call.pitch() % kPack == 0 && call.first_column % kPack == 0;
}

template <bool kCentred, class T, class W>
void forward(Context& context, const NormCall& call, const T* x, const W* weight) {
  const bool packed =
      are_packed({call.x, call.weight, call.bias, call.y}, call.width) && are_rows_packed(call);
  with_packs(packed, call.width, [&](auto n, auto packs) {
    start(context, "a norm", {static_cast<unsigned>(call.rows), kNormThreads},
          norm_forward<n.value, packs.value, kCentred, T, W>, x + call.first_column, weight,
          reinterpret_cast<const W*>(call.bias.data), reinterpret_cast<T*>(call.y.data) + call.first_column,
          floats(call.stats), call.width, call.pitch(), static_cast<float>(call.epsilon));
  });
}

template <bool kCentred, class T, class W>
void backward(Context& context, const NormCall& call, const T* x, const W* weight) {
  const bool packed =
      are_packed({call.x, call.weight, call.dy, call.residual, call.dx}, call.width) && are_rows_packed(call);
  const std::int64_t room =
      static_cast<std::int64_t>(Context::kScratchBytes / sizeof(float)) / (2 * call.width);
  // With narrow rows more blocks fit on a multiprocessor; while one waits at a reduction, another computes.
  const std::int64_t blocks_per_multiprocessor = call.width <= 4096 ? 3 : 2;
  const std::int64_t blocks = std::min(
      {call.rows, std::min(room, kMostNormParts), blocks_per_multiprocessor * context.multiprocessors()});
  float* const d_weight_parts = call.d_weight.empty() ? nullptr : context.scratch();
  float* const d_bias_parts = call.d_bias.empty() ? nullptr : context.scratch() + blocks * call.width;
  const Backward<T, W> of{
      .x = x + call.first_column,
      .weight = weight,
      .stats = floats(call.stats),
      .dy = reinterpret_cast<const T*>(call.dy.data) + call.first_column,
      .residual = call.residual.empty() ? nullptr
                                        : reinterpret_cast<const T*>(call.residual.data) + call.first_column,
      .dx = reinterpret_cast<T*>(call.dx.data) + call.first_column,
      .d_weight_parts = d_weight_parts,
      .d_bias_parts = d_bias_parts,
      .rows = call.rows,
      .width = call.width,
      .pitch = call.pitch()};
  with_packs(packed, call.width, [&](auto n, auto packs) {
    start(context, "a norm's backward", {static_cast<unsigned>(blocks), kNormThreads},
          norm_backward<n.value, packs.value, kCentred, T, W>, of);
  });
  if (d_weight_parts != nullptr) add_partial_rows(context, d_weight_parts, blocks, call.width, call.d_weight);
  if (kCentred && d_bias_parts != nullptr)
    add_partial_rows(context, d_bias_parts, blocks, call.width, call.d_bias);
}

}  // namespace

void run(Context& context, const NormCall& call) {
  if (call.heads > 0) return run_head_norm(context, call);
  with_numbers(call.x, [&](auto* x) {
    with_numbers(call.weight, [&](auto* weight) {
      if (call.kind == NormKind::layernorm) {
        call.backward ? backward<true>(context, call, x, weight) : forward<true>(context, call, x, weight);
      } else {
        call.backward ? backward<false>(context, call, x, weight) : forward<false>(context, call, x, weight);
      }
    });
  });
}

}  // namespace foreshard::cuda
