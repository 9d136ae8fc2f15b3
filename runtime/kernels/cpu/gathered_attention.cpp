// out, d_out (query rows, heads·v_head_dim)   lse (query rows, heads)   d = own_dim + shared_dim
// The keys (sequence, d) and values (sequence, v_head_dim) of one kv head of one sequence are copied into
// scratch memory, ordered by position and converted to fp32. The rest is computed in tiles, with the formulas
// of attention.cpp.
//
// Example: cp 2, a causal sequence of 1024 tokens, the queries of rank 0. They are the chunks 0 … 255 and 768
// … 1023 (TokenRows). Rows of the gathered keys are in the order of shares, so position 256 is in row 512: it
// is copied to row 256 of scratch. The queries 768 … 831 attend to the keys 0 … 831: tiles of 256, 256, 256
// and 64 keys.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "runtime/kernels/cpu/attention_sinks.hpp"
#include "runtime/kernels/cpu/attention_tiles.hpp"
#include "runtime/kernels/cpu/blas.hpp"
#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {
namespace {

/// The first `width` columns of a head of a row.
Buffer head_of(const HeadColumns& columns, std::int64_t row, std::int64_t head, std::int64_t width) {
  return columns.x.part(row * columns.row_width + columns.first_column + head * columns.head_stride, width);
}

/// One thread's scratch memory, in fp32: keys, values and their gradients by position; the queries of a tile
/// with their outputs and gradients; two tiles of scores.
struct Scratch {
  static std::int64_t size(const GatheredAttentionCall& call) {
    return 2 * (call.keys.sequence + kQueries) * (call.key_dim() + call.v_head_dim) + 2 * kTile;
  }
  Scratch(const GatheredAttentionCall& call, float* memory)
      : k(memory),
        v(k + call.keys.sequence * call.key_dim()),
        dk(v + call.keys.sequence * call.v_head_dim),
        dv(dk + call.keys.sequence * call.key_dim()),
        q(dv + call.keys.sequence * call.v_head_dim),
        dq(q + kQueries * call.key_dim()),
        out(dq + kQueries * call.key_dim()),
        d_out(out + kQueries * call.v_head_dim),
        p(d_out + kQueries * call.v_head_dim),
        dp(p + kTile) {}

  float* k;
  float* v;
  float* dk;
  float* dv;
  float* q;
  float* dq;
  float* out;
  float* d_out;
  float* p;
  float* dp;
};

/// One kv head of one sequence, on one thread.
class KvHead {
 public:
  KvHead(const KernelSet& loops, const GatheredAttentionCall& call, std::int64_t task, float* memory)
      : loops_(loops),
        call_(call),
        sequence_(task / call.kv_heads),
        kv_head_(task % call.kv_heads),
        scale_(1.0F / std::sqrt(static_cast<float>(call.key_dim()))),
        scratch_(call, memory) {}

  void run() const {
    gather_keys();
    if (call_.backward) {
      std::fill(scratch_.dk, scratch_.q, 0.0F);
    }
    const std::int64_t per_kv = call_.heads / call_.kv_heads;
    for (std::int64_t head = kv_head_ * per_kv; head < (kv_head_ + 1) * per_kv; ++head) for_queries(head);
    if (call_.backward) add_key_gradients();
  }

 private:
  void gather_keys() const {
    for (std::int64_t position = 0; position < call_.keys.sequence; ++position) {
      const std::int64_t row = call_.keys.row_of({sequence_, position});
      float* k = scratch_.k + position * call_.key_dim();
      loops_.copy(fp32_buffer(k, call_.own_dim), head_of(call_.k, row, kv_head_, call_.own_dim));
      if (call_.shared_dim > 0)
        loops_.copy(fp32_buffer(k + call_.own_dim, call_.shared_dim),
                    head_of(call_.shared_k, row, 0, call_.shared_dim));
      loops_.copy(fp32_buffer(scratch_.v + position * call_.v_head_dim, call_.v_head_dim),
                  head_of(call_.v, row, kv_head_, call_.v_head_dim));
    }
  }

