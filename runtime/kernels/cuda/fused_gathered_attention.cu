// Gathered attention in a library that needs the keys of a sequence in the order of positions. Keys and
// values are copied into that order; then each chunk of consecutive queries runs with the keys up to its end.
// Backward adds the gradients of each chunk to the matrices in the same way.
//
// Example: cp 2, a causal sequence of 8 positions, rank 0 with the queries 0 1 6 7. The rows of the gathered
// keys are in the order 0 1 6 7 2 3 4 5; they are copied into the order 0 … 7. Two chunks run: queries 0 1
// with keys 0 … 1, and queries 6 7 with keys 0 … 7. Both are the case of AttentionCore: the queries are the
// last positions of the keys.
#include <algorithm>
#include <initializer_list>
#include <optional>

#include "runtime/kernels/cuda/attention.hpp"
#include "runtime/kernels/cuda/fused_attention.hpp"
#include "runtime/kernels/cuda/numbers.cuh"
#include "runtime/kernels/cuda/workspace_layout.hpp"

namespace foreshard::cuda {
namespace {

constexpr int kPieceThreads = 256;

/// Columns of heads in the rows of a matrix, and the same numbers ordered by position: (batch, positions,
/// heads, ordered_width).
struct Move {
  TokenRows rows;
  HeadColumns columns;
  std::int64_t first_position = 0;  ///< the first position in `ordered`
  std::int64_t ordered_length = 0;  ///< positions of one sequence in `ordered`
  std::int64_t heads = 0;
  std::int64_t width = 0;  ///< columns of each head that are moved
  Bf16* ordered = nullptr;
  std::int64_t ordered_width = 0;
  std::int64_t ordered_column = 0;

  /// The first column of the heads of position blockIdx.x of sequence blockIdx.y.
  __device__ Bf16* in_matrix() const {
    const std::int64_t row = rows.row_of({blockIdx.y, first_position + blockIdx.x});
    return reinterpret_cast<Bf16*>(columns.x.data) + row * columns.row_width + columns.first_column;
  }
  __device__ Bf16* in_order() const {
    const std::int64_t token = std::int64_t{blockIdx.y} * ordered_length + blockIdx.x;
    return ordered + token * heads * ordered_width + ordered_column;
  }
};

/// Calls work(address in the matrix, address in `ordered`) for every N columns of a token's heads.
template <int N, class Work>
__device__ void for_each_pack(const Move& of, const Work& work) {
  Bf16* const matrix = of.in_matrix();
  Bf16* const ordered = of.in_order();
  const auto packs = static_cast<std::uint32_t>(of.width / N);
  for (std::uint32_t at = threadIdx.x; at < of.heads * packs; at += kPieceThreads) {
    const std::uint32_t head = at / packs;
    const std::uint32_t column = (at - head * packs) * N;
    work(matrix + head * of.columns.head_stride + column, ordered + head * of.ordered_width + column);
  }
}

template <int N>
__device__ void add_to(Bf16* to, Floats<N> more) {
  const Floats<N> before = load<N>(to);
  for (int i = 0; i < N; ++i) more.at[i] += before.at[i];
  store<N>(to, more);
}

template <int N>
__global__ void __launch_bounds__(kPieceThreads) copy_in_order(Move of) {
  for_each_pack<N>(of, [](const Bf16* matrix, Bf16* ordered) { store<N>(ordered, load<N>(matrix)); });
}

template <int N>
__global__ void __launch_bounds__(kPieceThreads) add_back(Move of) {
  for_each_pack<N>(of, [](Bf16* matrix, const Bf16* ordered) { add_to<N>(matrix, load<N>(ordered)); });
}

/// For columns that all heads share: adds the sum over the heads.
template <int N>
__global__ void __launch_bounds__(kPieceThreads) add_back_sum(Move of) {
  Bf16* const matrix = of.in_matrix();
  const Bf16* const ordered = of.in_order();
  for (std::int64_t column = std::int64_t{threadIdx.x} * N; column < of.width; column += kPieceThreads * N) {
    Floats<N> sum{};
    for (std::int64_t head = 0; head < of.heads; ++head) {
      const Floats<N> more = load<N>(ordered + head * of.ordered_width + column);
      for (int i = 0; i < N; ++i) sum.at[i] += more.at[i];
    }
    add_to<N>(matrix + column, sum);
  }
}

bool is_aligned(const HeadColumns& of) {
  return are_packed({of.x}, of.row_width) && of.first_column % kPack == 0 && of.head_stride % kPack == 0;
}

bool are_in_bf16(std::initializer_list<Buffer> buffers) {
  return std::all_of(buffers.begin(), buffers.end(),
                     [](const Buffer& each) { return each.empty() || each.type == DType::bf16; });
}

/// Consecutive queries of every sequence.
struct Chunk {
  std::int64_t first_row = 0;  ///< row of the first sequence's first query
  std::int64_t first_position = 0;
  std::int64_t keys = 0;  ///< keys 0 … keys − 1 are used
};

class Fused {
 public:
  Fused(Context& context, const GatheredAttentionCall& call)
      : context_(context), call_(call), length_(call.queries.chunk()) {}

