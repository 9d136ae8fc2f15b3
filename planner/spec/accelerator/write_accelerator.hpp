#pragma once

#include <string>

#include "planner/spec/types/accelerator_spec.hpp"
#include "planner/spec/yaml/figure_sources.hpp"
#include "planner/spec/yaml/map_writer.hpp"

namespace foreshard {

/// Writes the accelerator as a YAML file. Reading the file gives exactly the same spec.
/// @param comment for the top of the file: when and on which machine it was measured; none if empty
std::string write_accelerator(const AcceleratorSpec& accelerator, const std::string& comment = {});

/// Writes the keys of the accelerator below the writer's current key.
void write_accelerator_keys(const AcceleratorSpec& accelerator, MapWriter& writer,
                            const FigureSources& sources = {});

}  // namespace foreshard
