#include "runtime/verify/step_counts.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {
namespace {

void add_communication(StepCounts& counts, const StepProgram& program, const Op& op) {
  const auto count = [&](Bytes payload) {
    counts.payload += payload;
    ++counts.calls;
  };
  const std::optional<Communication> communication = communication_of(op);
  if (!communication) return;
  std::visit(overloaded{[&](const Collective& collective) {
                          if (program.group(collective.group).size > 1) count(collective.payload);
                        },
                        [&](const Send& send) { count(send.payload); },
                        [](const Recv&) {}},  // the sender counts a transfer
             *communication);
}

/// The sum of an integer over all ranks. Doubles are exact below 2⁵³, so the upper and lower bits are summed
/// separately.
std::int64_t sum(Communicator& communicator, std::int64_t own) {
  constexpr std::int64_t kHalf = std::int64_t{1} << 30;
  const auto [upper, lower] = std::div(own, kHalf);
  const double low = communicator.sum_over_world(static_cast<double>(lower));
  const double high = communicator.sum_over_world(static_cast<double>(upper));
  return static_cast<std::int64_t>(high) * kHalf + static_cast<std::int64_t>(low);
}

}  // namespace

StepCounts planned_counts(const StepProgram& program, StageId stage) {
  StepCounts counts;
  for (const Run& run : runs_of(program, stage)) {
    for (const Op& op : program.block(run.block_call.block).ops) {
      counts.flops += op_flops(op).hardware;
      add_communication(counts, program, op);
    }
  }
  return counts;
}

namespace {

/// Elements that the exchange moved, counted like Collective::payload.
std::int64_t routed_elements(const Collective& collective, const Routing& routing) {
  const auto sum_of = [](const std::vector<std::int64_t>& elements) {
    return std::accumulate(elements.begin(), elements.end(), std::int64_t{0});
  };
  if (collective.group == GroupKind::etp) return sum_of(routing.of_etp());
  return std::max(sum_of(routing.sent()), sum_of(routing.arrived()));
}

}  // namespace

StepCounts routed_counts(const RankPlan& plan) {
  const StepProgram& program = plan.program();
  StepCounts counts = planned_counts(program, plan.stage());
  for (const PlannedOp& planned : plan.ops()) {
    const Op& op = plan.op(planned.at);
    const Run& run = plan.runs()[planned.at.run];
    const Routing* routing = plan.routing(run.block_call.layer, run.micro_batch);
    if (routing == nullptr || op.component != Component::experts) continue;
    if (const auto* gemm = std::get_if<GroupedGemm>(&op.kind)) {
      GroupedGemm routed = *gemm;
      routed.tokens = routing->rows().total;
      Op with_rows = op;
      with_rows.kind = routed;
      counts.flops = counts.flops - op_flops(op).hardware + op_flops(with_rows).hardware;
    } else if (const auto* collective = std::get_if<Collective>(&op.kind)) {
      if (program.group(collective->group).size == 1) continue;
      const DType type = program.tensor(op.operands[0].tensor).dtype;
      counts.payload =
          counts.payload - collective->payload + bytes_of(type, routed_elements(*collective, *routing));
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

namespace {

/// The shape of the program's first router. A rank whose stage has only dense layers has no router of its
/// own, but all ranks take part in the comparison.
std::optional<RoutedShape> routed_anywhere(const RankPlan& plan) {
  for (const Block& block : plan.program().blocks) {
    if (auto shape = routed_shape(plan.program(), block, plan.coordinates())) return shape;
  }
  return std::nullopt;
}

/// Compares the rows of the experts on this rank with what was planned. Each replica of an expert counts on
/// its own.
std::optional<RoutingCheck> check_routing(const RankPlan& plan, CountingCommunicator& communicator,
                                          const StepCounts& planned) {
  const std::optional<RoutedShape> shape = routed_anywhere(plan);
  if (!shape) return std::nullopt;
  double fewest = std::numeric_limits<double>::infinity();
  double most = 0.0;
  double busiest = 0.0;
  const std::int64_t local = shape->experts / shape->ep;
  // The tokens of all ranks of the experts' tensor-parallel group meet at each rank's experts.
  const double mean = static_cast<double>(shape->tokens * shape->etp * shape->per_token * shape->ep) /
                      static_cast<double>(shape->experts);
  for (const auto& [key, routing] : plan.routings()) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(local));
    for (const ExpertRun& run : routing.rows().runs) rows[static_cast<std::size_t>(run.expert)] += run.rows;
    fewest = std::min(fewest, static_cast<double>(*std::min_element(rows.begin(), rows.end())));
    most = std::max(most, static_cast<double>(*std::max_element(rows.begin(), rows.end())));
    busiest =
        std::max(busiest, static_cast<double>(routing.rows().total) / (mean * static_cast<double>(local)));
  }
  // A stage that has only dense layers has routed nothing: its minimum is infinite.
  fewest = -communicator.max_over_world(-fewest);
  return RoutingCheck{.fewest_rows = std::isfinite(fewest) ? static_cast<std::int64_t>(fewest) : 0,
                      .most_rows = static_cast<std::int64_t>(communicator.max_over_world(most)),
                      .mean_rows = mean,
                      .imbalance = communicator.max_over_world(busiest),
                      .planned_imbalance = shape->ep > 1 ? shape->imbalance : 1.0,
                      .planned_flops = sum(communicator, planned.flops.value()),
                      .planned_payload = sum(communicator, planned.payload.value())};
}

}  // namespace

CountCheck check_counts(const RankPlan& plan, const CountingDevice& device,
                        CountingCommunicator& communicator, const MemoryReport& memory) {
  const StepCounts planned = routed_counts(plan);
  const StepCounts seen = counted(device, communicator);
  const auto both = [&](std::int64_t foretold, std::int64_t found) {
    return Counted{sum(communicator, foretold), sum(communicator, found)};
  };
  const double ledger = communicator.max_over_world(memory.stages[plan.stage().at()].peak.as_double());
  const double peak = communicator.max_over_world(plan.layout().peak().as_double());
  return {.flops = both(planned.flops.value(), seen.flops.value()),
          .payload_bytes = both(planned.payload.value(), seen.payload.value()),
          .calls = both(planned.calls, seen.calls),
          .peak_bytes = {static_cast<std::int64_t>(ledger), static_cast<std::int64_t>(peak)},
          .routing = check_routing(plan, communicator, planned_counts(plan.program(), plan.stage()))};
}

}  // namespace foreshard
