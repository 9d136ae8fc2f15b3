#include "planner/diagnose/planned_parts.hpp"

#include <numeric>
#include <utility>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/lane_plan.hpp"

namespace foreshard {
namespace {

DiagnosedPart part_of(const Op& op) {
  if (op.component == Component::experts || op.component == Component::router) return DiagnosedPart::experts;
  if (op.component == Component::attention_core) return DiagnosedPart::attention;
  return is_product(op) ? DiagnosedPart::products : DiagnosedPart::passes;
}

/// Kernels of one rank's step, mean over stages, without the optimizer's.
PartTimes kernel_times(const StepProgram& program, const OpTimes& times) {
  PartTimes sums{};
  const double share = 1.0 / static_cast<double>(program.stages.size());
  for (std::size_t s = 0; s < program.stages.size(); ++s) {
    const std::vector<std::int64_t> calls = count_block_calls(program, StageId(s));
    for (std::size_t b = 0; b < program.blocks.size(); ++b) {
      const std::vector<Op>& ops = program.blocks[b].ops;
      for (std::size_t o = 0; o < ops.size(); ++o) {
        const bool is_update =
            ops[o].component == Component::optimizer || ops[o].component == Component::gradient_sync;
        if (is_update || !is_kernel(ops[o])) continue;
        sums[static_cast<std::size_t>(part_of(ops[o]))] +=
            share * static_cast<double>(calls[b]) * times[b][o].time;
      }
    }
  }
  return sums;
}

}  // namespace

PartTimes planned_parts(const JobSpec& job, const StepProgram& program, const Estimate& estimate) {
  const CostModel cost(job);
  PartTimes parts = kernel_times(program, price_operations(program, cost));
  const StepBreakdown& breakdown = estimate.step.breakdown;
  const Seconds kernels = std::accumulate(parts.begin(), parts.end(), Seconds());
  const double slower = kernels > Seconds() ? breakdown.compute / kernels : 1.0;
  for (Seconds& part : parts) part *= slower;
  const auto set = [&](DiagnosedPart part, Seconds time) { parts[static_cast<std::size_t>(part)] = time; };
  set(DiagnosedPart::optimizer, breakdown.optimizer);
  set(DiagnosedPart::copies, breakdown.offload_exposed);
  set(DiagnosedPart::tp, breakdown.tp_exposed);
  set(DiagnosedPart::cp, breakdown.cp_exposed);
  set(DiagnosedPart::ep, breakdown.ep_exposed);
  set(DiagnosedPart::pp, breakdown.pp_exposed + breakdown.bubble);
  set(DiagnosedPart::dp, breakdown.dp_exposed);
  set(DiagnosedPart::host, breakdown.overhead);
  return parts;
}

}  // namespace foreshard
