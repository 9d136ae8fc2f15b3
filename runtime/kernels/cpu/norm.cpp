// x, y, dy, dx (rows,width)   d_weight, d_bias (width)   stats (rows) or (rows,2)
#include <algorithm>
#include <cstdint>

#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {
namespace {

constexpr std::int64_t kRowsPerShare = 8;

/// The number of blocks of rows for the sums of d_weight. It depends on the shape only, so that the sums are
/// the same for any number of threads. There are few blocks, because each needs a row of scratch memory.
std::int64_t sum_blocks(const NormCall& call) {
  constexpr std::int64_t kMostBlocks = 16;
  constexpr std::int64_t kRowsPerBlock = 32;
  return std::clamp<std::int64_t>(call.rows / kRowsPerBlock, 1, kMostBlocks);
}

void run_backward(Context& context, const NormCall& call) {
  const std::int64_t blocks = sum_blocks(call);
  // Each block has a row for d_weight and a row for d_bias. Norms of heads have no bias but two rows of
  // weights.
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
  // The blocks are added to the first one in order, then to the gradients, which are rounded once.
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
