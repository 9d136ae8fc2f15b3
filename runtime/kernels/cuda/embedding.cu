// Forward reads and writes each row of y once. Backward: tokens of one id are linked, and the first of them
// adds up the rows of all, in their order: no two blocks write one row, and the same ids give the same bits.
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

/// Where each token's id comes next, or −1; and whether it came before.
struct Link {
  std::int32_t next;
  std::int32_t is_repeated;
};

/// A thread per token looks through all ids, a tile of them in shared memory at a time.
__global__ void __launch_bounds__(kThreads)
    link_tokens(const std::int32_t* ids, std::int64_t tokens, Link* links) {
  __shared__ std::int32_t tile[kThreads];
  const std::int64_t token = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const std::int32_t id = token < tokens ? ids[token] : -1;
  Link link{-1, 0};
  for (std::int64_t begin = 0; begin < tokens; begin += kThreads) {
    __syncthreads();
    if (begin + threadIdx.x < tokens) tile[threadIdx.x] = ids[begin + threadIdx.x];
    __syncthreads();
    const int count = static_cast<int>(min(std::int64_t{kThreads}, tokens - begin));
    for (int i = 0; i < count; ++i) {
      const std::int64_t other = begin + i;
      if (tile[i] != id) continue;
      if (other < token) link.is_repeated = 1;
      if (other > token && link.next < 0) link.next = static_cast<std::int32_t>(other);
    }
  }
  if (token < tokens) links[token] = link;
}

/// A block per token: that of an id's first one walks along the links.
template <int N, class T, class G>
__global__ void __launch_bounds__(kThreads)
    add_rows_of_ids(Lookup<T> of, const Link* links, const T* dy, G* d_table) {
  const std::int64_t token = blockIdx.x;
  const std::int64_t row = of.ids[token] - of.first_row;
  if (row < 0 || row >= of.rows || links[token].is_repeated != 0) return;
  for (std::int64_t c = std::int64_t{threadIdx.x} * N; c < of.width; c += kThreads * N) {
    Floats<N> sum = load<N>(d_table + row * of.width + c);
    for (std::int64_t at = token; at >= 0; at = links[at].next) {
      const Floats<N> summand = load<N>(dy + at * of.width + c);
      for (int j = 0; j < N; ++j) sum.at[j] += summand.at[j];
    }
    store<N>(d_table + row * of.width + c, sum);
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
    if (call.tokens * static_cast<std::int64_t>(sizeof(Link)) >
        static_cast<std::int64_t>(Context::kScratchBytes))
      throw std::invalid_argument("embedding: more than 2^23 tokens in one call; use a smaller micro-batch");
    auto* const links = reinterpret_cast<Link*>(context.scratch());
    link_tokens<<<blocks_for(call.tokens, kThreads), kThreads, 0, context.stream()>>>(
        reinterpret_cast<const std::int32_t*>(call.ids.data), call.tokens, links);
    const bool packed = are_packed({call.dy, call.d_table}, call.width);
    with_numbers(call.dy, [&](auto* dy) {
      with_numbers(call.d_table, [&](auto* d_table) {
        using T = std::remove_pointer_t<decltype(dy)>;
        if (packed) {
          add_rows_of_ids<kPack>
              <<<blocks, kThreads, 0, context.stream()>>>(lookup_of<T>(call), links, dy, d_table);
        } else {
          add_rows_of_ids<1>
              <<<blocks, kThreads, 0, context.stream()>>>(lookup_of<T>(call), links, dy, d_table);
        }
      });
    });
  }
  check_launch("an embedding");
}

}  // namespace foreshard::cuda
