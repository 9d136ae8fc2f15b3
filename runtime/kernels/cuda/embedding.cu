// Forward reads and writes each row of y once. Backward links the tokens with the same id; the first of them
// adds up the rows of all, in their order. So no two blocks write the same row, and the same ids give the
// same bits.
//
// Example: ids 7 3 7 7. Links next: token 0 → 2, 2 → 3, others none; previous: tokens 2 and 3 have one. Token
// 0 adds dy_0 + dy_2 + dy_3 to row 7, token 1 adds dy_1 to row 3, tokens 2 and 3 do nothing.
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/numbers.cuh"

namespace foreshard::cuda {
namespace {

constexpr int kRowThreads = 256;

template <class T>
struct Lookup {
  const std::int32_t* ids;
  std::int64_t tokens;
  std::int64_t width;
  std::int64_t rows;
  std::int64_t first_row;
};

template <int N, class T>
__global__ void __launch_bounds__(kRowThreads) look_up(Lookup<T> of, const T* table, T* y) {
  const std::int64_t token = blockIdx.x;
  const std::int64_t row = of.ids[token] - of.first_row;
  const bool is_here = row >= 0 && row < of.rows;
  for (std::int64_t i = std::int64_t{threadIdx.x} * N; i < of.width; i += kRowThreads * N)
    store<N>(y + token * of.width + i, is_here ? load<N>(table + row * of.width + i) : Floats<N>{});
}

/// Links between tokens with the same id, by token. They are initialised with kNone; threads store the
/// smallest token that they find.
struct Links {
  std::int32_t* next;      ///< the next token with the same id
  std::int32_t* previous;  ///< some earlier token with the same id
};
constexpr std::int32_t kNone = 0x7F7F7F7F;  // cudaMemset sets every byte to 0x7F
constexpr int kSegments = 16;

/// One thread per token and segment searches the segment of the ids for the token's id, a tile in shared
/// memory at a time. The smallest token found does not depend on the order of the threads.
__global__ void __launch_bounds__(kRowThreads)
    link_tokens(const std::int32_t* ids, std::int64_t tokens, Links links) {
  constexpr std::int32_t kNoId = -1;
  alignas(16) __shared__ std::int32_t tile[kRowThreads];
  const std::int64_t token = std::int64_t{blockIdx.x} * kRowThreads + threadIdx.x;
  const std::int32_t id = token < tokens ? ids[token] : kNoId - 1;
  const auto wanted = static_cast<std::uint32_t>(id);
  const std::int64_t segment = (tokens + kSegments - 1) / kSegments;
  const std::int64_t end = min(tokens, (blockIdx.y + 1) * segment);
  std::int32_t next = kNone;
  std::int32_t previous = kNone;
  for (std::int64_t begin = blockIdx.y * segment; begin < end; begin += kRowThreads) {
    __syncthreads();
    tile[threadIdx.x] = begin + threadIdx.x < end ? ids[begin + threadIdx.x] : kNoId;
    __syncthreads();
    for (int first = 0; first < kRowThreads; first += 4) {
      // Few tokens have the same id: compare four at a time first.
      const uint4 four = reinterpret_cast<const uint4*>(tile)[first / 4];
      if (four.x != wanted && four.y != wanted && four.z != wanted && four.w != wanted) continue;
      for (int i = first; i < first + 4; ++i) {
        if (tile[i] != id) continue;
        const std::int64_t other = begin + i;
        if (other > token) next = min(next, static_cast<std::int32_t>(other));
        if (other < token) previous = min(previous, static_cast<std::int32_t>(other));
      }
    }
  }
  if (token >= tokens) return;
  if (next != kNone) atomicMin(links.next + token, next);
  if (previous != kNone) atomicMin(links.previous + token, previous);
}

void link(Context& context, const EmbeddingCall& call, const Links& links) {
  const std::size_t bytes = 2 * static_cast<std::size_t>(call.tokens) * sizeof(std::int32_t);
  check_cuda(cudaMemsetAsync(links.next, 0x7F, bytes, context.stream()), "cudaMemsetAsync");
  start(context, "an embedding", {dim3(blocks_for(call.tokens, kRowThreads), kSegments), kRowThreads},
        link_tokens, reinterpret_cast<const std::int32_t*>(call.ids.data), call.tokens, links);
}

constexpr int kTokensAtOnce = 4;

/// One block per kTokensAtOnce tokens and range of columns. It loads the rows of all its tokens before it
/// adds, so that the loads overlap. For tokens that are the first of their id it follows the links.
template <int N, class T, class G>
__global__ void __launch_bounds__(kRowThreads)
    add_rows_of_ids(Lookup<T> of, Links links, const T* dy, G* d_table) {
  const std::int64_t column = (std::int64_t{blockIdx.y} * kRowThreads + threadIdx.x) * N;
  if (column >= of.width) return;
  std::int64_t row[kTokensAtOnce];
  std::int32_t next[kTokensAtOnce];
  bool is_first[kTokensAtOnce];
  for (int i = 0; i < kTokensAtOnce; ++i) {
    const std::int64_t token = std::int64_t{blockIdx.x} * kTokensAtOnce + i;
    const bool is_there = token < of.tokens;
    row[i] = is_there ? of.ids[token] - of.first_row : -1;
    next[i] = is_there ? links.next[token] : kNone;
    is_first[i] = is_there && links.previous[token] == kNone;
  }
  Floats<N> sum[kTokensAtOnce];
  Floats<N> summand[kTokensAtOnce];
  for (int i = 0; i < kTokensAtOnce; ++i) {
    is_first[i] = is_first[i] && row[i] >= 0 && row[i] < of.rows;
    if (!is_first[i]) continue;
    const std::int64_t token = std::int64_t{blockIdx.x} * kTokensAtOnce + i;
    sum[i] = load<N>(d_table + row[i] * of.width + column);
    summand[i] = load<N>(dy + token * of.width + column);
  }
  for (int i = 0; i < kTokensAtOnce; ++i) {
    if (!is_first[i]) continue;
    for (int j = 0; j < N; ++j) sum[i].at[j] += summand[i].at[j];
    for (std::int64_t at = next[i]; at != kNone; at = links.next[at]) {
      const Floats<N> more = load<N>(dy + at * of.width + column);
      for (int j = 0; j < N; ++j) sum[i].at[j] += more.at[j];
    }
    store<N>(d_table + row[i] * of.width + column, sum[i]);
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
  const LaunchShape shape{static_cast<unsigned>(call.tokens), kRowThreads};
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
    const LaunchShape of_chunks{
        {blocks_for(call.tokens, kTokensAtOnce), blocks_for(call.width, kRowThreads * (packed ? kPack : 1))},
        kRowThreads};
    with_numbers(call.dy, [&](auto* dy) {
      with_numbers(call.d_table, [&](auto* d_table) {
        using T = std::remove_pointer_t<decltype(dy)>;
        using G = std::remove_pointer_t<decltype(d_table)>;
        if (packed) {
          start(context, "an embedding", of_chunks, add_rows_of_ids<kPack, T, G>, lookup_of<T>(call), links,
                dy, d_table);
        } else {
          start(context, "an embedding", of_chunks, add_rows_of_ids<1, T, G>, lookup_of<T>(call), links, dy,
                d_table);
        }
      });
    });
  }
}

}  // namespace foreshard::cuda
