// x, y, dy, dx (rows,width)   d_weight, d_bias (width)   stats (rows) or (rows,2)
#include <algorithm>
#include <cstdint>

#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {
namespace {

constexpr std::int64_t kRowsPerShare = 8;

/// Into how many blocks of rows the sums of d_weight are cut: by the shape alone, so that they are the same
/// for any number of threads; few, since each costs a row of scratch.
std::int64_t sum_blocks(const NormCall& call) {
  constexpr std::int64_t kMostBlocks = 16;
  constexpr std::int64_t kRowsPerBlock = 32;
  return std::clamp<std::int64_t>(call.rows / kRowsPerBlock, 1, kMostBlocks);
}

void run_backward(Context& context, const NormCall& call) {
  const std::int64_t blocks = sum_blocks(call);
  // Of each block a row of d_weight and a row of d_bias; of heads, which have none, two of d_weight.
  float* sums = context.workspace.reserve<float>(blocks * 2 * call.width);
  std::fill_n(sums, blocks * 2 * call.width, 0.0F);
  share(context.pool, blocks, 1, [&](Range range) {
    for (std::int64_t block = range.begin; block < range.end; ++block) {
      float* d_weight = sums + block * 2 * call.width;
      context.loops.norm_backward(call, part_of(call.rows, 1, block, blocks),
                                  call.d_weight.empty() ? nullptr : d_weight,
                                  call.d_bias.empty() ? nullptr : d_weight + call.width);
    }
  });
  // Block after block into the first, then into the gradients, which are rounded once.
  const Buffer all{reinterpret_cast<std::byte*>(sums), blocks * 2 * call.width, DType::fp32};
  const Buffer first = all.part(0, 2 * call.width);
  for (std::int64_t block = 1; block < blocks; ++block)
    context.loops.add_to(first, all.part(block * 2 * call.width, 2 * call.width));
  if (!call.d_weight.empty()) context.loops.add_to(call.d_weight, first.part(0, call.weights()));
  if (!call.d_bias.empty()) context.loops.add_to(call.d_bias, first.part(call.width, call.width));
}

}  // namespace

void run(Context& context, const NormCall& call) {
  if (call.x.empty()) return;
  expect_one_width("norm", {call.x, call.weight, call.bias, call.y, call.dy, call.residual, call.dx});
  if (call.backward) return run_backward(context, call);
  share(context.pool, call.rows, kRowsPerShare, [&](Range rows) { context.loops.norm_forward(call, rows); });
}

}  // namespace foreshard::cpu
