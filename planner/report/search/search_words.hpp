#pragma once

#include <string>

#include "planner/search/best/search_result.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard::report {

/// The choices of a plan that differ from one device's: "tp 8, pp 4, dp 2, zero 1, micro-batch 2, recompute full".
std::string plan_choices(const JobSpec& job);

/// Where a plan loses time to another and where it wins some back: the largest differences of their breakdowns, at least
/// half a percent of the step: "tp +0.5 s, bubble −0.1 s". Empty if there are none.
std::string loss_words(const Estimate& plan, const Estimate& first);

/// "step time", "tokens per dollar"
std::string_view objective_words(SearchObjective objective);
/// "step-time", as on the command line.
std::string_view objective_word(SearchObjective objective);

}  // namespace foreshard::report
