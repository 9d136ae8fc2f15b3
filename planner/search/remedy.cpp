#include "planner/search/remedy.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/search/change.hpp"

namespace foreshard {
namespace {

/// Most pairs and most triples of changes that are planned. A plan takes about a millisecond.
constexpr std::int64_t kMostPairs = 48;
constexpr std::int64_t kMostTriples = 64;
/// The search ends after this many changes that fit; they are tried in the order of their expected slowdown.
constexpr std::size_t kEnough = 2 * kMostRemedies;
/// Changes are tried together only if the sum of what they save alone is at least this part of the missing
/// memory.
constexpr double kWorthTrying = 0.6;
/// A larger change must be faster than a part of it by this fraction to be worth setting more keys.
constexpr double kWorthMore = 0.005;
/// A single change with at most this slowdown, and no later in an expert's order than sharding the optimizer,
/// ends the search.
constexpr double kAlmostFree = 0.002;
constexpr int kEasy = 2;
/// What takes this much longer than the fastest remedy, as a share of the step, is no advice.
constexpr double kMuchSlower = 0.5;

/// Factors by which the number of nodes is increased, in the order in which they are tried.
constexpr std::array<std::int64_t, 15> kMoreNodes{2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512};

struct Tried {
  Change change;
  double saved = 0.0;  ///< bytes per device
  double slowdown = 0.0;
};

double needed_of(const MemoryReport& memory) { return (memory.reserved + memory.context).as_double(); }

/// A combination of two or more changes that has not been planned yet.
struct Candidate {
  Change change;
  double saved = 0.0;     ///< sum of what its parts save alone
  double slowdown = 0.0;  ///< product of the slowdowns of its parts alone
};

class RemedySearch {
 public:
  RemedySearch(const JobSpec& job, const Estimate& estimate, std::span<const Axis> fixed)
      : job_(job),
        fixed_(fixed),
        step_(estimate.step.time),
        needed_(needed_of(estimate.memory)),
        missing_(needed_ - estimate.memory.capacity.as_double()) {}

  Advice run() {
    try_singles();
    const bool is_solved = std::any_of(fitting_.begin(), fitting_.end(), [](const auto& found) {
      return found.second.slowdown <= kAlmostFree && place_of(found.first) <= kEasy;
    });
    if (!is_solved) try_together(pairs(), kMostPairs);
    if (fitting_.empty()) try_together(triples(), kMostTriples);
    if (fitting_.empty()) try_many();
    if (fitting_.empty() && may_grow()) try_more_nodes();
    return {.remedies = best(), .plans = plans_};
  }

 private:
  using Found = std::pair<Change, Remedy>;

  /// Plans the changed job and keeps it as a remedy if it fits. @returns its estimate; none if it is not
  /// legal
  std::optional<Estimate> plan_whole(const Change& change) {
    std::optional<JobSpec> changed = changed_job(job_, change, fixed_);
    if (!changed) return std::nullopt;
    ++plans_;
    Estimate answer = estimate(*changed);
    if (answer.memory.fits) remember(change, std::move(*changed), answer);
    return answer;
  }

  /// The same without returning an estimate: checks memory first, so that jobs that do not fit are not
  /// priced.
  void plan_memory(const Change& change) {
    std::optional<JobSpec> changed = changed_job(job_, change, fixed_);
    if (!changed) return;
    ++plans_;
    const StepProgram program = build_step_program(*changed);
    if (!memory_report(*changed, program).fits) return;
    const Estimate answer = estimate(*changed, program);
    remember(change, std::move(*changed), answer);
  }

  void remember(const Change& change, JobSpec changed, const Estimate& answer) {
    std::vector<Setting> settings = settings_between(job_, changed);
    fitting_.emplace_back(change, Remedy{.settings = std::move(settings),
                                         .job = std::move(changed),
                                         .needed = answer.memory.reserved + answer.memory.context,
                                         .step = answer.step.time,
                                         .slowdown = answer.step.time / step_ - 1.0});
  }

  void try_singles() {
    for (const Change& change : single_changes(job_, fixed_)) {
      const auto answer = plan_whole(change);
      if (!answer) continue;
      singles_.push_back({.change = change,
                          .saved = needed_ - needed_of(answer->memory),
                          .slowdown = answer->step.time / step_ - 1.0});
    }
  }

