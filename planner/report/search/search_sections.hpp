#pragma once

#include <string>
#include <vector>

#include "planner/search/best/search_result.hpp"
#include "planner/search/space/search_axis.hpp"

namespace foreshard::report {

using Lines = std::vector<std::string>;

/// "Best: tp 8, …: 66.0 s per step …", its lead, the simulator's figure, and the job's own plan; what to do if none fits.
Lines best_lines(const SearchResult& result, const SiteResult& site);
/// The plans below each other: the choices in which they differ, step, MFU, memory, and what each loses to the first.
Lines plans_table(const std::vector<FoundPlan>& plans);
/// One line for each axis: the best step with each of its values.
Lines value_lines(const SiteResult& site);
/// The best plan with each value of one axis, as plans_table() has them, the fastest first; and the values with which none
/// fits.
Lines plans_by(const SiteResult& site, SearchAxis axis);
/// The clusters and sizes below each other, each with its best plan and how it scales.
Lines sites_table(const SearchResult& result);
/// "legal 9,804 · too large 6,120 · …" and why combinations were refused.
Lines count_lines(const SiteResult& site);
/// The fewest devices on which the job fits.
Lines fewest_lines(const SearchResult& result);

}  // namespace foreshard::report
