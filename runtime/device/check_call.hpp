#pragma once

#include "runtime/device/kernel_call.hpp"

namespace foreshard {

/// Holds a call to its documentation, before a device runs it: every buffer has exactly the stated number of
/// elements, sizes divide where they must, and the kind is one that a device runs.
/// @throws std::invalid_argument "gemm: a has 12 elements, but m·k = 15"
void check_call(const KernelCall& call);

}  // namespace foreshard
