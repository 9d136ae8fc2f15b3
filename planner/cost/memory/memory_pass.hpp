#pragma once

#include "planner/program/ops/op.hpp"
#include "planner/spec/types/kernel_constants.hpp"

namespace foreshard {

/// What kind of pass over memory a kernel is.
/// @pre `op` is no communication.
MemoryPass memory_pass_of(const Op& op);

}  // namespace foreshard
