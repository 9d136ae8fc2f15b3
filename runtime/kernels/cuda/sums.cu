// Sums over all elements, and over rows. They have two passes: blocks write partial sums to scratch memory,
// and a second kernel adds them in order, so that the same shape gives the same bits.
#include <algorithm>

#include "runtime/kernels/cuda/sums.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kSumThreads = 256;
constexpr int kBlocks = 1024;  // most blocks of sum_squares: one block can add so many partial sums

template <int N, class T>
__global__ void __launch_bounds__(kSumThreads)
    square_parts(const T* x, std::int64_t elements, float* partial) {
  __shared__ float shared[32];
  float sum = 0.0F;
  const std::int64_t stride = std::int64_t{gridDim.x} * kSumThreads * N;
  for (std::int64_t i = (std::int64_t{blockIdx.x} * kSumThreads + threadIdx.x) * N; i < elements;
       i += stride) {
    if (i + N <= elements) {
      const Floats<N> numbers = load<N>(x + i);
      for (int j = 0; j < N; ++j) sum += numbers.at[j] * numbers.at[j];
    } else {
      for (std::int64_t j = i; j < elements; ++j) sum += to_float(x[j]) * to_float(x[j]);
    }
  }
  sum = block_sum(sum, shared);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void add_up(const float* partial, int parts, float scale, float* to) {
  __shared__ float shared[32];
  const float sum = block_sum(static_cast<int>(threadIdx.x) < parts ? partial[threadIdx.x] : 0.0F, shared);
  if (threadIdx.x == 0) *to += scale * sum;
}

/// to_v += Σ over rows of x (rows,width). One thread per N columns.
template <int N, class T, class D>
__global__ void __launch_bounds__(kSumThreads)
    add_few_rows(const T* x, std::int64_t rows, std::int64_t width, D* to) {
  const std::int64_t column = (std::int64_t{blockIdx.x} * kSumThreads + threadIdx.x) * N;
  if (column >= width) return;
  Floats<N> sum = load<N>(to + column);
  for (std::int64_t row = 0; row < rows; ++row) {
    const Floats<N> numbers = load<N>(x + row * width + column);
    for (int j = 0; j < N; ++j) sum.at[j] += numbers.at[j];
  }
  store<N>(to + column, sum);
}

/// @pre width is a multiple of N
template <int N>
void add_few_rows(Context& context, const PointwiseCall& call, std::int64_t rows) {
  with_numbers(call.a, [&](auto* x) {
    with_numbers(call.y, [&](auto* to) {
      using T = std::remove_pointer_t<decltype(x)>;
      using D = std::remove_pointer_t<decltype(to)>;
      start(context, "a bias gradient", {blocks_for(call.width, std::int64_t{kSumThreads} * N), kSumThreads},
            add_few_rows<N, T, D>, x, rows, call.width, to);
    });
  });
}

constexpr int kRowGroups = 8;  // rows that a block of column_parts reads at a time

/// Block (x, y) sums 32·N columns, from column x·32·N on, of the groups of 8 rows y, y + gridDim.y, …
template <int N, class T>
__global__ void __launch_bounds__(32 * kRowGroups)
    column_parts(const T* x, std::int64_t rows, std::int64_t width, float* partial) {
  __shared__ float shared[kRowGroups][32 * N];
  const std::int64_t column = (std::int64_t{blockIdx.x} * 32 + threadIdx.x) * N;
  Floats<N> sum{};
  if (column < width) {
    const std::int64_t stride = std::int64_t{gridDim.y} * kRowGroups;
    for (std::int64_t row = std::int64_t{blockIdx.y} * kRowGroups + threadIdx.y; row < rows; row += stride) {
      const Floats<N> numbers = load<N>(x + row * width + column);
      for (int j = 0; j < N; ++j) sum.at[j] += numbers.at[j];
    }
  }
  for (int j = 0; j < N; ++j) shared[threadIdx.y][threadIdx.x * N + j] = sum.at[j];
  __syncthreads();
  if (threadIdx.y != 0 || column >= width) return;
  for (int j = 0; j < N; ++j) {
    float total = 0.0F;
    for (int group = 0; group < kRowGroups; ++group) total += shared[group][threadIdx.x * N + j];
    partial[std::int64_t{blockIdx.y} * width + column + j] = total;
  }
}

constexpr int kStrip = 32;       // columns of one block of add_rows
constexpr int kPartGroups = 16;  // parts that it reads at a time

/// Warp g adds the parts g, g + 16, … of 32 columns; then the sums of the warps are added in order.
template <class T>
__global__ void __launch_bounds__(kStrip* kPartGroups)
    add_rows(const float* partial, std::int64_t parts, std::int64_t width, T* to) {
  __shared__ float shared[kPartGroups][kStrip];
  const std::int64_t column = std::int64_t{blockIdx.x} * kStrip + threadIdx.x;
  float sum = 0.0F;
  if (column < width) {
#pragma unroll 4
    for (std::int64_t part = threadIdx.y; part < parts; part += kPartGroups)
      sum += partial[part * width + column];
  }
  shared[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= width) return;
  for (int group = 1; group < kPartGroups; ++group) sum += shared[group][threadIdx.x];
  set(to[column], to_float(to[column]) + sum);
}

}  // namespace