  bool run() {
    if (!is_ready() || !lay_out()) return false;
    memory_ = context_.workspace(layout_.bytes());
    order(call_.k, call_.own_dim, k_at_, call_.key_dim(), 0);
    if (call_.shared_dim > 0) {
      HeadColumns for_all = call_.shared_k;
      for_all.head_stride = 0;
      order(for_all, call_.shared_dim, k_at_, call_.key_dim(), call_.own_dim);
    }
    order(call_.v, call_.v_head_dim, v_at_, call_.v_head_dim, 0);
    for (std::int64_t i = 0; i < chunks(); ++i) run(chunk(i));
    return true;
  }

 private:
  /// 2 if the sequence is split over several ranks (TokenRows), else 1.
  [[nodiscard]] std::int64_t chunks_of_share() const { return call_.queries.share_length() / length_; }
  [[nodiscard]] std::int64_t chunks() const { return call_.queries.held * chunks_of_share(); }
  [[nodiscard]] Chunk chunk(std::int64_t index) const {
    const TokenRows& queries = call_.queries;
    const std::int64_t row = index / chunks_of_share() * queries.batch * queries.share_length() +
                             index % chunks_of_share() * length_;
    const std::int64_t first = queries.place_of(row).position;
    return {.first_row = row,
            .first_position = first,
            .keys = call_.mask.causal ? first + length_ : call_.keys.sequence};
  }

  /// Whether dtypes and alignment suit the library, which reads the queries in place.
  [[nodiscard]] bool is_ready() const {
    const bool are_bf16 = are_in_bf16({call_.q.x, call_.k.x, call_.shared_k.x, call_.v.x, call_.out,
                                       call_.d_out, call_.dq.x, call_.dk.x, call_.d_shared_k.x, call_.dv.x});
    return context_.fused_attention() != nullptr && call_.mask.is_plain() && are_bf16 &&
           is_aligned(call_.q) && call_.key_dim() % kPack == 0 &&
           are_packed({call_.out, call_.d_out}, call_.v_head_dim);
  }

  /// Plans the workspace. False if the library does not support one of the chunks.
  bool lay_out() {
    constexpr std::int64_t kBytes = sizeof(Bf16);
    const std::int64_t keys = call_.keys.batch * call_.keys.sequence * call_.kv_heads;
    const std::int64_t rows = call_.queries.batch * length_ * call_.heads;
    k_at_ = layout_.place(keys * call_.key_dim() * kBytes);
    v_at_ = layout_.place(keys * call_.v_head_dim * kBytes);
    lse_at_ = layout_.place(rows * static_cast<std::int64_t>(sizeof(float)));
    if (call_.backward) {
      dk_at_ = layout_.place(keys * call_.key_dim() * kBytes);
      dv_at_ = layout_.place(keys * call_.v_head_dim * kBytes);
      dq_at_ = layout_.place(rows * call_.key_dim() * kBytes);
    }
    std::int64_t most = 0;
    for (std::int64_t i = 0; i < chunks(); ++i) {
      const std::optional<std::int64_t> scratch =
          context_.fused_attention()->scratch_bytes(core_of(chunk(i)));
      if (!scratch) return false;
      most = std::max(most, *scratch);
    }
    scratch_at_ = layout_.place(most);
    return true;
  }

  [[nodiscard]] AttentionCore core_of(const Chunk& chunk) const {
    AttentionCore core{.backward = call_.backward,
                       .causal = call_.mask.causal,
                       .batch = call_.queries.batch,
                       .queries = length_,
                       .keys = chunk.keys,
                       .heads = call_.heads,
                       .kv_heads = call_.kv_heads,
                       .key_dim = call_.key_dim(),
                       .value_dim = call_.v_head_dim};
    const auto in_rows = [&](const Buffer& rows, std::int64_t width, std::int64_t first, std::int64_t head) {
      return HeadsInMemory{rows.part(chunk.first_row * width + first, 0).data,
                           call_.queries.share_length() * width, width, head};
    };
    const auto ordered = [&](std::int64_t at, std::int64_t length, std::int64_t heads, std::int64_t width) {
      return HeadsInMemory{memory_ + at, length * heads * width, heads * width, width};
    };
    const std::int64_t out_width = call_.heads * call_.v_head_dim;
    core.q = in_rows(call_.q.x, call_.q.row_width, call_.q.first_column, call_.q.head_stride);
    core.k = ordered(k_at_, call_.keys.sequence, call_.kv_heads, core.key_dim);
    core.v = ordered(v_at_, call_.keys.sequence, call_.kv_heads, core.value_dim);
    core.out = in_rows(call_.out, out_width, 0, core.value_dim);
    core.lse = reinterpret_cast<float*>(memory_ + lse_at_);
    if (call_.backward) {
      core.d_out = in_rows(call_.d_out, out_width, 0, core.value_dim);
      core.dq = ordered(dq_at_, length_, call_.heads, core.key_dim);
      core.dk = ordered(dk_at_, call_.keys.sequence, call_.kv_heads, core.key_dim);
      core.dv = ordered(dv_at_, call_.keys.sequence, call_.kv_heads, core.value_dim);
    }
    return core;
  }

