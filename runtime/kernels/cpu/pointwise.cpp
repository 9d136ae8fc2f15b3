// a, b, c, y, y2 (elements)   gated kinds: x (rows, 2·width), y (rows, width)   bias_gradient: y (width)
#include <cmath>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {
namespace {

/// The smallest number of elements for which another thread pays: 64 KiB of fp32.
constexpr std::int64_t kElementsPerShare = std::int64_t{16} * 1024;

Buffer elements_of(const Buffer& whole, Range range) { return whole.part(range.begin, range.size()); }

void set_to_zero(const Buffer& x) { std::memset(x.data, 0, static_cast<std::size_t>(x.bytes())); }

void copy(const KernelSet& loops, const Buffer& y, const Buffer& x) {
  if (x.type != y.type) return loops.copy(y, x);
  std::memcpy(y.data, x.data, static_cast<std::size_t>(x.bytes()));
}

void run_bias_gradient(Context& context, const PointwiseCall& call) {
  share(context.pool, call.width, 64,
        [&](Range columns) { context.loops.add_columns(call.y, call.a, call.width, columns); });
}

/// Sums of blocks, added in the order of the blocks: the result is the same for any number of threads.
void run_sum_squares(Context& context, const PointwiseCall& call) {
  const std::int64_t blocks = (call.elements + kElementsPerShare - 1) / kElementsPerShare;
  double* sums = context.workspace.reserve<double>(blocks);
  share(context.pool, blocks, 1, [&](Range range) {
    for (std::int64_t block = range.begin; block < range.end; ++block) {
      const Range part = part_of(call.elements, kElementsPerShare, block, blocks);
      sums[block] = context.loops.sum_squares(elements_of(call.a, part));
    }
  });
  double total = 0.0;
  for (std::int64_t block = 0; block < blocks; ++block) total += sums[block];
  as<float>(call.y)[0] += static_cast<float>(total * call.scale);
}

void run_scale(Context& context, const PointwiseCall& call, float factor) {
  share(context.pool, call.elements, kElementsPerShare,
        [&](Range r) { context.loops.scale(elements_of(call.y, r), elements_of(call.a, r), factor); });
}

}  // namespace

void run(Context& context, const PointwiseCall& call) {
  if (call.elements == 0) return;
  const KernelSet& loops = context.loops;
  const auto by_elements = [&](const auto& work) {
    share(context.pool, call.elements, kElementsPerShare, work);
  };
  switch (call.kind) {
    case PointwiseKind::zero: return by_elements([&](Range r) { set_to_zero(elements_of(call.y, r)); });
    case PointwiseKind::cast:
      if (call.scale != 1.0) return run_scale(context, call, static_cast<float>(call.scale));
      return by_elements([&](Range r) { copy(loops, elements_of(call.y, r), elements_of(call.a, r)); });
    case PointwiseKind::normalise:
      return run_scale(context, call,
                       static_cast<float>(call.scale) / (std::sqrt(as<const float>(call.b)[0]) + 1e-7F));
    case PointwiseKind::accumulate:
      return by_elements([&](Range r) { loops.add_to(elements_of(call.y, r), elements_of(call.a, r)); });
    case PointwiseKind::bias_gradient: return run_bias_gradient(context, call);
    case PointwiseKind::sum_squares: return run_sum_squares(context, call);
    case PointwiseKind::swiglu:
    case PointwiseKind::geglu:
    case PointwiseKind::glu:
      expect_one_width("gated activation", {call.a, call.b, call.y});
      return share(context.pool, call.elements / call.width, 1 + kElementsPerShare / call.width,
                   [&](Range rows) { loops.gated(call, rows); });
    case PointwiseKind::dropout:
    case PointwiseKind::dropout_add:
    case PointwiseKind::softmax:
    case PointwiseKind::relayout:
    case PointwiseKind::quantise:
    case PointwiseKind::amax:
    case PointwiseKind::transpose:
    case PointwiseKind::unit_rows:
    case PointwiseKind::pool:
    case PointwiseKind::repeat:
    case PointwiseKind::mixing_weights:
    case PointwiseKind::read_streams:
    case PointwiseKind::write_streams:
      throw std::logic_error(std::string(to_string(call.kind)) + " is planned, not executed");
    case PointwiseKind::add:
    case PointwiseKind::gelu:
    case PointwiseKind::relu:
    case PointwiseKind::sqrelu:
    case PointwiseKind::silu:
    case PointwiseKind::sigmoid:
    case PointwiseKind::multiply:
      expect_one_width("pointwise", {call.a, call.b, call.c, call.y, call.y2});
      return by_elements([&](Range r) { loops.elementwise(call, r); });
  }
}

}  // namespace foreshard::cpu
