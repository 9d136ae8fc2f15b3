#pragma once

#include "runtime/device/kernel_call.hpp"

namespace foreshard {

/// Checks the preconditions of a call before a device runs it: every buffer has exactly the documented number
/// of elements, sizes are divisible where they must be, and devices implement the kind.
/// @throws std::invalid_argument "gemm: a has 12 elements, but m·k = 15"
void check_call(const KernelCall& call);

}  // namespace foreshard
