#pragma once

#include <vector>

#include "planner/report/estimate_fields.hpp"
#include "planner/search/comparison.hpp"

namespace foreshard::report {

/// The fields of one variant in the machine-readable comparison, without its estimate, in this order:
///   variant.{tp,…}  its values on the axes that are varied
///   legal, reason   reason is null if legal
///   fits, largest_micro_batch, longest_sequence, dollars_per_1e12_tokens   null if not legal or unknown
///   speedup, efficiency   if nodes are varied
///   days_per_1e12_tokens   null if not legal
///   break_even_dollars_per_device_hour   if clusters are varied: the price at which its tokens cost as much
///                                        as those of the cheapest variant on another cluster
std::vector<Field> compare_fields(const ComparedVariant& variant);

/// The comparison's conclusion: best, runner_up, cheapest, nearest as indices of variants; tie; ahead, the
/// probability that best is faster than runner_up; text.
std::vector<Field> verdict_fields(const Comparison& comparison);

}  // namespace foreshard::report
