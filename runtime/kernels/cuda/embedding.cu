// Forward reads and writes each row of y once. Backward: the first token of every id adds up the rows of all
// tokens with that id, in their order: no two blocks write one row, and the same ids give the same bits.
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/numbers.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kThreads = 256;

template <class T>
struct Lookup {
  const std::int32_t* ids;
  std::int64_t tokens;
  std::int64_t width;
  std::int64_t rows;
  std::int64_t first_row;
};

template <int N, class T>
__global__ void __launch_bounds__(kThreads) look_up(Lookup<T> of, const T* table, T* y) {
  const std::int64_t token = blockIdx.x;
  const std::int64_t row = of.ids[token] - of.first_row;
  const bool is_here = row >= 0 && row < of.rows;
  for (std::int64_t i = std::int64_t{threadIdx.x} * N; i < of.width; i += kThreads * N)
    store<N>(y + token * of.width + i, is_here ? load<N>(table + row * of.width + i) : Floats<N>{});
}

template <int N, class T, class G>
__global__ void __launch_bounds__(kThreads) add_rows_of_ids(Lookup<T> of, const T* dy, G* d_table) {
  __shared__ std::int32_t matches[kThreads];
  const std::int64_t token = blockIdx.x;
  const std::int32_t id = of.ids[token];
  const std::int64_t row = id - of.first_row;
  if (row < 0 || row >= of.rows) return;
  bool is_repeated = false;
  for (std::int64_t earlier = threadIdx.x; earlier < token; earlier += kThreads)
    is_repeated = is_repeated || of.ids[earlier] == id;
  if (__syncthreads_or(is_repeated ? 1 : 0) != 0) return;
  for (std::int64_t begin = token; begin < of.tokens; begin += kThreads) {
    const std::int64_t mine = begin + threadIdx.x;
    const bool is_match = mine < of.tokens && of.ids[mine] == id;
    matches[threadIdx.x] = is_match ? 1 : 0;
    if (__syncthreads_or(is_match ? 1 : 0) != 0) {
      for (int i = 0; i < kThreads; ++i) {
        if (matches[i] == 0) continue;
        const T* from = dy + (begin + i) * of.width;
        // A thread always has the same columns: it reads what itself has written.
        for (std::int64_t c = std::int64_t{threadIdx.x} * N; c < of.width; c += kThreads * N) {
          Floats<N> sum = load<N>(d_table + row * of.width + c);
          const Floats<N> summand = load<N>(from + c);
          for (int j = 0; j < N; ++j) sum.at[j] += summand.at[j];
          store<N>(d_table + row * of.width + c, sum);
        }
      }
    }
    __syncthreads();
  }
}

template <class T>
Lookup<T> lookup_of(const EmbeddingCall& call) {
  return {reinterpret_cast<const std::int32_t*>(call.ids.data), call.tokens, call.width, call.rows,
          call.first_row};
}

}  // namespace

void run(Context& context, const EmbeddingCall& call) {
  const auto blocks = static_cast<unsigned>(call.tokens);
  if (blocks == 0) return;
  if (!call.backward) {
    const bool packed = are_packed({call.table, call.y}, call.width);
    with_numbers(call.y, [&](auto* y) {
      using T = std::remove_pointer_t<decltype(y)>;
      const T* table = reinterpret_cast<const T*>(call.table.data);
      if (packed) {
        look_up<kPack><<<blocks, kThreads, 0, context.stream()>>>(lookup_of<T>(call), table, y);
      } else {
        look_up<1><<<blocks, kThreads, 0, context.stream()>>>(lookup_of<T>(call), table, y);
      }
    });
  } else {
    const bool packed = are_packed({call.dy, call.d_table}, call.width);
    with_numbers(call.dy, [&](auto* dy) {
      with_numbers(call.d_table, [&](auto* d_table) {
        using T = std::remove_pointer_t<decltype(dy)>;
        if (packed) {
          add_rows_of_ids<kPack><<<blocks, kThreads, 0, context.stream()>>>(lookup_of<T>(call), dy, d_table);
        } else {
          add_rows_of_ids<1><<<blocks, kThreads, 0, context.stream()>>>(lookup_of<T>(call), dy, d_table);
        }
      });
    });
  }
  check_launch("an embedding");
}

}  // namespace foreshard::cuda