  void add_key_gradients() const {
    for (std::int64_t position = 0; position < call_.keys.sequence; ++position) {
      const std::int64_t row = call_.keys.row_of({sequence_, position});
      float* dk = scratch_.dk + position * call_.key_dim();
      loops_.add_to(head_of(call_.dk, row, kv_head_, call_.own_dim), fp32_buffer(dk, call_.own_dim));
      if (call_.shared_dim > 0) {
        loops_.add_to(head_of(call_.d_shared_k, row, 0, call_.shared_dim),
                      fp32_buffer(dk + call_.own_dim, call_.shared_dim));
      }
      loops_.add_to(head_of(call_.dv, row, kv_head_, call_.v_head_dim),
                    fp32_buffer(scratch_.dv + position * call_.v_head_dim, call_.v_head_dim));
    }
  }

  /// The tiles of one head. A tile must not cross a chunk: only within one are positions of consecutive rows
  /// consecutive.
  void for_queries(std::int64_t head) const {
    const TokenRows& queries = call_.queries;
    const std::int64_t chunk = queries.chunk();
    for (std::int64_t share = 0; share < queries.held; ++share) {
      const std::int64_t begin = (share * queries.batch + sequence_) * queries.share_length();
      for (std::int64_t at = 0; at < queries.share_length(); at += chunk) {
        for (std::int64_t i = 0; i < chunk; i += kQueries) {
          const Tile tile{.row = begin + at + i,
                          .rows = std::min(kQueries, chunk - i),
                          .position = queries.place_of(begin + at + i).position,
                          .head = head};
          call_.backward ? backward(tile) : forward(tile);
        }
      }
    }
  }

  struct Tile {
    std::int64_t row = 0;  ///< of the first query
    std::int64_t rows = 0;
    std::int64_t position = 0;  ///< of the first query
    std::int64_t head = 0;
  };

  template <class Work>
  void for_keys(const Tile& tile, const Work& work) const {
    for_each_tile(call_.mask, {sequence_, tile.position}, tile.rows, call_.keys.sequence, work);
  }

  [[nodiscard]] Factor q() const { return {scratch_.q, call_.key_dim()}; }
  /// Copies the rows of the tile to `to`, contiguous and in fp32.
  void read(const Tile& tile, const HeadColumns& x, std::int64_t width, float* to) const {
    for (std::int64_t i = 0; i < tile.rows; ++i)
      loops_.copy(fp32_buffer(to + i * width, width), head_of(x, tile.row + i, tile.head, width));
  }
  /// The heads of out and d_out.
  [[nodiscard]] HeadColumns values(const Buffer& out) const {
    return {out, call_.heads * call_.v_head_dim, 0, call_.v_head_dim};
  }
  static ScoreTile scores(const Tile& tile, const TileKeys& keys, float* at) {
    return {at, tile.rows, keys.count, keys.count, keys.seen};
  }
  /// to (rows,keys) = alpha·A·Bᵀ over n columns.
  static void into_tile(const Tile& tile, const TileKeys& keys, std::int64_t n, float alpha, Factor a,
                        const float* b, float* to) {
    multiply({.m = tile.rows,
              .n = keys.count,
              .k = n,
              .alpha = alpha,
              .a = a,
              .b = {b + keys.first * n, n, true},
              .c = to,
              .stride = keys.count});
  }
  /// to (keys,n) += tileᵀ·B.
  static void add_transposed(const Tile& tile, const TileKeys& keys, std::int64_t n, const float* from,
                             Factor b, float* to) {
    multiply({.m = keys.count,
              .n = n,
              .k = tile.rows,
              .a = {from, keys.count, true},
              .b = b,
              .beta = 1.0F,
              .c = to + keys.first * n,
              .stride = n});
  }

