#include "planner/search/best/plan_search.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "planner/program/build/build_step_program.hpp"
#include "planner/search/best/plan_race.hpp"
#include "planner/search/best/workers.hpp"
#include "planner/search/likelihood.hpp"
#include "planner/search/space/plan_space.hpp"
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
  SiteSearch(const JobSpec& job, const SearchRequest& request)
      : request_(request),
        space_(job, request.free),
        most_needed_(job.cluster.accelerator.memory_capacity.as_double() * (1.0 - request.memory_margin)),
        race_(space_.values(), request, job.cluster.accelerator.memory_capacity) {
    result_.job = space_.values().base();
  }

  /// @param shown  called between estimates
  SiteResult run(const std::function<void()>& shown) {
    result_.counts.combinations = space_.combinations();
    plan_own();
    find_candidates();
    estimate_candidates(shown);
    return result(!is_stopped());
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
  /// What one part of the space contributes.
  struct Part {
    std::vector<BoundedPlan> candidates;
    SearchCounts counts;
    Refusals refusals;
  };

  [[nodiscard]] bool is_stopped() const { return request_.stop != nullptr && request_.stop->load(); }
  [[nodiscard]] bool fits(Bytes needed) const { return needed.as_double() <= most_needed_; }

  void plan_own() {
    if (find_illegalities(result_.job).empty()) result_.own = planned(result_.job, estimate(result_.job));
  }

  // ---- floors of all plans

  [[nodiscard]] Part walk(std::size_t index) const {
    Part part;
    PlanFloors floors(space_.values().base(), Bytes(static_cast<std::int64_t>(most_needed_)));
    part.refusals = space_.walk(index, [&](const PlanPoint& point, const JobSpec& job) {
      ++part.counts.plans;
      std::optional<PlanFloor> floor;
      if (request_.prunes) floor = floors.floor(point, job);
      if (!floor) ++part.counts.without_floor;
      if (floor && !fits(floor->needed)) {
        ++part.counts.too_large;
      } else {
        part.candidates.push_back({point, floor.value_or(PlanFloor{})});
      }
      return !is_stopped();
    });
    part.counts.programs = floors.programs();
    return part;
  }

  void find_candidates() {
    std::vector<Part> parts(space_.parts());
    std::mutex mutex;
    std::int64_t done = 0;
    run_on_threads(parts.size(), request_.threads, [&](std::size_t index) {
      if (!is_stopped()) parts[index] = walk(index);
      const std::lock_guard lock(mutex);
      ++done;
      if (request_.progress)
        request_.progress("bounding plans", done, static_cast<std::int64_t>(parts.size()));
    });
    Refusals refusals;
    for (Part& part : parts) {
      candidates_.insert(candidates_.end(), part.candidates.begin(), part.candidates.end());
      result_.counts.plans += part.counts.plans;
      result_.counts.too_large += part.counts.too_large;
      result_.counts.without_floor += part.counts.without_floor;
      result_.counts.programs += part.counts.programs;
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
      by_reason[space_.rules()[rule]] += refusals.by_rule[rule];
    for (const auto& [reason, count] : by_reason)
      if (count > 0) result_.counts.refused.emplace_back(reason, count);
    std::stable_sort(result_.counts.refused.begin(), result_.counts.refused.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
  }

  // ---- estimates of those that may be best

  /// The plan with its estimate; none if it does not fit.
  [[nodiscard]] std::optional<FoundPlan> estimated(const BoundedPlan& candidate) const {
    const JobSpec job = space_.values().job(candidate.point);
    const StepProgram program = build_step_program(job);
    const MemoryReport memory = memory_report(job, program);
    const bool host_fits = !memory.host || memory.host->fits();
    if (!host_fits || !fits(memory.reserved + memory.context)) return std::nullopt;
    return FoundPlan{.point = candidate.point, .plan = planned(job, foreshard::estimate(job, program))};
  }

  /// The next candidates that may matter, after `next`; counts those that do not.
  [[nodiscard]] std::vector<BoundedPlan> next_batch(std::size_t& next) {
    std::vector<BoundedPlan> batch;
    for (; next < candidates_.size() && batch.size() < kBatch; ++next) {
      if (!request_.prunes || race_.may_matter(candidates_[next])) {
        batch.push_back(candidates_[next]);
      } else {
        ++result_.counts.slower;
      }
    }
    return batch;
  }

  void estimate_candidates(const std::function<void()>& shown) {
    std::size_t next = 0;
    while (!is_stopped()) {
      const std::vector<BoundedPlan> batch = next_batch(next);
      if (batch.empty()) break;
      std::vector<std::optional<FoundPlan>> found(batch.size());
      run_on_threads(batch.size(), request_.threads, [&](std::size_t i) { found[i] = estimated(batch[i]); });
      for (std::optional<FoundPlan>& plan : found) {
        ++(plan ? result_.counts.estimated : result_.counts.too_large);
        if (plan) race_.add(*std::move(plan));
      }
      report_progress(next);
      shown();
    }
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

  const SearchRequest& request_;
  PlanSpace space_;
  double most_needed_;  // bytes
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
  SearchResult result{.objective = request.objective, .memory_margin = request.memory_margin};
  for (const JobSpec& job : request.sites) {
    SiteSearch search(job, request);
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
