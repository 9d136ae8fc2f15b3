#pragma once

#include "planner/spec/job/job_spec.hpp"
#include "planner/spec/yaml/map_reader.hpp"

namespace foreshard {

/// The training section of a job whose other parts are read; what it leaves unsaid comes from the framework's
/// conventions, the model and the parallelism.
TrainingSpec read_training(const MapReader& map, const JobSpec& job);

}  // namespace foreshard
