#include "planner/search/space/plan_space.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "planner/units/count.hpp"

namespace foreshard {
namespace {

constexpr std::size_t depth_of(SearchAxis axis) { return static_cast<std::size_t>(axis); }

/// The depth at which dp is known: with the last of tp, cp and pp.
constexpr std::size_t kDpDepth = depth_of(SearchAxis::pp);

std::size_t depth_of(JobParts reads) {
  std::size_t depth = (reads & job_part::dp) != 0 ? kDpDepth : 0;
  for (const SearchAxis axis : kSearchAxes)
    if ((reads & part_of_axis(axis)) != 0) depth = std::max(depth, depth_of(axis));
  return depth;
}

bool has_plain(const AxisValues& values, SearchAxis axis, std::string_view word) {
  for (std::size_t place = 0; place < values.count(axis); ++place)
    if (values.word(axis, static_cast<std::uint8_t>(place)) == word) return true;
  return false;
}

// ---- Values without effect.

bool repeats_sequence_parallel(const JobSpec& job) {
  return job.parallelism.tp == 1 && job.parallelism.sequence_parallel;
}
bool repeats_etp(const JobSpec& job) {
  // Unsaid, etp is tp; where ep does not divide cp · dp it is 1, and some frameworks want that said.
  const ParallelismSpec& p = job.parallelism;
  if (checked_product(p.cp, p.dp) % p.ep == 0) return p.etp == p.tp;
  return p.etp == 1 && !cuts_experts_over_tp(job.framework);
}
bool repeats_dispatcher(const JobSpec& job) {
  return job.parallelism.ep == 1 && job.training.dispatcher != Dispatcher::all_to_all;
}
bool repeats_stages(const JobSpec& job) {
  return job.parallelism.pp == 1 && job.parallelism.stage_policy == StagePolicy::by_cost;
}
bool repeats_zero(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  const bool has_replicas = checked_product(p.dp, p.cp) > 1 || (job.model.experts && p.expert_replicas() > 1);
  return p.zero > 0 && !has_replicas;
}
bool repeats_dp_shard(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  return p.dp_shard && (*p.dp_shard == p.dp || p.zero == 0);
}

struct Repetition {
  SearchAxis axis;         ///< the one without effect
  std::string_view plain;  ///< the word that says the same and counts
  SearchAxis last;         ///< the last axis that decides it
  bool (*repeats)(const JobSpec&);
};
constexpr auto kRepetitions = std::to_array<Repetition>({
    {SearchAxis::sequence_parallel, "false", SearchAxis::sequence_parallel, repeats_sequence_parallel},
    {SearchAxis::etp, "unsaid", SearchAxis::etp, repeats_etp},
    {SearchAxis::dispatcher, "all-to-all", SearchAxis::dispatcher, repeats_dispatcher},
    {SearchAxis::stages, "even", SearchAxis::stages, repeats_stages},
    {SearchAxis::zero, "0", SearchAxis::zero, repeats_zero},
    {SearchAxis::dp_shard, "all", SearchAxis::dp_shard, repeats_dp_shard},
});

}  // namespace

void Refusals::add(const Refusals& other) {
  by_rule.resize(std::max(by_rule.size(), other.by_rule.size()));
  for (std::size_t i = 0; i < other.by_rule.size(); ++i) by_rule[i] += other.by_rule[i];
}

std::int64_t Refusals::total() const {
  return std::accumulate(by_rule.begin(), by_rule.end(), std::int64_t{0});
}

struct PlanSpace::Walk {
  const Visit& visit;
  JobSpec job;
  PlanPoint point{};
  Refusals refusals{};
  std::vector<Illegality> findings{};
};

PlanSpace::PlanSpace(const JobSpec& base, std::span<const SearchAxis> free) : values_(base, free) {
  add_rules();
}

void PlanSpace::add_rules() {
  for (const LegalityCheck& check : legality_checks()) {
    rules_.push_back({.depth = depth_of(check.reads), .check = &check});
    words_.push_back(check.reason);
  }
  for (const Repetition& repetition : kRepetitions) {
    if (!has_plain(values_, repetition.axis, repetition.plain)) continue;
    rules_.push_back({.depth = depth_of(repetition.last), .repeats = repetition.repeats});
    words_.push_back("it says the same as another plan");
  }
  for (std::size_t rule = 0; rule < rules_.size(); ++rule)
    rules_at_depth_[rules_[rule].depth].push_back(rule);
}

std::int64_t PlanSpace::behind(std::size_t depth) const {
  std::int64_t product = 1;
  for (std::size_t later = depth + 1; later < kSearchAxisCount; ++later)
    product = checked_product(product, static_cast<std::int64_t>(values_.count(kSearchAxes[later])));
  return product;
}

std::int64_t PlanSpace::combinations() const {
  return checked_product(static_cast<std::int64_t>(values_.count(kSearchAxes[0])), behind(0));
}

std::size_t PlanSpace::parts() const { return values_.count(SearchAxis::tp) * values_.count(SearchAxis::cp); }

bool PlanSpace::is_refused(Walk& walk, std::size_t depth) const {
  for (const std::size_t rule : rules_at_depth_[depth]) {
    const LegalityCheck* const check = rules_[rule].check;
    if (check != nullptr) {
      check->find(walk.job, walk.findings);
      if (walk.findings.empty()) continue;
      walk.findings.clear();
    } else if (!rules_[rule].repeats(walk.job)) {
      continue;
    }
    walk.refusals.by_rule[rule] += behind(depth);
    return true;
  }
  return false;
}

bool PlanSpace::descend(Walk& walk, std::size_t depth) const {
  if (depth == kSearchAxisCount) return walk.visit(walk.point, walk.job);
  for (std::size_t place = 0; place < values_.count(kSearchAxes[depth]); ++place) {
    walk.point.at[depth] = static_cast<std::uint8_t>(place);
    values_.set(walk.job, kSearchAxes[depth], walk.point.at[depth]);
    if (depth == kDpDepth) follow_dp(walk.job);
    if (!is_refused(walk, depth) && !descend(walk, depth + 1)) return false;
  }
  return true;
}

Refusals PlanSpace::walk(std::size_t part, const Visit& visit) const {
  Walk walk{.visit = visit, .job = values_.base()};
  walk.refusals.by_rule.resize(rules_.size());
  const std::size_t cps = values_.count(SearchAxis::cp);
  const std::array<std::size_t, 2> places{part / cps, part % cps};
  for (std::size_t depth = 0; depth < places.size(); ++depth) {
    walk.point.at[depth] = static_cast<std::uint8_t>(places[depth]);
    values_.set(walk.job, kSearchAxes[depth], walk.point.at[depth]);
  }
  // A rule on tp alone refuses every part with this tp by itself: behind(1) plans each.
  for (const std::size_t rule_depth : {std::size_t{0}, std::size_t{1}}) {
    for (const std::size_t rule : rules_at_depth_[rule_depth]) {
      rules_[rule].check->find(walk.job, walk.findings);
      if (walk.findings.empty()) continue;
      walk.refusals.by_rule[rule] += behind(1);
      return std::move(walk.refusals);
    }
  }
  descend(walk, places.size());
  return std::move(walk.refusals);
}

}  // namespace foreshard
