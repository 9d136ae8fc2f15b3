#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/units/count.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// Runs of visits, one after the other: a chunk's forward and backward pass, or all of a stage.
using BlockCallLists = std::span<const std::span<const BlockCall>>;

/// What the memory ledger asks of a tensor, worked out once per program.
struct TensorFacts {
  Bytes bytes;  ///< of one instance on one rank
  TensorRole role = TensorRole::activation;
  Lifetime lifetime = Lifetime::block;
  bool per_layer = true;
};

/// Consecutive layers of which visits can touch tensors, operands' shifts included.
struct LayerWindow {
  std::int32_t first = 0;
  std::int32_t count = 0;
};

/// The tensors of a program as the memory ledger sees them, and numbers for their instances: one per
/// (tensor, layer) of a window, or one per tensor where layers share it.
class TensorTable {
 public:
  explicit TensorTable(const StepProgram& program);

  [[nodiscard]] const TensorFacts& operator[](TensorId id) const { return facts_[id.at()]; }

  /// The layers that these visits can touch; empty for no visits.
  [[nodiscard]] LayerWindow window_of(BlockCallLists lists) const;

  /// How many numbers `instance` can give in this window.
  [[nodiscard]] std::size_t instances(LayerWindow window) const {
    return facts_.size() * static_cast<std::size_t>(window.count);
  }

  /// The number of the instance that an operand means in a visit of `layer`. @pre `layer` is in the window.
  [[nodiscard]] std::size_t instance(const Operand& operand, LayerId layer, LayerWindow window) const {
    const std::int32_t at =
        (*this)[operand.tensor].per_layer ? layer.value() + operand.layer_shift : window.first;
    return operand.tensor.at() * static_cast<std::size_t>(window.count) +
           static_cast<std::size_t>(at - window.first);
  }

 private:
  std::vector<TensorFacts> facts_;  // by TensorId
  std::int32_t lowest_shift_ = 0;   // of any operand of the program
  std::int32_t highest_shift_ = 0;
};

}  // namespace foreshard
