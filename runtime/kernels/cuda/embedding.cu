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

/// Where ids come again, by token.
struct Links {
  std::int32_t* next;      ///< of the same id, kNone where there is none
  std::int32_t* repeated;  ///< not 0 where the id came before
};
constexpr std::int32_t kNone = 0x7F7F7F7F;  // what memory is set to, byte by byte
constexpr int kSegments = 16;

/// A thread per token looks through a segment of the ids, a tile of them in shared memory at a time. Least
/// and or do not depend on the order.
__global__ void __launch_bounds__(kThreads)
    link_tokens(const std::int32_t* ids, std::int64_t tokens, Links links) {
  __shared__ std::int32_t tile[kThreads];
  const std::int64_t token = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  const std::int32_t id = token < tokens ? ids[token] : -1;
  const std::int64_t segment = (tokens + kSegments - 1) / kSegments;
  const std::int64_t end = min(tokens, (blockIdx.y + 1) * segment);
  std::int32_t next = kNone;
  bool is_repeated = false;
  for (std::int64_t begin = blockIdx.y * segment; begin < end; begin += kThreads) {
    __syncthreads();
    if (begin + threadIdx.x < end) tile[threadIdx.x] = ids[begin + threadIdx.x];
    __syncthreads();
    const int count = static_cast<int>(min(std::int64_t{kThreads}, end - begin));
    for (int i = 0; i < count; ++i) {
      if (tile[i] != id) continue;
      const std::int64_t other = begin + i;
      is_repeated = is_repeated || other < token;
      if (other > token) next = min(next, static_cast<std::int32_t>(other));
    }
  }
  if (token >= tokens) return;
  if (next != kNone) atomicMin(links.next + token, next);
  if (is_repeated) atomicOr(links.repeated + token, 1);
}

void link(Context& context, const EmbeddingCall& call, const Links& links) {
  const std::size_t bytes = static_cast<std::size_t>(call.tokens) * sizeof(std::int32_t);
  check_cuda(cudaMemsetAsync(links.next, 0x7F, bytes, context.stream()), "cudaMemsetAsync");
  check_cuda(cudaMemsetAsync(links.repeated, 0, bytes, context.stream()), "cudaMemsetAsync");
  start(context, "an embedding", {dim3(blocks_for(call.tokens, kThreads), kSegments), kThreads}, link_tokens,
        reinterpret_cast<const std::int32_t*>(call.ids.data), call.tokens, links);
}

/// A block per token: that of an id's first one walks along the links.
template <int N, class T, class G>
__global__ void __launch_bounds__(kThreads)
    add_rows_of_ids(Lookup<T> of, Links links, const T* dy, G* d_table) {
  const std::int64_t token = blockIdx.x;
  const std::int64_t row = of.ids[token] - of.first_row;
  if (row < 0 || row >= of.rows || links.repeated[token] != 0) return;
  for (std::int64_t c = std::int64_t{threadIdx.x} * N; c < of.width; c += kThreads * N) {
    Floats<N> sum = load<N>(d_table + row * of.width + c);
    for (std::int32_t at = static_cast<std::int32_t>(token); at != kNone; at = links.next[at]) {
      const Floats<N> summand = load<N>(dy + std::int64_t{at} * of.width + c);
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
  if (call.tokens == 0) return;
  const LaunchShape shape{static_cast<unsigned>(call.tokens), kThreads};
  if (!call.backward) {
    const bool packed = are_packed({call.table, call.y}, call.width);
    with_numbers(call.y, [&](auto* y) {
      using T = std::remove_pointer_t<decltype(y)>;
      const T* table = reinterpret_cast<const T*>(call.table.data);
      if (packed) {
        start(context, "an embedding", shape, look_up<kPack, T>, lookup_of<T>(call), table, y);
      } else {
        start(context, "an embedding", shape, look_up<1, T>, lookup_of<T>(call), table, y);
      }
    });
  } else {
    constexpr auto kMostTokens =
        static_cast<std::int64_t>(Context::kScratchBytes / (2 * sizeof(std::int32_t)));
    if (call.tokens > kMostTokens)
      throw std::invalid_argument("embedding: more than 2^23 tokens in one call; use a smaller micro-batch");
    auto* const scratch = reinterpret_cast<std::int32_t*>(context.scratch());
    const Links links{scratch, scratch + call.tokens};
    link(context, call, links);
    const bool packed = are_packed({call.dy, call.d_table}, call.width);
    with_numbers(call.dy, [&](auto* dy) {
      with_numbers(call.d_table, [&](auto* d_table) {
        using T = std::remove_pointer_t<decltype(dy)>;
        using G = std::remove_pointer_t<decltype(d_table)>;
        if (packed) {
          start(context, "an embedding", shape, add_rows_of_ids<kPack, T, G>, lookup_of<T>(call), links, dy,
                d_table);
        } else {
          start(context, "an embedding", shape, add_rows_of_ids<1, T, G>, lookup_of<T>(call), links, dy,
                d_table);
        }
      });
    });
  }
}

}  // namespace foreshard::cuda
