#pragma once

#include "planner/report/record.hpp"
#include "planner/search/best/search_result.hpp"

namespace foreshard::report {

/// The fields of a search:
///   search.objective, search.memory_margin, search.complete
///   search.plans   the best plans of all sites, the best site first: rank, probability_first_is_faster, tied,
///                  replayed_s, estimate.* as of `plan`
///   search.pareto  the same of the plans of which none is both faster and smaller
///   search.values  axis, value, and of the best plan with it step_s, needed_bytes, plan; null if none fits
///   search.sites   cluster, devices, best_step_s, counts
///   search.counts  combinations, plans, too_large, slower, estimated, refused of all sites; refused_by_reason
///   search.fewest  devices, plan, step_s
Record search_record(const SearchResult& result);

}  // namespace foreshard::report