  void add(std::vector<Candidate>& candidates, const Candidate& first, const Tried& second) const {
    const auto change = both(first.change, second.change);
    const double saved = first.saved + second.saved;
    if (!change) return;
    candidates.push_back({*change, saved, (1.0 + first.slowdown) * (1.0 + second.slowdown) - 1.0});
  }

  [[nodiscard]] std::vector<Candidate> pairs() const {
    std::vector<Candidate> candidates;
    for (std::size_t a = 0; a < singles_.size(); ++a) {
      const Tried& one = singles_[a];
      for (std::size_t b = a + 1; b < singles_.size(); ++b)
        add(candidates, {one.change, one.saved, one.slowdown}, singles_[b]);
    }
    return candidates;
  }

  [[nodiscard]] std::vector<Candidate> triples() const {
    std::vector<Candidate> candidates;
    for (std::size_t a = 0; a < singles_.size(); ++a) {
      for (std::size_t b = a + 1; b < singles_.size(); ++b) {
        std::vector<Candidate> pair;
        add(pair, {singles_[a].change, singles_[a].saved, singles_[a].slowdown}, singles_[b]);
        if (pair.empty()) continue;
        for (std::size_t c = b + 1; c < singles_.size(); ++c) add(candidates, pair.front(), singles_[c]);
      }
    }
    return candidates;
  }

  void try_together(std::vector<Candidate> candidates, std::int64_t most) {
    std::erase_if(candidates,
                  [&](const Candidate& candidate) { return candidate.saved < kWorthTrying * missing_; });
    // What takes the host's memory as well is tried when the rest is not enough.
    std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
      return std::pair(a.change.uses_host(), a.slowdown) < std::pair(b.change.uses_host(), b.slowdown);
    });
    const std::int64_t end = plans_ + most;
    const std::size_t before = fitting_.size();
    for (const Candidate& candidate : candidates) {
      if (plans_ >= end || fitting_.size() - before >= kEnough) return;
      if (!is_needless(candidate)) plan_memory(candidate.change);
    }
  }

  /// Adds change to change, those that save most first and those that take the host's memory last, until the job fits;
  /// then takes each away again that is not needed, those that cost most time first.
  void try_many() {
    std::vector<const Tried*> left;
    for (const Tried& single : singles_) {
      if (single.saved > 0.0) left.push_back(&single);
    }
    std::stable_sort(left.begin(), left.end(), [](const Tried* a, const Tried* b) {
      return std::pair(a->change.uses_host(), -a->saved) < std::pair(b->change.uses_host(), -b->saved);
    });
    std::vector<const Tried*> taken;
    for (const Tried* single : left) {
      if (!fitting_.empty()) break;
      taken.push_back(single);
      const std::optional<Change> sum = sum_of(taken);
      if (sum && changed_job(job_, *sum, fixed_))
        plan_memory(*sum);
      else
        taken.pop_back();
    }
    if (fitting_.empty()) return;
    std::stable_sort(taken.begin(), taken.end(),
                     [](const Tried* a, const Tried* b) { return a->slowdown > b->slowdown; });
    for (std::size_t i = 0; i < taken.size();) {
      std::vector<const Tried*> fewer = taken;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      const std::size_t before = fitting_.size();
      if (const std::optional<Change> sum = sum_of(fewer)) plan_memory(*sum);
      if (fitting_.size() > before)
        taken = std::move(fewer);
      else
        ++i;
    }
  }

  /// All of the changes as one; none if two of them set the same value.
  static std::optional<Change> sum_of(const std::vector<const Tried*>& changes) {
    std::optional<Change> sum = Change{};
    for (const Tried* one : changes) {
      if (sum) sum = both(*sum, one->change);
    }
    return sum;
  }

  /// True if a part of the candidate fits and is expected to be as fast.
  [[nodiscard]] bool is_needless(const Candidate& candidate) const {
    return std::any_of(fitting_.begin(), fitting_.end(), [&](const Found& found) {
      return is_part_of(found.first, candidate.change) &&
             found.second.slowdown <= candidate.slowdown + kWorthMore;
    });
  }

  [[nodiscard]] bool may_grow() const {
    return std::none_of(fixed_.begin(), fixed_.end(),
                        [](Axis axis) { return axis == Axis::nodes || axis == Axis::cluster; });
  }

