#pragma once

#include <vector>

#include "planner/spec/kernel_constants.hpp"
#include "planner/spec/map_writer.hpp"

namespace foreshard {

/// The keys `kernels` and `attention` of an accelerator.
void write_kernels(const KernelConstants& kernels, MapWriter& writer);

/// The key `fits`; nothing if there are none.
void write_fits(const std::vector<KernelFit>& fits, MapWriter& writer);

}  // namespace foreshard
