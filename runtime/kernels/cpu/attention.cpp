// qkv, d_qkv (batch·sequence, (heads + 2·kv_heads)·d)   out, d_out (batch·sequence, heads·d)
// lse (batch·sequence, heads)
// The scores are computed in tiles of kQueries queries by kKeys keys:
//   forward    S = Q·Kᵀ/√d   online softmax (vector/attention_tile.cpp has an example)   O += P·V
//   backward   P = exp(S − lse)   dV += Pᵀ·dO   dS = P∘(dO·Vᵀ − D)/√d   dQ += dS·K   dK += dSᵀ·Q
//              with D = Σ dO∘O of a row
// Example: a causal sequence of 600 tokens has 10 tiles of queries (64 each, the last 24). The queries 320 …
// 383 attend to the keys 0 … 383: a tile of 64 × 256 for the keys 0 … 255, then one of 64 × 128 for the keys
// 256 … 383. In the second one, row i attends to the first 65 + i columns: query 320 to the keys up to 320.
// The keys from 384 on are skipped. With a window of 100 the same queries attend to the keys 221 … 383: one tile of 64
// × 163, in which row i attends to the columns i … i + 99.
// A sink is in the softmax from the beginning: the online softmax starts with its logit as the maximum, and a sum of 1.
// Source: Dao et al. 2022, arXiv:2205.14135; Dao 2023, arXiv:2307.08691.
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

/// One head of one sequence: indices of its first row in each buffer, and distances between rows.
struct Head {
  Head(const AttentionCall& call, std::int64_t of_sequence, std::int64_t head)
      : number(head),
        sequence(of_sequence),
        d(call.head_dim),
        qkv_stride((call.heads + 2 * call.kv_heads) * d),
        out_stride(call.heads * d),
        lse_stride(call.heads),
        q_at(of_sequence * call.sequence * qkv_stride + head * d),
        k_at(q_at - head * d + (call.heads + head / (call.heads / call.kv_heads)) * d),
        v_at(k_at + call.kv_heads * d),
        out_at(of_sequence * call.sequence * out_stride + head * d),
        lse_at(of_sequence * call.sequence * lse_stride + head) {}

  std::int64_t number;
  std::int64_t sequence;
  std::int64_t d;
  std::int64_t qkv_stride;
  std::int64_t out_stride;
  std::int64_t lse_stride;
  std::int64_t q_at;
  std::int64_t k_at;
  std::int64_t v_at;
  std::int64_t out_at;
  std::int64_t lse_at;
};

/// Which queries and keys a tile has.
struct Place {
  std::int64_t query = 0;  ///< first query
  std::int64_t rows = 0;
  std::int64_t key = 0;  ///< first key
  std::int64_t columns = 0;
  bool is_first = false;  ///< no earlier tile has these queries
  const Range* seen = nullptr;
};

/// Calls work(place) for the tiles of the queries that begin with `query`.
template <class Work>
void for_each_place(const AttentionCall& call, const Head& head, std::int64_t query, const Work& work) {
  const std::int64_t rows = std::min(kQueries, call.sequence - query);
  for_each_tile(call.mask, {head.sequence, query}, rows, call.sequence, [&](const TileKeys& keys) {
    work(Place{query, rows, keys.first, keys.count, keys.is_first, keys.seen});
  });
}

float score_scale(const AttentionCall& call) { return 1.0F / std::sqrt(static_cast<float>(call.head_dim)); }

ScoreTile score_tile(const Place& place, float* scores) {
  return {scores, place.rows, place.columns, place.columns, place.seen};
}

/// tile (rows, columns) = alpha·A·Bᵀ. A (rows,d) has a row per query, B (columns,d) a row per key.
void multiply_into_tile(const Place& place, std::int64_t d, float alpha, Factor a, Factor b, float* tile) {
  b.transposed = true;
  multiply({.m = place.rows,
            .n = place.columns,
            .k = d,
            .alpha = alpha,
            .a = a,
            .b = b,
            .c = tile,
            .stride = place.columns});
}

/// C (rows,d) = tile·B [+ C]. B (columns,d) has a row per key.
void multiply_by_tile(const Place& place, std::int64_t d, const float* tile, Factor b, bool accumulate,
                      float* c, std::int64_t stride) {
  multiply({.m = place.rows,
            .n = d,
            .k = place.columns,
            .a = {tile, place.columns},
            .b = b,
            .beta = accumulate ? 1.0F : 0.0F,
            .c = c,
            .stride = stride});
}

