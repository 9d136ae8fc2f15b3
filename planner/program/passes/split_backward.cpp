#include "planner/program/passes/split_backward.hpp"

#include <algorithm>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <utility>

namespace foreshard {

namespace {

using TensorOfLayer = std::pair<TensorId, int>;  // tensor and layer shift

TensorOfLayer instance_of(const Operand& operand) { return {operand.tensor, operand.layer_shift}; }

bool reads_any(const Op& op, const std::set<TensorOfLayer>& instances) {
  return std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
    return operand.access != Access::write && instances.contains(instance_of(operand));
  });
}

std::set<TensorOfLayer> written_by(const Op& op) {
  std::set<TensorOfLayer> written;
  for (const Operand& operand : op.operands) {
    if (operand.access != Access::read) written.insert(instance_of(operand));
  }
  return written;
}

/// For each operation of the block: true if it moves to the weight block.
std::vector<bool> choose_later(const Block& backward) {
  std::vector<bool> later(backward.ops.size(), false);
  // Go through the block from its end: readers come after writers, so the readers of a collective's result
  // are decided before the collective.
  for (std::size_t i = backward.ops.size(); i-- > 0;) {
    const Op& op = backward.ops[i];
    if (!std::holds_alternative<Collective>(op.kind)) {
      later[i] = op.phase == Phase::backward_weight;
      continue;
    }
    const std::set<TensorOfLayer> brought = written_by(op);
    std::size_t readers = 0;
    std::size_t later_readers = 0;
    for (std::size_t r = i + 1; r < backward.ops.size(); ++r) {
      if (!reads_any(backward.ops[r], brought)) continue;
      ++readers;
      if (later[r]) ++later_readers;
    }
    later[i] = readers > 0 && readers == later_readers;
  }
  return later;
}

/// Checks that no operation that stays changes a tensor after an operation that moves has read it.
void check_unchanged(const ProgramBuilder& builder, const Block& backward, const std::vector<bool>& later) {
  std::set<TensorOfLayer> awaited;
  for (std::size_t i = 0; i < backward.ops.size(); ++i) {
    for (const Operand& operand : backward.ops[i].operands) {
      if (later[i] && operand.access == Access::read) awaited.insert(instance_of(operand));
      if (!later[i] && operand.access != Access::read && awaited.contains(instance_of(operand))) {
        throw std::logic_error("\"" + backward.ops[i].name + "\" changes " +
                               builder.tensor(operand.tensor).label +
                               ", which a weight gradient reads later");
      }
    }
  }
}

}  // namespace

Block split_backward(ProgramBuilder& builder, Block& backward) {
  const std::vector<bool> later = choose_later(backward);
  check_unchanged(builder, backward, later);

  Block weight{.name = backward.name.substr(0, backward.name.find(" backward")) + " weight",
               .kind = backward.kind,
               .pass = Pass::weight,
               .ops = {}};
  std::vector<Op> staying;
  std::set<TensorId> made_before;
  for (std::size_t i = 0; i < backward.ops.size(); ++i) {
    if (!later[i]) {
      for (const auto& [tensor, shift] : written_by(backward.ops[i])) made_before.insert(tensor);
    }
    (later[i] ? weight.ops : staying).push_back(std::move(backward.ops[i]));
  }
  backward.ops = std::move(staying);

  for (const Op& op : weight.ops) {
    for (const Operand& operand : op.operands) {
      Tensor& tensor = builder.tensor(operand.tensor);
      if (tensor.lifetime == Lifetime::block && made_before.contains(operand.tensor)) {
        tensor.lifetime = Lifetime::micro_batch;
      }
    }
  }
  return weight;
}

}  // namespace foreshard
