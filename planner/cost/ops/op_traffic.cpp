#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <variant>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/ops/mixer_traffic.hpp"
#include "planner/program/emit/emit_loss.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {
namespace {

/// How often an operand crosses the memory interface: an accumulated one is read and written.
constexpr std::int64_t passes(Access access) { return access == Access::accumulate ? 2 : 1; }

/// True for an extra output of a product that autograd allocates but no kernel fills.
bool is_placeholder(const Op& op, std::size_t index) {
  return index > 2 && op.operands[index].access == Access::write;
}

/// Elements of A (m,k), B (k,n), C (m,n). They can be fewer than the operand's: an unfused attention core
/// multiplies parts of the fused q, k and v.
std::int64_t touched_by(const Gemm& gemm, const Op& op, std::size_t index, std::int64_t all) {
  if (is_placeholder(op, index)) return 0;
  switch (index) {
    case 0: return std::min(checked_product(gemm.batch, gemm.m, gemm.k), all);
    case 1: return std::min(checked_product(gemm.batch, gemm.k, gemm.n), all);
    case 2: return std::min(checked_product(gemm.batch, gemm.m, gemm.n), all);
    default: return all;
  }
}

/// Operands forward: ids, table, y; backward: ids, dy, dtable. Of the table, one row per token is touched, at
/// most the whole table: with more tokens than rows, no row comes from memory twice.
std::int64_t touched_by(const Embedding& lookup, const Op& op, std::size_t index, std::int64_t all) {
  const std::size_t table = is_backward(op.phase) ? 2 : 1;
  return index == table ? std::min(checked_product(lookup.tokens, lookup.width), all) : all;
}

/// Further tensors of the logits' size are filled by the framework's passes (kernel_forms). A gradient that
/// is written in the place of the logits is one read and one write.
std::int64_t touched_by(const CrossEntropy& loss, const Op& op, std::size_t index, std::int64_t all) {
  const bool backward = is_backward(op.phase);
  if (index >= loss_operands(loss.part, backward)) return 0;
  const bool in_place = backward && op.operands.size() > 4 && op.operands[0].tensor == op.operands[4].tensor;
  if (index == 0 && in_place) return 0;
  const bool is_labels = index == 1 && op.operands[1].access == Access::read;
  return is_labels ? std::min(loss.tokens, all) : all;
}

/// Elements of operand `index` that an operation actually touches.
std::int64_t touched_elements(const Op& op, std::size_t index, const Tensor& tensor) {
  const std::int64_t all = tensor.local_elements();
  return std::visit(
      overloaded{
          [&](const Gemm& gemm) { return touched_by(gemm, op, index, all); },
          [&](const GroupedGemm&) { return is_placeholder(op, index) ? 0 : all; },
          [&](const Embedding& lookup) { return touched_by(lookup, op, index, all); },
          // q and k only; v is not touched
          [](const Rope& rope) { return checked_product(rope.tokens, rope.heads, rope.head_dim); },
          // columns of a wider product, or all of its own
          [&](const CausalConv& conv) { return std::min(checked_product(conv.tokens, conv.channels), all); },
          [&](const GatedNorm& norm) { return std::min(checked_product(norm.rows, norm.width), all); },
          [&](const Gate& gate) { return std::min(gate.elements, all); },
          // the operation may touch only one half of gate and up
          [&](const Pointwise& pointwise) { return std::min(pointwise.elements, all); },
          [&](const CrossEntropy& loss) { return touched_by(loss, op, index, all); },
          [&](const one_of<Attention, Norm, LinearScan, IndexScores, Route, Permute, Collective, Send, Recv,
                           HostCopy, OptimizerUpdate> auto&) { return all; }},
      op.kind);
}

Bytes operand_traffic(const Op& op, const StepProgram& program) {
  Bytes traffic;
  for (std::size_t index = 0; index < op.operands.size(); ++index) {
    const Operand& operand = op.operands[index];
    const Tensor& tensor = program.tensor(operand.tensor);
    const std::int64_t touched = touched_elements(op, index, tensor);
    // Of a tensor with all tokens one part of the operations writes its own range.
    const bool is_range = op.parts > 1 && touched < tensor.local_elements();
    traffic += (is_range ? 1 : passes(operand.access)) * bytes_of(tensor.dtype, touched);
  }
  return traffic;
}

/// Totals over the weights (or gradients) of an operation, which may touch only the rank's share of them.
struct Whole {
  std::int64_t elements = 0;
  Bytes traffic;

  void add(const Tensor& tensor, Access access) {
    elements += tensor.local_elements();
    traffic += passes(access) * tensor.local_bytes();
  }
  /// Bytes of traffic for `share` of the elements.
  [[nodiscard]] Bytes of(std::int64_t share) const {
    if (share >= elements) return traffic;
    const Int128 scaled = static_cast<Int128>(traffic.value()) * share;
    return Bytes(static_cast<std::int64_t>((scaled + elements - 1) / elements));
  }
};

/// Traffic of an optimizer update. Under ZeRO-1 the rank holds whole gradients and weights, and the update
/// touches only the rank's range of them; the optimizer's state is already only the rank's share.
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

/// Traffic of summing squares: the rank's share of the gradients, and the sum itself.
Bytes sum_traffic(const Pointwise& sum, const Op& op, const StepProgram& program) {
  Whole gradients;
  for (std::size_t i = 0; i + 1 < op.operands.size(); ++i)
    gradients.add(program.tensor(op.operands[i].tensor), op.operands[i].access);
  const Operand& total = op.operands.back();
  return gradients.of(sum.elements) + passes(total.access) * program.tensor(total.tensor).local_bytes();
}

}  // namespace

Bytes op_traffic(const Op& op, const StepProgram& program) {
  return std::visit(
      overloaded{
          // Communication and copies are priced by their links.
          [](const one_of<Collective, Send, Recv, HostCopy> auto&) { return Bytes(); },
          [&](const OptimizerUpdate& update) { return update_traffic(update, op, program); },
          [&](const Pointwise& pointwise) {
            return pointwise.kind == PointwiseKind::sum_squares ? sum_traffic(pointwise, op, program)
                                                                : operand_traffic(op, program);
          },
          [&](const LinearScan& scan) { return scan_traffic(scan, op.phase); },
          [&](const IndexScores& index) {
            return operand_traffic(op, program) + index_traffic(index, op.phase);
          },
          [&](const Attention& core) {
            return operand_traffic(op, program) + gathered_traffic(core, op.phase);
          },
          [&](const one_of<Gemm, GroupedGemm, Norm, Rope, Embedding, CrossEntropy, CausalConv, GatedNorm,
                           Gate, Route, Permute> auto&) { return operand_traffic(op, program); }},
      op.kind);
}

}  // namespace foreshard
