#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "planner/program/step_program.hpp"

namespace foreshard {

/// Delayed scaling: where the largest magnitude of each tensor that a stage quantises is kept from one step to the next.
/// Tensors that backward makes or gathers again share the place of forward's. The order is that in which the stage's
/// step comes to them, so that ranks of a stage that reduce magnitudes have the same places.
class MagnitudeSlots {
 public:
  /// @pre the program's scaling is delayed
  MagnitudeSlots(const StepProgram& program, StageId stage);

  /// The tensor of the largest magnitudes; none if the program's scaling is not delayed.
  static std::optional<TensorId> magnitudes_of(const StepProgram& program);

  /// @param copy  in 8 bits, that the layer's blocks write
  [[nodiscard]] std::int64_t slot_of(TensorId copy, LayerId layer) const {
    return slots_.at(key_of(copy, layer));
  }
  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(guesses_.size()); }

  /// What the first step takes for the largest magnitudes of the step before it: 16 in forward, 16/N in backward with the N
  /// tokens of a step, since a gradient of the mean loss by a logit is at most 1/N. It needs no exchange between ranks.
  /// (Transformer Engine starts with scales of 1, for which most gradients of a mean loss are too small.)
  [[nodiscard]] const std::vector<double>& first_guesses() const { return guesses_; }

 private:
  using Key = std::pair<TensorId, LayerId>;
  [[nodiscard]] Key key_of(TensorId copy, LayerId layer) const;

  const StepProgram& program_;
  std::map<Key, std::int64_t> slots_;
  std::vector<double> guesses_;
};

}  // namespace foreshard
