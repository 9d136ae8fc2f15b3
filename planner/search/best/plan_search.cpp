#include "planner/search/best/plan_search.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <set>
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
#include "planner/spec/types/names.hpp"

namespace foreshard {
namespace {

/// Plans that are estimated before the next ones are chosen. A fixed number, so that the same plans are chosen whatever
/// the number of threads is.
constexpr std::size_t kBatch = 32;
/// Plans that are bounded by their own step programs before the next ones are chosen.
constexpr std::size_t kCloseBatch = 128;

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
    std::sort(candidates_.begin(), candidates_.end(),
              [&](const BoundedPlan& a, const BoundedPlan& b) { return rank_of(a) < rank_of(b); });
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

  /// By what candidates are ordered.
  using Rank = std::tuple<double, PlanPoint>;
  [[nodiscard]] Rank rank_of(const BoundedPlan& candidate) const {
    return {race_.key(candidate.floor.step, candidate.floor.needed), candidate.point};
  }

  /// True if so many plans are bounded closely that a batch of them comes before all other candidates.
  [[nodiscard]] bool has_batch() const {
    if (next_ == candidates_.size()) return true;
    if (close_.size() < kBatch) return false;
    return std::next(close_.begin(), kBatch - 1)->first < rank_of(candidates_[next_]);
  }

  /// Bounds the next candidates that may matter by their own step programs. Without pruning all are taken as they are.
  void bound_closely() {
    std::vector<BoundedPlan> batch;
    for (; next_ < candidates_.size() && batch.size() < kCloseBatch; ++next_) {
      if (may_matter(candidates_[next_])) {
        batch.push_back(candidates_[next_]);
      } else {
        ++result_.counts.slower;
      }
    }
    if (!request_.prunes) {
      for (const BoundedPlan& plan : batch) close_.emplace(rank_of(plan), plan);
      return;
    }
    std::vector<PlanPoint> points;
    for (const BoundedPlan& plan : batch) points.push_back(plan.point);
    const std::vector<std::optional<CloseFloor>> floors = workers_.bound_closely(site_, work_, points);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (!floors[i]) continue;
      BoundedPlan& plan = batch[i];
      plan.floor = {.step = std::max(plan.floor.step, floors[i]->floor.step),
                    .needed = floors[i]->floor.needed};
      if (floors[i]->fits)
        close_.emplace(rank_of(plan), plan);
      else
        ++result_.counts.too_large;
      if (floors[i]->fits && floors[i]->is_even) even_.insert(plan.point);
    }
  }

  /// The first closely bounded plans that may matter; counts those before them that do not.
  [[nodiscard]] std::vector<PlanPoint> next_batch() {
    std::vector<PlanPoint> batch;
    while (!close_.empty() && batch.size() < kBatch) {
      const BoundedPlan& plan = close_.begin()->second;
      if (may_matter(plan)) {
        batch.push_back(plan.point);
      } else {
        ++result_.counts.slower;
      }
      close_.erase(close_.begin());
    }
    return batch;
  }

  /// Up to `most` further plans that would be estimated if nothing better were found before.
  [[nodiscard]] std::vector<PlanPoint> later(std::size_t most) const {
    std::vector<PlanPoint> plans;
    for (auto plan = close_.begin(); plan != close_.end() && plans.size() < most; ++plan)
      if (may_matter(plan->second)) plans.push_back(plan->second.point);
    return plans;
  }

  void estimate_candidates(const std::function<void()>& shown) {
    while (!work_.is_stopped() && (next_ < candidates_.size() || !close_.empty())) {
      const bool estimates = has_batch();
      if (estimates) {
        estimate_batch();
      } else {
        bound_closely();
      }
      report_progress(next_ - close_.size());
      if (estimates) shown();
    }
  }

  /// The plan with the same step program, which splits layers evenly; else the plan itself.
  [[nodiscard]] PlanPoint same_program(PlanPoint plan) const {
    constexpr auto kStages = static_cast<std::size_t>(SearchAxis::stages);
    const AxisValues& values = work_.space().values();
    for (std::uint8_t place = 0; even_.contains(plan) && place < values.count(SearchAxis::stages); ++place)
      if (values.word(SearchAxis::stages, place) == word_of(StagePolicy::even)) plan.at[kStages] = place;
    return plan;
  }

  /// Plans with the same step program that are in one batch are estimated once.
  void estimate_batch() {
    const std::vector<PlanPoint> batch = next_batch();
    std::vector<PlanPoint> programs;
    std::vector<std::size_t> program_of;  // of the plans of the batch
    for (const PlanPoint& plan : batch) {
      const PlanPoint same = same_program(plan);
      const auto known = std::find_if(programs.begin(), programs.end(),
                                      [&](const PlanPoint& other) { return same_program(other) == same; });
      program_of.push_back(static_cast<std::size_t>(known - programs.begin()));
      if (known == programs.end()) programs.push_back(plan);
    }
    const std::vector<std::optional<EstimatedPlan>> found =
        workers_.estimate(site_, work_, programs, [&](std::size_t most) { return later(most); });
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const std::optional<EstimatedPlan>& plan = found[program_of[i]];
      if (plan) take(batch[i], *plan);
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
  std::vector<BoundedPlan> candidates_;  // by rank
  std::size_t next_ = 0;                 // of the candidates, the first that is not bounded closely
  std::map<Rank, BoundedPlan> close_;    // bounded closely, to be estimated
  std::set<PlanPoint> even_;             // of these, the plans by cost whose stages are even (CloseFloor)
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
