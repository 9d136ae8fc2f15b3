#include "planner/cost/memory/tensor_table.hpp"

#include <algorithm>
#include <limits>

namespace foreshard {

TensorTable::TensorTable(const StepProgram& program, bool of_host) {
  facts_.reserve(program.tensors.size());
  for (const Tensor& tensor : program.tensors) {
    const Bytes bytes = tensor.on_host == of_host ? tensor.local_bytes() : Bytes();
    facts_.push_back({.bytes = bytes,
                      .kept = Bytes(ceil_divide<std::int64_t>(bytes.value(), tensor.kept_parts)),
                      .role = tensor.role,
                      .lifetime = tensor.lifetime,
                      .per_layer = tensor.per_layer});
  }
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      for (const Operand& operand : op.operands) {
        lowest_shift_ = std::min<std::int32_t>(lowest_shift_, operand.layer_shift);
        highest_shift_ = std::max<std::int32_t>(highest_shift_, operand.layer_shift);
      }
    }
  }
}

LayerWindow TensorTable::window_of(BlockCallLists lists) const {
  std::int32_t first = std::numeric_limits<std::int32_t>::max();
  std::int32_t last = std::numeric_limits<std::int32_t>::min();
  for (const std::span<const BlockCall> block_calls : lists) {
    for (const BlockCall& block_call : block_calls) {
      first = std::min(first, block_call.layer.value());
      last = std::max(last, block_call.layer.value());
    }
  }
  if (first > last) return {};
  first += lowest_shift_;
  last += highest_shift_;
  return {.first = first, .count = last - first + 1};
}

}  // namespace foreshard
