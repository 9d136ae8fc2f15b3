#pragma once

#include <string>
#include <vector>

#include "planner/spec/types/kernel_constants.hpp"
#include "planner/spec/yaml/figure_sources.hpp"
#include "planner/spec/yaml/map_writer.hpp"

namespace foreshard {

/// The keys `kernels` and `attention` of an accelerator.
void write_kernels(const KernelConstants& kernels, MapWriter& writer, const FigureSources& sources = {});

/// The key `fits`; nothing if there are none.
void write_fits(const std::vector<KernelFit>& fits, MapWriter& writer);

/// The key `source` of a map; nothing if there is none.
void write_source(const std::string& source, MapWriter& writer);

}  // namespace foreshard