  void forward(const Tile& tile) const {
    std::array<float, kQueries> max;
    std::array<float, kQueries> sum;
    const std::optional<float> sink = sink_of(call_.sinks, tile.head);
    max.fill(sink.value_or(-std::numeric_limits<float>::infinity()));
    sum.fill(sink ? 1.0F : 0.0F);
    const std::int64_t width = call_.v_head_dim;
    const SoftmaxState state{max.data(), sum.data(), scratch_.out, width, width};
    read(tile, call_.q, call_.key_dim(), scratch_.q);
    for_keys(tile, [&](const TileKeys& keys) {
      into_tile(tile, keys, call_.key_dim(), scale_, q(), scratch_.k, scratch_.p);
      loops_.softmax_tile(scores(tile, keys, scratch_.p), state);
      multiply({.m = tile.rows,
                .n = width,
                .k = keys.count,
                .a = {scratch_.p, keys.count},
                .b = {scratch_.v + keys.first * width, width},
                .beta = keys.is_first ? 0.0F : 1.0F,
                .c = scratch_.out,
                .stride = width});
    });
    loops_.softmax_end(state, tile.rows, as<float>(call_.lse) + tile.row * call_.heads + tile.head,
                       call_.heads);
    const HeadColumns out = values(call_.out);
    for (std::int64_t i = 0; i < tile.rows; ++i)
      loops_.copy(head_of(out, tile.row + i, tile.head, width), fp32_buffer(scratch_.out + i * width, width));
  }

  void backward(const Tile& tile) const {
    const std::int64_t d = call_.key_dim();
    const std::int64_t width = call_.v_head_dim;
    read(tile, call_.q, d, scratch_.q);
    read(tile, values(call_.out), width, scratch_.out);
    read(tile, values(call_.d_out), width, scratch_.d_out);
    const Factor d_out{scratch_.d_out, width};
    std::array<float, kQueries> out_product;
    std::array<float, kQueries> lse;
    loops_.row_products(scratch_.out, d_out.data, tile.rows, width, width, out_product.data());
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      lse[static_cast<std::size_t>(i)] = as<const float>(call_.lse)[(tile.row + i) * call_.heads + tile.head];
    }
    for_keys(tile, [&](const TileKeys& keys) {
      const ScoreTile p = scores(tile, keys, scratch_.p);
      into_tile(tile, keys, d, scale_, q(), scratch_.k, scratch_.p);
      loops_.probabilities(p, lse.data());
      add_transposed(tile, keys, width, scratch_.p, d_out, scratch_.dv);
      into_tile(tile, keys, width, 1.0F, d_out, scratch_.v, scratch_.dp);
      loops_.score_gradients(p, scratch_.dp, out_product.data(), scale_);
      multiply({.m = tile.rows,
                .n = d,
                .k = keys.count,
                .a = {scratch_.dp, keys.count},
                .b = {scratch_.k + keys.first * d, d},
                .beta = keys.is_first ? 0.0F : 1.0F,
                .c = scratch_.dq,
                .stride = d});
      add_transposed(tile, keys, d, scratch_.dp, q(), scratch_.dk);
    });
    for (std::int64_t i = 0; i < tile.rows; ++i)
      loops_.add_to(head_of(call_.dq, tile.row + i, tile.head, d), fp32_buffer(scratch_.dq + i * d, d));
  }

  const KernelSet& loops_;
  const GatheredAttentionCall& call_;
  std::int64_t sequence_;
  std::int64_t kv_head_;
  float scale_;
  Scratch scratch_;
};

}  // namespace

// If heads share key columns, all heads of a sequence add to the same gradients: one thread does all of them.
void run(Context& context, const GatheredAttentionCall& call) {
  if (call.q.x.empty()) return;
  const int threads = context.pool.threads();
  const std::int64_t size = Scratch::size(call);
  float* memory = context.workspace.reserve<float>(threads * size);
  const std::int64_t heads_per_task = call.shared_dim > 0 ? call.kv_heads : 1;
  const std::int64_t tasks = call.queries.batch * call.kv_heads / heads_per_task;
  context.pool.run([&](int thread) {
    for (std::int64_t task = thread; task < tasks; task += threads) {
      for (std::int64_t i = 0; i < heads_per_task; ++i)
        KvHead(context.loops, call, task * heads_per_task + i, memory + thread * size).run();
    }
  });
  if (!call.backward) return;
  add_sink_gradients(context, {.rows = call.queries.rows(),
                               .heads = call.heads,
                               .dim = call.v_head_dim,
                               .out = call.out,
                               .lse = call.lse,
                               .d_out = call.d_out,
                               .sinks = call.sinks,
                               .d_sinks = call.d_sinks});
}

}  // namespace foreshard::cpu
