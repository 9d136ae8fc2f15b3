#include "planner/program/passes/dispatch_precision.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "planner/program/passes/quantise.hpp"

namespace foreshard {

namespace {

/// Rows of 128 elements have a scale of 4 bytes.
constexpr DType kSent = DType::fp8_block;

bool is_token_exchange(const Op& op) {
  const auto* collective = std::get_if<Collective>(&op.kind);
  return collective != nullptr && collective->group == GroupKind::ep && op.component == Component::experts;
}

/// True if experts' products come before the next exchange.
bool goes_to_experts(const std::vector<Op>& ops, std::size_t exchange) {
  for (std::size_t i = exchange + 1; i < ops.size(); ++i) {
    if (is_token_exchange(ops[i])) return false;
    if (std::holds_alternative<GroupedGemm>(ops[i].kind)) return true;
  }
  return false;
}

bool reads_rows(const Op& op, TensorId id) {
  return std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
    return operand.tensor == id && operand.access != Access::write;
  });
}

/// Tensors that an operation of these blocks reads, other than as rows to be brought into another order.
std::set<TensorId> read_as_they_are(const Block& forward, const Block& backward) {
  std::set<TensorId> found;
  for (const Block* block : {&forward, &backward}) {
    for (const Op& op : block->ops) {
      if (std::holds_alternative<Permute>(op.kind)) continue;
      for (const Operand& operand : op.operands) {
        if (operand.access != Access::write) found.insert(operand.tensor);
      }
    }
  }
  return found;
}

TensorId narrow_copy(ProgramBuilder& builder, TensorId of) {
  return builder.add(copy_of(builder, of, Derivation::sent, kSent));
}

/// The pass that makes rows in 16 bits of those that arrived.
Op widening(const ProgramBuilder& builder, const Op& exchange, TensorId from, TensorId to) {
  return compute_op("widen rows", exchange.component, exchange.phase,
                    Pointwise{PointwiseKind::cast, builder.tensor(to).local_elements()},
                    {reads(from), writes(to)});
}

void narrow_exchanges(ProgramBuilder& builder, Block& block, const std::set<TensorId>& wide) {
  for (std::size_t i = 0; i < block.ops.size(); ++i) {
    if (!is_token_exchange(block.ops[i]) || !goes_to_experts(block.ops, i)) continue;
    Op& exchange = block.ops[i];
    const Operand from = exchange.operands[0];
    const TensorId to = exchange.operands[1].tensor;
    const TensorId sent = narrow_copy(builder, from.tensor);
    const TensorId arrived = narrow_copy(builder, to);
    exchange.operands = {reads(sent), writes(arrived)};
    auto& collective = std::get<Collective>(exchange.kind);
    collective.payload = std::max(builder.tensor(sent).local_bytes(), builder.tensor(arrived).local_bytes());
    const Op after = widening(builder, exchange, arrived, to);
    const Op before = quantise_op(builder, exchange, from, std::nullopt, {sent});
    for (std::size_t later = i + 1; later < block.ops.size(); ++later) {
      Op& op = block.ops[later];
      if (wide.contains(to) || !std::holds_alternative<Permute>(op.kind) || !reads_rows(op, to)) continue;
      for (Operand& operand : op.operands) {
        if (operand.tensor == to) operand.tensor = arrived;
      }
    }
    const auto place = block.ops.begin() + static_cast<std::ptrdiff_t>(i);
    if (wide.contains(to)) block.ops.insert(place + 1, after);
    block.ops.insert(block.ops.begin() + static_cast<std::ptrdiff_t>(i), before);
    ++i;
  }
}

}  // namespace

void narrow_dispatch(ProgramBuilder& builder, Block& forward, Block& backward) {
  const std::set<TensorId> wide = read_as_they_are(forward, backward);
  narrow_exchanges(builder, forward, wide);
  narrow_exchanges(builder, backward, wide);
}

}  // namespace foreshard
