#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/program/program_builder.hpp"

// What an optimizer keeps of weights, as tensors. Bytes per parameter of the share that a rank updates:
//   masters   4; as remainders of bf16 weights 2; none 0
//   moments   adam two, lion and muon one, sgd none; each 4, 2 or 1 bytes; in int8 1 and an fp32 scale per
//             block of 256: 1.015625
//   factored  4·(rows + columns) bytes per matrix, 4 per element of vectors, over the ranks that share it

namespace foreshard {

/// Elements that share a scale in an 8-bit moment. Source: bitsandbytes `Optimizer2State` (blocksize 256),
/// torchao `OptimState8bit` (block_size 256).
inline constexpr std::int64_t kMomentBlock = 256;

/// The elements of a rank's share whose states are meant, and where these lie.
struct StatePart {
  std::int64_t elements = 0;
  bool on_host = false;
};

/// The operands of the optimizer's states for some weights of a group: masters, if they are kept, then what
/// `optimizer` keeps of gradients.
/// @param name distinguishes several sets of states of a group; empty if there is only one
/// @param part none: all of the rank's share, on the device
std::vector<Operand> state_operands(ProgramBuilder& builder, const WeightGroup& group,
                                    const std::vector<TensorId>& weights, OptimizerKind optimizer,
                                    const std::string& name = {},
                                    const std::optional<StatePart>& part = std::nullopt);

/// True if 16-bit weights without masters are rounded at random (training.states.master: bf16-stochastic).
bool rounds_at_random(const ProgramBuilder& builder);

/// Masters alone. Empty if none are kept.
std::vector<Operand> master_operands(ProgramBuilder& builder, const WeightGroup& group,
                                     const std::vector<TensorId>& weights, const std::string& name,
                                     const std::optional<StatePart>& part = std::nullopt);

/// The running mean of gradients alone.
Operand momentum_operand(ProgramBuilder& builder, const WeightGroup& group,
                         const std::vector<TensorId>& weights, const std::string& name);

}  // namespace foreshard
