#pragma once

#include "planner/program/ops/op.hpp"
#include "planner/spec/types/kernel_constants.hpp"

namespace foreshard {

/// The memory access pattern of a kernel, which determines the bandwidth that it reaches.
/// @pre `op` is not a communication.
MemoryPass memory_pass_of(const Op& op);

}  // namespace foreshard
