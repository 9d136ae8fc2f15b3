#pragma once

#include <span>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/topology/device_mesh.hpp"
#include "runtime/device/kernel_call.hpp"

namespace foreshard {

class Routing;

/// What binding an operation needs to know of the rank that runs it.
struct RankView {
  const StepProgram& program;
  Coordinates at;
  const OptimizerStep& optimizer;  ///< read at every update
  /// Of the operation at hand, where it belongs to a mixture of experts; read when its calls run.
  const Routing* routing = nullptr;
};

/// An operation on the compute lane as calls to the device: one, or one for each tensor that it touches.
/// @param operands  by index of the operation's operands
/// @pre the program is one that the runtime can execute
std::vector<KernelCall> bind_kernels(const RankView& rank, const Op& op, std::span<const Buffer> operands);

/// The part of a whole tensor that one of `parts` ranks keeps: equal stretches, in the order of the ranks.
/// @pre parts divides the elements
Buffer share_of(const Buffer& whole, std::int64_t part, std::int64_t parts);

}  // namespace foreshard
