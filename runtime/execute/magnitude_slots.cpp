#include "runtime/execute/magnitude_slots.hpp"

#include <algorithm>

#include "planner/program/schedule/runs.hpp"

namespace foreshard {

MagnitudeSlots::MagnitudeSlots(const StepProgram& program, StageId stage) : program_(program) {
  const double tokens =
      static_cast<double>(checked_product(sequences_per_step(program), program.sequence_length));
  for (const Run& run : runs_of(program, stage)) {
    for (const Op& op : program.block(run.block_call.block).ops) {
      for (const Operand& operand : op.operands) {
        if (operand.access != Access::write || !is_scaled(program.tensor(operand.tensor).dtype)) continue;
        const bool is_new = slots_.emplace(key_of(operand.tensor, run.block_call.layer), count()).second;
        const bool is_gradient = program.tensor(operand.tensor).role == TensorRole::activation_gradient;
        if (is_new) guesses_.push_back(is_gradient ? 16.0 / tokens : 16.0);
      }
    }
  }
}

std::optional<TensorId> MagnitudeSlots::magnitudes_of(const StepProgram& program) {
  const auto found = std::find_if(program.tensors.begin(), program.tensors.end(), [](const Tensor& tensor) {
    return tensor.meaning.item == TensorItem::magnitudes;
  });
  if (found == program.tensors.end()) return std::nullopt;
  return TensorId(static_cast<std::size_t>(found - program.tensors.begin()));
}

MagnitudeSlots::Key MagnitudeSlots::key_of(TensorId copy, LayerId layer) const {
  // A copy, what it is a copy of, and what that is made again of.
  TensorId id = copy;
  while (program_.tensor(id).derivation == Derivation::quantised ||
         program_.tensor(id).derivation == Derivation::quantised_across ||
         program_.tensor(id).derivation == Derivation::recomputed ||
         program_.tensor(id).derivation == Derivation::gathered_again)
    id = program_.tensor(id).of.front();
  return {id, layer};
}

}  // namespace foreshard
