#include "planner/search/best/plan_search.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "planner/search/best/plan_race.hpp"
#include "planner/search/best/search_workers.hpp"
#include "planner/search/best/site_work.hpp"
#include "planner/search/likelihood.hpp"
#include "planner/spec/job/validate_job.hpp"

namespace foreshard {
namespace {

/// Plans that are estimated before the next ones are chosen. A fixed number, so that the same plans are chosen whatever
/// the number of threads is.
constexpr std::size_t kBatch = 32;

ComparedVariant planned(const JobSpec& job, Estimate estimate) {
  ComparedVariant compared;
  compared.variant.job = job;
  compared.estimate = std::move(estimate);
  return compared;
}

/// The search on one site.
class SiteSearch {
 public:
  SiteSearch(std::size_t site, const SearchRequest& request, SearchWorkers& workers)
      : site_(site),
        request_(request),
        workers_(workers),
        work_(request.sites[site], request),
        race_(work_.space().values(), request, request.sites[site].cluster.accelerator.memory_capacity) {
    result_.job = work_.space().values().base();
  }

  /// @param shown  called between estimates
  SiteResult run(const std::function<void()>& shown) {
    result_.counts.combinations = work_.space().combinations();
    plan_own();
    find_candidates();
    estimate_candidates(shown);
    return result(!work_.is_stopped());
  }

  /// What is known so far.
  [[nodiscard]] SiteResult result(bool complete) const {
    SiteResult result = result_;
    result.complete = complete;
    result.best = race_.best();
    result.front = race_.front();
    result.values = race_.values();
    compare_with_first(result.best);
    compare_with_first(result.front);
    return result;
  }

 private:
  void plan_own() {
    if (find_illegalities(result_.job).empty()) result_.own = planned(result_.job, estimate(result_.job));
  }

  // ---- floors of all plans

  void find_candidates() {
    Refusals refusals;
    for (const SpacePart& part : workers_.bound(site_, work_, request_.progress)) {
      candidates_.insert(candidates_.end(), part.candidates.begin(), part.candidates.end());
      result_.counts.plans += part.plans;
      result_.counts.too_large += part.too_large;
      result_.counts.without_floor += part.without_floor;
      result_.counts.programs += part.programs;
      refusals.add(part.refusals);
    }
    note_refusals(refusals);
    const auto rank = [&](const BoundedPlan& candidate) {
      return std::tuple(race_.key(candidate.floor.step, candidate.floor.needed), candidate.point);
    };
    std::sort(candidates_.begin(), candidates_.end(),
              [&](const BoundedPlan& a, const BoundedPlan& b) { return rank(a) < rank(b); });
  }

