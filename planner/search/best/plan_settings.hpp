#pragma once

#include <string>
#include <vector>

#include "planner/search/setting.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// All settings of a plan that a search chooses, with the size of its cluster: set in the job's file, they make this plan
/// of it, whatever the file says or leaves to defaults.
std::vector<Setting> plan_settings(const JobSpec& plan);
/// The keys that the plan's file must not have, whatever the job's file says.
std::vector<std::string> keys_left_out(const JobSpec& plan);

}  // namespace foreshard
