#include "planner/program/backward/constant_tensors.hpp"

#include <algorithm>
#include <variant>

namespace foreshard {

bool reads_constants_alone(const ProgramBuilder& builder, const std::set<TensorId>& constants, const Op& op) {
  bool has_constant = false;
  const bool reads_no_other =
      std::all_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
        if (operand.access == Access::write) return true;
        const Tensor& tensor = builder.tensor(operand.tensor);
        const bool is_known = constants.contains(operand.tensor);
        const bool is_frozen = tensor.role == TensorRole::weight && builder.is_frozen(operand.tensor);
        has_constant |= is_known || (is_frozen && std::holds_alternative<Embedding>(op.kind));
        return is_known || (operand.access == Access::read && (is_frozen || tensor.dtype == DType::int32));
      });
  return has_constant && reads_no_other;
}

std::set<TensorId> constant_tensors(const ProgramBuilder& builder, const Block& forward) {
  std::set<TensorId> constants;
  for (const Op& op : forward.ops) {
    if (!reads_constants_alone(builder, constants, op)) continue;
    for (const Operand& operand : op.operands)
      if (operand.access == Access::write && operand.layer_shift == 0) constants.insert(operand.tensor);
  }
  return constants;
}

}  // namespace foreshard
