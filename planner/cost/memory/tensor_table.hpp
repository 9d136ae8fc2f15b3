#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/units/count.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// Lists of block calls that run one after the other: a chunk's forward and backward pass, or all of a stage.
using BlockCallLists = std::span<const std::span<const BlockCall>>;

/// What the memory ledger needs to know about a tensor; computed once per program.
struct TensorFacts {
  Bytes bytes;  ///< size of one instance on one rank
  Bytes kept;   ///< what is left of it after the block call that writes it
  TensorRole role = TensorRole::activation;
  Lifetime lifetime = Lifetime::block;
  bool per_layer = true;
};

/// The range of consecutive layers whose tensors some block calls can touch, including the operands' layer
/// shifts.
struct LayerWindow {
  std::int32_t first = 0;
  std::int32_t count = 0;
};

/// The tensors of a program as the memory ledger sees them, and a numbering of their instances: one number
/// per (tensor, layer) of a window, or one per tensor if all layers share it.
class TensorTable {
 public:
  /// @param of_host tensors in the host's memory count instead of those in the device's
  explicit TensorTable(const StepProgram& program, bool of_host = false);

  [[nodiscard]] const TensorFacts& operator[](TensorId id) const { return facts_[id.at()]; }

  /// The layers that these block calls can touch; empty if there are no calls.
  [[nodiscard]] LayerWindow window_of(BlockCallLists lists) const;

  /// How many instance numbers there are in this window: instance() returns 0 to this minus 1.
  [[nodiscard]] std::size_t instances(LayerWindow window) const {
    return facts_.size() * static_cast<std::size_t>(window.count);
  }

  /// The number of the instance that an operand refers to in a block call for `layer`. @pre `layer` is in the
  /// window.
  [[nodiscard]] std::size_t instance(const Operand& operand, LayerId layer, LayerWindow window) const {
    const std::int32_t at =
        (*this)[operand.tensor].per_layer ? layer.value() + operand.layer_shift : window.first;
    return operand.tensor.at() * static_cast<std::size_t>(window.count) +
           static_cast<std::size_t>(at - window.first);
  }

 private:
  std::vector<TensorFacts> facts_;  // by TensorId
  std::int32_t lowest_shift_ = 0;   // smallest layer_shift of any operand of the program
  std::int32_t highest_shift_ = 0;
};

}  // namespace foreshard