  /// The changes to combine with more nodes: none, and those that save most memory.
  [[nodiscard]] std::vector<Change> thrifty_changes() const {
    std::vector<Change> changes{Change{}};
    for (const std::int64_t zero : {1, 3}) {
      if (zero > job_.parallelism.zero) changes.push_back({.zero = zero});
    }
    if (job_.training.recompute == Recompute::full) return changes;
    const std::size_t without = changes.size();
    for (std::size_t i = 0; i < without; ++i) {
      changes.push_back(changes[i]);
      changes.back().recompute = Recompute::full;
    }
    return changes;
  }

  /// Finds the smallest number of nodes, of those tried, with which the job fits. The nodes are used as more
  /// replicas or as more stages.
  void try_more_nodes() {
    const std::vector<Change> beside = thrifty_changes();
    for (const std::int64_t factor : kMoreNodes) {
      for (const std::int64_t stages : {std::int64_t{1}, std::int64_t{2}, factor}) {
        if (stages == 2 && factor == 2) continue;  // comes next
        for (Change change : beside) {
          change.nodes = factor * job_.cluster.nodes;
          if (stages > 1) change.pp = stages * job_.parallelism.pp;
          plan_memory(change);
        }
      }
      if (!fitting_.empty()) return;
    }
  }

  /// True if a part of this change is enough and as fast.
  [[nodiscard]] bool has_enough_in_part(const Found& found) const {
    return std::any_of(fitting_.begin(), fitting_.end(), [&](const Found& other) {
      return is_part_of(other.first, found.first) &&
             other.second.slowdown <= found.second.slowdown + kWorthMore;
    });
  }

  /// What fits, the fastest first; of equally fast ones, what an expert tries first and what changes less.
  /// Without needless changes, and without what costs much more than the fastest.
  std::vector<const Found*> worthwhile() {
    std::stable_sort(fitting_.begin(), fitting_.end(), [](const Found& a, const Found& b) {
      const auto rank = [](const Found& found) {
        return std::tuple(std::round(found.second.slowdown / 0.001), place_of(found.first),
                          found.second.settings.size());
      };
      return rank(a) < rank(b);
    });
    std::vector<const Found*> kept;
    for (const Found& found : fitting_) {
      const bool is_told = std::any_of(kept.begin(), kept.end(), [&](const Found* other) {
        return other->second.settings == found.second.settings;
      });
      const bool costs_much =
          !kept.empty() && found.second.slowdown > kept.front()->second.slowdown + kMuchSlower;
      if (!is_told && !costs_much && !has_enough_in_part(found)) kept.push_back(&found);
    }
    return kept;
  }

  /// Of what is worthwhile: the fastest; then what an expert tries before that, the fastest of each place, the
  /// first places; then what is left, the fastest first. In an expert's order.
  std::vector<Remedy> best() {
    const std::vector<const Found*> found = worthwhile();
    std::vector<const Found*> chosen;
    const auto choose = [&](const Found* one) {
      const bool is_new = std::find(chosen.begin(), chosen.end(), one) == chosen.end();
      if (is_new && chosen.size() < kMostRemedies) chosen.push_back(one);
    };
    if (!found.empty()) choose(found.front());
    for (int place = 0; !found.empty() && place < place_of(found.front()->first); ++place) {
      const auto first = std::find_if(found.begin(), found.end(),
                                      [&](const Found* one) { return place_of(one->first) == place; });
      if (first != found.end()) choose(*first);
    }
    for (const Found* one : found) choose(one);
    std::stable_sort(chosen.begin(), chosen.end(),
                     [](const Found* a, const Found* b) { return place_of(a->first) < place_of(b->first); });
    std::vector<Remedy> remedies;
    for (const Found* one : chosen) remedies.push_back(one->second);
    return remedies;
  }

  const JobSpec& job_;
  std::span<const Axis> fixed_;
  Seconds step_;
  double needed_;
  double missing_;  ///< bytes per device
  std::vector<Tried> singles_;
  std::vector<Found> fitting_;
  std::int64_t plans_ = 0;
};

}  // namespace

Advice advise(const JobSpec& job, const Estimate& estimate, std::span<const Axis> fixed) {
  if (estimate.memory.fits) return {};
  return RemedySearch(job, estimate, fixed).run();
}

}  // namespace foreshard