  void note_refusals(const Refusals& refusals) {
    std::map<std::string_view, std::int64_t> by_reason;
    for (std::size_t rule = 0; rule < refusals.by_rule.size(); ++rule)
      by_reason[work_.space().rules()[rule]] += refusals.by_rule[rule];
    for (const auto& [reason, count] : by_reason)
      if (count > 0) result_.counts.refused.emplace_back(reason, count);
    std::stable_sort(result_.counts.refused.begin(), result_.counts.refused.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
  }

  // ---- estimates of those that may be best

  [[nodiscard]] bool may_matter(const BoundedPlan& candidate) const {
    return !request_.prunes || race_.may_matter(candidate);
  }

  /// The next candidates that may matter, after `next`; counts those that do not.
  [[nodiscard]] std::vector<PlanPoint> next_batch(std::size_t& next) {
    std::vector<PlanPoint> batch;
    for (; next < candidates_.size() && batch.size() < kBatch; ++next) {
      if (may_matter(candidates_[next])) {
        batch.push_back(candidates_[next].point);
      } else {
        ++result_.counts.slower;
      }
    }
    return batch;
  }

  /// Up to `most` candidates from `next` on that would be estimated if nothing better were found before.
  [[nodiscard]] std::vector<PlanPoint> later(std::size_t next, std::size_t most) const {
    constexpr std::size_t kLookedAt = 8;  // for each wanted: what lies far behind is rarely needed
    std::vector<PlanPoint> plans;
    const std::size_t end = std::min(candidates_.size(), next + kLookedAt * most);
    for (; next < end && plans.size() < most; ++next)
      if (may_matter(candidates_[next])) plans.push_back(candidates_[next].point);
    return plans;
  }

  void estimate_candidates(const std::function<void()>& shown) {
    std::size_t next = 0;
    while (!work_.is_stopped()) {
      const std::vector<PlanPoint> batch = next_batch(next);
      if (batch.empty()) break;
      std::vector<std::optional<EstimatedPlan>> found =
          workers_.estimate(site_, work_, batch, [&](std::size_t most) { return later(next, most); });
      for (std::size_t i = 0; i < batch.size(); ++i)
        if (found[i]) take(batch[i], *std::move(found[i]));
      report_progress(next);
      shown();
    }
  }

  void take(const PlanPoint& point, EstimatedPlan found) {
    ++(found.estimate ? result_.counts.estimated : result_.counts.too_large);
    if (!found.estimate) return;
    race_.add(FoundPlan{.point = point,
                        .plan = planned(work_.space().values().job(point), *std::move(found.estimate))});
  }

  void report_progress(std::size_t next) const {
    if (!request_.progress) return;
    const std::string best =
        race_.best().empty()
            ? "none fits yet"
            : fmt::format("best {:.4g} s", race_.best().front().estimate().step.time.value());
    request_.progress(fmt::format("estimating plans, {}", best), static_cast<std::int64_t>(next),
                      static_cast<std::int64_t>(candidates_.size()));
  }

  static void compare_with_first(std::vector<FoundPlan>& plans) {
    for (std::size_t i = 1; i < plans.size(); ++i) {
      plans[i].behind = probability_faster(plans.front().plan, plans[i].plan);
      plans[i].tied = plans[i].behind < kClear;
    }
  }

  std::size_t site_;
  const SearchRequest& request_;
  SearchWorkers& workers_;
  SiteWork work_;
  PlanRace race_;
  std::vector<BoundedPlan> candidates_;
  SiteResult result_;
};

/// The smaller, the better.
double badness(const SearchResult& result, const SiteResult& site) {
  const FoundPlan& best = site.best.front();
  switch (result.objective) {
    case SearchObjective::step_time: return best.estimate().step.time.value();
    case SearchObjective::time_to_train: return time_per_token(best.estimate()).value();
    case SearchObjective::tokens_per_dollar:
      return cost_per_token(best.plan).value_or(Dollars(std::numeric_limits<double>::max())).value();
    case SearchObjective::devices: return static_cast<double>(best.job().cluster.devices());
    case SearchObjective::memory_headroom:
      return needed_by(best.estimate()).as_double() - best.estimate().memory.capacity.as_double();
  }
  return 0.0;
}

void rank_sites(SearchResult& result) {
  result.ranking.clear();
  for (std::size_t i = 0; i < result.sites.size(); ++i)
    if (!result.sites[i].best.empty()) result.ranking.push_back(i);
  std::stable_sort(result.ranking.begin(), result.ranking.end(), [&](std::size_t a, std::size_t b) {
    return badness(result, result.sites[a]) < badness(result, result.sites[b]);
  });
}

}  // namespace

std::int64_t SearchCounts::refusals() const {
  std::int64_t sum = 0;
  for (const auto& [reason, count] : refused) sum += count;
  return sum;
}

SearchResult search_plans(const SearchRequest& request) {
  ThreadWorkers workers(request.threads);
  return search_plans(request, workers);
}

SearchResult search_plans(const SearchRequest& request, SearchWorkers& workers) {
  SearchResult result{.objective = request.objective, .memory_margin = request.memory_margin};
  for (std::size_t site = 0; site < request.sites.size(); ++site) {
    SiteSearch search(site, request, workers);
    const auto now = [&] {
      SearchResult so_far = result;
      so_far.sites.push_back(search.result(false));
      rank_sites(so_far);
      return so_far;
    };
    result.sites.push_back(search.run([&] {
      if (request.so_far) request.so_far(now);
    }));
  }
  rank_sites(result);
  if (request.sites.size() == 1 && !(request.stop != nullptr && request.stop->load()))
    result.fewest = fewest_devices(request.sites.front());
  return result;
}

}  // namespace foreshard
