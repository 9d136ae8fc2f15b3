#include "planner/diagnose/diagnosis.hpp"

#include <utility>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/diagnose/group_axis.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/topology/device_mesh.hpp"

namespace foreshard {
namespace {

DiagnosedPart part_of(CommAxis axis) {
  switch (axis) {
    case CommAxis::tp: return DiagnosedPart::tp;
    case CommAxis::pp: return DiagnosedPart::pp;
    case CommAxis::dp: return DiagnosedPart::dp;
    case CommAxis::cp: return DiagnosedPart::cp;
    case CommAxis::ep: return DiagnosedPart::ep;
    case CommAxis::offload: return DiagnosedPart::copies;
  }
  return DiagnosedPart::unknown;
}

std::optional<CollectiveKind> collective_of(std::string_view word) {
  for (const CollectiveKind kind : {CollectiveKind::all_reduce, CollectiveKind::all_gather,
                                    CollectiveKind::reduce_scatter, CollectiveKind::all_to_all})
    if (to_string(kind) == word) return kind;
  return std::nullopt;
}

DiagnosedCollective diagnosed(const TracedCollective& traced, double steps, const JobSpec& job,
                              const CostModel& cost) {
  DiagnosedCollective result{.traced = traced,
                             .calls = static_cast<double>(traced.calls) / steps,
                             .axis = {},
                             .bus = {},
                             .planned_bus = {}};
  result.traced.time /= steps;
  result.traced.exposed /= steps;
  const std::optional<GroupKind> group = group_of(traced, job);
  if (group) result.axis = axis_of(*group);
  const std::optional<CollectiveKind> kind = collective_of(traced.kind);
  if (!kind || traced.payload == Bytes() || traced.members < 2) return result;
  const Bytes sent = ring_bytes_sent(*kind, traced.payload, traced.members);
  if (result.traced.time > Seconds()) result.bus = sent / (result.traced.time / result.calls);
  if (!group || DeviceMesh(job.parallelism).group(*group).size != traced.members) return result;
  const Seconds planned = cost.collective_time(*kind, traced.payload, *group);
  if (planned > Seconds()) result.planned_bus = sent / planned;
  return result;
}

}  // namespace

TraceDiagnosis diagnose_trace(const JobSpec& job, const Estimate& estimate, const TracedSteps& traced,
                              const TraceHeader& header) {
  const auto steps = static_cast<double>(traced.steps.size());
  TraceDiagnosis result{.step = traced.window / steps,
                        .steps = static_cast<std::int64_t>(traced.steps.size()),
                        .are_marked = traced.are_marked,
                        .planned = planned_parts(job, build_step_program(job), estimate),
                        .measured = {},
                        .collectives = {},
                        .kernels = traced.kernels,
                        .rank = header.rank,
                        .device = header.device};
  const auto measured = [&](DiagnosedPart part) -> Seconds& {
    return result.measured[static_cast<std::size_t>(part)];
  };
  const auto of = [&](TracePart part) { return traced.parts[static_cast<std::size_t>(part)] / steps; };
  measured(DiagnosedPart::products) = of(TracePart::products);
  measured(DiagnosedPart::attention) = of(TracePart::attention);
  measured(DiagnosedPart::experts) = of(TracePart::experts);
  measured(DiagnosedPart::passes) = of(TracePart::passes);
  measured(DiagnosedPart::optimizer) = of(TracePart::optimizer);
  measured(DiagnosedPart::copies) = of(TracePart::copies);
  measured(DiagnosedPart::host) = traced.host / steps;
  measured(DiagnosedPart::idle) = traced.other / steps;
  const CostModel cost(job);
  for (const TracedCollective& collective : traced.collectives) {
    result.collectives.push_back(diagnosed(collective, steps, job, cost));
    const DiagnosedCollective& one = result.collectives.back();
    measured(one.axis ? part_of(*one.axis) : DiagnosedPart::unknown) += one.traced.exposed;
  }
  return result;
}

Diagnosis diagnose(const Estimate& estimate, std::optional<TraceDiagnosis> trace,
                   std::optional<LoggedTimes> log) {
  const StepFigures& step = estimate.step;
  Diagnosis result{.planned = step.time,
                   .planned_low = step.time_low,
                   .planned_high = step.time_high,
                   .measured = log ? log->median : trace->step,
                   .trace = std::move(trace),
                   .log = log};
  result.reached = result.planned / result.measured;
  return result;
}

}  // namespace foreshard
