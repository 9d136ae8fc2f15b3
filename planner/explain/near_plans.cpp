#include "planner/explain/near_plans.hpp"

#include <algorithm>
#include <utility>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/spec/types/recompute_spec.hpp"

namespace foreshard {
namespace {

/// What recomputes less than the job does, the most first.
std::vector<RecomputeChoice> lighter(const TrainingSpec& training) {
  switch (training.recompute) {
    case Recompute::none: return {};
    case Recompute::selective: return {Recompute::none};
    case Recompute::selective_ops:
    case Recompute::modules: return {Recompute::selective, Recompute::none};
    case Recompute::full: break;
  }
  std::vector<RecomputeChoice> choices;
  if (std::holds_alternative<AllLayers>(training.recompute_layers))
    choices.emplace_back(Recompute::full, ShareOfLayers{0.5});
  choices.emplace_back(Recompute::selective);
  choices.emplace_back(Recompute::none);
  return choices;
}

class NearChanges {
 public:
  explicit NearChanges(const JobSpec& job) : job_(job) {}

  std::vector<Change> list() {
    const ParallelismSpec& p = job_.parallelism;
    for (RecomputeChoice& choice : lighter(job_.training)) add().recompute = std::move(choice);
    add().micro_batch = 2 * job_.training.micro_batch;
    if (job_.training.micro_batch % 2 == 0) add().micro_batch = job_.training.micro_batch / 2;
    around(&Change::tp, p.tp, job_.cluster.devices_per_node);
    around(&Change::pp, p.pp, std::min(job_.cluster.devices(), job_.model.layers));
    around(&Change::cp, p.cp, p.cp);
    if (job_.model.experts) around(&Change::ep, p.ep, job_.model.experts->count);
    for (std::int64_t zero = 0; zero <= 3; ++zero)
      if (zero != p.zero) add().zero = zero;
    add_pairs();
    return std::move(changes_);
  }

 private:
  Change& add() { return changes_.emplace_back(); }
  void around(std::optional<std::int64_t> Change::*degree, std::int64_t now, std::int64_t most) {
    if (2 * now <= most) add().*degree = 2 * now;
    if (now % 2 == 0) add().*degree = now / 2;
  }
  void add_pairs() {
    const std::size_t singles = changes_.size();
    for (std::size_t a = 0; a < singles; ++a) {
      for (std::size_t b = a + 1; b < singles; ++b)
        if (auto pair = both(changes_[a], changes_[b])) changes_.push_back(std::move(*pair));
    }
  }

  const JobSpec& job_;
  std::vector<Change> changes_;
};

}  // namespace

std::vector<Change> near_changes(const JobSpec& job) { return NearChanges(job).list(); }

std::vector<NearPlan> near_plans(const JobSpec& job, Bytes capacity, std::int64_t& tried) {
  std::vector<NearPlan> plans;
  for (const Change& change : near_changes(job)) {
    std::optional<JobSpec> changed = changed_job(job, change, {});
    if (!changed) continue;
    std::vector<Setting> settings = settings_between(job, *changed);
    const bool is_known = std::any_of(plans.begin(), plans.end(),
                                      [&](const NearPlan& plan) { return plan.settings == settings; });
    if (settings.empty() || is_known) continue;
    ++tried;
    const StepProgram program = build_step_program(*changed);
    const MemoryReport memory = memory_report(*changed, program);
    const Bytes needed = memory.reserved + memory.context;
    if (needed > capacity) continue;
    const Seconds step = estimate(*changed, program).step.time;
    plans.push_back({std::move(settings), std::move(*changed), step, needed});
  }
  return plans;
}

std::optional<NearPlan> fastest(const std::vector<NearPlan>& plans, Bytes capacity) {
  const NearPlan* best = nullptr;
  for (const NearPlan& plan : plans) {
    if (plan.fits(capacity) && (best == nullptr || plan.step < best->step)) best = &plan;
  }
  return best != nullptr ? std::optional(*best) : std::nullopt;
}

}  // namespace foreshard
