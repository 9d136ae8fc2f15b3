#pragma once

#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// What a job asks for that the runtime cannot execute, each as "key: what, and what to say instead". Empty:
/// it can. All at once, before anything starts.
std::vector<std::string> what_the_runtime_lacks(const JobSpec& job);

}  // namespace foreshard
