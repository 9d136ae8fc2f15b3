#pragma once

#include <vector>

#include "planner/spec/job/validate_job.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard::detail {

/// The largest numbers of layers, of stages, and of passes of one stage, that a plan can list. No training comes near
/// them. What a plan takes grows with the square of the stages: 4,096 take a few seconds.
inline constexpr std::int64_t kMostLayers = 100'000;
inline constexpr std::int64_t kMostStages = 4'096;
inline constexpr std::int64_t kMostPasses = 1'000'000;

/// Adds an illegality if the job has more layers or stages than a plan can list. All other checks may list
/// them, so this one runs first.
void check_listed_counts(const JobSpec& job, std::vector<Illegality>& findings);

/// Adds an illegality if the bytes or FLOPs of one rank would overflow the 64-bit counts of a plan, so that
/// no later sum overflows. @pre the job has no other illegality
void check_countable(const JobSpec& job, std::vector<Illegality>& findings);

}  // namespace foreshard::detail
