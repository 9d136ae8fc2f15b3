#include "planner/cost/step/block_cost.hpp"

#include <algorithm>

#include "planner/units/overloaded.hpp"

namespace foreshard {

namespace {

void add_communication(BlockCost& cost, const Op& op, const StepProgram& program, Seconds time) {
  const auto count = [&](GroupKind group, Bytes sent) {
    const auto axis = static_cast<std::size_t>(axis_of(group));
    cost.comm_time[axis] += time;
    cost.comm_bytes[axis] += sent;
    cost.comm_calls[axis] += op.calls;
  };
  std::visit(overloaded{[&](const Collective& collective) {
                          count(collective.group, ring_bytes_sent(collective.kind, collective.payload,
                                                                  program.group(collective.group).size));
                        },
                        [&](const Send& send) { count(GroupKind::pp, send.payload); },
                        [](const Recv&) {}},  // its Send seen from the other side
             communication_of(op).value());
}

/// Copies between host and device, and what the host's CPU computes.
void add_offload(BlockCost& cost, const Op& op, Seconds time) {
  constexpr auto kAxis = static_cast<std::size_t>(CommAxis::offload);
  const auto* copy = std::get_if<HostCopy>(&op.kind);
  cost.comm_time[kAxis] += time;
  cost.comm_bytes[kAxis] += copy != nullptr ? copy->payload : Bytes();
  cost.comm_calls[kAxis] += op.calls;
}

bool is_scan(const Op& op) {
  return std::holds_alternative<LinearScan>(op.kind) || std::holds_alternative<CausalConv>(op.kind);
}

void add_compute(BlockCost& cost, const Op& op, const OpTime& priced) {
  const Seconds time = priced.time;
  const auto limits = [&](ComputePart part) -> LimitTimes& {
    return cost.limited[static_cast<std::size_t>(part)];
  };
  const auto limit = static_cast<std::size_t>(priced.limit);
  const OpFlops flops = op_flops(op);
  cost.hardware += flops.hardware;
  if (op.component == Component::optimizer || op.component == Component::gradient_sync) {
    limits(ComputePart::optimizer)[limit] += time;
  } else if (op.component == Component::attention_core) {
    cost.attention_core += time;
    limits(ComputePart::attention_core)[limit] += time;
  } else if (is_scan(op)) {
    cost.scans += time;
    limits(ComputePart::scans)[limit] += time;
  } else if (is_product(op)) {
    cost.gemms += time;
    limits(ComputePart::gemms)[limit] += time;
    cost.gemm_executed += flops.executed;
  } else {
    cost.memory_bound += time;
    limits(ComputePart::memory_bound)[limit] += time;
  }
}

}  // namespace

std::vector<BlockCost> price_blocks(const StepProgram& program, const OpTimes& times) {
  std::vector<BlockCost> costs(program.blocks.size());
  for (std::size_t b = 0; b < costs.size(); ++b) {
    const Block& block = program.blocks[b];
    for (std::size_t o = 0; o < block.ops.size(); ++o) {
      const Op& op = block.ops[o];
      if (is_kernel(op)) {
        add_compute(costs[b], op, times[b][o]);
      } else if (is_communication(op)) {
        add_communication(costs[b], op, program, times[b][o].time);
      } else {
        add_offload(costs[b], op, times[b][o].time);
      }
    }
  }
  return costs;
}

void add(BlockCost& sum, const BlockCost& block, std::int64_t count) {
  const auto times = static_cast<double>(count);
  sum.gemms += block.gemms * times;
  sum.attention_core += block.attention_core * times;
  sum.scans += block.scans * times;
  sum.memory_bound += block.memory_bound * times;
  for (std::size_t part = 0; part < kComputePartCount; ++part) {
    for (std::size_t limit = 0; limit < kLimitCount; ++limit)
      sum.limited[part][limit] += block.limited[part][limit] * times;
  }
  for (std::size_t a = 0; a < kCommAxisCount; ++a) {
    sum.comm_time[a] += block.comm_time[a] * times;
    sum.comm_bytes[a] += block.comm_bytes[a] * count;
    sum.comm_calls[a] += block.comm_calls[a] * count;
  }
  sum.hardware += block.hardware * count;
  sum.gemm_executed += block.gemm_executed * count;
}

}  // namespace foreshard
