#pragma once

#include <vector>

#include "planner/spec/job/validate_job.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard::detail {

/// Most layers and most passes of one stage that a plan lists one by one; far beyond any model trained.
inline constexpr std::int64_t kMostLayers = 100'000;
inline constexpr std::int64_t kMostPasses = 1'000'000;

/// Adds an illegality where the model has more layers than a plan lists: every other check may list them.
void check_layer_count(const JobSpec& job, std::vector<Illegality>& findings);

/// Adds an illegality where the bytes or FLOPs of one rank would not fit the 64-bit counts of a plan: found
/// here, so that no later sum overflows. @pre the job has no other illegality.
void check_countable(const JobSpec& job, std::vector<Illegality>& findings);

}  // namespace foreshard::detail
