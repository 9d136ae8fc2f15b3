#include "sim/study/replay_plans.hpp"

#include <algorithm>
#include <vector>

#include "planner/search/best/workers.hpp"
#include "sim/study/simulate_job.hpp"

namespace foreshard {

void replay_best(SearchResult& result, std::size_t count, std::size_t threads) {
  if (result.ranking.empty()) return;
  std::vector<FoundPlan>& best = result.sites[result.ranking.front()].best;
  run_on_threads(std::min(count, best.size()), threads,
                 [&](std::size_t i) { best[i].replayed = simulate_job(best[i].job(), {}).simulation.time; });
}

}  // namespace foreshard
