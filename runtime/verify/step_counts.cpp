#include "runtime/verify/step_counts.hpp"

#include "planner/cost/cost_model.hpp"

namespace foreshard {
namespace {

void add_communication(StepCounts& counts, const StepProgram& program, const Op& op) {
  Bytes payload;
  if (const auto* collective = std::get_if<Collective>(&op.kind)) {
    if (program.group(collective->group).size == 1) return;
    payload = collective->payload;
  } else if (const auto* send = std::get_if<Send>(&op.kind)) {
    payload = send->payload;
  } else {
    return;  // a Recv is its Send seen from the other side
  }
  counts.payload += payload;
  ++counts.calls;
}

/// A whole number of all ranks. Sums of doubles are exact below 2⁵³.
std::int64_t sum(Communicator& communicator, std::int64_t own) {
  constexpr std::int64_t kHalf = std::int64_t{1} << 30;
  const double low = communicator.sum_over_world(static_cast<double>(own % kHalf));
  const double high = communicator.sum_over_world(static_cast<double>(own / kHalf));
  return static_cast<std::int64_t>(high) * kHalf + static_cast<std::int64_t>(low);
}

}  // namespace

StepCounts planned_counts(const StepProgram& program, StageId stage) {
  StepCounts counts;
  for (const Run& run : runs_of(program, stage)) {
    for (const Op& op : program.block(run.visit.block).ops) {
      counts.flops += op_flops(op).hardware;
      if (is_communication(op)) add_communication(counts, program, op);
    }
  }
  return counts;
}

StepCounts counted(const CountingDevice& device, const CountingCommunicator& communicator) {
  const TrafficCount& traffic = communicator.traffic();
  StepCounts counts{.flops = device.flops(), .payload = {}, .calls = 0};
  const auto add = [&](const Traffic& part) {
    counts.payload += part.payload;
    counts.calls += part.calls;
  };
  for (const Traffic& group : traffic.collectives) add(group);
  add(traffic.sent_forward);
  add(traffic.sent_backward);
  return counts;
}

CountCheck check_counts(const RankPlan& plan, const CountingDevice& device,
                        CountingCommunicator& communicator, const MemoryReport& memory) {
  const StepCounts planned = planned_counts(plan.program(), plan.stage());
  const StepCounts seen = counted(device, communicator);
  const auto both = [&](std::int64_t foretold, std::int64_t found) {
    return Counted{sum(communicator, foretold), sum(communicator, found)};
  };
  const double ledger = communicator.max_over_world(memory.stages[plan.stage().at()].peak.as_double());
  const double peak = communicator.max_over_world(plan.layout().peak().as_double());
  return {.flops = both(planned.flops.value(), seen.flops.value()),
          .payload_bytes = both(planned.payload.value(), seen.payload.value()),
          .calls = both(planned.calls, seen.calls),
          .peak_bytes = {static_cast<std::int64_t>(ledger), static_cast<std::int64_t>(peak)}};
}

}  // namespace foreshard
