#pragma once

#include <vector>

#include "planner/report/estimate_fields.hpp"
#include "planner/search/comparison.hpp"

namespace foreshard::report {

/// What the machine-readable comparison says about one variant beside its estimate, in this order:
///   variant.{tp,…}  the values that make it, of the axes that are varied
///   legal, reason   null where legal
///   fits, largest_micro_batch, longest_sequence, dollars_per_1e12_tokens   null where not legal or unknown
///   speedup, efficiency   where nodes are varied
///   days_per_1e12_tokens   null where not legal
///   break_even_dollars_per_device_hour   where clusters are varied: the price at which its tokens cost as
///   much
///                                        as the cheapest of another cluster
std::vector<Field> compare_fields(const ComparedVariant& variant);

/// The comparison's conclusion: best, runner_up, cheapest, nearest as indices of variants; tie; ahead, the
/// probability that best is faster than runner_up; text.
std::vector<Field> verdict_fields(const Comparison& comparison);

}  // namespace foreshard::report
