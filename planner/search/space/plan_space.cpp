#include "planner/search/space/plan_space.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "planner/units/count.hpp"

namespace foreshard {
namespace {

constexpr std::size_t depth_of(SearchAxis axis) { return static_cast<std::size_t>(axis); }

/// The depth of the last axis that is the same in all of a part.
constexpr std::size_t kPartDepth = depth_of(SearchAxis::cp);

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
bool has_replicas(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  return checked_product(p.dp, p.cp) > 1 || (job.model.experts && p.expert_replicas() > 1);
}
bool repeats_zero(const JobSpec& job) {
  // Weights go to the host with ZeRO-3 alone, even those of one replica.
  return job.parallelism.zero > 0 && !has_replicas(job) && job.training.offload.weights == 0.0;
}
bool repeats_overlap_tp(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  return job.training.overlap.tp != TpOverlap::none && p.tp == 1 &&
         (!job.model.experts || p.expert_tp() == 1);
}
bool repeats_overlap_pp(const JobSpec& job) { return job.parallelism.pp == 1 && job.training.overlap.pp; }
bool repeats_overlap_dp(const JobSpec& job) { return job.training.overlap.dp && !has_replicas(job); }
bool repeats_gather(const JobSpec& job) {
  // Only ZeRO 1 and 2 gather updated weights at once.
  const int zero = job.parallelism.zero;
  return job.training.overlap.gather && zero != 1 && zero != 2;
}
bool repeats_dp_shard(const JobSpec& job) {
  const ParallelismSpec& p = job.parallelism;
  return p.dp_shard && (*p.dp_shard == p.dp || p.zero == 0);
}

struct Repetition {
  SearchAxis axis;         ///< the one without effect
  std::string_view plain;  ///< the word that says the same and counts
  JobParts reads;          ///< the parts that decide it
  bool (*repeats)(const JobSpec&);
};
namespace part = job_part;
constexpr JobParts kMesh = part::tp | part::cp | part::dp | part::ep | part::etp;
constexpr auto kRepetitions = std::to_array<Repetition>({
    {SearchAxis::sequence_parallel, "false", part::tp | part::sequence_parallel, repeats_sequence_parallel},
    {SearchAxis::etp, "unsaid", kMesh, repeats_etp},
    {SearchAxis::dispatcher, "all-to-all", part::ep | part::dispatcher, repeats_dispatcher},
    {SearchAxis::stages, "even", part::pp | part::stages, repeats_stages},
    {SearchAxis::overlap_tp, "none", kMesh | part::overlap_tp, repeats_overlap_tp},
    {SearchAxis::overlap_pp, "false", part::pp | part::overlap_pp, repeats_overlap_pp},
    {SearchAxis::overlap_dp, "none", kMesh | part::overlap_dp, repeats_overlap_dp},
    {SearchAxis::overlap_dp, "gradients", part::overlap_dp | part::zero, repeats_gather},
    {SearchAxis::zero, "0", kMesh | part::zero | part::offload, repeats_zero},
    {SearchAxis::dp_shard, "all", part::dp | part::zero | part::dp_shard, repeats_dp_shard},
});

/// Answers that a walk keeps for a rule at most.
constexpr std::size_t kMostAnswers = 1U << 20U;

enum class Answer : std::uint8_t { unknown, accepted, refused };

}  // namespace

void Refusals::add(const Refusals& other) {
  by_rule.resize(std::max(by_rule.size(), other.by_rule.size()));
  for (std::size_t i = 0; i < other.by_rule.size(); ++i) by_rule[i] += other.by_rule[i];
}

std::int64_t Refusals::total() const {
  return std::accumulate(by_rule.begin(), by_rule.end(), std::int64_t{0});
}

/// Where a walk is. Its job follows the point when it is asked for.
class PlanSpace::Walk {
 public:
  Walk(const PlanSpace& space, const Visit& called)
      : visit(called), space_(space), job_(space.values_.base()), answers_(space.rules_.size()) {
    refusals.by_rule.resize(space.rules_.size());
    job_point_.at.fill(kNoPlace);
    for (std::size_t rule = 0; rule < answers_.size(); ++rule)
      answers_[rule].resize(space.rules_[rule].answers, Answer::unknown);
  }

  /// The job with the point's values on all axes up to this depth; those of the deeper ones are left over from before.
  const JobSpec& job(std::size_t depth) {
    bool moves_dp = false;
    for (std::size_t at = 0; at <= depth; ++at) {
      if (job_point_.at[at] == point.at[at]) continue;
      job_point_.at[at] = point.at[at];
      space_.values_.set(job_, kSearchAxes[at], point.at[at]);
      moves_dp |= at <= kDpDepth;
    }
    if (moves_dp) follow_dp(job_);
    return job_;
  }

  bool is_refused_by(std::size_t rule, std::size_t depth) {
    const Rule& checked = space_.rules_[rule];
    if (checked.answers == 0) return asks(checked, depth);
    std::size_t index = 0;
    for (const Read& read : checked.reads) index += read.stride * point.at[read.depth];
    Answer& answer = answers_[rule][index];
    if (answer == Answer::unknown) answer = asks(checked, depth) ? Answer::refused : Answer::accepted;
    return answer == Answer::refused;
  }

