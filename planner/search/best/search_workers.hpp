#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "planner/results/study_progress.hpp"
#include "planner/search/best/site_work.hpp"

namespace foreshard {

/// Who does the work of a search. What comes back does not depend on who did it, so the result of a search is the same
/// for any workers.
class SearchWorkers {
 public:
  virtual ~SearchWorkers() = default;

  /// Bounds all parts of a site's space, by index. If the search is stopped, parts may be cut short or empty.
  /// @param site  index of the site in the request
  virtual std::vector<SpacePart> bound(std::size_t site, const SiteWork& work,
                                       const StudyProgress& progress) = 0;

  /// Bounds plans by their own step programs. None: the search was stopped before.
  virtual std::vector<std::optional<CloseFloor>> bound_closely(std::size_t site, const SiteWork& work,
                                                               std::span<const PlanPoint> plans) = 0;

  /// Gives up to so many plans that are likely to be wanted after those of a call, the likeliest first.
  using Later = std::function<std::vector<PlanPoint>(std::size_t most)>;
  /// Estimates plans. Workers with nothing to do may begin with later ones. None: the search was stopped before.
  virtual std::vector<std::optional<EstimatedPlan>> estimate(std::size_t site, const SiteWork& work,
                                                             std::span<const PlanPoint> plans,
                                                             const Later& later) = 0;
};

/// Threads of this process.
class ThreadWorkers final : public SearchWorkers {
 public:
  explicit ThreadWorkers(std::size_t threads) : threads_(threads) {}
  std::vector<SpacePart> bound(std::size_t site, const SiteWork& work,
                               const StudyProgress& progress) override;
  std::vector<std::optional<CloseFloor>> bound_closely(std::size_t site, const SiteWork& work,
                                                       std::span<const PlanPoint> plans) override;
  std::vector<std::optional<EstimatedPlan>> estimate(std::size_t site, const SiteWork& work,
                                                     std::span<const PlanPoint> plans,
                                                     const Later& later) override;

 private:
  std::size_t threads_;
};

}  // namespace foreshard
