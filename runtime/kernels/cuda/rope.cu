// Reads and writes 2 bytes per element in bf16. A token's row of the tables stays in the cache for all its
// heads.
#include <stdexcept>

#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "runtime/kernels/cuda/numbers.cuh"
#include "runtime/kernels/cuda/rope_tables.hpp"

namespace foreshard::cuda {
namespace {

constexpr int kRopeThreads = 256;

template <class T>
struct Rotation {
  T* x;
  const float* cosines;
  const float* sines;
  std::uint32_t tokens;
  std::uint32_t sequence;
  RopeCall call;  // for the layout of heads, and for positions if sequences are split
  std::uint32_t heads;
  std::uint32_t half;
  float direction;  // of the rotation: 1 or −1
};

/// A thread rotates N pairs (i, i + half) of one head of one token.
template <int N, class T>
__global__ void __launch_bounds__(kRopeThreads) rotate(Rotation<T> of) {
  const std::uint32_t packs = of.half / N;  // of a head
  const std::uint32_t per_token = packs * of.heads;
  const std::uint32_t at = blockIdx.x * kRopeThreads + threadIdx.x;
  if (at >= of.tokens * per_token) return;
  const std::uint32_t token = at / per_token;
  const std::uint32_t within = at - token * per_token;
  const std::uint32_t head = within / packs;
  const std::uint32_t pair = within % packs * N;
  const std::uint32_t position =
      of.call.shares > 1 ? static_cast<std::uint32_t>(of.call.position_of(token)) : token % of.sequence;
  const std::uint32_t angle = position * of.half + pair;
  const Floats<N> cosine = load<N>(of.cosines + angle);
  const Floats<N> sine = load<N>(of.sines + angle);
  T* const first_at = of.x + std::int64_t{token} * of.call.row_width + of.call.first_column +
                      head * of.call.stride_of_heads() + pair;
  const Floats<N> first = load<N>(first_at);
  const Floats<N> second = load<N>(first_at + of.half);
  Floats<N> turned;
  Floats<N> turned_second;
  for (int j = 0; j < N; ++j) {
    const float s = of.direction * sine.at[j];
    turned.at[j] = first.at[j] * cosine.at[j] - second.at[j] * s;
    turned_second.at[j] = second.at[j] * cosine.at[j] + first.at[j] * s;
  }
  store<N>(first_at, turned);
  store<N>(first_at + of.half, turned_second);
}

}  // namespace

void run(Context& context, const RopeCall& call) {
  const std::int64_t half = call.head_dim / 2;
  const float* table = context.rope_tables().find(call.sequence, call.head_dim, call.theta);
  const bool packed = are_packed({call.x}, half) && call.row_width % kPack == 0 &&
                      call.first_column % kPack == 0 && call.stride_of_heads() % kPack == 0;
  const std::int64_t threads = call.tokens * call.heads * half / (packed ? kPack : 1);
  if (threads == 0) return;
  // Indices have 32 bits: apart from memory, integer divisions are the main cost.
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  if (threads >= kMost || call.sequence * half >= kMost)
    throw std::invalid_argument("rope: more than 2^31 pairs in one call; use a smaller micro-batch");
  with_numbers(call.x, [&](auto* x) {
    using T = std::remove_pointer_t<decltype(x)>;
    const Rotation<T> of{.x = x,
                         .cosines = table,
                         .sines = table + call.sequence * half,
                         .tokens = static_cast<std::uint32_t>(call.tokens),
                         .sequence = static_cast<std::uint32_t>(call.sequence),
                         .call = call,
                         .heads = static_cast<std::uint32_t>(call.heads),
                         .half = static_cast<std::uint32_t>(half),
                         .direction = call.inverse ? -1.0F : 1.0F};
    const LaunchShape shape{blocks_for(threads, kRopeThreads), kRopeThreads};
    if (packed) {
      start(context, "a rotary embedding", shape, rotate<kPack, T>, of);
    } else {
      start(context, "a rotary embedding", shape, rotate<1, T>, of);
    }
  });
}

}  // namespace foreshard::cuda
