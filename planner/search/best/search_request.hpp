#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <vector>

#include "planner/results/study_progress.hpp"
#include "planner/search/best/search_result.hpp"
#include "planner/search/space/search_axis.hpp"
#include "planner/spec/types/job_spec.hpp"

namespace foreshard {

/// What to search, and how.
struct SearchRequest {
  std::vector<JobSpec> sites;  ///< the job on each cluster (site.hpp); at least one
  std::vector<SearchAxis> free;
  SearchObjective objective = SearchObjective::step_time;
  double memory_margin = 0.0;  ///< share of the device's memory that a plan must leave free
  std::size_t top = 20;        ///< length of SiteResult::best
  std::size_t threads = 1;     ///< the result is the same for any number
  bool only_best = false;      ///< without the front and the best with each value
  bool prunes = true;          ///< false: estimate every plan, for tests of the floors
  StudyProgress progress{};
  /// Called between estimates, on the thread of the search, with a function that gives the result as if the search ended
  /// now. May be empty; does not affect the result.
  std::function<void(const std::function<SearchResult()>& now)> so_far{};
  const std::atomic<bool>* stop = nullptr;  ///< the search ends early once this is true
};

}  // namespace foreshard
