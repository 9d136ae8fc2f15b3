#pragma once

#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// What a legal job says and no prediction depends on, one sentence each: nothing that is read is ignored in
/// silence.
std::vector<std::string> job_notes(const JobSpec& job);

}  // namespace foreshard