  void run(const Chunk& chunk) {
    if (call_.backward) transpose_lse(chunk);
    context_.fused_attention()->run(context_.stream(), core_of(chunk), memory_ + scratch_at_);
    if (!call_.backward) return transpose_lse(chunk);
    add_queries(chunk);
    add_keys(call_.dk, call_.own_dim, dk_at_, call_.key_dim(), chunk.keys);
    add_keys(call_.dv, call_.v_head_dim, dv_at_, call_.v_head_dim, chunk.keys);
    if (call_.shared_dim > 0) add_shared(chunk.keys);
  }

  /// The library stores lse as (head, token), the call as (token, head).
  void transpose_lse(const Chunk& chunk) {
    for (std::int64_t sequence = 0; sequence < call_.queries.batch; ++sequence) {
      auto* const by_head = reinterpret_cast<float*>(memory_ + lse_at_) + sequence * call_.heads * length_;
      const std::int64_t row = chunk.first_row + sequence * call_.queries.share_length();
      auto* const by_token = reinterpret_cast<float*>(call_.lse.data) + row * call_.heads;
      if (call_.backward) {
        transpose_rows(context_, by_token, by_head, 1, length_, call_.heads);
      } else {
        transpose_rows(context_, by_head, by_token, 1, call_.heads, length_);
      }
    }
  }

  [[nodiscard]] Bf16* ordered_at(std::int64_t at) const { return reinterpret_cast<Bf16*>(memory_ + at); }

  [[nodiscard]] Move of_keys(const HeadColumns& columns, std::int64_t width, std::int64_t at,
                             std::int64_t ordered_width, std::int64_t ordered_column) const {
    return {.rows = call_.keys,
            .columns = columns,
            .ordered_length = call_.keys.sequence,
            .heads = call_.kv_heads,
            .width = width,
            .ordered = ordered_at(at),
            .ordered_width = ordered_width,
            .ordered_column = ordered_column};
  }

  void order(const HeadColumns& from, std::int64_t width, std::int64_t at, std::int64_t ordered_width,
             std::int64_t ordered_column) {
    move_tokens(copy_in_order<kPack>, copy_in_order<1>,
                of_keys(from, width, at, ordered_width, ordered_column), call_.keys.sequence);
  }

  void add_queries(const Chunk& chunk) {
    const Move move{.rows = call_.queries,
                    .columns = call_.dq,
                    .first_position = chunk.first_position,
                    .ordered_length = length_,
                    .heads = call_.heads,
                    .width = call_.key_dim(),
                    .ordered = ordered_at(dq_at_),
                    .ordered_width = call_.key_dim()};
    move_tokens(add_back<kPack>, add_back<1>, move, length_);
  }

  void add_keys(const HeadColumns& to, std::int64_t width, std::int64_t at, std::int64_t ordered_width,
                std::int64_t positions) {
    move_tokens(add_back<kPack>, add_back<1>, of_keys(to, width, at, ordered_width, 0), positions);
  }

  void add_shared(std::int64_t positions) {
    move_tokens(add_back_sum<kPack>, add_back_sum<1>,
                of_keys(call_.d_shared_k, call_.shared_dim, dk_at_, call_.key_dim(), call_.own_dim),
                positions);
  }

  void move_tokens(void (*packed)(Move), void (*single)(Move), const Move& move, std::int64_t positions) {
    const bool is_packed = is_aligned(move.columns) && move.width % kPack == 0 &&
                           move.ordered_width % kPack == 0 && move.ordered_column % kPack == 0;
    const LaunchShape shape{dim3(static_cast<unsigned>(positions), static_cast<unsigned>(move.rows.batch)),
                            kPieceThreads};
    start(context_, "gathered attention", shape, is_packed ? packed : single, move);
  }

  Context& context_;
  const GatheredAttentionCall& call_;
  std::int64_t length_;  // of a chunk
  WorkspaceLayout layout_;
  std::byte* memory_ = nullptr;
  std::int64_t k_at_ = 0;
  std::int64_t v_at_ = 0;
  std::int64_t lse_at_ = 0;
  std::int64_t dq_at_ = 0;
  std::int64_t dk_at_ = 0;
  std::int64_t dv_at_ = 0;
  std::int64_t scratch_at_ = 0;
};

}  // namespace

bool run_fused(Context& context, const GatheredAttentionCall& call) {
  if (call.queries.rows() == 0) return false;
  return Fused(context, call).run();
}

}  // namespace foreshard::cuda
