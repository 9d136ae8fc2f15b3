#include "tests/bench/llama_layers.hpp"

#include "runtime/device/cuda/cuda_device.hpp"

namespace foreshard {
namespace {

GemmCall product(GpuBench& bench, const Buffer& a, const Buffer& b, std::int64_t m, std::int64_t n,
                 std::int64_t k, bool transpose_a, bool transpose_b) {
  return {.m = m,
          .n = n,
          .k = k,
          .transpose_a = transpose_a,
          .transpose_b = transpose_b,
          .a = a,
          .b = b,
          .c = bench.buffer(m * n)};
}

}  // namespace

Linear linear(GpuBench& bench, const Buffer& x, const Buffer& dy, std::int64_t in, std::int64_t out) {
  const Buffer w = bench.buffer(in * out);
  return {product(bench, x, w, kTokens, out, in, false, true),
          product(bench, dy, w, kTokens, in, out, false, false),
          product(bench, dy, x, out, in, kTokens, true, false)};
}

HalfLayer ffn_layer(GpuBench& bench, const LlamaShape& model, std::int64_t tp) {
  const std::int64_t ffn = model.ffn / tp;
  const std::int64_t hidden = model.hidden;
  const Buffer x = bench.buffer(kTokens * hidden);
  const Buffer dy = bench.buffer(kTokens * hidden);
  const Buffer stats = bench.buffer(kTokens, DType::fp32);
  NormCall norm{.rows = kTokens, .width = hidden, .x = x, .weight = bench.buffer(hidden)};
  norm.y = bench.buffer(kTokens * hidden);
  norm.stats = stats;
  const Buffer d_gate_up = bench.buffer(2 * kTokens * ffn);
  const Linear up = linear(bench, norm.y, d_gate_up, hidden, 2 * ffn);
  const Buffer act = bench.buffer(kTokens * ffn);
  const Linear down = linear(bench, act, dy, ffn, hidden);
  PointwiseCall swiglu{
      .kind = PointwiseKind::swiglu, .elements = kTokens * ffn, .width = ffn, .a = up.forward.c, .y = act};
  PointwiseCall swiglu_back = swiglu;
  swiglu_back.backward = true;
  swiglu_back.b = down.to_input.c;
  swiglu_back.y = d_gate_up;
  NormCall norm_back = norm;
  norm_back.backward = true;
  norm_back.dy = up.to_input.c;
  norm_back.residual = dy;
  norm_back.dx = bench.buffer(kTokens * hidden);
  norm_back.d_weight = bench.buffer(hidden, DType::fp32);
  const PointwiseCall residual{.kind = PointwiseKind::add,
                               .elements = kTokens * hidden,
                               .a = x,
                               .b = down.forward.c,
                               .y = norm_back.dx};
  return {.calls = {norm, up.forward, swiglu, down.forward, residual, down.to_input, down.to_weight,
                    swiglu_back, up.to_input, up.to_weight, norm_back},
          .flops = 3.0 * 2.0 * static_cast<double>(kTokens * hidden * 3 * ffn)};
}

AttentionLayer attention_layer(GpuBench& bench, const LlamaShape& model, std::int64_t tp) {
  constexpr std::int64_t kDim = 128;
  const std::int64_t heads = model.heads / tp;
  const std::int64_t kv_heads = model.kv_heads / tp;
  const std::int64_t hidden = model.hidden;
  const std::int64_t width = (heads + 2 * kv_heads) * kDim;
  const Buffer x = bench.buffer(kTokens * hidden);
  const Buffer dy = bench.buffer(kTokens * hidden);
  NormCall norm{.rows = kTokens, .width = hidden, .x = x, .weight = bench.buffer(hidden)};
  norm.y = bench.buffer(kTokens * hidden);
  norm.stats = bench.buffer(kTokens, DType::fp32);
  const Buffer d_qkv = bench.buffer(kTokens * width);
  const Linear qkv = linear(bench, norm.y, d_qkv, hidden, width);
  RopeCall rope{.tokens = kTokens,
                .sequence = kTokens,
                .heads = heads + kv_heads,
                .head_dim = kDim,
                .row_width = width,
                .theta = 500000.0,
                .x = qkv.forward.c};
  AttentionCall core{.batch = 1, .sequence = kTokens, .heads = heads, .kv_heads = kv_heads, .head_dim = kDim};
  core.qkv = qkv.forward.c;
  core.out = bench.buffer(kTokens * heads * kDim);
  core.lse = bench.buffer(kTokens * heads, DType::fp32);
  const Linear out = linear(bench, core.out, dy, heads * kDim, hidden);
  AttentionCall core_back = core;
  core_back.backward = true;
  core_back.d_out = out.to_input.c;
  core_back.d_qkv = d_qkv;
  RopeCall rope_back = rope;
  rope_back.inverse = true;
  rope_back.x = d_qkv;
  NormCall norm_back = norm;
  norm_back.backward = true;
  norm_back.dy = qkv.to_input.c;
  norm_back.residual = dy;
  norm_back.dx = bench.buffer(kTokens * hidden);
  norm_back.d_weight = bench.buffer(hidden, DType::fp32);
  const PointwiseCall residual{.kind = PointwiseKind::add,
                               .elements = kTokens * hidden,
                               .a = x,
                               .b = out.forward.c,
                               .y = norm_back.dx};
  AttentionLayer layer;
  layer.core = core;
  layer.core_backward = core_back;
  layer.square = static_cast<double>(kTokens) * static_cast<double>(kTokens * heads * kDim);
  // Half of the square is hidden; backward has five products for forward's two.
  layer.flops = 7.0 * layer.square +
                3.0 * 2.0 * static_cast<double>(kTokens * hidden) * static_cast<double>(width + heads * kDim);
  layer.calls = {norm,          qkv.forward, rope,      core,         out.forward,   residual, out.to_input,
                 out.to_weight, core_back,   rope_back, qkv.to_input, qkv.to_weight, norm_back};
  return layer;
}

}  // namespace foreshard
