#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <variant>

#include "planner/cost/ops/cost_model.hpp"

namespace foreshard {
namespace {

/// How often an operand crosses the memory interface.
constexpr std::int64_t passes(Access access) { return access == Access::accumulate ? 2 : 1; }

/// Elements of its operand `index` that an operation really touches.
std::int64_t touched_elements(const Op& op, std::size_t index, const Tensor& tensor) {
  const bool is_product =
      std::holds_alternative<Gemm>(op.kind) || std::holds_alternative<GroupedGemm>(op.kind);
  if (is_product && index > 2 && op.operands[index].access == Access::write) return 0;  // a placeholder
  if (const auto* lookup = std::get_if<Embedding>(&op.kind)) {
    // Forward: ids, table, y. Backward: ids, dy, dtable. Of the table, one row per token, and no row twice
    // from memory where there are more tokens than rows.
    const std::size_t table = is_backward(op.phase) ? 2 : 1;
    if (index == table)
      return std::min(checked_product(lookup->tokens, lookup->width), tensor.local_elements());
  }
  if (const auto* rope = std::get_if<Rope>(&op.kind))
    return checked_product(rope->tokens, rope->heads, rope->head_dim);  // v stays where it is
  if (const auto* gemm = std::get_if<Gemm>(&op.kind)) {
    // A (m,k), B (k,n), C (m,n): an unfused attention core multiplies parts of the fused q, k and v.
    const std::int64_t sizes[] = {checked_product(gemm->batch, gemm->m, gemm->k),
                                  checked_product(gemm->batch, gemm->k, gemm->n),
                                  checked_product(gemm->batch, gemm->m, gemm->n)};
    if (index < std::size(sizes)) return std::min(sizes[index], tensor.local_elements());
  }
  if (const auto* pointwise = std::get_if<Pointwise>(&op.kind))
    return std::min(pointwise->elements, tensor.local_elements());  // of gate and up, one half may be met
  return tensor.local_elements();
}

Bytes operand_traffic(const Op& op, const StepProgram& program) {
  Bytes traffic;
  for (std::size_t index = 0; index < op.operands.size(); ++index) {
    const Operand& operand = op.operands[index];
    const Tensor& tensor = program.tensor(operand.tensor);
    traffic += passes(operand.access) * bytes_of(tensor.dtype, touched_elements(op, index, tensor));
  }
  return traffic;
}

/// Sum over the weights (or gradients) of an operation, which may touch only the rank's share of them.
struct Whole {
  std::int64_t elements = 0;
  Bytes traffic;

  void add(const Tensor& tensor, Access access) {
    elements += tensor.local_elements();
    traffic += passes(access) * tensor.local_bytes();
  }
  /// Bytes that `share` of the elements account for.
  [[nodiscard]] Bytes of(std::int64_t share) const {
    if (share >= elements) return traffic;
    const Int128 scaled = static_cast<Int128>(traffic.value()) * share;
    return Bytes(static_cast<std::int64_t>((scaled + elements - 1) / elements));
  }
};

/// Under ZeRO-1 the gradients and weights that stand on the rank are whole and the update works on its range
/// of them; the optimizer's own state is the rank's share already.
Bytes update_traffic(const OptimizerUpdate& update, const Op& op, const StepProgram& program) {
  Whole gradients;
  Whole weights;
  Bytes traffic;
  for (const Operand& operand : op.operands) {
    const Tensor& tensor = program.tensor(operand.tensor);
    if (tensor.role == TensorRole::gradient) {
      gradients.add(tensor, operand.access);
    } else if (tensor.role == TensorRole::weight) {
      weights.add(tensor, operand.access);
    } else {
      traffic += passes(operand.access) * tensor.local_bytes();
    }
  }
  return traffic + gradients.of(update.parameters) + weights.of(update.parameters);
}

/// The rank's share of the gradients, and the sum of their squares.
Bytes sum_traffic(const Pointwise& sum, const Op& op, const StepProgram& program) {
  Whole gradients;
  for (std::size_t i = 0; i + 1 < op.operands.size(); ++i)
    gradients.add(program.tensor(op.operands[i].tensor), op.operands[i].access);
  const Operand& total = op.operands.back();
  return gradients.of(sum.elements) + passes(total.access) * program.tensor(total.tensor).local_bytes();
}

}  // namespace

Bytes op_traffic(const Op& op, const StepProgram& program) {
  // What goes over links is priced there.
  if (is_communication(op)) return {};
  if (const auto* update = std::get_if<OptimizerUpdate>(&op.kind))
    return update_traffic(*update, op, program);
  const auto* pointwise = std::get_if<Pointwise>(&op.kind);
  if (pointwise != nullptr && pointwise->kind == PointwiseKind::sum_squares)
    return sum_traffic(*pointwise, op, program);
  return operand_traffic(op, program);
}

}  // namespace foreshard