/// C (columns,d) += tileᵀ·B. B (rows,d) has a row per query.
void add_transposed_tile(const Place& place, std::int64_t d, const float* tile, Factor b, float* c,
                         std::int64_t stride) {
  multiply({.m = place.columns,
            .n = d,
            .k = place.rows,
            .a = {tile, place.columns, true},
            .b = b,
            .beta = 1.0F,
            .c = c,
            .stride = stride});
}

void forward_queries(const KernelSet& loops, const AttentionCall& call, const Head& head, std::int64_t query,
                     float* scores) {
  const float* qkv = as<const float>(call.qkv);
  const std::int64_t stride = head.qkv_stride;
  std::array<float, kQueries> max;
  std::array<float, kQueries> sum;
  const std::optional<float> sink = sink_of(call.sinks, head.number);
  max.fill(sink.value_or(-std::numeric_limits<float>::infinity()));
  sum.fill(sink ? 1.0F : 0.0F);
  float* out = as<float>(call.out) + head.out_at + query * head.out_stride;
  const SoftmaxState state{max.data(), sum.data(), out, head.out_stride, head.d};
  for_each_place(call, head, query, [&](const Place& place) {
    multiply_into_tile(place, head.d, score_scale(call), {qkv + head.q_at + query * stride, stride},
                       {qkv + head.k_at + place.key * stride, stride}, scores);
    loops.softmax_tile(score_tile(place, scores), state);
    multiply_by_tile(place, head.d, scores, {qkv + head.v_at + place.key * stride, stride}, !place.is_first,
                     out, head.out_stride);
  });
  loops.softmax_end(state, std::min(kQueries, call.sequence - query),
                    as<float>(call.lse) + head.lse_at + query * head.lse_stride, head.lse_stride);
}

void run_forward(Context& context, const AttentionCall& call) {
  const std::int64_t query_tiles = (call.sequence + kQueries - 1) / kQueries;
  const int threads = context.pool.threads();
  float* scores = context.workspace.reserve<float>(threads * kTile);
  context.pool.run([&](int thread) {
    // Thread t gets the tasks t, t + threads, …: later queries of a causal sequence have more keys, so equal
    // ranges of tasks would be unequal work.
    for (std::int64_t task = thread; task < call.batch * call.heads * query_tiles; task += threads) {
      const std::int64_t row = task / query_tiles;
      const Head head(call, row / call.heads, row % call.heads);
      forward_queries(context.loops, call, head, task % query_tiles * kQueries, scores + thread * kTile);
    }
  });
}

/// One thread's tiles.
struct BackwardTiles {
  float* p;
  float* dp;
};

void backward_queries(const KernelSet& loops, const AttentionCall& call, const Head& head, std::int64_t query,
                      const BackwardTiles& tiles) {
  const float* qkv = as<const float>(call.qkv);
  float* d_qkv = as<float>(call.d_qkv);
  const std::int64_t stride = head.qkv_stride;
  const std::int64_t out_at = head.out_at + query * head.out_stride;
  const Factor q{qkv + head.q_at + query * stride, stride};
  const Factor d_out{as<const float>(call.d_out) + out_at, head.out_stride};
  const std::int64_t rows = std::min(kQueries, call.sequence - query);
  std::array<float, kQueries> out_product;
  std::array<float, kQueries> lse;
  loops.row_products(as<const float>(call.out) + out_at, d_out.data, rows, head.out_stride, head.d,
                     out_product.data());
  for (std::int64_t i = 0; i < rows; ++i) {
    lse[static_cast<std::size_t>(i)] = as<const float>(call.lse)[head.lse_at + (query + i) * head.lse_stride];
  }
  for_each_place(call, head, query, [&](const Place& place) {
    const Factor k{qkv + head.k_at + place.key * stride, stride};
    const Factor v{qkv + head.v_at + place.key * stride, stride};
    const ScoreTile p = score_tile(place, tiles.p);
    multiply_into_tile(place, head.d, score_scale(call), q, k, tiles.p);
    loops.probabilities(p, lse.data());
    add_transposed_tile(place, head.d, tiles.p, d_out, d_qkv + head.v_at + place.key * stride, stride);
    multiply_into_tile(place, head.d, 1.0F, d_out, v, tiles.dp);
    loops.score_gradients(p, tiles.dp, out_product.data(), score_scale(call));
    multiply_by_tile(place, head.d, tiles.dp, k, !place.is_first, d_qkv + head.q_at + query * stride, stride);
    add_transposed_tile(place, head.d, tiles.dp, q, d_qkv + head.k_at + place.key * stride, stride);
  });
}