  const Visit& visit;
  PlanPoint point{};
  Refusals refusals{};

 private:
  static constexpr std::uint8_t kNoPlace = 255;  // places are below kMostValues

  bool asks(const Rule& rule, std::size_t depth) {
    if (rule.check == nullptr) return rule.repeats(job(depth));
    rule.check->find(job(depth), findings_);
    const bool refused = !findings_.empty();
    findings_.clear();
    return refused;
  }

  const PlanSpace& space_;
  JobSpec job_;
  PlanPoint job_point_{};                     // the values that job_ has
  std::vector<std::vector<Answer>> answers_;  // by rule
  std::vector<Illegality> findings_;
};

PlanSpace::PlanSpace(const JobSpec& base, std::span<const SearchAxis> free) : values_(base, free) {
  std::int64_t behind = 1;
  for (std::size_t depth = kSearchAxisCount; depth-- > 0;) {
    behind_[depth] = behind;
    behind = checked_product(behind, static_cast<std::int64_t>(values_.count(kSearchAxes[depth])));
  }
  add_rules();
}

void PlanSpace::add_rules() {
  for (const LegalityCheck& check : legality_checks()) add_rule({.check = &check}, check.reads, check.reason);
  for (const Repetition& repetition : kRepetitions) {
    if (has_plain(values_, repetition.axis, repetition.plain))
      add_rule({.repeats = repetition.repeats}, repetition.reads, "it says the same as another plan");
  }
}

void PlanSpace::add_rule(Rule rule, JobParts reads, std::string_view words) {
  rule.depth = depth_of(reads);
  if ((reads & part::dp) != 0) reads |= part_of_axis(SearchAxis::pp);
  for (const SearchAxis axis : kSearchAxes) {
    if ((reads & part_of_axis(axis)) == 0 || depth_of(axis) <= kPartDepth) continue;
    rule.reads.push_back({.depth = depth_of(axis), .stride = rule.answers});
    rule.answers = std::min(rule.answers * values_.count(axis), kMostAnswers + 1);
  }
  if (rule.answers > kMostAnswers) rule.answers = 0;
  rules_at_depth_[rule.depth].push_back(rules_.size());
  rules_.push_back(std::move(rule));
  words_.push_back(words);
}

std::int64_t PlanSpace::combinations() const {
  return checked_product(static_cast<std::int64_t>(values_.count(kSearchAxes[0])), behind_[0]);
}

std::size_t PlanSpace::parts() const {
  std::size_t parts = 1;
  for (std::size_t depth = 0; depth <= kPartDepth; ++depth) parts *= values_.count(kSearchAxes[depth]);
  return parts;
}

PlanPoint PlanSpace::begin_of(std::size_t part) const {
  PlanPoint point;
  for (std::size_t depth = kPartDepth + 1; depth-- > 0;) {
    const std::size_t count = values_.count(kSearchAxes[depth]);
    point.at[depth] = static_cast<std::uint8_t>(part % count);
    part /= count;
  }
  return point;
}

JobSpec PlanSpace::job_of_part(std::size_t part) const {
  const PlanPoint point = begin_of(part);
  JobSpec job = values_.base();
  for (std::size_t depth = 0; depth <= kPartDepth; ++depth)
    values_.set(job, kSearchAxes[depth], point.at[depth]);
  return job;
}

bool PlanSpace::is_refused(Walk& walk, std::size_t depth) const {
  for (const std::size_t rule : rules_at_depth_[depth]) {
    if (!walk.is_refused_by(rule, depth)) continue;
    walk.refusals.by_rule[rule] += behind_[depth];
    return true;
  }
  return false;
}

bool PlanSpace::descend(Walk& walk, std::size_t depth) const {
  if (depth == kSearchAxisCount) return walk.visit(walk.point, walk.job(depth - 1));
  for (std::size_t place = 0; place < values_.count(kSearchAxes[depth]); ++place) {
    walk.point.at[depth] = static_cast<std::uint8_t>(place);
    if (!is_refused(walk, depth) && !descend(walk, depth + 1)) return false;
  }
  return true;
}

Refusals PlanSpace::walk(std::size_t part, const Visit& visit) const {
  Walk walk(*this, visit);
  walk.point = begin_of(part);
  // A rule on the first axes alone refuses every part with these values by itself: behind_[kPartDepth] plans each.
  for (std::size_t depth = 0; depth <= kPartDepth; ++depth) {
    for (const std::size_t rule : rules_at_depth_[depth]) {
      if (!walk.is_refused_by(rule, kPartDepth)) continue;
      walk.refusals.by_rule[rule] += behind_[kPartDepth];
      return std::move(walk.refusals);
    }
  }
  descend(walk, kPartDepth + 1);
  return std::move(walk.refusals);
}

}  // namespace foreshard
