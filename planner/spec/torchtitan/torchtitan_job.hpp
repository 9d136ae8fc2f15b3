#pragma once

#include <string>

#include "planner/spec/launch/launch_map.hpp"
#include "planner/spec/yaml/complaints.hpp"

namespace foreshard::detail {

/// Reads a torchtitan TOML as a job: its model by name and flavor, parallelism, batches, activation
/// checkpointing, float8. Every key is used, known to have no meaning for a plan, or named in `left_out`. Source
/// of the keys: pytorch/torchtitan, torchtitan/config/job_config.py of 2025 and its train_configs.
/// @param devices  of the cluster, from the command line; 0: not known
LaunchJob job_from_torchtitan(const SourcePtr& source, const std::string& text, std::int64_t devices,
                              Complaints& complaints);

}  // namespace foreshard::detail
