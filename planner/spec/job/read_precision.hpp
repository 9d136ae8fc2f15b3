#pragma once

#include "planner/spec/types/job_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// Reads what a training section says about the precision of products: precision, fp8_scaling,
/// fp8_parameter_gather, attention_precision, bf16_layers. `fp8_scaling: mx` makes fp8 mxfp8.
void read_precision(const MapReader& map, Framework framework, TrainingSpec& training);

}  // namespace foreshard
