#pragma once

#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// One value of a job, as `--set KEY=VALUE` takes it.
struct Setting {
  std::string key;    ///< "training.recompute"
  std::string value;  ///< "full"
  friend bool operator==(const Setting&, const Setting&) = default;
};

/// The settings that turn `base` into `changed`. Lists every value that differs, also those that the job
/// reader would derive from others (dp, sequence_parallel, schedule), because the job file may set them.
/// @pre they differ in nothing but parallelism, micro_batch, recompute, recompute_layers, gradient_dtype, loss chunks,
/// optimizer and its states, offload, schedule, nodes and the devices of a node
std::vector<Setting> settings_between(const JobSpec& base, const JobSpec& changed);

}  // namespace foreshard
