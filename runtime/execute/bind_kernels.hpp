#pragma once

#include <span>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/topology/device_mesh.hpp"
#include "runtime/device/kernel_call.hpp"

namespace foreshard {

class MagnitudeSlots;
class Routing;

/// What binding an operation needs to know about the rank that runs it.
struct RankView {
  const StepProgram& program;
  Coordinates at;
  const OptimizerStep& optimizer;  ///< read at every update
  /// Routing of the current operation, if it belongs to a mixture of experts; read when its calls run.
  const Routing* routing = nullptr;
  double loss_weight = 1.0;  ///< of the loss to which the current operation belongs
  LayerId layer{};           ///< of the block call
  Buffer scratch{};          ///< memory that lives for one operation
  /// Delayed scaling: the largest magnitudes of this step, which quantising kernels raise, and those of the step before.
  /// Null and empty with any other scaling.
  const MagnitudeSlots* slots = nullptr;
  Buffer magnitudes{};
  Buffer earlier_magnitudes{};
};

/// Translates an operation of the compute lane into calls to the device: one call, or one for each tensor it
/// touches.
/// @param operands  by index of the operation's operands
/// @pre the program is one that the runtime can execute
std::vector<KernelCall> bind_kernels(const RankView& rank, const Op& op, std::span<const Buffer> operands);

/// The part of a whole tensor that belongs to rank `part` of `parts`: equal contiguous ranges in the order of
/// the ranks.
/// @pre parts divides the elements
Buffer share_of(const Buffer& whole, std::int64_t part, std::int64_t parts);

}  // namespace foreshard
