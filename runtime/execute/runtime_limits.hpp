#pragma once

#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Lists everything in a job that the runtime cannot execute, each as "key: what is not supported, and what
/// to write instead". Empty if the job can be executed. Called before anything starts.
std::vector<std::string> what_the_runtime_lacks(const JobSpec& job);

}  // namespace foreshard
