#pragma once

#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// Returns notes on settings of a legal job that do not affect the prediction, one sentence each, so that no
/// setting is ignored silently.
std::vector<std::string> job_notes(const JobSpec& job);

}  // namespace foreshard