void add_partial_rows(Context& context, const float* partial, std::int64_t parts, std::int64_t width,
                      const Buffer& to) {
  with_numbers(to, [&](auto* numbers) {
    start(context, "a sum over rows", {blocks_for(width, kStrip), dim3(kStrip, kPartGroups)},
          add_rows<std::remove_pointer_t<decltype(numbers)>>, partial, parts, width, numbers);
  });
}

void sum_squares(Context& context, const PointwiseCall& call) {
  const bool packed = are_packed({call.a}, kPack);
  const std::int64_t per_block = std::int64_t{kSumThreads} * (packed ? kPack : 1);
  const auto blocks = static_cast<int>(std::min<std::int64_t>(blocks_for(call.elements, per_block), kBlocks));
  if (blocks == 0) return;
  with_numbers(call.a, [&](auto* x) {
    using T = std::remove_pointer_t<decltype(x)>;
    start(context, "a sum of squares", {static_cast<unsigned>(blocks), kSumThreads},
          packed ? square_parts<kPack, T> : square_parts<1, T>, x, call.elements, context.scratch());
  });
  start(context, "a sum of squares", {1, kBlocks}, add_up, context.scratch(), blocks,
        static_cast<float>(call.scale), floats(call.y));
}

void bias_gradient(Context& context, const PointwiseCall& call) {
  const std::int64_t width = call.width;
  const std::int64_t rows = call.elements / width;
  const bool packed = are_packed({call.a, call.y}, width);
  constexpr std::int64_t kFew = 32;  // learned positions: wide rows, one per sequence
  if (rows <= kFew)
    return packed ? add_few_rows<kPack>(context, call, rows) : add_few_rows<1>(context, call, rows);
  const std::int64_t strip = 32 * (packed ? kPack : 1);
  // Enough blocks to keep the GPU busy, but no more than have space for their partial sums.
  const std::int64_t strips = blocks_for(width, strip);
  const std::int64_t room = static_cast<std::int64_t>(Context::kScratchBytes / sizeof(float)) / width;
  const std::int64_t wanted = std::max<std::int64_t>(1, 8 * context.multiprocessors() / strips);
  const std::int64_t parts =
      std::max<std::int64_t>(1, std::min({wanted, room, (rows + kRowGroups - 1) / kRowGroups}));
  const LaunchShape shape{dim3(static_cast<unsigned>(strips), static_cast<unsigned>(parts)),
                          dim3(32, kRowGroups)};
  with_numbers(call.a, [&](auto* x) {
    using T = std::remove_pointer_t<decltype(x)>;
    start(context, "a bias gradient", shape, packed ? column_parts<kPack, T> : column_parts<1, T>, x, rows,
          width, context.scratch());
  });
  add_partial_rows(context, context.scratch(), parts, width, call.y);
}

bool is_built_for_current_gpu() {
  cudaFuncAttributes attributes{};
  const bool is = cudaFuncGetAttributes(&attributes, add_up) == cudaSuccess;
  static_cast<void>(cudaGetLastError());
  return is;
}

}  // namespace foreshard::cuda