/// One kv head and its query heads. The query heads add to the same dK and dV, one after the other.
void backward_kv_head(const KernelSet& loops, const AttentionCall& call, std::int64_t sequence,
                      std::int64_t kv_head, const BackwardTiles& tiles) {
  const std::int64_t heads_per_kv = call.heads / call.kv_heads;
  const Head first(call, sequence, kv_head * heads_per_kv);
  for (std::int64_t token = 0; token < call.sequence; ++token) {
    float* row = as<float>(call.d_qkv) + token * first.qkv_stride;
    std::fill_n(row + first.k_at, first.d, 0.0F);
    std::fill_n(row + first.v_at, first.d, 0.0F);
  }
  for (std::int64_t i = 0; i < heads_per_kv; ++i) {
    const Head head(call, sequence, kv_head * heads_per_kv + i);
    for (std::int64_t query = 0; query < call.sequence; query += kQueries) {
      backward_queries(loops, call, head, query, tiles);
    }
  }
}

void run_backward(Context& context, const AttentionCall& call) {
  const int threads = context.pool.threads();
  constexpr std::int64_t kOfThread = std::int64_t{2} * kTile;
  float* tiles = context.workspace.reserve<float>(threads * kOfThread);
  context.pool.run([&](int thread) {
    const BackwardTiles own{tiles + thread * kOfThread, tiles + thread * kOfThread + kTile};
    for (std::int64_t task = thread; task < call.batch * call.kv_heads; task += threads) {
      backward_kv_head(context.loops, call, task / call.kv_heads, task % call.kv_heads, own);
    }
  });
}

/// The same attention as a gathered one, on the columns of qkv. It adds to d_qkv.
GatheredAttentionCall gathered(const AttentionCall& call) {
  const TokenRows rows{.batch = call.batch, .sequence = call.sequence};
  const std::int64_t row_width = (call.heads + 2 * call.kv_heads) * call.head_dim;
  const std::int64_t first_k = call.heads * call.head_dim;
  const std::int64_t first_v = first_k + call.kv_heads * call.head_dim;
  const auto heads = [&](const Buffer& x, std::int64_t first) {
    return HeadColumns{x, row_width, first, call.head_dim};
  };
  return {.backward = call.backward,
          .mask = call.mask,
          .queries = rows,
          .keys = rows,
          .heads = call.heads,
          .kv_heads = call.kv_heads,
          .own_dim = call.head_dim,
          .v_head_dim = call.head_dim,
          .q = heads(call.qkv, 0),
          .k = heads(call.qkv, first_k),
          .v = heads(call.qkv, first_v),
          .out = call.out,
          .lse = call.lse,
          .sinks = call.sinks,
          .d_out = call.d_out,
          .d_sinks = call.d_sinks,
          .dq = heads(call.d_qkv, 0),
          .dk = heads(call.d_qkv, first_k),
          .dv = heads(call.d_qkv, first_v)};
}

}  // namespace

void run(Context& context, const AttentionCall& call) {
  if (call.qkv.empty()) return;
  if (call.qkv.type == DType::bf16) {  // gathered attention converts q, k and v to fp32 first
    if (call.backward) std::fill_n(call.d_qkv.data, call.d_qkv.bytes(), std::byte{0});
    return run(context, gathered(call));
  }
  if (!call.backward) return run_forward(context, call);
  run_backward(context, call);
  add_sink_gradients(context, {.rows = call.batch * call.sequence,
                               .heads = call.heads,
                               .dim = call.head_dim,
                               .out = call.out,
                               .lse = call.lse,
                               .d_out = call.d_out,
                               .sinks = call.sinks,
                               .d_sinks = call.d_sinks});
}

}  // namespace foreshard::cpu
