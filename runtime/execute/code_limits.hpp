#pragma once

#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// What keeps the runtime from executing the products in 8 bits of a job that it could execute otherwise; empty for jobs
/// without such products.
std::vector<std::string> what_codes_lack(const JobSpec& job);

}  // namespace foreshard
