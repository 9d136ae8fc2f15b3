#pragma once

#include <vector>

#include "planner/spec/types/kernel_constants.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// The keys of an accelerator's `kernels`, `attention` and `fits` and of the maps inside them.
KeyTable kernels_keys();
KeyTable memory_fraction_keys();
KeyTable attention_keys();
KeyTable flash_keys();
KeyTable attention_rate_keys();
KeyTable fit_keys();

/// Reads the constants in the accelerator's `kernels` and `attention`.
KernelConstants read_kernels(const MapReader& accelerator, bool is_cpu);

/// Reads the list `fits`; empty if there is no such key.
std::vector<KernelFit> read_fits(const MapReader& accelerator);

}  // namespace foreshard
