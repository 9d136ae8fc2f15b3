#include "planner/spec/types/rank_loads.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include "planner/spec/types/normal_quantile.hpp"

namespace foreshard {

namespace {

RankLoads loads_of_experts(const ExpertsSpec& experts, std::int64_t ep) {
  const auto begin = experts.loads.begin();
  const auto each = static_cast<std::ptrdiff_t>(experts.count / ep);
  const double mean = std::accumulate(begin, experts.loads.end(), 0.0) / static_cast<double>(ep);
  RankLoads loads{.least = static_cast<double>(ep), .most = 0.0};
  for (std::ptrdiff_t rank = 0; rank < ep; ++rank) {
    const double load = std::accumulate(begin + rank * each, begin + (rank + 1) * each, 0.0) / mean;
    loads.least = std::min(loads.least, load);
    loads.most = std::max(loads.most, load);
  }
  return loads;
}

}  // namespace

RankLoads rank_loads(const ExpertsSpec& experts, std::int64_t ep) {
  if (!experts.loads.empty()) return loads_of_experts(experts, ep);
  const auto ranks = static_cast<double>(ep);
  if (experts.load_spread > 0.0) {
    const double deviation = experts.load_spread / std::sqrt(static_cast<double>(experts.count) / ranks);
    const double beyond = deviation * largest_of_normals(ranks);
    const double most =
        std::min(ranks, static_cast<double>(experts.count) / static_cast<double>(experts.per_token));
    return {.least = std::max(1.0 - beyond, 0.0), .most = std::min(1.0 + beyond, most)};
  }
  const double rest = ep > 1 ? (ranks - experts.imbalance) / (ranks - 1.0) : 1.0;
  return {.least = std::max(rest, 0.0), .most = experts.imbalance};
}

}  // namespace foreshard
