#pragma once

#include <string>

#include "planner/spec/types/accelerator_spec.hpp"
#include "planner/spec/yaml/figure_sources.hpp"
#include "planner/spec/yaml/map_writer.hpp"

namespace foreshard {

/// The accelerator as a YAML file that reads back as the very same spec.
/// @param comment stands on top: when and on which machine it was measured; none if empty
std::string write_accelerator(const AcceleratorSpec& accelerator, const std::string& comment = {});

/// The keys of the accelerator below the writer's current key.
void write_accelerator_keys(const AcceleratorSpec& accelerator, MapWriter& writer,
                            const FigureSources& sources = {});

}  // namespace foreshard
