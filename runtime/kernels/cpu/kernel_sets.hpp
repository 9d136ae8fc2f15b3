#pragma once

#include <vector>

#include "runtime/kernels/cpu/vector/kernel_set.hpp"

namespace foreshard::cpu {

/// The sets of vectorised loops that this processor can run, the fastest first. Never empty.
std::vector<const KernelSet*> kernel_sets();

}  // namespace foreshard::cpu
