#include "planner/search/best/search_workers.hpp"

#include <cstdint>
#include <mutex>

#include "planner/search/best/workers.hpp"

namespace foreshard {

std::vector<SpacePart> ThreadWorkers::bound(std::size_t /*site*/, const SiteWork& work,
                                            const StudyProgress& progress) {
  std::vector<SpacePart> parts(work.space().parts());
  std::mutex mutex;
  std::int64_t done = 0;
  run_on_threads(parts.size(), threads_, [&](std::size_t part) {
    if (!work.is_stopped()) parts[part] = work.bound(part);
    const std::lock_guard lock(mutex);
    ++done;
    if (progress) progress("bounding plans", done, static_cast<std::int64_t>(parts.size()));
  });
  return parts;
}

std::vector<std::optional<CloseFloor>> ThreadWorkers::bound_closely(std::size_t /*site*/,
                                                                    const SiteWork& work,
                                                                    std::span<const PlanPoint> plans) {
  std::vector<std::optional<CloseFloor>> floors(plans.size());
  run_on_threads(plans.size(), threads_, [&](std::size_t i) {
    if (!work.is_stopped()) floors[i] = work.close_floor(plans[i]);
  });
  return floors;
}

std::vector<std::optional<EstimatedPlan>> ThreadWorkers::estimate(std::size_t /*site*/, const SiteWork& work,
                                                                  std::span<const PlanPoint> plans,
                                                                  const Later& /*later*/) {
  std::vector<std::optional<EstimatedPlan>> estimated(plans.size());
  run_on_threads(plans.size(), threads_, [&](std::size_t i) {
    if (!work.is_stopped()) estimated[i] = work.estimated(plans[i]);
  });
  return estimated;
}

}  // namespace foreshard
