#pragma once

#include <vector>

#include "planner/explain/lever.hpp"
#include "planner/search/setting.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// The settings that move a lever as with_more() does, for `--set`. @pre applies(lever, job.cluster)
std::vector<Setting> lever_settings(const JobSpec& job, Lever lever, double more = kMore);

}  // namespace foreshard
