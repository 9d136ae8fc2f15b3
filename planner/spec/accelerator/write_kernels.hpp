#pragma once

#include <string>
#include <vector>

#include "planner/spec/types/kernel_constants.hpp"
#include "planner/spec/yaml/figure_sources.hpp"
#include "planner/spec/yaml/map_writer.hpp"

namespace foreshard {

/// Writes the keys `kernels` and `attention` of an accelerator.
void write_kernels(const KernelConstants& kernels, MapWriter& writer, const FigureSources& sources = {});

/// Writes the key `fits`; writes nothing if there are no fits.
void write_fits(const std::vector<KernelFit>& fits, MapWriter& writer);

/// Writes the key `source` of a map; writes nothing if `source` is empty.
void write_source(const std::string& source, MapWriter& writer);

}  // namespace foreshard
