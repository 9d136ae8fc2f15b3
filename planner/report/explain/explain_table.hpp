#pragma once

#include <string>

#include "planner/results/explained_job.hpp"

namespace foreshard {

/// The result of `explain` for people: the step's waterfall, the critical path, what 10% more of each resource
/// is worth, and ten sentences with the commands that check them.
std::string explain_table(const ExplainedJob& explained);

}  // namespace foreshard
